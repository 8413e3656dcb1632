/* The infix language for people:

     filter = any | "whole" "(" any ")"
     any    = both { "or" both }            both = one { "and" one }
     one    = "not" one | "(" any ")" | "true" | "false" | over | entry | compare
     over   = ("some" | "every" | "root" | "in_trace" | "enclosing" | "enclosed") "(" any ")"
     entry  = "entry" "(" map "," any [ "," any ] ")"        inside: key, value; of feedback more
     compare= subject [ ("=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">=") value
                    | ["not"] "in" "(" [ value { "," value } ] ")"
                    | ["not"] "between" value "and" value
                    | ["not"] ("contains" | "phrase" | "like" | "ilike" | "has") value
                    | "is" ["not"] ("absent" | "present" | "null" | "true" | "false") ]
     subject= field | "text" "(" field ")" | "or_zero" "(" field ")"
     value  = text | number | time | "true" | "false" | "null"

   text(…) sees a map's member as text, 1 as '1'; or_zero(…) takes an absent number for 0, as some vendors do.
   A whole filter trims no session: it finds those with one request (or trace) that it lets through, as Freeplay does.
   A boolean field alone asks whether it is true. Keywords are free of case. */
#include <string.h>

#include "dialect/dialect.h"
#include "dialect/where_lex.h"

typedef struct parser {
  sq_builder *builder;
  where_lexer lexer;
  where_token token; /* the next one, not taken yet */
  unsigned depth;
  unsigned flags; /* of the comparison that is read */
} parser;

static void advance(parser *p) { p->token = where_next(&p->lexer); }

static sq_node *fail(parser *p, const where_token *at, const char *message) {
  sq_fail_at(p->builder->error, SQ_E_SYNTAX, at->place.offset, at->place.length, "%s", message);
  return NULL;
}

/* Expected this, found that. */
static sq_node *fail_expected(parser *p, const char *expected) {
  const where_token *at = &p->token;
  if (at->kind == WHERE_END)
    sq_fail_at(p->builder->error, SQ_E_SYNTAX, at->place.offset, 0, "expected %s, but the text ends", expected);
  else
    sq_fail_at(p->builder->error, SQ_E_SYNTAX, at->place.offset, at->place.length, at->kind == WHERE_TEXT ? "expected %s, not %s" : "expected %s, not '%s'",
               expected, sq_show(p->lexer.source + at->place.offset, at->place.length).text);
  return NULL;
}

static bool take_symbol(parser *p, const char *symbol) {
  if (!where_is_symbol(&p->token, symbol)) return false;
  advance(p);
  return true;
}

static bool take_word(parser *p, const char *word) {
  if (!where_is(&p->token, word)) return false;
  advance(p);
  return true;
}

static bool expect_symbol(parser *p, const char *symbol) {
  char expected[8] = {'\'', symbol[0], '\'', '\0'};
  return take_symbol(p, symbol) || fail_expected(p, expected) != NULL;
}

static sq_node *parse_any(parser *p);
static sq_node *parse_one_bounded(parser *p);

/* --------------------------------------------------------------------------------------------- values */

static bool parse_value(parser *p, sq_operand *out) {
  const where_token *t = &p->token;
  if (t->kind == WHERE_TEXT || t->kind == WHERE_TIME) *out = sq_text_operand(t->text, t->length, t->place);
  else if (t->kind == WHERE_NUMBER) *out = sq_number_operand(t->text, t->length, t->place);
  else if (where_is(t, "true") || where_is(t, "false")) *out = sq_boolean_operand(where_is(t, "true"), t->place);
  else if (where_is(t, "null")) *out = (sq_operand){{.kind = SQ_NULL}, t->place};
  else {
    fail_expected(p, t->kind == WHERE_NAME ? "a value (text stands in quotes)" : "a value");
    return false;
  }
  advance(p);
  return true;
}

/* value { "," value } ")" */
static sq_operand *parse_list(parser *p, size_t *count) {
  sq_operand *items = sq_arena_take(p->builder->arena, sizeof *items);
  size_t capacity = 1;
  *count = 0;
  if (take_symbol(p, ")")) return items;
  do {
    if (!items || !sq_arena_grow(p->builder->arena, &items, *count, &capacity, sizeof *items)) {
      sq_fail_memory(p->builder->error);
      return NULL;
    }
    if (!parse_value(p, &items[*count])) return NULL;
    ++*count;
  } while (take_symbol(p, ","));
  return expect_symbol(p, ")") ? items : NULL;
}

/* ---------------------------------------------------------------------------------------- comparisons */

static sq_node *build(parser *p, const where_token *field, sq_op op, const sq_operand *values, size_t count) {
  sq_field map = field->key ? sq_field_named(field->text, field->length) : SQ_F_NONE;
  if (map == SQ_F_NONE)
    return sq_build_compare(p->builder, SQ_F_NONE, field->text, field->length, op, values, count, p->flags, field->place);
  if (!sq_field_has_members(map)) return fail(p, field, "this field is no map: it has no keys");
  return sq_build_compare(p->builder, map, field->key, field->key_length, op, values, count, p->flags, field->place);
}

