/* Statements: preparing, running, binding, reading; what SQLite says of an error, in our codes. */
#include "store/sqlite.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/table.h"

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

bool sq_store_fail_late(const sq_store *store, sq_error *error) {
  return sq_fail(error, SQ_E_TIMEOUT, "the call took longer than timeout_ms = %lld", (long long)(store->timeout_us / 1000));
}

/* What keeps this process from a path; NULL: nothing that shows. */
static const char *obstacle(const char *path, int wanted) { return access(path, wanted) == 0 ? NULL : strerror(errno); }

/* SQLite tells no reason. The file is not opened to learn it: closing it would drop all locks that this process has on it. */
static bool fail_to_open(const sq_store *store, sq_code code, sq_error *error) {
  const char *slash = strrchr(store->path, '/'), *why = NULL;
  char folder[PATH_MAX];
  snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - store->path + 1) : 1, slash ? store->path : ".");
  if (access(store->path, F_OK) == 0) why = obstacle(store->path, store->readonly ? R_OK : R_OK | W_OK);
  if (!why) why = obstacle(folder, store->readonly ? X_OK : W_OK | X_OK);
  return sq_fail(error, code, "cannot open a store at %s%s%s", sq_show(store->path, strlen(store->path)).text, why ? ": " : "", why ? why : "");
}

bool sq_sqlite_fail(const sq_store *store, int code, sq_error *error) {
  sq_code ours = code_of(code);
  const char *said = store->db ? sqlite3_errmsg(store->db) : sqlite3_errstr(code);
  if (code == SQLITE_ERROR && strcmp(said, "parser stack overflow") == 0) return sq_fail(error, SQ_E_LIMIT, "the filter nests too deep for SQLite");
  sq_shown shown = sq_show(said, strlen(said));
  switch (ours) {
    case SQ_E_NO_MEMORY: return sq_fail_memory(error);
    case SQ_E_BUSY: return sq_fail(error, ours, "the store is locked by another writer");
    case SQ_E_TIMEOUT: return sq_store_fail_late(store, error);
    case SQ_E_FULL: return sq_fail(error, ours, "the disk is full");
    case SQ_E_LIMIT: return sq_fail(error, ours, "too large for SQLite: %s", shown.text);
    case SQ_E_VERSION: return sq_fail(error, ours, "not a sessionquery store: %s", shown.text);
    default: break;
  }
  if (ours == SQ_E_READONLY && store->readonly)
    return sq_fail(error, SQ_E_STORE, "the store's folder cannot be written to: SQLite reads a store there only while another handle has it open");
  if ((code & 0xFF) == SQLITE_CANTOPEN) return fail_to_open(store, ours, error);
  const char *kind = sqlite3_errstr(code);
  return strcmp(said, kind) == 0 ? sq_fail(error, ours, "SQLite: %s", shown.text) : sq_fail(error, ours, "SQLite: %s (%s)", shown.text, kind);
}

/* -------------------------------------------------------------------------------------------- statements */

