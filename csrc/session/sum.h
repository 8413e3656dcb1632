/* Sums in 128 bits, so that no order of additions and no number of rows can overflow them. */
#ifndef SQ_SESSION_SUM_H
#define SQ_SESSION_SUM_H

#include <stdint.h>

/* Aligned as memory that SQLite hands out is. */
typedef __int128 sq_int128 __attribute__((aligned(8)));

typedef struct sq_sum {
  sq_int128 total;
  int64_t count;
} sq_sum;

static inline void sq_sum_add(sq_sum *sum, int64_t value) {
  sum->total += value;
  sum->count++;
}

/* Clamped to int64. */
static inline int64_t sq_sum_total(const sq_sum *sum) {
  return sum->total > INT64_MAX ? INT64_MAX : sum->total < INT64_MIN ? INT64_MIN : (int64_t)sum->total;
}

/* One division of exact integers; `count` must not be 0. */
static inline double sq_sum_average(const sq_sum *sum) {
  const int64_t exact = INT64_C(1) << 53;
  if (sum->total < exact && sum->total > -exact) return (double)sum->total / (double)sum->count;
  return (double)((long double)sum->total / (long double)sum->count);
}

#endif
