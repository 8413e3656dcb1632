/* LangSmith's function language: terms become conditions. */
#include "dialect/langsmith.h"

#include "base/json.h"
#include "base/pattern.h"
#include "base/time.h"
#include "base/words.h"

/* ---------------------------------------------------------------------------------------------- errors */

#define FAIL(l, code, at, ...) sq_fail_at((l)->builder->error, code, (at).offset, (at).length, __VA_ARGS__)

static const char *term_name(const langsmith_term *term) {
  static const char *const values[] = {[SQ_NULL] = "null", [SQ_BOOLEAN] = "true or false", [SQ_STRING] = "text", [SQ_NUMBER] = "a number"};
  switch (term->kind) {
    case LANGSMITH_CALL: return "a function";
    case LANGSMITH_LIST: return "a list";
    case LANGSMITH_NAME: return "a bare word (text stands in quotes)";
    default: return values[term->value.value.kind];
  }
}

/* What the hosted service does not have, a strict filter does not have either. */
static bool check_ours(langsmith *l, bool ours, const char *name, sq_place place) {
  if (!ours || !l->builder->strict) return true;
  return FAIL(l, SQ_E_UNKNOWN, place, "'%s' is an extension of ours, which LangSmith refuses (strict)", name);
}

/* ------------------------------------------------------------------------------------ functions and fields */

static sq_place name_place(const langsmith_term *call) { return (sq_place){call->place.offset, (uint32_t)call->length}; }

static bool check_count(langsmith *l, const langsmith_function *f, const langsmith_term *call) {
  if (call->count >= f->least && call->count <= f->most) return true;
  return FAIL(l, SQ_E_TYPE, call->place, "%s takes %s%s, not %zu argument%s", f->name, f->usage, f->most == SIZE_MAX ? ", one or more" : "",
              call->count, call->count == 1 ? "" : "s");
}

static const langsmith_function *function_of(langsmith *l, const langsmith_term *call) {
  const langsmith_function *f = langsmith_functions;
  sq_nearest search = {call->name, call->length, NULL, 0};
  for (; f->name && !sq_same_text(f->name, call->name, call->length); f++)
    if (!f->ours || !l->builder->strict) sq_nearest_offer(&search, f->name);
  if (f->name) return check_ours(l, f->ours, f->name, name_place(call)) && check_count(l, f, call) ? f : NULL;
  FAIL(l, SQ_E_UNKNOWN, name_place(call), "unknown function '%s'", sq_show(call->name, call->length).text);
  if (search.best) sq_error_append(l->builder->error, ", did you mean '%s'?", search.best);
  return NULL;
}

static bool fail_field(langsmith *l, const char *name, size_t length, sq_place place) {
  sq_nearest search = {name, length, NULL, 0};
  for (const langsmith_field *field = l->vocabulary->fields; field->name; field++)
    if (!field->ours || !l->builder->strict) sq_nearest_offer(&search, field->name);
  FAIL(l, SQ_E_UNKNOWN, place, "unknown field '%s'", sq_show(name, length).text);
  if (search.best) sq_error_append(l->builder->error, ", did you mean '%s'?", search.best);
  return false;
}

static const char *class_name(langsmith_class class) {
  switch (class) {
    case LANGSMITH_OF_NUMBERS: return "a number";
    case LANGSMITH_OF_SECONDS: return "a duration";
    case LANGSMITH_OF_TIMES: return "a time";
    case LANGSMITH_OF_BOOLEANS: return "true or false";
    case LANGSMITH_OF_LISTS: return "a list";
    case LANGSMITH_OF_MAPS: return "a map";
    default: return "text";
  }
}

