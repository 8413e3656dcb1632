#include "exec/batch.h"

/* ------------------------------------------------------------------------------------------------- loading */

static void add_item(sq_batch *b, uint32_t at, bool measured, uint32_t begin, uint32_t end) {
  uint32_t item = b->count++;
  b->code[item] = (uint32_t)b->codes[at];
  b->fragment[item] = b->first + at;
  b->measured[item] = measured;
  b->whole[item] = false;
  b->begin[item] = begin;
  b->end[item] = end;
}

static bool is_left_out(const sq_batch *b, uint32_t at) {
  bool old = b->lasts[at] < b->since;
  if (!old && !b->asked[0]) return false;
  bool open = sq_view_is_scattered(b->run->view, (uint32_t)b->codes[at]);
  if (old && !(b->spares_open && open)) return true;
  return b->asked[open] && !sq_bits_any(b->asked[open], (uint32_t)b->starts[at], (uint32_t)b->starts[at + 1]);
}

/* None of the rows of fragments [first, first + count) is asked about. */
static bool is_passed_over(const sq_batch *b, uint32_t count) {
  int64_t begin = 0, end = 0;
  if (!b->asked[0] || !b->asked[1]) return false;
  sq_column_integer(&b->state->starts, b->first, &begin);
  sq_column_integer(&b->state->starts, b->first + count, &end);
  return !sq_bits_any(b->asked[0], (uint32_t)begin, (uint32_t)end) && !sq_bits_any(b->asked[1], (uint32_t)begin, (uint32_t)end);
}

/* A block that fragments answer for as it is. */
static void load_plain(sq_batch *b, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    if (!is_left_out(b, i)) add_item(b, i, true, (uint32_t)b->starts[i], (uint32_t)b->starts[i + 1]);
}

static bool load_each(sq_batch *b, uint32_t count) {
  sq_state *state = b->state;
  size_t most = (size_t)(b->starts[count] - b->starts[0]);
  uint32_t used = 0;
  b->rows = sq_run_room(b->run, SQ_ROOM_ROWS, most * sizeof *b->rows);
  if (!b->rows) return false;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t fragment = b->first + i, begin = (uint32_t)b->starts[i], end = (uint32_t)b->starts[i + 1];
    if (is_left_out(b, i)) continue;
    if (sq_state_is_measured(b->run, state, fragment)) {
      if (state->all_scope || sq_state_in_scope(b->run, state, begin)) add_item(b, i, true, begin, end);
      continue;
    }
    int64_t rows = sq_state_fragment_rows(b->run, state, fragment, b->rows + used);
    if (rows < 0) return false;
    if (rows > 0) add_item(b, i, false, used, used + (uint32_t)rows);
    used += (uint32_t)rows;
  }
  return true;
}

/* When fragments end; false when none of them matters. */
static bool load_lasts(sq_batch *b, uint32_t count) {
  const sq_column *column = sq_state_measure(b->run, b->state, SQ_M_LAST);
  if (!column) return false;
  sq_decode(column, b->first, count, b->lasts, &b->run->exec->traffic);
  int64_t newest = INT64_MIN;
  for (uint32_t i = 0; i < count; i++) newest = b->lasts[i] > newest ? b->lasts[i] : newest;
  return newest >= b->since || b->spares_open;
}

bool sq_batch_load(sq_batch *b, sq_state *state, uint32_t first) {
  sq_run *run = b->run;
  sq_traffic *traffic = &run->exec->traffic;
  uint32_t left = state->block->fragments - first, count = left < SQ_BATCH ? left : SQ_BATCH;
  b->state = state;
  b->first = first;
  b->count = 0;
  b->filled = 0;
  if (is_passed_over(b, count)) return true;
  if (b->since > INT64_MIN && !load_lasts(b, count)) return run->error->code == SQ_OK;
  sq_decode(&state->starts, first, count + 1, b->starts, traffic);
  sq_decode(&state->codes, first, count, b->codes, traffic);
  if (!run->pure || run->exec->whole || !state->inside || !state->all_scope || state->block->dirty) {
    if (!load_each(b, count)) return false;
  } else {
    load_plain(b, count);
  }
  for (uint32_t i = 0; i < b->count; i++) traffic->fragments += b->measured[i];
  return true;
}

/* ------------------------------------------------------------------------------------------------- filling */

static bool fill_whole(sq_batch *b, unsigned slot, const uint16_t *items, uint32_t count) {
  for (uint32_t i = 0; i < count && slot >= SQ_M_COUNT_OF; i++) {
    uint16_t item = items[i];
    sq_whole whole;
    int64_t values[SQ_SLOTS];
    if (!b->whole[item]) continue;
    bool good = sq_whole_open(b->run, b->code[item], UINT32_MAX, 0, &whole) && sq_whole_slots(b->run, &whole, UINT32_C(1) << slot, values);
    sq_whole_close(&whole);
    if (!good) return false;
    b->items.slots[slot][item] = values[slot];
  }
  return true;
}

