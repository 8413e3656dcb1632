/* Requests in order, block by block. Where the order is by time and there is a limit, it ends as soon as all rows
   that are left are behind the page. */
#include <stdio.h>
#include <stdlib.h>

#include "exec/outcome.h"
#include "exec/run.h"

typedef struct requests {
  sq_run *run;
  sq_order_by order;
  sq_field field; /* what they are ordered by */
  bool early;
  uint32_t *blocks; /* in the order of visits */
} requests;

/* --------------------------------------------------------------------------------------------------- values */

static bool cached_of(sq_run *run, sq_state *state, uint32_t row, sq_value *out) {
  sq_cached_column cached;
  const sq_column *reference = sq_state_field(run, state, SQ_F_CACHE_REFERENCE_ID);
  if (!reference) return false;
  sq_cached_column_make(reference, &cached);
  *out = (sq_value){.kind = SQ_BOOLEAN, .boolean = sq_row_cached(&cached, row)};
  return true;
}

static bool tokens_of(sq_run *run, sq_state *state, uint32_t row, sq_value *out) {
  const sq_column *recorded = sq_state_field(run, state, SQ_F_TOTAL_TOKENS), *prompt = sq_state_field(run, state, SQ_F_PROMPT_TOKENS),
                  *completion = sq_state_field(run, state, SQ_F_COMPLETION_TOKENS);
  if (!recorded || !prompt || !completion) return false;
  const sq_token_columns columns = {*recorded, *prompt, *completion};
  int64_t tokens;
  *out = sq_row_total_tokens(&columns, row, &tokens) ? (sq_value){.kind = SQ_INTEGER, .integer = tokens} : (sq_value){.kind = SQ_NULL};
  return true;
}

static bool ended_at_of(sq_run *run, sq_state *state, uint32_t row, sq_value *out) {
  const sq_column *responded = sq_state_field(run, state, SQ_F_RESPONDED_AT), *created = sq_state_field(run, state, SQ_F_CREATED_AT),
                  *latency = sq_state_field(run, state, SQ_F_LATENCY_MS);
  if (!responded || !created || !latency) return false;
  const sq_end_columns columns = {*responded, *created, *latency};
  int64_t end;
  *out = sq_row_ended_at(&columns, row, &end) ? (sq_value){.kind = SQ_INTEGER, .integer = end} : (sq_value){.kind = SQ_NULL};
  return true;
}

static bool outcome_of(sq_run *run, sq_state *state, uint32_t row, sq_value *out) {
  const sq_column *error = sq_state_field(run, state, SQ_F_ERROR), *status = sq_state_field(run, state, SQ_F_STATUS),
                  *responded = sq_state_field(run, state, SQ_F_RESPONDED_AT), *latency = sq_state_field(run, state, SQ_F_LATENCY_MS);
  if (!error || !status || !responded || !latency) return false;
  const sq_outcome_columns columns = {*error, *status, *responded, *latency};
  const char *name = sq_outcome_names[sq_row_outcome(&columns, row)];
  *out = (sq_value){.kind = SQ_STRING, .length = (uint32_t)strlen(name), .text = name};
  return true;
}

/* A request field of a row. */
static bool value_of(sq_run *run, sq_state *state, sq_field field, uint32_t row, char room[37], sq_value *out) {
  if (field == SQ_F_CACHED) return cached_of(run, state, row, out);
  if (field == SQ_F_TOTAL_TOKENS) return tokens_of(run, state, row, out);
  if (field == SQ_F_ENDED_AT) return ended_at_of(run, state, row, out);
  if (field == SQ_F_OUTCOME) return outcome_of(run, state, row, out);
  const sq_column *column = sq_state_field(run, state, field);
  int64_t integer;
  size_t length;
  if (!column) return false;
  *out = (sq_value){.kind = SQ_NULL};
  if (column->encoding == SQ_ENC_INTEGER) {
    if (!sq_column_integer(column, row, &integer)) return true;
    bool boolean = sq_field_get(field)->type == SQ_T_BOOLEAN;
    *out = boolean ? (sq_value){.kind = SQ_BOOLEAN, .boolean = integer != 0} : (sq_value){.kind = SQ_INTEGER, .integer = integer};
    return true;
  }
  const char *text = sq_column_text(column, row, room, &length);
  if (text) *out = (sq_value){.kind = SQ_STRING, .length = (uint32_t)length, .text = text};
  return true;
}

