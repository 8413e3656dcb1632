/* Feedback one by one: listed, changed, taken away. */
#include <string.h>

#include "base/json.h"
#include "store/feedback.h"
#include "store/limits.h"
#include "store/sqlite.h"

/* ------------------------------------------------------------------------------------------------ listing */

/* What plain SQL wrote and is no JSON counts as text. */
#define JSON_OF(column) "CASE WHEN json_valid(" column ") THEN json(" column ") ELSE json_quote(" column ") END"

#define ROW \
  "SELECT json_object('row', f.id, 'uuid', f.uuid, 'organization_id', f.organization_id, 'project', f.project," \
  " 'project_id', coalesce((SELECT p.id FROM project AS p WHERE p.organization_id = f.organization_id AND p.name = f.project)," \
  " sq_project_id(f.organization_id, f.project)), 'request_id', f.request_id, 'key', f.key, 'score', " JSON_OF("f.score") "," \
  " 'value', " JSON_OF("f.value") ", 'comment', f.comment, 'source', f.source, 'created_at', sq_iso(f.created_at_us)," \
  " 'extra', " JSON_OF("f.extra") ") FROM feedback AS f WHERE f.session_id IS NULL" \
  " AND f.organization_id = coalesce(?1, f.organization_id) AND f.project = coalesce(?2, f.project)"

/* In the order of the parameters, ?3 and on. */
static const char *const conditions[] = {
    " AND f.request_id IN (SELECT value FROM json_each(?3))",
    " AND (f.organization_id, f.project) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?4))",
    " AND f.key IN (SELECT value FROM json_each(?5))",
    " AND f.source IN (SELECT value FROM json_each(?6))",
    " AND f.uuid = ?7",
    " AND f.id = ?8",
    " AND f.created_at_us >= ?9",
    " AND f.created_at_us < ?10",
};

static void put_whether(sq_text *sql, const char *column, sq_whether whether) {
  if (whether != SQ_ANY) sq_text_format(sql, " AND f.%s IS %sNULL", column, whether == SQ_YES ? "NOT " : "");
}

static bool write_select(const sq_feedback_query *q, sq_text *sql, sq_error *error) {
  const bool wanted[] = {q->requests, q->projects, q->keys, q->sources, q->uuid, q->row != 0, q->from_given, q->to_given};
  sq_text_put(sql, ROW);
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
    if (wanted[i]) sq_text_put(sql, conditions[i]);
  put_whether(sql, "request_id", q->on_request);
  put_whether(sql, "score", q->has_score);
  put_whether(sql, "comment", q->has_comment);
  sq_text_put(sql, " ORDER BY f.created_at_us DESC, f.id DESC LIMIT ?11 OFFSET ?12");
  return sq_text_whole(sql, error);
}

static void bind_query(sqlite3_stmt *list, const sq_feedback_query *q, const char *organization, const char *project) {
  const char *const texts[] = {organization, project, q->requests, q->projects, q->keys, q->sources, q->uuid};
  const int64_t numbers[] = {q->row, q->from_us, q->to_us, q->limit, q->offset};
  int parameter = 1;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++, parameter++) sq_bind_terminated(list, parameter, texts[i]);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++, parameter++)
    sqlite3_bind_int64(list, parameter, numbers[i]);
}

/* The first column of all rows, which is JSON, as a JSON list. */
static bool put_rows(sq_store *store, sqlite3_stmt *list, sq_text *out, sq_error *error) {
  int code;
  bool first = true;
  sq_text_byte(out, '[');
  while ((code = sqlite3_step(list)) == SQLITE_ROW) {
    const char *text = (const char *)sqlite3_column_text(list, 0);
    if (!first) sq_text_byte(out, ',');
    first = false;
    sq_text_put(out, text ? text : "null");
  }
  sq_text_byte(out, ']');
  return (code == SQLITE_DONE || sq_sqlite_fail(store, code, error)) && sq_text_whole(out, error);
}

bool sq_store_list_feedback(sq_store *store, const sq_feedback_query *query, sq_text *out, sq_error *error) {
  const char *organization, *project;
  const sq_target target = {.organization = query->organization};
  sq_text sql = {0};
  if (!sq_store_enter(store, error) || !sq_narrow_owner(store, &target, &organization, &project, error)) return false;
  sqlite3_stmt *list = write_select(query, &sql, error) ? sq_prepare(store, sql.data, error) : NULL;
  sq_text_free(&sql);
  if (!list) return false;
  bind_query(list, query, organization, project);
  bool good = put_rows(store, list, out, error);
  sqlite3_finalize(list);
  return good;
}