/* The function is not for such fields. */
static bool fail_class(langsmith *l, const langsmith_function *f, const langsmith_field *field, sq_place place) {
  bool may_negate = !l->builder->strict;
  if (f->shape == LANGSMITH_HAS) return FAIL(l, SQ_E_TYPE, place, "has is for tags and metadata only, not for %s", field->name);
  if (f->shape == LANGSMITH_EXISTS) return FAIL(l, SQ_E_TYPE, place, "exists is for metadata only, not for %s", field->name);
  if (field->class == LANGSMITH_OF_MAPS)
    return FAIL(l, SQ_E_TYPE, place, "%s cannot be asked of metadata: ask with has, or with metadata_key and metadata_value", f->name);
  if (field->class == LANGSMITH_OF_LISTS && f->negative)
    return FAIL(l, SQ_E_TYPE, place, may_negate ? "%s cannot be asked of %s: write not(%s(%s, …))" : "%s cannot be asked of %s", f->name,
                field->name, f->op == SQ_OP_LIKE ? "like" : "has", field->name);
  if (field->family && f->shape == LANGSMITH_SEARCH)
    return FAIL(l, SQ_E_TYPE, place, "search cannot be asked of %s: ask with like", field->name);
  return FAIL(l, SQ_E_TYPE, place, "%s cannot be asked of %s, which is %s", f->name, field->name, class_name(field->class));
}

/* A field as an argument, bare or quoted, that the function is for. */
static const langsmith_field *field_of(langsmith *l, const langsmith_function *f, const langsmith_term *term) {
  bool quoted = term->kind == LANGSMITH_VALUE && term->value.value.kind == SQ_STRING;
  if (!quoted && term->kind != LANGSMITH_NAME) {
    FAIL(l, SQ_E_TYPE, term->place, "%s takes %s: the field comes first, not %s", f->name, f->usage, term_name(term));
    return NULL;
  }
  const char *name = quoted ? term->value.value.text : term->name;
  size_t length = quoted ? term->value.value.length : term->length;
  const langsmith_field *field = langsmith_field_named(l->vocabulary, name, length);
  if (!field) return fail_field(l, name, length, term->place) ? field : NULL;
  if (!check_ours(l, field->ours, field->name, term->place)) return NULL;
  bool for_it = (field->class & f->classes) && !(field->family && f->shape == LANGSMITH_SEARCH);
  return for_it || fail_class(l, f, field, term->place) ? field : NULL;
}

/* --------------------------------------------------------------------------------------------------- values */

static bool read_status(langsmith *l, const langsmith_compare *c, sq_operand *value) {
  static const char *const known[] = {"success", "error", "pending"};
  sq_nearest search = {value->value.text, value->value.length, NULL, 0};
  if (c->op != SQ_OP_EQ && c->op != SQ_OP_AMONG) return true;
  for (size_t i = 0; i < 3; i++) {
    if (sq_same_text(known[i], value->value.text, value->value.length)) return true;
    sq_nearest_offer(&search, known[i]);
  }
  FAIL(l, SQ_E_VALUE, value->place, "status is success, error or pending, not '%s'", sq_show(value->value.text, value->value.length).text);
  if (search.best) sq_error_append(l->builder->error, ", did you mean '%s'?", search.best);
  return false;
}

/* 5 and "5s" are seconds, "500ms" are milliseconds. */
static bool read_seconds(langsmith *l, const langsmith_compare *c, sq_operand *value) {
  const char *text = value->value.text;
  size_t length = value->value.length, unit = 0;
  int digits = c->field->digits;
  if (value->value.kind == SQ_STRING) {
    unit = length && text[length - 1] == 's' ? 1 + (length > 1 && text[length - 2] == 'm') : 0;
    if (!unit || !sq_number_valid(text, length - unit))
      return FAIL(l, SQ_E_VALUE, value->place, "'%s' is not a duration: write seconds as 5 or \"5s\", or \"500ms\"", sq_show(text, length).text);
    if (unit == 2) digits -= 3;
  }
  *value = sq_number_operand(text, length - unit, value->place);
  return digits == 0 || sq_shift_number(l->builder, value, digits);
}

/* A time among the numbers of a map is its seconds. */
static bool read_time(langsmith *l, const langsmith_compare *c, sq_operand *value) {
  sq_scaled micros;
  char seconds[32];
  if (!sq_time_read(value->value.text, value->value.length, &micros))
    return FAIL(l, SQ_E_VALUE, value->place, "'%s' is not a time: write it as RFC 3339, 2026-11-20T10:00:00Z", sq_show(value->value.text, value->value.length).text);
  if (!c->field->key) return true;
  size_t length = sq_decimal_format(micros.rounded, 6, seconds);
  const char *copy = sq_arena_copy(l->builder->arena, seconds, length);
  *value = sq_number_operand(copy, length, value->place);
  return copy || sq_fail_memory(l->builder->error);
}

