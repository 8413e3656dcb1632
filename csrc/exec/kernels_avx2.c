/* The kernels for x86-64 processors with AVX2. */
#include "exec/kernels.h"

#ifdef SQ_HAS_AVX2
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,popcnt")))
#define INLINE_AVX2 static inline __attribute__((always_inline, target("avx2,popcnt")))

INLINE_AVX2 __m256i load(const unsigned char *at) { return _mm256_loadu_si256((const __m256i *)at); }
INLINE_AVX2 uint32_t mask_of_bytes(__m256i bytes) { return (uint32_t)_mm256_movemask_epi8(bytes); }
INLINE_AVX2 uint32_t mask_of_fours(__m256i fours) { return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(fours)); }
INLINE_AVX2 uint32_t mask_of_eights(__m256i eights) { return (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(eights)); }

/* What a range test compares with: low and span where wrapping subtraction serves, low and high else. */
typedef struct range {
  __m256i low, other;
} range;

/* Which of 64 codes are in the range, for each width: a function each, and how its range is made. ---------- */

INLINE_AVX2 range make_1(uint64_t low, uint64_t span) { return (range){_mm256_set1_epi8((char)low), _mm256_set1_epi8((char)span)}; }
INLINE_AVX2 range make_2(uint64_t low, uint64_t span) { return (range){_mm256_set1_epi16((short)low), _mm256_set1_epi16((short)span)}; }
INLINE_AVX2 range make_4(uint64_t low, uint64_t span) { return (range){_mm256_set1_epi32((int)low), _mm256_set1_epi32((int)span)}; }
INLINE_AVX2 range make_6(uint64_t low, uint64_t span) {
  return (range){_mm256_set1_epi64x((long long)low), _mm256_set1_epi64x((long long)(low + span))};
}
/* There is no unsigned comparison: the order is moved. */
INLINE_AVX2 range make_8(uint64_t low, uint64_t span) { return make_6(low ^ UINT64_C(1) << 63, span); }
#define make_3 make_4
#define make_5 make_6

/* x <= y, unsigned, is min(x, y) == x. */
INLINE_AVX2 __m256i test_1(__m256i codes, range r) {
  __m256i offset = _mm256_sub_epi8(codes, r.low);
  return _mm256_cmpeq_epi8(_mm256_min_epu8(offset, r.other), offset);
}

INLINE_AVX2 __m256i test_2(__m256i codes, range r) {
  __m256i offset = _mm256_sub_epi16(codes, r.low);
  return _mm256_cmpeq_epi16(_mm256_min_epu16(offset, r.other), offset);
}

INLINE_AVX2 __m256i test_4(__m256i codes, range r) {
  __m256i offset = _mm256_sub_epi32(codes, r.low);
  return _mm256_cmpeq_epi32(_mm256_min_epu32(offset, r.other), offset);
}

/* Of codes that are signed, or below 2^63: which are not in the range. */
INLINE_AVX2 __m256i misses(__m256i codes, range r) {
  return _mm256_or_si256(_mm256_cmpgt_epi64(r.low, codes), _mm256_cmpgt_epi64(codes, r.other));
}

INLINE_AVX2 uint64_t word_1(const unsigned char *codes, range r) {
  return mask_of_bytes(test_1(load(codes), r)) | (uint64_t)mask_of_bytes(test_1(load(codes + 32), r)) << 32;
}

INLINE_AVX2 uint32_t half_2(const unsigned char *codes, range r) {
  __m256i packed = _mm256_packs_epi16(test_2(load(codes), r), test_2(load(codes + 32), r));
  return mask_of_bytes(_mm256_permute4x64_epi64(packed, 0xD8));
}

INLINE_AVX2 uint64_t word_2(const unsigned char *codes, range r) { return half_2(codes, r) | (uint64_t)half_2(codes + 64, r) << 32; }

