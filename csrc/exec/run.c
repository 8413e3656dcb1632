/* Beginning a run: the window, the selectors, the order of blocks. */
#include "exec/run.h"

#include <stdlib.h>

/* ------------------------------------------------------------------------------------------------- memory */

void *sq_run_room(sq_run *run, int room, size_t size) {
  sq_room *r = &run->rooms[room];
  if (size <= r->size && r->data) return r->data;
  size_t wanted = r->size * 2 > size ? r->size * 2 : size + 256;
  free(r->data);
  r->data = malloc(wanted);
  r->size = r->data ? wanted : 0;
  if (!r->data) sq_fail_memory(run->error);
  return r->data;
}

void *sq_run_take(sq_run *run, size_t size) {
  void *taken = sq_arena_take(&run->arena, size);
  if (!taken) sq_fail_memory(run->error);
  return taken;
}

void sq_run_row(sq_run *run) {
  sq_arena_end(&run->row);
  sq_arena_begin(&run->row, run->query->allocator, NULL, 0);
}

bool sq_run_in_time(sq_run *run) {
  const sq_exec *exec = run->exec;
  return !exec->is_late || !exec->is_late(exec->late_state) || sq_fail(run->error, SQ_E_TIMEOUT, "the call took longer than its time");
}

/* ------------------------------------------------------------------------------------------------- window */

static bool is_bound(const sq_node *node) {
  return node->kind == SQ_N_COMPARE && node->field == SQ_F_CREATED_AT &&
         (node->op == SQ_OP_EQ || node->op == SQ_OP_GT || node->op == SQ_OP_GTE || node->op == SQ_OP_LT || node->op == SQ_OP_LTE ||
          node->op == SQ_OP_BETWEEN);
}

static void narrow(sq_run *run, int64_t from, int64_t to) {
  if (from > run->from) run->from = from;
  if (to < run->to) run->to = to;
}

static void take_bound(sq_run *run, const sq_node *node) {
  int64_t low = node->values[0].value.integer;
  switch (node->op) {
    case SQ_OP_EQ: narrow(run, low, low); break;
    case SQ_OP_GTE: narrow(run, low, INT64_MAX); break;
    case SQ_OP_LTE: narrow(run, INT64_MIN, low); break;
    case SQ_OP_BETWEEN: narrow(run, low, node->values[1].value.integer); break;
    case SQ_OP_GT:
      if (low == INT64_MAX) run->nothing = true;
      else narrow(run, low + 1, INT64_MAX);
      break;
    default:
      if (low == INT64_MIN) run->nothing = true;
      else narrow(run, INT64_MIN, low - 1);
  }
}

/* The bounds among the members of the top AND, and whether there is anything else. */
static void find_window(sq_run *run, const sq_node *filter) {
  run->from = INT64_MIN;
  run->to = INT64_MAX;
  run->pure = true;
  bool whole_and = filter->kind == SQ_N_AND;
  for (uint32_t i = 0; i < (whole_and ? filter->count : 1); i++) {
    const sq_node *member = whole_and ? filter->kids[i] : filter;
    if (is_bound(member)) take_bound(run, member);
    else if (member->kind == SQ_N_FALSE) run->nothing = true;
    else if (member->kind != SQ_N_TRUE) run->pure = false;
  }
  run->nothing |= run->from > run->to;
}

/* ------------------------------------------------------------------------------------------- some and every */

static unsigned count_quantified(const sq_node *node) {
  if (node->kind == SQ_N_SOME || node->kind == SQ_N_EVERY) return 1;
  unsigned count = 0;
  for (uint32_t i = 0; sq_has_kids(node) && i < node->count; i++) count += count_quantified(node->kids[i]);
  return count;
}

sq_selector *sq_run_selector(sq_run *run, const sq_node *filter) {
  sq_selector *selector = sq_selector_make(filter, run->exec->kernels, run->error);
  if (selector && run->watch.is_late) sq_selector_watch(selector, &run->watch);
  return selector;
}

/* In the order in which a walk meets them. */
static bool make_quantified(sq_run *run, const sq_node *node) {
  if (node->kind == SQ_N_SOME || node->kind == SQ_N_EVERY) {
    sq_quantified *q = &run->quantified[run->quantified_count];
    q->node = node;
    q->selector = sq_run_selector(run, node->kids[0]);
    run->quantified_count++;
    return q->selector != NULL;
  }
  for (uint32_t i = 0; sq_has_kids(node) && i < node->count; i++)
    if (!make_quantified(run, node->kids[i])) return false;
  return true;
}

