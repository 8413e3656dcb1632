/* Calendar time: RFC 3339 text and buckets of hours to months. Proleptic Gregorian, no leap seconds. */
#ifndef SQ_BASE_TIME_H
#define SQ_BASE_TIME_H

#include "base/number.h"

#define SQ_MICROS_PER_SECOND INT64_C(1000000)
#define SQ_MICROS_PER_MINUTE (60 * SQ_MICROS_PER_SECOND)
#define SQ_MICROS_PER_DAY (86400 * SQ_MICROS_PER_SECOND)

/* The present, in microseconds since 1970. */
int64_t sq_time_now(void);
/* A clock for deadlines, in microseconds since some fixed moment. */
int64_t sq_time_monotonic(void);

/* RFC 3339, or with a space for the T, or without zone (UTC), seconds or time of day. */
bool sq_time_read(const char *text, size_t length, sq_scaled *micros);

typedef enum sq_bucket { SQ_HOUR, SQ_DAY, SQ_WEEK, SQ_MONTH } sq_bucket;
/* False when there is no such bucket. */
bool sq_bucket_find(const char *name, size_t length, sq_bucket *out);
/* The moment at which the bucket that holds `micros` began, by clocks `offset_minutes` ahead of UTC.
   Weeks begin on Monday. */
int64_t sq_bucket_start(int64_t micros, sq_bucket bucket, int offset_minutes);

#endif
