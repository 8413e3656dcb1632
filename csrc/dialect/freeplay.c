/* Freeplay's filter: {} | {"field", "op", "value"} | {"and": […]} | {"or": […]} | {"not": F}. A whole request
   body, {"filters": F}, is taken too.

   The tree is one about a completion: what is asked of its trace stands in enclosing(…). What makes sessions,
   traces and completions of it is in ir/candidates.c. */
#include "dialect/freeplay.h"

#include <string.h>

#include "base/time.h"
#include "dialect/json_doc.h"

/* --------------------------------------------------------------------------------------------- the tables */

#define EXACT FREEPLAY_OP(EQ)
#define WORDS FREEPLAY_OP(PHRASE)
#define BOUNDS (FREEPLAY_OP(GT) | FREEPLAY_OP(GTE) | FREEPLAY_OP(LT) | FREEPLAY_OP(LTE))
#define ORDERED (EXACT | BOUNDS | FREEPLAY_OP(BETWEEN))
#define PLAIN false, false
#define KEYED false, true
#define OF_TRACE true, false
#define KEYED_OF_TRACE true, true

const freeplay_operator freeplay_operators[] = {
    {"eq", SQ_OP_EQ},   {"gt", SQ_OP_GT},           {"gte", SQ_OP_GTE},         {"lt", SQ_OP_LT},
    {"lte", SQ_OP_LTE}, {"contains", SQ_OP_PHRASE}, {"between", SQ_OP_BETWEEN}, {NULL, SQ_OP_COUNT},
};

const freeplay_field freeplay_fields[] = {
    {"cost", FREEPLAY_NUMBER, SQ_F_COST_USD, ORDERED, PLAIN},
    {"latency", FREEPLAY_SECONDS, SQ_F_LATENCY_MS, ORDERED, PLAIN},
    {"start_time", FREEPLAY_TIME, SQ_F_CREATED_AT, ORDERED, PLAIN},
    {"environment", FREEPLAY_TEXT, SQ_F_ENVIRONMENT, EXACT, PLAIN},
    {"prompt_template", FREEPLAY_TEXT, SQ_F_PROMPT_NAME, EXACT, PLAIN},
    {"prompt_template_id", FREEPLAY_TEXT, SQ_F_PROMPT_ID, EXACT, PLAIN},
    {"prompt_version", FREEPLAY_TEXT, SQ_F_PROMPT_VERSION, EXACT, PLAIN},
    {"completion_id", FREEPLAY_TEXT, SQ_F_REQUEST_ID, EXACT, PLAIN},
    {"trace_id", FREEPLAY_TRACE_ID, SQ_F_TRACE_ID, EXACT, PLAIN},
    {"session_id", FREEPLAY_TEXT, SQ_F_SESSION_ID, EXACT, PLAIN},
    {"model", FREEPLAY_TEXT, SQ_F_MODEL, EXACT, PLAIN},
    {"provider", FREEPLAY_TEXT, SQ_F_PROVIDER, EXACT, PLAIN},
    {"review_status", FREEPLAY_TEXT, SQ_F_REVIEW_STATUS, EXACT, PLAIN},
    {"agent_name", FREEPLAY_TEXT, SQ_F_NAME, EXACT, OF_TRACE},
    {"trace_agent_name", FREEPLAY_TEXT, SQ_F_NAME, EXACT, OF_TRACE},
    {"api_key", FREEPLAY_TEXT, SQ_F_API_KEY_NAME, EXACT, PLAIN},
    {"assignee", FREEPLAY_TEXT, SQ_F_ASSIGNEE, EXACT, PLAIN},
    {"insight_name", FREEPLAY_TEXT, SQ_F_INSIGHT_NAMES, EXACT, PLAIN},
    {"insight_id", FREEPLAY_TEXT, SQ_F_INSIGHT_IDS, EXACT, PLAIN},
    {"completion_output", FREEPLAY_TEXT, SQ_F_RESPONSE_BODY, WORDS, PLAIN},
    {"completion_inputs", FREEPLAY_TEXT, SQ_F_REQUEST_BODY, WORDS, KEYED},
    {"trace_input", FREEPLAY_TEXT, SQ_F_REQUEST_BODY, WORDS, KEYED_OF_TRACE},
    {"trace_output", FREEPLAY_TEXT, SQ_F_RESPONSE_BODY, WORDS, KEYED_OF_TRACE},
    {"completion_feedback", FREEPLAY_FEEDBACK, SQ_F_FEEDBACK, WORDS, KEYED},
    {"trace_feedback", FREEPLAY_FEEDBACK, SQ_F_FEEDBACK, WORDS, KEYED_OF_TRACE},
    {"session_custom_metadata", FREEPLAY_TEXT, SQ_F_SESSION_METADATA_OF_ROW, WORDS, KEYED},
    {"trace_custom_metadata", FREEPLAY_TEXT, SQ_F_PROPERTIES, WORDS, KEYED_OF_TRACE},
    {"completion_evaluation_results", FREEPLAY_SCORE, SQ_F_SCORES, ORDERED | WORDS, KEYED},
    {"completion_client_evaluation_results", FREEPLAY_SCORE, SQ_F_SCORES, ORDERED | WORDS, KEYED},
    {"trace_evaluation_results", FREEPLAY_SCORE, SQ_F_SCORES, ORDERED | WORDS, KEYED_OF_TRACE},
    {"trace_client_eval_results", FREEPLAY_SCORE, SQ_F_SCORES, ORDERED | WORDS, KEYED_OF_TRACE},
    {"evaluation_notes.content", FREEPLAY_NOTE, SQ_F_ENTRY_COMMENT, WORDS, PLAIN},
    {"evaluation_notes.author", FREEPLAY_NOTE, SQ_F_ENTRY_SOURCE, EXACT, PLAIN},
    {"evaluation_notes.created_at", FREEPLAY_NOTE, SQ_F_ENTRY_CREATED_AT, BOUNDS, PLAIN},
    {NULL, FREEPLAY_TEXT, SQ_F_NONE, 0, PLAIN},
};

