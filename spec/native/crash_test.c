/* A writer that ends at any moment: killed from outside, at each call by which it writes, with what was not synced
   lost, and on a full disk. What it said was stored is there, once; the index is as the rows are. CRASHES=n: how
   many of each (40). */
#include "test.h"

#include <signal.h>
#include <sys/wait.h>

#include "disk.h"
#include "sessionquery.h"

enum { BATCH = 8, SEGMENT = 30 };

static char path[64];
static unsigned state;

static unsigned random_below(unsigned limit) {
  state = state * 1664525u + 1013904223u;
  return (state >> 8) % limit;
}

static void remove_store(void) {
  static const char *const suffixes[] = {"", "-wal", "-shm", "-columns"};
  char name[96];
  for (size_t i = 0; i < 4; i++) {
    snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
    remove(name);
  }
}

static sq_store *open_store(sq_engine engine, bool readonly, sq_error *error) {
  const sq_open_options options = {.engine = engine, .readonly = readonly, .segment_rows = SEGMENT};
  return sq_store_open(path, &options, error);
}

/* ----------------------------------------------------------------------------------------------- the writer */

static bool add_batch(sq_store *store, unsigned number, sq_error *error) {
  char lines[BATCH * 200], *at = lines;
  for (int i = 0; i < BATCH; i++)
    at += sprintf(at, "{\"request_id\":\"b%u-%d\",\"session_id\":\"s%u\",\"created_at\":%u,\"latency_ms\":%u,\"cost_usd\":0.5,\"properties\":{\"n\":%u}}\n", number, i,
                  random_below(12), 1790000000u + random_below(100000), random_below(900), random_below(5));
  sq_ingest ingest = {.mode = SQ_INGEST_STRICT, .first_line = 1};
  return sq_store_ingest(store, lines, (size_t)(at - lines), &ingest, error);
}

/* Something else that writes: an update, a row that is deleted, feedback, a seal, an index made anew. */
static bool disturb(sq_store *store, unsigned number, sq_error *error) {
  char line[200];
  unsigned other = random_below(number + 1);
  sq_ingest merge = {.mode = SQ_INGEST_MERGE, .on_conflict = SQ_UPDATE, .first_line = 1}, plain = {.mode = SQ_INGEST_STRICT, .first_line = 1};
  sq_deletion deletion = {.request = "extra"};
  const sq_target target = {.request = "extra"};
  switch (random_below(6)) {
    case 0:
      sprintf(line, "{\"request_id\":\"b%u-%u\",\"session_id\":\"moved%u\",\"latency_ms\":1}", other, random_below(BATCH), random_below(3));
      return sq_store_ingest(store, line, strlen(line), &merge, error);
    case 1:
      sprintf(line, "{\"request_id\":\"extra\",\"session_id\":\"s1\",\"created_at\":1790000000}");
      return sq_store_ingest(store, line, strlen(line), &plain, error);
    case 2: return sq_store_delete(store, &deletion, error);
    case 3: return sq_store_feedback(store, &target, "{\"key\":\"k\",\"score\":1}", 21, error) >= 0 || error->code == SQ_E_NOT_FOUND;
    case 4: return sq_store_seal(store, false, error);
    default: return sq_store_reindex(store, error);
  }
}

/* Tells the number of each batch that is stored. */
static void run_writer(int told, unsigned batches) {
  sq_error error = {0};
  sq_store *store = open_store(SQ_ENGINE_AUTO, false, &error);
  for (unsigned number = 0; store && number < batches; number++) {
    sq_error ignored = {0};
    if (add_batch(store, number, &error) && write(told, &number, sizeof number) != sizeof number) break;
    error = (sq_error){0};
    disturb(store, number, &ignored);
  }
  sq_store_close(store);
}

/* ----------------------------------------------------------------------------------------------- checking */

static char *ask(sq_engine engine, const sq_query_spec *spec) {
  sq_error error = {0};
  sq_text out = {0};
  sq_store *store = open_store(engine, true, &error);
  sq_query *query = sq_query_build(spec, NULL, &error);
  bool good = store && query && sq_query_json(store, query, &out, &error);
  CHECK(good, "%s", error.message);
  sq_query_free(query);
  sq_store_close(store);
  return good ? out.data : NULL;
}

static void check_answers(void) {
  const sq_query_spec specs[] = {{.source = SQ_SESSIONS}, {.source = SQ_SESSIONS, .order = "-total_cost_usd", .order_length = 15, .limited = true, .limit = 5}};
  for (size_t i = 0; i < 2; i++) {
    char *columns = ask(SQ_ENGINE_AUTO, &specs[i]), *sql = ask(SQ_ENGINE_SQL, &specs[i]);
    CHECK(columns && sql && strcmp(columns, sql) == 0, "the engines differ:\n%s\n%s", columns ? columns : "", sql ? sql : "");
    free(columns);
    free(sql);
  }
}

