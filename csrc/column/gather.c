#include "column/gather.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/mix.h"
#include "base/number.h"
#include "base/time.h"

static bool is_kept(sq_field field) {
  const sq_field_row *row = sq_field_get(field);
  return row->level == SQ_LEVEL_REQUEST && row->home == SQ_HOME_ROW && field != SQ_F_EXTRA;
}

void sq_list_kept(sq_kept *out) {
  out->count = 0;
  for (int i = SQ_F_NONE + 1; i < SQ_F_COUNT; i++) {
    if (!is_kept((sq_field)i)) continue;
    out->fields[out->count] = (sq_field)i;
    out->types[out->count++] = sq_field_get((sq_field)i)->type;
  }
}

sq_rows_builder *sq_rows_builder_make(sq_error *error) {
  sq_rows_builder *builder = calloc(1, sizeof *builder);
  if (!builder) {
    sq_fail_memory(error);
    return NULL;
  }
  sq_list_kept(&builder->kept);
  builder->seed = sq_mix((uintptr_t)builder, (uint64_t)sq_time_monotonic());
  for (int i = 0; i < SQ_F_COUNT; i++) builder->fields[i].texts.seed = builder->seed + (uint64_t)i;
  return builder;
}

uint32_t sq_rows_builder_count(const sq_rows_builder *builder) { return builder->count; }
int64_t sq_rows_builder_last_seq(const sq_rows_builder *builder) { return builder->seqs[builder->count - 1]; }

/* ---------------------------------------------------------------------------------------------------- room */

static bool widen(void *array_pointer, size_t size, uint32_t from, uint32_t to, int fill) {
  char **array = array_pointer, *wider;
  if (!*array && from) return true; /* not in use yet */
  if (!(wider = realloc(*array, size * to))) return false;
  memset(wider + size * from, fill, size * (to - from));
  *array = wider;
  return true;
}

static bool widen_field(sq_gathered *g, uint32_t from, uint32_t to) {
  return (!g->numbers || (widen(&g->numbers, sizeof *g->numbers, from, to, 0) && widen(&g->there, sizeof *g->there, from, to, 0))) &&
         (!g->entries || widen(&g->entries, sizeof *g->entries, from, to, 0xFF));
}

static bool make_room(sq_rows_builder *b) {
  if (b->count < b->capacity) return true;
  uint32_t capacity = b->capacity ? b->capacity * 2 : 64;
  if (!widen(&b->seqs, sizeof *b->seqs, b->capacity, capacity, 0)) return false;
  for (int i = 0; i < SQ_F_COUNT; i++)
    if (!widen_field(&b->fields[i], b->capacity, capacity)) return false;
  b->capacity = capacity;
  return true;
}

static bool begin_numbers(sq_rows_builder *b, sq_gathered *g) {
  if (g->numbers) return true;
  g->there = calloc(b->capacity, sizeof *g->there);
  g->numbers = g->there ? calloc(b->capacity, sizeof *g->numbers) : NULL;
  return g->numbers != NULL;
}

static bool begin_entries(sq_rows_builder *b, sq_gathered *g) {
  if (g->entries) return true;
  g->entries = malloc(b->capacity * sizeof *g->entries);
  if (g->entries) memset(g->entries, 0xFF, b->capacity * sizeof *g->entries);
  return g->entries != NULL;
}

/* -------------------------------------------------------------------------------------------------- values */

static bool put_number(sq_rows_builder *b, sq_gathered *g, int64_t number, sq_error *error) {
  if (!begin_numbers(b, g)) return sq_fail_memory(error);
  g->numbers[b->count] = number;
  g->there[b->count] = 1;
  return true;
}

static bool put_text(sq_rows_builder *b, sq_gathered *g, const char *text, size_t length, sq_error *error) {
  if (!begin_entries(b, g)) return sq_fail_memory(error);
  g->entries[b->count] = sq_texts_add(&g->texts, text, length);
  return g->entries[b->count] != SQ_NO_ENTRY || sq_fail_memory(error);
}

static sq_member_column *find_member(sq_rows_builder *b, sq_field field, const char *key, size_t length, size_t *of_field) {
  *of_field = 0;
  for (size_t i = 0; i < b->member_count; i++) {
    sq_member_column *m = &b->members[i];
    if (m->field != field) continue;
    if (m->key_length == length && memcmp(m->key, key, length) == 0) return m;
    (*of_field)++;
  }
  return NULL;
}

