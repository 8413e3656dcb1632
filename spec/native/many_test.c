/* Four readers, a writer that adds, updates, deletes and seals, and another program that changes rows by plain SQL,
   all at once: each answer of the columns is that of SQL in the same snapshot. MANY_SECONDS=n: how long (5). */
#include "test.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sessionquery.h"

static char path[64];
static unsigned state;
static time_t until;

static unsigned random_below(unsigned limit) {
  state = state * 1664525u + 1013904223u;
  return (state >> 8) % limit;
}

static sq_store *open_store(bool readonly) {
  sq_error error = {0};
  const sq_open_options options = {.readonly = readonly, .segment_rows = 200, .timeout_ms = 20000};
  sq_store *store = sq_store_open(path, &options, &error);
  CHECK(store, "%s", error.message);
  return store;
}

/* ------------------------------------------------------------------------------------------------ the writer */

static bool add(sq_store *store, unsigned number, sq_error *error) {
  char line[240];
  sq_ingest ingest = {.mode = SQ_INGEST_STRICT, .first_line = 1};
  sprintf(line, "{\"request_id\":\"r%u\",\"session_id\":\"s%u\",\"session_name\":\"n%u\",\"created_at\":%u,\"latency_ms\":%u,\"cost_usd\":0.25,\"properties\":{\"env\":\"%s\"}}",
          number, random_below(80), random_below(4), 1790000000u + random_below(100000), random_below(900), random_below(2) ? "a" : "b");
  return sq_store_ingest(store, line, strlen(line), &ingest, error);
}

static bool change(sq_store *store, unsigned newest, sq_error *error) {
  char text[120];
  sq_ingest merge = {.mode = SQ_INGEST_MERGE, .on_conflict = SQ_UPDATE, .first_line = 1};
  unsigned which = random_below(newest + 1);
  if (random_below(3) == 0) {
    sprintf(text, "r%u", which);
    return sq_store_delete(store, &(sq_deletion){.request = text}, error);
  }
  sprintf(text, "{\"request_id\":\"r%u\",\"session_id\":\"s%u\",\"latency_ms\":%u}", which, random_below(80), random_below(900));
  return sq_store_ingest(store, text, strlen(text), &merge, error) || error->code == SQ_E_NOT_FOUND;
}

static void run_writer(void) {
  sq_store *store = open_store(false);
  for (unsigned number = 0; store && time(NULL) < until; number++) {
    sq_error added = {0}, changed = {0}, sealed = {0}, reindexed = {0}; /* the first error of each would stick */
    CHECK(add(store, number, &added), "%s", added.message);
    if (random_below(3) == 0) CHECK(change(store, number, &changed), "%s", changed.message);
    if (random_below(300) == 0) CHECK(sq_store_seal(store, false, &sealed), "%s", sealed.message);
    if (random_below(1000) == 0) CHECK(sq_store_reindex(store, &reindexed) || reindexed.code == SQ_E_BUSY, "%s", reindexed.message);
  }
  sq_store_close(store);
}

/* -------------------------------------------------------------------------------------------- another program */

static void run_other(void) {
  static const char *const statements[] = {
      "UPDATE request SET latency_ms = 5 WHERE seq = (SELECT max(seq) FROM request) / 2",
      "UPDATE request SET session_id = 'other' WHERE seq % 97 = 3 AND seq > (SELECT max(seq) FROM request) - 300",
      "DELETE FROM request WHERE seq % 89 = 7 AND seq < 500",
      "INSERT OR REPLACE INTO request(seq, request_id, organization_id, project, run_type, session_id, created_at_us)"
      " VALUES (1 + abs(random()) % 200, hex(randomblob(8)), '', 'default', 'llm', 'low', 1790000000000000)",
      "INSERT INTO feedback(organization_id, project, request_id, key, score, created_at_us)"
      " SELECT organization_id, project, request_id, 'q', '1', 1790000000000000 FROM request ORDER BY seq DESC LIMIT 1 OFFSET 20"};
  sqlite3 *db;
  if (sqlite3_open(path, &db) != SQLITE_OK) abort();
  sqlite3_busy_timeout(db, 20000);
  while (time(NULL) < until) {
    int code = sqlite3_exec(db, statements[random_below(sizeof statements / sizeof *statements)], NULL, NULL, NULL);
    CHECK(code == SQLITE_OK || code == SQLITE_BUSY, "%s", sqlite3_errmsg(db));
    usleep(3000);
  }
  sqlite3_close(db);
}

