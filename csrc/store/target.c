/* What is said about one request or session by its id: feedback, tags, metadata. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/repair.h"
#include "base/time.h"
#include "store/feedback.h"
#include "store/limits.h"
#include "store/map.h"
#include "store/ids.h"
#include "store/lookup.h"

/* ------------------------------------------------------------------------------------- whose it is, exactly */

bool sq_narrow(const char *scope, const char *wanted, const char **out, const char *what, sq_error *error) {
  *out = scope ? scope : wanted;
  if (!scope || !wanted || strcmp(scope, wanted) == 0) return true;
  return sq_fail(error, SQ_E_FORBIDDEN, "the handle was opened for another %s than '%s'", what, sq_show(wanted, strlen(wanted)).text);
}

bool sq_narrow_owner(const sq_store *store, const sq_target *target, const char **organization, const char **project, sq_error *error) {
  return sq_narrow(store->organization, target->organization, organization, "organization", error) &&
         sq_narrow(store->project, target->project, project, "project", error);
}

static bool bind_lookup(sqlite3_stmt *find, sq_store *store, const sq_target *target, sq_error *error) {
  const char *organization, *project;
  if (!sq_narrow_owner(store, target, &organization, &project, error)) return false;
  sq_bind_terminated(find, 1, target->request ? target->request : target->session);
  sq_bind_terminated(find, 2, organization);
  sq_bind_terminated(find, 3, project);
  return true;
}

static bool read_owner(sq_store *store, sqlite3_stmt *find, const sq_target *target, sq_text *out, sq_error *error) {
  const char *what = target->request ? "request" : "session", *id = target->request ? target->request : target->session;
  int code = sqlite3_step(find);
  if (code == SQLITE_DONE) return sq_fail(error, SQ_E_NOT_FOUND, "there is no %s '%s'", what, sq_show(id, strlen(id)).text);
  if (code != SQLITE_ROW) return sq_sqlite_fail(store, code, error);
  for (int column = 0; column < 2; column++) {
    const char *text = (const char *)sqlite3_column_text(find, column);
    sq_text_append(out, text ? text : "", (size_t)sqlite3_column_bytes(find, column) + 1); /* with its terminator */
  }
  code = sqlite3_step(find);
  if (code == SQLITE_ROW)
    return sq_fail(error, SQ_E_AMBIGUOUS, "'%s' names more than one %s: say which organization and project", sq_show(id, strlen(id)).text, what);
  return (code == SQLITE_DONE || sq_sqlite_fail(store, code, error)) && sq_text_whole(out, error);
}

#define WITHIN " AND organization_id = coalesce(?2, organization_id) AND project = coalesce(?3, project)"

static bool find_owner(sq_store *store, const sq_target *target, bool remains, sq_text *out, sq_error *error) {
  static const char *const of_request = "SELECT organization_id, project FROM request WHERE request_id = ?1" WITHIN;
  static const char *const of_session = "SELECT DISTINCT organization_id, project FROM request WHERE session_id = ?1" WITHIN;
  static const char *const of_remains =
      " UNION SELECT organization_id, project FROM session_tag WHERE session_id = ?1" WITHIN
      " UNION SELECT organization_id, project FROM session_metadata WHERE session_id = ?1" WITHIN
      " UNION SELECT organization_id, project FROM feedback WHERE session_id = ?1" WITHIN;
  sq_lookup lookup = {0};
  sq_text sql = {0};
  bool looked = target->request ? sq_lookup_request(store, target->request, &lookup, error) : sq_lookup_session(store, target->session, &lookup, error);
  sq_text_put(&sql, target->request ? of_request : of_session);
  if (lookup.known) sq_text_put(&sql, " AND seq IN (SELECT value FROM json_each(?4))");
  if (remains && target->session) sq_text_put(&sql, of_remains);
  sqlite3_stmt *find = looked && sq_text_whole(&sql, error) ? sq_borrow(store, sql.data, error) : NULL;
  if (find && lookup.known) sq_bind_terminated(find, 4, lookup.seqs.data);
  bool found = find && bind_lookup(find, store, target, error) && read_owner(store, find, target, out, error);
  sq_give_back(store, find);
  sq_lookup_free(&lookup);
  sq_text_free(&sql);
  return found;
}

