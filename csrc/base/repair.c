#include "base/repair.h"

#include <string.h>

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
