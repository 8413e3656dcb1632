/* What the parts of the column engine share while a query runs: its plan, and each block as the query sees it.
   Internal to exec. */
#ifndef SQ_EXEC_RUN_H
#define SQ_EXEC_RUN_H

#include "exec/exec.h"

/* What stands for an absent value in arrays of integers: no time, count or sum comes near. */
#define SQ_ABSENT INT64_MIN

/* --- slots: the integers that a group is made of, the measures of segments and then the percentiles. */

#define SQ_SLOTS (SQ_M_COUNT_OF + 6)
typedef uint32_t sq_slot_set; /* bit per slot */
#define SQ_MEASURES ((UINT32_C(1) << SQ_M_COUNT_OF) - 1)

/* A block as the query sees it. What it holds is opened when it is asked for the first time. */
typedef struct sq_state {
  const sq_block *block;
  uint32_t index; /* in the view */
  bool empty;     /* no row can pass */
  bool inside;    /* all rows are in the window */
  bool all_scope; /* all rows are in the scope */
  bool has_bits;
  bool all_usage; /* of every run_type */
  unsigned char *usage; /* by entry of run_type: whether its cost and tokens count */
  uint64_t *bits;       /* rows that pass: has_bits */
  uint64_t **quantified; /* of them, those that satisfy the n-th some or every; NULL until asked for */
  sq_column starts, codes, times;
  sq_column *fields[SQ_F_COUNT];
  sq_column *measures[SQ_M_COUNT_OF];
  sq_column *named;
} sq_state;

/* A growing array of a run's scratch: its content does not outlive the next call that uses it. */
typedef struct sq_room {
  void *data;
  size_t size;
} sq_room;

enum { SQ_ROOM_A, SQ_ROOM_B, SQ_ROOM_C, SQ_ROOM_VALUES, SQ_ROOM_ROWS, SQ_ROOM_WHOLE, SQ_ROOM_WHOLE_VALUES, SQ_ROOM_SAMPLE, SQ_ROOM_CHOSEN, SQ_ROOM_PARTS, SQ_ROOMS };

typedef struct sq_quantified {
  const sq_node *node; /* the SOME or EVERY */
  sq_selector *selector;
} sq_quantified;

typedef struct sq_run {
  sq_exec *exec;
  const sq_view *view;
  const sq_query *query;
  sq_error *error;
  sq_arena arena; /* holds what lives as long as the run */
  sq_arena row;   /* texts of one row: see sq_run_row */
  sq_columns columns;
  bool by_session;
  int64_t from, to; /* the window of created_at, both ends in it */
  bool pure;        /* the rows step is the window and the scope, nothing else: fragments can answer */
  bool nothing;     /* the rows step lets nothing through */
  sq_selector *rows;  /* NULL when everything passes */
  sq_selector *scope; /* whose rows they must be; NULL: everybody's */
  sq_watch watch;    /* for what takes long; of no use without a function */
  sq_quantified *quantified;
  unsigned quantified_count;
  const sq_fragment_ref *only; /* where the session lies that the filter names; NULL: it names none */
  size_t only_count;
  sq_state **states;     /* by block; NULL: not looked at yet */
  sq_state none;         /* of all blocks that are empty */
  uint32_t *newest;      /* the blocks by last_time, the newest first */
  sq_room rooms[SQ_ROOMS];
  uint64_t wholes, parts_of; /* sessions opened so far; the one whose parts are in the room (whole.c) */
  size_t parts;
  bool parts_have_rows;
} sq_run;

bool sq_run_begin(sq_run *run, sq_exec *exec, sq_error *error);
void sq_run_end(sq_run *run);
/* Room for so many bytes; NULL when memory ended, with an error. */
void *sq_run_room(sq_run *run, int room, size_t size);
/* Zeroed memory until the end of the run; NULL when memory ended, with an error. */
void *sq_run_take(sq_run *run, size_t size);
/* Watched as the run is. NULL after an error. */
sq_selector *sq_run_selector(sq_run *run, const sq_node *filter);
/* Lets go of the texts of the row before. */
void sq_run_row(sq_run *run);
/* False, with an error, when the call has taken its time. */
bool sq_run_in_time(sq_run *run);

/* --- session.c: of a filter that names a session, its organization and project: all blocks without it are empty. */

bool sq_run_narrow(sq_run *run);

/* --- blocks */

