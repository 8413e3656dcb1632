/* Transactions: BEGIN IMMEDIATE with the version checked again, COMMIT or ROLLBACK; reading ones. */
#include "store/fresh.h"
#include "store/ids.h"

static bool version_stands(sq_store *store, sq_error *error) {
  sqlite3_stmt *read = sq_prepared(store, SQ_READ_VERSION, error);
  if (!read) return false;
  int code = sqlite3_step(read), version = code == SQLITE_ROW ? sqlite3_column_int(read, 0) : 0;
  sqlite3_reset(read);
  if (code != SQLITE_ROW) return sq_sqlite_fail(store, code, error);
  if (version == SQ_SCHEMA_VERSION) return true;
  return sq_fail(error, SQ_E_VERSION, "the store was brought to schema version %d meanwhile: open it again", version);
}

/* BEGIN and COMMIT do what they do before SQLite asks whether the deadline has passed: an interrupt would
   report as undone what is done. They are not interrupted; waiting for the lock has its own deadline. */
static bool control(sq_store *store, sq_cached which, sq_error *error) {
  sqlite3_stmt *statement = sq_prepared(store, which, error);
  bool before = store->uninterrupted;
  store->uninterrupted = true;
  bool done = statement && sq_step_done(store, statement, error);
  store->uninterrupted = before;
  return done;
}

/* Where SQLite has not done so by itself after an error. A rollback that fails leaves no transaction that
   could be committed by mistake, since every write begins one. */
static void roll_back(sq_store *store) {
  sq_error ignored = {.code = SQ_OK};
  sq_fresh_drop(store);
  if (!sqlite3_get_autocommit(store->db)) control(store, SQ_ROLLBACK, &ignored);
}

bool sq_fail_readonly(const sq_store *store, sq_error *error) {
  return sq_fail(error, SQ_E_READONLY, store->is_snapshot ? "a snapshot is only read" : "the store was opened read-only");
}

bool sq_store_is_moved(sq_store *store) {
  int moved = 0;
  return !store->memory && sqlite3_file_control(store->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved;
}

static bool file_stands(sq_store *store, sq_error *error) {
  return !sq_store_is_moved(store) || sq_fail(error, SQ_E_CLOSED, "the store's file was moved or deleted while it was open: open it again");
}

bool sq_begin_write(sq_store *store, sq_error *error) {
  if (store->readonly) return sq_fail_readonly(store, error);
  store->ids_are_current = false;
  if (control(store, SQ_BEGIN, error) && file_stands(store, error) && version_stands(store, error)) return true;
  roll_back(store);
  return false;
}

bool sq_end_write(sq_store *store, bool good, sq_error *error) {
  if (good && control(store, SQ_COMMIT, error)) {
    sq_ids_committed(store);
    return true;
  }
  roll_back(store);
  return false;
}

bool sq_end_read(sq_store *store, sq_error *error) {
  return sqlite3_get_autocommit(store->db) || control(store, SQ_COMMIT, error);
}

bool sq_store_begin_read(sq_store *store, bool *begun, sq_error *error) {
  *begun = sqlite3_get_autocommit(store->db);
  return !*begun || sq_execute(store, "BEGIN", error);
}

/* Nothing was written, so nothing is lost when it ends otherwise than by COMMIT. */
void sq_store_end_read(sq_store *store, bool begun) {
  sq_error ignored = {.code = SQ_OK};
  if (begun) sq_end_read(store, &ignored);
}
