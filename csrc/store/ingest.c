/* JSON lines into rows: one call, one transaction. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/time.h"
#include "store/feedback.h"
#include "store/fresh.h"
#include "store/map.h"
#include "store/record.h"
#include "store/ids.h"
#include "store/table.h"

#define MOST_TO_WAIT 16384 /* bytes of a line */

typedef struct ingesting {
  sq_store *store;
  sq_ingest *ingest;
  sq_format format;
  sq_record records[SQ_INSERT_GROUP]; /* the first ones wait to be inserted */
  uint64_t hashes[SQ_INSERT_GROUP];   /* of their ids */
  size_t waiting;
  sq_given_columns given;             /* in any of them */
  sq_field columns[64];               /* the fields that have columns, in the order of sq_given_columns */
  unsigned column_count;
  sq_record *record;                  /* at hand */
  sq_entries feedback;
  uint64_t hash; /* of this record's id */
  bool skipped;
  int64_t seq;   /* its request, once that is there */
  sq_error *error;
} ingesting;

/* --------------------------------------------------------------------------------- completing a record */

static void set_text(sq_value *value, const char *text) {
  *value = (sq_value){.kind = SQ_STRING, .length = (uint32_t)strlen(text), .text = text};
}

static bool is_text(const sq_value *value, const char *text) {
  return value->kind == SQ_STRING && sq_same_text(text, value->text, value->length);
}

/* Whether a null in a map clears a key. */
static bool merges(const sq_ingest *ingest) { return ingest->mode == SQ_INGEST_MERGE || ingest->on_conflict == SQ_UPDATE; }

/* The scope's organization or project, else the record's, else the default. */
static bool take_scope(ingesting *in, sq_field field, const char *scope, const char *otherwise) {
  sq_value *value = &in->record->fields[field];
  if (value->kind == SQ_NULL) {
    set_text(value, scope ? scope : otherwise);
    return true;
  }
  if (!scope || is_text(value, scope)) return true;
  return sq_fail(in->error, SQ_E_FORBIDDEN, "the record is of %s '%s', and the handle was opened for another",
                 field == SQ_F_PROJECT ? "project" : "organization", sq_show(value->text, value->length).text);
}

static bool make_id(ingesting *in, const char *line, size_t length) {
  const uint64_t *identity = in->ingest->identity;
  char *uuid = sq_arena_take(&in->record->arena, 37);
  if (!uuid) return sq_fail_memory(in->error);
  if (identity[0] | identity[1]) sq_line_id(identity, in->ingest->first_line + in->ingest->lines - 1, line, length, uuid);
  else if (!sq_uuid_make(uuid)) return sq_fail(in->error, SQ_E_STORE, "the system gives no random bits for a request_id");
  set_text(&in->record->fields[SQ_F_REQUEST_ID], uuid);
  return true;
}

static bool read_feedback(ingesting *in, int64_t time) {
  const sq_record *record = in->record;
  in->feedback = (sq_entries){0};
  if (!record->feedback) return true;
  if (sq_entries_read(&in->feedback, &in->record->arena, record->line, record->feedback, record->feedback_length, time, in->error)) return true;
  if (in->error->placed) sq_json_pointer(record->line, record->length, in->error->offset, in->error->pointer, sizeof in->error->pointer);
  return false;
}

static bool complete(ingesting *in, const char *line, size_t length) {
  sq_value *fields = in->record->fields;
  if (!take_scope(in, SQ_F_ORGANIZATION_ID, in->store->organization, "") || !take_scope(in, SQ_F_PROJECT, in->store->project, "default"))
    return false;
  if (is_text(&fields[SQ_F_REQUEST_ID], "")) return sq_fail(in->error, SQ_E_VALUE, "request_id is empty");
  if (fields[SQ_F_REQUEST_ID].kind == SQ_NULL && in->ingest->mode != SQ_INGEST_MERGE && !make_id(in, line, length)) return false;
  if (fields[SQ_F_REQUEST_ID].kind == SQ_NULL) return sq_fail(in->error, SQ_E_MISSING, "request_id is required");
  if (in->record->given[SQ_F_COST_USD] && !in->record->given[SQ_F_COST_SOURCE]) {
    if (fields[SQ_F_COST_USD].kind != SQ_NULL) set_text(&fields[SQ_F_COST_SOURCE], "recorded");
    in->record->given[SQ_F_COST_SOURCE] = true;
  }
  int64_t time = fields[SQ_F_CREATED_AT].kind == SQ_NULL ? sq_time_now() : fields[SQ_F_CREATED_AT].integer;
  return read_feedback(in, time);
}

