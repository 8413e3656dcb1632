/* UTF-8: decoding, encoding, checking. */
#ifndef SQ_BASE_UTF8_H
#define SQ_BASE_UTF8_H

#include "sessionquery.h"

/* The code point at `text` and its size in bytes; 0 when the bytes are not UTF-8 (no surrogates, no
   overlong forms, nothing above U+10FFFF). `length` must not be 0. */
size_t sq_utf8_decode(const char *text, size_t length, uint32_t *point);
/* Writes a code point, returns its size (1 to 4). */
size_t sq_utf8_encode(uint32_t point, char out[4]);
/* How many bytes at the start are valid UTF-8. */
size_t sq_utf8_valid_prefix(const char *text, size_t length);

#endif