sq_state *sq_run_state(sq_run *run, uint32_t block);
/* The block's rows that pass, in state->bits. */
bool sq_state_select(sq_run *run, sq_state *state);
/* Of them, those that satisfy the n-th some or every. */
bool sq_state_quantify(sq_run *run, sq_state *state, unsigned number);
const sq_column *sq_state_field(sq_run *run, sq_state *state, sq_field field);
const sq_column *sq_state_measure(sq_run *run, sq_state *state, sq_measure measure);
const sq_column *sq_state_named(sq_run *run, sq_state *state);
/* Whether the first of these rows is in the scope: all rows of a session are when one is. */
bool sq_state_in_scope(sq_run *run, const sq_state *state, uint32_t row);
/* Whether a fragment is answered by its measures: it lies in the window and no row of it is dead. */
bool sq_state_is_measured(sq_run *run, sq_state *state, uint32_t fragment);
/* The rows of a fragment that pass, ascending, to `out` (room for all of them); the count, -1 after an error. */
int64_t sq_state_fragment_rows(sq_run *run, sq_state *state, uint32_t fragment, uint32_t *out);
/* The rows of the block that pass in [first, last). */
uint32_t sq_bits_rows(const uint64_t *bits, uint32_t first, uint32_t last, uint32_t *out);
/* Whether any of the rows [first, last) is set. */
bool sq_bits_any(const uint64_t *bits, uint32_t first, uint32_t last);

/* Text of a row, in the segment or in `room`; NULL when it is absent. */
const char *sq_column_text(const sq_column *column, uint32_t row, char room[37], size_t *length);

/* --- decode.c: many values at once, SQ_ABSENT where there is none. */

/* Of rows [first, first + count). */
void sq_decode(const sq_column *column, uint32_t first, uint32_t count, int64_t *out, sq_traffic *traffic);
/* Of these rows, ascending. */
void sq_gather(const sq_column *column, const uint32_t *rows, uint32_t count, int64_t *out, sq_traffic *traffic);
/* The entries of a column of texts. */
void sq_gather_codes(const sq_column *column, const uint32_t *rows, uint32_t count, int64_t *out, sq_traffic *traffic);

/* --- measures.c */

/* Which slots an aggregate is made of; 0 when it is made of something else. */
sq_slot_set sq_slots_of(sq_field field);
/* Whether the aggregate is one slot as it is, an integer. */
bool sq_is_plain(sq_field field, unsigned *slot);
/* Its value from the slots' arrays at `index`; of an aggregate with slots. */
void sq_slots_value(sq_field field, int64_t *const slots[], size_t index, sq_value *out);
sq_field sq_quantile_source(unsigned slot);
int sq_quantile_permille(unsigned slot);
/* What each row adds to a slot (of a percentile: its value). */
bool sq_slot_rows(sq_run *run, sq_state *state, unsigned slot, const uint32_t *rows, uint32_t count, int64_t *out);
/* A slot of two sets of rows together. */
int64_t sq_slot_merge(unsigned slot, int64_t a, int64_t b);
/* A slot from what rows add to it: at least one. */
int64_t sq_slot_reduce(unsigned slot, int64_t *values, uint32_t count);
/* The request fields that a slot is computed from. */
size_t sq_slot_fields(unsigned slot, sq_field out[4]);
int64_t sq_quantile_of(int64_t *values, uint32_t count, int permille);
/* All slots of the set, percentiles of these values. */
void sq_quantiles_of(int64_t *values, uint32_t count, sq_slot_set set, int64_t *out);

/* --- whole.c: one session over all its fragments. */

typedef struct sq_whole {
  uint32_t code;
  uint64_t number; /* in the run */
  sq_fragment_ref one;
  sq_fragment_ref *refs; /* to be freed when it is not &one */
  size_t count;
} sq_whole;

/* block: UINT32_MAX for a session in several blocks. */
bool sq_whole_open(sq_run *run, uint32_t code, uint32_t block, uint32_t fragment, sq_whole *out);
void sq_whole_close(sq_whole *whole);
bool sq_whole_slots(sq_run *run, const sq_whole *whole, sq_slot_set set, int64_t *out);
/* An aggregate without slots. The text lives until sq_run_row. */
bool sq_whole_value(sq_run *run, const sq_whole *whole, sq_field field, sq_value *out);
/* 1, 0, or -1 after an error. */
int sq_whole_quantified(sq_run *run, const sq_whole *whole, unsigned number);
/* The latest row that has a name: by created_at, then by request_id, then by project. */
typedef struct sq_latest {
  sq_state *state; /* NULL: none yet */
  uint32_t row;
  int64_t time;
} sq_latest;