static bool fill_measured(sq_batch *b, unsigned slot, const uint16_t *items, uint32_t count) {
  const sq_column *column = sq_state_measure(b->run, b->state, (sq_measure)slot);
  uint32_t fragments[SQ_BATCH];
  int64_t values[SQ_BATCH];
  if (!column) return false;
  for (uint32_t i = 0; i < count; i++) fragments[i] = b->fragment[items[i]];
  sq_gather(column, fragments, count, values, &b->run->exec->traffic);
  for (uint32_t i = 0; i < count; i++) b->items.slots[slot][items[i]] = values[i];
  return true;
}

static uint32_t row_of(const sq_batch *b, uint32_t item, uint32_t at) { return b->measured[item] ? at : b->rows[at]; }

/* Rows of a session are sorted by time. */
static bool fill_ends(sq_batch *b, unsigned slot, const uint16_t *items, uint32_t count) {
  uint32_t rows[SQ_BATCH];
  int64_t values[SQ_BATCH];
  for (uint32_t i = 0; i < count; i++) rows[i] = row_of(b, items[i], slot == SQ_M_FIRST ? b->begin[items[i]] : b->end[items[i]] - 1);
  sq_gather(&b->state->times, rows, count, values, &b->run->exec->traffic);
  for (uint32_t i = 0; i < count; i++) b->items.slots[slot][items[i]] = values[i];
  return true;
}

static bool fill_rows(sq_batch *b, unsigned slot, const uint16_t *items, uint32_t count) {
  size_t total = 0;
  for (uint32_t i = 0; i < count; i++) total += b->end[items[i]] - b->begin[items[i]];
  uint32_t *rows = sq_run_room(b->run, SQ_ROOM_CHOSEN, total * sizeof *rows), used = 0;
  int64_t *values = sq_run_room(b->run, SQ_ROOM_VALUES, total * sizeof *values);
  if (!rows || !values) return false;
  for (uint32_t i = 0; i < count; i++)
    for (uint32_t at = b->begin[items[i]]; at < b->end[items[i]]; at++) rows[used++] = row_of(b, items[i], at);
  if (!sq_slot_rows(b->run, b->state, slot, rows, used, values)) return false;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t length = b->end[items[i]] - b->begin[items[i]];
    b->items.slots[slot][items[i]] = sq_slot_reduce(slot, values, length);
    values += length;
  }
  return true;
}

static bool fill_local(sq_batch *b, unsigned slot, const uint16_t *items, uint32_t count) {
  if (count == 0) return true;
  if (slot == SQ_M_COUNT) {
    for (uint32_t i = 0; i < count; i++) b->items.slots[slot][items[i]] = b->end[items[i]] - b->begin[items[i]];
    return true;
  }
  return slot == SQ_M_FIRST || slot == SQ_M_LAST ? fill_ends(b, slot, items, count) : fill_rows(b, slot, items, count);
}

bool sq_batch_fill(sq_batch *b, unsigned slot, const uint16_t *items, uint32_t count) {
  if (b->filled >> slot & 1) return true;
  uint16_t measured[SQ_BATCH], local[SQ_BATCH];
  uint32_t measured_count = 0, local_count = 0;
  for (uint32_t i = 0; i < count; i++) {
    uint16_t item = items[i];
    bool by_measure = b->measured[item] && slot < SQ_M_COUNT_OF;
    measured[measured_count] = item;
    local[local_count] = item;
    measured_count += !b->whole[item] && by_measure;
    local_count += !b->whole[item] && !by_measure;
  }
  if (measured_count + local_count < count && !fill_whole(b, slot, items, count)) return false;
  if (measured_count && !fill_measured(b, slot, measured, measured_count)) return false;
  return fill_local(b, slot, local, local_count);
}

/* --------------------------------------------------------------------------------------------------- names */

/* The row that the session's name comes from; false when it has none. */
static bool named_row(sq_batch *b, uint32_t item, const sq_column *names, uint32_t *row) {
  if (b->measured[item]) {
    const sq_column *named = sq_state_named(b->run, b->state);
    int64_t offset;
    if (!named || !sq_column_integer(named, b->fragment[item], &offset)) return false;
    *row = b->begin[item] + (uint32_t)offset;
    return true;
  }
  for (uint32_t at = b->end[item]; at > b->begin[item]; at--)
    if (sq_column_has(names, b->rows[at - 1])) {
      *row = b->rows[at - 1];
      return true;
    }
  return false;
}