/* Drops what an update's maps would clear. */
static bool without_nulls(ingesting *in, sq_value *map) {
  sq_text kept = {0};
  int64_t members = sq_merge_maps(&in->record->arena, NULL, 0, map->text, map->length, &kept, in->error);
  char *copy = members > 0 ? sq_arena_copy(&in->record->arena, kept.data, kept.length) : NULL;
  *map = (sq_value){.kind = copy ? SQ_STRING : SQ_NULL, .length = (uint32_t)kept.length, .text = copy};
  sq_text_free(&kept);
  return members >= 0 && (members == 0 || copy || sq_fail_memory(in->error));
}

static bool complete_new(ingesting *in) {
  sq_value *fields = in->record->fields;
  if (fields[SQ_F_CREATED_AT].kind == SQ_NULL) return sq_fail(in->error, SQ_E_MISSING, "created_at is required");
  if (fields[SQ_F_RUN_TYPE].kind == SQ_NULL) set_text(&fields[SQ_F_RUN_TYPE], "llm");
  for (int i = SQ_F_NONE + 1; i < SQ_F_COUNT && merges(in->ingest); i++)
    if (sq_field_get((sq_field)i)->type == SQ_T_MAP && fields[i].kind == SQ_STRING && !without_nulls(in, &fields[i])) return false;
  return true;
}

/* ------------------------------------------------------------------------------------------- statements */

static bool insert_body(ingesting *in, int64_t seq) {
  const sq_value *request = &in->record->fields[SQ_F_REQUEST_BODY], *response = &in->record->fields[SQ_F_RESPONSE_BODY];
  if (request->kind == SQ_NULL && response->kind == SQ_NULL) return true;
  sqlite3_stmt *insert = sq_prepared(in->store, SQ_INSERT_BODY, in->error);
  if (!insert) return false;
  sqlite3_bind_int64(insert, 1, seq);
  sq_bind_value(insert, 2, request);
  sq_bind_value(insert, 3, response);
  return sq_step_done(in->store, insert, in->error);
}

static bool has_body(const sq_record *record) {
  return record->fields[SQ_F_REQUEST_BODY].kind != SQ_NULL || record->fields[SQ_F_RESPONSE_BODY].kind != SQ_NULL;
}

static void list_columns(ingesting *in) {
  for (int i = SQ_F_NONE + 1; i < SQ_F_COUNT; i++)
    if (sq_field_get((sq_field)i)->home == SQ_HOME_ROW) in->columns[in->column_count++] = (sq_field)i;
}

static sq_given_columns given_columns(const ingesting *in) {
  sq_given_columns given = 0;
  for (unsigned i = 0; i < in->column_count; i++) given |= (sq_given_columns)(in->record->fields[in->columns[i]].kind != SQ_NULL) << i;
  return given;
}

/* Inserts the records from number `first` on, one or a group. */
static bool insert_rows(ingesting *in, size_t first, size_t count) {
  sqlite3_stmt *insert = sq_prepared_insert(in->store, in->given, count > 1, in->error);
  int parameter = 1;
  if (!insert) return false;
  for (const sq_record *r = &in->records[first]; r < &in->records[first + count]; r++)
    for (sq_given_columns left = in->store->insert_columns; left; left &= left - 1)
      sq_bind_value(insert, parameter++, &r->fields[in->columns[__builtin_ctzll(left)]]);
  if (!sq_step_done(in->store, insert, in->error)) return false;
  in->seq = sqlite3_last_insert_rowid(in->store->db); /* the others' stand before it */
  for (size_t i = 0; i < count; i++) {
    int64_t seq = in->seq - (int64_t)(count - 1 - i);
    sq_fresh_add(in->store, seq, in->records[first + i].fields);
    if (!sq_ids_note(in->store, in->hashes[first + i], seq, in->error)) return false;
  }
  return true;
}

