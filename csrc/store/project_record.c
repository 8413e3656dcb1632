/* A project's members: JSON to columns, checked, and back. */
#include "base/json.h"
#include "base/time.h"
#include "base/uuid.h"
#include "store/limits.h"
#include "store/project.h"

typedef struct reading {
  sq_project_record *record;
  const char *name; /* of the member at hand */
  const char *from; /* where its value begins */
  sq_json json;
  sq_error *error;
} reading;

#define VALUE_ERROR(r, code, ...) \
  sq_fail_at((r)->error, code, (size_t)((r)->from - (r)->json.start), (size_t)((r)->json.at - (r)->from), __VA_ARGS__)

static bool json_error(reading *r) {
  return sq_fail_at(r->error, r->json.code ? r->json.code : SQ_E_SYNTAX, (size_t)(r->json.at - r->json.start), r->json.at < r->json.end,
                    "the project: %s", r->json.error ? r->json.error : "the text ends too early");
}

/* ------------------------------------------------------------------------------------------------- values */

/* The text of a STRING, terminated. */
static bool plain_text(reading *r, sq_value *out) {
  if (!sq_json_text(&r->json, &r->record->arena, out)) return sq_fail_memory(r->error);
  out->text = sq_arena_copy(&r->record->arena, out->text, out->length);
  return out->text || sq_fail_memory(r->error);
}

static bool read_text(reading *r, sq_token token, sq_value *out) {
  if (token != SQ_TOKEN_STRING) return VALUE_ERROR(r, SQ_E_TYPE, "a project's %s is text", r->name);
  return plain_text(r, out);
}

/* In lower case, as ids are compared. */
static bool read_uuid(reading *r, sq_token token, sq_value *out) {
  uint8_t uuid[SQ_UUID_SIZE];
  if (!read_text(r, token, out)) return false;
  if (!sq_uuid_read(out->text, out->length, uuid))
    return VALUE_ERROR(r, SQ_E_VALUE, "a project's %s is a UUID, which '%s' is not", r->name, sq_show(out->text, out->length).text);
  char *text = sq_arena_take(&r->record->arena, SQ_UUID_LENGTH + 1);
  if (!text) return sq_fail_memory(r->error);
  sq_uuid_write(uuid, text);
  out->text = text;
  return true;
}

static bool read_time(reading *r, sq_token token, sq_value *out) {
  sq_scaled micros;
  sq_value text;
  if (token == SQ_TOKEN_NUMBER) {
    sq_decimal_scale(r->json.token, r->json.length, 6, &micros);
  } else {
    if (token != SQ_TOKEN_STRING) return VALUE_ERROR(r, SQ_E_TYPE, "a project's %s is a time", r->name);
    if (!plain_text(r, &text)) return false;
    if (!sq_time_read(text.text, text.length, &micros))
      return VALUE_ERROR(r, SQ_E_VALUE, "a project's %s: '%s' is not a time; write it as RFC 3339 or in seconds", r->name,
                         sq_show(text.text, text.length).text);
  }
  const char *refusal = sq_refuse_time(&micros, token == SQ_TOKEN_NUMBER);
  if (refusal) return VALUE_ERROR(r, SQ_E_VALUE, "a project's %s %s", r->name, refusal);
  *out = (sq_value){.kind = SQ_INTEGER, .integer = micros.rounded};
  return true;
}

static bool read_tier(reading *r, sq_token token, sq_value *out) {
  static const char *const tiers[] = {"longlived", "shortlived"};
  if (!read_text(r, token, out)) return false;
  for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++)
    if (sq_same_text(tiers[i], out->text, out->length)) return true;
  return VALUE_ERROR(r, SQ_E_VALUE, "a project's %s is longlived or shortlived, not '%s'", r->name, sq_show(out->text, out->length).text);
}

/* As it is written. */
static bool read_object(reading *r, sq_token token, sq_value *out) {
  if (token == SQ_TOKEN_ARRAY && !sq_json_skip(&r->json)) return json_error(r);
  if (token != SQ_TOKEN_OBJECT) return VALUE_ERROR(r, SQ_E_TYPE, "a project's %s is an object", r->name);
  if (!sq_json_skip(&r->json)) return json_error(r);
  *out = (sq_value){.kind = SQ_STRING, .length = (uint32_t)(r->json.at - r->from), .text = r->from};
  return true;
}

/* A JSON array of them; one without elements is absent, and so is an object without members, since a Lua table does not
   tell which it is. */
