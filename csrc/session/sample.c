#include "session/sample.h"

#include <stdlib.h>

bool sq_sample_add(sq_sample *sample, int64_t value) {
  if (sample->count == sample->capacity) {
    size_t capacity = sample->capacity ? sample->capacity * 2 : 16;
    int64_t *values = realloc(sample->values, capacity * sizeof *values);
    if (!values) return false;
    sample->values = values;
    sample->capacity = capacity;
  }
  sample->values[sample->count++] = value;
  return true;
}

static void swap(int64_t *a, int64_t *b) {
  int64_t kept = *a;
  *a = *b;
  *b = kept;
}

static int64_t median_of_three(const int64_t *values, size_t low, size_t high) {
  int64_t a = values[low], b = values[low + (high - low) / 2], c = values[high];
  return a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
}

/* Quickselect with three parts, so that many equal values do not make it quadratic. */
int64_t sq_sample_select(int64_t *values, size_t count, size_t nth) {
  size_t low = 0, high = count - 1;
  while (low < high) {
    int64_t pivot = median_of_three(values, low, high);
    size_t less = low, at = low, more = high;
    while (at <= more) {
      if (values[at] < pivot) swap(&values[less++], &values[at++]);
      else if (values[at] == pivot) at++;
      else if (more == 0) break;
      else swap(&values[at], &values[more--]);
    }
    if (nth < less) high = less - 1;
    else if (nth > more) low = more + 1;
    else return pivot;
  }
  return values[low];
}

int64_t sq_sample_quantile(sq_sample *sample, int permille) {
  size_t rank = (sample->count * (size_t)permille + 999) / 1000;
  return sq_sample_select(sample->values, sample->count, rank ? rank - 1 : 0);
}

void sq_sample_free(sq_sample *sample) {
  free(sample->values);
  *sample = (sq_sample){0};
}
