/* Grouping by session. Blocks are visited newest first; a session that lies in one block is finished there and
   goes through keep and order at once, the others are added up by code and finished in the end. Where the order
   is by time, newest first, and there is a limit, what is left may be too old for the page: then a session of
   several blocks is computed whole when it is met, and the rest is not read.

   Only what keep and order need is computed for all sessions, the rest for those of the page. */
#include <stdio.h>

#include "exec/batch.h"

#define NAMES 64
#define AT_ONCE 64 /* sessions of several blocks */
#define PATIENCE 12 /* blocks within which a page is to be full: else there is no hope for an early end */
#define MANY 8 /* a hint that lets a row of so many pass is of no use */

/* A session that was asked for its name; the last row of the page is asked again and again. */
typedef struct named {
  uint32_t code; /* + 1; 0: none */
  sq_session_name name;
} named;

typedef struct sessions {
  sq_run *run;
  sq_batch *batch;
  sq_table table; /* sums of sessions in several blocks */
  sq_table met;   /* early: those that were finished when they were met */
  sq_keep *keep;  /* NULL: all are kept */
  sq_selector *hint; /* each session that is kept has a row that passes it; NULL: nothing is known */
  uint64_t *hinted;  /* in the block at work */
  double found, searched; /* about so many sessions with such a row, in so many rows */
  sq_order_by order;
  sq_field order_field; /* SQ_F_NONE: the session's id */
  sq_slot_set order_slots, needed;
  bool early, counting;
  bool singly; /* not early, but sessions of several blocks are computed whole, since few pass the hint */
  named names[NAMES];
  int64_t next_time; /* early: the newest time of all blocks behind the one at work */
  int64_t count;
} sessions;

/* ------------------------------------------------------------------------------------------- into the order */

static bool keep_text(sessions *s, const char *room, const sq_value *name, sq_entry *entry) {
  entry->text = name->text;
  entry->length = name->length;
  bool lasting = name->text != room && !(s->batch->whole[entry->index] && name->length);
  if (lasting) return true;
  entry->text = sq_arena_copy(&s->run->arena, name->text, name->length);
  return entry->text || sq_fail_memory(s->run->error);
}

static bool rank_item(sessions *s, uint16_t item, sq_entry *entry) {
  sq_value value;
  char room[37];
  if (s->order_slots) {
    sq_slots_value(s->order_field, s->batch->items.slots, item, &value);
    entry->rank = sq_rank_value(&s->order, &value);
    return true;
  }
  if (s->order_field == SQ_F_SESSION_LABEL) {
    sq_run_row(s->run);
    if (!sq_batch_name(s->batch, item, room, &value)) return false;
    entry->rank = sq_rank_value(&s->order, &value);
    entry->index = item;
    return entry->rank > sq_order_bound(&s->order) || keep_text(s, room, &value, entry);
  }
  sq_session_name name;
  value = (sq_value){.kind = SQ_INTEGER, .integer = 1}; /* total_sessions */
  if (s->order_field == SQ_F_NONE) {
    size_t length;
    const char *id = sq_batch_id(s->batch, item, room, &length);
    if (!id && !sq_view_session(s->run->view, s->batch->code[item], &name, s->run->error)) return false;
    value = (sq_value){.kind = SQ_STRING, .length = (uint32_t)(id ? length : name.id_length), .text = id ? id : name.id};
  }
  entry->rank = sq_rank_value(&s->order, &value);
  return true;
}

static bool offer_item(sessions *s, uint16_t item) {
  sq_entry entry = {.code = s->batch->code[item]};
  if (!rank_item(s, item, &entry)) return false;
  entry.block = sq_batch_block(s->batch, item);
  entry.index = s->batch->fragment[item];
  return sq_order_offer(&s->order, &entry);
}

