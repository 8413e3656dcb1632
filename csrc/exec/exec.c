/* The way in: what can be answered at all, and by which part. */
#include "exec/exec.h"

#include "exec/derive.h"
#include "exec/run.h"
#include "session/sum.h"

/* ------------------------------------------------------------------------------------------ the filters */

static const char too_old[] = "a segment was made before a field came into the catalogue";

/* A request field that some segment does not know, or that has no column at all. */
static const char *refuses_field(const sq_view *view, sq_field field, const char *key) {
  const sq_fact *facts = view->facts;
  sq_field sources[4];
  if (sq_field_get(field)->home != SQ_HOME_ROW && !sq_is_computed(field)) return "it asks about a field that has no column";
  if (key && !facts[field].members) return "the members of a map have no columns, or too many";
  if (field == SQ_F_EXTRA) return "it asks about a field that has no column";
  size_t count = sq_sources_of(field, sources);
  for (size_t i = 0; i < count; i++)
    if (!facts[sources[i]].known) return too_old;
  return NULL;
}

static const char *refuses_leaves(const sq_view *view, const sq_node *node) {
  if (node->kind == SQ_N_COMPARE) return refuses_field(view, node->field, node->name);
  for (uint32_t i = 0; sq_has_kids(node) && i < node->count; i++) {
    const char *why = refuses_leaves(view, node->kids[i]);
    if (why) return why;
  }
  return NULL;
}

static const char *refuses_rows(const sq_view *view, const sq_node *filter) {
  const char *why = sq_selector_refuses(filter);
  return why ? why : refuses_leaves(view, filter);
}

static const char *refuses_aggregate(const sq_view *view, sq_field field) {
  const sq_field_row *row = sq_field_get(field);
  if (sq_slots_of(field) || row->source == SQ_F_NONE) return NULL;
  return refuses_field(view, row->source, NULL);
}

static const char *refuses_keep(const sq_view *view, const sq_node *node) {
  if (node->kind == SQ_N_SOME || node->kind == SQ_N_EVERY) return refuses_rows(view, node->kids[0]);
  if (node->kind == SQ_N_ENTRY) return "it asks about the entries of a session's map";
  if (node->kind == SQ_N_COMPARE) {
    sq_aggregate aggregate = sq_field_get(node->field)->aggregate;
    bool elsewhere = aggregate == SQ_A_FEEDBACK || sq_aggregate_stage(aggregate) == SQ_STAGE_OWN;
    return elsewhere ? "it chooses by feedback, or by what was set on sessions" : refuses_aggregate(view, node->field);
  }
  for (uint32_t i = 0; sq_has_kids(node) && i < node->count; i++) {
    const char *why = refuses_keep(view, node->kids[i]);
    if (why) return why;
  }
  return NULL;
}

/* ------------------------------------------------------------------------------------------------ the sums */

/* Whether a sum over all rows might leave 64 bits; the SQL engine adds in 128. */
static const char *refuses_sum(const sq_view *view, const sq_field fields[], size_t count) {
  sq_int128 most = 0;
  for (size_t k = 0; k < count; k++) most += view->facts[fields[k]].greatest;
  return most >= INT64_MAX ? "a sum might need more than 64 bits" : NULL;
}

static bool is_sum(unsigned slot) { return (slot >= SQ_M_COST && slot <= SQ_M_CACHE_WRITE) || slot == SQ_M_LATENCY; }

static const char *refuses_slots(const sq_view *view, sq_slot_set set) {
  for (unsigned slot = 0; slot < SQ_SLOTS; slot++) {
    sq_field fields[4];
    if (!(set >> slot & 1)) continue;
    size_t count = sq_slot_fields(slot, fields);
    const char *why = NULL;
    for (size_t i = 0; i < count && !why; i++) why = refuses_field(view, fields[i], NULL);
    if (!why && is_sum(slot)) why = refuses_sum(view, fields, slot == SQ_M_TOKENS ? 3 : 1);
    if (why) return why;
  }
  return NULL;
}

/* --------------------------------------------------------------------------------------------- the columns */

static const char *refuses_groups(const sq_exec *exec) {
  const sq_query *query = exec->query;
  sq_slot_set set = sq_keep_slots(query->filter.keep) | sq_slots_of(query->order.field);
  const char *why = refuses_keep(exec->view, query->filter.keep);
  for (size_t i = 0; i < query->field_count && !why; i++) {
    set |= sq_slots_of(query->fields[i]);
    why = refuses_aggregate(exec->view, query->fields[i]);
  }
  for (size_t i = 0; i < query->key_count && !why; i++) {
    const sq_key *key = &query->keys[i];
    if (key->kind != SQ_KEY_SESSION) why = refuses_field(exec->view, key->field, key->member);
  }
  return why ? why : refuses_slots(exec->view, set);
}

const char *sq_exec_refuses(const sq_exec *exec) {
  const sq_query *query = exec->query;
  const char *why = refuses_rows(exec->view, query->filter.rows);
  if (why) return why;
  if (query->source == SQ_REQUESTS) return refuses_field(exec->view, query->order.field, NULL);
  return refuses_groups(exec);
}

/* ---------------------------------------------------------------------------------------------------- entry */

static bool run_groups(sq_run *run, sq_take_row *take, void *state, int64_t *count) {
  return run->by_session ? sq_run_sessions(run, take, state, count) : sq_run_groups(run, take, state, count);
}

bool sq_exec_groups(sq_exec *exec, sq_take_row *take, void *state, sq_error *error) {
  sq_run run;
  bool good = sq_run_begin(&run, exec, error) && run_groups(&run, take, state, NULL);
  sq_run_end(&run);
  return good;
}

bool sq_exec_requests(sq_exec *exec, int64_t **seqs, size_t *count, sq_error *error) {
  sq_run run;
  *seqs = NULL;
  *count = 0;
  bool good = sq_run_begin(&run, exec, error) && sq_run_requests(&run, seqs, count, NULL);
  sq_run_end(&run);
  return good;
}

int64_t sq_exec_count(sq_exec *exec, sq_error *error) {
  sq_run run;
  int64_t count = 0;
  bool good = sq_run_begin(&run, exec, error) &&
              (exec->query->source == SQ_REQUESTS ? sq_run_requests(&run, NULL, NULL, &count) : run_groups(&run, NULL, NULL, &count));
  sq_run_end(&run);
  return good ? count : -1;
}
