/* Helicone's filter tree: the current contract (tables request_response_rmt and
   sessions_request_response_rmt) and the legacy one, as tables of columns and operators. */
#include "dialect/helicone.h"

#include <string.h>

#define DEEPEST_BRANCH 64

/* ------------------------------------------------------------------------------------------ operators */

static const struct operator {
  const char *name;
  sq_op op;
  bool negative;
  unsigned classes;
} operators[] = {
    {"equals", SQ_OP_EQ, false, HELICONE_TEXT | HELICONE_NUMBER | HELICONE_TIME | HELICONE_BOOLEAN | HELICONE_EXACT},
    {"not-equals", SQ_OP_EQ, true, HELICONE_TEXT | HELICONE_NUMBER},
    {"like", SQ_OP_LIKE, false, HELICONE_TEXT},
    {"ilike", SQ_OP_ILIKE, false, HELICONE_TEXT},
    {"contains", SQ_OP_CONTAINS, false, HELICONE_TEXT | HELICONE_SEARCH},
    {"not-contains", SQ_OP_CONTAINS, true, HELICONE_TEXT},
    {"gt", SQ_OP_GT, false, HELICONE_NUMBER | HELICONE_TIME},
    {"gte", SQ_OP_GTE, false, HELICONE_NUMBER | HELICONE_TIME},
    {"lt", SQ_OP_LT, false, HELICONE_NUMBER | HELICONE_TIME},
    {"lte", SQ_OP_LTE, false, HELICONE_NUMBER | HELICONE_TIME},
};
enum { OPERATORS = sizeof operators / sizeof *operators };

/* ---------------------------------------------------------------------------------------------- errors */

sq_node *helicone_fail_value(helicone *h, const cJSON *item, sq_code code, const char *message) {
  sq_place place = sq_json_value_place(&h->doc, item);
  sq_fail_at(h->builder->error, code, place.offset, place.length, "%s", message);
  return NULL;
}

static sq_node *fail_kind(helicone *h, const cJSON *item, const char *wanted) {
  sq_place place = sq_json_value_place(&h->doc, item);
  sq_fail_at(h->builder->error, SQ_E_TYPE, place.offset, place.length, "expected %s, not %s", wanted, sq_json_kind(item));
  return NULL;
}

static sq_node *fail_unknown(helicone *h, const cJSON *item, const char *what, const char *nearest) {
  sq_place place = sq_json_key_place(&h->doc, item);
  sq_fail_at(h->builder->error, SQ_E_UNKNOWN, place.offset, place.length, "unknown %s '%s'", what,
             sq_show(item->string, strlen(item->string)).text);
  if (nearest) sq_error_append(h->builder->error, ", did you mean '%s'?", nearest);
  return NULL;
}

sq_node *helicone_fail_key(helicone *h, const cJSON *item, const char *what, const char *const *known) {
  sq_nearest search = {item->string, strlen(item->string), NULL, 0};
  for (; *known; known++) sq_nearest_offer(&search, *known);
  return fail_unknown(h, item, what, search.best);
}

/* ------------------------------------------------------------------------------------- one comparison */

sq_operand helicone_text(helicone *h, const cJSON *item) {
  size_t length = strlen(item->valuestring);
  const char *copy = sq_arena_copy(h->builder->arena, item->valuestring, length);
  if (!copy) sq_fail_memory(h->builder->error);
  return sq_text_operand(copy, length, sq_json_value_place(&h->doc, item));
}

sq_operand helicone_number(helicone *h, const cJSON *item) {
  sq_place place = sq_json_value_place(&h->doc, item);
  return sq_number_operand(h->doc.text + place.offset, place.length, place);
}

/* A column as it is met in a leaf: the member's key, if it has one, and where it stands. */
typedef struct subject {
  const helicone_column *column;
  const char *key;
  size_t key_length;
  sq_place place;
} subject;

static sq_node *compare(helicone *h, const subject *s, sq_op op, const sq_operand *value) {
  unsigned flags = s->column->quirks & HELICONE_ZERO ? SQ_OR_ZERO : s->column->class == HELICONE_TEXT && s->key ? SQ_AS_TEXT : 0;
  return sq_build_compare(h->builder, s->column->field, s->key, s->key_length, op, value, value != NULL, flags, s->place);
}

static bool is(const sq_operand *value, const char *text) {
  return sq_same_text(text, value->value.text, value->value.length);
}