/* Leaves those whose order value may be among the first. Before keep, since this is cheap. */
static int64_t reject(sessions *s, uint16_t *chosen, uint32_t count) {
  unsigned slot;
  if (!s->order_slots || s->counting) return count;
  for (unsigned at = 0; at < SQ_SLOTS; at++)
    if (s->order_slots >> at & 1 && !sq_batch_fill(s->batch, at, chosen, count)) return -1;
  s->batch->filled = s->order_slots;
  if (!sq_is_plain(s->order_field, &slot) || !s->order.heaped) return count;
  int64_t bound = sq_order_bound(&s->order);
  const int64_t *values = s->batch->items.slots[slot];
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; i++) {
    uint16_t item = chosen[i];
    chosen[kept] = item;
    kept += sq_rank_integer(&s->order, values[item]) <= bound;
  }
  return kept;
}

static bool finish_items(sessions *s, uint16_t *chosen, uint32_t count) {
  int64_t left = reject(s, chosen, count);
  if (left > 0 && s->keep) left = sq_keep_test(s->keep, &s->batch->items, chosen, (uint32_t)left);
  if (left < 0) return false;
  if (s->counting) {
    s->count += left;
    return true;
  }
  for (int64_t i = 0; i < left; i++)
    if (!offer_item(s, chosen[i])) return false;
  return true;
}

/* ------------------------------------------------------------------------------------ sessions of several blocks */

/* Adds this block's part of them to their sums. */
static bool add_up(sessions *s, const uint16_t *items, uint32_t count) {
  sq_table *table = &s->table;
  size_t where[SQ_BATCH];
  for (uint32_t i = 0; i < count; i++)
    if ((where[i] = sq_table_find(table, s->batch->code[items[i]], NULL)) == SIZE_MAX) return false;
  for (uint32_t i = 0; table->with_names && i < count; i++)
    if (!sq_batch_note_name(s->batch, items[i], &table->names[where[i]])) return false;
  for (unsigned k = 0; k < table->width; k++) {
    unsigned slot = table->wanted[k];
    if (!sq_batch_fill(s->batch, slot, items, count)) return false;
    for (uint32_t i = 0; i < count; i++) {
      int64_t *sum = &table->values[where[i] * table->width + k];
      *sum = sq_slot_merge(slot, *sum, s->batch->items.slots[slot][items[i]]);
    }
  }
  return true;
}

static bool flush(sessions *s) {
  sq_batch *b = s->batch;
  const sq_table *table = &s->table;
  b->state = NULL;
  for (size_t first = 0; first < table->count; first += SQ_BATCH) {
    uint16_t chosen[SQ_BATCH];
    uint32_t count = table->count - first < SQ_BATCH ? (uint32_t)(table->count - first) : SQ_BATCH;
    if (!sq_run_in_time(s->run)) return false;
    b->count = count;
    b->filled = 0;
    b->names = table->with_names ? table->names + first : NULL;
    for (uint16_t i = 0; i < count; i++) {
      chosen[i] = i;
      b->code[i] = table->codes[first + i];
      b->whole[i] = true;
      b->measured[i] = false;
      for (unsigned k = 0; k < table->width; k++) b->items.slots[table->wanted[k]][i] = table->values[(first + i) * table->width + k];
    }
    if (!finish_items(s, chosen, count)) return false;
  }
  return true;
}

/* Early: whether no row of the session can be new enough. The order's value of the fragment at work is in its
   slot; what the session has elsewhere and was not met yet lies in blocks behind. */
static bool is_too_old(const sessions *s, uint16_t item) {
  if (!s->order.heaped) return false;
  bool latest = s->order_field == SQ_F_SESSION_LATEST;
  int64_t newest = s->batch->items.slots[latest ? SQ_M_LAST : SQ_M_FIRST][item];
  if (latest && s->next_time > newest) newest = s->next_time;
  return sq_rank_integer(&s->order, newest) > sq_order_bound(&s->order);
}

