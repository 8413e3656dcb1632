#include "exec/keys.h"

#include "base/json.h"

static const char absent_value[] = "n";

void sq_keys_begin(sq_keys *keys, sq_run *run) {
  keys->run = run;
  keys->count = run->query->key_count + 1;
  for (size_t i = 1; i < keys->count; i++) keys->parts[i].key = &run->query->keys[i - 1];
}

void sq_keys_end(sq_keys *keys) {
  for (size_t i = 0; i < keys->count; i++) sq_distinct_free(&keys->parts[i].values);
  sq_distinct_free(&keys->groups);
}

/* ------------------------------------------------------------------------------------------------- numbers */

static bool number_of(sq_keys *keys, sq_key_part *part, char kind, const void *bytes, size_t length, uint32_t *out) {
  char few[64], *packed = length < sizeof few ? few : sq_run_room(keys->run, SQ_ROOM_A, length + 1);
  if (!packed) return false;
  packed[0] = kind;
  if (length) memcpy(packed + 1, bytes, length);
  int64_t number = sq_distinct_count(&part->values, packed, length + 1);
  *out = (uint32_t)number;
  return number >= 0 || sq_fail_memory(keys->run->error);
}

static bool number_of_absent(sq_keys *keys, sq_key_part *part, uint32_t *out) { return number_of(keys, part, absent_value[0], NULL, 0, out); }

static bool number_of_string(sq_keys *keys, sq_key_part *part, const sq_json *reader, uint32_t *out) {
  if (!reader->escaped) return number_of(keys, part, 't', reader->token, reader->length, out);
  char *plain = sq_run_room(keys->run, SQ_ROOM_B, reader->length + 1);
  return plain && number_of(keys, part, 't', plain, sq_json_unescape(reader->token, reader->length, plain), out);
}

/* A scalar in JSON: numbers are equal by value; what is no scalar is absent. */
static bool number_of_scalar(sq_keys *keys, sq_key_part *part, const char *json, size_t length, uint32_t *out) {
  sq_json reader;
  sq_json_begin(&reader, json, length);
  sq_token token = sq_json_next(&reader);
  if (token == SQ_TOKEN_STRING) return number_of_string(keys, part, &reader, out);
  if (token == SQ_TOKEN_NUMBER) {
    double number = sq_number_parse(reader.token, reader.length) + 0.0; /* -0 is 0 */
    return number_of(keys, part, 'r', &number, sizeof number, out);
  }
  char truth = token == SQ_TOKEN_TRUE;
  if (token == SQ_TOKEN_TRUE || token == SQ_TOKEN_FALSE) return number_of(keys, part, 'b', &truth, 1, out);
  return number_of_absent(keys, part, out);
}

/* -------------------------------------------------------------------------------------------------- blocks */

static sq_field field_of(const sq_key_part *part) { return part->key ? part->key->field : SQ_F_ORGANIZATION_ID; }

static bool open_part(sq_keys *keys, sq_key_part *part, sq_state *state) {
  const sq_key *key = part->key;
  sq_field field = field_of(part) == SQ_F_CACHED ? SQ_F_CACHE_REFERENCE_ID : field_of(part);
  const char *member = key ? key->member : NULL;
  part->of_entry = NULL;
  part->of_truth[0] = part->of_truth[1] = part->of_truth[2] = UINT32_MAX;
  if (field == SQ_F_OUTCOME) return sq_outcome_columns_open(state->block->segment, &part->outcome, keys->run->error);
  if (!sq_open_column(state->block->segment, field, member, member ? key->member_length : 0, &part->column, keys->run->error)) return false;
  if (field_of(part) == SQ_F_CACHED) sq_cached_column_make(&part->column, &part->cached);
  if (part->column.encoding != SQ_ENC_TEXT || field_of(part) == SQ_F_CACHED) return true;
  size_t size = part->column.dictionary.count * sizeof *part->of_entry;
  part->of_entry = sq_run_take(keys->run, size + 1);
  if (part->of_entry) memset(part->of_entry, 0xFF, size);
  return part->of_entry != NULL;
}

bool sq_keys_open(sq_keys *keys, sq_state *state) {
  for (size_t i = 0; i < keys->count; i++)
    if (!open_part(keys, &keys->parts[i], state)) return false;
  return true;
}

/* ---------------------------------------------------------------------------------------------------- rows */

static bool number_of_entry(sq_keys *keys, sq_key_part *part, uint32_t entry, uint32_t *out) {
  char room[37];
  size_t length;
  const char *text = sq_dictionary_text(&part->column.dictionary, entry, room, &length);
  if (part->key && part->key->kind == SQ_KEY_MEMBER) return number_of_scalar(keys, part, text, length, out);
  return number_of(keys, part, 't', text, length, out);
}

static bool number_of_text(sq_keys *keys, sq_key_part *part, uint32_t row, uint32_t *out) {
  uint32_t entry;
  if (!sq_column_entry(&part->column, row, &entry)) {
    if (part->of_truth[2] == UINT32_MAX && !number_of_absent(keys, part, &part->of_truth[2])) return false;
    *out = part->of_truth[2];
    return true;
  }
  bool known = part->of_entry && entry < part->column.dictionary.count;
  if (!known) return number_of_entry(keys, part, entry, out);
  if (part->of_entry[entry] == UINT32_MAX && !number_of_entry(keys, part, entry, &part->of_entry[entry])) return false;
  *out = part->of_entry[entry];
  return true;
}