/* ------------------------------------------------------------------------------------------------- errors */

typedef struct freeplay {
  sq_builder *builder;
  sq_json_doc doc;
} freeplay;

/* A comparison on its way: what of the document says it, and what was understood. */
typedef struct leaf {
  const cJSON *name, *operator, *value;
  const freeplay_field *field;
  const char *key; /* in the arena; NULL: the field has none */
  size_t key_length;
  sq_op op;
  sq_place place; /* of the field's name */
} leaf;

#define FAIL_VALUE(f, item, code, ...) fail_at(f, sq_json_value_place(&(f)->doc, item), code, __VA_ARGS__)
#define FAIL_KEY(f, item, code, ...) fail_at(f, sq_json_key_place(&(f)->doc, item), code, __VA_ARGS__)
#define fail_at(f, place, code, ...) sq_fail_at((f)->builder->error, code, (place).offset, (place).length, __VA_ARGS__)

static sq_shown show(const char *text) { return sq_show(text, strlen(text)); }

/* ------------------------------------------------------------------------------------- fields and operators */

static size_t length_to_dot(const char *name) {
  const char *dot = strchr(name, '.');
  return dot ? (size_t)(dot - name) : strlen(name);
}

static const freeplay_field *find_field(const char *name) {
  for (const freeplay_field *field = freeplay_fields; field->name; field++)
    if (field->keyed ? sq_same_text(field->name, name, length_to_dot(name)) : strcmp(field->name, name) == 0) return field;
  return NULL;
}