/* Makes the item a whole session, unless it was one before. */
static int make_whole(sessions *s, uint16_t item) {
  sq_batch *b = s->batch;
  bool is_new;
  sq_whole whole;
  int64_t values[SQ_SLOTS];
  if (s->early && is_too_old(s, item)) return 0;
  if (sq_table_find(&s->met, b->code[item], &is_new) == SIZE_MAX) return -1;
  if (!is_new) return 0;
  bool good = sq_whole_open(s->run, b->code[item], UINT32_MAX, 0, &whole) &&
              sq_whole_slots(s->run, &whole, s->needed & SQ_MEASURES, values);
  sq_whole_close(&whole);
  if (!good) return -1;
  for (unsigned slot = 0; slot < SQ_M_COUNT_OF; slot++)
    if (s->needed >> slot & 1) b->items.slots[slot][item] = values[slot];
  b->whole[item] = true;
  return 1;
}

/* ---------------------------------------------------------------------------------------------------- blocks */

static void split_batch(const sessions *s, uint16_t *closed, uint32_t *closed_count, uint16_t *open, uint32_t *open_count) {
  const sq_view *view = s->run->view;
  uint32_t among = 0, kept = 0;
  *closed_count = 0;
  for (uint16_t i = 0; i < s->batch->count; i++) {
    bool scattered = sq_view_is_scattered(view, s->batch->code[i]);
    open[among] = closed[*closed_count] = i;
    among += scattered;
    *closed_count += !scattered;
  }
  for (uint32_t i = 0; i < among; i++) { /* after an end that was not early, those that were finished before */
    open[kept] = open[i];
    kept += s->early || !sq_table_has(&s->met, s->batch->code[open[i]]);
  }
  *open_count = kept;
}

/* The value of the AT_ONCE-th newest of the items, or less when there are fewer. */
static int64_t newest_few(const int64_t *values, const uint16_t *items, uint32_t count) {
  int64_t few[AT_ONCE];
  uint32_t used = 0;
  for (uint32_t i = 0; i < count; i++) {
    int64_t value = values[items[i]];
    if (used == AT_ONCE && value <= few[used - 1]) continue;
    uint32_t at = used < AT_ONCE ? used++ : used - 1;
    for (; at > 0 && few[at - 1] < value; at--) few[at] = few[at - 1];
    few[at] = value;
  }
  return few[used - 1];
}

/* Makes items from `line` on whole and offers them; leaves in `open` those that are older, and may not be too old. */
static bool finish_newest(sessions *s, const int64_t *values, int64_t line, uint16_t *open, uint32_t *count) {
  uint16_t chosen[SQ_BATCH];
  uint32_t kept = 0, left = 0;
  for (uint32_t i = 0; i < *count; i++) {
    uint16_t item = open[i];
    if (values[item] < line) {
      open[left++] = item;
      continue;
    }
    int is = make_whole(s, item);
    if (is < 0) return false;
    if (is) chosen[kept++] = item;
  }
  if (kept && !finish_items(s, chosen, kept)) return false;
  *count = 0;
  for (uint32_t i = 0; i < left; i++)
    if (!is_too_old(s, open[i])) open[(*count)++] = open[i];
  return true;
}

/* Those of several blocks after those of one, and the newest first: each brings the bound closer, which saves
   others from being computed. */
static bool finish_early(sessions *s, uint16_t *open, uint32_t count) {
  unsigned slot = s->order_field == SQ_F_SESSION_LATEST ? SQ_M_LAST : SQ_M_FIRST;
  int64_t values[SQ_BATCH]; /* what is made whole gets another value */
  s->batch->filled = 0;
  if (!sq_batch_fill(s->batch, slot, open, count)) return false;
  memcpy(values, s->batch->items.slots[slot], sizeof values);
  while (count)
    if (!finish_newest(s, values, newest_few(values, open, count), open, &count)) return false;
  return true;
}