static bool number_of_boolean(sq_keys *keys, sq_key_part *part, uint32_t row, uint32_t *out) {
  int64_t value;
  unsigned which = 2;
  if (field_of(part) == SQ_F_CACHED) which = sq_row_cached(&part->cached, row);
  else if (sq_column_integer(&part->column, row, &value)) which = value != 0;
  char truth = (char)which;
  uint32_t *known = &part->of_truth[which];
  if (*known == UINT32_MAX && !(which == 2 ? number_of_absent(keys, part, known) : number_of(keys, part, 'b', &truth, 1, known))) return false;
  *out = *known;
  return true;
}

static bool number_of_outcome(sq_keys *keys, sq_key_part *part, uint32_t row, uint32_t *out) {
  sq_outcome outcome = sq_row_outcome(&part->outcome, row);
  const char *name = sq_outcome_names[outcome];
  uint32_t *known = &part->of_truth[outcome];
  if (*known == UINT32_MAX && !number_of(keys, part, 't', name, strlen(name), known)) return false;
  *out = *known;
  return true;
}

/* No bucket is shorter than this, in hours. */
static const int64_t shortest[] = {[SQ_HOUR] = 1, [SQ_DAY] = 24, [SQ_WEEK] = 7 * 24, [SQ_MONTH] = 28 * 24};

static bool number_of_bucket(sq_keys *keys, sq_key_part *part, uint32_t row, uint32_t *out) {
  int64_t time = 0;
  sq_column_integer(&part->column, row, &time);
  if (time < part->bucket || time >= part->bucket_end) {
    part->bucket = sq_bucket_start(time, part->key->bucket, part->key->offset_minutes);
    part->bucket_end = part->bucket + shortest[part->key->bucket] * 60 * SQ_MICROS_PER_MINUTE;
    if (!number_of(keys, part, 'i', &part->bucket, sizeof part->bucket, &part->bucket_number)) return false;
  }
  *out = part->bucket_number;
  return true;
}

typedef bool number_of_row(sq_keys *keys, sq_key_part *part, uint32_t row, uint32_t *out);

static number_of_row *reader_of(const sq_key_part *part) {
  if (part->key && part->key->kind == SQ_KEY_BUCKET) return number_of_bucket;
  if (field_of(part) == SQ_F_OUTCOME) return number_of_outcome;
  return sq_field_get(field_of(part))->type == SQ_T_BOOLEAN ? number_of_boolean : number_of_text;
}

static bool find_group(sq_keys *keys, const uint32_t numbers[SQ_KEY_PARTS], uint32_t *out) {
  uint32_t hash = 0;
  for (size_t i = 0; i < keys->count; i++) hash = (hash ^ numbers[i]) * UINT32_C(0x9E3779B1);
  size_t slot = (hash >> 16) % SQ_KEY_CACHE;
  if (keys->cache[slot].group == 0 || memcmp(keys->cache[slot].numbers, numbers, sizeof keys->cache[slot].numbers) != 0) {
    int64_t group = sq_distinct_count(&keys->groups, (const char *)numbers, SQ_KEY_PARTS * sizeof *numbers);
    if (group < 0) return sq_fail_memory(keys->run->error);
    memcpy(keys->cache[slot].numbers, numbers, sizeof keys->cache[slot].numbers);
    keys->cache[slot].group = (uint32_t)group + 1;
  }
  *out = keys->cache[slot].group - 1;
  return true;
}

bool sq_keys_rows(sq_keys *keys, const uint32_t *rows, uint32_t count, uint32_t *groups) {
  number_of_row *readers[SQ_KEY_PARTS];
  for (size_t k = 0; k < keys->count; k++) readers[k] = reader_of(&keys->parts[k]);
  for (uint32_t i = 0; i < count; i++) {
    uint32_t numbers[SQ_KEY_PARTS] = {0};
    for (size_t k = 0; k < keys->count; k++)
      if (!readers[k](keys, &keys->parts[k], rows[i], &numbers[k])) return false;
    if (!find_group(keys, numbers, &groups[i])) return false;
  }
  return true;
}

/* -------------------------------------------------------------------------------------------------- values */

void sq_keys_value(const sq_keys *keys, uint32_t group, size_t part, sq_value *out) {
  uint32_t numbers[SQ_KEY_PARTS];
  memcpy(numbers, keys->groups.items[group].text, sizeof numbers);
  const sq_distinct_item *item = &keys->parts[part].values.items[numbers[part]];
  const char *bytes = item->text + 1;
  *out = (sq_value){.kind = SQ_NULL};
  switch (item->text[0]) {
    case 't': *out = (sq_value){.kind = SQ_STRING, .length = (uint32_t)(item->length - 1), .text = bytes}; break;
    case 'b': *out = (sq_value){.kind = SQ_BOOLEAN, .boolean = *bytes != 0}; break;
    case 'i':
      out->kind = SQ_INTEGER;
      memcpy(&out->integer, bytes, sizeof out->integer);
      break;
    case 'r':
      out->kind = SQ_REAL;
      memcpy(&out->real, bytes, sizeof out->real);
      break;
    default: break;
  }
}
