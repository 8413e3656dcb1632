/* Groupings other than by session: every row that passes finds its group and adds to its totals. */
#include <stdio.h>
#include <stdlib.h>

#include "exec/keys.h"
#include "exec/totals.h"

#define CHUNK 4096 /* rows at a time: their arrays stay in the cache */

typedef struct groups {
  sq_run *run;
  sq_keys *keys;
  sq_totals totals;
  sq_order_by order;
  sq_keep *keep;
  size_t first; /* of the groups that are tested */
} groups;

/* ---------------------------------------------------------------------------------------------------- rows */

static bool visit_block(groups *g, sq_state *state) {
  sq_run *run = g->run;
  if (!sq_state_select(run, state) || !sq_keys_open(g->keys, state) || !sq_totals_open(&g->totals, state)) return false;
  uint32_t *rows = sq_run_room(run, SQ_ROOM_ROWS, state->block->rows * sizeof *rows + 1);
  uint32_t of_row[CHUNK], count = rows ? sq_bits_rows(state->bits, 0, state->block->rows, rows) : 0;
  for (uint32_t at = 0; at < count; at += CHUNK) {
    uint32_t some = count - at < CHUNK ? count - at : CHUNK;
    if (!sq_keys_rows(g->keys, rows + at, some, of_row)) return false;
    if (!sq_totals_add(&g->totals, state, rows + at, of_row, some, g->keys->groups.count)) return false;
  }
  return rows != NULL;
}

static bool visit_blocks(groups *g) {
  sq_run *run = g->run;
  for (size_t i = 0; i < run->view->count; i++) {
    sq_state *state = sq_run_state(run, run->newest[i]);
    if (!state || !sq_run_in_time(run) || (!state->empty && !visit_block(g, state))) return false;
  }
  if (!sq_totals_finish(&g->totals)) return false;
  snprintf(run->exec->plan, sizeof run->exec->plan, "all %zu blocks; rows, %zu groups", run->view->count, g->totals.count);
  return true;
}

/* --------------------------------------------------------------------------------------------------- values */

static bool value_of_column(groups *g, uint32_t group, const sq_column_of *column, sq_value *out) {
  if (column->origin == SQ_FROM_FIELD) return sq_totals_value(&g->totals, group, column->field, out);
  sq_keys_value(g->keys, group, column->origin == SQ_FROM_KEY ? column->key + 1 : 0, out);
  return true;
}

static bool order_value(void *state, const sq_entry *entry, size_t at, char room[37], sq_value *out) {
  groups *g = state;
  (void)room;
  return value_of_column(g, entry->code, &g->run->columns.items[g->run->columns.shown + at], out);
}

/* ---------------------------------------------------------------------------------------------------- keep */

static bool fill_nothing(void *state, unsigned slot, const uint16_t *items, uint32_t count) { return (void)state, (void)slot, (void)items, (void)count, true; }

/* session.id is the one key, when it is text. */
static bool value_of_item(void *state, uint32_t item, sq_field field, sq_value *out) {
  groups *g = state;
  uint32_t group = (uint32_t)g->first + item;
  if (field != SQ_F_SESSION_KEY) return sq_totals_value(&g->totals, group, field, out);
  sq_keys_value(g->keys, group, 1, out);
  if (out->kind != SQ_STRING) *out = (sq_value){.kind = SQ_NULL};
  return true;
}

static int quantified_of_item(void *state, uint32_t item, unsigned number) {
  const groups *g = state;
  const sq_run *run = g->run;
  unsigned flags = g->totals.quantified[(g->first + item) * run->quantified_count + number];
  return run->quantified[number].node->kind == SQ_N_SOME ? flags & SQ_SOME_DO : !(flags & SQ_SOME_DO_NOT);
}

static int64_t keep_some(groups *g, uint16_t *chosen, uint32_t count) {
  sq_items items = {.state = g, .fill = fill_nothing, .value = value_of_item, .quantified = quantified_of_item};
  for (uint16_t i = 0; i < count; i++) chosen[i] = i;
  if (!g->keep) return count;
  for (unsigned slot = 0; slot < SQ_SLOTS; slot++)
    if (g->totals.sums[slot]) items.slots[slot] = g->totals.sums[slot] + g->first;
  return sq_keep_test(g->keep, &items, chosen, count);
}

/* --------------------------------------------------------------------------------------------------- the page */

static bool offer(groups *g, uint32_t group) {
  sq_value value;
  sq_run_row(g->run);
  if (!value_of_column(g, group, &g->run->columns.items[g->run->columns.shown], &value)) return false;
  sq_entry entry = {.code = group, .rank = sq_rank_value(&g->order, &value)};
  if (g->order.text && value.kind == SQ_STRING) {
    entry.length = value.length;
    entry.text = sq_arena_copy(&g->run->arena, value.text, value.length);
    if (!entry.text) return sq_fail_memory(g->run->error);
  }
  return sq_order_offer(&g->order, &entry);
}

static bool finish(groups *g, int64_t *count) {
  for (g->first = 0; g->first < g->totals.count; g->first += SQ_BATCH) {
    uint16_t chosen[SQ_BATCH];
    size_t left = g->totals.count - g->first;
    int64_t kept = keep_some(g, chosen, left < SQ_BATCH ? (uint32_t)left : SQ_BATCH);
    if (kept < 0 || !sq_run_in_time(g->run)) return false;
    if (count) *count += kept;
    for (int64_t i = 0; i < kept && !count; i++)
      if (!offer(g, (uint32_t)g->first + chosen[i])) return false;
  }
  return true;
}

static bool show(groups *g, uint32_t group, sq_take_row *take, void *state) {
  const sq_columns *columns = &g->run->columns;
  sq_value values[sizeof columns->items / sizeof *columns->items];
  sq_run_row(g->run);
  for (size_t i = 0; i < columns->count; i++)
    if (!value_of_column(g, group, &columns->items[i], &values[i])) return false;
  return take(state, values, columns->count, g->run->error);
}

static bool show_page(groups *g, sq_take_row *take, void *state) {
  size_t first, last;
  if (!sq_order_finish(&g->order, &first, &last)) return false;
  for (size_t i = first; i < last; i++)
    if (!show(g, g->order.entries[i].code, take, state)) return false;
  return true;
}

/* --------------------------------------------------------------------------------------------------- the whole */

static bool begin(groups *g, bool counting) {
  sq_run *run = g->run;
  if (!(g->keys = sq_run_take(run, sizeof *g->keys))) return false;
  sq_keys_begin(g->keys, run);
  if (!sq_totals_begin(&g->totals, run, counting) || !sq_order_begin(&g->order, run)) return false;
  g->order.state = g;
  g->order.value = order_value;
  g->order.text = run->query->order.field == SQ_F_SESSION_LABEL; /* such a text is looked up; keys are at hand */
  if (run->query->filter.keep->kind == SQ_N_TRUE) return true;
  return (g->keep = sq_keep_make(run, run->query->filter.keep)) != NULL;
}

bool sq_run_groups(sq_run *run, sq_take_row *take, void *state, int64_t *count) {
  groups g = {.run = run};
  bool good = begin(&g, count != NULL) && visit_blocks(&g) && finish(&g, count) && (count || show_page(&g, take, state));
  sq_keep_free(g.keep);
  sq_order_end(&g.order);
  sq_totals_end(&g.totals);
  if (g.keys) sq_keys_end(g.keys);
  return good;
}
