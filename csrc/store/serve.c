/* What a server asks of a store: answers for one caller at a time, and whether they are what they were. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "store/sqlite.h"

/* --------------------------------------------------------------------------------------------------- scope */

bool sq_store_narrow(sq_store *store, const char *organization, const char *project, sq_error *error) {
  const char *wanted[2];
  if (!sq_narrow(store->opened_organization, organization, &wanted[0], "organization", error) ||
      !sq_narrow(store->opened_project, project, &wanted[1], "project", error))
    return false;
  char *copies[2] = {wanted[0] ? strdup(wanted[0]) : NULL, wanted[1] ? strdup(wanted[1]) : NULL};
  if (!copies[0] != !wanted[0] || !copies[1] != !wanted[1]) {
    free(copies[0]);
    free(copies[1]);
    return sq_fail_memory(error);
  }
  free(store->organization);
  free(store->project);
  store->organization = copies[0];
  store->project = copies[1];
  return true;
}

bool sq_store_is_scoped(const sq_store *store) { return store->organization != NULL; }

/* --------------------------------------------------------------------------------------------------- stamps */

/* Reads the texts of one row, each with its terminator behind it. */
static bool read_texts(sq_store *store, const char *sql, sq_text *out, sq_error *error) {
  sqlite3_stmt *read = sq_borrow(store, sql, error);
  if (!read) return false;
  int code = sqlite3_step(read);
  for (int i = 0; code == SQLITE_ROW && i < sqlite3_column_count(read); i++) {
    const char *text = (const char *)sqlite3_column_text(read, i);
    sq_text_append(out, text ? text : "", (size_t)sqlite3_column_bytes(read, i) + 1);
  }
  bool good = code == SQLITE_ROW || code == SQLITE_DONE || sq_sqlite_fail(store, code, error);
  sq_give_back(store, read);
  return good;
}

/* What counts up: places of requests, changes of them, feedback. The last request is there for a backup that was put back,
   and goes on to count as another did. */
static const char *const counters =
    "SELECT (SELECT group_concat(name || ' ' || seq) FROM (SELECT name, seq FROM sqlite_sequence ORDER BY name)),"
    " (SELECT request_id || ' ' || created_at_us FROM request ORDER BY seq DESC LIMIT 1)";

bool sq_store_stamp(sq_store *store, const char *about, size_t length, sq_text *out, sq_error *error) {
  sq_text whole = {0};
  int64_t id[2];
  uint64_t key[2], hash[2];
  if (!sq_store_enter(store, error)) return false;
  bool good = sq_query_integer(store, "SELECT store_high FROM column_index", &id[0], error) &&
              sq_query_integer(store, "SELECT store_low FROM column_index", &id[1], error) &&
              (store->organization || read_texts(store, counters, &whole, error)); /* others' writing shows in them */
  sq_text_append(&whole, about, length);
  good = good && sq_text_whole(&whole, error);
  memcpy(key, id, sizeof key);
  if (good) {
    sq_siphash(key, whole.data ? whole.data : "", whole.length, hash);
    sq_text_format(out, "%016llx%016llx", (unsigned long long)hash[0], (unsigned long long)hash[1]);
  }
  sq_text_free(&whole);
  return good && sq_text_whole(out, error);
}

/* ----------------------------------------------------------------------------------------------------- tags */

static bool read_tag(sq_store *store, sqlite3_stmt *read, sq_text *room, sq_value *out, sq_error *error) {
  int code = sqlite3_step(read);
  *out = (sq_value){.kind = SQ_NULL};
  if (code == SQLITE_DONE) return true;
  if (code != SQLITE_ROW) return sq_sqlite_fail(store, code, error);
  const char *tag = (const char *)sqlite3_column_text(read, 0);
  sq_text_append(room, tag ? tag : "", tag ? (size_t)sqlite3_column_bytes(read, 0) : 0);
  *out = (sq_value){.kind = SQ_STRING, .length = (uint32_t)room->length, .text = room->data};
  return sq_text_whole(room, error);
}

bool sq_store_newest_tag(sq_store *store, const sq_target *target, sq_text *room, sq_value *out, sq_error *error) {
  sq_text owner = {0};
  bool good = sq_store_enter(store, error) && sq_find_owner(store, target, false, &owner, error);
  sqlite3_stmt *read = good ? sq_borrow(store,
                                        "SELECT tag FROM session_tag WHERE session_id = ?1 AND organization_id = ?2 AND project = ?3"
                                        " ORDER BY created_at_us DESC, tag DESC LIMIT 1", error) : NULL;
  if (read) {
    sq_bind_terminated(read, 1, target->session);
    sq_bind_terminated(read, 2, owner.data);
    sq_bind_terminated(read, 3, owner.data + strlen(owner.data) + 1);
    good = read_tag(store, read, room, out, error);
    sq_give_back(store, read);
  }
  sq_text_free(&owner);
  return good && read != NULL;
}
