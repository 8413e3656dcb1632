/* What the tests of the column index share: a store of small segments in a folder of its own, work whose outcome
   is known beforehand, and the question whether both engines say the same of it. */
#ifndef SQ_SPEC_INDEX_H
#define SQ_SPEC_INDEX_H

#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sessionquery.h"
#include "store/sqlite.h" /* one snapshot is asked by both engines: struct sq_store's engine is changed */

enum { SEGMENT_ROWS = 64 };

static inline uint32_t draw(uint64_t *state, uint32_t limit) {
  *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(*state >> 33) % limit;
}

/* How often: as in the variable of this name, else as `make test` wants it. */
static inline long times(const char *variable, long otherwise) {
  const char *text = getenv(variable);
  return text ? atol(text) : otherwise;
}

/* ------------------------------------------------------------------------------------------------- folders */

static char folder[64];

static inline void remove_folder(const char *path) {
  DIR *directory = opendir(path);
  struct dirent *entry;
  while (directory && (entry = readdir(directory))) {
    char name[1024];
    int length = snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
    if (entry->d_name[0] != '.' && length < (int)sizeof name && unlink(name) != 0) remove_folder(name);
  }
  if (directory) closedir(directory);
  rmdir(path);
}

static inline void remove_own_folder(void) { remove_folder(folder); }

/* In memory where there is such a file system: what is tested is not the disk. */
static inline void make_folder(void) {
  snprintf(folder, sizeof folder, "%s/sessionquery-test-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
  if (!mkdtemp(folder)) exit(1);
}

__attribute__((format(printf, 1, 2))) static inline char *in_folder(const char *format, ...) {
  static char room[8][256];
  static unsigned next;
  char *out = room[next++ % 8];
  va_list list;
  va_start(list, format);
  int at = snprintf(out, 256, "%s/", folder);
  vsnprintf(out + at, 256 - (size_t)at, format, list);
  va_end(list);
  return out;
}

static inline char *read_whole(const char *path, size_t *size) {
  struct stat status;
  int file = open(path, O_RDONLY);
  *size = 0;
  if (file < 0 || fstat(file, &status) != 0) return NULL;
  char *bytes = malloc((size_t)status.st_size + 1);
  ssize_t got = bytes ? read(file, bytes, (size_t)status.st_size) : -1;
  close(file);
  *size = got < 0 ? 0 : (size_t)got;
  return bytes;
}

static inline bool write_whole(const char *path, const char *bytes, size_t size) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  bool good = file >= 0 && write(file, bytes, size) == (ssize_t)size;
  if (file >= 0) close(file);
  return good;
}

static inline bool copy_file(const char *from, const char *to) {
  size_t size;
  char *bytes = read_whole(from, &size);
  bool good = bytes && write_whole(to, bytes, size);
  free(bytes);
  return good;
}

static const char *const store_suffixes[] = {"", "-wal", "-shm", "-columns"};

/* What one store consists of; what is not there at `from` is removed at `to`. */
static inline void copy_store(const char *from, const char *to) {
  char a[512], b[512];
  for (size_t i = 0; i < 4; i++) {
    snprintf(a, sizeof a, "%s%s", from, store_suffixes[i]);
    snprintf(b, sizeof b, "%s%s", to, store_suffixes[i]);
    unlink(b);
    if (i != 2) copy_file(a, b);
  }
}

static inline void remove_store(const char *path) { copy_store("/nowhere", path); }

/* --------------------------------------------------------------------------------------- work and its outcome */

enum { IDS = 600, SESSION_COUNT = 37 };

/* What the requests are after some work: the version of each, 0: there is none; that of an update which waits for it, 0:
   none does. And which name the project has that is renamed; its requests are apart from these. */
typedef struct outcome {
  int32_t version[IDS], held[IDS];
  int renamed; /* 1: "b", 0: "a" */
} outcome;

#define RENAMED_ID "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
enum { RENAMED_ROWS = 25 };