/* The name that is near: one with a key when the wrong one stands before a dot. */
static bool fail_field(freeplay *f, const cJSON *item) {
  const char *name = item->valuestring;
  size_t head = length_to_dot(name);
  sq_nearest whole = {name, strlen(name), NULL, 0}, before_dot = {name, head, NULL, 0};
  for (const freeplay_field *field = freeplay_fields; field->name; field++)
    sq_nearest_offer(name[head] && field->keyed ? &before_dot : &whole, field->name);
  FAIL_VALUE(f, item, SQ_E_UNKNOWN, "unknown field '%s'", show(name).text);
  if (before_dot.best) sq_error_append(f->builder->error, ", did you mean '%s%s'?", before_dot.best, show(name + head).text);
  else if (whole.best) sq_error_append(f->builder->error, ", did you mean '%s'?", whole.best);
  return false;
}

static bool read_field(freeplay *f, leaf *leaf) {
  const cJSON *item = leaf->name;
  if (!cJSON_IsString(item)) return FAIL_VALUE(f, item, SQ_E_TYPE, "a field's name is text, not %s", sq_json_kind(item));
  leaf->place = sq_json_value_place(&f->doc, item);
  leaf->field = find_field(item->valuestring);
  if (!leaf->field) return fail_field(f, item);
  if (!leaf->field->keyed) return true;
  const char *key = item->valuestring + length_to_dot(item->valuestring);
  if (key[0] == '\0' || key[1] == '\0')
    return FAIL_VALUE(f, item, SQ_E_VALUE, "%s wants a key: %s.KEY", leaf->field->name, leaf->field->name);
  leaf->key_length = strlen(key + 1);
  leaf->key = sq_arena_copy(f->builder->arena, key + 1, leaf->key_length);
  return leaf->key || sq_fail_memory(f->builder->error);
}

static bool fail_operator(freeplay *f, const leaf *leaf, bool known) {
  const char *name = leaf->operator->valuestring;
  sq_nearest search = {name, strlen(name), NULL, 0};
  for (const freeplay_operator *operator = freeplay_operators; operator->name; operator++)
    if (leaf->field->operators >> operator->op & 1) sq_nearest_offer(&search, operator->name);
  if (known) FAIL_VALUE(f, leaf->operator, SQ_E_TYPE, "%s has no operator '%s'", leaf->field->name, name);
  else FAIL_VALUE(f, leaf->operator, SQ_E_UNKNOWN, "unknown operator '%s'", show(name).text);
  if (!known && search.best) sq_error_append(f->builder->error, ", did you mean '%s'?", search.best);
  sq_error_append(f->builder->error, " (%s has", leaf->field->name);
  for (const freeplay_operator *operator = freeplay_operators; operator->name; operator++)
    if (leaf->field->operators >> operator->op & 1) sq_error_append(f->builder->error, " %s", operator->name);
  sq_error_append(f->builder->error, ")");
  return false;
}

static bool read_operator(freeplay *f, leaf *leaf) {
  const cJSON *item = leaf->operator;
  if (!cJSON_IsString(item)) return FAIL_VALUE(f, item, SQ_E_TYPE, "an operator is text, not %s", sq_json_kind(item));
  for (const freeplay_operator *operator = freeplay_operators; operator->name; operator++) {
    if (strcmp(operator->name, item->valuestring) != 0) continue;
    leaf->op = operator->op;
    return leaf->field->operators >> leaf->op & 1 ? true : fail_operator(f, leaf, true);
  }
  return fail_operator(f, leaf, false);
}

/* -------------------------------------------------------------------------------------------------- values */

static bool text_of(freeplay *f, const cJSON *item, sq_operand *out) {
  size_t length = strlen(item->valuestring);
  const char *copy = sq_arena_copy(f->builder->arena, item->valuestring, length);
  *out = sq_text_operand(copy, length, sq_json_value_place(&f->doc, item));
  return copy || sq_fail_memory(f->builder->error);
}

static sq_operand number_of(const freeplay *f, const cJSON *item) {
  sq_place place = sq_json_value_place(&f->doc, item);
  return sq_number_operand(f->doc.text + place.offset, place.length, place);
}

