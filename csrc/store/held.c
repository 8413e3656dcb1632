#include "store/held.h"

#include "base/time.h"

bool sq_held_any(sq_store *store, bool *any, sq_error *error) {
  sqlite3_stmt *read = sq_prepared(store, SQ_READ_HELD_ANY, error);
  if (!read) return false;
  int code = sqlite3_step(read);
  *any = code == SQLITE_ROW && sqlite3_column_int(read, 0);
  sqlite3_reset(read);
  return code == SQLITE_ROW || sq_sqlite_fail(store, code, error);
}

bool sq_held_put(sq_store *store, const sq_value *request_id, const sq_value *organization, const sq_value *project, const char *patch,
                 size_t length, sq_error *error) {
  sqlite3_stmt *put = sq_prepared(store, SQ_HOLD_PATCH, error);
  if (!put) return false;
  sq_bind_value(put, 1, request_id);
  sq_bind_value(put, 2, organization);
  if (project) sq_bind_value(put, 3, project);
  sqlite3_bind_text(put, 4, patch, (int)length, SQLITE_STATIC);
  sqlite3_bind_int64(put, 5, sq_time_now());
  return sq_step_done(store, put, error);
}

static bool bind_id(sqlite3_stmt *statement, const sq_value *const id[3], int64_t n) {
  if (!statement) return false;
  for (int i = 0; i < 3; i++) sq_bind_value(statement, i + 1, id[i]);
  sqlite3_bind_int64(statement, 4, n);
  return true;
}

bool sq_held_next(sq_store *store, const sq_value *const id[3], sq_held *held, bool *found, sq_error *error) {
  sqlite3_stmt *read = sq_prepared(store, SQ_READ_HELD, error);
  if (!bind_id(read, id, held->n)) return false;
  int code = sqlite3_step(read);
  *found = code == SQLITE_ROW;
  sq_text_clear(&held->patch);
  if (*found) {
    const char *patch = (const char *)sqlite3_column_text(read, 1);
    held->n = sqlite3_column_int64(read, 0);
    held->created_at = sqlite3_column_int64(read, 2);
    if (patch) sq_text_append(&held->patch, patch, (size_t)sqlite3_column_bytes(read, 1));
    else held->patch.failed = true;
  }
  bool good = *found ? sq_text_whole(&held->patch, error) : code == SQLITE_DONE || sq_sqlite_fail(store, code, error);
  sqlite3_reset(read);
  return good;
}

bool sq_held_drop(sq_store *store, const sq_value *const id[3], const sq_held *held, sq_error *error) {
  sqlite3_stmt *drop = sq_prepared(store, SQ_DROP_HELD, error);
  return bind_id(drop, id, held->n) && sq_step_done(store, drop, error);
}
