/* Steps on bitmaps: dense kernels while many rows are asked about, row by row when few are. */
#include "exec/steps.h"

#include <stdlib.h>

#define FEW_RANGES 8 /* so many passes of a kernel take less time than a table of 65,536 bits, or looking rows up */

void sq_step_free(sq_step *step) {
  free(step->ranges);
  free(step->table);
  *step = (sq_step){0};
}

/* ---------------------------------------------------------------------------------------------- the columns */

static bool open_columns(sq_step *step, const sq_node *node, const sq_segment *segment, sq_error *error) {
  step->subject = node->field == SQ_F_TOTAL_TOKENS ? SQ_OF_TOKENS
                  : node->field == SQ_F_CACHED     ? SQ_OF_CACHED
                  : node->field == SQ_F_ENDED_AT   ? SQ_OF_END
                                                   : SQ_OF_COLUMN;
  if (step->subject == SQ_OF_END) return sq_end_columns_open(segment, &step->end, error);
  if (step->subject == SQ_OF_TOKENS) return sq_token_columns_open(segment, &step->tokens, error);
  if (step->subject == SQ_OF_CACHED) return sq_cached_column_open(segment, &step->cached, error);
  return sq_open_column(segment, node->field, node->name, node->name_length, &step->column, error);
}

static bool is_long_enough(const sq_column *column, uint32_t rows) {
  return column->encoding == SQ_ENC_ABSENT || column->encoding == SQ_ENC_DIRECT || column->count >= rows;
}

bool sq_step_open(sq_step *step, const sq_matcher *matcher, const sq_block *block, sq_error *error) {
  step->rows = block->rows;
  if (!open_columns(step, sq_matcher_node(matcher), block->segment, error)) return false;
  bool whole = step->subject == SQ_OF_TOKENS   ? is_long_enough(&step->tokens.recorded, step->rows) && is_long_enough(&step->tokens.prompt, step->rows) &&
                                                   is_long_enough(&step->tokens.completion, step->rows)
               : step->subject == SQ_OF_END ? is_long_enough(&step->end.responded, step->rows) && is_long_enough(&step->end.created, step->rows) &&
                                                  is_long_enough(&step->end.latency, step->rows)
               : step->subject == SQ_OF_CACHED ? is_long_enough(&step->cached.reference, step->rows)
                                               : is_long_enough(&step->column, step->rows);
  return whole || sq_fail(error, SQ_E_STORE, "a column of the column index ends too early");
}

/* ------------------------------------------------------------------------------------------- row by row */

/* What the matcher sees of a row; NULL: absent. `room` is for the value, `text` for a UUID. */
static const sq_value *value_of(const sq_step *step, uint32_t row, sq_value *room, char text[37]) {
  uint32_t entry;
  size_t length;
  const sq_column *column = &step->column;
  *room = (sq_value){.kind = SQ_INTEGER};
  if (step->subject == SQ_OF_TOKENS) return sq_row_total_tokens(&step->tokens, row, &room->integer) ? room : NULL;
  if (step->subject == SQ_OF_END) return sq_row_ended_at(&step->end, row, &room->integer) ? room : NULL;
  if (step->subject == SQ_OF_CACHED) {
    *room = (sq_value){.kind = SQ_BOOLEAN, .boolean = sq_row_cached(&step->cached, row)};
    return room;
  }
  if (column->encoding == SQ_ENC_INTEGER) return sq_column_integer(column, row, &room->integer) ? room : NULL;
  if (!sq_column_entry(column, row, &entry) || entry >= column->dictionary.count) return NULL;
  *room = (sq_value){.kind = SQ_STRING, .text = sq_dictionary_text(&column->dictionary, entry, text, &length)};
  room->length = (uint32_t)length;
  return room;
}

typedef struct asking {
  const sq_step *step;
  sq_matcher *matcher;
} asking;

static bool ask(const void *state, uint32_t row) {
  const asking *a = state;
  char text[37];
  sq_value room;
  return sq_matcher_holds(a->matcher, value_of(a->step, row, &room, text));
}

static bool ask_tokens(const void *state, uint32_t row) {
  const sq_step *step = ((const asking *)state)->step;
  int64_t tokens;
  return sq_row_total_tokens(&step->tokens, row, &tokens) ? tokens >= step->low && tokens <= step->high : step->absent_holds;
}