static bool finish_singly(sessions *s, const uint16_t *open, uint32_t count) {
  uint16_t chosen[SQ_BATCH];
  uint32_t kept = 0;
  s->batch->filled = 0;
  for (uint32_t i = 0; i < count; i++) {
    int is = make_whole(s, open[i]);
    if (is < 0) return false;
    if (is) chosen[kept++] = open[i];
  }
  return kept == 0 || finish_items(s, chosen, kept);
}

static bool finish_open(sessions *s, uint16_t *open, uint32_t count) {
  if (count == 0) return true;
  return s->early ? finish_early(s, open, count) : finish_singly(s, open, count);
}

static uint32_t count_hinted(const sessions *s, const sq_block *block) {
  uint32_t passed = 0;
  for (uint32_t word = 0; word < block->rows / 64; word++) passed += (uint32_t)__builtin_popcountll(s->hinted[word]);
  return passed;
}

/* So few sessions pass that it is better to search all that is left than to hope for an early end: at the rate so
   far, and if there had been one more, PATIENCE blocks would not fill the page. */
static bool is_sparse(const sessions *s) {
  const sq_view *view = s->run->view;
  uint32_t rows = 1; /* of a block that is full */
  for (size_t i = 0; i < view->count; i++) rows = view->blocks[i].rows > rows ? view->blocks[i].rows : rows;
  return !s->order.heaped && (s->found + 1) * rows * PATIENCE < s->searched * (double)s->order.most;
}

/* The rows of the block that pass the hint; lets go of it when they are many. As long as the end may be early, it is
   about sessions of one block only: the name of another may be on rows that are not reached. */
static bool take_hint(sessions *s, const sq_block *block) {
  sq_batch *b = s->batch;
  if (b->asked[0]) memcpy(s->hinted, b->asked[0], SQ_BLOCK_WORDS * sizeof *s->hinted);
  else memset(s->hinted, 0xFF, SQ_BLOCK_WORDS * sizeof *s->hinted);
  if (!sq_select_rows(s->hint, block, s->hinted, &s->run->exec->traffic, s->run->error)) return false;
  uint32_t passed = count_hinted(s, block);
  if (!s->singly && passed > block->rows / MANY) {
    sq_selector_free(s->hint);
    s->hint = NULL;
    return true;
  }
  s->found += (double)passed * block->fragments / block->session_rows;
  s->searched += block->rows;
  if (s->early && is_sparse(s)) s->early = false;
  b->asked[0] = s->hinted;
  s->singly = !s->early;
  if (s->singly) b->asked[1] = s->hinted;
  return true;
}

/* Which rows a fragment must have one of. */
static bool find_asked(sessions *s, sq_state *state) {
  sq_run *run = s->run;
  if (!run->pure && !sq_state_select(run, state)) return false;
  s->batch->asked[0] = s->batch->asked[1] = run->pure ? NULL : state->bits;
  return !s->hint || take_hint(s, state->block);
}

/* Early: fragments that end before the page's last session begin no better one, unless the session goes on in
   blocks behind. */
static void leave_out_old(sessions *s) {
  bool can = s->early && s->order.heaped;
  s->batch->since = can ? ~sq_order_bound(&s->order) : INT64_MIN;
  s->batch->spares_open = s->order_field == SQ_F_SESSION_LATEST && s->next_time >= s->batch->since;
}

/* Backwards: what has the greatest codes began last, and is the newest mostly. */
static bool visit_block(sessions *s, sq_state *state) {
  uint16_t closed[SQ_BATCH], open[SQ_BATCH];
  uint32_t closed_count, open_count;
  if (!find_asked(s, state)) return false;
  for (uint32_t batches = (state->block->fragments + SQ_BATCH - 1) / SQ_BATCH; batches-- > 0;) {
    leave_out_old(s);
    if (!sq_batch_load(s->batch, state, batches * SQ_BATCH)) return false;
    split_batch(s, closed, &closed_count, open, &open_count);
    bool adds = !s->early && !s->singly;
    if (adds && open_count && !add_up(s, open, open_count)) return false;
    if (closed_count && !finish_items(s, closed, closed_count)) return false;
    if (!adds && !finish_open(s, open, open_count)) return false;
  }
  return true;
}

