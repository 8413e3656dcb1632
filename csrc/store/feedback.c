#include "store/feedback.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/time.h"
#include "store/ids.h"
#include "store/limits.h"
#include "store/sqlite.h"

/* ------------------------------------------------------------------------------------------------ reading */

typedef struct reading {
  sq_arena *arena;
  sq_json json;
  sq_error *error;
} reading;

/* Error at the value that begins at `from` and was just read. */
#define VALUE_ERROR(r, code, from, ...) \
  sq_fail_at((r)->error, code, (size_t)((from) - (r)->json.start), (size_t)((r)->json.at - (from)), __VA_ARGS__)

static bool json_error(reading *r) {
  return sq_fail_at(r->error, r->json.code, (size_t)(r->json.at - r->json.start), r->json.at < r->json.end, "feedback: %s", r->json.error);
}

static bool is_name(const reading *r, const char *name) { return sq_json_token_is(&r->json, name, strlen(name)); }

static bool plain_text(reading *r, sq_value *out) { return sq_json_text(&r->json, r->arena, out) || sq_fail_memory(r->error); }

static bool read_text(reading *r, sq_token token, const char *name, const char *from, sq_value *out) {
  return token == SQ_TOKEN_STRING ? plain_text(r, out) : VALUE_ERROR(r, SQ_E_TYPE, from, "feedback: %s is text", name);
}

static bool read_time(reading *r, sq_token token, const char *from, int64_t *out) {
  sq_scaled micros;
  sq_value text;
  bool number = token == SQ_TOKEN_NUMBER;
  if (!number && token != SQ_TOKEN_STRING) return VALUE_ERROR(r, SQ_E_TYPE, from, "feedback: created_at is a time");
  if (number) sq_decimal_scale(r->json.token, r->json.length, 6, &micros);
  else if (!plain_text(r, &text)) return false;
  else if (!sq_time_read(text.text, text.length, &micros))
    return VALUE_ERROR(r, SQ_E_VALUE, from, "feedback: created_at is not a time; write it as RFC 3339 or in seconds");
  const char *refusal = sq_refuse_time(&micros, number);
  *out = micros.rounded;
  return !refusal || VALUE_ERROR(r, SQ_E_VALUE, from, "feedback: created_at %s", refusal);
}

/* The score or the value, as the JSON it came as. A score is no list or map. */
static bool read_json(reading *r, sq_token token, const char *name, const char *from, bool nests, sq_value *out) {
  bool nested = token == SQ_TOKEN_OBJECT || token == SQ_TOKEN_ARRAY;
  if (nested && !nests) return VALUE_ERROR(r, SQ_E_TYPE, from, "feedback: a score is a number, a boolean or text");
  if (nested && !sq_json_skip(&r->json)) return json_error(r);
  *out = (sq_value){.kind = SQ_STRING, .length = (uint32_t)(r->json.at - from), .text = from};
  const char *refusal = sq_refuse_number(from, out->length);
  return !refusal || VALUE_ERROR(r, SQ_E_VALUE, from, "feedback: %s %s", name, refusal);
}

/* After a key: its value. */
static bool read_member(reading *r, sq_entry *e) {
  static const char *const names[] = {"key", "comment", "source", "uuid", "score", "value", "extra", "created_at"};
  sq_value *const places[] = {&e->key, &e->comment, &e->source, &e->uuid, &e->score, &e->value, &e->extra};
  enum { SCORE = 4, VALUE = 5, EXTRA = 6, CREATED_AT = 7, COUNT = 8 };
  int which = 0;
  while (which < COUNT && !is_name(r, names[which])) which++;
  const char *key = r->json.token - 1;
  if (which == COUNT)
    return VALUE_ERROR(r, SQ_E_UNKNOWN, key, "feedback has no member '%s': it has key, score, value, comment, source, uuid, extra and created_at",
                       sq_show(r->json.token, r->json.length).text);
  if (e->given >> which & 1) return VALUE_ERROR(r, SQ_E_SYNTAX, key, "feedback: %s stands twice", names[which]);
  e->given |= 1u << which;
  const char *from = sq_json_value_start(&r->json);
  sq_token token = sq_json_next(&r->json);
  if (token == SQ_TOKEN_ERROR) return json_error(r);
  if (token == SQ_TOKEN_NULL) return true;
  if (which == CREATED_AT) return read_time(r, token, from, &e->created_at);
  if (which == EXTRA && token != SQ_TOKEN_OBJECT) return VALUE_ERROR(r, SQ_E_TYPE, from, "feedback: extra is a map");
  if (which >= SCORE) return read_json(r, token, names[which], from, which >= VALUE, places[which]);
  return read_text(r, token, names[which], from, places[which]);
}