/* --------------------------------------------------------------------------------------------- begin and end */

typedef struct dated {
  int64_t time;
  uint32_t block;
} dated;

static int newest_first(const void *left, const void *right) {
  const dated *a = left, *b = right;
  return a->time != b->time ? (a->time < b->time) - (a->time > b->time) : (a->block < b->block) - (a->block > b->block);
}

static bool order_blocks(sq_run *run) {
  size_t count = run->view->count;
  dated *dates = sq_run_room(run, SQ_ROOM_A, count * sizeof *dates + 1);
  run->newest = sq_run_take(run, count * sizeof *run->newest + 1);
  run->states = sq_run_take(run, count * sizeof *run->states + 1);
  if (!dates || !run->newest || !run->states) return false;
  bool sorted = true; /* the last block is mostly the newest */
  for (size_t i = 0; i < count; i++) {
    uint32_t block = (uint32_t)(count - 1 - i);
    dates[i] = (dated){run->view->blocks[block].last_time, block};
    sorted &= i == 0 || newest_first(&dates[i - 1], &dates[i]) < 0;
  }
  if (!sorted) qsort(dates, count, sizeof *dates, newest_first);
  for (size_t i = 0; i < count; i++) run->newest[i] = dates[i].block;
  return true;
}

static sq_node *is_text(sq_run *run, sq_field field, const char *text) {
  sq_node *node = sq_run_take(run, sizeof *node);
  sq_operand *operand = sq_run_take(run, sizeof *operand);
  if (!node || !operand) return NULL;
  *operand = (sq_operand){.value = {.kind = SQ_STRING, .length = (uint32_t)strlen(text), .text = text}};
  *node = (sq_node){.kind = SQ_N_COMPARE, .op = SQ_OP_EQ, .level = SQ_LEVEL_REQUEST, .field = field, .count = 1, .values = operand};
  return node;
}

/* As a filter: its kernels look at a block's owners at once. */
static bool make_scope(sq_run *run) {
  const struct {
    sq_field field;
    const char *text;
  } owners[2] = {{SQ_F_ORGANIZATION_ID, run->exec->scope.organization}, {SQ_F_PROJECT, run->exec->scope.project}};
  sq_node *both = sq_run_take(run, sizeof *both), **kids = sq_run_take(run, 2 * sizeof *kids);
  if (!both || !kids) return false;
  *both = (sq_node){.kind = SQ_N_AND, .level = SQ_LEVEL_REQUEST, .kids = kids};
  for (size_t i = 0; i < 2; i++)
    if (owners[i].text && !(kids[both->count++] = is_text(run, owners[i].field, owners[i].text))) return false;
  return both->count == 0 || (run->scope = sq_run_selector(run, both));
}

bool sq_run_begin(sq_run *run, sq_exec *exec, sq_error *error) {
  const sq_query *query = exec->query;
  *run = (sq_run){.exec = exec, .view = exec->view, .query = query, .error = error, .by_session = sq_by_session(query)};
  sq_arena_begin(&run->arena, query->allocator, NULL, 0);
  sq_arena_begin(&run->row, query->allocator, NULL, 0);
  run->none.empty = true;
  run->watch = (sq_watch){exec->is_late, exec->late_state};
  exec->traffic = (sq_traffic){0};
  exec->plan[0] = '\0';
  sq_query_columns(query, &exec->scope, &run->columns);
  find_window(run, query->filter.rows);
  if (query->filter.rows->kind != SQ_N_TRUE) {
    run->rows = sq_run_selector(run, query->filter.rows);
    if (!run->rows) return false;
  }
  if (!make_scope(run)) return false;
  unsigned quantified = query->source == SQ_REQUESTS ? 0 : count_quantified(query->filter.keep);
  run->quantified = sq_run_take(run, quantified * sizeof *run->quantified + 1);
  return run->quantified && (!quantified || make_quantified(run, query->filter.keep)) && order_blocks(run) && sq_run_narrow(run);
}

void sq_run_end(sq_run *run) {
  for (unsigned i = 0; i < run->quantified_count; i++) sq_selector_free(run->quantified[i].selector);
  sq_selector_free(run->rows);
  sq_selector_free(run->scope);
  for (int i = 0; i < SQ_ROOMS; i++) free(run->rooms[i].data);
  sq_arena_end(&run->row);
  sq_arena_end(&run->arena);
}