/* ----------------------------------------------------------------------------------------------- the readers */

static char *ask(sq_store *snapshot, sq_engine engine, const sq_query *query) {
  sq_error error = {0};
  sq_text out = {0};
  sq_store_use(snapshot, engine);
  CHECK(sq_query_json(snapshot, query, &out, &error), "%s", error.message);
  return out.data;
}

static void compare(sq_store *store, const sq_query *query) {
  sq_error error = {0};
  sq_store *snapshot = sq_store_snapshot(store, &error);
  CHECK(snapshot, "%s", error.message);
  if (!snapshot) return;
  char *columns = ask(snapshot, SQ_ENGINE_AUTO, query), *sql = ask(snapshot, SQ_ENGINE_SQL, query);
  CHECK(columns && sql && strcmp(columns, sql) == 0, "the engines differ in one snapshot");
  free(columns);
  free(sql);
  sq_store_close(snapshot);
}

static sq_query *query_of(const char *where, const char *order) {
  sq_error error = {0};
  sq_filter *filter = sq_filter_compile("where", where, strlen(where), NULL, NULL, &error);
  const sq_filter *filters[] = {filter};
  const sq_query_spec spec = {.source = SQ_SESSIONS, .filters = filters, .filter_count = 1, .order = order, .order_length = order ? strlen(order) : 0};
  sq_query *query = filter ? sq_query_build(&spec, NULL, &error) : NULL;
  CHECK(query, "%s", error.message);
  sq_filter_free(filter);
  return query;
}

static void run_reader(void) {
  static const char *const questions[][2] = {{"true", NULL}, {"latency_ms > 300", "-total_cost_usd"}, {"properties.env = 'a'", "-latency_p99_ms"}, {"session.errors >= 0 and scores.q is present", NULL}};
  enum { COUNT = sizeof questions / sizeof *questions };
  sq_query *queries[COUNT];
  sq_store *store = open_store(true);
  for (int i = 0; i < COUNT; i++) queries[i] = query_of(questions[i][0], questions[i][1]);
  while (store && time(NULL) < until && !failed) compare(store, queries[random_below(COUNT)]);
  for (int i = 0; i < COUNT; i++) sq_query_free(queries[i]);
  sq_store_close(store);
}

/* ------------------------------------------------------------------------------------------------- together */

static pid_t start(void (*run)(void), unsigned seed) {
  pid_t child = fork();
  if (child != 0) return child;
  state = seed;
  passed = failed = 0;
  run();
  if (failed) printf("%d passed, %d failed in process %u\n", passed, failed, seed);
  fflush(stdout);
  _exit(failed ? 1 : passed > 0 ? 0 : 2);
}

static void remove_store(void) {
  static const char *const suffixes[] = {"", "-wal", "-shm", "-columns"};
  char name[96];
  for (size_t i = 0; i < 4; i++) {
    snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
    remove(name);
  }
}

int main(void) {
  const char *seconds = getenv("MANY_SECONDS");
  pid_t children[6];
  int status;
  sq_error error = {0};
  int64_t rows;
  snprintf(path, sizeof path, "/tmp/sq_many_%d.db", (int)getpid());
  remove_store();
  sq_store_close(open_store(false));
  until = time(NULL) + (seconds ? atoi(seconds) : 5);
  children[0] = start(run_writer, 1);
  children[1] = start(run_other, 2);
  for (unsigned i = 2; i < 6; i++) children[i] = start(run_reader, i + 1);
  for (int i = 0; i < 6; i++) {
    CHECK(waitpid(children[i], &status, 0) == children[i]);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "process %d ended with %d", i + 1, status);
  }
  sq_store *store = open_store(false);
  CHECK(store && sq_store_check(store, &rows, &error), "%s", error.message);
  sq_store_close(store);
  remove_store();
  return report();
}
