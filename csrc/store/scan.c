/* Reading statements that the SQL engine wrote. */
#include <stdlib.h>

#include "store/sqlite.h"

struct sq_scan {
  sq_store *store;
  sqlite3_stmt *statement;
};

sq_scan *sq_scan_open(sq_store *store, const char *sql, const sq_value *values, size_t count, sq_error *error) {
  sq_scan *scan = calloc(1, sizeof *scan);
  if (!scan) {
    sq_fail_memory(error);
    return NULL;
  }
  scan->store = store;
  scan->statement = sq_borrow(store, sql, error);
  if (!scan->statement) {
    free(scan);
    return NULL;
  }
  for (size_t i = 0; i < count; i++) sq_bind_value(scan->statement, (int)i + 1, &values[i]);
  return scan;
}

int sq_scan_next(sq_scan *scan, sq_error *error) {
  int code = sqlite3_step(scan->statement);
  if (code == SQLITE_ROW) return 1;
  if (code == SQLITE_DONE) return 0;
  sq_sqlite_fail(scan->store, code, error);
  return -1;
}

bool sq_scan_column(sq_scan *scan, int column, sq_value *out, sq_error *error) {
  sqlite3_stmt *statement = scan->statement;
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER: *out = (sq_value){.kind = SQ_INTEGER, .integer = sqlite3_column_int64(statement, column)}; break;
    case SQLITE_FLOAT: *out = (sq_value){.kind = SQ_REAL, .real = sqlite3_column_double(statement, column)}; break;
    case SQLITE_TEXT: {
      const char *text = (const char *)sqlite3_column_text(statement, column);
      if (!text) return sq_fail_memory(error);
      *out = (sq_value){.kind = SQ_STRING, .length = (uint32_t)sqlite3_column_bytes(statement, column), .text = text};
      break;
    }
    case SQLITE_BLOB: { /* how sq_scalar gives a boolean */
      const char *byte = sqlite3_column_blob(statement, column);
      *out = (sq_value){.kind = SQ_BOOLEAN, .boolean = byte && *byte != '\0'};
      break;
    }
    default: *out = (sq_value){.kind = SQ_NULL};
  }
  return true;
}

void sq_scan_close(sq_scan *scan) {
  if (!scan) return;
  sq_give_back(scan->store, scan->statement);
  free(scan);
}
