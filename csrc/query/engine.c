#include "query/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "column/file.h"

#define LOOKS 4
#define LOOK_AGAIN_US 500

/* --------------------------------------------------------------------------------------------- look-ups */

/* What a session has of its own is SQL's to find. */
static bool find_own(void *state, sq_field field, const sq_session_name *session, sq_text *out, sq_error *error) {
  const sq_reading *r = state;
  sq_arena arena;
  sq_arena_begin(&arena, NULL, NULL, 0);
  sq_sql sql = {.target = &sq_sqlite_target, .scope = &r->plan->scope, .arena = &arena, .error = error};
  const sq_value key[3] = {{.kind = SQ_STRING, .length = (uint32_t)session->organization_length, .text = session->organization},
                           {.kind = SQ_STRING, .length = (uint32_t)session->project_length, .text = session->project},
                           {.kind = SQ_STRING, .length = (uint32_t)session->id_length, .text = session->id}};
  sq_value found = {.kind = SQ_NULL};
  sq_scan *scan = sq_sql_own(&sql, field, key) ? sq_scan_open(r->store, sql.text.data, sql.values, sql.count, error) : NULL;
  bool good = scan && sq_scan_next(scan, error) == 1 && sq_scan_column(scan, 0, &found, error);
  if (good && found.kind == SQ_STRING) sq_text_append(out, found.text, found.length);
  sq_scan_close(scan);
  sq_text_free(&sql.text);
  sq_arena_end(&arena);
  return good && sq_text_whole(out, error);
}

#define LOOKED_UP_MUCH 1000

static bool find_feedback(void *state, const char *organization, size_t organization_length, const char *project, size_t project_length,
                          const char *request_id, size_t request_id_length, sq_statistics *into, sq_error *error) {
  sq_reading *r = state;
  if (++r->looked_up == LOOKED_UP_MUCH && !sq_feedback_ids_read(r->store, &r->feedback_ids, error)) return false;
  if (!sq_feedback_ids_may_have(&r->feedback_ids, request_id, request_id_length)) return true;
  return sq_store_add_feedback(r->store, organization, organization_length, project, project_length, request_id, request_id_length, into, error);
}

static bool is_late(void *store) { return sq_store_is_late(store); }

/* ---------------------------------------------------------------------------------------------- choosing */

/* What no engine on columns would do better. */
static const char *refuse(const sq_query *query, bool count) {
  if (query->source != SQ_REQUESTS) return NULL;
  if (query->recorded) return "the requests are wanted as they were recorded";
  bool all = !query->limited && !count && query->filter.rows->kind == SQ_N_TRUE;
  return all ? "all requests are wanted, and they lie in SQLite" : NULL;
}

/* A new file takes its name a moment before the manifest tells of it, and a reader may come between, or be kept
   waiting in between: who has no snapshot to keep looks at what there is by then. */
static bool take_version(sq_reading *r) {
  for (int look = 0; look < LOOKS; look++) {
    if (look) usleep(LOOK_AGAIN_US);
    if (look && !sq_store_begin_read(r->store, &r->begun, r->error)) return false;
    r->version = sq_version_take(r->store, &r->why, r->error);
    if (r->version || !r->begun || !r->why || strcmp(r->why, SQ_IS_ANOTHER_FILE) != 0 || look + 1 == LOOKS) break;
    sq_store_end_read(r->store, r->begun);
  }
  return r->version || r->why;
}

static bool is_for_columns(const sq_reading *r) { return sq_store_engine(r->store) == SQ_ENGINE_COLUMNS && !r->query->by_any_engine; }

/* A damaged index is a missing one; nor is there one where a row cannot be kept in columns. */
static bool pass_over(sq_reading *r) {
  static const char of_index[] = "the column index is ";
  if (r->error->code != SQ_E_STORE || is_for_columns(r)) return false;
  bool damaged = strncmp(r->error->message, of_index, strlen(of_index)) == 0;
  snprintf(r->told, sizeof r->told, "%.250s", damaged ? "the column index is damaged: reindex" : r->error->message);
  r->why = r->told;
  *r->error = (sq_error){.code = SQ_OK};
  return true;
}

static void prepare(sq_reading *r) {
  r->lookups = (sq_lookups){.state = r, .own = find_own, .feedback = find_feedback};
  r->exec = (sq_exec){.view = sq_version_view(r->version), .query = r->query, .scope = r->plan->scope, .after = r->plan->after,
                      .lookups = &r->lookups, .is_late = is_late, .late_state = r->store, .kernels = sq_store_plain_kernels(r->store) ? SQ_KERNELS_SCALAR : SQ_KERNELS_BEST,
                      .whole = sq_store_plain_columns(r->store)};
  r->why = sq_exec_refuses(&r->exec);
}