static sq_field field_at(const requests *r, size_t at) {
  const sq_column_of *column = &r->run->columns.items[r->run->columns.shown + at];
  return column->origin == SQ_FROM_ORGANIZATION ? SQ_F_ORGANIZATION_ID : column->origin == SQ_FROM_PROJECT ? SQ_F_PROJECT : column->field;
}

static bool order_value(void *state, const sq_entry *entry, size_t at, char room[37], sq_value *out) {
  requests *r = state;
  return value_of(r->run, r->run->states[entry->block], field_at(r, at), entry->index, room, out);
}

/* --------------------------------------------------------------------------------------------------- ranks */

static bool rank_texts(requests *r, const sq_column *column, const uint32_t *rows, uint32_t count, int64_t *ranks) {
  uint32_t entries = column->dictionary.count;
  bool each = column->encoding == SQ_ENC_DIRECT;
  int64_t *of_entry = each ? NULL : sq_run_room(r->run, SQ_ROOM_A, entries * sizeof *of_entry + 1);
  if (!each && !of_entry) return false;
  for (uint32_t i = 0; i < (each ? count : entries); i++) {
    char room[37];
    sq_value value = {.kind = SQ_STRING};
    size_t length;
    value.text = sq_dictionary_text(&column->dictionary, each ? rows[i] : i, room, &length);
    value.length = (uint32_t)length;
    *(each ? &ranks[i] : &of_entry[i]) = sq_rank_value(&r->order, &value);
  }
  if (each) return true;
  sq_gather_codes(column, rows, count, ranks, &r->run->exec->traffic);
  for (uint32_t i = 0; i < count; i++) ranks[i] = ranks[i] >= 0 && ranks[i] < entries ? of_entry[ranks[i]] : INT64_MAX;
  return true;
}

static bool rank_each(requests *r, sq_state *state, const uint32_t *rows, uint32_t count, int64_t *ranks) {
  for (uint32_t i = 0; i < count; i++) {
    char room[37];
    sq_value value;
    if (!value_of(r->run, state, r->field, rows[i], room, &value)) return false;
    ranks[i] = sq_rank_value(&r->order, &value);
  }
  return true;
}

static bool rank_rows(requests *r, sq_state *state, const uint32_t *rows, uint32_t count, int64_t *ranks) {
  if (sq_is_computed(r->field)) return rank_each(r, state, rows, count, ranks);
  const sq_column *column = sq_state_field(r->run, state, r->field);
  if (!column) return false;
  if (column->encoding == SQ_ENC_TEXT || column->encoding == SQ_ENC_DIRECT) return rank_texts(r, column, rows, count, ranks);
  sq_gather(column, rows, count, ranks, &r->run->exec->traffic);
  for (uint32_t i = 0; i < count; i++) ranks[i] = sq_rank_integer(&r->order, ranks[i]);
  return true;
}

/* --------------------------------------------------------------------------------------------------- visits */

static bool visit_block(requests *r, sq_state *state) {
  if (!sq_state_select(r->run, state)) return false;
  uint32_t *rows = sq_run_room(r->run, SQ_ROOM_ROWS, state->block->rows * sizeof *rows + 1);
  int64_t *ranks = sq_run_room(r->run, SQ_ROOM_VALUES, state->block->rows * sizeof *ranks + 1);
  if (!rows || !ranks) return false;
  uint32_t count = sq_bits_rows(state->bits, 0, state->block->rows, rows);
  if (!rank_rows(r, state, rows, count, ranks)) return false;
  for (uint32_t i = 0; i < count; i++) {
    if (ranks[i] > sq_order_bound(&r->order)) continue;
    const sq_entry entry = {.rank = ranks[i], .block = state->index, .index = rows[i]};
    if (!sq_order_offer(&r->order, &entry)) return false;
  }
  return true;
}

