/* The growing text of the public API, from the writer's side. */
#ifndef SQ_BASE_TEXT_H
#define SQ_BASE_TEXT_H

#include <string.h>

#include "base/error.h"

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
