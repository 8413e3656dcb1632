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
  return needle_length == 0 ? text : memmem(text, length, needle, needle_length);
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

static bool is_any(char c) { return c == ANY_ONE || c == ANY_RUN; }

/* Where the literals that follow an ANY_RUN stand next; NULL when nowhere. */
static const char *next_literals(const char *p, const char *p_end, const char *text, const char *end) {
  const char *stop = p;
  while (stop < p_end && !is_any(*stop)) stop++;
  return stop == p ? text : sq_find(text, (size_t)(end - text), p, (size_t)(stop - p));
}

/* Iterative wildcard matching: on a mismatch the last ANY_RUN goes on to the next place of its literals. */
int sq_pattern_matches(const sq_pattern *pattern, const char *text, size_t length, const sq_watch *watch) {
  enum { STEPS = 1 << 20 }; /* between two looks at the clock */
  const char *p = pattern->bytes.data, *p_end = p + pattern->bytes.length, *end = text + length;
  const char *retry_p = NULL, *retry_text = NULL;
  for (unsigned long step = 1;; step++) {
    if (step % STEPS == 0 && watch && watch->is_late(watch->state)) return -1;
    if (p < p_end && *p == ANY_RUN) {
      retry_p = ++p;
      if (p == p_end) return 1;
      if (!(retry_text = next_literals(p, p_end, text, end))) return 0;
      text = retry_text;
    } else if (p < p_end && text < end && (*p == ANY_ONE || *p == *text)) {
      text = *p == ANY_ONE ? next_point(text, end) : text + 1;
      p++;
    } else if (p == p_end && text == end) {
      return 1;
    } else {
      if (!retry_p || retry_text == end) return 0;
      if (!(retry_text = next_literals(retry_p, p_end, next_point(retry_text, end), end))) return 0;
      p = retry_p;
      text = retry_text;
    }
  }
}

void sq_pattern_free(sq_pattern *pattern) { sq_text_free(&pattern->bytes); }