static bool read_any(langsmith *l, const langsmith_compare *c, sq_operand *value) {
  sq_kind kind = value->value.kind;
  bool choice = c->op == SQ_OP_EQ || c->op == SQ_OP_AMONG;
  if (c->op == SQ_OP_LIKE && kind != SQ_STRING) return FAIL(l, SQ_E_TYPE, value->place, "a pattern is text, not %s", kind == SQ_NUMBER ? "a number" : "true or false");
  return choice || kind != SQ_BOOLEAN || FAIL(l, SQ_E_TYPE, value->place, "true and false are not ordered: ask with eq, neq or in");
}

static const struct rule {
  langsmith_class class;
  unsigned kinds; /* bit per sq_kind that may be written */
  const char *wanted;
  bool (*read)(langsmith *l, const langsmith_compare *c, sq_operand *value); /* or NULL: as it is written */
} rules[] = {
    {LANGSMITH_OF_TEXT, 1 << SQ_STRING, "text", NULL},
    {LANGSMITH_OF_LISTS, 1 << SQ_STRING, "text", NULL},
    {LANGSMITH_OF_STATUS, 1 << SQ_STRING, "text", read_status},
    {LANGSMITH_OF_NUMBERS, 1 << SQ_NUMBER, "a number", NULL},
    {LANGSMITH_OF_SECONDS, 1 << SQ_NUMBER | 1 << SQ_STRING, "a number of seconds, or text as \"500ms\"", read_seconds},
    {LANGSMITH_OF_TIMES, 1 << SQ_STRING, "a time as text", read_time},
    {LANGSMITH_OF_BOOLEANS, 1 << SQ_BOOLEAN, "true or false", NULL},
    {LANGSMITH_OF_ANY, 1 << SQ_STRING | 1 << SQ_NUMBER | 1 << SQ_BOOLEAN, "a value", read_any},
};

static bool read_value(langsmith *l, const langsmith_function *f, const langsmith_compare *c, const langsmith_term *term, sq_operand *out) {
  const struct rule *rule = rules;
  while (rule->class != c->field->class) rule++;
  *out = term->value;
  if (term->kind == LANGSMITH_VALUE && out->value.kind == SQ_NULL)
    return FAIL(l, SQ_E_TYPE, term->place, "null can be asked for with eq and neq only, not with %s", f->name);
  if (term->kind != LANGSMITH_VALUE || !(rule->kinds >> out->value.kind & 1))
    return FAIL(l, SQ_E_TYPE, term->place, "%s wants %s here, not %s", c->field->name, rule->wanted, term_name(term));
  if (rule->read && !rule->read(l, c, out)) return false;
  if (c->op != SQ_OP_LIKE || sq_pattern_check(out->value.text, out->value.length) == out->value.length) return true;
  return FAIL(l, SQ_E_VALUE, term->place, "a backslash in a like pattern must stand before %%, _ or another backslash");
}

static bool read_values(langsmith *l, const langsmith_function *f, langsmith_compare *c, const langsmith_term *term) {
  bool list = f->op == SQ_OP_AMONG;
  if (list != (term->kind == LANGSMITH_LIST))
    return FAIL(l, SQ_E_TYPE, term->place, list ? "in takes a field and a list, as in in(name, [\"a\", \"b\"]), not %s" : "%s takes one value: a list is for in", list ? term_name(term) : f->name);
  c->count = list ? term->count : 1;
  c->values = sq_arena_take(l->builder->arena, (c->count + 1) * sizeof *c->values);
  if (!c->values) return sq_fail_memory(l->builder->error);
  for (size_t i = 0; i < c->count; i++)
    if (!read_value(l, f, c, list ? &term->items[i] : term, &c->values[i])) return false;
  return true;
}