static sq_member_column *add_member(sq_rows_builder *b, sq_field field, const char *key, size_t length) {
  if (b->member_count == b->member_capacity) {
    size_t capacity = b->member_capacity ? b->member_capacity * 2 : 8;
    sq_member_column *members = realloc(b->members, capacity * sizeof *members);
    if (!members) return NULL;
    b->members = members;
    b->member_capacity = capacity;
  }
  char *copy = malloc(length + 1);
  if (!copy) return NULL;
  memcpy(copy, key, length);
  sq_member_column *m = &b->members[b->member_count];
  *m = (sq_member_column){.field = field, .key = copy, .key_length = length, .texts = {.seed = b->seed + SQ_F_COUNT + b->member_count}};
  b->member_count++;
  return m;
}

static bool put_member(sq_rows_builder *b, sq_member_column *m, const char *json, size_t length) {
  uint32_t entry = sq_texts_add(&m->texts, json, length);
  if (entry == SQ_NO_ENTRY) return false;
  if (m->count && m->rows[m->count - 1] == b->count) { /* the last of several members of one name counts */
    m->entries[m->count - 1] = entry;
    return true;
  }
  if (m->count == m->capacity) {
    uint32_t capacity = m->capacity ? m->capacity * 2 : 64;
    uint32_t *rows = realloc(m->rows, capacity * sizeof *rows), *entries;
    if (!rows) return false;
    m->rows = rows;
    if (!(entries = realloc(m->entries, capacity * sizeof *entries))) return false;
    m->entries = entries;
    m->capacity = capacity;
  }
  m->rows[m->count] = b->count;
  m->entries[m->count++] = entry;
  return true;
}

/* A null after a value of the same name takes it back. */
static void drop_member(sq_rows_builder *b, sq_member_column *m) {
  if (m->count && m->rows[m->count - 1] == b->count) m->count--;
}

/* The value as every reader sees it: texts with the same escapes, numbers in their shortest form. */
static bool write_scalar(sq_rows_builder *b, const sq_json *reader, sq_token token, const char *from) {
  sq_text *out = &b->scratch;
  char *plain = NULL;
  size_t length = reader->length;
  sq_text_clear(out);
  if (token == SQ_TOKEN_NUMBER && sq_number_is_shortest(reader->token, reader->length)) {
    sq_text_append(out, reader->token, reader->length);
  } else if (token == SQ_TOKEN_NUMBER) {
    char shortest[32];
    sq_text_append(out, shortest, sq_number_format(sq_number_parse(reader->token, reader->length), shortest));
  } else if (token == SQ_TOKEN_STRING && reader->escaped) {
    if (!(plain = malloc(length + 1))) return false;
    length = sq_json_unescape(reader->token, length, plain);
    sq_json_write_string(out, plain, length);
    free(plain);
  } else if (token == SQ_TOKEN_STRING) {
    sq_json_write_string(out, reader->token, length);
  } else {
    sq_text_append(out, from, (size_t)(reader->at - from));
  }
  return !out->failed;
}

static bool take_member(sq_rows_builder *b, sq_field field, sq_json *reader, sq_error *error) {
  char room[256], *key = reader->length < sizeof room ? room : malloc(reader->length + 1);
  if (!key) return sq_fail_memory(error);
  size_t of_field, length = sq_json_unescape(reader->token, reader->length, key);
  sq_member_column *m = find_member(b, field, key, length, &of_field);
  const char *from = sq_json_value_start(reader);
  sq_token token = sq_json_next(reader);
  bool nested = token == SQ_TOKEN_OBJECT || token == SQ_TOKEN_ARRAY;
  bool good = token != SQ_TOKEN_ERROR && (!nested || sq_json_skip(reader));
  if (good && !m && token != SQ_TOKEN_NULL) {
    b->overfull[field] = b->overfull[field] || of_field == SQ_MOST_MEMBERS;
    if (!b->overfull[field] && !(m = add_member(b, field, key, length))) good = sq_fail_memory(error);
  }
  if (key != room) free(key);
  if (!good || !m) return good;
  if (token == SQ_TOKEN_NULL) drop_member(b, m);
  else if (!write_scalar(b, reader, token, from) || !put_member(b, m, b->scratch.data, b->scratch.length)) return sq_fail_memory(error);
  return true;
}