/* Behind the opening brace of an entry. */
static bool read_entry(reading *r, sq_entry *e) {
  const char *from = r->json.at - 1;
  sq_token token;
  while ((token = sq_json_next(&r->json)) == SQ_TOKEN_KEY)
    if (!read_member(r, e)) return false;
  if (token != SQ_TOKEN_OBJECT_END) return json_error(r);
  bool keyed = e->key.kind != SQ_NULL && e->key.length > 0;
  return keyed || VALUE_ERROR(r, SQ_E_MISSING, from, "feedback has a key");
}

bool sq_entry_read(sq_entry *entry, sq_arena *arena, const char *json, size_t length, sq_error *error) {
  reading r = {.arena = arena, .error = error};
  sq_json_begin(&r.json, json, length);
  if (sq_json_next(&r.json) != SQ_TOKEN_OBJECT) return r.json.error ? json_error(&r) : sq_fail(error, SQ_E_TYPE, "feedback is a map");
  return read_entry(&r, entry) && (sq_json_next(&r.json) == SQ_TOKEN_END || json_error(&r));
}

bool sq_entries_read(sq_entries *entries, sq_arena *arena, const char *line, const char *json, size_t length, int64_t otherwise,
                     sq_error *error) {
  reading r = {.arena = arena, .error = error};
  sq_token token;
  sq_json_begin(&r.json, json, length);
  r.json.start = line; /* so that places are in the line */
  sq_json_next(&r.json);
  while ((token = sq_json_next(&r.json)) == SQ_TOKEN_OBJECT) {
    sq_entry e = {.created_at = otherwise};
    if (!read_entry(&r, &e)) return false;
    if (!sq_arena_grow(arena, &entries->items, entries->count, &entries->capacity, sizeof e)) return sq_fail_memory(error);
    entries->items[entries->count++] = e;
  }
  if (token == SQ_TOKEN_ERROR) return json_error(&r);
  return token == SQ_TOKEN_ARRAY_END || VALUE_ERROR(&r, SQ_E_TYPE, json, "feedback is a list of maps");
}

/* ------------------------------------------------------------------------------------------------ writing */

static bool bind_entry(sqlite3_stmt *statement, const sq_entry *e, const sq_value *const id[3]) {
  const sq_value *values[] = {id[0], id[1], id[2], &e->key, &e->score, &e->value, &e->comment, &e->source};
  if (!statement) return false;
  for (int i = 0; i < 8; i++) sq_bind_value(statement, i + 1, values[i]);
  sqlite3_bind_int64(statement, 9, e->created_at);
  return true;
}

bool sq_note_change(sq_store *store, int64_t seq, sq_error *error) {
  sqlite3_stmt *note = sq_prepared(store, SQ_NOTE_CHANGE, error);
  if (!note) return false;
  sqlite3_bind_int64(note, 1, seq);
  return sq_step_done(store, note, error);
}

bool sq_entry_insert(sq_store *store, const sq_entry *e, const sq_value *const id[3], const char *session, sq_error *error) {
  sqlite3_stmt *insert = sq_prepared(store, SQ_INSERT_FEEDBACK, error);
  if (!bind_entry(insert, e, id)) return false;
  sq_bind_terminated(insert, 10, session);
  sq_bind_value(insert, 11, &e->uuid);
  sq_bind_value(insert, 12, &e->extra);
  return sq_step_done(store, insert, error);
}

bool sq_note_owner(sq_store *store, const sq_value *const id[3], sq_error *error) {
  sq_seqs seqs = {0};
  bool good = id[0]->kind == SQ_NULL || sq_ids_find(store, id[0], id[1], id[2], NULL, &seqs, error);
  for (size_t i = 0; i < seqs.count && good; i++) good = sq_note_change(store, seqs.items[i], error);
  free(seqs.items);
  return good;
}

