/* What the specs of filters on columns share: chance, values, rows that are asked about. */
#ifndef SQ_SPEC_SELECT_H
#define SQ_SPEC_SELECT_H

#include "test.h"

#include <stdlib.h>

#include "exec/steps.h"

static uint64_t state = 20261122;
static inline uint64_t random_word(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}
static inline uint32_t random_below(uint32_t limit) { return (uint32_t)(random_word() >> 20) % limit; }

static inline sq_value text(const char *text) { return (sq_value){.kind = SQ_STRING, .length = (uint32_t)strlen(text), .text = text}; }
static inline sq_value number(const char *text) { return (sq_value){.kind = SQ_NUMBER, .length = (uint32_t)strlen(text), .text = text}; }
static inline sq_value integer(int64_t value) { return (sq_value){.kind = SQ_INTEGER, .integer = value}; }
static inline sq_value boolean(bool value) { return (sq_value){.kind = SQ_BOOLEAN, .boolean = value}; }

static inline void random_bits(uint64_t *bits, uint32_t rows) {
  uint32_t kind = random_below(5);
  memset(bits, 0, SQ_BLOCK_WORDS * sizeof *bits);
  for (uint32_t row = 0; row < rows; row++) {
    bool set = kind == 0 || (kind == 1 && random_below(2)) || (kind == 2 && random_below(100) == 0) || (kind == 3 && row / 300 % 2);
    bits[row / 64] |= (uint64_t)set << row % 64;
  }
  if (kind == 4) bits[rows / 2 / 64] |= UINT64_C(1) << rows / 2 % 64;
}

#endif
