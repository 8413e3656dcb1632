#include "base/repair.h"

#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

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

/* The code unit of an escape \uXXXX at `at`; -1 when there is none. */
static int unit_at(const char *at, size_t length) {
  return length >= 6 && at[0] == '\\' && at[1] == 'u' ? sq_json_hex(at + 2) : -1;
}

static bool is_high(int unit) { return unit >= 0xD800 && unit < 0xDC00; }
static bool is_low(int unit) { return unit >= 0xDC00 && unit < 0xE000; }

/* Escapes that stand for no character become \ufffd: U+0000, and halves of surrogate pairs, which writers
   leave that cut text by UTF-16 units. */
static void replace_escapes(sq_text *json) {
  for (size_t i = 0; i + 1 < json->length; i++) {
    if (json->data[i] != '\\') continue;
    int unit = unit_at(json->data + i, json->length - i);
    bool pair = is_high(unit) && is_low(unit_at(json->data + i + 6, json->length - i - 6));
    if (unit == 0 || (!pair && (is_high(unit) || is_low(unit)))) memcpy(json->data + i, "\\ufffd", 6);
    i += pair ? 11 : 1;
  }
}

/* Whether there may be something for replace_escapes: whole pairs count, being rare. */
static bool has_escape(const char *json, size_t length) {
  const char *end = json + length;
  for (const char *at = json; (at = memchr(at, '\\', (size_t)(end - at))); at += at + 1 < end ? 2 : 1) {
    int unit = unit_at(at, (size_t)(end - at));
    if (unit == 0 || is_high(unit) || is_low(unit)) return true;
  }
  return false;
}

bool sq_json_repair(const char **json, size_t *length, sq_text *room, bool *repaired, sq_error *error) {
  bool broken = !sq_utf8_is_valid(*json, *length) || (*length && memchr(*json, '\0', *length));
  bool escapes = has_escape(*json, *length);
  *repaired = false;
  if (!broken && !escapes) return true;
  sq_text_clear(room);
  sq_utf8_repair(room, *json, *length);
  if (!sq_text_whole(room, error)) return false;
  if (escapes) replace_escapes(room);
  *repaired = room->length != *length || memcmp(room->data, *json, *length) != 0;
  *json = room->data;
  *length = room->length;
  return true;
}
