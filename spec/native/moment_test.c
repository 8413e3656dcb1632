/* What others write between two statements of a look-up: it sees one state, and leaves in the process no state of the
   index that is half another. */
#include "test.h"

#include <stdlib.h>
#include <unistd.h>

#include "store/sqlite.h"

enum { ROWS = 100 };

static char folder[] = "/tmp/sq-moment-XXXXXX", path[64];

static sq_store *open_store(void) {
  const sq_open_options options = {.segment_rows = 1000, .relaxed = true};
  sq_error error = {0};
  sq_store *store = sq_store_open(path, &options, &error);
  CHECK(store != NULL, "%s", error.message);
  return store;
}

static void ingest(sq_store *store, int from, int to, int time) {
  sq_error error = {0};
  for (int i = from; i <= to; i++) {
    char line[100];
    sq_ingest in = {0};
    int length = snprintf(line, sizeof line, "{\"request_id\":\"r%d\",\"session_id\":\"s%d\",\"created_at\":%d}\n", i, i % 10, time);
    if (!sq_store_ingest(store, line, (size_t)length, &in, &error)) CHECK(false, "%s", error.message);
  }
}

/* Runs `act` before the first statement whose text has `before` in it. */
typedef struct moment {
  const char *before;
  void (*act)(sq_store *other);
  sq_store *other;
} moment;

static int on_statement(unsigned kind, void *state, void *statement, void *text) {
  moment *m = state;
  void (*act)(sq_store *other) = m->act;
  (void)kind, (void)statement;
  if (!act || !strstr(text, m->before)) return 0;
  m->act = NULL;
  act(m->other);
  return 0;
}

static bool resolve(sq_store *store, const sq_target *target, moment *m, sq_error *error) {
  sq_text owner = {0};
  sqlite3_trace_v2(store->db, SQLITE_TRACE_STMT, on_statement, m);
  bool good = sq_store_resolve(store, target, &owner, error);
  sqlite3_trace_v2(store->db, 0, NULL, NULL);
  sq_text_free(&owner);
  return good;
}

static void seal(sq_store *store) {
  sq_error error = {0};
  CHECK(sq_store_seal(store, false, &error), "%s", error.message);
}

static void replace(sq_store *store) { ingest(store, 1, ROWS, 2); }

static int64_t count_sessions(sq_store *store) {
  sq_error error = {0};
  const sq_query_spec spec = {.source = SQ_GROUPS, .keys = {{"session_id", 10, 0}}, .key_count = 1};
  sq_query *query = sq_query_build(&spec, NULL, &error);
  sq_rows *rows = query ? sq_rows_run(store, query, &error) : NULL;
  int64_t total = 0;
  CHECK(rows != NULL, "%s", error.message);
  for (size_t row = 0; rows && row < sq_rows_count(rows); row++)
    for (size_t column = 0; column < sq_rows_width(rows); column++) {
      sq_value values[100];
      sq_rows_read(rows, row, values);
      if (strcmp(sq_rows_name(rows, column), "total_requests") == 0) total += values[column].integer;
    }
  sq_rows_free(rows);
  sq_query_free(query);
  return total;
}

/* A snapshot of the state that the look-up was asked in has each row once. */
static void leaves_no_half_state(sq_store *writer) {
  sq_error error = {0};
  sq_store *store = open_store(), *snapshot = sq_store_snapshot(store, &error);
  moment m = {"FROM segment", seal, writer};
  const sq_target target = {.session = "s1"};
  CHECK(snapshot != NULL, "%s", error.message);
  CHECK(resolve(store, &target, &m, &error), "%s", error.message);
  CHECK(m.act == NULL);
  CHECK(count_sessions(snapshot) == ROWS, "%lld", (long long)count_sessions(snapshot));
  sq_store_close(snapshot);
  sq_store_close(store);
}

/* What is replaced meanwhile is there all the time. */
static void finds_what_is_replaced(sq_store *writer) {
  const sq_target targets[] = {{.request = "r7"}, {.session = "s7"}};
  for (int i = 0; i < 2; i++) {
    sq_error error = {0};
    sq_store *store = open_store();
    moment m = {"json_each", replace, writer};
    CHECK(resolve(store, &targets[i], &m, &error), "%s", error.message);
    CHECK(m.act == NULL);
    sq_store_close(store);
  }
}

int main(void) {
  char command[100];
  if (!mkdtemp(folder)) return 1;
  snprintf(path, sizeof path, "%s/store.db", folder);
  sq_store *writer = open_store();
  ingest(writer, 1, ROWS / 2, 1);
  seal(writer);
  ingest(writer, ROWS / 2 + 1, ROWS, 1);
  leaves_no_half_state(writer);
  finds_what_is_replaced(writer);
  sq_store_close(writer);
  snprintf(command, sizeof command, "rm -r %s", folder);
  CHECK(system(command) == 0);
  return report();
}
