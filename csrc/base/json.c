#include "base/json.h"

#include <math.h>
#include <stdio.h>

#include "base/number.h"
#include "base/text.h"
#include "base/utf8.h"

/* What may come next. */
enum { EXPECT_VALUE, EXPECT_VALUE_OR_END, EXPECT_KEY, EXPECT_KEY_OR_END, EXPECT_MORE_OR_END, EXPECT_NOTHING };

static sq_token fail(sq_json *r, const char *at, sq_code code, const char *why) {
  r->at = at;
  r->code = code;
  r->error = why;
  return SQ_TOKEN_ERROR;
}

static bool in_object(const sq_json *r) {
  unsigned level = r->depth - 1;
  return r->objects[level / 64] >> (level % 64) & 1;
}

const char *sq_json_value_start(const sq_json *r) {
  const char *at = r->at;
  while (at < r->end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
  return at;
}

static void skip_space(sq_json *r) { r->at = sq_json_value_start(r); }

void sq_json_begin(sq_json *r, const char *text, size_t length) {
  *r = (sq_json){.start = text, .at = text, .end = text + length, .expects = EXPECT_VALUE};
}

int sq_json_hex(const char *at) {
  int value = 0;
  for (int i = 0; i < 4; i++) {
    char c = at[i];
    int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

/* At a backslash: checks the escape and moves past it. */
static bool pass_escape(sq_json *r, const char **at) {
  const char *s = *at;
  if (r->end - s < 2 || !sq_one_of("\"\\/bfnrtu", s[1])) {
    fail(r, s, SQ_E_SYNTAX, "a backslash escape that JSON does not have");
    return false;
  }
  *at = s + 2;
  if (s[1] != 'u') return true;
  int unit = r->end - s < 6 ? -1 : sq_json_hex(s + 2);
  if (unit < 0) {
    fail(r, s, SQ_E_SYNTAX, "\\u wants four hexadecimal digits");
    return false;
  }
  if (unit == 0) {
    fail(r, s, SQ_E_VALUE, "U+0000 in text");
    return false;
  }
  *at = s + 6;
  if (unit < 0xD800 || unit > 0xDFFF) return true;
  int low = unit < 0xDC00 && r->end - s >= 12 && s[6] == '\\' && s[7] == 'u' ? sq_json_hex(s + 8) : -1;
  if (low < 0xDC00 || low > 0xDFFF) {
    fail(r, s, SQ_E_VALUE, "half of a surrogate pair");
    return false;
  }
  *at = s + 12;
  return true;
}

/* Bytes that a string holds without further ado: ASCII but for controls, the quote and the backslash. */
static const unsigned char plain[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

static const char *pass_plain(const char *at, const char *end) {
  while (end - at >= 4 && plain[(unsigned char)at[0]] & plain[(unsigned char)at[1]] & plain[(unsigned char)at[2]] & plain[(unsigned char)at[3]]) at += 4;
  while (at < end && plain[(unsigned char)*at]) at++;
  return at;
}

/* At the opening quote. */
static bool pass_string(sq_json *r) {
  const char *at = r->at + 1;
  r->token = at;
  r->escaped = false;
  while (true) {
    at = pass_plain(at, r->end);
    if (at == r->end) {
      fail(r, at, SQ_E_SYNTAX, "the text ends inside a string");
      return false;
    }
    if (*at == '"') break;
    if (*at == '\\') {
      r->escaped = true;
      if (!pass_escape(r, &at)) return false;
      continue;
    }
    uint32_t point;
    size_t size = sq_utf8_decode(at, (size_t)(r->end - at), &point);
    if (size == 0) fail(r, at, SQ_E_VALUE, "invalid UTF-8");
    else if (point < 0x20) fail(r, at, SQ_E_SYNTAX, "a control character in a string must be escaped");
    else {
      at += size;
      continue;
    }
    return false;
  }
  r->length = (size_t)(at - r->token);
  r->at = at + 1;
  return true;
}

static bool pass_number(sq_json *r) {
  const char *at = r->at;
  while (at < r->end && ((*at >= '0' && *at <= '9') || *at == '+' || *at == '-' || *at == '.' || *at == 'e' || *at == 'E')) at++;
  r->token = r->at;
  r->length = (size_t)(at - r->at);
  if (!sq_number_valid(r->token, r->length)) {
    fail(r, r->at, SQ_E_SYNTAX, "not a JSON number");
    return false;
  }
  r->at = at;
  return true;
}

static sq_token pass_word(sq_json *r, const char *word, sq_token token) {
  size_t length = strlen(word);
  if ((size_t)(r->end - r->at) < length || memcmp(r->at, word, length) != 0)
    return fail(r, r->at, SQ_E_SYNTAX, "not a JSON value");
  r->at += length;
  return token;
}

/* After a whole value: a comma, an end, or nothing more at the top. */
static sq_token after_value(sq_json *r, sq_token token) {
  r->expects = r->depth ? EXPECT_MORE_OR_END : EXPECT_NOTHING;
  return token;
}

static sq_token open_level(sq_json *r, bool object) {
  if (r->depth == SQ_JSON_DEPTH) return fail(r, r->at, SQ_E_LIMIT, "nested too deep");
  uint64_t bit = (uint64_t)1 << (r->depth % 64), *word = &r->objects[r->depth / 64];
  *word = object ? *word | bit : *word & ~bit;
  r->depth++;
  r->at++;
  r->expects = object ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
  return object ? SQ_TOKEN_OBJECT : SQ_TOKEN_ARRAY;
}

static sq_token close_level(sq_json *r) {
  sq_token token = in_object(r) ? SQ_TOKEN_OBJECT_END : SQ_TOKEN_ARRAY_END;
  r->depth--;
  r->at++;
  return after_value(r, token);
}

static sq_token read_value(sq_json *r) {
  sq_token token;
  switch (*r->at) {
    case '{': return open_level(r, true);
    case '[': return open_level(r, false);
    case '"': return pass_string(r) ? after_value(r, SQ_TOKEN_STRING) : SQ_TOKEN_ERROR;
    case 't': token = pass_word(r, "true", SQ_TOKEN_TRUE); break;
    case 'f': token = pass_word(r, "false", SQ_TOKEN_FALSE); break;
    case 'n': token = pass_word(r, "null", SQ_TOKEN_NULL); break;
    case '-': case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':
      token = pass_number(r) ? SQ_TOKEN_NUMBER : SQ_TOKEN_ERROR;
      break;
    default: return fail(r, r->at, SQ_E_SYNTAX, "not a JSON value");
  }
  return token == SQ_TOKEN_ERROR ? token : after_value(r, token);
}

static sq_token read_key(sq_json *r) {
  if (*r->at != '"') return fail(r, r->at, SQ_E_SYNTAX, "expected a key in double quotes");
  const char *key;
  size_t length;
  bool escaped;
  if (!pass_string(r)) return SQ_TOKEN_ERROR;
  key = r->token, length = r->length, escaped = r->escaped;
  skip_space(r);
  if (r->at == r->end || *r->at != ':') return fail(r, r->at, SQ_E_SYNTAX, "expected ':' after the key");
  r->at++;
  r->token = key, r->length = length, r->escaped = escaped;
  r->expects = EXPECT_VALUE;
  return SQ_TOKEN_KEY;
}

sq_token sq_json_next(sq_json *r) {
  if (r->error) return SQ_TOKEN_ERROR;
  skip_space(r);
  if (r->at == r->end)
    return r->expects == EXPECT_NOTHING ? SQ_TOKEN_END : fail(r, r->at, SQ_E_SYNTAX, "the text ends too early");
  char closing = r->depth == 0 ? '\0' : in_object(r) ? '}' : ']';
  switch (r->expects) {
    case EXPECT_NOTHING: return fail(r, r->at, SQ_E_SYNTAX, "something follows the value");
    case EXPECT_MORE_OR_END:
      if (*r->at == closing) return close_level(r);
      if (*r->at != ',') return fail(r, r->at, SQ_E_SYNTAX, "expected ',' or the end");
      r->at++;
      r->expects = closing == '}' ? EXPECT_KEY : EXPECT_VALUE;
      return sq_json_next(r);
    case EXPECT_KEY_OR_END:
    case EXPECT_VALUE_OR_END:
      if (*r->at == closing) return close_level(r);
      return r->expects == EXPECT_KEY_OR_END ? read_key(r) : read_value(r);
    case EXPECT_KEY: return read_key(r);
    default: return read_value(r);
  }
}

size_t sq_json_unescape(const char *token, size_t length, char *out) {
  size_t used = 0;
  for (size_t at = 0; at < length;) {
    if (token[at] != '\\') {
      out[used++] = token[at++];
      continue;
    }
    char code = token[at + 1];
    static const char codes[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    const char *known = strchr(codes, code);
    if (code != 'u' && known) {
      out[used++] = bytes[known - codes];
      at += 2;
      continue;
    }
    uint32_t point = (uint32_t)sq_json_hex(token + at + 2);
    at += 6;
    if (point >= 0xD800 && point <= 0xDFFF) {
      point = 0x10000 + ((point - 0xD800) << 10) + ((uint32_t)sq_json_hex(token + at + 2) - 0xDC00);
      at += 6;
    }
    used += sq_utf8_encode(point, out + used);
  }
  return used;
}

bool sq_json_text(const sq_json *r, sq_arena *arena, sq_value *out) {
  *out = (sq_value){.kind = SQ_STRING, .length = (uint32_t)r->length, .text = r->token};
  if (!r->escaped) return true;
  char *plain = sq_arena_take(arena, r->length + 1);
  if (plain) out->length = (uint32_t)sq_json_unescape(r->token, r->length, plain);
  out->text = plain;
  return plain != NULL;
}

bool sq_json_skip(sq_json *r) {
  unsigned depth = r->depth;
  while (r->depth >= depth) {
    sq_token token = sq_json_next(r);
    if (token == SQ_TOKEN_ERROR || token == SQ_TOKEN_END) return false;
  }
  return true;
}

bool sq_json_token_is(const sq_json *r, const char *text, size_t length) {
  if (!r->escaped) return r->length == length && memcmp(r->token, text, length) == 0;
  if (r->length < length) return false;
  char small[256], *bytes = small; /* an escape is never shorter than what it stands for */
  if (r->length > sizeof small) {
    sq_text whole = {0};
    bool same = sq_text_reserve(&whole, r->length) &&
                sq_json_unescape(r->token, r->length, whole.data) == length &&
                memcmp(whole.data, text, length) == 0;
    sq_text_free(&whole);
    return same;
  }
  return sq_json_unescape(r->token, r->length, bytes) == length && memcmp(bytes, text, length) == 0;
}

sq_token sq_json_member(sq_json *r, const char *text, size_t length, const char *key, size_t key_length) {
  sq_json found = {0};
  sq_token found_token = SQ_TOKEN_END;
  sq_json_begin(r, text, length);
  if (sq_json_next(r) != SQ_TOKEN_OBJECT) return SQ_TOKEN_END;
  while (sq_json_next(r) == SQ_TOKEN_KEY) {
    bool match = sq_json_token_is(r, key, key_length);
    sq_token token = sq_json_next(r);
    if (match) {
      found = *r;
      found_token = token;
    }
    if ((token == SQ_TOKEN_OBJECT || token == SQ_TOKEN_ARRAY) && !sq_json_skip(r)) return SQ_TOKEN_END;
  }
  if (found_token != SQ_TOKEN_END) *r = found;
  return found_token;
}

/* ------------------------------------------------------------------------------------------- writing */

void sq_json_write_string(sq_text *out, const char *text, size_t length) {
  sq_text_byte(out, '"');
  for (size_t at = 0; at < length;) {
    const char *stop = pass_plain(text + at, text + length);
    sq_text_append(out, text + at, (size_t)(stop - text) - at);
    at = (size_t)(stop - text);
    if (at == length) break;
    unsigned char c = (unsigned char)text[at];
    static const char codes[] = "\b\f\n\r\t\"\\", names[] = "bfnrt\"\\";
    const char *known = c ? strchr(codes, c) : NULL;
    if (known) {
      char escape[2] = {'\\', names[known - codes]};
      sq_text_append(out, escape, 2);
      at++;
    } else if (c < 0x20) {
      sq_text_format(out, "\\u%04x", c);
      at++;
    } else {
      uint32_t point;
      size_t size = sq_utf8_decode(text + at, length - at, &point);
      if (size) sq_text_append(out, text + at, size);
      else sq_text_append(out, "\xEF\xBF\xBD", 3);
      at += size ? size : 1;
    }
  }
  sq_text_byte(out, '"');
}

void sq_json_write_integer(sq_text *out, int64_t value) { sq_text_format(out, "%lld", (long long)value); }

void sq_json_write_real(sq_text *out, double value) {
  char number[32];
  if (isfinite(value)) sq_text_append(out, number, sq_number_format(value, number));
  else sq_text_put(out, "null");
}
