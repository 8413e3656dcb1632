/* Keys: made of the system's randomness, kept as a hash, found by id, compared in constant time. */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/sha256.h"
#include "base/time.h"
#include "base/utf8.h"
#include "store/sqlite.h"

#define ID_BYTES (SQ_KEY_ID_LENGTH / 2)
#define SECRET_BYTES 32

/* ------------------------------------------------------------------------------------------------- rights */

static const char *const rights[] = {
#define RIGHT_NAME(id, name, meaning) name,
    SQ_RIGHTS(RIGHT_NAME)
#undef RIGHT_NAME
};

#define RIGHT_COUNT (sizeof rights / sizeof *rights)

const char *sq_right_name(sq_right right) { return (size_t)right < RIGHT_COUNT ? rights[right] : NULL; }

/* As the table holds them: their names, divided by commas. */
static void write_rights(unsigned set, sq_text *out) {
  for (size_t i = 0; i < RIGHT_COUNT; i++)
    if (set >> i & 1) sq_text_format(out, "%s%s", out->length ? "," : "", rights[i]);
}

/* Names that nobody knows grant nothing: another version may have written them. */
static void write_rights_json(const char *stored, size_t length, sq_text *out) {
  const char *separator = "[";
  for (size_t i = 0; i < RIGHT_COUNT; i++) {
    const char *at = stored, *end = stored + length, *comma;
    for (; at < end; at = comma + 1) {
      comma = memchr(at, ',', (size_t)(end - at));
      if (!comma) comma = end;
      if (sq_same_text(rights[i], at, (size_t)(comma - at))) break;
    }
    if (at >= end) continue;
    sq_text_format(out, "%s\"%s\"", separator, rights[i]);
    separator = ",";
  }
  sq_text_put(out, separator[0] == '[' ? "[]" : "]");
}

/* ------------------------------------------------------------------------------------------------- making */

static void write_hex(const uint8_t *bytes, size_t count, char *out) {
  for (size_t i = 0; i < count; i++) snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* "id.secret" */
static bool make_text(char out[SQ_KEY_LENGTH + 1], sq_error *error) {
  uint8_t random[ID_BYTES + SECRET_BYTES];
  if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) return sq_fail(error, SQ_E_STORE, "the system gives no random numbers");
  write_hex(random, ID_BYTES, out);
  out[SQ_KEY_ID_LENGTH] = '.';
  write_hex(random + ID_BYTES, SECRET_BYTES, out + SQ_KEY_ID_LENGTH + 1);
  explicit_bzero(random, sizeof random);
  return true;
}

static bool check_text(const char *text, const char *what, sq_error *error) {
  return !text || sq_utf8_is_valid(text, strlen(text)) || sq_fail(error, SQ_E_VALUE, "the key's %s is not UTF-8", what);
}

static bool insert_key(sq_store *store, const sq_key_spec *spec, const char *text, const char *set, sq_error *error) {
  uint8_t hash[SQ_SHA256_SIZE];
  sq_sha256(text, SQ_KEY_LENGTH, hash);
  sqlite3_stmt *insert = sq_prepare(store,
                                    "INSERT INTO api_key(id, hash, name, organization_id, project, rights, created_at_us)"
                                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                                    error);
  if (!insert) return false;
  sqlite3_bind_text(insert, 1, text, SQ_KEY_ID_LENGTH, SQLITE_STATIC);
  sqlite3_bind_blob(insert, 2, hash, sizeof hash, SQLITE_STATIC);
  const char *const texts[] = {spec->name, spec->organization, spec->project, set};
  for (int i = 0; i < 4; i++) sq_bind_terminated(insert, 3 + i, texts[i]);
  sqlite3_bind_int64(insert, 7, sq_time_now());
  bool done = sq_step_done(store, insert, error);
  sqlite3_finalize(insert);
  return done;
}

