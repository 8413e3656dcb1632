/* Filling the caller's sq_error. The first error sticks. All functions return false, so that
   `return sq_fail(…)` reads as what it does. */
#ifndef SQ_BASE_ERROR_H
#define SQ_BASE_ERROR_H

#include "sessionquery.h"

#define SQ_PRINTF(template, first) __attribute__((__format__(__printf__, template, first)))

bool sq_fail(sq_error *error, sq_code code, const char *format, ...) SQ_PRINTF(3, 4);
bool sq_fail_at(sq_error *error, sq_code code, size_t offset, size_t length, const char *format, ...)
    SQ_PRINTF(5, 6);
bool sq_fail_memory(sq_error *error);

/* Appends to the message of an error that was just made, as far as it fits. */
void sq_error_append(sq_error *error, const char *format, ...) SQ_PRINTF(2, 3);

/* An excerpt of foreign text that is safe to print in a message: valid UTF-8, one line, at most about
   60 bytes. Use it inside one printf call: `sq_show(text, length).text`. */
typedef struct sq_shown {
  char text[72];
} sq_shown;
sq_shown sq_show(const char *text, size_t length);

#endif
