#include "exec/totals.h"

#include <stdlib.h>

static const sq_field sampled[SQ_SAMPLES] = {SQ_F_LATENCY_MS, SQ_F_TIME_TO_FIRST_TOKEN_MS};
static const sq_field collected[SQ_SETS] = {SQ_F_SESSION_USER_IDS, SQ_F_SESSION_MODELS, SQ_F_SESSION_REQUEST_TAGS};

/* --------------------------------------------------------------------------------------------- what is needed */

static void need(sq_totals *t, sq_field field) {
  t->fields[field] = true;
  t->slots |= sq_slots_of(field);
}

static void need_filter(sq_totals *t, const sq_node *node) {
  if (node->kind == SQ_N_SOME || node->kind == SQ_N_EVERY) return;
  if (node->kind == SQ_N_COMPARE) need(t, node->field);
  for (uint32_t i = 0; sq_has_kids(node) && i < node->count; i++) need_filter(t, node->kids[i]);
}

bool sq_totals_begin(sq_totals *t, sq_run *run, bool counting) {
  *t = (sq_totals){.run = run};
  need_filter(t, run->query->filter.keep);
  for (size_t i = 0; i < run->columns.count && !counting; i++)
    if (run->columns.items[i].origin == SQ_FROM_FIELD) need(t, run->columns.items[i].field);
  t->texts[2].lists = true;
  const sq_lookups *lookups = run->exec->lookups;
  if (!lookups || !lookups->feedback) t->fields[SQ_F_SESSION_FEEDBACK_STATS] = false;
  return true;
}

static bool needs_sample(const sq_totals *t, size_t which) {
  for (unsigned slot = SQ_M_COUNT_OF; slot < SQ_SLOTS; slot++)
    if (t->slots >> slot & 1 && sq_quantile_source(slot) == sampled[which]) return true;
  return false;
}

void sq_totals_end(sq_totals *t) {
  for (size_t i = 0; i < t->capacity; i++) {
    for (size_t k = 0; k < SQ_SAMPLES; k++)
      if (t->samples[k]) sq_sample_free(&t->samples[k][i]);
    for (size_t k = 0; k < SQ_SETS; k++)
      if (t->sets[k]) free(t->sets[k][i].items);
    if (t->feedback) sq_statistics_free(&t->feedback[i]);
  }
  for (size_t k = 0; k < SQ_SLOTS; k++) free(t->sums[k]);
  for (size_t k = 0; k < SQ_SAMPLES; k++) free(t->samples[k]);
  for (size_t k = 0; k < SQ_SETS; k++) free(t->sets[k]);
  for (size_t k = 0; k < SQ_SETS; k++) sq_sets_free(&t->texts[k]);
  sq_pair_set_free(&t->in_block);
  sq_pair_set_free(&t->scattered);
  free(t->feedback);
  free(t->names);
  free(t->sessions);
  free(t->quantified);
}

/* -------------------------------------------------------------------------------------------------- growing */

/* A longer array, its new items zeroed. */
static bool lengthen(void *array_pointer, bool needed, size_t before, size_t after, size_t size) {
  void *old, *array;
  if (!needed) return true;
  memcpy(&old, array_pointer, sizeof old);
  if (!(array = calloc(after, size))) return false;
  if (before) memcpy(array, old, before * size);
  free(old);
  memcpy(array_pointer, &array, sizeof array);
  return true;
}

static bool lengthen_all(sq_totals *t, size_t before, size_t after) {
  unsigned quantified = t->run->quantified_count;
  bool good = lengthen(&t->feedback, t->fields[SQ_F_SESSION_FEEDBACK_STATS], before, after, sizeof *t->feedback) &&
              lengthen(&t->names, t->fields[SQ_F_SESSION_LABEL], before, after, sizeof *t->names) &&
              lengthen(&t->sessions, t->fields[SQ_F_SESSION_SESSIONS], before, after, sizeof *t->sessions) &&
              lengthen(&t->quantified, quantified > 0, before * quantified, after * quantified, sizeof *t->quantified);
  for (unsigned slot = 0; slot < SQ_SLOTS && good; slot++) good = lengthen(&t->sums[slot], t->slots >> slot & 1, before, after, sizeof(int64_t));
  for (size_t k = 0; k < SQ_SAMPLES && good; k++) good = lengthen(&t->samples[k], needs_sample(t, k), before, after, sizeof(sq_sample));
  for (size_t k = 0; k < SQ_SETS && good; k++) good = lengthen(&t->sets[k], t->fields[collected[k]], before, after, sizeof(sq_numbers));
  return good;
}

