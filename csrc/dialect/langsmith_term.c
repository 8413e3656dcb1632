#include "dialect/langsmith_term.h"

#include "dialect/langsmith_lex.h"

typedef struct parser {
  sq_builder *builder;
  langsmith_lexer lexer;
  langsmith_token token; /* the next one, not taken yet */
  unsigned depth;
} parser;

static void advance(parser *p) { p->token = langsmith_next(&p->lexer); }

/* Expected this, found that. A broken token has its error already, which sticks. */
static bool fail_expected(parser *p, const char *expected) {
  const langsmith_token *at = &p->token;
  if (at->kind == LANGSMITH_END)
    return sq_fail_at(p->builder->error, SQ_E_SYNTAX, at->place.offset, 0, "expected %s, but the text ends", expected);
  return sq_fail_at(p->builder->error, SQ_E_SYNTAX, at->place.offset, at->place.length,
                    at->kind == LANGSMITH_TEXT ? "expected %s, not %s" : "expected %s, not '%s'", expected,
                    sq_show(p->lexer.source + at->place.offset, at->place.length).text);
}

static bool take_mark(parser *p, char mark) {
  if (!langsmith_is_mark(&p->token, mark)) return false;
  advance(p);
  return true;
}

static bool parse_term(parser *p, langsmith_term *out);

/* [ term { "," term } ] and the closing mark, behind the opening one. */
static bool parse_items(parser *p, langsmith_term *out, char close) {
  size_t capacity = 0;
  char expected[] = "',' or ' '";
  expected[8] = close;
  if (!langsmith_is_mark(&p->token, close)) do {
      if (!sq_arena_grow(p->builder->arena, &out->items, out->count, &capacity, sizeof *out->items)) return sq_fail_memory(p->builder->error);
      if (!parse_term(p, &out->items[out->count])) return false;
      out->count++;
    } while (take_mark(p, ','));
  if (!langsmith_is_mark(&p->token, close)) return fail_expected(p, expected);
  out->place.length = p->token.place.offset + 1 - out->place.offset;
  advance(p);
  return true;
}

static bool nested(parser *p, langsmith_term *out, char close) {
  if (p->depth == SQ_MAX_DEPTH / 2)
    return sq_fail_at(p->builder->error, SQ_E_LIMIT, out->place.offset, out->place.length, "nested deeper than %d", SQ_MAX_DEPTH / 2);
  p->depth++;
  advance(p);
  bool parsed = parse_items(p, out, close);
  p->depth--;
  return parsed;
}

static bool is_word(const langsmith_token *token, const char *word) { return sq_same_text(word, token->text, token->length); }

static bool parse_word(parser *p, langsmith_term *out) {
  langsmith_token word = p->token;
  advance(p);
  *out = (langsmith_term){.kind = LANGSMITH_NAME, .place = word.place, .name = word.text, .length = word.length};
  if (langsmith_is_mark(&p->token, '(')) {
    out->kind = LANGSMITH_CALL;
    return nested(p, out, ')');
  }
  if (is_word(&word, "true") || is_word(&word, "false")) out->value = sq_boolean_operand(is_word(&word, "true"), word.place);
  else if (is_word(&word, "null")) out->value = (sq_operand){{.kind = SQ_NULL}, word.place};
  else return true;
  out->kind = LANGSMITH_VALUE;
  return true;
}

static bool parse_term(parser *p, langsmith_term *out) {
  const langsmith_token *t = &p->token;
  if (t->kind == LANGSMITH_WORD) return parse_word(p, out);
  *out = (langsmith_term){.kind = LANGSMITH_VALUE, .place = t->place};
  if (langsmith_is_mark(t, '[')) {
    out->kind = LANGSMITH_LIST;
    return nested(p, out, ']');
  }
  if (t->kind == LANGSMITH_TEXT) out->value = sq_text_operand(t->text, t->length, t->place);
  else if (t->kind == LANGSMITH_NUMBER) out->value = sq_number_operand(t->text, t->length, t->place);
  else return fail_expected(p, "a function, a field or a value");
  advance(p);
  return true;
}

const langsmith_term *langsmith_parse(sq_builder *builder, const char *source, size_t length) {
  parser p = {.builder = builder, .lexer = {builder, source, source, source + length}};
  langsmith_term *whole = sq_arena_take(builder->arena, sizeof *whole);
  if (!whole) {
    sq_fail_memory(builder->error);
    return NULL;
  }
  advance(&p);
  if (p.token.kind != LANGSMITH_WORD) fail_expected(&p, "a function, as in eq(name, \"x\")");
  else if (parse_word(&p, whole) && whole->kind != LANGSMITH_CALL) fail_expected(&p, "'('");
  else if (builder->error->code == SQ_OK && p.token.kind != LANGSMITH_END) fail_expected(&p, "the end");
  return builder->error->code == SQ_OK ? whole : NULL;
}
