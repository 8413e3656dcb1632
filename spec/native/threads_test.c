/* Threads, each with handles of its own on one file, under ThreadSanitizer: whoever adds, updates, seals or makes the
   index anew meanwhile, a question is answered from one state of the store, and no two threads race. */
#include "test.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "sessionquery.h"

enum { BATCH = 7, TOUCHERS = 6, TOUCHES = 12, MIXED_SECONDS = 5 };

/* SQLite is not instrumented: what it does in its own memory under its own locks would look like races. */
#pragma GCC visibility push(default)
const char *__tsan_default_suppressions(void) { return "called_from_lib:libsqlite3.so\n"; }
#pragma GCC visibility pop

static char path[200];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the counts of test.h, and of `stop` */
static bool stop;

static void check(bool good, const char *what, const char *message) {
  pthread_mutex_lock(&lock);
  CHECK(good, "%s: %s", what, message);
  pthread_mutex_unlock(&lock);
}

static bool is_over(void) {
  pthread_mutex_lock(&lock);
  bool over = stop;
  pthread_mutex_unlock(&lock);
  return over;
}

static sq_store *open_store(bool readonly, sq_engine engine) {
  const sq_open_options options = {.readonly = readonly, .engine = engine, .segment_rows = 200, .relaxed = true};
  sq_error error = {0};
  sq_store *store = sq_store_open(path, &options, &error);
  check(store != NULL, "open", error.message);
  return store;
}

/* What the others may do to a call: they hold the lock for long, or had the index first. */
static bool is_others(const sq_error *error) { return error->code == SQ_E_BUSY; }

/* ---------------------------------------------------------------------------------------------- questions */

static sq_query *build(sq_source source, const char *key, const sq_filter *filter) {
  sq_query_spec spec = {.source = source, .filters = &filter, .filter_count = filter != NULL, .limited = source == SQ_REQUESTS, .limit = 20};
  sq_error error = {0};
  if (key) spec.keys[spec.key_count++] = (sq_group_key){key, strlen(key), 0};
  sq_query *query = sq_query_build(&spec, NULL, &error);
  check(query != NULL, "build", error.message);
  return query;
}

static sq_filter *where(const char *source) {
  sq_error error = {0};
  sq_filter *filter = sq_filter_compile("where", source, strlen(source), NULL, NULL, &error);
  check(filter != NULL, source, error.message);
  return filter;
}

/* The sum of a column of integers over all rows; -1 after an error. */
static int64_t sum(sq_store *store, const sq_query *query, const char *name) {
  sq_error error = {0};
  sq_rows *rows = sq_rows_run(store, query, &error);
  int64_t total = 0;
  check(rows != NULL, name, error.message);
  if (!rows) return -1;
  for (size_t column = 0; column < sq_rows_width(rows); column++) {
    if (strcmp(sq_rows_name(rows, column), name) != 0) continue;
    for (size_t row = 0; row < sq_rows_count(rows); row++) {
      sq_value values[100];
      sq_rows_read(rows, row, values);
      total += values[column].integer;
    }
  }
  sq_rows_free(rows);
  return total;
}

/* Batches come whole and have one of each latency 1..BATCH, however models are updated. */
static void ask(sq_store *store, const sq_query *const queries[4]) {
  sq_error error = {0};
  sq_text json = {0};
  int64_t sessions = sum(store, queries[0], "total_requests"), models = sum(store, queries[1], "total_requests");
  check(sessions % BATCH == 0, "half a batch", "in sessions");
  check(models % BATCH == 0, "half a batch", "in groups");
  check(models >= sessions, "time runs back", "from sessions to groups");
  int64_t found = sq_query_count(store, queries[2], &error);
  check(found >= 0, "count", error.message);
  check(found % 2 == 0, "half a batch", "in a count of requests");
  check(sq_query_json(store, queries[3], &json, &error), "json", error.message);
  sq_text_free(&json);
}

static void free_queries(sq_query *queries[4], sq_filter *filter) {
  for (int i = 0; i < 4; i++) sq_query_free(queries[i]);
  sq_filter_free(filter);
}

