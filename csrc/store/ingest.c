/* JSON lines into rows: one call, one transaction. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/time.h"
#include "store/fresh.h"
#include "store/held.h"
#include "store/ids.h"
#include "store/ingest.h"
#include "store/map.h"

#define MOST_TO_WAIT 16384 /* bytes of a line */

typedef sq_ingesting ingesting;

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
  else in->has_new_id = true;
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

static void name_cost_source(sq_record *record) {
  if (!record->given[SQ_F_COST_USD] || record->given[SQ_F_COST_SOURCE]) return;
  if (record->fields[SQ_F_COST_USD].kind != SQ_NULL) set_text(&record->fields[SQ_F_COST_SOURCE], "recorded");
  record->given[SQ_F_COST_SOURCE] = true;
}

static bool complete(ingesting *in, const char *line, size_t length) {
  sq_value *fields = in->record->fields;
  in->unnamed = fields[SQ_F_PROJECT].kind == SQ_NULL && !in->store->project;
  in->has_new_id = in->ingest->new_ids;
  if (!take_scope(in, SQ_F_ORGANIZATION_ID, in->store->organization, "") || !take_scope(in, SQ_F_PROJECT, in->store->project, "default"))
    return false;
  if (is_text(&fields[SQ_F_REQUEST_ID], "")) return sq_fail(in->error, SQ_E_VALUE, "request_id is empty");
  if (fields[SQ_F_REQUEST_ID].kind == SQ_NULL && in->ingest->mode != SQ_INGEST_MERGE && !make_id(in, line, length)) return false;
  if (fields[SQ_F_REQUEST_ID].kind == SQ_NULL) return sq_fail(in->error, SQ_E_MISSING, "request_id is required");
  name_cost_source(in->record);
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
  bool good = (in->has_new_id ? sq_ids_find_unsealed : sq_ids_find)(in->store, &fields[SQ_F_REQUEST_ID], &fields[SQ_F_ORGANIZATION_ID], &fields[SQ_F_PROJECT], &in->hash, &seqs, in->error);
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

/* --------------------------------------------------------------------------------------- updates that waited */

/* The update of no project's name belongs to the one request of its id in the organization. */
static bool find_anywhere(ingesting *in, int64_t *seq, bool *found) {
  sq_value *fields = in->record->fields;
  sq_seqs seqs = {0};
  bool good = sq_ids_find(in->store, &fields[SQ_F_REQUEST_ID], &fields[SQ_F_ORGANIZATION_ID], NULL, &in->hash, &seqs, in->error);
  sq_seqs_sort(&seqs);
  *found = seqs.count > 0;
  if (*found) *seq = in->seq = seqs.items[0];
  if (good && seqs.count > 1) {
    const sq_value *id = &fields[SQ_F_REQUEST_ID];
    good = sq_fail(in->error, SQ_E_AMBIGUOUS, "'%s' names more than one request: say which project", sq_show(id->text, id->length).text);
  }
  free(seqs.items);
  return good && (!*found || sq_read_project(in, *seq));
}

/* As an update is, had it come behind its request. */
static bool merge_patch(ingesting *in, const sq_value *const id[3], const sq_held *held) {
  sq_record *record = in->record, patch = {0};
  const sq_entries feedback = in->feedback;
  const int64_t updated = in->ingest->updated;
  in->record = &patch;
  bool good = sq_record_read(&patch, &in->canonical, true, held->patch.data, held->patch.length, in->error) && read_feedback(in, held->created_at);
  name_cost_source(&patch);
  good = good && sq_update_request(in, in->seq) && sq_entries_put(in->store, &in->feedback, in->seq, id[0], id[1], id[2], in->error);
  sq_record_free(&patch);
  in->record = record;
  in->feedback = feedback;
  in->ingest->updated = updated;
  return good;
}

/* The record at hand was added. */
static bool merge_held(ingesting *in) {
  const sq_value *fields = in->record->fields, *const id[3] = {&fields[SQ_F_REQUEST_ID], &fields[SQ_F_ORGANIZATION_ID], &fields[SQ_F_PROJECT]};
  sq_held held = {0};
  bool found = false;
  bool good = !in->holds || sq_held_next(in->store, id, &held, &found, in->error);
  if (good && found) {
    in->ingest->merged++;
    good = sq_format_begin(&in->canonical, NULL, in->error) && insert_waiting(in); /* it is the last of them */
  }
  while (good && found) good = merge_patch(in, id, &held) && sq_held_next(in->store, id, &held, &found, in->error);
  good = good && (held.n == 0 || sq_held_drop(in->store, id, &held, in->error));
  sq_text_free(&held.patch);
  return good;
}

static bool hold(ingesting *in) {
  const sq_value *fields = in->record->fields;
  in->skipped = in->holds = true;
  in->ingest->held++;
  return sq_check_required(in) && sq_held_put(in->store, &fields[SQ_F_REQUEST_ID], &fields[SQ_F_ORGANIZATION_ID], in->unnamed ? NULL : &fields[SQ_F_PROJECT],
                                           in->record->line, in->record->length, in->error);
}

/* ------------------------------------------------------------------------------------------------ one line */

/* What happens to a request whose id is there. */
static bool settle_conflict(ingesting *in, int64_t seq) {
  switch (in->ingest->on_conflict) {
    case SQ_SKIP: in->ingest->skipped++; return in->skipped = true;
    case SQ_UPDATE: return sq_update_request(in, seq);
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
  return insert_request(in) && merge_held(in);
}

/* An update must find its request, or is held; `on_conflict = "update"` takes either. */
static bool put_merging(ingesting *in) {
  int64_t seq = 0;
  bool found;
  if (!(in->ingest->hold && in->unnamed ? find_anywhere(in, &seq, &found) : find_request(in, &seq, &found))) return false;
  if (found) return sq_update_request(in, seq);
  if (in->ingest->mode != SQ_INGEST_MERGE) return put_new(in);
  if (in->ingest->hold) return hold(in);
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
  in->skipped = false;
  if (!(merges(in->ingest) ? put_merging(in) : put_new(in))) return false;
  const sq_value *fields = in->record->fields; /* another place may be its now */
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
  if (ingest->hold && (ingest->mode != SQ_INGEST_MERGE || ingest->format)) return sq_fail(error, SQ_E_VALUE, "what is held are updates of the canonical format");
  if (!sq_store_enter(store, error) || !sq_format_begin(&in.format, ingest->format, error) || !sq_begin_write(store, error)) return false;
  list_columns(&in);
  sq_fresh_begin(store, ingest->identity[0] || ingest->identity[1]);
  bool taken = sq_held_any(store, &in.holds, error) && take_lines(&in, lines, length);
  if (taken && ingest->ids) {
    sq_text_put(ingest->ids, ingest->ids->length ? "]" : "[]");
    taken = sq_text_whole(ingest->ids, error);
  }
  for (size_t i = 0; i < SQ_INSERT_GROUP; i++) sq_record_free(&in.records[i]);
  if (!sq_end_write(store, taken, error)) return false;
  sq_seal_by_and_by(store);
  return true;
}