static sq_node *parse_symbol_operator(parser *p, const where_token *field) {
  static const struct {
    const char *symbol;
    sq_op op;
  } ops[] = {{"=", SQ_OP_EQ},  {"==", SQ_OP_EQ},  {"!=", SQ_OP_NE}, {"<>", SQ_OP_NE},
             {"<", SQ_OP_LT},  {"<=", SQ_OP_LTE}, {">", SQ_OP_GT},  {">=", SQ_OP_GTE}};
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
    sq_operand value;
    if (!where_is_symbol(&p->token, ops[i].symbol)) continue;
    advance(p);
    return parse_value(p, &value) ? build(p, field, ops[i].op, &value, 1) : NULL;
  }
  return fail_expected(p, "an operator");
}

static sq_node *parse_in(parser *p, const where_token *field) {
  size_t count;
  if (!expect_symbol(p, "(")) return NULL;
  sq_operand *values = parse_list(p, &count);
  return values ? build(p, field, SQ_OP_AMONG, values, count) : NULL;
}

static sq_node *parse_between(parser *p, const where_token *field) {
  sq_operand ends[2];
  if (!parse_value(p, &ends[0])) return NULL;
  if (!take_word(p, "and")) return fail_expected(p, "'and' and the upper end");
  return parse_value(p, &ends[1]) ? build(p, field, SQ_OP_BETWEEN, ends, 2) : NULL;
}

static sq_node *parse_one_value(parser *p, const where_token *field, sq_op op) {
  sq_operand value;
  return parse_value(p, &value) ? build(p, field, op, &value, 1) : NULL;
}

/* in, between, contains, phrase, like, ilike, has; `required` once a "not" was taken */
static sq_node *parse_word_operator(parser *p, const where_token *field, bool required) {
  static const struct {
    const char *word;
    sq_op op;
  } words[] = {{"contains", SQ_OP_CONTAINS}, {"like", SQ_OP_LIKE}, {"ilike", SQ_OP_ILIKE}, {"has", SQ_OP_HAS}, {"phrase", SQ_OP_PHRASE}};
  if (take_word(p, "in")) return parse_in(p, field);
  if (take_word(p, "between")) return parse_between(p, field);
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (take_word(p, words[i].word)) return parse_one_value(p, field, words[i].op);
  return required ? fail_expected(p, "in, between, contains, phrase, like, ilike or has") : NULL;
}

static sq_node *parse_is(parser *p, const where_token *field) {
  bool negative = take_word(p, "not");
  sq_operand truth = sq_boolean_operand(where_is(&p->token, "true"), p->token.place);
  sq_node *node;
  if (take_word(p, "absent") || take_word(p, "null")) node = build(p, field, SQ_OP_ABSENT, NULL, 0);
  else if (take_word(p, "present")) node = build(p, field, SQ_OP_PRESENT, NULL, 0);
  else if (take_word(p, "true") || take_word(p, "false")) node = build(p, field, SQ_OP_EQ, &truth, 1);
  else return fail_expected(p, "absent, present, true or false");
  return negative ? sq_build_not(p->builder, node) : node;
}

static bool ends_condition(const where_token *t) {
  return t->kind == WHERE_END || where_is_symbol(t, ")") || where_is_symbol(t, ",") || where_is(t, "and") || where_is(t, "or");
}

static sq_node *parse_bare(parser *p, const where_token *field) {
  sq_field known = field->key ? SQ_F_NONE : sq_field_named(field->text, field->length);
  sq_operand yes = sq_boolean_operand(true, field->place);
  if (known != SQ_F_NONE && sq_field_get(known)->type != SQ_T_BOOLEAN) return fail_expected(p, "an operator");
  return build(p, field, SQ_OP_EQ, &yes, 1); /* an unknown field is bind's to report */
}

/* Words that stand behind a field, and so are none. */
static const char *const operator_words[] = {"and", "or", "in", "not", "between", "contains", "phrase", "like", "ilike", "has", "is"};
enum { OPERATOR_WORDS = sizeof operator_words / sizeof *operator_words };

static sq_node *fail_operator(parser *p) {
  sq_nearest search = {p->token.text, p->token.length, NULL, 0};
  for (size_t i = 0; i < OPERATOR_WORDS; i++) sq_nearest_offer(&search, operator_words[i]);
  fail_expected(p, "an operator");
  if (search.best) sq_error_append(p->builder->error, ", did you mean '%s'?", search.best);
  return NULL;
}

/* field | word "(" field ")": sets the flags that the word stands for. */
static bool parse_subject(parser *p, where_token *field) {
  static const struct {
    const char *word;
    unsigned flag;
  } views[] = {{"text", SQ_AS_TEXT}, {"or_zero", SQ_OR_ZERO}};
  *field = p->token;
  p->flags = 0;
  advance(p);
  for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
    if (!where_is(field, views[i].word) || !take_symbol(p, "(")) continue;
    *field = p->token;
    p->flags = views[i].flag;
    if (field->kind != WHERE_NAME) return fail_expected(p, "a field") != NULL;
    advance(p);
    return expect_symbol(p, ")");
  }
  return true;
}