static sq_node *compare_text(helicone *h, const subject *s, sq_op op, const sq_operand *value) {
  unsigned quirks = s->column->quirks;
  if (quirks & HELICONE_SCORE_KEY) return sq_build_entry(h->builder, SQ_F_SCORES, compare(h, s, op, value), s->place);
  if (op != SQ_OP_EQ) return compare(h, s, op, value);
  if (quirks & HELICONE_NULL_WORD && is(value, "null")) return compare(h, s, SQ_OP_ABSENT, NULL);
  if (quirks & HELICONE_BLANK && (is(value, "") || (quirks & HELICONE_EMPTY_WORD && is(value, "__empty__")))) {
    sq_operand blank = sq_text_operand("", 0, value->place);
    return sq_build_or(h->builder, compare(h, s, SQ_OP_ABSENT, NULL), compare(h, s, SQ_OP_EQ, &blank));
  }
  return compare(h, s, op, value);
}

static sq_node *compare_boolean(helicone *h, const subject *s, bool wanted, sq_place place) {
  sq_operand yes = sq_boolean_operand(true, place), value = sq_boolean_operand(wanted, place);
  if (s->column->quirks & HELICONE_NOT_FALSE && !wanted) return sq_build_not(h->builder, compare(h, s, SQ_OP_EQ, &yes));
  sq_node *node = compare(h, s, SQ_OP_EQ, &value);
  if (!(s->column->quirks & HELICONE_SCORE)) return node;
  sq_operand number = sq_number_operand(wanted ? "1" : "0", 1, place);
  return sq_build_or(h->builder, node, compare(h, s, SQ_OP_EQ, &number));
}

/* One operator of a column with its value. */
static sq_node *compare_value(helicone *h, const subject *s, const struct operator *operator, const cJSON *item) {
  helicone_class kind = s->column->class;
  if (kind == HELICONE_BOOLEAN)
    return cJSON_IsBool(item) ? compare_boolean(h, s, cJSON_IsTrue(item), sq_json_value_place(&h->doc, item))
                              : fail_kind(h, item, "true or false");
  if (kind == HELICONE_NUMBER) {
    if (!cJSON_IsNumber(item)) return fail_kind(h, item, "a number");
    sq_operand number = helicone_number(h, item);
    return compare(h, s, operator->op, &number);
  }
  if (!cJSON_IsString(item)) return fail_kind(h, item, kind == HELICONE_TIME ? "a time as text" : "text");
  sq_operand text = helicone_text(h, item);
  if (kind == HELICONE_EXACT) {
    const helicone_column *named = helicone_find_column(helicone_named_properties, item->valuestring);
    if (named) return sq_build_compare(h->builder, named->field, NULL, 0, SQ_OP_PRESENT, NULL, 0, 0, s->place);
    return sq_build_compare(h->builder, s->column->field, text.value.text, text.value.length, SQ_OP_PRESENT, NULL, 0, 0, s->place);
  }
  return compare_text(h, s, operator->op, &text);
}

/* --------------------------------------------------------------------------------------- leaf and branch */

static const struct operator *find_operator(const char *name) {
  for (size_t i = 0; i < OPERATORS; i++)
    if (strcmp(operators[i].name, name) == 0) return &operators[i];
  return NULL;
}

static sq_node *fail_operator(helicone *h, const subject *s, const cJSON *item) {
  sq_nearest search = {item->string, strlen(item->string), NULL, 0};
  for (size_t i = 0; i < OPERATORS; i++)
    if (operators[i].classes & s->column->class) sq_nearest_offer(&search, operators[i].name);
  bool known = find_operator(item->string) != NULL;
  fail_unknown(h, item, "operator", known ? NULL : search.best);
  sq_error_append(h->builder->error, " (%s has", s->column->name);
  for (size_t i = 0; i < OPERATORS; i++)
    if (operators[i].classes & s->column->class) sq_error_append(h->builder->error, " %s", operators[i].name);
  sq_error_append(h->builder->error, ")");
  return NULL;
}

/* All operators of a column must hold; none demands nothing. Adds to `kids`. */
static bool add_operators(helicone *h, const subject *s, const cJSON *object, sq_kids *kids) {
  if (!cJSON_IsObject(object)) return fail_kind(h, object, "an object of operators") != NULL;
  for (const cJSON *item = object->child; item; item = item->next) {
    const struct operator *operator = find_operator(item->string);
    if (!operator || !(operator->classes & s->column->class)) return fail_operator(h, s, item) != NULL;
    sq_node *node = compare_value(h, s, operator, item);
    if (operator->negative) node = sq_build_not(h->builder, node);
    if (!sq_kids_add(h->builder, kids, node)) return false;
  }
  return true;
}

