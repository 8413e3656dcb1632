/* What a store holds. Requests and sessions are counted as queries are, by the columns where they can. */
#include <stdlib.h>
#include <string.h>

#include "ir/build.h"
#include "query/run.h"

/* Of groups: how many, and what they come to. */
typedef struct tally {
  const sq_columns *columns;
  int64_t groups, requests, first, last;
} tally;

static bool take(void *state, const sq_value *values, size_t count, sq_error *error) {
  (void)count, (void)error;
  tally *t = state;
  bool is_first = t->groups++ == 0;
  for (size_t i = 0; i < t->columns->shown; i++) {
    const sq_column_of *column = &t->columns->items[i];
    if (column->origin != SQ_FROM_FIELD || values[i].kind != SQ_INTEGER) continue;
    int64_t value = values[i].integer;
    if (column->field == SQ_F_SESSION_REQUESTS) t->requests += value;
    if (column->field == SQ_F_SESSION_CREATED_AT && (is_first || value < t->first)) t->first = value;
    if (column->field == SQ_F_SESSION_LATEST && (is_first || value > t->last)) t->last = value;
  }
  return true;
}

static void forget(void *state) {
  tally *t = state;
  *t = (tally){.columns = t->columns};
}

static sq_query *build_groups(sq_field by, const char *name, sq_error *error) {
  static const sq_shape_member members[] = {{.field = SQ_F_SESSION_REQUESTS}, {.field = SQ_F_SESSION_CREATED_AT}, {.field = SQ_F_SESSION_LATEST}};
  static const sq_shape shape = {.members = members, .count = sizeof members / sizeof *members};
  sq_query *query = sq_query_begin(NULL, error);
  if (!query) return NULL;
  sq_builder builder = {.arena = &query->arena, .error = error};
  query->source = SQ_GROUPS;
  query->keys[query->key_count++] = (sq_key){.kind = SQ_KEY_FIELD, .name = name, .field = by};
  query->order = (sq_order){.field = SQ_F_SESSION_LATEST, .descending = true};
  query->shape = &shape;
  query->by_any_engine = true;
  sq_node *all = sq_build_constant(&builder, true);
  if (all && sq_query_finish(query, all, error)) return query;
  sq_query_free(query);
  return NULL;
}

static bool tally_groups(sq_store *store, sq_field by, const char *name, tally *out, sq_error *error) {
  const sq_scope scope = {sq_store_organization(store), sq_store_project(store)};
  sq_columns columns;
  sq_query *query = build_groups(by, name, error);
  if (!query) return false;
  sq_query_columns(query, &scope, &columns);
  *out = (tally){.columns = &columns};
  bool good = sq_query_feed(store, query, &(sq_sink){take, forget, out}, error);
  out->columns = NULL;
  sq_query_free(query);
  return good;
}

/* The number of rows of a source, of those that pass `where`. */
static bool count(sq_store *store, sq_source source, const char *where, int64_t *out, sq_error *error) {
  sq_filter *filter = where ? sq_filter_compile("where", where, strlen(where), NULL, NULL, error) : NULL;
  const sq_filter *const filters[] = {filter};
  sq_query_spec spec = {.source = source, .filters = filters, .filter_count = where != NULL};
  sq_query *query = where && !filter ? NULL : sq_query_build(&spec, NULL, error);
  if (query) query->by_any_engine = true;
  *out = query ? sq_query_count(store, query, error) : -1;
  sq_query_free(query);
  sq_filter_free(filter);
  return *out >= 0;
}

static bool count_all(sq_store *store, sq_stats *s, sq_error *error) {
  tally projects, organizations;
  bool good = tally_groups(store, SQ_F_PROJECT, "project", &projects, error) &&
              tally_groups(store, SQ_F_ORGANIZATION_ID, "organization_id", &organizations, error) &&
              count(store, SQ_SESSIONS, NULL, &s->sessions, error) &&
              count(store, SQ_REQUESTS, "session_id is absent", &s->without_session, error);
  if (!good) return false;
  s->projects = projects.groups;
  s->organizations = organizations.groups;
  s->requests = organizations.requests;
  s->has_requests = s->requests > 0;
  s->first_created_at = organizations.first;
  s->last_created_at = organizations.last;
  return true;
}

bool sq_store_stats(sq_store *store, sq_stats *stats, sq_error *error) {
  bool begun = false;
  *stats = (sq_stats){0};
  if (!sq_store_enter(store, error)) return false;
  bool good = sq_store_begin_read(store, &begun, error) && sq_store_read_stats(store, stats, error) && count_all(store, stats, error);
  sq_store_end_read(store, begun);
  return good;
}
