/* Filters in LangSmith's function language. */
#include "dialect/langsmith_write.h"

#include <math.h>

#include "base/json.h"
#include "base/number.h"
#include "base/time.h"
#include "base/words.h"

static void put(langsmith_writer *lw, const char *text) { langsmith_put(lw, text); }
static void put_text(langsmith_writer *lw, const char *text, size_t length) { sq_json_write_string(lw->w->out, text, length); }

/* ---------------------------------------------------------------------------------------------------- values */

static void put_integer(langsmith_writer *lw, const sq_node *leaf, const langsmith_field *field, int64_t value) {
  if (field->class == LANGSMITH_OF_TIMES) sq_write_json_time(lw->w, leaf, value);
  else sq_write_scaled(lw->w->out, value, field->class == LANGSMITH_OF_SECONDS ? field->digits : sq_seen_type(leaf) == SQ_T_MONEY ? 9 : 0);
}

/* A time among the numbers of a map is its seconds. */
static void put_real(langsmith_writer *lw, const sq_node *leaf, const langsmith_field *field, double value) {
  double micros = value * (double)SQ_MICROS_PER_SECOND;
  if (field->class != LANGSMITH_OF_TIMES) sq_write_real(lw->w->out, value);
  else sq_write_json_time(lw->w, leaf, fabs(micros) < 9e18 ? (int64_t)round(micros) : INT64_MAX);
}

static bool is_status(const sq_value *value) {
  return sq_same_text("success", value->text, value->length) || sq_same_text("error", value->text, value->length) ||
         sq_same_text("pending", value->text, value->length);
}

static void put_value(langsmith_writer *lw, const sq_node *leaf, const langsmith_field *field, const sq_value *value) {
  static const unsigned texts = LANGSMITH_OF_TEXT | LANGSMITH_OF_STATUS | LANGSMITH_OF_LISTS | LANGSMITH_OF_ANY;
  static const unsigned numbers = LANGSMITH_OF_NUMBERS | LANGSMITH_OF_SECONDS | LANGSMITH_OF_TIMES | LANGSMITH_OF_ANY;
  static const unsigned takers[] = {[SQ_BOOLEAN] = LANGSMITH_OF_ANY, [SQ_INTEGER] = numbers, [SQ_REAL] = numbers, [SQ_STRING] = texts};
  bool choice = leaf->op == SQ_OP_EQ || leaf->op == SQ_OP_AMONG;
  if (!(takers[value->kind] & field->class)) sq_unsaid(lw->w, leaf, "LangSmith's %s has no such values", field->name);
  else if (field->class == LANGSMITH_OF_STATUS && choice && !is_status(value)) sq_unsaid(lw->w, leaf, "LangSmith's status is success, error or pending");
  else if (value->kind == SQ_STRING) put_text(lw, value->text, value->length);
  else if (value->kind == SQ_INTEGER) put_integer(lw, leaf, field, value->integer);
  else if (value->kind == SQ_REAL) put_real(lw, leaf, field, value->real);
  else put(lw, value->boolean ? "true" : "false");
}

/* ---------------------------------------------------------------------------------------------------- choices */

static bool is_choice_leaf(const sq_node *node) {
  return node->kind == SQ_N_COMPARE && (node->op == SQ_OP_EQ || node->op == SQ_OP_AMONG);
}

bool langsmith_is_choice(const sq_node *node) {
  if (node->kind != SQ_N_OR) return is_choice_leaf(node);
  for (uint32_t i = 0; i < node->count; i++) {
    const sq_node *kid = node->kids[i], *first = node->kids[0];
    bool never = kid->kind == SQ_N_FALSE && sq_is_leaf(kid);
    if ((!is_choice_leaf(kid) && !never) || kid->field != first->field || kid->flags != first->flags || kid->name || first->name) return false;
  }
  return true;
}

