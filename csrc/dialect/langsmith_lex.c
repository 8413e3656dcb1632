#include "dialect/langsmith_lex.h"

#include "base/json.h"
#include "base/number.h"
#include "base/utf8.h"

static bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool digit(char c) { return c >= '0' && c <= '9'; }
static bool space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static langsmith_token make(const langsmith_lexer *lexer, langsmith_token_kind kind, const char *from) {
  size_t length = (size_t)(lexer->at - from);
  return (langsmith_token){kind, {(uint32_t)(from - lexer->source), (uint32_t)length}, from, length};
}

static langsmith_token fail(langsmith_lexer *lexer, const char *from, size_t length, sq_code code, const char *message) {
  sq_fail_at(lexer->builder->error, code, (size_t)(from - lexer->source), length, "%s", message);
  return (langsmith_token){.kind = LANGSMITH_ERROR};
}

/* ---------------------------------------------------------------------------------------------------- text */

static const char escapes[] = "\"'\\/bfnrt", escaped_bytes[] = "\"'\\/\b\f\n\r\t";

static int unit_at(const langsmith_lexer *lexer, const char *at) {
  return lexer->end - at >= 6 && at[0] == '\\' && at[1] == 'u' ? sq_json_hex(at + 2) : -1;
}

/* At \u: the code point, and the escape's size; 0 and an error when it is none. */
static size_t read_point(langsmith_lexer *lexer, const char *at, uint32_t *point) {
  int unit = unit_at(lexer, at), low = 0;
  if (unit > 0 && (unit < 0xD800 || unit > 0xDFFF)) {
    *point = (uint32_t)unit;
    return 6;
  }
  if (unit >= 0xD800 && unit < 0xDC00 && (low = unit_at(lexer, at + 6)) >= 0xDC00 && low <= 0xDFFF) {
    *point = 0x10000 + (((uint32_t)unit - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
    return 12;
  }
  if (unit < 0) fail(lexer, at, 2, SQ_E_SYNTAX, "\\u wants four hexadecimal digits");
  else fail(lexer, at, 6, SQ_E_VALUE, unit == 0 ? "U+0000 in text" : "half of a surrogate pair");
  return 0;
}

/* At a backslash: writes what it stands for, moves past it. Returns how many bytes were written, 0 after an error. */
static size_t unescape(langsmith_lexer *lexer, const char **at, char *out) {
  const char *from = *at;
  char code = from + 1 < lexer->end ? from[1] : '\0';
  const char *known = code ? strchr(escapes, code) : NULL;
  if (known) {
    *out = escaped_bytes[known - escapes];
    *at += 2;
    return 1;
  }
  if (code == 'u') {
    uint32_t point;
    size_t size = read_point(lexer, from, &point);
    *at += size;
    return size ? sq_utf8_encode(point, out) : 0;
  }
  if (code == '%' || code == '_')
    fail(lexer, from, 2, SQ_E_SYNTAX, code == '%' ? "no such escape: a pattern's \\% is written \\\\%" : "no such escape: a pattern's \\_ is written \\\\_");
  else fail(lexer, from, 1, SQ_E_SYNTAX, "no such escape: a backslash stands before \" ' \\ / b f n r t or u and four digits");
  return 0;
}

/* Where the text ends that begins behind a quote; NULL when it has no end. */
static const char *closing_quote(const char *at, const char *end, char quote) {
  for (; at < end && *at != quote; at++)
    if (*at == '\\' && end - at > 1) at++;
  return at < end ? at : NULL;
}

static langsmith_token read_text(langsmith_lexer *lexer) {
  const char *from = lexer->at, *at = from + 1, *close = closing_quote(at, lexer->end, *from);
  if (!close) return fail(lexer, from, (size_t)(lexer->end - from), SQ_E_SYNTAX, "the text has no closing quote");
  char *plain = sq_arena_take(lexer->builder->arena, (size_t)(close - at) + 1); /* an escape is longer than what it stands for */
  size_t length = 0;
  if (!plain) {
    sq_fail_memory(lexer->builder->error);
    return (langsmith_token){.kind = LANGSMITH_ERROR};
  }
  while (at < close) {
    if (*at != '\\') {
      plain[length++] = *at++;
      continue;
    }
    size_t size = unescape(lexer, &at, plain + length);
    if (!size) return (langsmith_token){.kind = LANGSMITH_ERROR};
    length += size;
  }
  lexer->at = close + 1;
  langsmith_token token = make(lexer, LANGSMITH_TEXT, from);
  token.text = plain;
  token.length = length;
  return token;
}

/* ------------------------------------------------------------------------------------------ all other tokens */

static langsmith_token read_word(langsmith_lexer *lexer) {
  const char *from = lexer->at;
  while (lexer->at < lexer->end && (letter(*lexer->at) || digit(*lexer->at))) lexer->at++;
  return make(lexer, LANGSMITH_WORD, from);
}

/* A run of all that numbers, times and durations are made of. */
static langsmith_token read_number(langsmith_lexer *lexer) {
  const char *from = lexer->at++;
  while (lexer->at < lexer->end && (digit(*lexer->at) || letter(*lexer->at) || sq_one_of(".:+-", *lexer->at))) lexer->at++;
  langsmith_token token = make(lexer, LANGSMITH_NUMBER, from);
  if (sq_number_valid(token.text, token.length)) return token;
  return fail(lexer, from, token.length, SQ_E_SYNTAX, "not a number; times and durations stand in quotes");
}

langsmith_token langsmith_next(langsmith_lexer *lexer) {
  while (lexer->at < lexer->end && space(*lexer->at)) lexer->at++;
  const char *from = lexer->at;
  if (from == lexer->end) return make(lexer, LANGSMITH_END, from);
  if (letter(*from)) return read_word(lexer);
  if (*from == '"' || *from == '\'') return read_text(lexer);
  if (digit(*from) || (*from == '-' && lexer->end - from > 1 && digit(from[1]))) return read_number(lexer);
  uint32_t point;
  size_t size = sq_utf8_decode(from, (size_t)(lexer->end - from), &point); /* the source is valid UTF-8 */
  if (!sq_one_of("()[],", *from)) return fail(lexer, from, size, SQ_E_SYNTAX, "nothing begins with this character");
  lexer->at++;
  return make(lexer, LANGSMITH_MARK, from);
}
