/* The kernels for any processor: loops of 64 that compilers turn into vectors, and the choice between levels. */
#include "exec/kernels.h"

/* 64 bytes of 0 or 1 to 64 bits: each multiplication gathers 8 of them in its uppermost byte. */
static inline uint64_t gather_bits(const uint8_t flags[64]) {
  uint64_t word = 0;
  for (unsigned i = 0; i < 8; i++) {
    uint64_t eight;
    memcpy(&eight, flags + 8 * i, sizeof eight);
    word |= (eight * UINT64_C(0x0102040810204080) >> 56) << (8 * i);
  }
  return word;
}

/* Codes of 1, 2 and 4 bytes in arithmetic of their own width. */
#define NARROW_WORD(name, type) \
  static inline uint64_t name(const unsigned char *codes, uint64_t low, uint64_t span) { \
    type batch[64]; \
    uint8_t flags[64]; \
    memcpy(batch, codes, sizeof batch); \
    for (unsigned i = 0; i < 64; i++) flags[i] = (type)(batch[i] - (type)low) <= (type)span; \
    return gather_bits(flags); \
  }
NARROW_WORD(range_word_1, uint8_t)
NARROW_WORD(range_word_2, uint16_t)
NARROW_WORD(range_word_4, uint32_t)

#define WIDE_WORD(width) \
  static inline uint64_t range_word_##width(const unsigned char *codes, uint64_t low, uint64_t span) { \
    uint8_t flags[64]; \
    for (unsigned i = 0; i < 64; i++) flags[i] = sq_code_at(codes, width, i) - low <= span; \
    return gather_bits(flags); \
  }
WIDE_WORD(3)
WIDE_WORD(5)
WIDE_WORD(6)
WIDE_WORD(8)

#define RANGE_KERNEL(width) \
  static uint32_t range_##width(const unsigned char *codes, uint32_t rows, uint64_t low, uint64_t span, uint64_t *bits) { \
    uint32_t left = 0, whole = rows / 64; \
    for (uint32_t w = 0; w < whole; w++) { \
      if (!bits[w]) continue; \
      bits[w] &= range_word_##width(codes + (size_t)w * 64 * width, low, span); \
      left += (uint32_t)__builtin_popcountll(bits[w]); \
    } \
    if (rows % 64 == 0) return left; \
    bits[whole] &= sq_range_tail(codes, width, whole * 64, rows, low, span); \
    return left + (uint32_t)__builtin_popcountll(bits[whole]); \
  }
RANGE_KERNEL(1)
RANGE_KERNEL(2)
RANGE_KERNEL(3)
RANGE_KERNEL(4)
RANGE_KERNEL(5)
RANGE_KERNEL(6)
RANGE_KERNEL(8)

#define TABLE_KERNEL(width) \
  static uint32_t table_##width(const unsigned char *codes, uint32_t rows, const uint64_t *table, uint64_t *bits) { \
    uint32_t left = 0; \
    for (uint32_t first = 0; first < rows; first += 64) { \
      uint64_t *word = &bits[first / 64]; \
      if (!*word) continue; \
      *word &= sq_table_tail(codes, width, first, rows - first < 64 ? rows : first + 64, table); \
      left += (uint32_t)__builtin_popcountll(*word); \
    } \
    return left; \
  }
TABLE_KERNEL(1)
TABLE_KERNEL(2)

/* The digits of a UUID, four bits each, the first on top. */
typedef unsigned __int128 digits;

static digits load_digits(const unsigned char *uuid) {
  uint64_t halves[2];
  memcpy(halves, uuid, sizeof halves);
  return (digits)__builtin_bswap64(halves[0]) << 64 | __builtin_bswap64(halves[1]);
}

static digits repeat(unsigned digit) {
  uint64_t half = UINT64_C(0x1111111111111111) * digit;
  return (digits)half << 64 | half;
}

/* The lowest bit of each digit that is not 0; the others are anything. */
static digits others(digits all) {
  all |= all >> 1;
  return all | all >> 2;
}

static digits narrow(digits found, digits uuid, const digits *wanted, unsigned first, unsigned last) {
  for (unsigned i = first; i < last; i++) found &= ~(others(uuid ^ wanted[i]) << 4 * i);
  return found;
}

static uint64_t find_in_uuids(const unsigned char *uuids, unsigned count, const sq_uuid_needle *needle) {
  unsigned together = needle->count < SQ_DIGITS_TOGETHER ? needle->count : SQ_DIGITS_TOGETHER;
  digits starts = 0, wanted[32];
  uint64_t with = 0;
  for (uint32_t rest = needle->starts; rest; rest &= rest - 1) starts |= (digits)1 << (124 - 4 * __builtin_ctz(rest));
  for (unsigned i = 0; i < needle->count; i++) wanted[i] = repeat(needle->digits[i]);
  for (unsigned i = 0; i < count; i++) {
    digits uuid = load_digits(uuids + 16 * i), found = narrow(starts, uuid, wanted, 0, together);
    if (found) with |= (uint64_t)(narrow(found, uuid, wanted, together, needle->count) != 0) << i;
  }
  return with;
}

static uint32_t count_bits(const uint64_t *bits, uint32_t words) {
  uint32_t count = 0;
  for (uint32_t w = 0; w < words; w++) count += (uint32_t)__builtin_popcountll(bits[w]);
  return count;
}

static const sq_kernel_set scalar = {
    .range = {[1] = range_1, [2] = range_2, [3] = range_3, [4] = range_4, [5] = range_5, [6] = range_6, [8] = range_8},
    .table = {[1] = table_1, [2] = table_2},
    .uuids = find_in_uuids,
    .count = count_bits,
    .sparse = {[1] = 60, [2] = 60, [3] = 150, [4] = 70, [5] = 150, [6] = 150, [8] = 120},
};

const sq_kernel_set *sq_kernels_get(sq_kernels level) {
#ifdef SQ_HAS_AVX2
  if (level >= SQ_KERNELS_AVX2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt")) return &sq_kernels_avx2;
#endif
  (void)level;
  return &scalar;
}