/* Inserts what waits: a whole group at once. */
static bool insert_waiting(ingesting *in) {
  size_t count = in->waiting, step = count == SQ_INSERT_GROUP ? count : 1;
  in->waiting = 0;
  for (size_t i = 0; i < count; i += step)
    if (!insert_rows(in, i, step)) return false;
  return true;
}

/* What belongs to a row wants to know its seq, and long ones are not kept. What SQLite refuses for its
   length is so the record at hand. */
static bool may_wait(const ingesting *in) {
  return in->waiting < SQ_INSERT_GROUP && in->record->length <= MOST_TO_WAIT && !has_body(in->record) && in->feedback.count == 0;
}

/* There is none of this id. */
static bool insert_request(ingesting *in) {
  in->given |= given_columns(in);
  in->hashes[in->waiting++] = in->hash;
  return may_wait(in) || (insert_waiting(in) && insert_body(in, in->seq));
}

static bool is_waiting(const ingesting *in) {
  for (size_t i = 0; i < in->waiting; i++)
    if (in->hashes[i] == in->hash) return true;
  return false;
}

static bool find_stored(ingesting *in, bool *found) {
  const sq_value *fields = in->record->fields;
  sq_seqs seqs = {0};
  bool good = sq_ids_find(in->store, &fields[SQ_F_REQUEST_ID], &fields[SQ_F_ORGANIZATION_ID], &fields[SQ_F_PROJECT], &in->hash, &seqs, in->error);
  *found = seqs.count > 0;
  if (*found) in->seq = seqs.items[seqs.count - 1];
  free(seqs.items);
  return good;
}

/* None waits any more: the record at hand is the first. */
static void begin_group(ingesting *in) {
  const sq_record first = in->records[0];
  in->records[0] = *in->record;
  *in->record = first;
  in->record = &in->records[0];
}

/* The request of the record's id, be it one that waits. */
static bool find_request(ingesting *in, int64_t *seq, bool *found) {
  bool good = find_stored(in, found);
  if (good && !*found && is_waiting(in)) {
    good = insert_waiting(in) && find_stored(in, found);
    begin_group(in);
  }
  *seq = in->seq;
  return good;
}

static bool delete_row(ingesting *in, sq_cached which, int64_t seq) {
  sqlite3_stmt *delete = sq_prepared(in->store, which, in->error);
  if (!delete) return false;
  sqlite3_bind_int64(delete, 1, seq);
  return sq_step_done(in->store, delete, in->error);
}

static bool delete_request(ingesting *in, int64_t seq) {
  return delete_row(in, SQ_DELETE_BODY, seq) && delete_row(in, SQ_DELETE_REQUEST, seq) && sq_note_change(in->store, seq, in->error);
}

/* ------------------------------------------------------------------------------------------------ updates */

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

static bool check_required(ingesting *in) {
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
  return good && drop_empty_body(in, seq);
}

static bool update_request(ingesting *in, int64_t seq) {
  in->ingest->updated++;
  return check_required(in) && update_row(in, seq) && update_body(in, seq) && sq_note_change(in->store, seq, in->error);
}

/* ------------------------------------------------------------------------------------------------ one line */

/* What happens to a request whose id is there. */
static bool settle_conflict(ingesting *in, int64_t seq) {
  switch (in->ingest->on_conflict) {
    case SQ_SKIP: in->ingest->skipped++; return in->skipped = true;
    case SQ_UPDATE: return update_request(in, seq);
    default: break;
  }
  in->ingest->replaced++;
  return delete_request(in, seq) && insert_request(in);
}

static bool put_new(ingesting *in) {
  bool found;
  int64_t seq = 0;
  if (!complete_new(in) || !find_request(in, &seq, &found)) return false;
  if (found) return settle_conflict(in, seq);
  in->ingest->added++;
  return insert_request(in);
}

/* An update must find its request; `on_conflict = "update"` takes either. */
static bool put_merging(ingesting *in) {
  int64_t seq = 0;
  bool found;
  if (!find_request(in, &seq, &found)) return false;
  if (found) return update_request(in, seq);
  if (in->ingest->mode != SQ_INGEST_MERGE) return put_new(in);
  const sq_value *id = &in->record->fields[SQ_F_REQUEST_ID];
  const sq_value *project = &in->record->fields[SQ_F_PROJECT];
  return sq_fail(in->error, SQ_E_NOT_FOUND, "there is no request '%s' in project '%s' to update", sq_show(id->text, id->length).text,
                 sq_show(project->text, project->length).text);
}