/* In one transaction: what is replaced meanwhile is there all the time, and the index is read of one state. */
bool sq_find_owner(sq_store *store, const sq_target *target, bool remains, sq_text *out, sq_error *error) {
  bool begun;
  if (!target->request == !target->session) return sq_fail(error, SQ_E_MISSING, "name one request_id or one session_id; feedback on a whole project names only that");
  if (!sq_store_begin_read(store, &begun, error)) return false;
  bool found = find_owner(store, target, remains, out, error);
  sq_store_end_read(store, begun);
  return found;
}

bool sq_store_resolve(sq_store *store, const sq_target *target, sq_text *out, sq_error *error) {
  const char *organization, *project;
  if (!sq_store_enter(store, error) || !sq_narrow_owner(store, target, &organization, &project, error)) return false;
  if (target->request || !target->session || !organization || !project) return sq_find_owner(store, target, false, out, error);
  sq_text_append(out, organization, strlen(organization) + 1);
  sq_text_append(out, project, strlen(project) + 1);
  return sq_text_whole(out, error);
}

/* ---------------------------------------------------------------------------------------------- writing */

/* Runs `write` in a transaction, with the owner's organization and project. */
static bool write_about(sq_store *store, const sq_target *target,
                        bool (*write)(sq_store *store, const char *organization, const char *project, void *state, sq_error *error),
                        void *state, sq_error *error) {
  sq_text owner = {0};
  if (!sq_store_enter(store, error) || !sq_begin_write(store, error)) return false;
  bool good = (sq_target_is_project(target) ? sq_project_owner(store, target, &owner, error)
                                            : sq_find_owner(store, target, false, &owner, error)) &&
              write(store, owner.data, owner.data + strlen(owner.data) + 1, state, error);
  sq_text_free(&owner);
  return sq_end_write(store, good, error);
}

typedef struct feedback_write {
  const sq_target *target;
  const sq_entry *entry;
  int64_t id;
} feedback_write;

static sq_value terminated_value(const char *text) {
  return text ? (sq_value){.kind = SQ_STRING, .length = (uint32_t)strlen(text), .text = text} : (sq_value){.kind = SQ_NULL};
}

static bool write_feedback(sq_store *store, const char *organization, const char *project, void *state, sq_error *error) {
  feedback_write *w = state;
  const sq_value owner[3] = {terminated_value(w->target->request), terminated_value(organization), terminated_value(project)};
  const sq_value *const id[3] = {&owner[0], &owner[1], &owner[2]};
  bool done = sq_entry_insert(store, w->entry, id, w->target->session, error);
  w->id = sqlite3_last_insert_rowid(store->db);
  return done && sq_note_owner(store, id, error);
}

int64_t sq_store_feedback(sq_store *store, const sq_target *target, const char *json, size_t length, sq_error *error) {
  sq_entry entry = {.created_at = sq_time_now()};
  feedback_write write = {target, &entry, -1};
  sq_text room = {0};
  sq_arena arena;
  bool repaired;
  sq_arena_begin(&arena, NULL, NULL, 0);
  bool done = sq_json_repair(&json, &length, &room, &repaired, error) && sq_check_size(length, error) && sq_entry_read(&entry, &arena, json, length, error) &&
              write_about(store, target, write_feedback, &write, error);
  if (error->placed) sq_json_pointer(json, length, error->offset, error->pointer, sizeof error->pointer);
  sq_arena_end(&arena);
  sq_text_free(&room);
  return done ? write.id : -1;
}

/* ?1 … ?4, and the time as ?5 where the statement has it. */
static bool run_about(sq_store *store, const char *sql, const char *organization, const char *project, const char *session,
                      const char *text, sq_error *error) {
  sqlite3_stmt *put = sq_prepare(store, sql, error);
  if (!put) return false;
  sq_bind_terminated(put, 1, organization);
  sq_bind_terminated(put, 2, project);
  sq_bind_terminated(put, 3, session);
  sq_bind_terminated(put, 4, text);
  sqlite3_bind_int64(put, 5, sq_time_now());
  bool done = sq_step_done(store, put, error);
  sqlite3_finalize(put);
  return done;
}

typedef struct session_write {
  const char *session, *text;
  size_t length;
} session_write;