/* Few sessions pass: adding up in passing is cheaper than computing each of several blocks whole. Those that were
   not met yet have all their rows in the blocks that are left. */
static void give_up_early(sessions *s, size_t visited) {
  if (s->early && !s->order.heaped && visited >= PATIENCE) s->early = false;
}

/* The page is full, and all that is left is older than its last row. */
static bool is_over(const sessions *s, int64_t next_time) { return s->early && s->order.heaped && ~sq_order_bound(&s->order) > next_time; }

static void describe(sessions *s, size_t visited) {
  sq_run *run = s->run;
  const char *how = run->exec->whole ? "every row" : !run->pure ? "rows" : run->exec->traffic.fragments ? "fragments" : "rows";
  if (visited < run->view->count)
    snprintf(run->exec->plan, sizeof run->exec->plan, "newest first, ended after %zu of %zu blocks; %s", visited, run->view->count, how);
  else
    snprintf(run->exec->plan, sizeof run->exec->plan, "all %zu blocks; %s", run->view->count, how);
}

static bool visit_blocks(sessions *s) {
  sq_run *run = s->run;
  size_t visited = 0;
  for (; visited < run->view->count; visited++) {
    const sq_block *block = &run->view->blocks[run->newest[visited]];
    if (is_over(s, block->last_time)) break;
    give_up_early(s, visited);
    s->next_time = visited + 1 < run->view->count ? run->view->blocks[run->newest[visited + 1]].last_time : INT64_MIN + 1;
    sq_state *state = sq_run_state(run, run->newest[visited]);
    if (!state || !sq_run_in_time(run) || (!state->empty && !visit_block(s, state))) return false;
  }
  describe(s, visited);
  return s->early || flush(s);
}

/* ---------------------------------------------------------------------------------------------------- the page */

static bool value_of_column(sq_run *run, const sq_column_of *column, const sq_whole *whole, const sq_session_name *name,
                            int64_t *const slots[], sq_value *out) {
  switch (column->origin) {
    case SQ_FROM_ORGANIZATION: *out = (sq_value){.kind = SQ_STRING, .length = (uint32_t)name->organization_length, .text = name->organization}; return true;
    case SQ_FROM_PROJECT: *out = (sq_value){.kind = SQ_STRING, .length = (uint32_t)name->project_length, .text = name->project}; return true;
    case SQ_FROM_KEY: *out = (sq_value){.kind = SQ_STRING, .length = (uint32_t)name->id_length, .text = name->id}; return true;
    default: break;
  }
  if (!sq_slots_of(column->field)) return sq_whole_value(run, whole, column->field, out);
  sq_slots_value(column->field, slots, 0, out);
  return true;
}

static sq_slot_set shown_slots(const sq_run *run) {
  sq_slot_set set = 0;
  for (size_t i = 0; i < run->columns.count; i++)
    if (run->columns.items[i].origin == SQ_FROM_FIELD) set |= sq_slots_of(run->columns.items[i].field);
  return set;
}

static bool show(sq_run *run, const sq_entry *entry, sq_slot_set set, sq_take_row *take, void *state) {
  sq_value values[sizeof run->columns.items / sizeof *run->columns.items];
  int64_t numbers[SQ_SLOTS], *slots[SQ_SLOTS];
  sq_session_name name;
  sq_whole whole;
  for (unsigned slot = 0; slot < SQ_SLOTS; slot++) slots[slot] = &numbers[slot];
  sq_run_row(run);
  if (!sq_view_session(run->view, entry->code, &name, run->error)) return false;
  bool good = sq_whole_open(run, entry->code, entry->block, entry->index, &whole) && sq_whole_slots(run, &whole, set, numbers);
  for (size_t i = 0; good && i < run->columns.count; i++)
    good = value_of_column(run, &run->columns.items[i], &whole, &name, slots, &values[i]);
  sq_whole_close(&whole);
  return good && take(state, values, run->columns.count, run->error);
}

