/* Exact percentiles of few values, many times over: sessions have seven requests on average. */
#include "exec/run.h"
#include "session/sample.h"

#define SMALL 24 /* from here on a selection is faster than sorting by insertion */

static void sort_few(int64_t *values, uint32_t count) {
  for (uint32_t i = 1; i < count; i++) {
    int64_t value = values[i];
    uint32_t at = i;
    for (; at > 0 && values[at - 1] > value; at--) values[at] = values[at - 1];
    values[at] = value;
  }
}

static uint32_t drop_absent(int64_t *values, uint32_t count) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; i++) {
    values[kept] = values[i];
    kept += values[i] != SQ_ABSENT;
  }
  return kept;
}

static int64_t greatest(const int64_t *values, uint32_t count) {
  int64_t most = values[0];
  for (uint32_t i = 1; i < count; i++) most = values[i] > most ? values[i] : most;
  return most;
}

/* The place of the percentile in ascending order, from 0. */
static uint32_t place_of(uint32_t count, int permille) {
  uint32_t rank = (uint32_t)(((uint64_t)count * (uint64_t)permille + 999) / 1000);
  return rank == 0 ? 0 : rank < count ? rank - 1 : count - 1;
}

/* Reorders the values, of which some may be SQ_ABSENT. */
int64_t sq_quantile_of(int64_t *values, uint32_t count, int permille) {
  count = drop_absent(values, count);
  if (count == 0) return SQ_ABSENT;
  uint32_t place = place_of(count, permille);
  if (place == count - 1) return greatest(values, count);
  if (count > SMALL) return sq_sample_select(values, count, place);
  sort_few(values, count);
  return values[place];
}

/* Behind the place of one percentile are the values of the greater ones. */
void sq_quantiles_of(int64_t *values, uint32_t count, sq_slot_set set, int64_t *out) {
  uint32_t from = 0;
  count = drop_absent(values, count);
  if (count <= SMALL) sort_few(values, count);
  for (; set && count; set &= set - 1) {
    unsigned slot = (unsigned)__builtin_ctz(set);
    uint32_t place = place_of(count, sq_quantile_permille(slot));
    bool known = count <= SMALL || (from > 0 && place == from - 1);
    out[slot] = known ? values[place] : sq_sample_select(values + from, count - from, place - from);
    from = place + 1;
  }
}
