/* All values of a group, for exact percentiles. */
#ifndef SQ_SESSION_SAMPLE_H
#define SQ_SESSION_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sq_sample {
  int64_t *values;
  size_t count, capacity;
} sq_sample;

/* False when memory ended. */
bool sq_sample_add(sq_sample *sample, int64_t value);
/* Nearest rank: the ceil(permille/1000 × count)-th smallest value. Reorders the sample, which must not be
   empty. */
int64_t sq_sample_quantile(sq_sample *sample, int permille);
/* The nth smallest (from 0). Those below it are left before it, those above it behind. */
int64_t sq_sample_select(int64_t *values, size_t count, size_t nth);
void sq_sample_free(sq_sample *sample);

#endif
