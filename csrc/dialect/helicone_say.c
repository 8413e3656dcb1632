/* One comparison in Helicone's words: the column that is our field, and operators that mean the same by it.
   Where an operator means something else for certain values (equals "null" is absent), another one may do. */
#include <string.h>

#include "dialect/helicone.h"
#include "dialect/write.h"

#define LEAST_NUMBER "-1e30" /* below all integers: everything present is at least that */
#define LEAST_TIME "\"0000-01-01T00:00:00Z\""

static bool fail(helicone_saying *out, const char *why) {
  out->count = 0;
  out->why = why;
  return false;
}

static helicone_operation *add(helicone_saying *out, const char *name) {
  helicone_operation *operation = &out->operations[out->count++];
  *operation = (helicone_operation){.name = name};
  return operation;
}

static bool add_constant(helicone_saying *out, const char *name, const char *constant) {
  add(out, name)->constant = constant;
  return true;
}

static bool add_text(helicone_saying *out, const char *name, const char *text, size_t length) {
  helicone_operation *operation = add(out, name);
  operation->text = text;
  operation->length = length;
  return true;
}

static bool add_value(helicone_saying *out, const char *name, uint32_t which) {
  add(out, name)->which = which;
  return true;
}

/* -------------------------------------------------------------------------------------------------- text */