bool sq_key_create(sq_store *store, const sq_key_spec *spec, char out[SQ_KEY_LENGTH + 1], sq_error *error) {
  sq_key_spec whole = *spec;
  sq_text set = {0};
  if (spec->rights == 0 || spec->rights >> RIGHT_COUNT) return sq_fail(error, SQ_E_VALUE, "a key has one right or more");
  if (!sq_narrow(store->organization, spec->organization, &whole.organization, "organization", error) ||
      !sq_narrow(store->project, spec->project, &whole.project, "project", error) || !check_text(whole.organization, "organization", error) ||
      !check_text(whole.project, "project", error) || !check_text(whole.name, "name", error) || !make_text(out, error))
    return false;
  if (!whole.organization) whole.organization = "";
  write_rights(spec->rights, &set);
  bool begun = sq_text_whole(&set, error) && sq_store_enter(store, error) && sq_begin_write(store, error);
  bool made = begun && sq_end_write(store, insert_key(store, &whole, out, set.data, error), error);
  sq_text_free(&set);
  if (!made) explicit_bzero(out, SQ_KEY_LENGTH + 1);
  return made;
}

/* ------------------------------------------------------------------------------------------------ reading */

enum { HASH, ID, NAME, ORGANIZATION, PROJECT, KEY_RIGHTS, CREATED_AT, REVOKED_AT };

/* NULL of an absent one; where memory ended `out` has failed, so that nobody takes it for absent. */
static const char *read_text(sqlite3_stmt *row, int column, sq_text *out) {
  bool absent = sqlite3_column_type(row, column) == SQLITE_NULL;
  const char *text = absent ? NULL : (const char *)sqlite3_column_text(row, column);
  if (!text && !absent) out->failed = true;
  return text;
}

static void write_member(sqlite3_stmt *row, int column, const char *name, sq_text *out) {
  const char *text = read_text(row, column, out);
  if (!text) return;
  sq_text_format(out, "%c\"%s\":", column == ID ? '{' : ',', name);
  sq_json_write_string(out, text, (size_t)sqlite3_column_bytes(row, column));
}

/* A row of SQ_FIND_KEY's columns. */
static void write_key(sqlite3_stmt *row, sq_text *out) {
  const char *set = read_text(row, KEY_RIGHTS, out);
  write_member(row, ID, "id", out);
  write_member(row, NAME, "name", out);
  write_member(row, ORGANIZATION, "organization", out);
  write_member(row, PROJECT, "project", out);
  sq_text_put(out, ",\"rights\":");
  write_rights_json(set ? set : "", set ? (size_t)sqlite3_column_bytes(row, KEY_RIGHTS) : 0, out);
  sq_write_row_time(row, CREATED_AT, "created_at", out);
  sq_write_row_time(row, REVOKED_AT, "revoked_at", out);
  sq_text_byte(out, '}');
}

bool sq_key_list(sq_store *store, sq_text *out, sq_error *error) {
  static const char *const sql =
      "SELECT NULL, id, name, organization_id, project, rights, created_at_us, revoked_at_us FROM api_key"
      " WHERE organization_id = coalesce(?1, organization_id) AND (?2 IS NULL OR project = ?2) ORDER BY created_at_us, id";
  sqlite3_stmt *list = sq_store_enter(store, error) ? sq_prepare(store, sql, error) : NULL;
  int code;
  if (!list) return false;
  sq_bind_terminated(list, 1, store->organization);
  sq_bind_terminated(list, 2, store->project);
  sq_text_byte(out, '[');
  for (bool first = true; (code = sqlite3_step(list)) == SQLITE_ROW; first = false) {
    if (!first) sq_text_byte(out, ',');
    write_key(list, out);
  }
  sq_text_byte(out, ']');
  bool good = code == SQLITE_DONE || sq_sqlite_fail(store, code, error);
  sqlite3_finalize(list);
  return good && sq_text_whole(out, error);
}