/* Packing works on halves of 128 bits: fours of rows are put in order at the end. */
INLINE_AVX2 uint32_t pack_fours(__m256i a, __m256i b, __m256i c, __m256i d) {
  __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
  return mask_of_bytes(_mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
}

INLINE_AVX2 uint32_t half_4(const unsigned char *codes, range r) {
  return pack_fours(test_4(load(codes), r), test_4(load(codes + 32), r), test_4(load(codes + 64), r), test_4(load(codes + 96), r));
}

INLINE_AVX2 uint64_t word_4(const unsigned char *codes, range r) { return half_4(codes, r) | (uint64_t)half_4(codes + 128, r) << 32; }

/* Two loads of 16 bytes, the second `step` bytes on, reach at most 8 bytes behind the codes. */
INLINE_AVX2 __m256i spread(const unsigned char *codes, unsigned step, __m256i shuffle) {
  __m128i low = _mm_loadu_si128((const __m128i *)codes), high = _mm_loadu_si128((const __m128i *)(codes + step));
  return _mm256_shuffle_epi8(_mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1), shuffle);
}

INLINE_AVX2 __m256i load_3(const unsigned char *codes) {
  return spread(codes, 12, _mm256_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1, 0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1));
}

INLINE_AVX2 __m256i load_5(const unsigned char *codes) {
  return spread(codes, 10, _mm256_setr_epi8(0, 1, 2, 3, 4, -1, -1, -1, 5, 6, 7, 8, 9, -1, -1, -1, 0, 1, 2, 3, 4, -1, -1, -1, 5, 6, 7, 8, 9, -1, -1, -1));
}

INLINE_AVX2 __m256i load_6(const unsigned char *codes) {
  return spread(codes, 12, _mm256_setr_epi8(0, 1, 2, 3, 4, 5, -1, -1, 6, 7, 8, 9, 10, 11, -1, -1, 0, 1, 2, 3, 4, 5, -1, -1, 6, 7, 8, 9, 10, 11, -1, -1));
}

INLINE_AVX2 __m256i load_8(const unsigned char *codes) { return _mm256_xor_si256(load(codes), _mm256_set1_epi64x(INT64_MIN)); }

INLINE_AVX2 uint64_t word_3(const unsigned char *codes, range r) {
  uint32_t halves[2];
  for (unsigned h = 0; h < 2; h++, codes += 96)
    halves[h] = pack_fours(test_4(load_3(codes), r), test_4(load_3(codes + 24), r), test_4(load_3(codes + 48), r), test_4(load_3(codes + 72), r));
  return halves[0] | (uint64_t)halves[1] << 32;
}

#define EIGHTS_WORD(width) \
  INLINE_AVX2 uint64_t word_##width(const unsigned char *codes, range r) { \
    uint64_t missed = 0; \
    for (unsigned i = 0; i < 64; i += 8, codes += 8 * width) { \
      __m256i first = misses(load_##width(codes), r), second = misses(load_##width(codes + 4 * width), r); \
      missed |= (uint64_t)(mask_of_eights(first) | mask_of_eights(second) << 4) << i; \
    } \
    return ~missed; \
  }
EIGHTS_WORD(5)
EIGHTS_WORD(6)
EIGHTS_WORD(8)

#define RANGE_KERNEL(width) \
  AVX2 static uint32_t range_##width(const unsigned char *codes, uint32_t rows, uint64_t low, uint64_t span, uint64_t *bits) { \
    const range r = make_##width(low, span); \
    uint32_t left = 0, whole = rows / 64; \
    for (uint32_t w = 0; w < whole; w++) { \
      if (!bits[w]) continue; \
      bits[w] &= word_##width(codes + (size_t)w * 64 * width, r); \
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

/* Tables of 256 bits are two registers: the upper five bits of a code find the byte, the lower three its bit. - */

typedef struct small_table {
  __m256i low, high; /* bytes 0 to 15 and 16 to 31, twice each */
} small_table;

INLINE_AVX2 __m256i look_up(__m256i codes, small_table t) {
  const __m256i bit_of = _mm256_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
  __m256i index = _mm256_and_si256(_mm256_srli_epi16(codes, 3), _mm256_set1_epi8(31));
  __m256i bytes = _mm256_blendv_epi8(_mm256_shuffle_epi8(t.low, index), _mm256_shuffle_epi8(t.high, index), codes);
  __m256i bit = _mm256_shuffle_epi8(bit_of, _mm256_and_si256(codes, _mm256_set1_epi8(7)));
  return _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit);
}