static bool read_uuids(reading *r, sq_token token, sq_value *out) {
  if (token == SQ_TOKEN_OBJECT && sq_json_next(&r->json) == SQ_TOKEN_OBJECT_END) return true;
  if (token != SQ_TOKEN_ARRAY) return VALUE_ERROR(r, SQ_E_TYPE, "a project's %s is a list of UUIDs", r->name);
  sq_text list = {0};
  const char *whole = r->from;
  bool good = true;
  while (good && (token = sq_json_next(&r->json)) == SQ_TOKEN_STRING) {
    sq_value uuid;
    r->from = r->json.token - 1;
    if (!(good = read_uuid(r, token, &uuid))) break;
    sq_text_byte(&list, list.length ? ',' : '[');
    sq_json_write_string(&list, uuid.text, uuid.length);
  }
  r->from = whole;
  if (good && token != SQ_TOKEN_ARRAY_END)
    good = token == SQ_TOKEN_ERROR ? json_error(r) : VALUE_ERROR(r, SQ_E_TYPE, "a project's %s is a list of UUIDs", r->name);
  if (good && list.length) {
    sq_text_byte(&list, ']');
    char *copy = list.failed ? NULL : sq_arena_copy(&r->record->arena, list.data, list.length);
    *out = (sq_value){.kind = SQ_STRING, .length = (uint32_t)list.length, .text = copy};
    good = copy || sq_fail_memory(r->error);
  }
  sq_text_free(&list);
  return good;
}

/* ------------------------------------------------------------------------------------------------ members */

enum { TEXT, UUID, TIME, TIER, OBJECT, UUIDS };

static const struct {
  const char *name, *column;
  int holds;
} members[SQ_P_COUNT] = {
#define PROJECT_MEMBER(id, name, column, holds) [SQ_P_##id] = {name, column, holds},
    SQ_PROJECT_MEMBERS(PROJECT_MEMBER)
#undef PROJECT_MEMBER
};

const char *sq_project_column(sq_project_member member) { return members[member].column; }

static bool read_value(reading *r, sq_token token, int holds, sq_value *out) {
  static bool (*const readers[])(reading *, sq_token, sq_value *) = {
      [TEXT] = read_text, [UUID] = read_uuid, [TIME] = read_time, [TIER] = read_tier, [OBJECT] = read_object, [UUIDS] = read_uuids};
  return readers[holds](r, token, out);
}

static bool read_member(reading *r) {
  int which = 0;
  r->from = r->json.token - 1;
  while (which < SQ_P_COUNT && !sq_json_token_is(&r->json, members[which].name, strlen(members[which].name))) which++;
  if (which == SQ_P_COUNT) return VALUE_ERROR(r, SQ_E_UNKNOWN, "a project has no member '%s'", sq_show(r->json.token, r->json.length).text);
  r->name = members[which].name;
  if (r->record->given[which]) return VALUE_ERROR(r, SQ_E_SYNTAX, "the project's %s stands twice", r->name);
  r->record->given[which] = true;
  r->from = sq_json_value_start(&r->json);
  sq_token token = sq_json_next(&r->json);
  if (token == SQ_TOKEN_ERROR) return json_error(r);
  return token == SQ_TOKEN_NULL || read_value(r, token, members[which].holds, &r->record->values[which]);
}

bool sq_project_read(sq_project_record *record, const char *json, size_t length, sq_error *error) {
  reading r = {.record = record, .error = error};
  bool repaired;
  sq_token token = SQ_TOKEN_ERROR;
  sq_arena_begin(&record->arena, NULL, NULL, 0);
  if (!sq_check_size(length, error) || !sq_json_repair(&json, &length, &record->room, &repaired, error)) return false;
  sq_json_begin(&r.json, json, length);
  if (sq_json_next(&r.json) != SQ_TOKEN_OBJECT) return r.json.error ? json_error(&r) : sq_fail(error, SQ_E_TYPE, "a project is an object");
  while (error->code == SQ_OK && (token = sq_json_next(&r.json)) == SQ_TOKEN_KEY) read_member(&r);
  if (error->code == SQ_OK && (token != SQ_TOKEN_OBJECT_END || sq_json_next(&r.json) != SQ_TOKEN_END)) json_error(&r);
  if (error->placed) sq_json_pointer(json, length, error->offset, error->pointer, sizeof error->pointer);
  return error->code == SQ_OK;
}

void sq_project_record_free(sq_project_record *record) {
  sq_arena_end(&record->arena);
  sq_text_free(&record->room);
}

/* ------------------------------------------------------------------------------------------------ writing */

/* False when memory ended. */
static bool write_text(sqlite3_stmt *row, int column, int holds, const char *name, sq_text *out) {
  bool is_json = holds == OBJECT || holds == UUIDS, absent = sqlite3_column_type(row, column) == SQLITE_NULL;
  const char *text = absent ? (holds == OBJECT ? "{}" : "[]") : (const char *)sqlite3_column_text(row, column);
  size_t length = absent ? 2 : (size_t)sqlite3_column_bytes(row, column);
  if (absent && !is_json) return true;
  if (!text) return false;
  sq_text_format(out, ",\"%s\":", name);
  if (is_json) sq_text_append(out, text, length);
  else sq_json_write_string(out, text, length);
  return true;
}

bool sq_project_write(sqlite3_stmt *row, int column, sq_text *out) {
  bool good = true;
  for (int i = SQ_P_FIRST_FREE; i < SQ_P_COUNT && good; i++, column++) {
    if (members[i].holds == TIME) sq_write_row_time(row, column, members[i].name, out);
    else good = write_text(row, column, members[i].holds, members[i].name, out);
  }
  sq_write_row_time(row, column, "created_at", out);
  return good && !out->failed;
}
