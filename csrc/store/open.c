/* Handles: opening, closing, waiting for locks, deadlines. */
#include "store/fresh.h"
#include "store/ids.h"
#include "store/word_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"

#define PROGRESS_STEPS 1000
#define CACHE_KB 32768      /* of SQLite's pages, for all handles of a file in this process */
#define LEAST_CACHE_KB 2048 /* SQLite's default for one */
#define LOCK_WAIT_US (10 * SQ_MICROS_PER_SECOND) /* for a handle without timeout */

/* --------------------------------------------------------------------------------------------- deadlines */

bool sq_store_is_late(const sq_store *store) {
  return store->deadline && !store->uninterrupted && sq_time_monotonic() >= store->deadline;
}

static int on_progress(void *store) { return sq_store_is_late(store); }

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

/* A gateway has a handle in each Lua VM of its thread pool: each takes its share of what one would have. What stands
   against it for now is tried again; it changes no answer. */
static void share_cache(sq_store *store) {
  unsigned turn = sq_held_turn(), share;
  char sql[64];
  if (!store->db || store->cache_turn == turn) return;
  share = CACHE_KB / sq_held_count(store);
  if (share < LEAST_CACHE_KB) share = LEAST_CACHE_KB;
  snprintf(sql, sizeof sql, "PRAGMA cache_size = -%u", share);
  if (share != store->cache_kb && sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK) return;
  store->cache_kb = share;
  store->cache_turn = turn;
}

bool sq_store_enter(sq_store *store, sq_error *error) {
  if (store->owner != getpid())
    return sq_fail(error, SQ_E_CLOSED, "the store was opened by the process that this one was forked from: close it before the fork, and open it after");
  store->ids_are_current = false;
  store->deadline = store->timeout_us ? sq_time_monotonic() + store->timeout_us : 0;
  share_cache(store);
  return true;
}

/* ------------------------------------------------------------------------------------- what a reader may do */

static bool is_our_table(const char *name) {
  static const char *const tables[] = {"request", "body", "feedback", "session_tag", "session_metadata", "change", "segment",
                                       "column_index", "request_hash", "api_key", "project", "held_patch", "word_index", "body_change",
                                       "body_words", "body_words_data", "body_words_idx", "body_words_config", "sqlite_sequence",
                                       "sqlite_schema", "sqlite_master", "json_each", "sq_entries", ""};
  for (size_t i = 0; name && i < sizeof tables / sizeof *tables; i++)
    if (strcmp(tables[i], name) == 0) return true;
  return !name;
}

/* Read-only handles: our tables, functions, reading transactions, and the pragmas that tell versions, or that SQLite needs itself. */
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
    case SQLITE_PRAGMA: return strcmp(first, "user_version") == 0 || strcmp(first, "schema_version") == 0 || strcmp(first, "application_id") == 0 ||
                                       strcmp(first, "page_count") == 0 || strcmp(first, "page_size") == 0 ||
                                       strcmp(first, "cache_size") == 0 ||
                                       strcmp(first, "data_version") == 0
                                   ? SQLITE_OK
                                   : SQLITE_DENY;
    default: return SQLITE_DENY;
  }
}

/* ---------------------------------------------------------------------------------------------- opening */

static char *copy_text(const char *text) { return text ? strdup(text) : NULL; }

/* SQLite may be built to take "file:…" for a URI: here it is a name. */
static char *copy_path(const char *path) {
  sq_text copy = {0};
  sq_text_format(&copy, "%s%s", strncmp(path, "file:", 5) == 0 ? "./" : "", path);
  if (!copy.failed) return copy.data;
  sq_text_free(&copy);
  return NULL;
}

