/* Sets of pairs of numbers. */
#include <stdlib.h>

#include "exec/sets.h"

static size_t slot_of(const sq_pair_set *pairs, uint64_t pair) {
  uint64_t mixed = pair * UINT64_C(0x9E3779B97F4A7C15);
  return (size_t)(mixed >> 32 ^ mixed) & (pairs->size - 1);
}

static bool grow(sq_pair_set *pairs) {
  sq_pair_set larger = {.size = pairs->size ? 2 * pairs->size : 1024, .count = pairs->count};
  if (!(larger.slots = calloc(larger.size, sizeof *larger.slots))) return false;
  for (size_t i = 0; i < pairs->size; i++) {
    if (!pairs->slots[i]) continue;
    size_t slot = slot_of(&larger, pairs->slots[i] - 1);
    while (larger.slots[slot]) slot = (slot + 1) & (larger.size - 1);
    larger.slots[slot] = pairs->slots[i];
  }
  free(pairs->slots);
  *pairs = larger;
  return true;
}

int sq_pair_set_add(sq_pair_set *pairs, uint32_t first, uint32_t second) {
  uint64_t pair = (uint64_t)first << 32 | second;
  if (2 * pairs->count >= pairs->size && !grow(pairs)) return -1;
  for (size_t slot = slot_of(pairs, pair);; slot = (slot + 1) & (pairs->size - 1)) {
    if (pairs->slots[slot] == pair + 1) return 0;
    if (pairs->slots[slot]) continue;
    pairs->slots[slot] = pair + 1;
    pairs->count++;
    return 1;
  }
}

void sq_pair_set_clear(sq_pair_set *pairs) {
  if (pairs->count) memset(pairs->slots, 0, pairs->size * sizeof *pairs->slots);
  pairs->count = 0;
}

void sq_pair_set_free(sq_pair_set *pairs) {
  free(pairs->slots);
  *pairs = (sq_pair_set){0};
}
