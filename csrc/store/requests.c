/* Requests from SQLite into columns. */
#include "column/gather.h"
#include "sql/sql.h"
#include "store/ids.h"

bool sq_has_scored_feedback(sq_store *store, bool *out, sq_error *error) {
  int64_t there = 0;
  if (!sq_query_integer(store, "SELECT EXISTS (SELECT 1 FROM feedback WHERE request_id IS NOT NULL AND score IS NOT NULL)", &there, error)) return false;
  *out = there != 0;
  return true;
}

/* SELECT seq and the kept fields in the order of the catalogue. */
static bool write_select(const char *where, bool scored, sq_text *out, sq_error *error) {
  sq_sql sql = {.target = &sq_sqlite_target, .error = error};
  sq_text_put(&sql.text, "SELECT r.seq");
  sq_kept kept;
  sq_list_kept(&kept);
  for (size_t i = 0; i < kept.count; i++) {
    sq_text_put(&sql.text, ", ");
    sq_emit_field(&sql, kept.fields[i], "r", !(scored && kept.fields[i] == SQ_F_SCORES));
  }
  sq_text_format(&sql.text, " FROM request AS r WHERE %s", where);
  *out = sql.text;
  return sq_text_whole(out, error);
}

static sqlite3_stmt *prepare(sq_store *store, const char *where, sq_error *error) {
  sq_text sql = {0};
  bool scored;
  sqlite3_stmt *statement = NULL;
  if (sq_has_scored_feedback(store, &scored, error) && write_select(where, scored, &sql, error)) statement = sq_prepare(store, sql.data, error);
  sq_text_free(&sql);
  return statement;
}

static bool take_value(sqlite3_stmt *row, int column, sq_value *out, sq_error *error) {
  switch (sqlite3_column_type(row, column)) {
    case SQLITE_NULL: out->kind = SQ_NULL; return true;
    case SQLITE_INTEGER: *out = (sq_value){.kind = SQ_INTEGER, .integer = sqlite3_column_int64(row, column)}; return true;
    case SQLITE_FLOAT: *out = (sq_value){.kind = SQ_REAL, .real = sqlite3_column_double(row, column)}; return true;
    case SQLITE_TEXT: {
      const char *text = (const char *)sqlite3_column_text(row, column);
      *out = (sq_value){.kind = SQ_STRING, .length = (uint32_t)sqlite3_column_bytes(row, column), .text = text};
      return text || sq_fail_memory(error);
    }
    default: *out = (sq_value){.kind = SQ_REAL}; return true; /* a blob: like a real, no field takes it */
  }
}

static bool take_row(sqlite3_stmt *row, sq_rows_builder *builder, sq_error *error) {
  sq_value fields[SQ_F_COUNT];
  for (size_t i = 0; i < builder->kept.count; i++)
    if (!take_value(row, (int)i + 1, &fields[builder->kept.fields[i]], error)) return false;
  return sq_rows_builder_add(builder, sqlite3_column_int64(row, 0), fields, error);
}

/* Seqs of one builder lie within what ids.h can tell apart. */
static bool is_near(const sq_rows_builder *builder, int64_t seq) {
  return sq_rows_builder_count(builder) == 0 || seq - builder->seqs[0] < SQ_MOST_SPAN;
}

bool sq_requests_read(sq_store *store, int64_t after, int64_t until, uint32_t most, sq_rows_builder *builder, bool *ended, sq_error *error) {
  sqlite3_stmt *read = prepare(store, "r.seq > ?1 AND r.seq <= ?2 ORDER BY r.seq", error);
  int code = SQLITE_ROW;
  bool good = read != NULL;
  if (!read) return false;
  sqlite3_bind_int64(read, 1, after);
  sqlite3_bind_int64(read, 2, until);
  /* the row behind the last one tells whether there is one */
  while (good && (code = sqlite3_step(read)) == SQLITE_ROW && sq_rows_builder_count(builder) < most && is_near(builder, sqlite3_column_int64(read, 0)))
    good = take_row(read, builder, error);
  if (ended) *ended = code == SQLITE_DONE;
  good = good && (code == SQLITE_DONE || code == SQLITE_ROW || sq_sqlite_fail(store, code, error));
  sqlite3_finalize(read);
  return good;
}

bool sq_requests_pick(sq_store *store, const sq_seqs *seqs, size_t *at, sq_rows_builder *builder, sq_error *error) {
  sqlite3_stmt *read = prepare(store, "r.seq = ?1", error);
  bool good = read != NULL;
  for (; good && *at < seqs->count && sq_rows_builder_count(builder) < SQ_SEGMENT_ROWS; (*at)++) {
    sqlite3_bind_int64(read, 1, seqs->items[*at]);
    int code = sqlite3_step(read);
    good = code == SQLITE_ROW ? take_row(read, builder, error) : code == SQLITE_DONE || sq_sqlite_fail(store, code, error);
    sqlite3_reset(read);
  }
  sqlite3_finalize(read);
  return good;
}