/* Where text is asked about, a number or truth value that looks the same counts as well. */
static bool looks_like(const sq_value *text, sq_value *out) {
  char shortest[32];
  if (sq_same_text("true", text->text, text->length) || sq_same_text("false", text->text, text->length)) {
    *out = (sq_value){.kind = SQ_BOOLEAN, .boolean = *text->text == 't'};
    return true;
  }
  if (!sq_number_valid(text->text, text->length)) return false;
  *out = (sq_value){.kind = SQ_REAL, .real = sq_number_parse(text->text, text->length)};
  if (!isfinite(out->real)) return false;
  size_t length = sq_number_format(out->real, shortest);
  return length == text->length && memcmp(shortest, text->text, length) == 0;
}

typedef struct values {
  sq_value *items;
  size_t count;
} values;

static void add_values(const sq_node *leaf, sq_kind kind, values *out) {
  for (uint32_t i = 0; leaf->kind == SQ_N_COMPARE && i < leaf->count; i++) {
    sq_value other = {.kind = SQ_NULL};
    if (leaf->values[i].value.kind == kind) out->items[out->count++] = leaf->values[i].value;
    if (leaf->flags & SQ_AS_TEXT && looks_like(&leaf->values[i].value, &other) && other.kind == kind) out->items[out->count++] = other;
  }
}

/* All values of a choice, in the order of kinds in which bind puts them. */
static bool values_of(langsmith_writer *lw, const sq_node *choice, values *out) {
  static const sq_kind kinds[] = {SQ_STRING, SQ_INTEGER, SQ_REAL, SQ_BOOLEAN};
  size_t most = 1;
  bool many = choice->kind == SQ_N_OR;
  for (uint32_t i = 0; many && i < choice->count; i++) most += 2 * (size_t)choice->kids[i]->count;
  if (!many) most += 2 * (size_t)choice->count;
  *out = (values){sq_arena_take(lw->w->arena, most * sizeof *out->items), 0};
  if (!out->items) return sq_fail_memory(lw->w->error);
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    for (uint32_t i = 0; many && i < choice->count; i++) add_values(choice->kids[i], kinds[k], out);
    if (!many) add_values(choice, kinds[k], out);
  }
  return true;
}

static const langsmith_function *function_of(sq_op op, bool negative) {
  const langsmith_function *f = langsmith_functions;
  while (f->name && (f->shape != LANGSMITH_COMPARE || f->op != op || f->negative != negative)) f++;
  return f->name ? f : NULL;
}

/* FUNCTION(field, value) */
static void put_one(langsmith_writer *lw, const sq_node *leaf, const langsmith_field *field, const langsmith_function *f, const sq_value *value) {
  if (!(f->classes & field->class)) {
    sq_unsaid(lw->w, leaf, "LangSmith has no %s for %s", f->name, field->name);
    return;
  }
  sq_text_format(lw->w->out, "%s(%s, ", f->name, field->name);
  put_value(lw, leaf, field, value);
  put(lw, ")");
}

static void put_choice(langsmith_writer *lw, const sq_node *choice, const langsmith_field *field, bool negated) {
  const sq_node *leaf = choice->kind == SQ_N_OR ? choice->kids[0] : choice;
  const langsmith_function *one = function_of(SQ_OP_EQ, negated), *in = function_of(SQ_OP_AMONG, false);
  values all;
  if (!values_of(lw, choice, &all)) return;
  if (all.count == 1 && leaf->op == SQ_OP_EQ && choice->kind != SQ_N_OR) {
    put_one(lw, leaf, field, one, &all.items[0]);
    return;
  }
  if (!(in->classes & field->class)) sq_unsaid(lw->w, leaf, "LangSmith has no in for %s", field->name);
  if (!negated) sq_text_format(lw->w->out, "in(%s, [", field->name);
  for (size_t i = 0; i < all.count; i++) {
    if (i) put(lw, ", ");
    if (negated) put_one(lw, leaf, field, one, &all.items[i]);
    else put_value(lw, leaf, field, &all.items[i]);
  }
  if (!negated) put(lw, "])");
}

/* --------------------------------------------------------------------------------------------------- patterns */

