/* Handles: opening, closing, statements, waiting for locks, deadlines. */
#include "store/sqlite.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"

#define PROGRESS_STEPS 1000
#define LOCK_WAIT_US (10 * SQ_MICROS_PER_SECOND) /* for a handle without timeout */

/* ---------------------------------------------------------------------------------------------- errors */

static sq_code code_of(int code) {
  switch (code & 0xFF) {
    case SQLITE_NOMEM: return SQ_E_NO_MEMORY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return SQ_E_BUSY;
    case SQLITE_INTERRUPT: return SQ_E_TIMEOUT;
    case SQLITE_FULL: return SQ_E_FULL;
    case SQLITE_READONLY: return SQ_E_READONLY;
    case SQLITE_TOOBIG: return SQ_E_LIMIT;
    case SQLITE_NOTADB: return SQ_E_VERSION;
    default: return SQ_E_STORE;
  }
}

bool sq_sqlite_fail(const sq_store *store, int code, sq_error *error) {
  sq_code ours = code_of(code);
  const char *said = store->db ? sqlite3_errmsg(store->db) : sqlite3_errstr(code);
  sq_shown shown = sq_show(said, strlen(said));
  switch (ours) {
    case SQ_E_NO_MEMORY: return sq_fail_memory(error);
    case SQ_E_BUSY: return sq_fail(error, ours, "the store is locked by another writer");
    case SQ_E_TIMEOUT: return sq_fail(error, ours, "the call took longer than timeout_ms = %lld", (long long)(store->timeout_us / 1000));
    case SQ_E_FULL: return sq_fail(error, ours, "the disk is full");
    case SQ_E_LIMIT: return sq_fail(error, ours, "too large for SQLite: %s", shown.text);
    case SQ_E_VERSION: return sq_fail(error, ours, "not a sessionquery store: %s", shown.text);
    default: return sq_fail(error, ours, "SQLite: %s (%s)", shown.text, sqlite3_errstr(code));
  }
}

/* --------------------------------------------------------------------------------------------- deadlines */

static int on_progress(void *state) {
  const sq_store *store = state;
  return store->deadline && sq_time_monotonic() >= store->deadline;
}

/* Waits a little longer each time, up to the deadline. */
static int on_busy(void *state, int count) {
  static const int64_t waits[] = {500, 1000, 2000, 5000, 10000, 20000};
  const size_t last = sizeof waits / sizeof *waits - 1;
  sq_store *store = state;
  int64_t wait = waits[(size_t)count < last ? (size_t)count : last], now = sq_time_monotonic();
  int64_t until = store->deadline ? store->deadline : store->lock_deadline;
  if (count == 0 && !store->deadline) until = store->lock_deadline = now + LOCK_WAIT_US;
  if (now >= until) return 0;
  usleep((useconds_t)(wait < until - now ? wait : until - now));
  return 1;
}

bool sq_store_enter(sq_store *store, sq_error *error) {
  if (store->owner != getpid())
    return sq_fail(error, SQ_E_CLOSED, "the store was opened by the process that forked this one: open it again here");
  store->deadline = store->timeout_us ? sq_time_monotonic() + store->timeout_us : 0;
  return true;
}

/* -------------------------------------------------------------------------------------------- statements */

static const char *const cached_sql[SQ_CACHED_COUNT] = {
    [SQ_BEGIN] = "BEGIN IMMEDIATE",
    [SQ_COMMIT] = "COMMIT",
    [SQ_ROLLBACK] = "ROLLBACK",
    [SQ_READ_VERSION] = "PRAGMA user_version",
    [SQ_INSERT_BODY] = "INSERT INTO body(seq, request_body, response_body) VALUES (?, ?, ?)",
    [SQ_FIND_REQUEST] = "SELECT seq FROM request WHERE request_id = ? AND organization_id = ? AND project = ?",
    [SQ_DELETE_REQUEST] = "DELETE FROM request WHERE seq = ?",
    [SQ_FIND_FEEDBACK] = "SELECT 1 FROM feedback WHERE request_id = ?1 AND organization_id = ?2 AND project = ?3 AND key = ?4"
                           " AND score IS ?5 AND value IS ?6 AND comment IS ?7 AND source IS ?8 AND created_at_us = ?9",
    [SQ_INSERT_FEEDBACK] = "INSERT INTO feedback(request_id, organization_id, project, key, score, value, comment, source,"
                           " created_at_us, session_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
};

static sqlite3_stmt *prepare(sq_store *store, const char *sql, unsigned flags, sq_error *error) {
  sqlite3_stmt *statement = NULL;
  int code = sqlite3_prepare_v3(store->db, sql, -1, flags, &statement, NULL);
  if (code == SQLITE_OK) return statement;
  sq_sqlite_fail(store, code, error);
  return NULL;
}

