/* Blocks as a query sees them: which of their rows pass, and their columns, opened when they are needed. */
#include "exec/run.h"

/* ------------------------------------------------------------------------------------------------- columns */

const char *sq_column_text(const sq_column *column, uint32_t row, char room[37], size_t *length) {
  uint32_t entry;
  return sq_column_entry(column, row, &entry) ? sq_dictionary_text(&column->dictionary, entry, room, length) : NULL;
}

const sq_column *sq_state_field(sq_run *run, sq_state *state, sq_field field) {
  if (state->fields[field]) return state->fields[field];
  sq_column *column = sq_run_take(run, sizeof *column);
  if (!column || !sq_segment_column(state->block->segment, field, NULL, 0, column, run->error)) {
    if (column) sq_fail(run->error, SQ_E_STORE, "a segment has no column %s", sq_field_get(field)->name);
    return NULL;
  }
  return state->fields[field] = column;
}

const sq_column *sq_state_measure(sq_run *run, sq_state *state, sq_measure measure) {
  if (state->measures[measure]) return state->measures[measure];
  sq_column *column = sq_run_take(run, sizeof *column);
  if (!column || !sq_segment_measure(state->block->segment, measure, column, run->error)) return NULL;
  return state->measures[measure] = column;
}

const sq_column *sq_state_named(sq_run *run, sq_state *state) {
  if (state->named) return state->named;
  sq_column *column = sq_run_take(run, sizeof *column);
  if (!column || !sq_segment_named(state->block->segment, column, run->error)) return NULL;
  return state->named = column;
}

/* --------------------------------------------------------------------------------------------------- scope */

/* 1: all rows have the text, 0: none, -1: it must be looked at. */
static int compare_all(const sq_column *column, const char *text) {
  const sq_dictionary *dictionary = &column->dictionary;
  bool same;
  if (column->encoding != SQ_ENC_TEXT) return column->encoding == SQ_ENC_ABSENT ? 0 : -1;
  sq_dictionary_seek(dictionary, text, strlen(text), &same);
  if (!same) return 0;
  return dictionary->count == 1 && !column->has_absent ? 1 : -1;
}

static const sq_field scope_fields[2] = {SQ_F_ORGANIZATION_ID, SQ_F_PROJECT};

static const char *scope_text(const sq_run *run, size_t part) { return part ? run->exec->scope.project : run->exec->scope.organization; }

static bool open_scope(sq_run *run, sq_state *state) {
  state->all_scope = true;
  for (size_t i = 0; i < 2; i++) {
    if (!scope_text(run, i)) continue;
    const sq_column *column = sq_state_field(run, state, scope_fields[i]);
    if (!column) return false;
    int all = compare_all(column, scope_text(run, i));
    state->empty |= all == 0;
    state->all_scope &= all == 1;
  }
  return true;
}

bool sq_state_in_scope(sq_run *run, const sq_state *state, uint32_t row) {
  for (size_t i = 0; i < 2; i++) {
    const char *wanted = scope_text(run, i);
    char room[37];
    size_t length;
    const char *text = wanted ? sq_column_text(state->fields[scope_fields[i]], row, room, &length) : NULL;
    if (wanted && (!text || !sq_same_text(wanted, text, length))) return false;
  }
  return true;
}

/* ---------------------------------------------------------------------------------------------------- open */

static bool open_columns(sq_run *run, sq_state *state) {
  const sq_segment *segment = state->block->segment;
  const sq_column *times = sq_state_field(run, state, SQ_F_CREATED_AT);
  if (!times) return false;
  state->times = *times;
  return !(run->by_session || run->only) || (sq_segment_starts(segment, &state->starts, run->error) && sq_segment_codes(segment, &state->codes, run->error));
}

static bool open_state(sq_run *run, sq_state *state) {
  const sq_block *block = state->block;
  state->inside = block->first_time >= run->from && block->last_time <= run->to;
  state->empty = run->nothing || block->first_time > run->to || block->last_time < run->from || block->rows == block->dead_rows ||
                 (run->by_session && block->fragments == 0);
  if (state->empty) return true;
  if (!open_scope(run, state) || state->empty) return run->error->code == SQ_OK;
  if (run->rows && !run->pure) {
    int zone = sq_select_zone(run->rows, block, &run->exec->traffic, run->error);
    if (zone < 0) return false;
    state->empty = zone == SQ_ZONE_NONE;
  }
  return state->empty || open_columns(run, state);
}

/* Blocks in which nothing can pass share one state: mostly there are many of them. */
sq_state *sq_run_state(sq_run *run, uint32_t block) {
  if (run->states[block]) return run->states[block];
  sq_state opened = {.block = &run->view->blocks[block], .index = block}, *state = &run->none;
  if (!open_state(run, &opened)) return NULL;
  if (!opened.empty) {
    if (!(state = sq_run_take(run, sizeof *state))) return NULL;
    *state = opened;
  }
  if (state->empty) run->exec->traffic.skipped++;
  else run->exec->traffic.blocks++;
  return run->states[block] = state;
}

/* ---------------------------------------------------------------------------------------------------- bits */

static uint32_t start_of(const sq_state *state, uint32_t fragment) {
  int64_t start = 0;
  sq_column_integer(&state->starts, fragment, &start);
  return (uint32_t)start;
}

/* The bits of a word that lie in [first, last). */
static uint64_t between(uint32_t word, uint32_t first, uint32_t last) {
  uint64_t set = UINT64_MAX;
  if (word == first / 64) set &= UINT64_MAX << first % 64;
  if (word == last / 64) set &= (UINT64_C(1) << last % 64) - 1;
  return set;
}

