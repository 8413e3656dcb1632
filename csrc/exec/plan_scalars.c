/* Scalars in a dictionary of JSON texts: equality is a search, because equal scalars are equal texts. */
#include <stdlib.h>

#include "exec/steps.h"

/* Anything but the JSON text null. */
static bool plan_kind(sq_step *step, sq_traffic *traffic, sq_error *error) {
  bool same;
  uint32_t null = sq_step_seek(step, "null", 4, &same, traffic);
  return sq_step_add_entries(step, 0, null, error) && sq_step_add_entries(step, null + same, step->entries, error) && sq_step_finish(step, error);
}

static int by_number(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

/* The entries that are equal to one of the literals; how many, or -1. `found` has room for two of each. */
static int64_t find_equals(const sq_step *step, const sq_matcher *m, uint32_t *found, sq_traffic *traffic, sq_error *error) {
  uint32_t count, used = 0;
  const sq_value *values = sq_matcher_values(m, &count);
  sq_text form = {0};
  for (uint32_t i = 0; i < 2 * count && !form.failed; i++) {
    bool same = false;
    sq_text_clear(&form);
    if (!sq_matcher_form(m, &values[i / 2], i % 2, &form)) continue;
    found[used] = sq_step_seek(step, form.data, form.length, &same, traffic);
    used += same;
  }
  bool whole = sq_text_whole(&form, error);
  sq_text_free(&form);
  qsort(found, used, sizeof *found, by_number);
  return whole ? (int64_t)used : -1;
}

static bool plan_equals(sq_step *step, const sq_matcher *m, sq_traffic *traffic, sq_error *error) {
  uint32_t *found = malloc(2 * sizeof *found * (sq_matcher_node(m)->count + (size_t)1));
  if (!found) return sq_fail_memory(error);
  int64_t count = find_equals(step, m, found, traffic, error);
  bool added = count >= 0;
  for (int64_t i = 0; added && i < count; i++) added = sq_step_add_entries(step, found[i], found[i] + 1, error);
  free(found);
  return added && sq_step_finish(step, error);
}

bool sq_step_plan_scalars(sq_step *step, sq_matcher *m, sq_traffic *traffic, sq_error *error) {
  const sq_node *node = sq_matcher_node(m);
  if (node->op == SQ_OP_PRESENT) return plan_kind(step, traffic, error);
  bool few = (uint64_t)node->count * 2 * SQ_SEEK < step->entries;
  if (node->op == SQ_OP_EQ || (node->op == SQ_OP_AMONG && few)) return plan_equals(step, m, traffic, error);
  return sq_step_look_into(step, 0, step->entries);
}