/* Makes the project that is renamed. */
static inline bool make_project(sq_store *store, sq_error *error) {
  static const char project[] = "{\"name\":\"a\",\"id\":\"" RENAMED_ID "\"}";
  sq_text lines = {0}, made = {0};
  sq_ingest ingest = {.format = NULL};
  for (int i = 0; i < RENAMED_ROWS; i++)
    sq_text_format(&lines, "{\"request_id\":\"r%d\",\"session_id\":\"s%d\",\"project\":\"a\",\"created_at\":%d,\"model\":\"m%d\",\"latency_ms\":%d}\n",
                   i, i % SESSION_COUNT, 1700000000 + i * 977, i % 7, i);
  bool good = sq_project_create(store, project, sizeof project - 1, &made, error) && sq_store_ingest(store, lines.data, lines.length, &ingest, error);
  sq_text_free(&lines);
  sq_text_free(&made);
  return good;
}

static inline bool rename_project(sq_store *store, int renamed, sq_error *error) {
  sq_text made = {0};
  const char *change = renamed ? "{\"name\":\"b\"}" : "{\"name\":\"a\"}";
  bool good = sq_project_update(store, NULL, RENAMED_ID, change, strlen(change), &made, error);
  sq_text_free(&made);
  return good;
}

/* A request came: the update that waited for it is merged, and waits no more. */
static inline void arrive(outcome *after, int id, int version) {
  if (!after->version[id] && after->held[id]) version = after->held[id];
  after->version[id] = version;
  after->held[id] = 0;
}

static inline sq_store *open_small(const char *path, sq_engine engine, bool readonly, sq_error *error) {
  sq_open_options options = {.engine = engine, .segment_rows = SEGMENT_ROWS, .readonly = readonly, .relaxed = getenv("SQ_TEST_RELAXED") != NULL};
  return sq_store_open(path, &options, error);
}

static inline void put_record(sq_text *out, int id, int version) {
  char line[400];
  int size = snprintf(line, sizeof line,
                      "{\"request_id\":\"r%d\",\"session_id\":\"s%d\",\"session_name\":\"n%d\",\"created_at\":%d.25,\"model\":\"m%d\",\"latency_ms\":%d,"
                      "\"cost_usd\":0.%03d,\"user_id\":\"u%d\",\"status\":%d,\"properties\":{\"env\":\"e%d\",\"v\":%d},\"tags\":[\"t%d\"]}\n",
                      id, id % SESSION_COUNT, version % 5, 1700000000 + id * 977, version % 7, version, version % 1000, id % 11, version % 9 ? 200 : 500,
                      version % 3, version % 50, version % 4);
  sq_text_append(out, line, (size_t)size);
}

/* Work number `number`: what it does follows from the seed and the number, also of what the outcome is. Only with
   a store it is done. */
static inline bool work(sq_store *store, uint64_t seed, int number, outcome *after, sq_error *error) {
  uint64_t state = seed * UINT64_C(0x9E3779B97F4A7C15) + (uint64_t)number;
  draw(&state, 2), draw(&state, 2);
  uint32_t kind = draw(&state, 100);
  int version = 1000 + number * 10;
  sq_text lines = {0};
  sq_ingest ingest = {.format = NULL};
  bool good = true;
  if (kind < 55) { /* adds, and replaces what is there */
    int first = (int)draw(&state, IDS), count = 1 + (int)draw(&state, 40);
    for (int i = 0; i < count; i++) {
      int id = (first + i * (kind % 2 ? 1 : 7)) % IDS;
      arrive(after, id, version);
      put_record(&lines, id, version);
    }
    good = !store || sq_store_ingest(store, lines.data, lines.length, &ingest, error);
  } else if (kind < 70) { /* updates, some of what has not come */
    ingest.mode = SQ_INGEST_MERGE;
    ingest.hold = true;
    for (int i = 0; i < 12; i++) {
      int id = (int)draw(&state, IDS);
      char line[200];
      int size = snprintf(line, sizeof line, "{\"request_id\":\"r%d\",\"project\":\"default\",\"latency_ms\":%d,\"model\":\"changed\"}\n", id, version + 1);
      *(after->version[id] ? &after->version[id] : &after->held[id]) = version + 1;
      sq_text_append(&lines, line, (size_t)size);
    }
    good = !store || lines.length == 0 || sq_store_ingest(store, lines.data, lines.length, &ingest, error);
  } else if (kind < 80) { /* deletes a request */
    int id = (int)draw(&state, IDS);
    char name[16];
    snprintf(name, sizeof name, "r%d", id);
    sq_deletion deletion = {.request = name, .project = "default"};
    after->version[id] = after->held[id] = 0;
    good = !store || sq_store_delete(store, &deletion, error);
  } else if (kind < 83) { /* a session */
    int session = (int)draw(&state, SESSION_COUNT);
    char name[16];
    snprintf(name, sizeof name, "s%d", session);
    sq_deletion deletion = {.session = name, .project = "default"};
    for (int id = session; id < IDS; id += SESSION_COUNT) after->version[id] = 0;
    good = !store || sq_store_delete(store, &deletion, error);
  } else if (kind < 86) { /* the oldest */
    int first = (int)draw(&state, IDS / 3);
    sq_deletion deletion = {.bounded = true, .before = (INT64_C(1700000000) + first * 977) * 1000000};
    for (int id = 0; id < first; id++) after->version[id] = 0;
    deletion.project = "default";
    good = !store || sq_store_delete(store, &deletion, error);
  } else if (kind < 89) { /* renames a project */
    after->renamed = number & 1;
    good = !store || rename_project(store, after->renamed, error);
  } else if (kind < 97) {
    good = !store || sq_store_seal(store, kind % 2 == 0, error);
  } else {
    good = !store || sq_store_reindex(store, error);
  }
  sq_text_free(&lines);
  return good;
}