/* {key: {operator: value}}: one column for each key of a map. */
static bool add_members(helicone *h, const helicone_column *member, const cJSON *object, sq_kids *kids) {
  if (!cJSON_IsObject(object)) return fail_kind(h, object, "an object of keys") != NULL;
  for (const cJSON *item = object->child; item; item = item->next) {
    const helicone_column *named = member->field == SQ_F_PROPERTIES ? helicone_find_column(helicone_named_properties, item->string) : NULL;
    sq_place place = sq_json_key_place(&h->doc, item);
    size_t length = strlen(item->string);
    char *key = sq_arena_copy(h->builder->arena, item->string, length);
    if (!key) return sq_fail_memory(h->builder->error);
    subject s = named ? (subject){named, NULL, 0, place} : (subject){member, key, length, place};
    if (!add_operators(h, &s, item, kids)) return false;
  }
  return true;
}

static bool fail_column(helicone *h, const cJSON *item, const char *table, const helicone_column *columns, bool members) {
  sq_nearest search = {item->string, strlen(item->string), NULL, 0};
  for (; columns->name; columns++) sq_nearest_offer(&search, columns->name);
  for (const char *const *name = (const char *const[]){"properties", "search_properties", "scores", NULL}; members && *name; name++)
    sq_nearest_offer(&search, *name);
  fail_unknown(h, item, "column", search.best);
  sq_error_append(h->builder->error, " (in %s)", table);
  return false;
}

static bool add_column(helicone *h, const helicone_column *columns, const char *table, const cJSON *item, sq_kids *kids) {
  bool members = columns == helicone_request_columns;
  if (members && strcmp(item->string, "scores") == 0) return add_members(h, &helicone_score_member, item, kids);
  if (members && (strcmp(item->string, "properties") == 0 || strcmp(item->string, "search_properties") == 0))
    return add_members(h, &helicone_property_member, item, kids);
  const helicone_column *found = helicone_find_column(columns, item->string);
  if (!found) return fail_column(h, item, table, columns, members);
  sq_place place = sq_json_key_place(&h->doc, item);
  if (found->field == SQ_F_NONE)
    return sq_fail_at(h->builder->error, SQ_E_UNKNOWN, place.offset, place.length, "%s.%s is not recorded", table, found->name);
  subject s = {found, NULL, 0, place};
  if (found->field == SQ_F_SCORES) s.key = HELICONE_FEEDBACK_KEY, s.key_length = strlen(HELICONE_FEEDBACK_KEY);
  return add_operators(h, &s, item, kids);
}

/* One entry of feedback satisfies all that the leaf asks; the request's id stands outside of it. */
static bool add_feedback(helicone *h, const cJSON *object, sq_kids *kids) {
  sq_kids inside = {0}, outside = {0};
  sq_place place = sq_json_key_place(&h->doc, object);
  for (const cJSON *item = object->child; item; item = item->next) {
    bool of_request = strcmp(item->string, "response_id") == 0;
    if (!add_column(h, helicone_feedback_columns, "feedback", item, of_request ? &outside : &inside)) return false;
  }
  if (inside.count + outside.count == 0) return true;
  sq_operand key = sq_text_operand(HELICONE_FEEDBACK_KEY, strlen(HELICONE_FEEDBACK_KEY), place);
  sq_kids entry = {0};
  if (!sq_kids_add(h->builder, &entry, sq_build_compare(h->builder, SQ_F_ENTRY_KEY, NULL, 0, SQ_OP_EQ, &key, 1, 0, place))) return false;
  for (size_t i = 0; i < inside.count; i++)
    if (!sq_kids_add(h->builder, &entry, inside.items[i])) return false;
  sq_node *whole = sq_build_many(h->builder, SQ_N_AND, &entry);
  if (!sq_kids_add(h->builder, kids, sq_build_entry(h->builder, SQ_F_FEEDBACK, whole, place))) return false;
  for (size_t i = 0; i < outside.count; i++)
    if (!sq_kids_add(h->builder, kids, outside.items[i])) return false;
  return true;
}

/* The request's own column, and the request was answered from the cache. */
static bool add_cache_hits(helicone *h, const cJSON *object, sq_kids *kids) {
  size_t before = kids->count;
  sq_place place = sq_json_key_place(&h->doc, object);
  for (const cJSON *item = object->child; item; item = item->next)
    if (!add_column(h, helicone_legacy_cache_columns, "cache_hits", item, kids)) return false;
  if (kids->count == before) return true;
  sq_operand yes = sq_boolean_operand(true, place);
  return sq_kids_add(h->builder, kids, sq_build_compare(h->builder, SQ_F_CACHED, NULL, 0, SQ_OP_EQ, &yes, 1, 0, place));
}