static int occurrences(const char *text, const char *wanted) {
  int count = 0;
  for (; (text = strstr(text, wanted)); text++) count++;
  return count;
}

static void check_batches(const bool *stored, unsigned count) {
  const sq_query_spec all = {.source = SQ_REQUESTS};
  char id[48], *rows = ask(SQ_ENGINE_SQL, &all);
  for (unsigned number = 0; rows && number < count; number++) {
    int there = 0;
    for (int i = 0; i < BATCH; i++) {
      sprintf(id, "\"request_id\":\"b%u-%d\"", number, i);
      int times = occurrences(rows, id);
      CHECK(times <= 1, "%s stands %d times", id, times);
      there += times;
    }
    CHECK(there == 0 || there == BATCH, "batch %u: %d rows of it", number, there);
    CHECK(!stored[number] || there == BATCH, "batch %u was acknowledged, and is lost", number);
  }
  free(rows);
}

/* As the next process finds it; and again when it has sealed everything. */
static void check_store(const bool *stored, unsigned count) {
  sq_error error = {0};
  int64_t rows;
  sq_store *store = open_store(SQ_ENGINE_AUTO, false, &error); /* a log that was not ended is a writer's to read first */
  CHECK(store, "%s", error.message);
  check_answers();
  check_batches(stored, count);
  CHECK(store && sq_store_seal(store, false, &error), "%s", error.message);
  if (store) CHECK(sq_store_check(store, &rows, &error), "%s", error.message);
  check_answers();
  sq_store_close(store);
}

/* ------------------------------------------------------------------------------------------------ crashing */

/* Runs the writer in a process that ends by itself (die_at), or is killed after `micros`. */
static void crash(unsigned seed, long die_at, bool loses, unsigned micros) {
  enum { BATCHES = 24 };
  bool stored[BATCHES] = {false};
  int ends[2], status;
  unsigned number;
  remove_store();
  if (pipe(ends) != 0) abort();
  pid_t child = fork();
  if (child == 0) {
    state = seed;
    disk.die_at = die_at;
    disk.loses = loses;
    disk.seed = seed;
    run_writer(ends[1], BATCHES);
    _exit(0);
  }
  close(ends[1]);
  if (micros) {
    usleep(micros);
    kill(child, SIGKILL);
  }
  waitpid(child, &status, 0);
  while (read(ends[0], &number, sizeof number) == sizeof number) stored[number] = true;
  close(ends[0]);
  if (loses) { /* what is in memory is gone with the power */
    char name[96];
    snprintf(name, sizeof name, "%s-shm", path);
    remove(name);
  }
  state = seed + 1;
  check_store(stored, BATCHES);
  if (failed) printf("seed %u, call %ld, %s, after %u us\n", seed, die_at, loses ? "unsynced writes lost" : "killed", micros);
}

/* ------------------------------------------------------------------------------------------------ full disk */

static void fill_disk(unsigned seed, long from) {
  enum { BATCHES = 12 };
  bool stored[BATCHES + 1] = {false};
  sq_error error = {0};
  remove_store();
  state = seed;
  sq_store *store = open_store(SQ_ENGINE_AUTO, false, &error);
  disk.calls = 0;
  disk.full_from = from;
  disk.full_to = from + 1 + (long)random_below(30);
  for (unsigned number = 0; store && number < BATCHES; number++) {
    sq_error tried = {0}, ignored = {0};
    stored[number] = add_batch(store, number, &tried);
    CHECK(stored[number] || tried.code == SQ_E_FULL || tried.code == SQ_E_STORE, "%s", tried.message);
    disturb(store, number, &ignored);
  }
  disk.full_from = disk.full_to = 0;
  CHECK(store && add_batch(store, BATCHES, &error), "when there is room again: %s", error.message);
  stored[BATCHES] = true;
  sq_store_close(store);
  check_store(stored, BATCHES + 1);
  if (failed) printf("seed %u, full from call %ld\n", seed, from);
}

int main(void) {
  const char *wanted = getenv("CRASHES");
  unsigned crashes = wanted ? (unsigned)atoi(wanted) : 40;
  snprintf(path, sizeof path, "/tmp/sq_crash_%d.db", (int)getpid());
  for (unsigned i = 1; i <= crashes && !failed; i++) {
    crash(i, 1 + (long)i * 7 % 900, false, 0);
    crash(i, 1 + (long)i * 11 % 900, true, 0);
    if (i % 2 == 0) crash(i, 0, false, 200 + i * 7919 % 30000);
    if (i % 2 == 1) fill_disk(i, 5 + (long)i * 3 % 250);
  }
  remove_store();
  return report();
}