sqlite3_stmt *sq_prepare(sq_store *store, const char *sql, sq_error *error) { return prepare(store, sql, 0, error); }

sqlite3_stmt *sq_prepared(sq_store *store, sq_cached which, sq_error *error) {
  sqlite3_stmt **kept = &store->cached[which];
  if (*kept) {
    sqlite3_reset(*kept);
    sqlite3_clear_bindings(*kept);
    return *kept;
  }
  if (cached_sql[which]) return *kept = prepare(store, cached_sql[which], SQLITE_PREPARE_PERSISTENT, error);
  sq_text sql = {0};
  sq_schema_insert(&sql);
  if (sq_text_whole(&sql, error)) *kept = prepare(store, sql.data, SQLITE_PREPARE_PERSISTENT, error);
  sq_text_free(&sql);
  return *kept;
}

bool sq_step_done(sq_store *store, sqlite3_stmt *statement, sq_error *error) {
  int code = sqlite3_step(statement);
  bool done = code == SQLITE_DONE || code == SQLITE_ROW;
  if (!done) sq_sqlite_fail(store, code, error);
  sqlite3_reset(statement);
  return done;
}

bool sq_execute(sq_store *store, const char *sql, sq_error *error) {
  int code = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
  return code == SQLITE_OK || sq_sqlite_fail(store, code, error);
}

bool sq_query_integer(sq_store *store, const char *sql, int64_t *out, sq_error *error) {
  sqlite3_stmt *statement = sq_prepare(store, sql, error);
  if (!statement) return false;
  int code = sqlite3_step(statement);
  *out = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
  bool read = code == SQLITE_ROW || code == SQLITE_DONE || sq_sqlite_fail(store, code, error);
  sqlite3_finalize(statement);
  return read;
}

void sq_bind_value(sqlite3_stmt *statement, int index, const sq_value *value) {
  switch (value->kind) {
    case SQ_NULL: sqlite3_bind_null(statement, index); break;
    case SQ_BOOLEAN: sqlite3_bind_int(statement, index, value->boolean); break;
    case SQ_INTEGER: sqlite3_bind_int64(statement, index, value->integer); break;
    case SQ_REAL: sqlite3_bind_double(statement, index, value->real); break;
    default: sqlite3_bind_text(statement, index, value->text, (int)value->length, SQLITE_STATIC);
  }
}

/* ------------------------------------------------------------------------------------- what a reader may do */

static bool is_our_table(const char *name) {
  static const char *const tables[] = {"request", "body", "feedback", "session_tag", "session_metadata",
                                       "sqlite_schema", "sqlite_master", "json_each", ""};
  for (size_t i = 0; name && i < sizeof tables / sizeof *tables; i++)
    if (strcmp(tables[i], name) == 0) return true;
  return !name;
}

/* Read-only handles: our tables, functions, reading transactions, and the pragmas that tell versions. */
static int authorize(void *state, int action, const char *first, const char *second, const char *database, const char *trigger) {
  (void)state, (void)second, (void)trigger;
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_FUNCTION:
    case SQLITE_RECURSIVE:
    case SQLITE_TRANSACTION: return SQLITE_OK;
    case SQLITE_UPDATE: /* json_each asks for it when SQLite first meets it; the file itself is open for reading only */
      return strcmp(first, "sqlite_master") == 0 ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_READ: return is_our_table(first) || !database ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_PRAGMA: return strcmp(first, "user_version") == 0 || strcmp(first, "application_id") == 0 ||
                                       strcmp(first, "page_count") == 0 || strcmp(first, "page_size") == 0
                                   ? SQLITE_OK
                                   : SQLITE_DENY;
    default: return SQLITE_DENY;
  }
}

/* ---------------------------------------------------------------------------------------------- opening */

static char *copy_text(const char *text) { return text ? strdup(text) : NULL; }

