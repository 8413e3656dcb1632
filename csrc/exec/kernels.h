/* The loops over codes that decide how fast a filter is: 64 rows are one word of a bitmap. Each clears from `bits`
   the rows that do not pass, bits behind the last row too, and returns how many are left. Words without a bit
   are not read. The codes are those of a sq_column: 8 bytes behind the last are readable. */
#ifndef SQ_EXEC_KERNELS_H
#define SQ_EXEC_KERNELS_H

#include "exec/select.h"
#include "exec/uuids.h"

#define SQ_MOST_WIDTH 8

/* Codes from `low` to `low + span`, which is no greater than the greatest code of the width. */
typedef uint32_t sq_range_kernel(const unsigned char *codes, uint32_t rows, uint64_t low, uint64_t span, uint64_t *bits);
/* Codes whose bit in the table is set; the table has a bit for every code of the width. */
typedef uint32_t sq_table_kernel(const unsigned char *codes, uint32_t rows, const uint64_t *table, uint64_t *bits);

/* Which of the UUIDs, 64 at most, have the needle: a bit each. */
typedef uint64_t sq_uuid_kernel(const unsigned char *uuids, unsigned count, const sq_uuid_needle *needle);

typedef struct sq_kernel_set {
  sq_range_kernel *range[SQ_MOST_WIDTH + 1]; /* by width: 1, 2, 3, 4, 5, 6, 8 */
  sq_table_kernel *table[3];                 /* by width: 1, 2 */
  sq_uuid_kernel *uuids;
  uint32_t (*count)(const uint64_t *bits, uint32_t words);
  unsigned char sparse[SQ_MOST_WIDTH + 1]; /* by width: below so many rows of 1000, each is rather looked up (measured) */
} sq_kernel_set;

/* The best of the level or below it that this processor has. */
const sq_kernel_set *sq_kernels_get(sq_kernels level);

static inline uint32_t sq_words_of(uint32_t rows) { return (rows + 63) / 64; }

static inline uint64_t sq_code_at(const unsigned char *codes, unsigned width, uint32_t row) {
  uint64_t code = 0;
  memcpy(&code, codes + (size_t)width * row, width == 1 || width == 2 || width == 4 ? width : sizeof code);
  return code & sq_absent_code(width);
}

/* The last word, which has fewer than 64 rows. Always inlined, so that the width is a constant. */
static inline __attribute__((always_inline)) uint64_t sq_range_tail(const unsigned char *codes, unsigned width, uint32_t first, uint32_t rows, uint64_t low, uint64_t span) {
  uint64_t word = 0;
  for (uint32_t i = 0; first + i < rows; i++) word |= (uint64_t)(sq_code_at(codes, width, first + i) - low <= span) << i;
  return word;
}

static inline __attribute__((always_inline)) uint64_t sq_table_tail(const unsigned char *codes, unsigned width, uint32_t first, uint32_t rows, const uint64_t *table) {
  uint64_t word = 0;
  for (uint32_t i = 0; first + i < rows; i++) {
    uint64_t code = sq_code_at(codes, width, first + i);
    word |= (table[code >> 6] >> (code & 63) & 1) << i;
  }
  return word;
}

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define SQ_HAS_AVX2
extern const sq_kernel_set sq_kernels_avx2;
#endif

#endif
