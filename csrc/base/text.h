/* The growing text of the public API, from the writer's side. */
#ifndef SQ_BASE_TEXT_H
#define SQ_BASE_TEXT_H

#include <string.h>

#include "base/error.h"

/* memcmp of texts of different lengths: a text stands before those that begin with it. */
static inline int sq_compare_bytes(const char *a, size_t a_length, const char *b, size_t b_length) {
  size_t common = a_length < b_length ? a_length : b_length;
  int order = common ? memcmp(a, b, common) : 0;
  return order ? order : (a_length > b_length) - (a_length < b_length);
}
static inline bool sq_same_text(const char *terminated, const char *text, size_t length) {
  return strlen(terminated) == length && memcmp(terminated, text, length) == 0;
}
/* strchr finds the NUL at the end of its set; this does not. */
static inline bool sq_one_of(const char *set, char byte) { return byte != '\0' && strchr(set, byte); }

/* Room for `more` bytes and a terminator; false and `failed` when memory ended. */
bool sq_text_reserve(sq_text *text, size_t more);
void sq_text_format(sq_text *text, const char *format, ...) SQ_PRINTF(2, 3);

static inline void sq_text_put(sq_text *text, const char *terminated) {
  sq_text_append(text, terminated, strlen(terminated));
}
static inline void sq_text_byte(sq_text *text, char byte) { sq_text_append(text, &byte, 1); }
static inline void sq_text_clear(sq_text *text) {
  text->length = 0;
  text->failed = false;
}
/* Ends a run of writes: false and an error when one of them found no memory. */
static inline bool sq_text_whole(const sq_text *text, sq_error *error) {
  return !text->failed || sq_fail_memory(error);
}

#endif
