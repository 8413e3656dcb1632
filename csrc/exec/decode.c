/* Columns to arrays of integers. */
#include "exec/run.h"

/* Codes may lie at any address. */
typedef uint16_t __attribute__((aligned(1), may_alias)) unaligned_16;
typedef uint32_t __attribute__((aligned(1), may_alias)) unaligned_32;
typedef uint64_t __attribute__((aligned(1), may_alias)) unaligned_64;

#define LOAD_8(at) ((uint64_t)codes[at])
#define LOAD_16(at) ((uint64_t)((const unaligned_16 *)codes)[at])
#define LOAD_32(at) ((uint64_t)((const unaligned_32 *)codes)[at])
#define LOAD_64(at) ((uint64_t)((const unaligned_64 *)codes)[at])
#define LOAD_ODD(at) (*(const unaligned_64 *)(codes + (size_t)(at) * width) & absent)

/* One loop for each width, so that compilers can vectorize them. */
#define FOR_WIDTHS(AT, PUT) \
  switch (width) { \
    case 0: for (uint32_t i = 0; i < count; i++) PUT(i, 0); break; \
    case 1: for (uint32_t i = 0; i < count; i++) PUT(i, LOAD_8(AT)); break; \
    case 2: for (uint32_t i = 0; i < count; i++) PUT(i, LOAD_16(AT)); break; \
    case 4: for (uint32_t i = 0; i < count; i++) PUT(i, LOAD_32(AT)); break; \
    case 8: for (uint32_t i = 0; i < count; i++) PUT(i, LOAD_64(AT)); break; \
    default: for (uint32_t i = 0; i < count; i++) PUT(i, LOAD_ODD(AT)); \
  }

#define PUT_VALUE(i, load) (out[i] = (int64_t)(base + scale * (load)))
#define PUT_MAYBE(i, load) \
  do { \
    uint64_t code = (load); \
    out[i] = code == absent ? SQ_ABSENT : (int64_t)(base + scale * code); \
  } while (0)

static void fill_absent(int64_t *out, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) out[i] = SQ_ABSENT;
}

/* Lines of 64 bytes under a span of codes. */
static uint64_t lines(uint64_t span_bytes) { return (span_bytes + 63) / 64; }

void sq_decode(const sq_column *column, uint32_t first, uint32_t count, int64_t *out, sq_traffic *traffic) {
  if (column->encoding != SQ_ENC_INTEGER) {
    fill_absent(out, count);
    return;
  }
  unsigned width = column->width;
  const unsigned char *codes = column->codes + (size_t)first * width;
  uint64_t base = (uint64_t)column->base, scale = (uint64_t)column->scale, absent = sq_absent_code(width);
  traffic->bytes += 64 * lines((uint64_t)count * width);
  if (column->has_absent) FOR_WIDTHS(i, PUT_MAYBE)
  else FOR_WIDTHS(i, PUT_VALUE)
}

/* At most one line for each row, and no more than the span of the rows has. */
static void count_gather(const sq_column *column, const uint32_t *rows, uint32_t count, sq_traffic *traffic) {
  uint64_t span = lines((uint64_t)(rows[count - 1] - rows[0] + 1) * column->width);
  traffic->bytes += 64 * (span < count ? span : count);
}

static void gather(const sq_column *column, uint64_t base, uint64_t scale, const uint32_t *rows, uint32_t count, int64_t *out) {
  unsigned width = column->width;
  const unsigned char *codes = column->codes;
  uint64_t absent = sq_absent_code(width);
  if (column->has_absent) FOR_WIDTHS(rows[i], PUT_MAYBE)
  else FOR_WIDTHS(rows[i], PUT_VALUE)
}

void sq_gather(const sq_column *column, const uint32_t *rows, uint32_t count, int64_t *out, sq_traffic *traffic) {
  if (count == 0) return;
  if (column->encoding != SQ_ENC_INTEGER) {
    fill_absent(out, count);
  } else if (rows[count - 1] - rows[0] == count - 1) {
    sq_decode(column, rows[0], count, out, traffic);
  } else {
    count_gather(column, rows, count, traffic);
    gather(column, (uint64_t)column->base, (uint64_t)column->scale, rows, count, out);
  }
}

void sq_gather_codes(const sq_column *column, const uint32_t *rows, uint32_t count, int64_t *out, sq_traffic *traffic) {
  if (count == 0) return;
  if (column->encoding == SQ_ENC_ABSENT) {
    fill_absent(out, count);
  } else if (column->encoding == SQ_ENC_DIRECT) {
    for (uint32_t i = 0; i < count; i++) out[i] = rows[i];
  } else {
    count_gather(column, rows, count, traffic);
    gather(column, 0, 1, rows, count, out);
  }
}
