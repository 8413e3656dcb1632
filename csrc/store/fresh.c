#include "store/fresh.h"

#include <stdlib.h>

#define MOST_TO_READ 16          /* of a segment, this part may be read to begin with */

typedef struct sq_fresh sq_fresh;
struct sq_fresh {
  sq_rows_builder *whole, *rows; /* the rows of a segment, or NULL; those behind them */
  int64_t after, last;           /* together they are all with after < seq ≤ last */
  int64_t change, schema;        /* the last one, and which, then and now */
};

void sq_fresh_drop(sq_store *store) {
  if (!store->fresh) return;
  sq_rows_builder_free(store->fresh->whole);
  sq_rows_builder_free(store->fresh->rows);
  free(store->fresh);
  store->fresh = NULL;
}

/* Feedback with a score changes what is read of a row. */
static bool is_plain(sq_store *store, sq_error *error) {
  bool scored;
  return sq_has_scored_feedback(store, &scored, error) && !scored;
}

static bool begin(sq_store *store, const sq_manifest *m, sq_error *error) {
  sq_fresh *f = store->fresh = calloc(1, sizeof *f);
  bool ended;
  if (!f) return false;
  *f = (sq_fresh){.rows = sq_rows_builder_make(error), .after = m->sealed_end, .last = m->last_seq, .change = m->last_change, .schema = m->schema};
  return f->rows && sq_requests_read(store, f->after, f->last, store->segment_rows, f->rows, &ended, error) && ended;
}

void sq_fresh_begin(sq_store *store, bool is_import) {
  sq_error ignored = {.code = SQ_OK};
  sq_manifest m;
  const sq_fresh *f = store->fresh;
  bool good = is_import && store->seals && !store->memory && sq_manifest_read(store, &m, &ignored);
  if (good && f && f->schema == m.schema && f->after == m.sealed_end && f->last == m.last_seq && f->change == m.last_change) return;
  sq_fresh_drop(store);
  good = good && m.last_seq - m.sealed_end <= store->segment_rows / MOST_TO_READ && is_plain(store, &ignored);
  if (good && !begin(store, &m, &ignored)) sq_fresh_drop(store);
}

/* Sets a segment's rows aside when they have come together. */
static bool set_aside(sq_fresh *f, uint32_t segment_rows, sq_error *error) {
  if (f->whole || sq_rows_builder_count(f->rows) < segment_rows) return true;
  f->whole = f->rows;
  f->rows = sq_rows_builder_make(error);
  return f->rows != NULL;
}

/* Two segments' rows are the most: nobody seals them. */
static bool add(sq_fresh *f, uint32_t segment_rows, int64_t seq, const sq_value fields[], sq_error *error) {
  return seq == ++f->last && set_aside(f, segment_rows, error) && sq_rows_builder_count(f->rows) < segment_rows &&
         sq_rows_builder_add(f->rows, seq, fields, error);
}

void sq_fresh_add(sq_store *store, int64_t seq, const sq_value fields[]) {
  sq_error ignored = {.code = SQ_OK};
  if (store->fresh && !add(store->fresh, store->segment_rows, seq, fields, &ignored)) sq_fresh_drop(store);
}

sq_rows_builder *sq_fresh_take(sq_store *store, const sq_manifest *state, int64_t after) {
  sq_error ignored = {.code = SQ_OK};
  sq_fresh *f = store->fresh;
  if (!f) return NULL;
  bool usable = f->schema == state->schema && f->after == after && f->change == state->last_change && f->last <= state->last_seq;
  if (!usable || !is_plain(store, &ignored) || !set_aside(f, store->segment_rows, &ignored)) {
    sq_fresh_drop(store);
    return NULL;
  }
  sq_rows_builder *whole = f->whole;
  f->whole = NULL;
  if (whole) f->after = sq_rows_builder_last_seq(whole);
  return whole;
}
