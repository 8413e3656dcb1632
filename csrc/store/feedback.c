#include "store/feedback.h"

#include <string.h>

#include "base/json.h"
#include "store/sqlite.h"

/* ------------------------------------------------------------------------------------------------ reading */

typedef struct reading {
  sq_arena *arena;
  sq_json json;
  sq_error *error;
} reading;

static bool wrong(reading *r) {
  return sq_fail(r->error, SQ_E_VALUE, "feedback has a key (text), and may have score, value, comment, source and created_at");
}

static bool is_name(const reading *r, const char *name) { return sq_json_token_is(&r->json, name, strlen(name)); }

static bool read_time(reading *r, sq_token token, int64_t *out) {
  sq_value time = {.kind = token == SQ_TOKEN_NUMBER ? SQ_NUMBER : SQ_STRING, .length = (uint32_t)r->json.length, .text = r->json.token};
  return token == SQ_TOKEN_NUMBER || token == SQ_TOKEN_STRING ? sq_time_parse(&time, out, r->error) : wrong(r);
}

static bool read_text(reading *r, sq_token token, sq_value *out) {
  if (token != SQ_TOKEN_STRING) return wrong(r);
  char *plain = sq_arena_take(r->arena, r->json.length + 1);
  if (!plain) return sq_fail_memory(r->error);
  *out = (sq_value){.kind = SQ_STRING, .length = (uint32_t)sq_json_unescape(r->json.token, r->json.length, plain), .text = plain};
  return true;
}

/* After a key: its value. */
static bool read_member(reading *r, sq_entry *e) {
  sq_value *text = is_name(r, "key") ? &e->key : is_name(r, "comment") ? &e->comment : is_name(r, "source") ? &e->source : NULL;
  sq_value *json = is_name(r, "score") ? &e->score : is_name(r, "value") ? &e->value : NULL;
  bool time = is_name(r, "created_at");
  if (!text && !json && !time)
    return sq_fail(r->error, SQ_E_UNKNOWN, "feedback has no member '%s'", sq_show(r->json.token, r->json.length).text);
  while (*r->json.at == ' ' || *r->json.at == '\t') r->json.at++;
  const char *from = r->json.at;
  sq_token token = sq_json_next(&r->json);
  if (token == SQ_TOKEN_NULL) return true;
  if (time) return read_time(r, token, &e->created_at);
  if (text) return read_text(r, token, text);
  bool nested = token == SQ_TOKEN_OBJECT || token == SQ_TOKEN_ARRAY;
  if (nested && (json == &e->score || !sq_json_skip(&r->json))) return wrong(r);
  *json = (sq_value){.kind = SQ_STRING, .length = (uint32_t)(r->json.at - from), .text = from};
  return true;
}

bool sq_entries_read(sq_entries *entries, sq_arena *arena, const char *json, size_t length, int64_t otherwise, sq_error *error) {
  reading r = {.arena = arena, .error = error};
  sq_token token;
  sq_json_begin(&r.json, json, length);
  sq_json_next(&r.json);
  while ((token = sq_json_next(&r.json)) == SQ_TOKEN_OBJECT) {
    sq_entry e = {.created_at = otherwise};
    while (sq_json_next(&r.json) == SQ_TOKEN_KEY)
      if (!read_member(&r, &e)) return false;
    if (e.key.kind == SQ_NULL) return wrong(&r);
    if (!sq_arena_grow(arena, &entries->items, entries->count, &entries->capacity, sizeof e)) return sq_fail_memory(error);
    entries->items[entries->count++] = e;
  }
  return token == SQ_TOKEN_ARRAY_END || wrong(&r);
}

/* ------------------------------------------------------------------------------------------------ writing */

static bool bind_entry(sqlite3_stmt *statement, const sq_entry *e, const sq_value *const id[3]) {
  const sq_value *values[] = {id[0], id[1], id[2], &e->key, &e->score, &e->value, &e->comment, &e->source};
  if (!statement) return false;
  for (int i = 0; i < 8; i++) sq_bind_value(statement, i + 1, values[i]);
  sqlite3_bind_int64(statement, 9, e->created_at);
  return true;
}

static bool put_entry(sq_store *store, const sq_entry *e, const sq_value *const id[3], sq_error *error) {
  sqlite3_stmt *find = sq_prepared(store, SQ_FIND_FEEDBACK, error);
  if (!bind_entry(find, e, id)) return false;
  int code = sqlite3_step(find);
  sqlite3_reset(find);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) return sq_sqlite_fail(store, code, error);
  sqlite3_stmt *insert = sq_prepared(store, SQ_INSERT_FEEDBACK, error);
  return bind_entry(insert, e, id) && sq_step_done(store, insert, error);
}

bool sq_entries_put(sq_store *store, const sq_entries *entries, const sq_value *request_id, const sq_value *organization,
                    const sq_value *project, sq_error *error) {
  const sq_value *const id[3] = {request_id, organization, project};
  for (size_t i = 0; i < entries->count; i++)
    if (!put_entry(store, &entries->items[i], id, error)) return false;
  return true;
}