/* In any case it is the same: no letter. */
static bool is_caseless(const sq_value *needle) {
  for (uint32_t i = 0; i < needle->length; i++) {
    unsigned char c = (unsigned char)needle->text[i];
    if (c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return false;
  }
  return true;
}

static void put_like(langsmith_writer *lw, const sq_node *leaf, const langsmith_field *field, bool negated) {
  sq_value pattern = leaf->values[0].value;
  if (leaf->op != SQ_OP_LIKE && !is_caseless(&pattern)) {
    sq_unsaid(lw->w, leaf, "LangSmith's like tells upper from lower case");
    return;
  }
  if (leaf->flags & SQ_AS_TEXT && !sq_same_as_text(leaf)) {
    sq_unsaid(lw->w, leaf, "LangSmith's like looks at text only, not at numbers");
    return;
  }
  if (leaf->op == SQ_OP_CONTAINS) pattern = sq_as_pattern(lw->w, &pattern, true);
  put_one(lw, leaf, field, function_of(SQ_OP_LIKE, negated), &pattern);
}

static bool holds_space(const sq_value *text) {
  for (uint32_t i = 0; i < text->length; i++)
    if (sq_one_of(" \t\n\r", text->text[i])) return true;
  return false;
}

/* search divides at white space, a phrase may hold some: any other byte between its words says the same. */
void langsmith_put_phrase(langsmith_writer *lw, const sq_value *words) {
  if (!holds_space(words)) {
    put_text(lw, words->text, words->length);
    return;
  }
  char *joined = sq_arena_copy(lw->w->arena, words->text, words->length);
  if (!joined) {
    sq_fail_memory(lw->w->error);
    return;
  }
  for (uint32_t i = 0; i < words->length; i++)
    if (sq_one_of(" \t\n\r", joined[i])) joined[i] = '-';
  put_text(lw, joined, words->length);
}

bool langsmith_has_word(const sq_value *text) {
  const char *at = text->text, *token;
  size_t length;
  return sq_words_next(&at, text->text + text->length, &token, &length);
}

/* Of a phrase without a word there is no more to ask than that the field is there. */
static void put_search(langsmith_writer *lw, const sq_node *leaf, const langsmith_field *field) {
  const langsmith_function *f = langsmith_functions;
  while (f->shape != LANGSMITH_SEARCH) f++;
  if (field->family || !(f->classes & field->class) || leaf->flags) {
    sq_unsaid(lw->w, leaf, "LangSmith has no search for %s", field->name);
    return;
  }
  bool word = langsmith_has_word(&leaf->values[0].value);
  sq_text_format(lw->w->out, word ? "search(%s, " : "neq(%s, ", field->name);
  if (word) langsmith_put_phrase(lw, &leaf->values[0].value);
  else put(lw, "null");
  put(lw, ")");
}

/* -------------------------------------------------------------------------------------------------- comparisons */

static void put_bounds(langsmith_writer *lw, const sq_node *leaf, const langsmith_field *field) {
  put_one(lw, leaf, field, function_of(SQ_OP_GTE, false), &leaf->values[0].value);
  put(lw, ", ");
  put_one(lw, leaf, field, function_of(SQ_OP_LTE, false), &leaf->values[1].value);
}

void langsmith_put_calls(langsmith_writer *lw, const sq_node *leaf, const langsmith_field *field, bool negated) {
  sq_op op = leaf->op;
  bool never = leaf->kind == SQ_N_FALSE;
  if (!never && langsmith_is_choice(leaf)) put_choice(lw, leaf, field, negated);
  else if (!never && op == SQ_OP_PRESENT) sq_text_format(lw->w->out, "%s(%s, null)", negated ? "eq" : "neq", field->name);
  else if (!never && (op == SQ_OP_LIKE || op == SQ_OP_ILIKE || op == SQ_OP_CONTAINS)) put_like(lw, leaf, field, negated);
  else if (negated) sq_unsaid(lw->w, leaf, "LangSmith cannot ask that the same entry has it not");
  else if (never) sq_text_format(lw->w->out, "in(%s, [])", field->name);
  else if (op == SQ_OP_PHRASE) put_search(lw, leaf, field);
  else if (leaf->flags) sq_unsaid(lw->w, leaf, "LangSmith does not order numbers as text");
  else if (op == SQ_OP_BETWEEN) put_bounds(lw, leaf, field);
  else put_one(lw, leaf, field, function_of(op, false), &leaf->values[0].value);
}
