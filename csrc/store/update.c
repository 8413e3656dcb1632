/* An update merged into the row it is of. */
#include <string.h>

#include "store/ingest.h"
#include "store/map.h"
#include "store/word_index.h"

typedef sq_ingesting ingesting;

static bool is_identity(int field) {
  return field == SQ_F_REQUEST_ID || field == SQ_F_ORGANIZATION_ID || field == SQ_F_PROJECT;
}

/* Maps are merged with what is stored. */
static bool merge_map(ingesting *in, int64_t seq, sq_field field) {
  sq_value *value = &in->record->fields[field];
  if (value->kind == SQ_NULL) return true; /* the whole map is cleared */
  sq_text sql = {0}, merged = {0};
  sq_text_format(&sql, "SELECT %s FROM request WHERE seq = ?", sq_field_get(field)->column);
  sqlite3_stmt *read = sq_text_whole(&sql, in->error) ? sq_prepare(in->store, sql.data, in->error) : NULL;
  sq_text_free(&sql);
  if (!read) return false;
  sqlite3_bind_int64(read, 1, seq);
  int code = sqlite3_step(read);
  if (code != SQLITE_ROW) {
    sqlite3_finalize(read);
    return sq_sqlite_fail(in->store, code, in->error);
  }
  const char *stored = (const char *)sqlite3_column_text(read, 0);
  int64_t members = sq_merge_maps(&in->record->arena, stored, (size_t)sqlite3_column_bytes(read, 0), value->text, value->length, &merged, in->error);
  char *copy = members > 0 ? sq_arena_copy(&in->record->arena, merged.data, merged.length) : NULL;
  *value = (sq_value){.kind = members > 0 ? SQ_STRING : SQ_NULL, .length = (uint32_t)merged.length, .text = copy};
  sq_text_free(&merged);
  sqlite3_finalize(read);
  return members >= 0 && (members == 0 || copy || sq_fail_memory(in->error));
}

bool sq_read_project(ingesting *in, int64_t seq) {
  sqlite3_stmt *read = sq_prepare(in->store, "SELECT project FROM request WHERE seq = ?", in->error);
  if (!read) return false;
  sqlite3_bind_int64(read, 1, seq);
  int code = sqlite3_step(read);
  const char *text = code == SQLITE_ROW ? (const char *)sqlite3_column_text(read, 0) : NULL;
  char *copy = text ? sq_arena_copy(&in->record->arena, text, (size_t)sqlite3_column_bytes(read, 0)) : NULL;
  if (copy) in->record->fields[SQ_F_PROJECT] = (sq_value){.kind = SQ_STRING, .length = (uint32_t)strlen(copy), .text = copy};
  sqlite3_finalize(read);
  return code != SQLITE_ROW ? sq_sqlite_fail(in->store, code, in->error) : copy || sq_fail_memory(in->error);
}

bool sq_check_required(ingesting *in) {
  static const sq_field required[] = {SQ_F_CREATED_AT, SQ_F_RUN_TYPE};
  for (size_t i = 0; i < sizeof required / sizeof *required; i++)
    if (in->record->given[required[i]] && in->record->fields[required[i]].kind == SQ_NULL)
      return sq_fail(in->error, SQ_E_VALUE, "%s cannot be cleared", sq_field_get(required[i])->name);
  return true;
}

static bool update_row(ingesting *in, int64_t seq) {
  sq_text sql = {0};
  sq_text_put(&sql, "UPDATE request SET seq = seq");
  for (int i = SQ_F_NONE + 1; i < SQ_F_COUNT; i++) {
    const sq_field_row *row = sq_field_get((sq_field)i);
    if (!in->record->given[i] || row->home != SQ_HOME_ROW || is_identity(i)) continue;
    if (row->type == SQ_T_MAP && !merge_map(in, seq, (sq_field)i)) break;
    sq_text_format(&sql, ", %s = ?", row->column);
  }
  sq_text_put(&sql, " WHERE seq = ?");
  sqlite3_stmt *update = in->error->code == SQ_OK && sq_text_whole(&sql, in->error) ? sq_prepare(in->store, sql.data, in->error) : NULL;
  sq_text_free(&sql);
  if (!update) return false;
  int column = 1;
  for (int i = SQ_F_NONE + 1; i < SQ_F_COUNT; i++)
    if (in->record->given[i] && sq_field_get((sq_field)i)->home == SQ_HOME_ROW && !is_identity(i))
      sq_bind_value(update, column++, &in->record->fields[i]);
  sqlite3_bind_int64(update, column, seq);
  bool done = sq_step_done(in->store, update, in->error);
  sqlite3_finalize(update);
  return done;
}

/* A request without bodies has no row of them. */
static bool drop_empty_body(ingesting *in, int64_t seq) {
  const sq_record *r = in->record;
  bool cleared = (r->given[SQ_F_REQUEST_BODY] && r->fields[SQ_F_REQUEST_BODY].kind == SQ_NULL) ||
                 (r->given[SQ_F_RESPONSE_BODY] && r->fields[SQ_F_RESPONSE_BODY].kind == SQ_NULL);
  if (!cleared) return true;
  sqlite3_stmt *drop = sq_prepare(in->store, "DELETE FROM body WHERE seq = ? AND request_body IS NULL AND response_body IS NULL", in->error);
  if (!drop) return false;
  sqlite3_bind_int64(drop, 1, seq);
  bool done = sq_step_done(in->store, drop, in->error);
  sqlite3_finalize(drop);
  return done;
}

static bool update_body(ingesting *in, int64_t seq) {
  static const struct {
    sq_field field;
    const char *sql;
  } bodies[] = {{SQ_F_REQUEST_BODY, "INSERT INTO body(seq, request_body) VALUES (?1, ?2) ON CONFLICT(seq) DO UPDATE SET request_body = ?2"},
                {SQ_F_RESPONSE_BODY, "INSERT INTO body(seq, response_body) VALUES (?1, ?2) ON CONFLICT(seq) DO UPDATE SET response_body = ?2"}};
  bool good = true;
  for (size_t i = 0; i < 2 && good; i++) {
    if (!in->record->given[bodies[i].field]) continue;
    sqlite3_stmt *put = sq_prepare(in->store, bodies[i].sql, in->error);
    if (!put) return false;
    sqlite3_bind_int64(put, 1, seq);
    sq_bind_value(put, 2, &in->record->fields[bodies[i].field]);
    good = sq_step_done(in->store, put, in->error);
    sqlite3_finalize(put);
  }
  bool put = in->record->given[SQ_F_REQUEST_BODY] || in->record->given[SQ_F_RESPONSE_BODY];
  return good && (!put || sq_word_index_note(in->store, seq, in->error)) && drop_empty_body(in, seq);
}

bool sq_update_request(ingesting *in, int64_t seq) {
  in->ingest->updated++;
  return sq_check_required(in) && update_row(in, seq) && update_body(in, seq) && sq_note_change(in->store, seq, in->error);
}