static bool ask_end(const void *state, uint32_t row) {
  const sq_step *step = ((const asking *)state)->step;
  int64_t end;
  return sq_row_ended_at(&step->end, row, &end) ? end >= step->low && end <= step->high : step->absent_holds;
}

static bool in_range(const void *state, uint32_t row) {
  const sq_step *step = ((const asking *)state)->step;
  return sq_column_code(&step->column, row) - step->ranges[0].low <= step->ranges[0].high - step->ranges[0].low;
}

static bool in_some_range(const void *state, uint32_t row) {
  const sq_step *step = ((const asking *)state)->step;
  uint64_t code = sq_column_code(&step->column, row);
  uint32_t first = 0, end = step->count; /* the last range that begins at or before the code lies in [first, end) */
  while (end - first > 1) {
    uint32_t middle = first + (end - first) / 2;
    if (step->ranges[middle].low <= code) first = middle;
    else end = middle;
  }
  return code - step->ranges[first].low <= step->ranges[first].high - step->ranges[first].low;
}

static bool in_table(const void *state, uint32_t row) {
  const sq_step *step = ((const asking *)state)->step;
  uint64_t code = sq_column_code(&step->column, row);
  return code < step->table_bits && step->table[code >> 6] >> (code & 63) & 1;
}

typedef bool test(const void *state, uint32_t row);

/* Keeps the rows that pass, and counts them and the lines of 64 bytes that rows of `width` bytes lie in. Always
   inlined, so that the test is a constant. */
static inline __attribute__((always_inline)) uint32_t filter(test *passes, const asking *a, uint64_t *bits, size_t width, uint64_t *lines) {
  uint32_t left = 0, words = sq_words_of(a->step->rows);
  size_t line, last = SIZE_MAX;
  for (uint32_t w = 0; w < words; w++) {
    uint64_t keep = 0;
    if (!bits[w]) continue;
    for (uint64_t rest = bits[w]; rest; rest &= rest - 1) {
      uint32_t row = w * 64 + (uint32_t)__builtin_ctzll(rest);
      if (row >= a->step->rows) break;
      line = row * width / 64;
      *lines += line != last;
      last = line;
      bool passed = passes(a, row);
      keep |= (uint64_t)passed << (row & 63);
      left += passed;
    }
    bits[w] = keep;
  }
  return left;
}

/* Bytes of a row that a look at it reads. */
static size_t width_of(const sq_step *step) {
  if (step->subject == SQ_OF_TOKENS) return step->tokens.recorded.width + step->tokens.prompt.width + step->tokens.completion.width;
  if (step->subject == SQ_OF_END) return step->end.responded.width + step->end.created.width + step->end.latency.width;
  const sq_dictionary *d = &step->column.dictionary;
  return step->column.encoding != SQ_ENC_DIRECT ? step->column.width : d->uuid ? 16 : 64;
}

static void sparse(const sq_step *step, sq_matcher *m, uint64_t *bits, uint32_t *left, sq_traffic *traffic) {
  const asking a = {step, m};
  size_t width = width_of(step);
  uint64_t lines = 0;
  if (step->kind == SQ_STEP_TABLE) *left = filter(in_table, &a, bits, width, &lines);
  else if (step->kind == SQ_STEP_RANGES && step->count == 1) *left = filter(in_range, &a, bits, width, &lines);
  else if (step->kind == SQ_STEP_RANGES) *left = filter(in_some_range, &a, bits, width, &lines);
  else if (step->bounded && step->subject == SQ_OF_END) *left = filter(ask_end, &a, bits, width, &lines);
  else if (step->bounded) *left = filter(ask_tokens, &a, bits, width, &lines);
  else *left = filter(ask, &a, bits, width, &lines);
  sq_count_bytes(traffic, 64 * lines);
}

/* ------------------------------------------------------------------------------------------------ dense */

static uint32_t run_range(const sq_step *step, const sq_kernel_set *kernels, uint32_t range, uint64_t *bits) {
  const sq_code_range *r = &step->ranges[range];
  uint64_t top = sq_absent_code(step->column.width), high = r->high < top ? r->high : top;
  return kernels->range[step->column.width](step->column.codes, step->rows, r->low, high - r->low, bits);
}