/* Gives how many they are. */
static uint32_t set_bits(uint64_t *bits, uint32_t first, uint32_t last) {
  for (uint32_t word = first / 64; word * 64 < last; word++) bits[word] |= between(word, first, last);
  return last - first;
}

/* Rows that are asked about: alive, of the session that is named, of any session when sessions are asked for. */
static uint64_t *make_bits(sq_run *run, sq_state *state, uint32_t *asked) {
  const sq_block *block = state->block;
  uint32_t rows = run->by_session ? block->session_rows : block->rows;
  uint64_t *bits = sq_run_take(run, SQ_BLOCK_WORDS * sizeof *bits);
  if (!bits) return NULL;
  *asked = run->only ? 0 : set_bits(bits, 0, rows);
  for (size_t i = 0; i < run->only_count; i++)
    if (run->only[i].block == state->index) *asked += set_bits(bits, start_of(state, run->only[i].fragment), start_of(state, run->only[i].fragment + 1));
  for (uint32_t i = 0; block->dead && i < (rows + 63) / 64; i++) bits[i] &= ~block->dead[i];
  return bits;
}

bool sq_state_select(sq_run *run, sq_state *state) {
  if (state->has_bits) return true;
  sq_traffic *traffic = &run->exec->traffic;
  uint32_t asked;
  uint64_t *bits = make_bits(run, state, &asked);
  if (!bits) return false;
  traffic->rows += asked;
  bool everything = !run->rows || (run->pure && state->inside);
  if (!everything && !sq_select_rows(run->rows, state->block, bits, traffic, run->error)) return false;
  if (!state->all_scope && !sq_select_rows(run->scope, state->block, bits, traffic, run->error)) return false;
  state->bits = bits;
  return state->has_bits = true;
}

bool sq_state_quantify(sq_run *run, sq_state *state, unsigned number) {
  if (!state->quantified) state->quantified = sq_run_take(run, run->quantified_count * sizeof *state->quantified + 1);
  if (!state->quantified) return false;
  if (state->quantified[number]) return true;
  if (!sq_state_select(run, state)) return false;
  uint64_t *bits = sq_run_take(run, SQ_BLOCK_WORDS * sizeof *bits);
  if (!bits) return false;
  memcpy(bits, state->bits, SQ_BLOCK_WORDS * sizeof *bits);
  if (!sq_select_rows(run->quantified[number].selector, state->block, bits, &run->exec->traffic, run->error)) return false;
  state->quantified[number] = bits;
  return true;
}

bool sq_bits_any(const uint64_t *bits, uint32_t first, uint32_t last) {
  for (uint32_t word = first / 64; word * 64 < last; word++)
    if (bits[word] & between(word, first, last)) return true;
  return false;
}

uint32_t sq_bits_rows(const uint64_t *bits, uint32_t first, uint32_t last, uint32_t *out) {
  uint32_t count = 0;
  for (uint32_t word = first / 64; word * 64 < last; word++) {
    uint64_t set = bits[word] & between(word, first, last);
    for (; set; set &= set - 1) out[count++] = word * 64 + (uint32_t)__builtin_ctzll(set);
  }
  return count;
}

/* ----------------------------------------------------------------------------------------------- fragments */

static int64_t time_at(const sq_state *state, uint32_t row) {
  int64_t time = 0;
  sq_column_integer(&state->times, row, &time);
  return time;
}

/* The first row of [first, last) whose time is not below `time`. */
static uint32_t seek_time(const sq_state *state, uint32_t first, uint32_t last, int64_t time) {
  while (first < last) {
    uint32_t middle = first + (last - first) / 2;
    if (time_at(state, middle) < time) first = middle + 1;
    else last = middle;
  }
  return first;
}

static bool is_dirty(const sq_block *block, uint32_t fragment) { return block->dirty && block->dirty[fragment >> 6] >> (fragment & 63) & 1; }

bool sq_state_is_measured(sq_run *run, sq_state *state, uint32_t fragment) {
  if (!run->pure || run->exec->whole || is_dirty(state->block, fragment)) return false;
  if (state->inside) return true;
  uint32_t first = start_of(state, fragment), last = start_of(state, fragment + 1) - 1;
  return time_at(state, first) >= run->from && time_at(state, last) <= run->to;
}

/* Without other conditions a window cuts a run of rows, which are sorted by time. */
static uint32_t cut(const sq_run *run, const sq_state *state, uint32_t first, uint32_t last, uint32_t *out) {
  if (!state->inside) {
    first = seek_time(state, first, last, run->from);
    if (run->to < INT64_MAX) last = seek_time(state, first, last, run->to + 1);
  }
  const uint64_t *dead = state->block->dead;
  uint32_t count = 0;
  for (uint32_t row = first; row < last; row++)
    if (!dead || !(dead[row >> 6] >> (row & 63) & 1)) out[count++] = row;
  return count;
}

int64_t sq_state_fragment_rows(sq_run *run, sq_state *state, uint32_t fragment, uint32_t *out) {
  uint32_t first = start_of(state, fragment), last = start_of(state, fragment + 1);
  if (run->pure && !run->exec->whole) {
    if (!state->all_scope && !sq_state_in_scope(run, state, first)) return 0;
    return cut(run, state, first, last, out);
  }
  if (!sq_state_select(run, state)) return -1;
  return sq_bits_rows(state->bits, first, last, out);
}
