/* What groups other than sessions add up to. */
#ifndef SQ_EXEC_TOTALS_H
#define SQ_EXEC_TOTALS_H

#include "exec/sets.h"
#include "session/sample.h"

enum { SQ_SAMPLES = 2, SQ_SETS = 3 }; /* fields with percentiles; with distinct values */
enum { SQ_SOME_DO = 1, SQ_SOME_DO_NOT = 2 };

/* Arrays with an item for each group; NULL when no part of the query asks for it. */
typedef struct sq_totals {
  sq_run *run;
  bool fields[SQ_F_COUNT]; /* the aggregates that are needed */
  sq_slot_set slots;
  size_t count, capacity;
  int64_t *sums[SQ_SLOTS];
  sq_sample *samples[SQ_SAMPLES];
  sq_sets texts[SQ_SETS];
  sq_numbers *sets[SQ_SETS]; /* of each group */
  sq_statistics *feedback;
  sq_latest *names;
  int64_t *sessions;
  unsigned char *quantified; /* of each group run->quantified_count flags */
  sq_pair_set in_block, scattered; /* groups and sessions: those of one block, of several */
  uint32_t *row_codes; /* of the block's rows that belong to sessions */
} sq_totals;

bool sq_totals_begin(sq_totals *totals, sq_run *run, bool counting);
void sq_totals_end(sq_totals *totals);
bool sq_totals_open(sq_totals *totals, sq_state *state);
/* Adds rows, each to its group. `groups`: how many there are by now. */
bool sq_totals_add(sq_totals *totals, sq_state *state, const uint32_t *rows, const uint32_t *of_row, uint32_t count, size_t groups);
/* After the last row. */
bool sq_totals_finish(sq_totals *totals);
/* An aggregate of a group, not of the kind KEY. The text lives until sq_run_row. */
bool sq_totals_value(sq_totals *totals, uint32_t group, sq_field field, sq_value *out);

#endif