static uint32_t run_ranges(const sq_step *step, const sq_kernel_set *kernels, uint64_t *bits, uint64_t *scratch) {
  uint32_t left = 0, words = sq_words_of(step->rows);
  uint64_t *some = scratch + SQ_BLOCK_WORDS;
  memset(some, 0, words * sizeof *some);
  for (uint32_t i = 0; i < step->count; i++) {
    memcpy(scratch, bits, words * sizeof *bits);
    left += run_range(step, kernels, i, scratch);
    for (uint32_t w = 0; w < words; w++) some[w] |= scratch[w];
  }
  memcpy(bits, some, words * sizeof *bits);
  return left;
}

static bool are_many(const sq_step *step, const sq_kernel_set *kernels, uint32_t left) {
  return (uint64_t)left * 1000 >= (uint64_t)step->rows * kernels->sparse[step->column.width];
}

static bool is_dense(const sq_step *step, const sq_kernel_set *kernels, uint32_t left) {
  if (step->column.encoding == SQ_ENC_DIRECT) return step->kind == SQ_STEP_TABLE;
  if (step->kind == SQ_STEP_TABLE) return kernels->table[step->column.width <= 2 ? step->column.width : 0] && are_many(step, kernels, left);
  return step->kind == SQ_STEP_RANGES && step->count <= FEW_RANGES && are_many(step, kernels, left);
}

/* -------------------------------------------------------------------------------------------------- runs */

static bool clear(uint64_t *bits, uint32_t rows, uint32_t *left) {
  memset(bits, 0, sq_words_of(rows) * sizeof *bits);
  *left = 0;
  return true;
}

/* By a table of rows. */
static bool narrow(const sq_step *step, const sq_kernel_set *kernels, uint64_t *bits, uint32_t *left) {
  uint32_t words = sq_words_of(step->rows);
  for (uint32_t w = 0; w < words; w++) bits[w] &= step->table[w];
  *left = kernels->count(bits, words);
  return true;
}

/* For few rows each entry is asked about where it occurs, for many once. Ranges are one pass each, a table is one
   pass in all; over codes of one byte as fast as a range's. */
static bool wants_table(const sq_step *step, const sq_kernel_set *kernels, uint32_t left) {
  if (step->kind == SQ_STEP_ENTRIES) return left > (step->last - step->first) / 4;
  uint32_t passes = step->column.width == 1 ? 1 : step->column.width == 2 ? FEW_RANGES : UINT32_MAX;
  return step->kind == SQ_STEP_RANGES && step->count > passes && are_many(step, kernels, left);
}

bool sq_step_run(sq_step *step, sq_matcher *m, const sq_kernel_set *kernels, uint64_t *bits, uint64_t *scratch, uint32_t *left,
                 sq_traffic *traffic, sq_error *error) {
  if (wants_table(step, kernels, *left) && !sq_step_tabulate(step, m, kernels, traffic, error)) return false;
  if (step->kind == SQ_STEP_NONE) return clear(bits, step->rows, left);
  if (step->kind == SQ_STEP_ALL) return true;
  if (!is_dense(step, kernels, *left)) {
    sparse(step, m, bits, left, traffic);
    return sq_matcher_whole(m, error);
  }
  if (step->column.encoding == SQ_ENC_DIRECT) return narrow(step, kernels, bits, left);
  unsigned width = step->column.width;
  sq_count_bytes(traffic, (uint64_t)step->rows * width);
  if (step->kind == SQ_STEP_TABLE) *left = kernels->table[width](step->column.codes, step->rows, step->table, bits);
  else if (step->count == 1) *left = run_range(step, kernels, 0, bits);
  else *left = run_ranges(step, kernels, bits, scratch);
  return true;
}

double sq_step_cost(const sq_step *step, const sq_kernel_set *kernels, uint32_t left) {
  double rows = left, codes = rows * 3;
  if (step->kind == SQ_STEP_NONE || step->kind == SQ_STEP_ALL) return 0;
  if (step->kind == SQ_STEP_ROWS) return rows * (step->bounded ? 5 : 50);
  if (are_many(step, kernels, left)) codes = step->rows * 0.05 * step->column.width;
  if (step->kind != SQ_STEP_ENTRIES) return codes;
  double entries = step->last - step->first;
  return codes + 50 * (entries < rows ? entries : rows);
}