/* An array that could not grow is as long as it was: the shortest length is kept. */
static bool grow(sq_totals *t, size_t groups) {
  if (groups > t->capacity) {
    size_t after = groups * 2 > 64 ? groups * 2 : 64;
    if (!lengthen_all(t, t->capacity, after)) return sq_fail_memory(t->run->error);
    t->capacity = after;
  }
  for (unsigned slot = 0; slot < SQ_SLOTS; slot++)
    for (size_t i = t->count; t->sums[slot] && i < groups; i++) t->sums[slot][i] = SQ_ABSENT;
  t->count = groups;
  return true;
}

/* ------------------------------------------------------------------------------------------------- each block */

/* The codes of the rows' sessions. */
static bool open_codes(sq_totals *t, sq_state *state) {
  const sq_block *block = state->block;
  sq_column starts, codes;
  t->row_codes = sq_run_room(t->run, SQ_ROOM_WHOLE, block->session_rows * sizeof *t->row_codes + 1);
  if (!t->row_codes || !sq_segment_starts(block->segment, &starts, t->run->error) || !sq_segment_codes(block->segment, &codes, t->run->error)) return false;
  for (uint32_t i = 0; i < block->fragments; i++) {
    int64_t start = 0, end = 0, code = 0;
    sq_column_integer(&starts, i, &start);
    sq_column_integer(&starts, i + 1, &end);
    sq_column_integer(&codes, i, &code);
    for (int64_t row = start; row < end && row < block->session_rows; row++) t->row_codes[row] = (uint32_t)code;
  }
  return true;
}

bool sq_totals_open(sq_totals *t, sq_state *state) {
  sq_pair_set_clear(&t->in_block);
  for (size_t k = 0; k < SQ_SETS; k++) {
    const sq_column *column = t->fields[collected[k]] ? sq_state_field(t->run, state, sq_field_get(collected[k])->source) : NULL;
    if (t->fields[collected[k]] && !column) return false;
    if (column && !sq_sets_open(&t->texts[k], column)) return sq_fail_memory(t->run->error);
  }
  for (unsigned i = 0; i < t->run->quantified_count; i++)
    if (!sq_state_quantify(t->run, state, i)) return false;
  return !t->fields[SQ_F_SESSION_SESSIONS] || open_codes(t, state);
}

/* ------------------------------------------------------------------------------------------------------ adding */

typedef struct rows_of {
  sq_state *state;
  const uint32_t *rows, *of_row;
  uint32_t count;
  int64_t *values; /* room for them */
} rows_of;

static bool add_sums(sq_totals *t, const rows_of *r) {
  for (unsigned slot = 0; slot < SQ_M_COUNT_OF; slot++) {
    if (!(t->slots >> slot & 1)) continue;
    if (!sq_slot_rows(t->run, r->state, slot, r->rows, r->count, r->values)) return false;
    int64_t *sums = t->sums[slot];
    for (uint32_t i = 0; i < r->count; i++) sums[r->of_row[i]] = sq_slot_merge(slot, sums[r->of_row[i]], r->values[i]);
  }
  return true;
}

static bool add_samples(sq_totals *t, const rows_of *r) {
  for (size_t k = 0; k < SQ_SAMPLES; k++) {
    if (!t->samples[k]) continue;
    const sq_column *column = sq_state_field(t->run, r->state, sampled[k]);
    if (!column) return false;
    sq_gather(column, r->rows, r->count, r->values, &t->run->exec->traffic);
    for (uint32_t i = 0; i < r->count; i++)
      if (r->values[i] != SQ_ABSENT && !sq_sample_add(&t->samples[k][r->of_row[i]], r->values[i])) return sq_fail_memory(t->run->error);
  }
  return true;
}

static bool add_set(sq_totals *t, const rows_of *r, size_t which) {
  const sq_column *column = sq_state_field(t->run, r->state, sq_field_get(collected[which])->source);
  if (!column) return false;
  for (uint32_t i = 0; i < r->count; i++) {
    uint32_t group = r->of_row[i];
    if (!sq_sets_add(&t->texts[which], column, r->rows[i], group, &t->sets[which][group])) return sq_fail_memory(t->run->error);
  }
  return true;
}

