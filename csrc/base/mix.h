/* A quick hash for tables that live in memory and are seeded with what nobody else knows. */
#ifndef SQ_BASE_MIX_H
#define SQ_BASE_MIX_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t sq_mix(uint64_t a, uint64_t b) {
  unsigned __int128 product = (unsigned __int128)(a ^ UINT64_C(0x9E3779B97F4A7C15)) * (b ^ UINT64_C(0xD1B54A32D192ED03));
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t sq_mix_text(uint64_t seed, const char *text, size_t length) {
  uint64_t hash = sq_mix(seed, length), word;
  for (; length > 8; text += 8, length -= 8) {
    memcpy(&word, text, 8);
    hash = sq_mix(hash ^ word, seed);
  }
  word = 0;
  memcpy(&word, text, length);
  return sq_mix(hash ^ word, seed ^ length);
}

#endif