/* Look-ups in empty tables are left out. */
static bool prepare_lookups(sq_reading *r) {
  bool has[SQ_SIDE_COUNT];
  if (r->query->source == SQ_REQUESTS) return true;
  if (!sq_store_side_tables(r->store, has, r->error)) return false;
  if (!has[SQ_SIDE_FEEDBACK]) r->lookups.feedback = NULL;
  if (!has[SQ_SIDE_OWN_FEEDBACK] && !has[SQ_SIDE_TAGS] && !has[SQ_SIDE_METADATA]) r->lookups.own = NULL;
  return true;
}

static void drop_version(sq_reading *r) {
  sq_version_release(r->version);
  r->version = NULL;
}

static bool must_be_columns(sq_reading *r) {
  return !is_for_columns(r) || sq_fail(r->error, SQ_E_VALUE, "the store was opened for the column engine, which cannot answer: %s", r->why);
}

bool sq_reading_begin(sq_reading *r, sq_store *store, const sq_query *query, const sq_plan *plan, bool count, sq_error *error) {
  *r = (sq_reading){.store = store, .query = query, .plan = plan, .error = error};
  r->why = sq_store_engine(store) == SQ_ENGINE_SQL ? "the store was opened for it" : refuse(query, count);
  if (r->why) return must_be_columns(r);
  if (!sq_store_begin_read(store, &r->begun, error) || (!take_version(r) && !pass_over(r))) return false;
  if (r->version) prepare(r);
  if (error->code != SQ_OK && !pass_over(r)) return false;
  if (r->version && !r->why) return prepare_lookups(r);
  drop_version(r);
  return must_be_columns(r);
}

void sq_reading_end(sq_reading *r) {
  drop_version(r);
  sq_feedback_ids_free(&r->feedback_ids);
  sq_store_end_read(r->store, r->begun);
  r->begun = false;
}

/* A block is verified when it is first touched, which may be in the midst of a query. */
bool sq_reading_turns_to_sql(sq_reading *r) {
  if (!r->version || !pass_over(r)) return false;
  drop_version(r);
  return true;
}

/* ----------------------------------------------------------------------------------------------- running */

static bool write_seqs(const int64_t *seqs, size_t count, sq_text *out, sq_error *error) {
  for (size_t i = 0; i < count; i++) {
    sq_text_byte(out, i ? ',' : '[');
    sq_json_write_integer(out, seqs[i]);
  }
  sq_text_put(out, count ? "]" : "[]");
  return sq_text_whole(out, error);
}

/* The columns say which requests; what they are, SQLite does. */
static bool fetch_requests(sq_reading *r, const int64_t *seqs, size_t count, const sq_sink *sink) {
  sq_text list = {0};
  sq_plan pick = *r->plan;
  bool good = write_seqs(seqs, count, &list, r->error);
  sq_arena_begin(&pick.arena, r->query->allocator, NULL, 0);
  pick.sql = (sq_sql){.target = &sq_sqlite_target, .scope = &pick.scope, .arena = &pick.arena, .error = r->error};
  const sq_value value = {.kind = SQ_STRING, .length = (uint32_t)list.length, .text = list.data};
  good = good && sq_sql_pick(&pick.sql, r->query, &value, &pick.columns);
  sq_scan *scan = good ? sq_plan_scan(&pick, r->store, r->error) : NULL;
  good = scan && sq_plan_feed(&pick, scan, sink, r->error);
  sq_scan_close(scan);
  sq_plan_end(&pick);
  sq_text_free(&list);
  return good;
}

static bool run_requests(sq_reading *r, const sq_sink *sink) {
  int64_t *seqs = NULL;
  size_t count = 0;
  bool good = sq_exec_requests(&r->exec, &seqs, &count, r->error) && (count == 0 || fetch_requests(r, seqs, count, sink));
  free(seqs);
  return good;
}

static bool tell_of_lateness(sq_reading *r) {
  if (r->error->code != SQ_E_TIMEOUT) return false;
  *r->error = (sq_error){.code = SQ_OK};
  return sq_store_fail_late(r->store, r->error);
}

bool sq_reading_feed(sq_reading *r, const sq_sink *sink) {
  bool requests = r->query->source == SQ_REQUESTS;
  return (requests ? run_requests(r, sink) : sq_exec_groups(&r->exec, sink->take, sink->state, r->error)) || tell_of_lateness(r);
}

int64_t sq_reading_count(sq_reading *r) {
  int64_t count = sq_exec_count(&r->exec, r->error);
  if (count < 0) tell_of_lateness(r);
  return count;
}
