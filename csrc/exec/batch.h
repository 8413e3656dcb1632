/* Up to SQ_BATCH sessions at a time: fragments of one block, or sessions whose fragments were added up. */
#ifndef SQ_EXEC_BATCH_H
#define SQ_EXEC_BATCH_H

#include "exec/run.h"

typedef struct sq_batch {
  sq_run *run;
  sq_state *state; /* NULL: all are whole */
  uint32_t first, count;
  uint32_t code[SQ_BATCH], fragment[SQ_BATCH];
  bool measured[SQ_BATCH]; /* its measures answer for it */
  bool whole[SQ_BATCH];    /* in several blocks: the measures' slots that are needed hold the whole session */
  uint32_t begin[SQ_BATCH], end[SQ_BATCH]; /* its rows: in `rows`, or when measured in the block */
  uint32_t *rows;
  int64_t starts[SQ_BATCH + 1], codes[SQ_BATCH], lasts[SQ_BATCH];
  int64_t since;    /* fragments that end before are left out; INT64_MIN: none is */
  bool spares_open; /* but not those of sessions in several blocks */
  const uint64_t *asked[2]; /* rows; fragments of sessions in [0] one, [1] several blocks that have none of them are left out; NULL: none is */
  sq_slot_set filled; /* for all that matter */
  const sq_latest *names; /* of items that are whole: where their names are; NULL: not known */
  sq_items items;
} sq_batch;

/* Slots and callbacks; the batch lies in the run's memory. NULL after an error. */
sq_batch *sq_batch_make(sq_run *run, sq_slot_set needed);
/* The fragments from `first` on that have rows that pass. */
bool sq_batch_load(sq_batch *batch, sq_state *state, uint32_t first);
/* The slot of these items. */
bool sq_batch_fill(sq_batch *batch, unsigned slot, const uint16_t *items, uint32_t count);
/* Notes the item's name among those of its session. */
bool sq_batch_note_name(sq_batch *batch, uint32_t item, sq_latest *latest);
/* The name of an item, as long as the view lives, or in `room`. */
bool sq_batch_name(sq_batch *batch, uint32_t item, char room[37], sq_value *out);
/* The session's id, in the view or in `room`. NULL: it must be looked up. */
const char *sq_batch_id(sq_batch *batch, uint32_t item, char room[37], size_t *length);
/* The block to open an item by: see sq_whole_open. */
static inline uint32_t sq_batch_block(const sq_batch *batch, uint32_t item) { return batch->whole[item] ? UINT32_MAX : batch->state->index; }

/* --- sums.c: sums of sessions by code. */

typedef struct sq_table {
  sq_run *run;
  uint32_t *slots;  /* index + 1, by code; 0: free */
  size_t slot_count;
  uint32_t *codes;  /* by index */
  int64_t *values;  /* `width` of each */
  sq_latest *names; /* by index, with_names */
  size_t count, capacity;
  bool with_names;
  unsigned width, wanted[SQ_SLOTS];
} sq_table;

void sq_table_begin(sq_table *table, sq_run *run, sq_slot_set needed, bool with_names);
void sq_table_end(sq_table *table);
bool sq_table_has(const sq_table *table, uint32_t code);
/* Its index; what is new has absent values. SIZE_MAX after an error. `*is_new` may be NULL. */
size_t sq_table_find(sq_table *table, uint32_t code, bool *is_new);

#endif