static const struct table {
  const char *name;
  const helicone_column *columns;                                            /* or: */
  const helicone_column *member;                                             /* the table's columns are keys; or: */
  bool (*add)(helicone *h, const cJSON *object, sq_kids *kids);
} tables[] = {
    {"request_response_rmt", helicone_request_columns, NULL, NULL},
    {"sessions_request_response_rmt", helicone_session_columns, NULL, NULL},
    {"response", helicone_legacy_response_columns, NULL, NULL},
    {"request", helicone_legacy_request_columns, NULL, NULL},
    {"feedback", NULL, NULL, add_feedback},
    {"request_response_search", helicone_legacy_search_columns, NULL, NULL},
    {"cache_hits", NULL, NULL, add_cache_hits},
    {"properties", NULL, &helicone_property_member, NULL},
    {"values", NULL, &helicone_property_member, NULL},
};
enum { TABLES = sizeof tables / sizeof *tables };

static bool add_table(helicone *h, const cJSON *object, sq_kids *kids) {
  const struct table *table = tables;
  while (table < tables + TABLES && strcmp(table->name, object->string) != 0) table++;
  if (table == tables + TABLES) {
    const char *names[TABLES + 1] = {0};
    for (size_t i = 0; i < TABLES; i++) names[i] = tables[i].name;
    return helicone_fail_key(h, object, "table", names) != NULL;
  }
  if (!cJSON_IsObject(object)) return fail_kind(h, object, "an object of columns") != NULL;
  if (table->member) return add_members(h, table->member, object, kids);
  if (table->add) return table->add(h, object, kids);
  for (const cJSON *item = object->child; item; item = item->next)
    if (!add_column(h, table->columns, table->name, item, kids)) return false;
  return true;
}

static sq_node *leaf(helicone *h, const cJSON *object) {
  sq_kids kids = {0};
  for (const cJSON *item = object->child; item; item = item->next)
    if (!add_table(h, item, &kids)) return NULL;
  return sq_build_many(h->builder, SQ_N_AND, &kids);
}

static sq_node *fail_missing(helicone *h, const cJSON *object, const char *name) {
  sq_place place = sq_json_value_place(&h->doc, object);
  sq_fail_at(h->builder->error, SQ_E_MISSING, place.offset, place.length, "a branch without '%s'", name);
  return NULL;
}

static sq_node *branch(helicone *h, const cJSON *object, unsigned depth) {
  if (depth == DEEPEST_BRANCH) {
    sq_place place = sq_json_value_place(&h->doc, object);
    sq_fail_at(h->builder->error, SQ_E_LIMIT, place.offset, place.length, "branches nested deeper than %d", DEEPEST_BRANCH);
    return NULL;
  }
  const cJSON *left = NULL, *right = NULL, *operator = NULL;
  for (const cJSON *item = object->child; item; item = item->next) {
    if (strcmp(item->string, "left") == 0) left = item;
    else if (strcmp(item->string, "right") == 0) right = item;
    else if (strcmp(item->string, "operator") == 0) operator = item;
    else return helicone_fail_key(h, item, "member of a branch", (const char *const[]){"left", "operator", "right", NULL});
  }
  if (!left || !right || !operator) return fail_missing(h, object, !left ? "left" : !right ? "right" : "operator");
  bool and = cJSON_IsString(operator) && strcmp(operator->valuestring, "and") == 0;
  bool or = cJSON_IsString(operator) && strcmp(operator->valuestring, "or") == 0;
  if (!and && !or) return helicone_fail_value(h, operator, SQ_E_VALUE, "the operator of a branch is \"and\" or \"or\"");
  sq_node *first = helicone_node(h, left, depth + 1), *second = first ? helicone_node(h, right, depth + 1) : NULL;
  return !second ? NULL : and ? sq_build_and(h->builder, first, second) : sq_build_or(h->builder, first, second);
}

static bool is_branch(const cJSON *object) {
  for (const cJSON *item = object->child; item; item = item->next)
    if (strcmp(item->string, "left") == 0 || strcmp(item->string, "right") == 0 || strcmp(item->string, "operator") == 0) return true;
  return false;
}

sq_node *helicone_node(helicone *h, const cJSON *item, unsigned depth) {
  if (cJSON_IsString(item))
    return strcmp(item->valuestring, "all") == 0
               ? sq_build_constant(h->builder, true)
               : helicone_fail_value(h, item, SQ_E_VALUE, "a filter is an object, or \"all\"");
  if (!cJSON_IsObject(item)) return fail_kind(h, item, "a filter: an object, or \"all\"");
  return is_branch(item) ? branch(h, item, depth) : leaf(h, item);
}

sq_node *sq_helicone_filter(sq_builder *builder, const char *source, size_t length) {
  helicone h = {.builder = builder};
  if (!sq_json_doc_open(&h.doc, builder->arena, source, length, builder->error)) return NULL;
  sq_node *tree = helicone_node(&h, h.doc.root, 0);
  sq_json_doc_close(&h.doc);
  return tree;
}
