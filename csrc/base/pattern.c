#include "base/pattern.h"

#include <string.h>
#include <utf8proc.h>

#include "base/text.h"
#include "base/utf8.h"

/* Two bytes that occur in no UTF-8 text stand for the wildcards of a compiled pattern. */
#define ANY_ONE ((char)0xFE)
#define ANY_RUN ((char)0xFF)

static size_t ascii_run(const char *text, size_t length) {
  size_t at = 0;
  uint64_t word;
  for (; length - at >= sizeof word; at += sizeof word) {
    memcpy(&word, text + at, sizeof word);
    if (word & 0x8080808080808080u) break;
  }
  while (at < length && (unsigned char)text[at] < 0x80) at++;
  return at;
}

static void fold_ascii(char *out, const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)text[i];
    out[i] = (char)(c + (((unsigned char)(c - 'A') < 26) << 5));
  }
}

static size_t fold_point(const char *text, size_t length, char out[4]) {
  uint32_t point;
  size_t size = sq_utf8_decode(text, length, &point);
  if (size == 0) {
    out[0] = text[0];
    return 1;
  }
  return sq_utf8_encode((uint32_t)utf8proc_tolower((utf8proc_int32_t)point), out);
}

void sq_fold(sq_text *out, const char *text, size_t length) {
  for (size_t at = 0; at < length;) {
    size_t run = ascii_run(text + at, length - at);
    if (!sq_text_reserve(out, run + 4)) return;
    fold_ascii(out->data + out->length, text + at, run);
    out->length += run;
    at += run;
    if (at == length) break;
    uint32_t point;
    size_t size = sq_utf8_decode(text + at, length - at, &point);
    out->length += fold_point(text + at, length - at, out->data + out->length);
    at += size ? size : 1;
  }
}

const char *sq_find(const char *text, size_t length, const char *needle, size_t needle_length) {
  const char *end = text + length;
  if (needle_length == 0) return text;
  while ((size_t)(end - text) >= needle_length) {
    text = memchr(text, needle[0], (size_t)(end - text) - needle_length + 1);
    if (!text) return NULL;
    if (memcmp(text, needle, needle_length) == 0) return text;
    text++;
  }
  return NULL;
}

static bool wildcard(char c) { return c == '%' || c == '_' || c == '\\'; }

size_t sq_pattern_check(const char *source, size_t length) {
  for (size_t at = 0; at < length; at++)
    if (source[at] == '\\') {
      if (at + 1 == length || !wildcard(source[at + 1])) return at;
      at++;
    }
  return length;
}

static void put_literal(sq_text *out, const char *text, size_t length, bool folded) {
  if (folded) sq_fold(out, text, length);
  else sq_text_append(out, text, length);
}

bool sq_pattern_compile(sq_pattern *pattern, const char *source, size_t length, bool folded) {
  *pattern = (sq_pattern){0};
  if (sq_pattern_check(source, length) != length) return false;
  sq_text *out = &pattern->bytes;
  if (!sq_text_reserve(out, length)) return false;
  for (size_t at = 0; at < length;) {
    size_t plain = at;
    while (plain < length && !wildcard(source[plain])) plain++;
    put_literal(out, source + at, plain - at, folded);
    if (plain == length) break;
    if (source[plain] == '\\') sq_text_byte(out, source[++plain]);
    else if (source[plain] == '_') sq_text_byte(out, ANY_ONE);
    else if (out->length == 0 || out->data[out->length - 1] != ANY_RUN) sq_text_byte(out, ANY_RUN);
    at = plain + 1;
  }
  if (out->failed) sq_pattern_free(pattern);
  return out->data != NULL;
}

static const char *next_point(const char *at, const char *end) {
  uint32_t point;
  size_t size = sq_utf8_decode(at, (size_t)(end - at), &point);
  return at + (size ? size : 1);
}

/* Iterative wildcard matching: on a mismatch the last ANY_RUN takes one code point more. */
bool sq_pattern_matches(const sq_pattern *pattern, const char *text, size_t length) {
  const char *p = pattern->bytes.data, *p_end = p + pattern->bytes.length, *end = text + length;
  const char *retry_p = NULL, *retry_text = NULL;
  while (true) {
    if (p < p_end && *p == ANY_RUN) {
      retry_p = ++p;
      retry_text = text;
      if (p == p_end) return true;
    } else if (p < p_end && text < end && (*p == ANY_ONE || *p == *text)) {
      text = *p == ANY_ONE ? next_point(text, end) : text + 1;
      p++;
    } else if (p == p_end && text == end) {
      return true;
    } else {
      if (!retry_p || retry_text == end) return false;
      retry_text = next_point(retry_text, end);
      bool literal = *retry_p != ANY_ONE;
      if (literal) retry_text = memchr(retry_text, *retry_p, (size_t)(end - retry_text));
      if (!retry_text) return false;
      p = retry_p;
      text = retry_text;
    }
  }
}

void sq_pattern_free(sq_pattern *pattern) { sq_text_free(&pattern->bytes); }