/* ------------------------------------------------------------------------------------------------- questions */

/* Filter (where) and query of each question; all columns can answer. */
typedef struct question {
  const char *filter;
  sq_query_spec spec;
} question;

static const question questions[] = {
    {NULL, {.source = SQ_SESSIONS}},
    {"latency_ms > 1200 and model <> 'm3'", {.source = SQ_SESSIONS, .order = "-total_cost_usd", .order_length = 15, .limited = true, .limit = 9}},
    {"some(status >= 500) and user_id like 'u1%'", {.source = SQ_SESSIONS}},
    {NULL, {.source = SQ_GROUPS, .keys = {{"model", 5, 0}}, .key_count = 1}},
    {"properties.env = 'e1'", {.source = SQ_GROUPS, .keys = {{"properties.v", 12, 0}, {"day", 3, 60}}, .key_count = 2}},
    {"tags has 't1'", {.source = SQ_REQUESTS, .limited = true, .limit = 1000}},
    {NULL, {.source = SQ_REQUESTS, .limited = true, .limit = 700}},
};
enum { QUESTIONS = sizeof questions / sizeof *questions };
static sq_query *queries[QUESTIONS];

static inline void build_queries(void) {
  sq_error error = {.code = SQ_OK};
  for (size_t i = 0; i < QUESTIONS; i++) {
    sq_query_spec spec = questions[i].spec;
    const char *source = questions[i].filter;
    const sq_filter *filter = source ? sq_filter_compile("where", source, strlen(source), NULL, NULL, &error) : NULL;
    spec.filters = &filter;
    spec.filter_count = source ? 1 : 0;
    queries[i] = sq_query_build(&spec, NULL, &error);
    sq_filter_free((sq_filter *)(uintptr_t)filter);
    if (!queries[i]) printf("question %zu: %s\n", i, error.message), exit(1);
  }
}

static inline void free_queries(void) {
  for (size_t i = 0; i < QUESTIONS; i++) sq_query_free(queries[i]);
}

/* Asks one engine; false after an error. */
static inline bool ask(sq_store *store, sq_engine engine, size_t which, sq_text *out, sq_error *error) {
  sq_engine before = store->engine;
  *out = (sq_text){0};
  store->engine = engine;
  bool good = sq_query_json(store, queries[which], out, error);
  store->engine = before;
  return good;
}