/* What is no JSON object has no members. */
static bool put_map(sq_rows_builder *b, sq_field field, const sq_value *value, sq_error *error) {
  sq_json reader;
  if (!put_number(b, &b->fields[field], 1, error)) return false;
  sq_json_begin(&reader, value->text, value->length);
  if (sq_json_next(&reader) != SQ_TOKEN_OBJECT) return true;
  while (sq_json_next(&reader) == SQ_TOKEN_KEY)
    if (!take_member(b, field, &reader, error)) return error->code == SQ_OK;
  return true;
}

/* Plain SQL may write anything. */
static bool put_value(sq_rows_builder *b, sq_field field, sq_type type, const sq_value *value, sq_error *error) {
  bool number = value->kind == SQ_INTEGER || value->kind == SQ_BOOLEAN, text = value->kind == SQ_STRING;
  if (type == SQ_T_MAP && text) return put_map(b, field, value, error);
  if (sq_is_texts(type) && text) return put_text(b, &b->fields[field], value->text, value->length, error);
  if (!sq_is_texts(type) && type != SQ_T_MAP && number)
    return put_number(b, &b->fields[field], value->kind == SQ_BOOLEAN ? value->boolean : value->integer, error);
  return sq_fail(error, SQ_E_STORE, "the request with seq %lld has no %s in %s", (long long)b->seqs[b->count], sq_type_name(type), sq_field_get(field)->name);
}

bool sq_rows_builder_add(sq_rows_builder *builder, int64_t seq, const sq_value fields[], sq_error *error) {
  if (builder->count == SQ_SEGMENT_ROWS) return sq_fail(error, SQ_E_LIMIT, "a segment has at most %d rows", SQ_SEGMENT_ROWS);
  if (!make_room(builder)) return sq_fail_memory(error);
  builder->seqs[builder->count] = seq;
  const sq_kept *kept = &builder->kept;
  for (size_t i = 0; i < kept->count; i++) {
    const sq_value *value = &fields[kept->fields[i]];
    if (value->kind != SQ_NULL && !put_value(builder, kept->fields[i], kept->types[i], value, error)) return false;
  }
  builder->count++;
  return true;
}

bool sq_name_session(sq_rows_builder *b, const sq_named_session *session, sq_error *error) {
  if (b->named_count == b->named_capacity) {
    size_t capacity = b->named_capacity ? b->named_capacity * 2 : 256;
    sq_named_session *named = realloc(b->named, capacity * sizeof *named);
    if (!named) return sq_fail_memory(error);
    b->named = named;
    b->named_capacity = capacity;
  }
  b->named[b->named_count++] = *session;
  return true;
}

bool sq_rows_builder_name(sq_rows_builder *builder, uint32_t code, const sq_session_name *session, sq_error *error) {
  sq_named_session named = {
      .code = code,
      .organization = sq_texts_add(&builder->fields[SQ_F_ORGANIZATION_ID].texts, session->organization, session->organization_length),
      .project = sq_texts_add(&builder->fields[SQ_F_PROJECT].texts, session->project, session->project_length),
      .id = sq_texts_add(&builder->fields[SQ_F_SESSION_ID].texts, session->id, session->id_length)};
  if (named.organization == SQ_NO_ENTRY || named.project == SQ_NO_ENTRY || named.id == SQ_NO_ENTRY) return sq_fail_memory(error);
  return sq_name_session(builder, &named, error);
}

void sq_rows_builder_free(sq_rows_builder *builder) {
  if (!builder) return;
  for (int i = 0; i < SQ_F_COUNT; i++) {
    sq_gathered *g = &builder->fields[i];
    free(g->numbers);
    free(g->there);
    free(g->entries);
    sq_texts_free(&g->texts);
  }
  for (size_t i = 0; i < builder->member_count; i++) {
    free(builder->members[i].key);
    free(builder->members[i].rows);
    free(builder->members[i].entries);
    sq_texts_free(&builder->members[i].texts);
  }
  free(builder->members);
  free(builder->named);
  free(builder->seqs);
  sq_text_free(&builder->scratch);
  free(builder);
}
