#include "store/sqlite.h"

static bool version_stands(sq_store *store, sq_error *error) {
  sqlite3_stmt *read = sq_prepared(store, SQ_READ_VERSION, error);
  if (!read) return false;
  int code = sqlite3_step(read), version = code == SQLITE_ROW ? sqlite3_column_int(read, 0) : 0;
  sqlite3_reset(read);
  if (code != SQLITE_ROW) return sq_sqlite_fail(store, code, error);
  if (version == SQ_SCHEMA_VERSION) return true;
  return sq_fail(error, SQ_E_VERSION, "the store was brought to schema version %d meanwhile: open it again", version);
}

bool sq_begin_write(sq_store *store, sq_error *error) {
  if (store->readonly) return sq_fail(error, SQ_E_READONLY, "the store was opened read-only");
  sqlite3_stmt *begin = sq_prepared(store, SQ_BEGIN, error);
  if (!begin || !sq_step_done(store, begin, error)) return false;
  return version_stands(store, error) || sq_end_write(store, false, error);
}

bool sq_end_write(sq_store *store, bool good, sq_error *error) {
  if (good) {
    sqlite3_stmt *commit = sq_prepared(store, SQ_COMMIT, error);
    if (commit && sq_step_done(store, commit, error)) return true;
  }
  /* SQLite has rolled back by itself after some errors; a rollback that fails otherwise leaves no
     transaction that could be committed by mistake, since every write begins one */
  if (!sqlite3_get_autocommit(store->db)) {
    store->deadline = 0;
    sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
  }
  return false;
}