/* ---------------------------------------------------------------------------------------------- comparisons */

static bool is_null(const langsmith_term *term) { return term->kind == LANGSMITH_VALUE && term->value.value.kind == SQ_NULL; }

static bool read_compare(langsmith *l, const langsmith_function *f, const langsmith_term *call, langsmith_compare *out) {
  const langsmith_term *value = &call->items[1];
  *out = (langsmith_compare){.field = field_of(l, f, &call->items[0]), .op = f->op, .negative = f->negative, .place = call->items[0].place};
  if (!out->field) return false;
  if (!is_null(value) || f->op != SQ_OP_EQ) return read_values(l, f, out, value);
  out->op = SQ_OP_PRESENT; /* eq with null asks for absence, neq for presence */
  out->negative = !f->negative;
  return true;
}

/* is_root: there is no parent. It is never null itself: every run has an id. */
static sq_node *root_leaf(langsmith *l, const langsmith_compare *c) {
  sq_field asked = c->count ? c->field->field : SQ_F_REQUEST_ID;
  sq_op op = c->count && c->values->value.boolean ? SQ_OP_ABSENT : SQ_OP_PRESENT;
  return sq_build_compare(l->builder, asked, NULL, 0, op, NULL, 0, 0, c->place);
}

sq_node *langsmith_leaf(langsmith *l, const langsmith_compare *c) {
  if (c->field->class == LANGSMITH_OF_BOOLEANS) return root_leaf(l, c);
  const char *key = c->field->key;
  return sq_build_compare(l->builder, c->field->field, key, key ? strlen(key) : 0, c->op, c->values, c->count, 0, c->place);
}

sq_node *langsmith_lone(langsmith *l, const langsmith_compare *c) {
  sq_node *node = langsmith_leaf(l, c);
  if (c->field->family) node = sq_build_entry(l->builder, langsmith_map(c->field->family), node, c->place);
  return c->negative ? sq_build_not(l->builder, node) : node;
}

static sq_node *compare(langsmith *l, const langsmith_function *f, const langsmith_term *call) {
  langsmith_compare c;
  return read_compare(l, f, call, &c) ? langsmith_lone(l, &c) : NULL;
}

/* ----------------------------------------------------------------------------------------- has, exists, search */

static const sq_operand *text_argument(langsmith *l, const langsmith_function *f, const langsmith_term *term) {
  if (term->kind == LANGSMITH_VALUE && term->value.value.kind == SQ_STRING) return &term->value;
  FAIL(l, SQ_E_TYPE, term->place, "%s takes %s: expected text here, not %s", f->name, f->usage, term_name(term));
  return NULL;
}

static bool fail_object(langsmith *l, const langsmith_term *term) {
  FAIL(l, SQ_E_VALUE, term->place, "has(metadata, …) wants a JSON object, as in '{\"key\": \"value\"}'");
  if (!l->builder->strict) sq_error_append(l->builder->error, "; whether a key is there asks exists(metadata, …)");
  return false;
}

/* The value behind a key of the object. */
static bool read_member(langsmith *l, sq_json *json, const langsmith_term *term, sq_operand *out) {
  sq_token token = sq_json_next(json);
  *out = sq_boolean_operand(token == SQ_TOKEN_TRUE, term->place);
  if (token == SQ_TOKEN_TRUE || token == SQ_TOKEN_FALSE) return true;
  if (token == SQ_TOKEN_ERROR) return fail_object(l, term);
  if (token == SQ_TOKEN_NUMBER) *out = sq_number_operand(json->token, json->length, term->place);
  else if (token == SQ_TOKEN_STRING) return sq_json_text(json, l->builder->arena, &out->value) || sq_fail_memory(l->builder->error);
  else return FAIL(l, SQ_E_TYPE, term->place, "a value in the object of has(metadata, …) is text, a number, true or false, not %s", token == SQ_TOKEN_NULL ? "null" : "nested");
  return true;
}