/* A value that equals takes for something else. */
static bool is_special(const helicone_column *column, const sq_value *text) {
  static const struct {
    unsigned quirk;
    const char *word;
  } words[] = {{HELICONE_BLANK, ""}, {HELICONE_EMPTY_WORD, "__empty__"}, {HELICONE_NULL_WORD, "null"}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (column->quirks & words[i].quirk && sq_same_text(words[i].word, text->text, text->length)) return true;
  return false;
}

static bool say_equal(const helicone_column *column, const sq_value *text, bool negated, helicone_saying *out) {
  bool special = is_special(column, text);
  if (special && negated) return fail(out, "to Helicone this text stands for an absent or empty one");
  add_text(out, special ? "like" : negated ? "not-equals" : "equals", text->text, text->length);
  out->operations[0].is_exact = special;
  return true;
}

static bool say_text(const helicone_column *column, const sq_node *node, bool negated, helicone_saying *out) {
  const sq_value *value = node->count ? &node->values[0].value : NULL;
  bool scalar = sq_seen_type(node) == SQ_T_SCALAR;
  if (scalar && !(node->flags & SQ_AS_TEXT) && !sq_same_as_text(node))
    return fail(out, "Helicone sees properties and scores as text, where 1 and \"1\" are the same");
  switch (node->op) {
    case SQ_OP_EQ: return say_equal(column, value, negated, out);
    case SQ_OP_CONTAINS: return add_text(out, negated ? "not-contains" : "contains", value->text, value->length);
    case SQ_OP_LIKE:
    case SQ_OP_ILIKE:
      if (negated) return fail(out, "Helicone has no not-like");
      return add_text(out, sq_op_get(node->op)->name, value->text, value->length);
    case SQ_OP_PHRASE: return fail(out, "Helicone has no phrases of whole words");
    case SQ_OP_PRESENT:
      if (column->quirks & HELICONE_NULL_WORD) return add_constant(out, negated ? "equals" : "not-equals", "\"null\"");
      if (scalar) return fail(out, "Helicone cannot ask whether a property or score is absent");
      return add_constant(out, negated ? "not-contains" : "contains", "\"\""); /* "" is in all that is present */
    default: return fail(out, "Helicone orders numbers and times only");
  }
}

/* ------------------------------------------------------------------------------------------ numbers, times */

/* Each ordering with its opposite, which is its negation where no value is absent. */
static const struct {
  const char *name, *opposite;
} orderings[SQ_OP_COUNT] = {
    [SQ_OP_GT] = {"gt", "lte"}, [SQ_OP_GTE] = {"gte", "lt"}, [SQ_OP_LT] = {"lt", "gte"}, [SQ_OP_LTE] = {"lte", "gt"}};

static bool say_present(const helicone_column *column, bool negated, helicone_saying *out) {
  return add_constant(out, negated ? "lt" : "gte", column->class == HELICONE_TIME ? LEAST_TIME : LEAST_NUMBER);
}

static bool say_number(const helicone_column *column, const sq_node *node, bool negated, helicone_saying *out) {
  bool zero = column->quirks & HELICONE_ZERO, same = sq_same_as_zero(node);
  if (zero && !(node->flags & SQ_OR_ZERO) && !same) return fail(out, "to Helicone an unknown sum is 0");
  if (!zero && node->flags & SQ_OR_ZERO && !same) return fail(out, "to Helicone an absent number is not 0");
  if (node->op == SQ_OP_EQ && !(negated && column->class == HELICONE_TIME)) return add_value(out, negated ? "not-equals" : "equals", 0);
  if (negated && !zero && !sq_field_get(node->field)->always)
    return fail(out, node->op == SQ_OP_PRESENT ? "Helicone cannot ask for absent numbers and times"
                                               : "negated it lets absent values through, which Helicone's operators never do");
  switch (node->op) {
    case SQ_OP_PRESENT: return say_present(column, negated, out);
    case SQ_OP_EQ:
    case SQ_OP_BETWEEN:
      out->either = negated;
      add_value(out, negated ? "lt" : "gte", 0);
      return add_value(out, negated ? "gt" : "lte", node->op == SQ_OP_BETWEEN);
    default: return add_value(out, negated ? orderings[node->op].opposite : orderings[node->op].name, 0);
  }
}

/* ---------------------------------------------------------------------------------------------- booleans */

static bool say_boolean(const helicone_column *column, const sq_node *node, bool negated, helicone_saying *out) {
  bool wanted = node->count && node->values[0].value.boolean;
  if (column->quirks & HELICONE_NOT_FALSE) {
    if (node->op == SQ_OP_EQ && wanted) return add_constant(out, "equals", negated ? "false" : "true");
    return fail(out, "to Helicone an absent value of this column is false");
  }
  if (negated && !sq_field_get(node->field)->always) return fail(out, "Helicone has no not-equals for true and false");
  if (node->op == SQ_OP_EQ) return add_constant(out, "equals", wanted != negated ? "true" : "false");
  if (negated) return fail(out, "it is never absent");
  out->either = true;
  add_constant(out, "equals", "true");
  return add_constant(out, "equals", "false");
}

/* ---------------------------------------------------------------------------------------------- the column */

bool helicone_say_column(const helicone_column *column, const sq_node *node, bool negated, helicone_saying *out) {
  switch (column->class) {
    case HELICONE_TEXT: return say_text(column, node, negated, out);
    case HELICONE_NUMBER:
    case HELICONE_TIME: return say_number(column, node, negated, out);
    case HELICONE_BOOLEAN: return say_boolean(column, node, negated, out);
    case HELICONE_SEARCH:
      if (node->op != SQ_OP_CONTAINS || negated) return fail(out, "a body can only be searched");
      return say_text(column, node, negated, out);
    default: return fail(out, "the keys of properties can only be named");
  }
}

static const helicone_column *of_field(const helicone_column *columns, sq_field field) {
  while (columns->name && columns->field != field) columns++;
  return columns->name ? columns : NULL;
}

static void place(helicone_saying *out, const char *table, const char *group, const char *column, size_t length) {
  *out = (helicone_saying){.table = table, .group = group, .column = column, .column_length = length};
}

/* A property, or a field that stands among them. */
static bool say_property(const helicone_column *column, const char *name, size_t length, const sq_node *node, bool negated,
                         helicone_saying *out) {
  bool of_key = node->op == SQ_OP_PRESENT && !negated;
  if (column == &helicone_property_member)
    for (const helicone_column *named = helicone_named_properties; named->name; named++)
      if (sq_same_text(named->name, name, length)) return fail(out, "Helicone takes this property for a part of the session");
  if (of_key) place(out, "request_response_rmt", NULL, "property_key", strlen("property_key"));
  else place(out, "request_response_rmt", "properties", name, length);
  return of_key ? add_text(out, "equals", name, length) : helicone_say_column(column, node, negated, out);
}

static bool say_score(const sq_node *node, bool negated, helicone_saying *out) {
  bool of_key = node->op == SQ_OP_PRESENT;
  if (of_key) place(out, "request_response_rmt", NULL, "scores_column", strlen("scores_column"));
  else place(out, "request_response_rmt", "scores", node->name, node->name_length);
  return of_key ? add_text(out, negated ? "not-equals" : "equals", node->name, node->name_length)
                : helicone_say_column(&helicone_score_member, node, negated, out);
}

static const struct table {
  const char *name;
  const helicone_column *columns;
} tables[] = {{"request_response_rmt", helicone_request_columns},
              {"sessions_request_response_rmt", helicone_session_columns},
              {"request", helicone_legacy_request_columns},
              {"response", helicone_legacy_response_columns}};
enum { TABLES = sizeof tables / sizeof *tables };

bool helicone_say(const sq_node *node, bool negated, helicone_saying *out) {
  const helicone_column *named = of_field(helicone_named_properties, node->field);
  *out = (helicone_saying){.why = "Helicone has no such column"};
  if (named) return say_property(named, named->name, strlen(named->name), node, negated, out);
  if (node->name && node->field == SQ_F_PROPERTIES)
    return say_property(&helicone_property_member, node->name, node->name_length, node, negated, out);
  if (node->name && node->field == SQ_F_SCORES) return say_score(node, negated, out);
  for (size_t i = 0; i < TABLES && !node->name; i++) {
    const helicone_column *column = of_field(tables[i].columns, node->field);
    if (!column || column->class == HELICONE_EXACT || column->quirks & HELICONE_SCORE) continue;
    place(out, tables[i].name, NULL, column->name, strlen(column->name));
    if (helicone_say_column(column, node, negated, out)) return true;
  }
  return false;
}

bool helicone_say_blank(const sq_node *node, bool negated, helicone_saying *out) {
  const helicone_column *named = of_field(helicone_named_properties, node->field);
  if (named) {
    place(out, "request_response_rmt", "properties", named->name, strlen(named->name));
    return add_constant(out, negated ? "not-equals" : "equals", "\"\"");
  }
  if (node->name && node->field == SQ_F_PROPERTIES) {
    helicone_saying known;
    if (!helicone_say(&(sq_node){.kind = SQ_N_COMPARE, .op = SQ_OP_PRESENT, .field = SQ_F_PROPERTIES, .name = node->name, .name_length = node->name_length}, false, &known)) return false;
    place(out, "request_response_rmt", "properties", node->name, node->name_length);
    return add_constant(out, negated ? "not-equals" : "equals", "\"\"");
  }
  for (size_t i = 0; i < TABLES && !node->name; i++) {
    const helicone_column *column = of_field(tables[i].columns, node->field);
    if (!column || !(column->quirks & HELICONE_BLANK)) continue;
    place(out, tables[i].name, NULL, column->name, strlen(column->name));
    return add_constant(out, negated ? "not-equals" : "equals", "\"\"");
  }
  return false;
}

/* --------------------------------------------------------------------------------------------------- two leaves */

bool helicone_same_subject(const sq_node *a, const sq_node *b) {
  return a->field == b->field && !a->name == !b->name &&
         (!a->name || sq_compare_bytes(a->name, a->name_length, b->name, b->name_length) == 0);
}

bool helicone_is_score_pair(const sq_node *first, const sq_node *second, sq_field field) {
  if (first->kind != SQ_N_COMPARE || second->kind != SQ_N_COMPARE || first->field != field || !helicone_same_subject(first, second)) return false;
  if (first->op != SQ_OP_EQ || second->op != SQ_OP_EQ || first->flags || second->flags) return false;
  const sq_value *truth = &first->values[0].value, *number = &second->values[0].value;
  return truth->kind == SQ_BOOLEAN && number->kind == SQ_REAL && number->real == truth->boolean;
}