static bool wrong_value(freeplay *f, const leaf *leaf, const cJSON *item, const char *wanted) {
  return FAIL_VALUE(f, item, SQ_E_TYPE, "%s wants %s here, not %s", leaf->field->name, wanted, sq_json_kind(item));
}

static bool read_text(freeplay *f, const leaf *leaf, const cJSON *item, sq_operand *out) {
  return cJSON_IsString(item) ? text_of(f, item, out) : wrong_value(f, leaf, item, "text");
}

static bool read_number(freeplay *f, const leaf *leaf, const cJSON *item, sq_operand *out) {
  if (!cJSON_IsNumber(item)) return wrong_value(f, leaf, item, "a number");
  *out = number_of(f, item);
  return true;
}

static bool read_seconds(freeplay *f, const leaf *leaf, const cJSON *item, sq_operand *out) {
  return read_number(f, leaf, item, out) && sq_shift_number(f->builder, out, 3);
}

static bool read_time(freeplay *f, const leaf *leaf, const cJSON *item, sq_operand *out) {
  sq_scaled micros;
  if (!cJSON_IsString(item)) return wrong_value(f, leaf, item, "a time as text");
  if (!sq_time_read(item->valuestring, strlen(item->valuestring), &micros))
    return FAIL_VALUE(f, item, SQ_E_VALUE, "%s: '%s' is not a time; write it as 2026-11-20 10:00:00", leaf->field->name,
                      show(item->valuestring).text);
  return text_of(f, item, out);
}

/* Text that is a number is taken as one; what is no number can be equal, but has no order. */
static bool read_score(freeplay *f, const leaf *leaf, const cJSON *item, sq_operand *out) {
  if (leaf->op == SQ_OP_PHRASE) return read_text(f, leaf, item, out);
  if (cJSON_IsNumber(item)) return read_number(f, leaf, item, out);
  bool equal = leaf->op == SQ_OP_EQ;
  if (!cJSON_IsString(item)) return wrong_value(f, leaf, item, equal ? "text or a number" : "a number");
  if (!text_of(f, item, out)) return false;
  if (sq_number_valid(out->value.text, out->value.length)) out->value.kind = SQ_NUMBER;
  return equal || out->value.kind == SQ_NUMBER ||
         FAIL_VALUE(f, item, SQ_E_TYPE, "%s: '%s' is no number", leaf->field->name, show(item->valuestring).text);
}

static bool read_note(freeplay *f, const leaf *leaf, const cJSON *item, sq_operand *out) {
  bool time = sq_field_get(leaf->field->field)->type == SQ_T_TIME;
  return time ? read_time(f, leaf, item, out) : read_text(f, leaf, item, out);
}

typedef bool reader(freeplay *f, const leaf *leaf, const cJSON *item, sq_operand *out);
static reader *const readers[] = {
    [FREEPLAY_TEXT] = read_text,     [FREEPLAY_NUMBER] = read_number,  [FREEPLAY_SECONDS] = read_seconds,
    [FREEPLAY_TIME] = read_time,     [FREEPLAY_SCORE] = read_score,    [FREEPLAY_TRACE_ID] = read_text,
    [FREEPLAY_FEEDBACK] = read_text, [FREEPLAY_NOTE] = read_note,
};

/* One value, or the two of between. */
static bool read_values(freeplay *f, const leaf *leaf, sq_operand values[2], size_t *count) {
  reader *read = readers[leaf->field->kind];
  const cJSON *item = leaf->value;
  *count = leaf->op == SQ_OP_BETWEEN ? 2 : 1;
  if (*count == 1) return read(f, leaf, item, &values[0]);
  if (!cJSON_IsArray(item)) return wrong_value(f, leaf, item, "[low, high]");
  if (cJSON_GetArraySize(item) != 2)
    return FAIL_VALUE(f, item, SQ_E_VALUE, "between takes [low, high], not %d values", cJSON_GetArraySize(item));
  return read(f, leaf, item->child, &values[0]) && read(f, leaf, item->child->next, &values[1]);
}

/* ------------------------------------------------------------------------------------------- one comparison */