static void *reader(void *engine) {
  sq_store *store = open_store(true, *(sq_engine *)engine);
  sq_filter *filter = where("latency_ms <= 2");
  sq_query *queries[4] = {build(SQ_SESSIONS, NULL, NULL), build(SQ_GROUPS, "model", NULL), build(SQ_REQUESTS, NULL, filter), build(SQ_REQUESTS, NULL, filter)};
  while (store && !is_over()) ask(store, (const sq_query *const *)queries);
  free_queries(queries, filter);
  sq_store_close(store);
  return NULL;
}

/* One state, however often it is asked; a handle that comes and goes. */
static void *snapshots(void *unused) {
  (void)unused;
  sq_query *query = build(SQ_GROUPS, "model", NULL);
  while (!is_over()) {
    sq_error error = {0};
    sq_store *store = open_store(true, SQ_ENGINE_AUTO), *snapshot = store ? sq_store_snapshot(store, &error) : NULL;
    check(snapshot != NULL, "snapshot", error.message);
    sq_store_close(store);
    int64_t before = snapshot ? sum(snapshot, query, "total_requests") : 0;
    for (int i = 0; i < 5 && snapshot; i++) {
      usleep(5000);
      check(sum(snapshot, query, "total_requests") == before, "snapshot", "another state than before");
    }
    sq_store_close(snapshot);
  }
  sq_query_free(query);
  return NULL;
}

/* ------------------------------------------------------------------------------------------------- writers */

static bool ingest(sq_store *store, const char *lines, size_t length, sq_ingest_mode mode, sq_error *error) {
  sq_ingest in = {.mode = mode};
  return sq_store_ingest(store, lines, length, &in, error);
}

static size_t put(char *out, size_t room, size_t at, const char *format, ...) __attribute__((format(printf, 4, 5)));
static size_t put(char *out, size_t room, size_t at, const char *format, ...) {
  va_list values;
  va_start(values, format);
  int length = vsnprintf(out + at, room - at, format, values);
  va_end(values);
  return at + (size_t)length;
}

static bool add_batch(sq_store *store, int number, sq_error *error) {
  char lines[200 * BATCH];
  size_t length = 0;
  for (int i = 1; i <= BATCH; i++)
    length = put(lines, sizeof lines, length, "{\"request_id\":\"r%d-%d\",\"session_id\":\"s%d\",\"created_at\":%d,\"model\":\"m%d\",\"latency_ms\":%d,\"cost_usd\":0.25}\n",
                 number, i, number % 40, number, number % 5, i);
  return ingest(store, lines, length, SQ_INGEST_STRICT, error);
}

static void *adder(void *unused) {
  (void)unused;
  sq_store *store = open_store(false, SQ_ENGINE_AUTO);
  for (int number = 1000; store && !is_over(); number++) {
    sq_error error = {0};
    check(add_batch(store, number, &error) || is_others(&error), "add", error.message);
    usleep(500);
  }
  sq_store_close(store);
  return NULL;
}

static void *updater(void *unused) {
  (void)unused;
  sq_store *store = open_store(false, SQ_ENGINE_AUTO);
  for (int i = 0; store && !is_over(); i++) {
    char line[100];
    sq_error error = {0};
    size_t length = put(line, sizeof line, 0, "{\"request_id\":\"r%d-%d\",\"model\":\"u%d\"}\n", i % 100, 1 + i % BATCH, i % 7);
    check(ingest(store, line, length, SQ_INGEST_MERGE, &error) || is_others(&error), "update", error.message);
    const sq_target target = {.session = "s1"};
    if (i % 20 == 0) check(sq_store_tag(store, &target, "seen", 4, &error) || is_others(&error), "tag", error.message);
    usleep(300);
  }
  sq_store_close(store);
  return NULL;
}

static void *sealer(void *unused) {
  (void)unused;
  sq_store *store = open_store(false, SQ_ENGINE_AUTO);
  for (int i = 0; store && !is_over(); i++) {
    sq_error error = {0};
    sq_stats stats;
    int64_t rows;
    check(sq_store_seal(store, false, &error) || is_others(&error), "seal", error.message);
    error = (sq_error){0};
    if (i % 8 == 0) check(sq_store_reindex(store, &error) || is_others(&error), "reindex", error.message);
    error = (sq_error){0};
    if (i % 5 == 0) check(sq_store_check(store, &rows, &error), "check", error.message);
    check(sq_store_stats(store, &stats, &error), "stats", error.message);
    usleep(20000);
  }
  sq_store_close(store);
  return NULL;
}

