/* Columns of a terminal. */
#include <utf8proc.h>

#include "base/utf8.h"

size_t sq_utf8_width(const char *text, size_t length) {
  size_t width = 0;
  for (size_t at = 0; at < length;) {
    uint32_t point;
    size_t size = sq_utf8_decode(text + at, length - at, &point);
    width += size ? (size_t)utf8proc_charwidth((utf8proc_int32_t)point) : 1;
    at += size ? size : 1;
  }
  return width;
}