AVX2 static uint32_t table_1(const unsigned char *codes, uint32_t rows, const uint64_t *table, uint64_t *bits) {
  const __m128i *halves = (const __m128i *)table;
  const small_table t = {_mm256_broadcastsi128_si256(_mm_loadu_si128(halves)), _mm256_broadcastsi128_si256(_mm_loadu_si128(halves + 1))};
  uint32_t left = 0, whole = rows / 64;
  for (uint32_t w = 0; w < whole; w++) {
    if (!bits[w]) continue;
    const unsigned char *at = codes + (size_t)w * 64;
    bits[w] &= mask_of_bytes(look_up(load(at), t)) | (uint64_t)mask_of_bytes(look_up(load(at + 32), t)) << 32;
    left += (uint32_t)__builtin_popcountll(bits[w]);
  }
  if (rows % 64 == 0) return left;
  bits[whole] &= sq_table_tail(codes, 1, whole * 64, rows, table);
  return left + (uint32_t)__builtin_popcountll(bits[whole]);
}

/* Eight rows: gathers the 32 bits of the table around each, and moves the code's own to the top. */
INLINE_AVX2 uint32_t eight_of_table(const unsigned char *codes, const uint64_t *table) {
  __m256i code = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)codes));
  __m256i around = _mm256_i32gather_epi32((const int *)(const void *)table, _mm256_srli_epi32(code, 5), 4);
  return mask_of_fours(_mm256_sllv_epi32(around, _mm256_andnot_si256(code, _mm256_set1_epi32(31))));
}

AVX2 static uint32_t table_2(const unsigned char *codes, uint32_t rows, const uint64_t *table, uint64_t *bits) {
  uint32_t left = 0, whole = rows / 64;
  for (uint32_t w = 0; w < whole; w++) {
    if (!bits[w]) continue;
    uint64_t word = 0;
    for (uint32_t i = 0; i < 64; i += 8) word |= (uint64_t)eight_of_table(codes + ((size_t)w * 64 + i) * 2, table) << i;
    bits[w] &= word;
    left += (uint32_t)__builtin_popcountll(bits[w]);
  }
  if (rows % 64 == 0) return left;
  bits[whole] &= sq_table_tail(codes, 2, whole * 64, rows, table);
  return left + (uint32_t)__builtin_popcountll(bits[whole]);
}

/* Digits of a UUID, a byte each. -------------------------------------------------------------------------- */

INLINE_AVX2 __m256i load_digits(const unsigned char *uuid) {
  const __m128i low_half = _mm_set1_epi8(15);
  __m128i bytes = _mm_loadu_si128((const __m128i *)uuid);
  __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), low_half), low = _mm_and_si128(bytes, low_half);
  return _mm256_set_m128i(_mm_unpackhi_epi8(high, low), _mm_unpacklo_epi8(high, low));
}

/* Of `found`, where the needle's digits [first, last) stand too. */
INLINE_AVX2 uint32_t narrow(uint32_t found, __m256i uuid, const sq_uuid_needle *needle, unsigned first, unsigned last) {
  for (unsigned i = first; i < last; i++) found &= mask_of_bytes(_mm256_cmpeq_epi8(uuid, _mm256_set1_epi8((char)needle->digits[i]))) >> i;
  return found;
}

AVX2 static uint64_t find_in_uuids(const unsigned char *uuids, unsigned count, const sq_uuid_needle *needle) {
  unsigned together = needle->count < SQ_DIGITS_TOGETHER ? needle->count : SQ_DIGITS_TOGETHER;
  uint64_t with = 0;
  for (unsigned i = 0; i < count; i++) {
    __m256i uuid = load_digits(uuids + 16 * i);
    uint32_t found = narrow(needle->starts, uuid, needle, 0, together);
    if (found) with |= (uint64_t)(narrow(found, uuid, needle, together, needle->count) != 0) << i;
  }
  return with;
}

AVX2 static uint32_t count_bits(const uint64_t *bits, uint32_t words) {
  uint32_t count = 0;
  for (uint32_t w = 0; w < words; w++) count += (uint32_t)__builtin_popcountll(bits[w]);
  return count;
}

const sq_kernel_set sq_kernels_avx2 = {
    .range = {[1] = range_1, [2] = range_2, [3] = range_3, [4] = range_4, [5] = range_5, [6] = range_6, [8] = range_8},
    .table = {[1] = table_1, [2] = table_2},
    .uuids = find_in_uuids,
    .count = count_bits,
    .sparse = {[1] = 10, [2] = 15, [3] = 35, [4] = 25, [5] = 50, [6] = 50, [8] = 50},
};
#endif