/* Looks up whose sessions and requests are, by the same index, for each by itself. */
static void *resolver(void *unused) {
  (void)unused;
  sq_store *store = open_store(true, SQ_ENGINE_AUTO);
  for (int i = 0; store && !is_over(); i++) {
    char session[20], request[20];
    snprintf(session, sizeof session, "s%d", i % 40);
    snprintf(request, sizeof request, "r%d-%d", i % 200, 1 + i % BATCH);
    const sq_target targets[] = {{.session = session}, {.request = request}};
    for (int k = 0; k < 2; k++) {
      sq_error error = {0};
      sq_text owner = {0};
      check(sq_store_resolve(store, &targets[k], &owner, &error), "resolve", error.message);
      sq_text_free(&owner);
    }
  }
  sq_store_close(store);
  return NULL;
}

/* -------------------------------------------------------------------------------------------------- stages */

static void start(pthread_t *thread, void *(*run)(void *), void *state) { check(pthread_create(thread, NULL, run, state) == 0, "start", "no thread"); }

static void mixed(void) {
  static sq_engine engines[] = {SQ_ENGINE_AUTO, SQ_ENGINE_COLUMNS, SQ_ENGINE_SQL};
  void *(*const others[])(void *) = {adder, updater, sealer, sealer, snapshots, resolver};
  enum { READERS = 3, OTHERS = 6 };
  pthread_t threads[READERS + OTHERS];
  for (int i = 0; i < READERS; i++) start(&threads[i], reader, &engines[i]);
  for (int i = 0; i < OTHERS; i++) start(&threads[READERS + i], others[i], NULL);
  sleep(MIXED_SECONDS);
  pthread_mutex_lock(&lock);
  stop = true;
  pthread_mutex_unlock(&lock);
  for (int i = 0; i < READERS + OTHERS; i++) pthread_join(threads[i], NULL);
}

/* Nobody has the index open: all find it, read its columns for the first time, and let it go at once. */
static pthread_barrier_t barrier;

static void *toucher(void *unused) {
  (void)unused;
  sq_filter *filter = where("latency_ms <= 2");
  sq_query *queries[4] = {build(SQ_SESSIONS, NULL, NULL), build(SQ_GROUPS, "model", NULL), build(SQ_REQUESTS, NULL, filter), build(SQ_REQUESTS, NULL, filter)};
  for (int i = 0; i < TOUCHES; i++) {
    sq_store *store = open_store(true, SQ_ENGINE_COLUMNS);
    pthread_barrier_wait(&barrier);
    if (store) ask(store, (const sq_query *const *)queries);
    sq_store_close(store);
    pthread_barrier_wait(&barrier);
  }
  free_queries(queries, filter);
  return NULL;
}

static void first_touches(void) {
  pthread_t threads[TOUCHERS];
  pthread_barrier_init(&barrier, NULL, TOUCHERS);
  for (int i = 0; i < TOUCHERS; i++) start(&threads[i], toucher, NULL);
  for (int i = 0; i < TOUCHERS; i++) pthread_join(threads[i], NULL);
  pthread_barrier_destroy(&barrier);
}

static void fill(void) {
  sq_store *store = open_store(false, SQ_ENGINE_AUTO);
  for (int number = 0; store && number < 200; number++) {
    sq_error error = {0};
    check(add_batch(store, number, &error), "add", error.message);
  }
  sq_store_close(store);
}

static void finish(void) {
  sq_store *store = open_store(false, SQ_ENGINE_AUTO);
  sq_error error = {0};
  sq_stats stats = {0};
  int64_t rows = 0;
  CHECK(sq_store_seal(store, false, &error), "%s", error.message);
  CHECK(sq_store_check(store, &rows, &error), "%s", error.message);
  CHECK(sq_store_stats(store, &stats, &error), "%s", error.message);
  CHECK(rows == stats.requests && rows % BATCH == 0 && stats.last_error[0] == '\0', "%s", stats.last_error);
  printf("%lld rows in %lld segments\n", (long long)rows, (long long)stats.segments);
  sq_store_close(store);
}

int main(void) {
  char folder[] = "/tmp/sq-threads-XXXXXX", command[300];
  if (!mkdtemp(folder)) return 1;
  snprintf(path, sizeof path, "%s/store.db", folder);
  fill();
  first_touches();
  mixed();
  finish();
  snprintf(command, sizeof command, "rm -r %s", folder);
  CHECK(system(command) == 0);
  return report();
}
