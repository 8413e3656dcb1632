#include "dialect/where_lex.h"

#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "base/text.h"

static bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool digit(char c) { return c >= '0' && c <= '9'; }
static bool space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static sq_place place_from(const where_lexer *lexer, const char *from) {
  return (sq_place){(uint32_t)(from - lexer->source), (uint32_t)(lexer->at - from)};
}

static where_token fail(where_lexer *lexer, const char *from, const char *message) {
  sq_place place = place_from(lexer, from);
  sq_fail_at(lexer->builder->error, SQ_E_SYNTAX, place.offset, place.length, "%s", message);
  return (where_token){.kind = WHERE_ERROR, .place = place};
}

static where_token make(const where_lexer *lexer, where_kind kind, const char *from) {
  return (where_token){.kind = kind, .place = place_from(lexer, from), .text = from, .length = (size_t)(lexer->at - from)};
}

/* The end of what is quoted from `at` on, NULL when there is none. A quote that stands twice is text. */
static const char *closing_quote(const char *at, const char *end, char quote) {
  while ((at = memchr(at, quote, (size_t)(end - at)))) {
    if (at + 1 == end || at[1] != quote) return at;
    at += 2;
  }
  return NULL;
}

/* At a quote: the text between it and its end. */
static const char *quoted(where_lexer *lexer, size_t *length) {
  char quote = *lexer->at++;
  const char *close = closing_quote(lexer->at, lexer->end, quote);
  char *copy = close ? sq_arena_take(lexer->builder->arena, (size_t)(close - lexer->at) + 1) : NULL;
  if (!close) return NULL;
  if (!copy) {
    sq_fail_memory(lexer->builder->error);
    return NULL;
  }
  for (*length = 0; lexer->at < close; lexer->at++) {
    copy[(*length)++] = *lexer->at;
    if (*lexer->at == quote) lexer->at++;
  }
  lexer->at = close + 1;
  return copy;
}

static where_token read_text(where_lexer *lexer) {
  const char *from = lexer->at;
  size_t length;
  const char *text = quoted(lexer, &length);
  if (!text) return fail(lexer, from, "the text has no closing quote");
  where_token token = make(lexer, WHERE_TEXT, from);
  token.text = text;
  token.length = length;
  return token;
}

static void skip_name(where_lexer *lexer) {
  while (lexer->at < lexer->end && (letter(*lexer->at) || digit(*lexer->at) || *lexer->at == '-')) lexer->at++;
}

/* name { "." name } [ "." quoted | "[" quoted "]" ] */
static where_token read_name(where_lexer *lexer) {
  const char *from = lexer->at;
  while (lexer->at < lexer->end && (letter(*lexer->at) || digit(*lexer->at))) lexer->at++;
  while (lexer->end - lexer->at > 1 && *lexer->at == '.' && (letter(lexer->at[1]) || digit(lexer->at[1]))) {
    lexer->at++;
    skip_name(lexer);
  }
  where_token token = make(lexer, WHERE_NAME, from);
  bool bracket = lexer->end - lexer->at > 1 && *lexer->at == '[';
  bool dot = lexer->end - lexer->at > 1 && *lexer->at == '.';
  if (!bracket && !dot) return token;
  if (lexer->at[1] != '"' && lexer->at[1] != '\'') return fail(lexer, from, "expected a key behind the name");
  lexer->at++;
  if (!(token.key = quoted(lexer, &token.key_length))) return fail(lexer, from, "the key has no closing quote");
  if (bracket && (lexer->at == lexer->end || *lexer->at++ != ']')) return fail(lexer, from, "expected ']' behind the key");
  token.place = place_from(lexer, from);
  return token;
}

/* A run of all that a number or an unquoted time may hold. */
static where_token read_number(where_lexer *lexer) {
  const char *from = lexer->at++;
  while (lexer->at < lexer->end && (digit(*lexer->at) || letter(*lexer->at) || sq_one_of(".:+-", *lexer->at))) lexer->at++;
  where_token token = make(lexer, WHERE_NUMBER, from);
  bool date = token.length == 10 && from[4] == '-';
  if (date && lexer->end - lexer->at > 3 && lexer->at[0] == ' ' && digit(lexer->at[1]) && digit(lexer->at[2]) && lexer->at[3] == ':') {
    for (lexer->at++; lexer->at < lexer->end && (digit(*lexer->at) || letter(*lexer->at) || sq_one_of(".:+-", *lexer->at));) lexer->at++;
    token = make(lexer, WHERE_NUMBER, from);
  }
  bool time = token.length >= 10 && from[4] == '-' && digit(from[0]);
  if (time) token.kind = WHERE_TIME;
  sq_scaled ignored;
  if (!time && !sq_decimal_scale(token.text, token.length, 0, &ignored)) return fail(lexer, from, "not a number");
  return token;
}

static where_token read_symbol(where_lexer *lexer) {
  static const char *const symbols[] = {"==", "!=", "<>", "<=", ">=", "=", "<", ">", "(", ")", ","};
  const char *from = lexer->at;
  for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
    size_t length = strlen(symbols[i]);
    if ((size_t)(lexer->end - from) < length || memcmp(from, symbols[i], length) != 0) continue;
    lexer->at += length;
    return make(lexer, WHERE_SYMBOL, from);
  }
  do lexer->at++;
  while (lexer->at < lexer->end && ((unsigned char)*lexer->at & 0xC0) == 0x80); /* the whole code point */
  return fail(lexer, from, "nothing begins with this character");
}

where_token where_next(where_lexer *lexer) {
  while (lexer->at < lexer->end && space(*lexer->at)) lexer->at++;
  if (lexer->at == lexer->end) return make(lexer, WHERE_END, lexer->at);
  char c = *lexer->at;
  if (letter(c)) return read_name(lexer);
  if (c == '\'' || c == '"') return read_text(lexer);
  if (digit(c) || (c == '-' && lexer->end - lexer->at > 1 && digit(lexer->at[1]))) return read_number(lexer);
  return read_symbol(lexer);
}

bool where_is(const where_token *token, const char *word) {
  return token->kind == WHERE_NAME && !token->key && token->length == strlen(word) &&
         strncasecmp(token->text, word, token->length) == 0;
}

bool where_is_symbol(const where_token *token, const char *symbol) {
  return token->kind == WHERE_SYMBOL && token->length == strlen(symbol) && memcmp(token->text, symbol, token->length) == 0;
}
