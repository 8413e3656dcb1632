#include "store/bloom.h"

#include <stdlib.h>

#define WORDS 8
#define BITS_EACH 20

bool sq_bloom_make(sq_bloom *bloom, size_t capacity) {
  size_t blocks = capacity * BITS_EACH / (64 * WORDS) + 1;
  *bloom = (sq_bloom){.bits = aligned_alloc(64, blocks * WORDS * sizeof(uint64_t)), .blocks = blocks, .capacity = capacity};
  for (size_t i = 0; bloom->bits && i < blocks * WORDS; i++) bloom->bits[i] = 0;
  return bloom->bits != NULL;
}

static uint64_t *block_of(const sq_bloom *bloom, uint64_t hash) {
  return bloom->bits + (size_t)((unsigned __int128)hash * bloom->blocks >> 64) * WORDS;
}

/* Six bits for each word. The block is chosen by the hash's upper bits; its lowest may be all the same. */
static uint64_t mix(uint64_t hash) { return (hash ^ hash >> 32) * UINT64_C(0x9E3779B97F4A7C15) ^ (hash >> 24) * UINT64_C(0xD1B54A32D192ED03); }
static uint64_t bit_of(uint64_t mixed, unsigned word) { return UINT64_C(1) << (mixed >> (16 + 6 * word) & 63); }

void sq_bloom_add(sq_bloom *bloom, uint64_t hash) {
  uint64_t *block = block_of(bloom, hash), mixed = mix(hash);
  for (unsigned i = 0; i < WORDS; i++) block[i] |= bit_of(mixed, i);
  bloom->count++;
}

bool sq_bloom_may_have(const sq_bloom *bloom, uint64_t hash) {
  const uint64_t *block = block_of(bloom, hash);
  uint64_t missing = 0, mixed = mix(hash);
  for (unsigned i = 0; i < WORDS; i++) missing |= ~block[i] & bit_of(mixed, i);
  return missing == 0;
}

void sq_bloom_free(sq_bloom *bloom) {
  free(bloom->bits);
  *bloom = (sq_bloom){0};
}