/* A pair of has(metadata, …). A thread's key is about our session_id too, as in langsmith_pairs.c. */
static sq_node *member(langsmith *l, const sq_value *key, const sq_operand *value, sq_place place) {
  sq_node *node = sq_build_compare(l->builder, SQ_F_PROPERTIES, key->text, key->length, SQ_OP_EQ, value, 1, 0, place);
  if (!l->vocabulary->threads || value->value.kind != SQ_STRING || !langsmith_is_thread_key(key)) return node;
  return sq_build_or(l->builder, node, sq_build_compare(l->builder, SQ_F_SESSION_ID, NULL, 0, SQ_OP_EQ, value, 1, 0, place));
}

static sq_node *has_members(langsmith *l, const langsmith_term *term, const sq_operand *text) {
  sq_json json;
  sq_kids kids = {0};
  sq_json_begin(&json, text->value.text, text->value.length);
  bool object = sq_json_next(&json) == SQ_TOKEN_OBJECT;
  while (object) {
    sq_value key;
    sq_operand value;
    sq_token token = sq_json_next(&json);
    if (token == SQ_TOKEN_OBJECT_END && sq_json_next(&json) == SQ_TOKEN_END) return sq_build_many(l->builder, SQ_N_AND, &kids);
    if (token != SQ_TOKEN_KEY) break;
    if (!sq_json_text(&json, l->builder->arena, &key) && !sq_fail_memory(l->builder->error)) return NULL;
    if (!read_member(l, &json, term, &value) || !sq_kids_add(l->builder, &kids, member(l, &key, &value, term->place))) return NULL;
  }
  fail_object(l, term);
  return NULL;
}

static sq_node *has(langsmith *l, const langsmith_function *f, const langsmith_term *call) {
  const langsmith_field *field = field_of(l, f, &call->items[0]);
  const sq_operand *text = field ? text_argument(l, f, &call->items[1]) : NULL;
  if (!text) return NULL;
  if (field->class == LANGSMITH_OF_MAPS) return has_members(l, &call->items[1], text);
  return sq_build_compare(l->builder, field->field, NULL, 0, SQ_OP_HAS, text, 1, 0, call->items[0].place);
}

static sq_node *exists(langsmith *l, const langsmith_function *f, const langsmith_term *call) {
  const langsmith_field *field = field_of(l, f, &call->items[0]);
  const sq_operand *key = field ? text_argument(l, f, &call->items[1]) : NULL;
  return key ? sq_build_compare(l->builder, field->field, NULL, 0, SQ_OP_HAS, key, 1, 0, call->items[0].place) : NULL;
}

static bool space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static bool has_token(const char *from, const char *to) {
  const char *token;
  size_t length;
  return sq_words_next(&from, to, &token, &length);
}

/* The word stands in one of the fields. */
static sq_node *word_in(langsmith *l, const sq_field *fields, const char *key, const sq_operand *word) {
  sq_kids kids = {0};
  for (size_t i = 0; i < 2 && fields[i] != SQ_F_NONE; i++)
    if (!sq_kids_add(l->builder, &kids, sq_build_compare(l->builder, fields[i], key, key ? strlen(key) : 0, SQ_OP_PHRASE, word, 1, 0, word->place))) return NULL;
  return sq_build_many(l->builder, SQ_N_OR, &kids);
}

/* Every word: what white space divides, where it holds a letter or digit. What is no word between is one too, so that
   "gpt-4" finds these two words behind one another. */
static sq_node *words(langsmith *l, const sq_field *fields, const char *key, const sq_operand *text) {
  sq_kids kids = {0};
  const char *at = text->value.text, *end = at + text->value.length;
  while (true) {
    while (at < end && space(*at)) at++;
    const char *from = at;
    while (at < end && !space(*at)) at++;
    if (from == at) break;
    sq_operand word = sq_text_operand(from, (size_t)(at - from), text->place);
    if (has_token(from, at) && !sq_kids_add(l->builder, &kids, word_in(l, fields, key, &word))) return NULL;
  }
  if (kids.count) return sq_build_many(l->builder, SQ_N_AND, &kids);
  FAIL(l, SQ_E_VALUE, text->place, "there is no word to search for");
  return NULL;
}