static bool write_tag(sq_store *store, const char *organization, const char *project, void *state, sq_error *error) {
  const session_write *w = state;
  return run_about(store,
                   "INSERT INTO session_tag(organization_id, project, session_id, tag, created_at_us) VALUES (?, ?, ?, ?, ?)"
                   " ON CONFLICT DO UPDATE SET created_at_us = excluded.created_at_us",
                   organization, project, w->session, w->text, error);
}

bool sq_store_tag(sq_store *store, const sq_target *target, const char *tag, size_t length, sq_error *error) {
  sq_text whole = {0};
  if (length == 0) return sq_fail(error, SQ_E_VALUE, "a tag is not empty");
  sq_utf8_repair(&whole, tag, length);
  session_write write = {target->session, whole.data, whole.length};
  bool done = sq_text_whole(&whole, error) && sq_check_size(whole.length, error) && write_about(store, target, write_tag, &write, error);
  sq_text_free(&whole);
  return done;
}

/* How many members the merged map has, -1 after an error. */
static int64_t merge_metadata(sq_store *store, sqlite3_stmt *find, const session_write *w, sq_text *out, sq_error *error) {
  int code = sqlite3_step(find);
  if (code != SQLITE_ROW && code != SQLITE_DONE) {
    sq_sqlite_fail(store, code, error);
    return -1;
  }
  const char *stored = code == SQLITE_ROW ? (const char *)sqlite3_column_text(find, 0) : NULL;
  sq_arena arena;
  sq_arena_begin(&arena, NULL, NULL, 0);
  size_t length = stored ? (size_t)sqlite3_column_bytes(find, 0) : 0;
  int64_t members = sq_merge_maps(&arena, stored, length, w->text, w->length, out, error);
  sq_arena_end(&arena);
  return members;
}

static bool write_metadata(sq_store *store, const char *organization, const char *project, void *state, sq_error *error) {
  const session_write *w = state;
  sq_text merged = {0};
  sqlite3_stmt *find = sq_prepare(store, "SELECT metadata FROM session_metadata WHERE organization_id = ? AND project = ? AND session_id = ?", error);
  if (!find) return false;
  sq_bind_terminated(find, 1, organization);
  sq_bind_terminated(find, 2, project);
  sq_bind_terminated(find, 3, w->session);
  int64_t members = merge_metadata(store, find, w, &merged, error);
  sqlite3_finalize(find);
  const char *sql = members > 0 ? "INSERT INTO session_metadata(organization_id, project, session_id, metadata) VALUES (?, ?, ?, ?)"
                                  " ON CONFLICT DO UPDATE SET metadata = excluded.metadata"
                                : "DELETE FROM session_metadata WHERE organization_id = ? AND project = ? AND session_id = ?";
  bool done = members >= 0 && run_about(store, sql, organization, project, w->session, merged.data, error);
  sq_text_free(&merged);
  return done;
}

static bool check_metadata(const char *json, size_t length, sq_error *error) {
  sq_json reader;
  sq_json_begin(&reader, json, length);
  if (sq_json_next(&reader) != SQ_TOKEN_OBJECT) return sq_fail(error, SQ_E_TYPE, "session metadata is a map");
  sq_token token;
  while ((token = sq_json_next(&reader)) != SQ_TOKEN_END) {
    size_t at = (size_t)((token == SQ_TOKEN_NUMBER ? reader.token : reader.at) - json);
    if (token == SQ_TOKEN_ERROR) return sq_fail_at(error, reader.code, at, 1, "session metadata: %s", reader.error);
    const char *refusal = token == SQ_TOKEN_NUMBER ? sq_refuse_number(reader.token, reader.length) : NULL;
    if (refusal) return sq_fail_at(error, SQ_E_VALUE, at, reader.length, "session metadata: a member %s", refusal);
  }
  return true;
}

bool sq_store_describe(sq_store *store, const sq_target *target, const char *json, size_t length, sq_error *error) {
  sq_text room = {0};
  bool repaired, done = false;
  if (sq_json_repair(&json, &length, &room, &repaired, error) && sq_check_size(length, error) && check_metadata(json, length, error)) {
    session_write write = {target->session, json, length};
    done = write_about(store, target, write_metadata, &write, error);
  }
  sq_text_free(&room);
  return done;
}