static int64_t nearest_time(const requests *r, uint32_t block) {
  const sq_block *b = &r->run->view->blocks[block];
  return r->order.descending ? b->last_time : b->first_time;
}

/* The page is full, and the rows of this and all further blocks are behind it. */
static bool is_over(const requests *r, uint32_t block) {
  return r->early && r->order.heaped && sq_rank_integer(&r->order, nearest_time(r, block)) > sq_order_bound(&r->order);
}

static bool visit_blocks(requests *r) {
  sq_run *run = r->run;
  size_t visited = 0, count = run->view->count;
  for (; visited < count && !is_over(r, r->blocks[visited]); visited++) {
    sq_state *state = sq_run_state(run, r->blocks[visited]);
    if (!state || !sq_run_in_time(run) || (!state->empty && !visit_block(r, state))) return false;
  }
  const char *way = r->order.descending || !r->early ? "newest" : "oldest";
  if (visited < count) snprintf(run->exec->plan, sizeof run->exec->plan, "%s first, ended after %zu of %zu blocks; rows", way, visited, count);
  else snprintf(run->exec->plan, sizeof run->exec->plan, "all %zu blocks; rows", count);
  return true;
}

static int oldest_first(const void *left, const void *right, void *blocks) {
  const sq_block *all = blocks;
  int64_t a = all[*(const uint32_t *)left].first_time, b = all[*(const uint32_t *)right].first_time;
  return (a > b) - (a < b);
}

/* ---------------------------------------------------------------------------------------------------- entry */

static bool count_all(sq_run *run, int64_t *count) {
  for (size_t i = 0; i < run->view->count; i++) {
    sq_state *state = sq_run_state(run, run->newest[i]);
    if (!state || !sq_run_in_time(run)) return false;
    if (state->empty) continue;
    if (run->pure && state->inside && state->all_scope && !run->exec->whole) {
      *count += state->block->rows - state->block->dead_rows;
      continue;
    }
    if (!sq_state_select(run, state)) return false;
    for (uint32_t word = 0; word < (state->block->rows + 63) / 64; word++) *count += __builtin_popcountll(state->bits[word]);
  }
  snprintf(run->exec->plan, sizeof run->exec->plan, "all %zu blocks; counted", run->view->count);
  return true;
}

static bool give_seqs(requests *r, int64_t **seqs, size_t *found) {
  size_t first, last;
  if (!sq_order_finish(&r->order, &first, &last)) return false;
  *found = last - first;
  *seqs = malloc((*found + 1) * sizeof **seqs);
  if (!*seqs) return sq_fail_memory(r->run->error);
  for (size_t i = 0; i < *found; i++) {
    const sq_entry *entry = &r->order.entries[first + i];
    sq_column column;
    if (!sq_segment_seqs(r->run->view->blocks[entry->block].segment, &column, r->run->error) ||
        !sq_column_integer(&column, entry->index, &(*seqs)[i])) {
      free(*seqs);
      *seqs = NULL;
      return sq_fail(r->run->error, SQ_E_STORE, "a segment has no row numbers");
    }
  }
  return true;
}

bool sq_run_requests(sq_run *run, int64_t **seqs, size_t *found, int64_t *count) {
  if (count) return count_all(run, count);
  requests r = {.run = run, .field = run->query->order.field, .blocks = run->newest};
  r.early = r.field == SQ_F_CREATED_AT && run->query->limited && !run->exec->whole;
  bool good = sq_order_begin(&r.order, run);
  r.order.state = &r;
  r.order.value = order_value;
  if (r.early && !r.order.descending)
    qsort_r(r.blocks, run->view->count, sizeof *r.blocks, oldest_first, (void *)run->view->blocks);
  good = good && visit_blocks(&r) && give_seqs(&r, seqs, found);
  sq_order_end(&r.order);
  return good;
}