/* A session in one block is met there only. */
static bool add_sessions(sq_totals *t, const rows_of *r) {
  for (uint32_t i = 0; i < r->count && r->rows[i] < r->state->block->session_rows; i++) {
    uint32_t code = t->row_codes[r->rows[i]];
    bool scattered = sq_view_is_scattered(t->run->view, code);
    int met = sq_pair_set_add(scattered ? &t->scattered : &t->in_block, r->of_row[i], code);
    if (met < 0) return sq_fail_memory(t->run->error);
    t->sessions[r->of_row[i]] += met;
  }
  return true;
}

static bool add_names(sq_totals *t, const rows_of *r) {
  const sq_column *names = sq_state_field(t->run, r->state, SQ_F_SESSION_NAME);
  if (!names) return false;
  for (uint32_t i = 0; i < r->count; i++)
    if (sq_column_has(names, r->rows[i])) sq_latest_take(t->run, &t->names[r->of_row[i]], r->state, r->rows[i]);
  return t->run->error->code == SQ_OK;
}

static void add_quantified(sq_totals *t, const rows_of *r) {
  unsigned count = t->run->quantified_count;
  for (unsigned k = 0; k < count; k++) {
    const uint64_t *bits = r->state->quantified[k];
    for (uint32_t i = 0; i < r->count; i++) {
      bool set = bits[r->rows[i] >> 6] >> (r->rows[i] & 63) & 1;
      t->quantified[(size_t)r->of_row[i] * count + k] |= set ? SQ_SOME_DO : SQ_SOME_DO_NOT;
    }
  }
}

bool sq_totals_add(sq_totals *t, sq_state *state, const uint32_t *rows, const uint32_t *of_row, uint32_t count, size_t groups) {
  rows_of r = {state, rows, of_row, count, sq_run_room(t->run, SQ_ROOM_VALUES, count * sizeof(int64_t))};
  if (!r.values || !grow(t, groups) || !add_sums(t, &r) || !add_samples(t, &r)) return false;
  for (size_t k = 0; k < SQ_SETS; k++)
    if (t->sets[k] && !add_set(t, &r, k)) return false;
  if ((t->sessions && !add_sessions(t, &r)) || (t->names && !add_names(t, &r))) return false;
  for (uint32_t i = 0; t->feedback && i < count; i++)
    if (!sq_add_feedback(t->run, state, &rows[i], 1, &t->feedback[of_row[i]])) return false;
  add_quantified(t, &r);
  return true;
}

/* ------------------------------------------------------------------------------------------------------ values */

static void finish_quantile(sq_totals *t, unsigned slot) {
  const sq_sample *samples = t->samples[sq_quantile_source(slot) == sampled[0] ? 0 : 1];
  for (size_t i = 0; i < t->count; i++) {
    sq_sample sample = samples[i];
    if (sample.count) t->sums[slot][i] = sq_sample_quantile(&sample, sq_quantile_permille(slot));
  }
}

bool sq_totals_finish(sq_totals *t) {
  for (unsigned slot = SQ_M_COUNT_OF; slot < SQ_SLOTS; slot++)
    if (t->sums[slot]) finish_quantile(t, slot);
  for (size_t k = 0; k < SQ_SETS; k++)
    if (t->sets[k] && !sq_sets_finish(&t->texts[k])) return sq_fail_memory(t->run->error);
  return true;
}

static bool list_of(sq_totals *t, size_t which, uint32_t group, sq_value *out) {
  sq_numbers *numbers = &t->sets[which][group];
  sq_text text = {0};
  *out = (sq_value){.kind = SQ_NULL};
  if (numbers->count == 0) return true;
  sq_sets_write(&t->texts[which], numbers, &text);
  bool good = sq_text_whole(&text, t->run->error) && sq_run_copy(t->run, out, SQ_JSON, text.data, text.length);
  sq_text_free(&text);
  return good;
}

bool sq_totals_value(sq_totals *t, uint32_t group, sq_field field, sq_value *out) {
  if (sq_slots_of(field)) {
    sq_slots_value(field, t->sums, group, out);
    return true;
  }
  for (size_t k = 0; k < SQ_SETS; k++)
    if (collected[k] == field) return list_of(t, k, group, out);
  *out = (sq_value){.kind = SQ_NULL};
  if (field == SQ_F_SESSION_LABEL) return sq_latest_name(t->run, &t->names[group], out);
  if (field == SQ_F_SESSION_SESSIONS) *out = (sq_value){.kind = SQ_INTEGER, .integer = t->sessions[group]};
  if (field == SQ_F_SESSION_FEEDBACK_STATS && t->feedback) return sq_run_statistics(t->run, &t->feedback[group], out);
  return true;
}