/* Whether this engine says what SQL says, of one snapshot. `why`: what it says instead. COLUMNS that refuse: -1. */
static inline int agree(sq_store *store, sq_engine engine, size_t first, size_t count, char *why, size_t room) {
  sq_error error = {.code = SQ_OK};
  sq_store *snapshot = sq_store_snapshot(store, &error);
  int result = snapshot != NULL;
  snprintf(why, room, "%s", error.message);
  for (size_t i = first; i < first + count && result == 1; i++) {
    sq_text columns = {0}, sql = {0};
    bool answered = ask(snapshot, engine, i % QUESTIONS, &columns, &error);
    if (!answered) snprintf(why, room, "question %zu: %s", i % QUESTIONS, error.message);
    if (!answered) result = error.code == SQ_E_VALUE && engine == SQ_ENGINE_COLUMNS ? -1 : 0;
    if (answered && !ask(snapshot, SQ_ENGINE_SQL, i % QUESTIONS, &sql, &error)) {
      snprintf(why, room, "sql, question %zu: %s", i % QUESTIONS, error.message);
      result = 0;
    }
    if (result == 1 && (columns.length != sql.length || memcmp(columns.data, sql.data, sql.length) != 0)) {
      snprintf(why, room, "question %zu differs:\n%.900s\n%.900s", i % QUESTIONS, columns.data, sql.data);
      result = 0;
    }
    sq_text_free(&columns);
    sq_text_free(&sql);
  }
  sq_store_close(snapshot);
  return result;
}

/* Reads rows of a number and a version into places that are 0 yet. How many were not. */
static inline int read_versions(sq_store *store, const char *sql, int32_t found[IDS]) {
  sq_error error = {.code = SQ_OK};
  int wrong = 0;
  sqlite3_stmt *read = sq_prepare(store, sql, &error);
  while (read && sqlite3_step(read) == SQLITE_ROW) {
    int id = sqlite3_column_int(read, 0);
    if (id < 0 || id >= IDS || found[id]) wrong++; /* doubled */
    else found[id] = sqlite3_column_int(read, 1);
  }
  sqlite3_finalize(read);
  return read ? wrong : IDS;
}

/* How many requests, and updates that wait for them, are not as the outcome says, by plain SQL. */
static inline int compare_outcome(sq_store *store, const outcome *expected) {
  sq_error error = {.code = SQ_OK};
  int32_t found[IDS] = {0}, held[IDS] = {0};
  int64_t renamed = 0;
  int wrong = read_versions(store, "SELECT cast(substr(request_id, 2) AS INTEGER), latency_ms FROM request WHERE project = 'default'", found) +
              read_versions(store, "SELECT cast(substr(request_id, 2) AS INTEGER), json_extract(patch, '$.latency_ms') FROM held_patch"
                                   " WHERE n IN (SELECT max(n) FROM held_patch GROUP BY request_id)", held);
  for (int id = 0; id < IDS; id++) wrong += (found[id] != expected->version[id]) + (held[id] != expected->held[id]);
  const char *sql = expected->renamed ? "SELECT count(*) FROM request AS r JOIN project AS p ON p.name = r.project WHERE p.name = 'b' AND p.id = '" RENAMED_ID "'"
                                      : "SELECT count(*) FROM request AS r JOIN project AS p ON p.name = r.project WHERE p.name = 'a' AND p.id = '" RENAMED_ID "'";
  wrong += !sq_query_integer(store, sql, &renamed, &error) || renamed != RENAMED_ROWS;
  return wrong;
}

/* The store as it was left: its rows are those of one of two outcomes, whatever the index is; both engines agree;
   and after a seal the columns answer. */
static inline bool is_sound(const char *path, const outcome *one, const outcome *other, char *why, size_t room) {
  static size_t first; /* a few questions each time */
  sq_error error = {.code = SQ_OK};
  int64_t rows;
  sq_store *store = open_small(path, SQ_ENGINE_AUTO, false, &error);
  first += 2;
  bool good = store && (compare_outcome(store, one) == 0 || compare_outcome(store, other) == 0);
  snprintf(why, room, "%s", store ? "the rows are not those of the work" : error.message);
  good = good && agree(store, SQ_ENGINE_AUTO, first, 2, why, room) == 1;
  if (good && !sq_store_check(store, &rows, &error)) {
    good = strstr(error.message, "there is no column index to compare") != NULL;
    snprintf(why, room, "check: %s", error.message);
    error = (sq_error){.code = SQ_OK};
  }
  if (good && (!sq_store_seal(store, false, &error) || !sq_store_check(store, &rows, &error))) {
    snprintf(why, room, "seal and check: %s", error.message);
    good = false;
  }
  good = good && agree(store, SQ_ENGINE_COLUMNS, first + 2, 2, why, room) == 1;
  sq_store_close(store);
  return good;
}

#endif