static bool open_file(sq_store *store, sq_error *error) {
  int flags = SQLITE_OPEN_NOMUTEX | (store->readonly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  if (store->readonly && !store->memory && access(store->path, F_OK) != 0)
    return sq_fail(error, SQ_E_NOT_FOUND, "there is no store at %s", sq_show(store->path, strlen(store->path)).text);
  int code = sqlite3_open_v2(store->path, &store->db, flags, NULL);
  if (code != SQLITE_OK) return sq_sqlite_fail(store, code, error);
  sqlite3_extended_result_codes(store->db, 1);
  sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  sqlite3_limit(store->db, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_busy_handler(store->db, on_busy, store);
  sqlite3_progress_handler(store->db, PROGRESS_STEPS, on_progress, store);
  return sq_register_functions(store->db) || sq_fail_memory(error);
}

/* The WAL may grow to 64,000 pages before it is written back (SQLite's default of 1,000 halves the ingest
   rate), and is cut to 256 MiB after that. */
static bool configure(sq_store *store, sq_error *error) {
  if (!sq_execute(store, "PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY", error)) return false;
  if (store->readonly) return true;
  if (!store->memory && !sq_execute(store, "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 64000; PRAGMA journal_size_limit = 268435456", error))
    return false;
  return sq_execute(store, store->relaxed ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL", error);
}

static bool is_memory(const char *path) { return strcmp(path, ":memory:") == 0 || path[0] == '\0'; }

static sq_store *make_store(const char *path, const sq_open_options *options, sq_error *error) {
  sq_store *store = calloc(1, sizeof *store);
  if (!store) {
    sq_fail_memory(error);
    return NULL;
  }
  *store = (sq_store){.path = copy_text(is_memory(path) ? ":memory:" : path),
                      .organization = copy_text(options->organization),
                      .project = copy_text(options->project),
                      .readonly = options->readonly,
                      .relaxed = options->relaxed,
                      .memory = is_memory(path),
                      .engine = options->engine,
                      .timeout_us = options->timeout_ms * 1000,
                      .owner = getpid()};
  if (store->path && !store->organization == !options->organization && !store->project == !options->project) return store;
  sq_fail_memory(error);
  sq_store_close(store);
  return NULL;
}

sq_store *sq_store_open(const char *path, const sq_open_options *options, sq_error *error) {
  static const sq_open_options defaults = {0};
  sq_store *store = make_store(path, options ? options : &defaults, error);
  if (!store) return NULL;
  bool ready = sq_store_enter(store, error) && open_file(store, error) && configure(store, error) && sq_schema_ready(store, error);
  if (ready && store->readonly) sqlite3_set_authorizer(store->db, authorize, store);
  if (ready) return store;
  sq_store_close(store);
  return NULL;
}

void sq_store_close(sq_store *store) {
  if (!store) return;
  if (store->owner == getpid()) { /* a child must not touch the parent's files */
    for (int i = 0; i < SQ_CACHED_COUNT; i++) sqlite3_finalize(store->cached[i]);
    sqlite3_close_v2(store->db);
  }
  free(store->path);
  free(store->organization);
  free(store->project);
  free(store);
}

/* A private copy of an in-memory store. */
static bool copy_memory(sq_store *copy, const sq_store *from, sq_error *error) {
  sqlite3_int64 size;
  unsigned char *image = sqlite3_serialize(from->db, "main", &size, 0);
  if (!image) return sq_fail_memory(error);
  int code = sqlite3_deserialize(copy->db, "main", image, size, size, SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_READONLY);
  return code == SQLITE_OK || sq_sqlite_fail(copy, code, error);
}

/* A read begins the transaction that everything after it sees. */
static bool begin_snapshot(sq_store *snapshot, sq_error *error) {
  int64_t ignored;
  return sq_execute(snapshot, "BEGIN", error) && sq_query_integer(snapshot, "SELECT count(*) FROM (SELECT 1 FROM request LIMIT 1)", &ignored, error);
}

sq_store *sq_store_snapshot(sq_store *store, sq_error *error) {
  if (!sq_store_enter(store, error)) return NULL;
  sq_open_options options = {.organization = store->organization, .project = store->project, .readonly = true,
                             .timeout_ms = store->timeout_us / 1000, .engine = store->engine};
  sq_store *snapshot;
  if (!store->memory) {
    snapshot = sq_store_open(store->path, &options, error);
  } else if ((snapshot = make_store(":memory:", &options, error))) {
    if (!open_file(snapshot, error) || !configure(snapshot, error) || !copy_memory(snapshot, store, error)) {
      sq_store_close(snapshot);
      return NULL;
    }
  }
  if (!snapshot) return NULL;
  if (begin_snapshot(snapshot, error)) return snapshot;
  sq_store_close(snapshot);
  return NULL;
}

bool sq_store_migrate(const char *path, int *from, int *to, sq_error *error) {
  sq_open_options options = {0};
  int64_t before = 0;
  sq_store *reader = make_store(path, &options, error);
  if (!reader) return false;
  bool read = access(path, F_OK) == 0 ? open_file(reader, error) && sq_query_integer(reader, "PRAGMA user_version", &before, error)
                                      : sq_fail(error, SQ_E_NOT_FOUND, "there is no store at %s", sq_show(path, strlen(path)).text);
  sq_store_close(reader);
  sq_store *store = read ? sq_store_open(path, &options, error) : NULL;
  sq_store_close(store);
  *from = (int)before;
  *to = SQ_SCHEMA_VERSION;
  return store != NULL;
}

const char *sq_store_organization(const sq_store *store) { return store->organization; }
const char *sq_store_project(const sq_store *store) { return store->project; }
sq_engine sq_store_engine(const sq_store *store) { return store->engine; }