static void note_id(ingesting *in) {
  sq_text *ids = in->ingest->ids;
  const sq_value *id = &in->record->fields[SQ_F_REQUEST_ID];
  if (!ids) return;
  sq_text_byte(ids, ids->length ? ',' : '[');
  sq_json_write_string(ids, id->text, id->length);
}

/* All that can be wrong with a record is found before the first write, so a bad line leaves nothing. */
static bool take_line(ingesting *in, const char *line, size_t length) {
  in->record = &in->records[in->waiting];
  if (!sq_record_read(in->record, &in->format, merges(in->ingest), line, length, in->error) || !complete(in, line, length)) return false;
  const sq_value *fields = in->record->fields;
  in->skipped = false;
  if (!(merges(in->ingest) ? put_merging(in) : put_new(in))) return false;
  if (!in->skipped && !sq_entries_put(in->store, &in->feedback, in->seq, &fields[SQ_F_REQUEST_ID], &fields[SQ_F_ORGANIZATION_ID], &fields[SQ_F_PROJECT], in->error))
    return false;
  in->ingest->repaired += in->record->was_repaired;
  note_id(in);
  return true;
}

/* ------------------------------------------------------------------------------------------------ all lines */

static bool is_blank(const char *line, size_t length) {
  for (size_t i = 0; i < length; i++)
    if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r') return false;
  return true;
}

/* Errors of the record itself, as opposed to those of the store. */
static bool is_of_record(sq_code code) {
  return code == SQ_E_SYNTAX || code == SQ_E_TYPE || code == SQ_E_VALUE || code == SQ_E_MISSING || code == SQ_E_LIMIT ||
         code == SQ_E_FORBIDDEN || code == SQ_E_UNKNOWN || code == SQ_E_NOT_FOUND;
}

/* A bad line is reported and passed over. */
static bool take_line_leniently(ingesting *in, const char *line, size_t length) {
  sq_ingest before = *in->ingest;
  sq_error *outer = in->error, inner = {.code = SQ_OK};
  in->error = &inner;
  bool taken = take_line(in, line, length);
  in->error = outer;
  if (taken) return true;
  if (!is_of_record(inner.code)) {
    *outer = inner;
    return false;
  }
  *in->ingest = before;
  in->ingest->failed++;
  sq_ingest_fault fault = {.line = before.first_line + before.lines - 1, .error = inner};
  if (in->ingest->on_fault) in->ingest->on_fault(in->ingest->state, &fault);
  return true;
}

static bool take_lines(ingesting *in, const char *lines, size_t length) {
  const char *end = lines + length;
  while (lines < end) {
    const char *line = lines, *stop = memchr(line, '\n', (size_t)(end - line));
    size_t size = (size_t)((stop ? stop : end) - line);
    lines = stop ? stop + 1 : end;
    in->ingest->lines++;
    if (is_blank(line, size)) continue;
    if (in->ingest->mode == SQ_INGEST_LENIENT ? !take_line_leniently(in, line, size) : !take_line(in, line, size)) return false;
  }
  return insert_waiting(in);
}

bool sq_store_ingest(sq_store *store, const char *lines, size_t length, sq_ingest *ingest, sq_error *error) {
  ingesting in = {.store = store, .ingest = ingest, .error = error};
  if (!sq_store_enter(store, error) || !sq_format_begin(&in.format, ingest->format, error) || !sq_begin_write(store, error)) return false;
  list_columns(&in);
  sq_fresh_begin(store, ingest->identity[0] || ingest->identity[1]);
  bool taken = take_lines(&in, lines, length);
  if (taken && ingest->ids) {
    sq_text_put(ingest->ids, ingest->ids->length ? "]" : "[]");
    taken = sq_text_whole(ingest->ids, error);
  }
  for (size_t i = 0; i < SQ_INSERT_GROUP; i++) sq_record_free(&in.records[i]);
  if (!sq_end_write(store, taken, error)) return false;
  sq_seal_by_and_by(store);
  return true;
}