static int64_t entry_of_item(void *state, uint32_t item, sq_field field, const sq_column **column) {
  sq_batch *b = state;
  uint32_t row, entry;
  if (b->whole[item]) return -1;
  *column = sq_state_field(b->run, b->state, field == SQ_F_SESSION_KEY ? SQ_F_SESSION_ID : SQ_F_SESSION_NAME);
  if (!*column) return -1;
  b->items.block = b->state->index;
  if (field == SQ_F_SESSION_KEY) row = row_of(b, item, b->begin[item]);
  else if (!named_row(b, item, *column, &row)) return -1;
  return sq_column_entry(*column, row, &entry) ? (int64_t)entry : -1;
}

bool sq_batch_note_name(sq_batch *b, uint32_t item, sq_latest *latest) {
  const sq_column *names = sq_state_field(b->run, b->state, SQ_F_SESSION_NAME);
  uint32_t row;
  if (names && named_row(b, item, names, &row)) sq_latest_take(b->run, latest, b->state, row);
  return b->run->error->code == SQ_OK;
}

static bool id_of_whole(sq_batch *b, uint32_t item, sq_value *out) {
  sq_session_name name;
  return sq_view_session(b->run->view, b->code[item], &name, b->run->error) && sq_run_copy(b->run, out, SQ_STRING, name.id, name.id_length);
}

static bool value_of_whole(sq_batch *b, uint32_t item, sq_field field, sq_value *out) {
  sq_whole whole;
  if (field == SQ_F_SESSION_KEY) return id_of_whole(b, item, out);
  if (field == SQ_F_SESSION_LABEL && b->whole[item] && b->names) return sq_latest_name(b->run, &b->names[item], out);
  bool good = sq_whole_open(b->run, b->code[item], sq_batch_block(b, item), b->fragment[item], &whole) &&
              sq_whole_value(b->run, &whole, field, out);
  sq_whole_close(&whole);
  return good;
}

bool sq_batch_name(sq_batch *b, uint32_t item, char room[37], sq_value *out) {
  if (b->whole[item]) return value_of_whole(b, item, SQ_F_SESSION_LABEL, out);
  const sq_column *names;
  int64_t entry = entry_of_item(b, item, SQ_F_SESSION_LABEL, &names);
  size_t length = 0;
  const char *text = "";
  if (entry >= 0) text = sq_dictionary_text(&names->dictionary, (uint32_t)entry, room, &length);
  *out = (sq_value){.kind = SQ_STRING, .length = (uint32_t)length, .text = text};
  return b->run->error->code == SQ_OK;
}

/* ------------------------------------------------------------------------------------------- other values */

const char *sq_batch_id(sq_batch *b, uint32_t item, char room[37], size_t *length) {
  const sq_column *ids = b->whole[item] ? NULL : sq_state_field(b->run, b->state, SQ_F_SESSION_ID);
  return ids ? sq_column_text(ids, row_of(b, item, b->begin[item]), room, length) : NULL;
}

static bool value_of_item(void *state, uint32_t item, sq_field field, sq_value *out) {
  sq_batch *b = state;
  if (field != SQ_F_SESSION_LABEL || b->whole[item]) return value_of_whole(b, item, field, out);
  char room[37];
  return sq_batch_name(b, item, room, out) && sq_run_copy(b->run, out, SQ_STRING, out->text, out->length);
}

static int quantified_of_item(void *state, uint32_t item, unsigned number) {
  sq_batch *b = state;
  if (b->whole[item]) {
    sq_whole whole;
    int is = sq_whole_open(b->run, b->code[item], UINT32_MAX, 0, &whole) ? sq_whole_quantified(b->run, &whole, number) : -1;
    sq_whole_close(&whole);
    return is;
  }
  if (!sq_state_quantify(b->run, b->state, number)) return -1;
  const uint64_t *bits = b->state->quantified[number];
  bool some = b->run->quantified[number].node->kind == SQ_N_SOME;
  for (uint32_t at = b->begin[item]; at < b->end[item]; at++) {
    uint32_t row = row_of(b, item, at);
    if ((bits[row >> 6] >> (row & 63) & 1) == some) return some; /* one that satisfies it, or one that does not */
  }
  return !some;
}

static bool fill_items(void *state, unsigned slot, const uint16_t *items, uint32_t count) { return sq_batch_fill(state, slot, items, count); }

sq_batch *sq_batch_make(sq_run *run, sq_slot_set needed) {
  sq_batch *b = sq_run_take(run, sizeof *b);
  if (!b) return NULL;
  b->run = run;
  b->since = INT64_MIN;
  b->items = (sq_items){.state = b, .fill = fill_items, .value = value_of_item, .quantified = quantified_of_item, .entry = entry_of_item, .block = UINT32_MAX};
  for (unsigned slot = 0; slot < SQ_SLOTS; slot++)
    if (needed >> slot & 1 && !(b->items.slots[slot] = sq_run_take(run, SQ_BATCH * sizeof(int64_t)))) return NULL;
  return b;
}