static sq_node *search(langsmith *l, const langsmith_function *f, const langsmith_term *call) {
  const langsmith_field *field = call->count == 2 ? field_of(l, f, &call->items[0]) : NULL;
  if (call->count == 2 && !field) return NULL;
  const sq_operand *text = text_argument(l, f, &call->items[call->count - 1]);
  if (!text) return NULL;
  if (field) return words(l, (const sq_field[]){field->field, SQ_F_NONE}, field->key, text);
  if (l->vocabulary->searched[0] != SQ_F_NONE) return words(l, l->vocabulary->searched, NULL, text);
  FAIL(l, SQ_E_TYPE, call->place, "search wants a field here, as in search(name, \"words\")");
  return NULL;
}

/* ---------------------------------------------------------------------------------------------- the tree */

static sq_node *condition(langsmith *l, const langsmith_term *term);

/* A condition inside of and(): one of a family waits for the others. */
static bool add_member(langsmith *l, const langsmith_term *term, langsmith_pairs *families, sq_kids *kids) {
  if (term->kind != LANGSMITH_CALL) return condition(l, term);
  const langsmith_function *f = function_of(l, term);
  langsmith_compare c;
  if (!f) return false;
  if (f->shape != LANGSMITH_COMPARE) return sq_kids_add(l->builder, kids, condition(l, term));
  if (!read_compare(l, f, term, &c)) return false;
  if (!c.field->family) return sq_kids_add(l->builder, kids, langsmith_lone(l, &c));
  langsmith_pairs *pairs = &families[c.field->family];
  if (!sq_arena_grow(l->builder->arena, &pairs->items, pairs->count, &pairs->capacity, sizeof c)) return sq_fail_memory(l->builder->error);
  pairs->items[pairs->count++] = c;
  return true;
}

static sq_node *all(langsmith *l, const langsmith_term *call) {
  langsmith_pairs families[LANGSMITH_FAMILIES] = {{0}};
  sq_kids kids = {0};
  for (size_t i = 0; i < call->count; i++)
    if (!add_member(l, &call->items[i], families, &kids)) return NULL;
  for (size_t i = 0; i < LANGSMITH_FAMILIES; i++)
    if (!langsmith_add_pairs(l, &families[i], &kids)) return NULL;
  return sq_build_many(l->builder, SQ_N_AND, &kids);
}

static sq_node *any(langsmith *l, const langsmith_term *call) {
  sq_kids kids = {0};
  for (size_t i = 0; i < call->count; i++)
    if (!sq_kids_add(l->builder, &kids, condition(l, &call->items[i]))) return NULL;
  return sq_build_many(l->builder, SQ_N_OR, &kids);
}

static sq_node *condition(langsmith *l, const langsmith_term *term) {
  if (term->kind != LANGSMITH_CALL) {
    FAIL(l, SQ_E_TYPE, term->place, "expected a condition, as in eq(name, \"x\"), not %s", term_name(term));
    return NULL;
  }
  const langsmith_function *f = function_of(l, term);
  if (!f) return NULL;
  switch (f->shape) {
    case LANGSMITH_AND: return all(l, term);
    case LANGSMITH_OR: return any(l, term);
    case LANGSMITH_NOT: return sq_build_not(l->builder, condition(l, &term->items[0]));
    case LANGSMITH_HAS: return has(l, f, term);
    case LANGSMITH_EXISTS: return exists(l, f, term);
    case LANGSMITH_SEARCH: return search(l, f, term);
    default: return compare(l, f, term);
  }
}

static sq_node *compile(sq_builder *builder, const langsmith_vocabulary *vocabulary, const char *source, size_t length) {
  const langsmith_term *whole = langsmith_parse(builder, source, length);
  return whole ? condition(&(langsmith){builder, vocabulary}, whole) : NULL;
}

sq_node *sq_langsmith_filter(sq_builder *builder, const char *source, size_t length) {
  return compile(builder, &langsmith_runs, source, length);
}

sq_node *sq_langsmith_projects_filter(sq_builder *builder, const char *source, size_t length) {
  return compile(builder, &langsmith_projects, source, length);
}