bool sq_feedback_remove(sq_store *store, int64_t row, sq_error *error) {
  sqlite3_stmt *find = sq_prepare(store, "DELETE FROM feedback WHERE id = ? RETURNING request_id, organization_id, project", error);
  if (!find) return false;
  sqlite3_bind_int64(find, 1, row);
  int code = sqlite3_step(find);
  bool good = code == SQLITE_DONE || code == SQLITE_ROW || sq_sqlite_fail(store, code, error);
  if (code == SQLITE_ROW) {
    const sq_value owner[3] = {sq_row_text(find, 0), sq_row_text(find, 1), sq_row_text(find, 2)};
    const sq_value *const id[3] = {&owner[0], &owner[1], &owner[2]};
    good = sq_note_owner(store, id, error);
  }
  sqlite3_finalize(find);
  return good;
}

/* One of the same UUID makes way: it is an older state of the same. */
static bool make_way(sq_store *store, const sq_entry *e, const sq_value *organization, sq_error *error) {
  if (e->uuid.kind == SQ_NULL) return true;
  sqlite3_stmt *find = sq_prepare(store, "SELECT id FROM feedback WHERE organization_id = ? AND uuid = ?", error);
  if (!find) return false;
  sq_bind_value(find, 1, organization);
  sq_bind_value(find, 2, &e->uuid);
  int code = sqlite3_step(find);
  int64_t row = sqlite3_column_int64(find, 0);
  sqlite3_finalize(find);
  if (code == SQLITE_ROW) return sq_feedback_remove(store, row, error);
  return code == SQLITE_DONE || sq_sqlite_fail(store, code, error);
}

static bool put_entry(sq_store *store, const sq_entry *e, const sq_value *const id[3], sq_error *error) {
  sqlite3_stmt *find = sq_prepared(store, SQ_FIND_FEEDBACK, error);
  if (!bind_entry(find, e, id)) return false;
  int code = sqlite3_step(find);
  sqlite3_reset(find);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) return sq_sqlite_fail(store, code, error);
  return make_way(store, e, id[1], error) && sq_entry_insert(store, e, id, NULL, error);
}

bool sq_entries_put(sq_store *store, const sq_entries *entries, int64_t seq, const sq_value *request_id, const sq_value *organization,
                    const sq_value *project, sq_error *error) {
  const sq_value *const id[3] = {request_id, organization, project};
  for (size_t i = 0; i < entries->count; i++)
    if (!put_entry(store, &entries->items[i], id, error)) return false;
  return entries->count == 0 || sq_note_change(store, seq, error);
}

/* ------------------------------------------------------------------------------------------- for the engines */

bool sq_store_side_tables(sq_store *store, bool has[SQ_SIDE_COUNT], sq_error *error) {
  sqlite3_stmt *read = sq_prepared(store, SQ_READ_SIDES, error);
  if (!read) return false;
  int code = sqlite3_step(read);
  for (int i = 0; i < SQ_SIDE_COUNT; i++) has[i] = code == SQLITE_ROW && sqlite3_column_int(read, i);
  sqlite3_reset(read);
  return code == SQLITE_ROW || sq_sqlite_fail(store, code, error);
}

static const char *column_text(sqlite3_stmt *row, int column, size_t *length) {
  const char *text = (const char *)sqlite3_column_text(row, column);
  *length = text ? (size_t)sqlite3_column_bytes(row, column) : 0;
  return text;
}

bool sq_store_add_feedback(sq_store *store, const char *organization, size_t organization_length, const char *project, size_t project_length,
                           const char *request_id, size_t request_id_length, sq_statistics *into, sq_error *error) {
  sqlite3_stmt *read = sq_prepared(store, SQ_READ_FEEDBACK, error);
  int code = SQLITE_DONE;
  bool good = true;
  if (!read) return false;
  sqlite3_bind_text(read, 1, request_id, (int)request_id_length, SQLITE_STATIC);
  sqlite3_bind_text(read, 2, organization, (int)organization_length, SQLITE_STATIC);
  sqlite3_bind_text(read, 3, project, (int)project_length, SQLITE_STATIC);
  while (good && (code = sqlite3_step(read)) == SQLITE_ROW) {
    size_t lengths[3];
    const char *key = column_text(read, 0, &lengths[0]), *score = column_text(read, 1, &lengths[1]), *value = column_text(read, 2, &lengths[2]);
    good = (key && sq_statistics_add(into, key, lengths[0], score, lengths[1], value, lengths[2])) || sq_fail_memory(error);
  }
  sqlite3_reset(read);
  return good && (code == SQLITE_DONE || sq_sqlite_fail(store, code, error));
}