static sq_node *parse_compare(parser *p) {
  where_token field;
  for (size_t i = 0; i < OPERATOR_WORDS; i++)
    if (where_is(&p->token, operator_words[i])) return fail_expected(p, "a condition");
  if (!parse_subject(p, &field)) return NULL;
  if (ends_condition(&p->token)) return parse_bare(p, &field);
  if (p->token.kind == WHERE_SYMBOL) return parse_symbol_operator(p, &field);
  if (p->token.kind != WHERE_NAME) return fail_expected(p, "an operator");
  if (take_word(p, "is")) return parse_is(p, &field);
  if (take_word(p, "not")) return sq_build_not(p->builder, parse_word_operator(p, &field, true));
  sq_node *node = parse_word_operator(p, &field, false);
  return node || p->builder->error->code != SQ_OK ? node : fail_operator(p);
}

/* ------------------------------------------------------------------------------------------- the grammar */

static sq_node *parse_over(parser *p, sq_node_kind kind) {
  sq_place place = p->token.place;
  advance(p);
  if (!expect_symbol(p, "(")) return NULL;
  sq_node *inside = parse_any(p);
  return inside && expect_symbol(p, ")") ? sq_build_over(p->builder, kind, inside, place) : NULL;
}

static sq_node *parse_entry(parser *p) {
  advance(p);
  if (!expect_symbol(p, "(")) return NULL;
  where_token name = p->token;
  sq_field map = name.kind == WHERE_NAME && !name.key ? sq_field_named(name.text, name.length) : SQ_F_NONE;
  if (map == SQ_F_NONE) return fail_expected(p, "properties, scores, feedback or a body");
  advance(p);
  if (!expect_symbol(p, ",")) return NULL;
  sq_node *inside = parse_any(p);
  if (inside && take_symbol(p, ",")) inside = sq_build_and(p->builder, inside, parse_any(p));
  return inside && expect_symbol(p, ")") ? sq_build_entry(p->builder, map, inside, name.place) : NULL;
}

static sq_node *parse_constant(parser *p) {
  bool value = where_is(&p->token, "true");
  advance(p);
  return sq_build_constant(p->builder, value);
}

static sq_node *parse_one(parser *p) {
  static const sq_node_kind overs[] = {SQ_N_SOME, SQ_N_EVERY, SQ_N_ROOT, SQ_N_IN_TRACE, SQ_N_ENCLOSING, SQ_N_ENCLOSED};
  if (take_word(p, "not")) return sq_build_not(p->builder, parse_one_bounded(p));
  if (take_symbol(p, "(")) {
    sq_node *inside = parse_any(p);
    return inside && expect_symbol(p, ")") ? inside : NULL;
  }
  if (p->token.kind != WHERE_NAME) return fail_expected(p, "a condition");
  if (where_is(&p->token, "true") || where_is(&p->token, "false")) return parse_constant(p);
  if (where_is(&p->token, "entry")) return parse_entry(p);
  if (where_is(&p->token, "whole")) return fail(p, &p->token, "whole(…) stands around the whole filter");
  for (size_t i = 0; i < sizeof overs / sizeof *overs; i++)
    if (where_is(&p->token, sq_node_name(overs[i]))) return parse_over(p, overs[i]);
  return parse_compare(p);
}

static sq_node *parse_one_bounded(parser *p) {
  if (p->depth == SQ_MAX_DEPTH) {
    sq_fail_at(p->builder->error, SQ_E_LIMIT, p->token.place.offset, p->token.place.length, "nested deeper than %d", SQ_MAX_DEPTH);
    return NULL;
  }
  p->depth++;
  sq_node *node = parse_one(p);
  p->depth--;
  return node;
}

static sq_node *parse_many(parser *p, const char *word, sq_node_kind kind, sq_node *(*parse_member)(parser *p)) {
  sq_kids kids = {0};
  do {
    if (!sq_kids_add(p->builder, &kids, parse_member(p))) return NULL;
  } while (take_word(p, word));
  return sq_build_many(p->builder, kind, &kids);
}

static sq_node *parse_both(parser *p) { return parse_many(p, "and", SQ_N_AND, parse_one_bounded); }
static sq_node *parse_any(parser *p) { return parse_many(p, "or", SQ_N_OR, parse_both); }

static sq_node *parse_whole(parser *p) {
  sq_node *inside = expect_symbol(p, "(") ? parse_any(p) : NULL;
  p->builder->whole = true;
  return inside && expect_symbol(p, ")") ? inside : NULL;
}

sq_node *sq_where_filter(sq_builder *builder, const char *source, size_t length) {
  parser p = {.builder = builder, .lexer = {builder, source, source, source + length}};
  advance(&p);
  sq_node *tree = take_word(&p, "whole") ? parse_whole(&p) : parse_any(&p);
  if (!tree || p.token.kind == WHERE_END) return tree;
  return fail_expected(&p, builder->whole ? "the end: whole(…) is the whole filter" : "'and', 'or' or the end");
}