static sq_node *plain(freeplay *f, sq_field field, const leaf *leaf, const sq_operand *values, size_t count, unsigned flags) {
  return sq_build_compare(f->builder, field, leaf->key, leaf->key_length, leaf->op, values, count, flags, leaf->place);
}

/* Members of maps and documents are searched as text; so are results that are called true or false. */
static unsigned flags_of(const leaf *leaf, const sq_operand *value) {
  if (!leaf->key) return 0;
  bool boolean = value->value.kind == SQ_STRING && (sq_same_text("true", value->value.text, value->value.length) ||
                                                    sq_same_text("false", value->value.text, value->value.length));
  return leaf->op == SQ_OP_PHRASE || boolean ? SQ_AS_TEXT : 0;
}

static sq_node *compare_trace_id(freeplay *f, const leaf *leaf, const sq_operand *value) {
  sq_node *row = plain(f, SQ_F_REQUEST_ID, leaf, value, 1, 0);
  return sq_build_or(f->builder, plain(f, SQ_F_TRACE_ID, leaf, value, 1, 0),
                     sq_build_over(f->builder, SQ_N_ENCLOSING, row, leaf->place));
}

static sq_node *entry_of(freeplay *f, const char *key, size_t key_length, sq_node *asked, sq_place place) {
  sq_operand name = sq_text_operand(key, key_length, place);
  sq_node *named = sq_build_compare(f->builder, SQ_F_ENTRY_KEY, NULL, 0, SQ_OP_EQ, &name, 1, 0, place);
  return sq_build_entry(f->builder, SQ_F_FEEDBACK, sq_build_and(f->builder, named, asked), place);
}

static sq_node *compare_feedback(freeplay *f, const leaf *leaf, const sq_operand *value) {
  static const struct {
    sq_field field;
    unsigned flags;
  } members[] = {{SQ_F_ENTRY_VALUE, SQ_AS_TEXT}, {SQ_F_ENTRY_SCORE, SQ_AS_TEXT}, {SQ_F_ENTRY_COMMENT, 0}};
  sq_kids kids = {0};
  for (size_t i = 0; i < 3; i++) {
    sq_node *kid = sq_build_compare(f->builder, members[i].field, NULL, 0, leaf->op, value, 1, members[i].flags, leaf->place);
    if (!sq_kids_add(f->builder, &kids, kid)) return NULL;
  }
  return entry_of(f, leaf->key, leaf->key_length, sq_build_many(f->builder, SQ_N_OR, &kids), leaf->place);
}

static sq_node *compare(freeplay *f, const leaf *leaf, const sq_operand *values, size_t count) {
  sq_field field = leaf->field->field;
  switch (leaf->field->kind) {
    case FREEPLAY_TRACE_ID: return compare_trace_id(f, leaf, values);
    case FREEPLAY_FEEDBACK: return compare_feedback(f, leaf, values);
    case FREEPLAY_NOTE:
      return entry_of(f, FREEPLAY_NOTE_KEY, strlen(FREEPLAY_NOTE_KEY), plain(f, field, leaf, values, count, 0), leaf->place);
    default: return plain(f, field, leaf, values, count, flags_of(leaf, values));
  }
}

static sq_node *read_leaf(freeplay *f, leaf *leaf) {
  sq_operand values[2];
  size_t count;
  if (!read_field(f, leaf) || !read_operator(f, leaf) || !read_values(f, leaf, values, &count)) return NULL;
  sq_node *node = compare(f, leaf, values, count);
  return leaf->field->of_trace ? sq_build_over(f->builder, SQ_N_ENCLOSING, node, leaf->place) : node;
}

/* ------------------------------------------------------------------------------------------------ the tree */

static const char *const members[] = {"field", "op", "value", "and", "or", "not", NULL};
enum { FIELD, OPERATOR, VALUE, AND, OR, NOT, MEMBERS };

