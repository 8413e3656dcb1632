/* One comparison on one block: what is cheapest to do about it. For select.c, and for tests on columns made by hand.
   A step is opened (its columns), planned (what the codes tell, without reading them), and run on bitmaps. */
#ifndef SQ_EXEC_STEPS_H
#define SQ_EXEC_STEPS_H

#include "exec/derive.h"
#include "exec/kernels.h"

typedef enum sq_step_kind {
  SQ_STEP_NONE,
  SQ_STEP_ALL,
  SQ_STEP_RANGES,  /* rows whose code is in one of the ranges */
  SQ_STEP_ENTRIES, /* rows whose dictionary entry holds: not known yet of the entries [first, last), false of others */
  SQ_STEP_TABLE,   /* rows whose code's bit is set */
  SQ_STEP_ROWS,    /* the matcher is asked about each row */
} sq_step_kind;

typedef enum sq_subject { SQ_OF_COLUMN, SQ_OF_TOKENS, SQ_OF_CACHED, SQ_OF_END } sq_subject;

typedef struct sq_code_range {
  uint64_t low, high; /* both are in it */
} sq_code_range;

/* The memory of ranges and table stays from block to block. Start from {0}. */
typedef struct sq_step {
  sq_step_kind kind;
  sq_subject subject;
  uint32_t rows;
  sq_column column;        /* OF_COLUMN; of the others the one that codes are about */
  sq_token_columns tokens; /* OF_TOKENS */
  sq_cached_column cached; /* OF_CACHED */
  sq_end_columns end;      /* OF_END */
  bool absent_holds;
  bool bounded;            /* an integer passes when it is in [low, high] */
  int64_t low, high;
  uint32_t entries;        /* of the dictionary, those that a code can name */
  uint32_t first, last;
  sq_code_range *ranges;   /* ascending, apart from one another */
  uint32_t count, capacity;
  uint64_t *table;
  uint64_t table_bits;     /* codes from here on do not pass; all of the width's where it is 1 or 2 */
  size_t table_words;      /* of memory */
  double pass;             /* guess: the part of the rows that pass */
} sq_step;

void sq_step_free(sq_step *step);

/* Fetches the columns that the comparison is about. */
bool sq_step_open(sq_step *step, const sq_matcher *matcher, const sq_block *block, sq_error *error);
/* Of columns that are there (subject, rows, and column, tokens or cached) makes a plan. */
bool sq_step_plan(sq_step *step, sq_matcher *matcher, sq_traffic *traffic, sq_error *error);
/* Asks the matcher about the dictionary: ENTRIES become TABLE, ALL or NONE. */
bool sq_step_tabulate(sq_step *step, sq_matcher *matcher, const sq_kernel_set *kernels, sq_traffic *traffic, sq_error *error);
/* Clears from `bits`, `*left` of which are set, those of rows that do not pass. `scratch`: room for two bitmaps. */
bool sq_step_run(sq_step *step, sq_matcher *matcher, const sq_kernel_set *kernels, uint64_t *bits, uint64_t *scratch, uint32_t *left,
                 sq_traffic *traffic, sq_error *error);
/* About how many nanoseconds a run takes when `left` bits are set. */
double sq_step_cost(const sq_step *step, const sq_kernel_set *kernels, uint32_t left);

/* --- for those who plan and run */

#define SQ_SEEK 16 /* entries that are looked at in the time of one search */

/* sq_dictionary_seek among the entries that codes can name. */
uint32_t sq_step_seek(const sq_step *step, const char *text, size_t length, bool *same, sq_traffic *traffic);
/* Adds the entries [first, last). */
bool sq_step_add_entries(sq_step *step, uint32_t first, uint32_t last, sq_error *error);
/* Ranges of entries are complete. */
bool sq_step_finish(sq_step *step, sq_error *error);
/* The entries [first, last) are to be asked about. */
bool sq_step_look_into(sq_step *step, uint32_t first, uint32_t last);
bool sq_step_plan_scalars(sq_step *step, sq_matcher *matcher, sq_traffic *traffic, sq_error *error);
/* Sets in the table the bits of the entries [first, last) that hold, with one search through many of them: for a
   contains. How many; -1: no memory, or this is none for it. */
int64_t sq_step_search(sq_step *step, sq_matcher *matcher, const sq_kernel_set *kernels, uint32_t first, uint32_t last);
bool sq_step_ask_entry(const sq_step *step, sq_matcher *matcher, uint32_t entry);

/* Adds a range behind those there are (or that goes on where the last one ends). */
bool sq_step_add(sq_step *step, uint64_t low, uint64_t high, sq_error *error);

static inline void sq_count_bytes(sq_traffic *traffic, uint64_t bytes) {
  if (traffic) traffic->bytes += (bytes + 63) / 64 * 64;
}

#endif
