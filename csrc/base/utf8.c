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

bool sq_utf8_is_valid(const char *text, size_t length) { return sq_utf8_valid_prefix(text, length) == length; }

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