void sq_latest_take(sq_run *run, sq_latest *latest, sq_state *state, uint32_t row);
bool sq_latest_name(sq_run *run, const sq_latest *latest, sq_value *out);

/* Adds the texts of a list, a JSON array. */
bool sq_distinct_add_list(sq_distinct *set, const char *json, size_t length);
bool sq_run_copy(sq_run *run, sq_value *out, sq_kind kind, const char *text, size_t length);
bool sq_run_statistics(sq_run *run, sq_statistics *statistics, sq_value *out);
bool sq_add_feedback(sq_run *run, sq_state *state, const uint32_t *rows, uint32_t count, sq_statistics *into);

/* --- keep.c: the keep step over many groups at once. */

typedef struct sq_items {
  int64_t *slots[SQ_SLOTS]; /* filled for those that are asked about, by `fill` */
  void *state;
  bool (*fill)(void *state, unsigned slot, const uint16_t *items, uint32_t count);
  bool (*value)(void *state, uint32_t item, sq_field field, sq_value *out);
  int (*quantified)(void *state, uint32_t item, unsigned number); /* -1 after an error */
  /* The entry of the item's session_id or name in the dictionary of its column, in the block at work. -1: it must be
     looked up, as `value`. NULL: so must all. */
  int64_t (*entry)(void *state, uint32_t item, sq_field field, const sq_column **column);
  uint32_t block; /* the block at work */
} sq_items;

typedef struct sq_keep sq_keep;

#define SQ_BATCH 1024

/* NULL after an error. */
sq_keep *sq_keep_make(sq_run *run, const sq_node *filter);
void sq_keep_free(sq_keep *keep);
/* Leaves those of `items` that are kept, in order; how many, -1 after an error. */
int64_t sq_keep_test(sq_keep *keep, sq_items *items, uint16_t *chosen, uint32_t count);
/* Whether a filter about groups asks about the field. */
bool sq_keep_asks(const sq_node *filter, sq_field field);
/* The slots that it needs. */
sq_slot_set sq_keep_slots(const sq_node *filter);

/* --- hint.c: what a keep step on sessions says about rows. */

/* A selector of rows: each session that is kept has one that passes. NULL when nothing is known. False after an error. */
bool sq_hint_make(sq_run *run, const sq_node *keep, sq_selector **out);

/* --- order.c: the first so many of all rows. */

typedef struct sq_entry {
  int64_t rank;  /* what comes first has the lower one; equal: compared in full */
  uint32_t code, block, index; /* of a session: its code and a fragment; of a group: its number; of a request: its row */
  uint32_t length;
  const char *text; /* the first order value when it is text; NULL: absent */
} sq_entry;

typedef struct sq_order_by {
  sq_run *run;
  void *state;
  /* The order's value number `at` (from 0) of an entry. */
  bool (*value)(void *state, const sq_entry *entry, size_t at, char room[37], sq_value *out);
  const sq_value *after;
  int64_t after_rank;
  sq_type type; /* of the first order value */
  bool descending, exact; /* exact: equal ranks are equal values */
  bool text;              /* entries bring their text */
  sq_entry *entries;
  size_t count, capacity, most; /* most: no more are kept */
  bool heaped;
} sq_order_by;

bool sq_order_begin(sq_order_by *order, sq_run *run);
void sq_order_end(sq_order_by *order);
int64_t sq_rank_integer(const sq_order_by *order, int64_t value);
int64_t sq_rank_value(const sq_order_by *order, const sq_value *value);
/* Entries of a greater rank need not be offered. */
static inline int64_t sq_order_bound(const sq_order_by *order) { return order->heaped ? order->entries[0].rank : INT64_MAX; }
bool sq_order_offer(sq_order_by *order, const sq_entry *entry);
/* Sorts; the page's rows are [*first, *last). */
bool sq_order_finish(sq_order_by *order, size_t *first, size_t *last);

/* --- the three kinds of queries. `count`: only how many there are, and `take` is not called. */

bool sq_run_sessions(sq_run *run, sq_take_row *take, void *state, int64_t *count);
bool sq_run_groups(sq_run *run, sq_take_row *take, void *state, int64_t *count);
bool sq_run_requests(sq_run *run, int64_t **seqs, size_t *found, int64_t *count);

#endif
