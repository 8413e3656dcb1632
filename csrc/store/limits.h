/* What may be recorded of numbers and times. */
#ifndef SQ_STORE_LIMITS_H
#define SQ_STORE_LIMITS_H

#include "base/number.h"

/* Microseconds since 1970, given as a number of seconds or as text: NULL when they lie in 1970 to 2200,
   else what to say after the field's name. */
const char *sq_refuse_time(const sq_scaled *micros, bool number);
/* A JSON value of a map: NULL unless it is a number that is beyond +-(2^53 - 1), else what to say. */
const char *sq_refuse_number(const char *json, size_t length);

#endif
