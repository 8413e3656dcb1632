#include "base/utf8.h"

#include <string.h>

size_t sq_utf8_decode(const char *text, size_t length, uint32_t *point) {
  const unsigned char *s = (const unsigned char *)text;
  unsigned char first = s[0];
  if (first < 0x80) {
    *point = first;
    return 1;
  }
  size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || size > length) return 0;
  /* the second byte's range excludes overlong forms, surrogates and what lies above U+10FFFF */
  unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (s[1] < low || s[1] > high) return 0;
  uint32_t value = first & (0x7Fu >> size);
  for (size_t i = 1; i < size; i++) {
    if ((s[i] & 0xC0) != 0x80) return 0;
    value = value << 6 | (s[i] & 0x3Fu);
  }
  *point = value;
  return size;
}

size_t sq_utf8_encode(uint32_t point, char out[4]) {
  if (point < 0x80) {
    out[0] = (char)point;
    return 1;
  }
  size_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  for (size_t i = size - 1; i > 0; i--, point >>= 6) out[i] = (char)(0x80 | (point & 0x3F));
  out[0] = (char)((0xF00u >> size & 0xFF) | point);
  return size;
}

size_t sq_utf8_valid_prefix(const char *text, size_t length) {
  size_t at = 0;
  while (at < length) {
    uint64_t word;
    while (length - at >= sizeof word) { /* eight ASCII bytes at a time */
      memcpy(&word, text + at, sizeof word);
      if (word & 0x8080808080808080u) break;
      at += sizeof word;
    }
    if (at == length) break;
    uint32_t point;
    size_t size = sq_utf8_decode(text + at, length - at, &point);
    if (size == 0) break;
    at += size;
  }
  return at;
}

/* Length of the maximal subpart of an ill-formed sequence (Unicode 15, 3.9), at least 1. */
static size_t invalid_part(const char *text, size_t length) {
  for (size_t size = length < 3 ? length : 3; size > 1; size--) {
    /* a proper prefix of a well-formed sequence: it would be valid with continuation bytes added */
    char probe[4];
    uint32_t point;
    memcpy(probe, text, size);
    for (unsigned char fill = 0x80; fill < 0xC0; fill += 0x10) {
      memset(probe + size, fill, sizeof probe - size);
      if (sq_utf8_decode(probe, sizeof probe, &point) > size) return size;
    }
  }
  return 1;
}

void sq_utf8_repair(sq_text *out, const char *text, size_t length) {
  size_t at = 0;
  while (at < length) {
    size_t valid = sq_utf8_valid_prefix(text + at, length - at);
    const char *nul = memchr(text + at, '\0', valid);
    if (nul) valid = (size_t)(nul - (text + at));
    sq_text_append(out, text + at, valid);
    at += valid;
    if (at == length) break;
    sq_text_append(out, "\xEF\xBF\xBD", 3);
    at += nul ? 1 : invalid_part(text + at, length - at);
  }
}