static const char *const cached_sql[SQ_CACHED_COUNT] = {
    [SQ_BEGIN] = "BEGIN IMMEDIATE",
    [SQ_COMMIT] = "COMMIT",
    [SQ_ROLLBACK] = "ROLLBACK",
    [SQ_READ_VERSION] = "PRAGMA user_version",
    [SQ_READ_SCHEMA] = "PRAGMA schema_version",
    [SQ_READ_MANIFEST] = "SELECT store_high, store_low, file, stamp, sealed_end, sessions,"
                         " (SELECT seq FROM sqlite_sequence WHERE name = 'request'),"
                         " (SELECT seq FROM sqlite_sequence WHERE name = 'change') FROM column_index",
    [SQ_READ_CHANGES] = "SELECT seq FROM change WHERE n > ?",
    [SQ_READ_SIDES] = "SELECT EXISTS (SELECT 1 FROM feedback WHERE request_id IS NOT NULL),"
                      " EXISTS (SELECT 1 FROM feedback WHERE session_id IS NOT NULL),"
                      " EXISTS (SELECT 1 FROM session_tag), EXISTS (SELECT 1 FROM session_metadata)",
    [SQ_READ_FEEDBACK] = "SELECT key, score, value FROM feedback WHERE request_id = ?1 AND organization_id = ?2 AND project = ?3",
    [SQ_INSERT_BODY] = "INSERT INTO body(seq, request_body, response_body) VALUES (?, ?, ?)",
    [SQ_READ_NEW_IDS] = "SELECT seq, request_id FROM request WHERE seq > ? ORDER BY seq",
    [SQ_READ_CHANGED_IDS] = "SELECT r.seq, r.request_id FROM change AS c JOIN request AS r ON r.seq = c.seq WHERE c.n > ?",
    [SQ_READ_ID] = "SELECT 1 FROM request WHERE seq = ?1 AND request_id = ?2 AND organization_id = coalesce(?3, organization_id)"
                   " AND project = coalesce(?4, project)",
    [SQ_READ_PARENT] = "SELECT parent_id FROM request WHERE seq = ?",
    [SQ_READ_HASHES] = "SELECT hashes, first_seq FROM request_hash WHERE place = ?",
    [SQ_WRITE_HASHES] = "INSERT INTO request_hash(place, first_seq, last_seq, stamp, hashes) VALUES (?, ?, ?, ?, ?)",
    [SQ_DROP_HASHES] = "DELETE FROM request_hash WHERE place < ?1 AND last_seq BETWEEN ?2 AND ?3",
    [SQ_NOTE_CHANGE] = "INSERT INTO change(seq) VALUES (?)",
    [SQ_DELETE_REQUEST] = "DELETE FROM request WHERE seq = ?",
    [SQ_DELETE_BODY] = "DELETE FROM body WHERE seq = ?",
    [SQ_FIND_FEEDBACK] = "SELECT 1 FROM feedback WHERE request_id = ?1 AND organization_id = ?2 AND project = ?3 AND key = ?4"
                           " AND score IS ?5 AND value IS ?6 AND comment IS ?7 AND source IS ?8 AND created_at_us = ?9",
    [SQ_INSERT_FEEDBACK] = "INSERT INTO feedback(request_id, organization_id, project, key, score, value, comment, source,"
                           " created_at_us, session_id, uuid, extra) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SQ_FIND_KEY] = "SELECT hash, id, name, organization_id, coalesce(project, ?3), rights, created_at_us, revoked_at_us FROM api_key"
                    " WHERE id = ?1 AND organization_id = coalesce(?2, organization_id) AND coalesce(project = ?3, TRUE)",
    [SQ_READ_HELD_ANY] = "SELECT EXISTS (SELECT 1 FROM held_patch)",
    [SQ_HOLD_PATCH] = "INSERT INTO held_patch(request_id, organization_id, project, patch, created_at_us) VALUES (?, ?, ?, ?, ?)",
    [SQ_READ_HELD] = "SELECT n, patch, created_at_us FROM held_patch WHERE request_id = ?1 AND organization_id = ?2"
                     " AND coalesce(project = ?3, TRUE) AND n > ?4 ORDER BY n LIMIT 1",
    [SQ_DROP_HELD] = "DELETE FROM held_patch WHERE request_id = ?1 AND organization_id = ?2 AND coalesce(project = ?3, TRUE) AND n <= ?4",
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
  return *kept = prepare(store, cached_sql[which], SQLITE_PREPARE_PERSISTENT, error);
}

void sq_forget_inserts(sq_store *store) {
  for (int i = 0; i < 2; i++) sqlite3_finalize(store->inserts[i]);
  store->inserts[0] = store->inserts[1] = NULL;
}

sqlite3_stmt *sq_prepared_insert(sq_store *store, uint64_t given, bool group, sq_error *error) {
  sqlite3_stmt **kept = &store->inserts[group];
  if (given & ~store->insert_columns) sq_forget_inserts(store);
  store->insert_columns |= given;
  if (*kept) return *kept;
  sq_text sql = {0};
  sq_table_insert(store->insert_columns, group ? SQ_INSERT_GROUP : 1, &sql);
  if (sq_text_whole(&sql, error)) *kept = prepare(store, sql.data, SQLITE_PREPARE_PERSISTENT, error);
  sq_text_free(&sql);
  return *kept;
}

/* Those that wait for use. Preparing takes longer than most questions about a few rows. */
static sqlite3_stmt *take_idle(sq_store *store, const char *sql) {
  for (int i = 0; i < SQ_IDLE; i++) {
    sqlite3_stmt *statement = store->idle[i];
    if (!statement || strcmp(sqlite3_sql(statement), sql) != 0) continue;
    store->idle[i] = NULL;
    return statement;
  }
  return NULL;
}

sqlite3_stmt *sq_borrow(sq_store *store, const char *sql, sq_error *error) {
  sqlite3_stmt *statement = take_idle(store, sql);
  return statement ? statement : sq_prepare(store, sql, error);
}

void sq_give_back(sq_store *store, sqlite3_stmt *statement) {
  if (!statement) return;
  sqlite3_stmt **place = &store->idle[store->next_idle++ % SQ_IDLE];
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  sqlite3_finalize(*place);
  *place = statement;
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

/* ----------------------------------------------------------------------------------------------- reading */

sq_value sq_row_text(sqlite3_stmt *row, int column) {
  const char *text = (const char *)sqlite3_column_text(row, column);
  return (sq_value){.kind = text ? SQ_STRING : SQ_NULL, .length = (uint32_t)sqlite3_column_bytes(row, column), .text = text};
}

void sq_write_row_time(sqlite3_stmt *row, int column, const char *name, sq_text *out) {
  char number[32];
  if (sqlite3_column_type(row, column) == SQLITE_NULL) return;
  sq_number_format((double)sqlite3_column_int64(row, column) / 1e6, number);
  sq_text_format(out, ",\"%s\":%s", name, number);
}