/* The members of a filter; false after an error. */
static bool read_members(freeplay *f, const cJSON *object, const cJSON *found[MEMBERS]) {
  for (const cJSON *item = object->child; item; item = item->next) {
    int which = 0;
    while (which < MEMBERS && strcmp(members[which], item->string) != 0) which++;
    if (which < MEMBERS) {
      found[which] = item;
      continue;
    }
    sq_nearest search = {item->string, strlen(item->string), NULL, 0};
    for (which = 0; which < MEMBERS; which++) sq_nearest_offer(&search, members[which]);
    FAIL_KEY(f, item, SQ_E_UNKNOWN, "unknown member '%s' of a filter", show(item->string).text);
    if (search.best) sq_error_append(f->builder->error, ", did you mean '%s'?", search.best);
    return false;
  }
  return true;
}

/* A comparison has all three members and no others; and, or, not stand alone. */
static bool check_members(freeplay *f, const cJSON *object, const cJSON *const found[MEMBERS]) {
  int branch = AND;
  while (branch < MEMBERS && !found[branch]) branch++;
  for (int i = 0; i < MEMBERS; i++) {
    if (branch < MEMBERS && found[i] && i != branch)
      return FAIL_KEY(f, found[i], SQ_E_UNKNOWN, "'%s' stands alone: a filter with it has no '%s'", members[branch], members[i]);
    if (branch == MEMBERS && i <= VALUE && !found[i])
      return FAIL_VALUE(f, object, SQ_E_MISSING, "a comparison without '%s'", members[i]);
  }
  return true;
}

static sq_node *read_node(freeplay *f, const cJSON *item);

static sq_node *read_list(freeplay *f, const cJSON *list, sq_node_kind kind) {
  sq_kids kids = {0};
  if (!cJSON_IsArray(list)) {
    FAIL_VALUE(f, list, SQ_E_TYPE, "'%s' takes a list of filters, not %s", list->string, sq_json_kind(list));
    return NULL;
  }
  for (const cJSON *item = list->child; item; item = item->next)
    if (!sq_kids_add(f->builder, &kids, read_node(f, item))) return NULL;
  return sq_build_many(f->builder, kind, &kids);
}

static sq_node *read_node(freeplay *f, const cJSON *item) {
  const cJSON *found[MEMBERS] = {NULL};
  if (!cJSON_IsObject(item)) {
    FAIL_VALUE(f, item, SQ_E_TYPE, "a filter is an object, not %s", sq_json_kind(item));
    return NULL;
  }
  if (!item->child) return sq_build_constant(f->builder, true);
  if (!read_members(f, item, found) || !check_members(f, item, found)) return NULL;
  if (found[AND]) return read_list(f, found[AND], SQ_N_AND);
  if (found[OR]) return read_list(f, found[OR], SQ_N_OR);
  if (found[NOT]) return sq_build_not(f->builder, read_node(f, found[NOT]));
  return read_leaf(f, &(leaf){.name = found[FIELD], .operator = found[OPERATOR], .value = found[VALUE]});
}

/* A filter, or the request body that holds it. */
static sq_node *read_source(freeplay *f) {
  const cJSON *root = f->doc.root, *first = root->child;
  if (!cJSON_IsObject(root) || !first || (strcmp(first->string, "filters") != 0 && !cJSON_GetObjectItemCaseSensitive(root, "filters")))
    return read_node(f, root);
  for (const cJSON *item = first; item; item = item->next)
    if (strcmp(item->string, "filters") != 0) {
      FAIL_KEY(f, item, SQ_E_UNKNOWN, "unknown member '%s' of the body: there is filters", show(item->string).text);
      return NULL;
    }
  return read_node(f, first);
}

sq_node *sq_freeplay_filter(sq_builder *builder, const char *source, size_t length) {
  freeplay f = {.builder = builder};
  if (!sq_json_doc_open(&f.doc, builder->arena, source, length, builder->error)) return NULL;
  sq_node *tree = read_source(&f);
  sq_json_doc_close(&f.doc);
  builder->whole = true;
  return tree;
}
