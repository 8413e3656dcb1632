#include "store/limits.h"

#include <math.h>

#include "base/error.h"
#include "base/time.h"

#define LAST_TIME (INT64_C(7258118400) * SQ_MICROS_PER_SECOND) /* 2200-01-01 */
#define MOST_BYTES ((size_t)512 * 1024 * 1024)

bool sq_check_size(size_t length, sq_error *error) { return length <= MOST_BYTES || sq_fail(error, SQ_E_LIMIT, "a record of more than 512 MiB"); }

const char *sq_refuse_time(const sq_scaled *micros, bool number) {
  if (!micros->overflow && micros->rounded >= 0 && micros->rounded < LAST_TIME) return NULL;
  bool milliseconds = number && micros->floor > 0 && micros->floor / 1000 < LAST_TIME;
  return milliseconds ? "is outside of 1970 to 2200: milliseconds given as seconds?" : "is outside of 1970 to 2200";
}

const char *sq_refuse_number(const char *json, size_t length) {
  double number = sq_number_parse(json, length); /* NaN when it is none */
  return fabs(number) > (double)SQ_SAFE_INTEGER ? "is a number beyond 2^53 - 1: give it as text" : NULL;
}