static bool show_page(sessions *s, sq_take_row *take, void *state) {
  size_t first, last;
  sq_slot_set set = shown_slots(s->run);
  if (!sq_order_finish(&s->order, &first, &last)) return false;
  for (size_t i = first; i < last; i++) {
    if (i % 1024 == 0 && !sq_run_in_time(s->run)) return false;
    if (!show(s->run, &s->order.entries[i], set, take, state)) return false;
  }
  return true;
}

static const sq_session_name *name_of(sessions *s, uint32_t code) {
  named *n = &s->names[code % NAMES];
  if (n->code == code + 1) return &n->name;
  n->code = 0;
  if (!sq_view_session(s->run->view, code, &n->name, s->run->error)) return NULL;
  n->code = code + 1;
  return &n->name;
}

/* What ties are decided by: the session's id, its project, its organization. */
static bool order_value(void *state, const sq_entry *entry, size_t at, char room[37], sq_value *out) {
  sessions *s = state;
  const sq_column_of *column = &s->run->columns.items[s->run->columns.shown + at];
  *out = (sq_value){.kind = SQ_INTEGER, .integer = 1};
  if (column->origin == SQ_FROM_FIELD) return true; /* total_sessions: the others are exact by their rank, or have text */
  const sq_session_name *name = name_of(s, entry->code);
  if (!name || !value_of_column(s->run, column, NULL, name, NULL, out)) return false;
  bool lasting = out->text < (const char *)name || out->text >= (const char *)(name + 1);
  if (!lasting) out->text = memcpy(room, out->text, out->length);
  return true;
}

/* -------------------------------------------------------------------------------------------------- beginning */

static bool begin(sessions *s) {
  sq_run *run = s->run;
  const sq_query *query = run->query;
  bool newest = query->order.field == SQ_F_SESSION_LATEST || query->order.field == SQ_F_SESSION_CREATED_AT;
  s->order_field = query->order.field;
  s->early = query->limited && query->order.descending && newest && !run->exec->whole && !s->counting;
  s->order_slots = s->counting ? 0 : sq_slots_of(s->order_field);
  s->needed = s->order_slots | sq_keep_slots(query->filter.keep);
  bool by_name = s->order_field == SQ_F_SESSION_LABEL && !s->counting;
  sq_table_begin(&s->table, run, s->needed, by_name || sq_keep_asks(query->filter.keep, SQ_F_SESSION_LABEL));
  sq_table_begin(&s->met, run, 0, false);
  if (!sq_order_begin(&s->order, run) || !(s->batch = sq_batch_make(run, s->needed))) return false;
  s->order.state = s;
  s->order.value = order_value;
  s->order.text = s->order_field == SQ_F_SESSION_LABEL;
  if (query->filter.keep->kind == SQ_N_TRUE) return true;
  if (!(s->keep = sq_keep_make(run, query->filter.keep))) return false;
  if (run->exec->whole) return true;
  s->hinted = sq_run_take(run, SQ_BLOCK_WORDS * sizeof *s->hinted);
  return s->hinted && sq_hint_make(run, query->filter.keep, &s->hint);
}

bool sq_run_sessions(sq_run *run, sq_take_row *take, void *state, int64_t *count) {
  sessions s = {.run = run, .counting = count != NULL};
  bool good = begin(&s) && visit_blocks(&s) && (s.counting || show_page(&s, take, state));
  if (count) *count = s.count;
  sq_keep_free(s.keep);
  sq_selector_free(s.hint);
  sq_order_end(&s.order);
  sq_table_end(&s.table);
  sq_table_end(&s.met);
  return good;
}
