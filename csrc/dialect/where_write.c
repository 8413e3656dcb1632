/* Filters in the `where` language, which can say all that there is. Brackets stand where they are needed. */
#include "base/json.h"
#include "dialect/dialect.h"

/* How tightly a condition holds together; a looser one needs brackets inside of a tighter one. */
typedef enum bond { LOOSE_OR, OF_AND, OF_NOT } bond;

static void put(sq_writer *w, const char *text) { sq_text_put(w->out, text); }

/* -------------------------------------------------------------------------------------------- fields, values */

static void put_quoted(sq_writer *w, const char *text, size_t length, char quote) {
  sq_text_byte(w->out, quote);
  for (size_t i = 0; i < length; i++) {
    if (text[i] == quote) sq_text_byte(w->out, quote);
    sq_text_byte(w->out, text[i]);
  }
  sq_text_byte(w->out, quote);
}

static void put_name(sq_writer *w, const sq_node *node) {
  const char *name = sq_field_get(node->field)->name;
  bool of_entry = sq_field_get(node->field)->level == SQ_LEVEL_ENTRY;
  put(w, of_entry ? name + strlen("entry.") : name);
  if (!node->name) return;
  sq_text_byte(w->out, '.');
  if (sq_is_plain_key(node->name, node->name_length)) sq_text_append(w->out, node->name, node->name_length);
  else put_quoted(w, node->name, node->name_length, '"');
}

static void put_subject(sq_writer *w, const sq_node *node) {
  if (node->flags & SQ_AS_TEXT) put(w, "text(");
  if (node->flags & SQ_OR_ZERO) put(w, "or_zero(");
  put_name(w, node);
  if (node->flags & SQ_OR_ZERO) put(w, ")");
  if (node->flags & SQ_AS_TEXT) put(w, ")");
}

static void put_value(sq_writer *w, const sq_node *node, uint32_t which) {
  const sq_value *value = &node->values[which].value;
  sq_type type = sq_seen_type(node);
  if (value->kind == SQ_STRING) put_quoted(w, value->text, value->length, '\'');
  else if (type != SQ_T_TIME || value->kind != SQ_INTEGER) sq_write_json(w, node, which);
  else if (!sq_write_time(w->out, value->integer)) sq_write_scaled(w->out, value->integer, 6);
}

/* ----------------------------------------------------------------------------------------------- comparisons */

static void put_list(sq_writer *w, const sq_node *node) {
  put(w, "(");
  for (uint32_t i = 0; i < node->count; i++) {
    if (i) put(w, ", ");
    put_value(w, node, i);
  }
  put(w, ")");
}

static void put_between(sq_writer *w, const sq_node *node) {
  put_value(w, node, 0);
  put(w, " and ");
  put_value(w, node, 1);
}

static void put_one_value(sq_writer *w, const sq_node *node) { put_value(w, node, 0); }
static void put_none(sq_writer *w, const sq_node *node) { (void)w, (void)node; }

/* Behind the field, plain and negated. Without a negated form `not` stands before it all. */
typedef struct operator {
  const char *text, *negated;
  void (*values)(sq_writer *w, const sq_node *node);
} operator;
static const operator has = {" has ", " not has ", put_one_value};
static const operator operators[SQ_OP_COUNT] = {
    [SQ_OP_EQ] = {" = ", " != ", put_one_value},
    [SQ_OP_GT] = {" > ", NULL, put_one_value},
    [SQ_OP_GTE] = {" >= ", NULL, put_one_value},
    [SQ_OP_LT] = {" < ", NULL, put_one_value},
    [SQ_OP_LTE] = {" <= ", NULL, put_one_value},
    [SQ_OP_BETWEEN] = {" between ", " not between ", put_between},
    [SQ_OP_AMONG] = {" in ", " not in ", put_list},
    [SQ_OP_LIKE] = {" like ", " not like ", put_one_value},
    [SQ_OP_ILIKE] = {" ilike ", " not ilike ", put_one_value},
    [SQ_OP_CONTAINS] = {" contains ", " not contains ", put_one_value},
    [SQ_OP_PHRASE] = {" phrase ", " not phrase ", put_one_value},
    [SQ_OP_PRESENT] = {" is present", " is absent", put_none},
};

/* `cached` for `cached = true`. */
static bool is_bare(const sq_node *node) {
  return node->op == SQ_OP_EQ && sq_seen_type(node) == SQ_T_BOOLEAN && node->values[0].value.boolean;
}

static void write_compare(sq_writer *w, const sq_node *node, bool negated) {
  bool of_list = node->op == SQ_OP_EQ && sq_seen_type(node) == SQ_T_LIST, bare = is_bare(node);
  const operator *how = of_list ? &has : &operators[node->op];
  if (negated && (bare || !how->negated)) put(w, "not ");
  put_subject(w, node);
  if (bare) return;
  put(w, negated && how->negated ? how->negated : how->text);
  how->values(w, node);
}

/* A comparison that can never hold is a constant with a level, and so is one with no value at all. */
static void write_never(sq_writer *w, const sq_node *node, bool negated) {
  put_name(w, node);
  put(w, negated ? " not in ()" : " in ()");
}

/* -------------------------------------------------------------------------------------------------- the tree */

static void write_node(sq_writer *w, const sq_node *node, bond around);

static void write_many(sq_writer *w, const sq_node *node, bond around) {
  bond own = node->kind == SQ_N_AND ? OF_AND : LOOSE_OR;
  bool brackets = own < around;
  if (brackets) put(w, "(");
  for (uint32_t i = 0; i < node->count; i++) {
    if (i) put(w, node->kind == SQ_N_AND ? " and " : " or ");
    write_node(w, node->kids[i], own);
  }
  if (brackets) put(w, ")");
}

static void write_not(sq_writer *w, const sq_node *kid) {
  if (kid->kind == SQ_N_COMPARE) {
    write_compare(w, kid, true);
  } else if (sq_is_leaf(kid)) {
    write_never(w, kid, true);
  } else {
    put(w, "not ");
    write_node(w, kid, OF_NOT);
  }
}

/* some(…), entry(map, …): a word and what it is about. */
static void write_over(sq_writer *w, const sq_node *node) {
  put(w, sq_node_name(node->kind));
  put(w, "(");
  if (node->kind == SQ_N_ENTRY) {
    put(w, sq_field_get(node->field)->name);
    put(w, ", ");
  }
  write_node(w, node->kids[0], LOOSE_OR);
  put(w, ")");
}

static void write_node(sq_writer *w, const sq_node *node, bond around) {
  if (node->kind == SQ_N_COMPARE) write_compare(w, node, false);
  else if (sq_is_leaf(node)) write_never(w, node, false);
  else if (sq_node_is_many(node->kind)) write_many(w, node, around);
  else if (node->kind == SQ_N_NOT) write_not(w, node->kids[0]);
  else if (node->count) write_over(w, node);
  else put(w, sq_node_name(node->kind));
}

bool sq_where_write(sq_writer *w, const sq_node *tree) {
  if (w->whole) put(w, "whole(");
  write_node(w, tree, LOOSE_OR);
  if (w->whole) put(w, ")");
  return true;
}