bool sq_store_request_feedback(sq_store *store, const char *requests, sq_text *out, sq_error *error) {
  const char *organization, *project;
  const sq_target everywhere = {.request = NULL};
  if (!sq_store_enter(store, error) || !sq_narrow_owner(store, &everywhere, &organization, &project, error)) return false;
  sqlite3_stmt *list = sq_borrow(store,
                                 "SELECT json_array(organization_id, project, request_id, json(sq_feedback(key, score, value))) FROM feedback"
                                 " WHERE request_id IN (SELECT value FROM json_each(?3))"
                                 " AND organization_id = coalesce(?1, organization_id) AND project = coalesce(?2, project)"
                                 " GROUP BY organization_id, project, request_id", error);
  if (!list) return false;
  sq_bind_terminated(list, 1, organization);
  sq_bind_terminated(list, 2, project);
  sq_bind_terminated(list, 3, requests);
  bool good = put_rows(store, list, out, error);
  sq_give_back(store, list);
  return good;
}

/* ------------------------------------------------------------------------------------------------ changing */

/* Whether the row is there for this handle; what it is of has changed then. */
static bool note_row(sq_store *store, int64_t row, sq_error *error) {
  sqlite3_stmt *find = sq_prepare(store,
                                  "SELECT request_id, organization_id, project FROM feedback WHERE id = ?1"
                                  " AND organization_id = coalesce(?2, organization_id) AND project = coalesce(?3, project)", error);
  if (!find) return false;
  sqlite3_bind_int64(find, 1, row);
  sq_bind_terminated(find, 2, store->organization);
  sq_bind_terminated(find, 3, store->project);
  int code = sqlite3_step(find);
  bool good = code == SQLITE_ROW;
  if (good) {
    const sq_value owner[3] = {sq_row_text(find, 0), sq_row_text(find, 1), sq_row_text(find, 2)};
    const sq_value *const id[3] = {&owner[0], &owner[1], &owner[2]};
    good = sq_note_owner(store, id, error);
  } else if (code == SQLITE_DONE) {
    sq_fail(error, SQ_E_NOT_FOUND, "there is no such feedback");
  } else {
    sq_sqlite_fail(store, code, error);
  }
  sqlite3_finalize(find);
  return good;
}

static bool update_row(sq_store *store, int64_t row, const sq_entry *e, sq_error *error) {
  const sq_value *const values[] = {&e->key, &e->score, &e->value, &e->comment, &e->source, &e->extra};
  sqlite3_stmt *update = sq_prepare(store,
                                    "UPDATE feedback SET key = ?, score = ?, value = ?, comment = ?, source = ?, extra = ? WHERE id = ?", error);
  if (!update) return false;
  for (int i = 0; i < 6; i++) sq_bind_value(update, i + 1, values[i]);
  sqlite3_bind_int64(update, 7, row);
  bool done = sq_step_done(store, update, error);
  sqlite3_finalize(update);
  return done;
}

bool sq_store_change_feedback(sq_store *store, int64_t row, const char *json, size_t length, sq_error *error) {
  sq_entry entry = {.created_at = 0};
  sq_text room = {0};
  sq_arena arena;
  bool repaired;
  sq_arena_begin(&arena, NULL, NULL, 0);
  bool good = sq_store_enter(store, error) && sq_json_repair(&json, &length, &room, &repaired, error) && sq_check_size(length, error) &&
              sq_entry_read(&entry, &arena, json, length, error);
  if (error->placed) sq_json_pointer(json, length, error->offset, error->pointer, sizeof error->pointer);
  if (good && (good = sq_begin_write(store, error))) {
    good = note_row(store, row, error) && update_row(store, row, &entry, error);
    good = sq_end_write(store, good, error);
  }
  sq_arena_end(&arena);
  sq_text_free(&room);
  return good;
}

bool sq_store_remove_feedback(sq_store *store, int64_t row, sq_error *error) {
  if (!sq_store_enter(store, error) || !sq_begin_write(store, error)) return false;
  bool good = note_row(store, row, error) && sq_feedback_remove(store, row, error);
  return sq_end_write(store, good, error);
}
