/* What may be recorded: sizes, numbers, times. */
#ifndef SQ_STORE_LIMITS_H
#define SQ_STORE_LIMITS_H

#include "base/number.h"

/* False, with an error, for a record (or what is said about one) of more than 512 MiB: SQLite takes 1e9
   bytes of a value and of a row, and drops a larger value without an error. */
bool sq_check_size(size_t length, sq_error *error);
/* Microseconds since 1970, given as a number of seconds or as text: NULL when they lie in 1970 to 2200,
   else what to say after the field's name. */
const char *sq_refuse_time(const sq_scaled *micros, bool number);
/* A JSON value of a map: NULL unless it is a number that is beyond +-(2^53 - 1), else what to say. */
const char *sq_refuse_number(const char *json, size_t length);

#endif