static bool open_file(sq_store *store, sq_error *error) {
  int flags = SQLITE_OPEN_NOMUTEX | (store->readonly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  if (store->readonly && !store->memory && access(store->path, F_OK) != 0)
    return sq_fail(error, SQ_E_NOT_FOUND, "there is no store at %s", sq_show(store->path, strlen(store->path)).text);
  struct stat file;
  if (!store->memory && stat(store->path, &file) == 0 && S_ISDIR(file.st_mode))
    return sq_fail(error, SQ_E_STORE, "%s is a folder, not a store", sq_show(store->path, strlen(store->path)).text);
  if (!sq_hold_file(store, error)) return false;
  int code = sqlite3_open_v2(store->path, &store->db, flags, NULL);
  if (code != SQLITE_OK) return sq_sqlite_fail(store, code, error);
  sqlite3_extended_result_codes(store->db, 1);
  sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  sqlite3_db_config(store->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL); /* they are for others: sq_note_change */
  sqlite3_limit(store->db, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_busy_handler(store->db, on_busy, store);
  sqlite3_progress_handler(store->db, PROGRESS_STEPS, on_progress, store);
  return (sq_register_functions(store) && sq_word_index_register(store)) || sq_fail_memory(error);
}

/* SQLite does not ask the busy handler when it changes the journal mode. */
static bool set_journal(sq_store *store, sq_error *error) {
  sqlite3_stmt *set = sq_prepare(store, "PRAGMA journal_mode = WAL", error);
  if (!set) return false;
  int code, waited = 0;
  while (((code = sqlite3_step(set)) & 0xFF) == SQLITE_BUSY && on_busy(store, waited++)) sqlite3_reset(set);
  const char *mode = code == SQLITE_ROW ? (const char *)sqlite3_column_text(set, 0) : "";
  bool good = code == SQLITE_ROW ? mode || sq_fail_memory(error) : sq_sqlite_fail(store, code, error);
  if (good && strcmp(mode, "wal") != 0)
    good = sq_fail(error, SQ_E_STORE, "the file system of %s cannot hold a write-ahead log", sq_show(store->path, strlen(store->path)).text);
  sqlite3_finalize(set);
  return good;
}

/* The WAL may grow to 64,000 pages before it is written back (SQLite's default of 1,000 halves the ingest
   rate), and is cut to 256 MiB after that. */
static bool configure_writer(sq_store *store, sq_error *error) {
  if (store->readonly) return true;
  if (!store->memory &&
      (!set_journal(store, error) || !sq_execute(store, "PRAGMA wal_autocheckpoint = 64000; PRAGMA journal_size_limit = 268435456", error)))
    return false;
  return sq_execute(store, store->relaxed ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL", error);
}

/* The file as SQLite names it, from the root: the process may change its folder. */
static bool keep_whole_path(sq_store *store, sq_error *error) {
  const char *whole = store->memory ? NULL : sqlite3_db_filename(store->db, "main");
  char *copy = whole && whole[0] ? strdup(whole) : NULL;
  if (!whole || !whole[0]) return true;
  if (!copy) return sq_fail_memory(error);
  free(store->path);
  store->path = copy;
  return true;
}

/* Nothing is changed in a file before it is known to be ours. */
static bool make_ready(sq_store *store, sq_error *error) {
  int64_t version;
  return open_file(store, error) && keep_whole_path(store, error) && sq_schema_check(store, &version, error) &&
         configure_writer(store, error) && sq_schema_migrate(store, version, error) && sq_hold_file(store, error);
}

static bool is_memory(const char *path) { return strcmp(path, ":memory:") == 0; }

static sq_store *make_store(const char *path, const sq_open_options *options, sq_error *error) {
  sq_store *store = calloc(1, sizeof *store);
  if (!store) {
    sq_fail_memory(error);
    return NULL;
  }
  *store = (sq_store){.path = copy_path(path),
                      .organization = copy_text(options->organization),
                      .project = copy_text(options->project),
                      .opened_organization = copy_text(options->organization),
                      .opened_project = copy_text(options->project),
                      .readonly = options->readonly,
                      .relaxed = options->relaxed,
                      .memory = is_memory(path),
                      .timeout_us = options->timeout_ms * 1000,
                      .engine = options->engine,
                      .plain_columns = options->plain_columns,
                      .plain_kernels = options->plain_kernels,
                      .segment_rows = options->segment_rows ? options->segment_rows : SQ_SEGMENT_ROWS,
                      .seals = !options->manual_seal && !options->readonly,
                      .owner = getpid()};
  bool copied = !store->organization == !options->organization && !store->project == !options->project &&
                !store->opened_organization == !options->organization && !store->opened_project == !options->project;
  if (store->path && copied) return store;
  sq_fail_memory(error);
  sq_store_close(store);
  return NULL;
}

sq_store *sq_store_open(const char *path, const sq_open_options *options, sq_error *error) {
  static const sq_open_options defaults = {0};
  if (path[0] == '\0') {
    sq_fail(error, SQ_E_VALUE, "the path is empty");
    return NULL;
  }
  if (options && options->segment_rows > SQ_SEGMENT_ROWS) {
    sq_fail(error, SQ_E_VALUE, "a segment has at most %d rows", SQ_SEGMENT_ROWS);
    return NULL;
  }
  sq_store *store = make_store(path, options ? options : &defaults, error);
  if (!store) return NULL;
  bool ready = sq_store_enter(store, error) && make_ready(store, error);
  if (ready) share_cache(store);
  if (ready && store->readonly) sqlite3_set_authorizer(store->db, authorize, store);
  if (ready) return store;
  sq_store_close(store);
  return NULL;
}

void sq_store_close(sq_store *store) {
  if (!store) return;
  if (store->owner == getpid()) { /* a child must not touch the parent's files */
    for (int i = 0; i < SQ_CACHED_COUNT; i++) sqlite3_finalize(store->cached[i]);
    sq_forget_inserts(store);
    for (int i = 0; i < SQ_IDLE; i++) sqlite3_finalize(store->idle[i]);
    sq_index_let_go(store);
    sq_ids_free(store);
    sq_fresh_drop(store);
    sqlite3_close_v2(store->db);
    sq_let_file_go(store);
  }
  free(store->path);
  free(store->organization);
  free(store->project);
  free(store->opened_organization);
  free(store->opened_project);
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
  snapshot->is_snapshot = true;
  return sq_execute(snapshot, "BEGIN", error) && sq_query_integer(snapshot, "SELECT count(*) FROM (SELECT 1 FROM request LIMIT 1)", &ignored, error);
}

sq_store *sq_store_snapshot(sq_store *store, sq_error *error) {
  if (!sq_store_enter(store, error)) return NULL;
  sq_open_options options = {.organization = store->organization, .project = store->project, .readonly = true, .engine = store->engine,
                             .plain_columns = store->plain_columns, .plain_kernels = store->plain_kernels,
                             .timeout_ms = store->timeout_us / 1000};
  sq_store *snapshot;
  if (!store->memory) {
    snapshot = sq_store_open(store->path, &options, error);
  } else if ((snapshot = make_store(":memory:", &options, error))) {
    if (!open_file(snapshot, error) || !copy_memory(snapshot, store, error)) {
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

void sq_store_use(sq_store *store, sq_engine engine) { store->engine = engine; }
sq_engine sq_store_engine(const sq_store *store) { return store->engine; }
bool sq_store_plain_columns(const sq_store *store) { return store->plain_columns; }
bool sq_store_plain_kernels(const sq_store *store) { return store->plain_kernels; }
const char *sq_store_organization(const sq_store *store) { return store->organization; }
const char *sq_store_project(const sq_store *store) { return store->project; }