bool sq_key_any(sq_store *store, bool *any, sq_error *error) {
  int64_t found = 0;
  bool good = sq_store_enter(store, error) && sq_query_integer(store, "SELECT EXISTS (SELECT 1 FROM api_key)", &found, error);
  *any = found != 0;
  return good;
}

/* ------------------------------------------------------------------------------------------------ revoking */

static bool revoke(sq_store *store, const char *id, sq_error *error) {
  sqlite3_stmt *update = sq_prepare(store,
                                    "UPDATE api_key SET revoked_at_us = coalesce(revoked_at_us, ?4) WHERE id = ?1"
                                    " AND organization_id = coalesce(?2, organization_id) AND (?3 IS NULL OR project = ?3)",
                                    error);
  if (!update) return false;
  sq_bind_terminated(update, 1, id);
  sq_bind_terminated(update, 2, store->organization);
  sq_bind_terminated(update, 3, store->project);
  sqlite3_bind_int64(update, 4, sq_time_now());
  bool done = sq_step_done(store, update, error);
  sqlite3_finalize(update);
  return done && (sqlite3_changes(store->db) > 0 || sq_fail(error, SQ_E_NOT_FOUND, "there is no key with the id '%s'", sq_show(id, strlen(id)).text));
}

bool sq_key_revoke(sq_store *store, const char *id, sq_error *error) {
  return sq_store_enter(store, error) && sq_begin_write(store, error) && sq_end_write(store, revoke(store, id, error), error);
}

/* ------------------------------------------------------------------------------------------------ checking */

static bool is_hex(const char *text, size_t length) {
  for (size_t i = 0; i < length; i++)
    if (!sq_one_of("0123456789abcdef", text[i])) return false;
  return true;
}

static bool is_well_formed(const char *text, size_t length) {
  return length == SQ_KEY_LENGTH && text[SQ_KEY_ID_LENGTH] == '.' && is_hex(text, SQ_KEY_ID_LENGTH) &&
         is_hex(text + SQ_KEY_ID_LENGTH + 1, SQ_KEY_LENGTH - SQ_KEY_ID_LENGTH - 1);
}

/* The found row, or none: an id that is not there takes the same way as a wrong secret. */
static bool is_right(sqlite3_stmt *row, bool found, const uint8_t hash[SQ_SHA256_SIZE]) {
  static const uint8_t none[SQ_SHA256_SIZE] = {0};
  const uint8_t *kept = found ? sqlite3_column_blob(row, HASH) : NULL;
  bool whole = kept && sqlite3_column_bytes(row, HASH) == SQ_SHA256_SIZE;
  bool same = sq_sha256_equal(whole ? kept : none, hash);
  return whole && same && sqlite3_column_type(row, REVOKED_AT) == SQLITE_NULL;
}

bool sq_key_check(sq_store *store, const char *text, size_t length, sq_text *out, sq_error *error) {
  static const char *const refusal = "the key is not known, or was revoked";
  uint8_t hash[SQ_SHA256_SIZE];
  if (!sq_store_enter(store, error)) return false;
  if (!is_well_formed(text, length)) return sq_fail(error, SQ_E_UNAUTHORIZED, "%s", refusal);
  sq_sha256(text, length, hash);
  sqlite3_stmt *find = sq_prepared(store, SQ_FIND_KEY, error);
  if (!find) return false;
  sqlite3_bind_text(find, 1, text, SQ_KEY_ID_LENGTH, SQLITE_STATIC);
  sq_bind_terminated(find, 2, store->organization);
  sq_bind_terminated(find, 3, store->project);
  int code = sqlite3_step(find);
  bool good = code == SQLITE_ROW || code == SQLITE_DONE || sq_sqlite_fail(store, code, error);
  if (good && (good = is_right(find, code == SQLITE_ROW, hash))) write_key(find, out);
  else sq_fail(error, SQ_E_UNAUTHORIZED, "%s", refusal); /* unless there is an error already */
  sqlite3_reset(find);
  return good && sq_text_whole(out, error);
}
