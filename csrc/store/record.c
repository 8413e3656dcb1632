/* Record text to fields. Forgiving where it costs nothing (text may come as a number, a map may be empty),
   strict on numbers, and nothing of the record is lost: what has no field goes to `extra`. */
#include "store/record.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/time.h"
#include "store/limits.h"
#include "store/map.h"

#define MOST_NANO_USD (INT64_C(1000000) * 1000000000)

typedef struct span {
  size_t offset, length;
} span;

/* A value that counts when the field's own name brings none. */
typedef struct fallback {
  sq_field field;
  const char *from, *to;
} fallback;

typedef struct reading {
  sq_record *record;
  const sq_format *format;
  bool merging;
  sq_json json;
  sq_error *error;
  sq_pairs extra, properties; /* properties: Helicone's, under whichever names */
  fallback fallbacks[8];
  size_t fallback_count;
  bool emptied[SQ_F_COUNT]; /* a map without members, as opposed to null */
  sq_token cached;          /* what the record says of it, which must agree; ERROR: nothing */
  span cached_place;
  bool computed; /* something in extra has the name of a computed field */
} reading;

static size_t offset_of(const reading *r, const char *at) { return (size_t)(at - r->json.start); }

/* Error at the value that begins at `from` and was just read. */
#define VALUE_ERROR(r, code, from, ...) \
  sq_fail_at((r)->error, code, offset_of(r, from), (size_t)((r)->json.at - (from)), __VA_ARGS__)

static bool json_error(reading *r) {
  return sq_fail_at(r->error, r->json.code ? r->json.code : SQ_E_SYNTAX, offset_of(r, r->json.at), r->json.at < r->json.end, "%s",
                    r->json.error ? r->json.error : "the text ends too early");
}

/* ------------------------------------------------------------------------------------------------- values */

static bool plain_text(reading *r, sq_value *out) { return sq_json_text(&r->json, &r->record->arena, out) || sq_fail_memory(r->error); }

/* A number where text is wanted: user_id 42 is "42". An integer that no double holds keeps its digits. */
static bool number_text(reading *r, const char *name, sq_value *out) {
  double number = sq_number_parse(r->json.token, r->json.length);
  *out = (sq_value){.kind = SQ_STRING, .length = (uint32_t)r->json.length, .text = r->json.token};
  if (!isfinite(number)) return VALUE_ERROR(r, SQ_E_VALUE, r->json.token, "%s is beyond all numbers: give it as text", name);
  if (fabs(number) > (double)SQ_SAFE_INTEGER && sq_number_is_digits(r->json.token, r->json.length)) return true;
  char shortest[32];
  out->length = (uint32_t)sq_number_format(number, shortest);
  out->text = sq_arena_copy(&r->record->arena, shortest, out->length);
  return out->text || sq_fail_memory(r->error);
}

static const char *token_name(sq_token token) {
  static const char *const names[] = {"", "nothing", "an object", "", "a list", "", "", "text", "a number", "true", "false", "null"};
  return names[token];
}

static bool read_text(reading *r, const sq_field_row *row, sq_token token, const char *from, sq_value *out) {
  if (token == SQ_TOKEN_STRING) return plain_text(r, out);
  if (token == SQ_TOKEN_NUMBER) return number_text(r, row->name, out);
  return VALUE_ERROR(r, SQ_E_TYPE, from, "%s is text, not %s", row->name, token_name(token));
}

/* A document: text as it is, anything else as its JSON. */
static bool read_document(reading *r, sq_token token, const char *from, sq_value *out) {
  if (token == SQ_TOKEN_STRING) return plain_text(r, out);
  if ((token == SQ_TOKEN_OBJECT || token == SQ_TOKEN_ARRAY) && !sq_json_skip(&r->json)) return json_error(r);
  *out = (sq_value){.kind = SQ_STRING, .length = (uint32_t)(r->json.at - from), .text = from};
  return true;
}

static bool is_token_count(sq_field field) {
  return field == SQ_F_PROMPT_TOKENS || field == SQ_F_COMPLETION_TOKENS || field == SQ_F_TOTAL_TOKENS ||
         field == SQ_F_PROMPT_CACHE_READ_TOKENS || field == SQ_F_PROMPT_CACHE_WRITE_TOKENS;
}

static bool read_integer(reading *r, sq_field field, sq_token token, const char *from, sq_value *out) {
  const char *name = sq_field_get(field)->name;
  sq_scaled number;
  if (token != SQ_TOKEN_NUMBER) return VALUE_ERROR(r, SQ_E_TYPE, from, "%s is a whole number, not %s", name, token_name(token));
  sq_decimal_scale(r->json.token, r->json.length, 0, &number);
  if (number.overflow || number.floor > SQ_SAFE_INTEGER || number.floor < -SQ_SAFE_INTEGER)
    return VALUE_ERROR(r, SQ_E_VALUE, from, "%s is beyond 2^53 - 1", name);
  if (!number.exact) return VALUE_ERROR(r, SQ_E_VALUE, from, "%s is a whole number: round it", name);
  if (number.floor < 0 && is_token_count(field)) return VALUE_ERROR(r, SQ_E_VALUE, from, "%s is negative", name);
  *out = (sq_value){.kind = SQ_INTEGER, .integer = number.floor};
  return true;
}

static bool read_money(reading *r, const sq_field_row *row, sq_token token, const char *from, sq_value *out) {
  sq_scaled nano;
  if (token != SQ_TOKEN_NUMBER) return VALUE_ERROR(r, SQ_E_TYPE, from, "%s is a number of US dollars, not %s", row->name, token_name(token));
  sq_decimal_scale(r->json.token, r->json.length, 9, &nano);
  if (nano.overflow || nano.rounded > MOST_NANO_USD || nano.rounded < -MOST_NANO_USD)
    return VALUE_ERROR(r, SQ_E_VALUE, from, "%s is more than a million US dollars", row->name);
  *out = (sq_value){.kind = SQ_INTEGER, .integer = nano.rounded};
  return true;
}

static bool read_time(reading *r, const sq_field_row *row, sq_token token, const char *from, sq_value *out) {
  sq_scaled micros;
  sq_value text;
  if (token == SQ_TOKEN_STRING) {
    if (!plain_text(r, &text)) return false;
    if (!sq_time_read(text.text, text.length, &micros))
      return VALUE_ERROR(r, SQ_E_VALUE, from, "%s: '%s' is not a time; write it as RFC 3339 or in seconds", row->name,
                         sq_show(text.text, text.length).text);
  } else if (token == SQ_TOKEN_NUMBER) {
    sq_decimal_scale(r->json.token, r->json.length, 6, &micros);
  } else {
    return VALUE_ERROR(r, SQ_E_TYPE, from, "%s is a time, not %s", row->name, token_name(token));
  }
  const char *refusal = sq_refuse_time(&micros, token == SQ_TOKEN_NUMBER);
  if (refusal) return VALUE_ERROR(r, SQ_E_VALUE, from, "%s %s", row->name, refusal);
  *out = (sq_value){.kind = SQ_INTEGER, .integer = micros.rounded};
  return true;
}

static bool read_boolean(reading *r, const sq_field_row *row, sq_token token, const char *from, sq_value *out) {
  if (token != SQ_TOKEN_TRUE && token != SQ_TOKEN_FALSE)
    return VALUE_ERROR(r, SQ_E_TYPE, from, "%s is true or false, not %s", row->name, token_name(token));
  *out = (sq_value){.kind = SQ_BOOLEAN, .boolean = token == SQ_TOKEN_TRUE};
  return true;
}

static bool hand_over(reading *r, sq_text *json, sq_value *out) {
  char *copy = json->failed ? NULL : sq_arena_copy(&r->record->arena, json->data ? json->data : "", json->length);
  *out = (sq_value){.kind = SQ_STRING, .length = (uint32_t)json->length, .text = copy};
  sq_text_free(json);
  return copy || sq_fail_memory(r->error);
}

/* Texts (numbers are taken as such); an empty list is absent. An empty object is an empty list: a Lua table
   does not tell which. */
static bool read_list(reading *r, const sq_field_row *row, sq_token token, const char *from, sq_value *out) {
  if (token == SQ_TOKEN_OBJECT && sq_json_next(&r->json) == SQ_TOKEN_OBJECT_END) return true;
  if (token != SQ_TOKEN_ARRAY) return VALUE_ERROR(r, SQ_E_TYPE, from, "%s is a list of text, not %s", row->name, token_name(token));
  sq_text json = {0};
  sq_token item;
  while ((item = sq_json_next(&r->json)) == SQ_TOKEN_STRING || item == SQ_TOKEN_NUMBER || item == SQ_TOKEN_NULL) {
    sq_value text;
    if (item == SQ_TOKEN_NULL) continue;
    if (!(item == SQ_TOKEN_STRING ? plain_text(r, &text) : number_text(r, row->name, &text))) break;
    sq_text_byte(&json, json.length ? ',' : '[');
    sq_json_write_string(&json, text.text, text.length);
  }
  if (item == SQ_TOKEN_ARRAY_END && json.length == 0) return true;
  sq_text_byte(&json, ']');
  if (item == SQ_TOKEN_ARRAY_END) return hand_over(r, &json, out);
  sq_text_free(&json);
  if (item == SQ_TOKEN_ERROR) return json_error(r);
  return VALUE_ERROR(r, SQ_E_TYPE, from, "%s is a list of text: %s stands in it", row->name, token_name(item));
}

static bool check_number(reading *r, const char *name, const sq_pair *pair) {
  const char *refusal = sq_refuse_number(pair->value, pair->value_length);
  return !refusal || VALUE_ERROR(r, SQ_E_VALUE, pair->value, "%s: '%s' %s", name, sq_show(pair->key, pair->key_length).text, refusal);
}

static bool twice_error(reading *r, const char *name, const sq_pair *twice) {
  return sq_fail(r->error, SQ_E_VALUE, "%s: the key '%s' stands twice", name, sq_show(twice->key, twice->key_length).text);
}

/* Reads a map's members and adds them to the pairs; an empty array is an empty map. `any`: of any numbers. */
static bool read_pairs(reading *r, const char *name, bool any, sq_token token, const char *from, sq_pairs *pairs) {
  if (token == SQ_TOKEN_ARRAY && sq_json_next(&r->json) == SQ_TOKEN_ARRAY_END) return true;
  if (token != SQ_TOKEN_OBJECT) return VALUE_ERROR(r, SQ_E_TYPE, from, "%s is a map, not %s", name, token_name(token));
  sq_token item;
  size_t before = pairs->count;
  while ((item = sq_json_next(&r->json)) == SQ_TOKEN_KEY) {
    sq_value key;
    if (!plain_text(r, &key)) return false;
    if (!sq_map_read_value(pairs, &r->record->arena, &r->json, key.text, key.length, r->error)) return json_error(r);
    if (!any && !check_number(r, name, &pairs->items[pairs->count - 1])) return false;
  }
  if (item != SQ_TOKEN_OBJECT_END) return json_error(r);
  const sq_pair *twice = sq_map_sort(&(sq_pairs){.items = pairs->items + before, .count = pairs->count - before});
  return !twice || twice_error(r, name, twice);
}

/* Pairs as a JSON object in the order of the keys; none are absent. */
static bool finish_pairs(reading *r, const char *name, sq_pairs *pairs, sq_value *out) {
  sq_text json = {0};
  const sq_pair *twice = sq_map_sort(pairs);
  if (twice) return twice_error(r, name, twice);
  if (sq_map_write(pairs, r->merging, &json) == 0) {
    sq_text_free(&json);
    return true;
  }
  return hand_over(r, &json, out);
}

static bool read_map(reading *r, sq_field field, sq_token token, const char *from, sq_value *out) {
  if (field == SQ_F_EXTRA) return read_pairs(r, "extra", true, token, from, &r->extra);
  sq_pairs pairs = {0};
  const char *name = sq_field_get(field)->name;
  return read_pairs(r, name, false, token, from, &pairs) && finish_pairs(r, name, &pairs, out);
}

static bool read_field(reading *r, sq_field field, sq_token token, const char *from, sq_value *out) {
  const sq_field_row *row = sq_field_get(field);
  if (row->home == SQ_HOME_BODY) return read_document(r, token, from, out);
  switch (row->type) {
    case SQ_T_TEXT: return read_text(r, row, token, from, out);
    case SQ_T_INTEGER: return read_integer(r, field, token, from, out);
    case SQ_T_MONEY: return read_money(r, row, token, from, out);
    case SQ_T_TIME: return read_time(r, row, token, from, out);
    case SQ_T_BOOLEAN: return read_boolean(r, row, token, from, out);
    case SQ_T_LIST: return read_list(r, row, token, from, out);
    default: return read_map(r, field, token, from, out);
  }
}

/* ------------------------------------------------------------------------------------------------ members */

static bool read_named(reading *r, sq_field field) {
  const char *from = sq_json_value_start(&r->json);
  sq_token token = sq_json_next(&r->json);
  if (token == SQ_TOKEN_ERROR) return json_error(r);
  if (r->record->given[field]) return VALUE_ERROR(r, SQ_E_SYNTAX, from, "%s stands twice", sq_field_get(field)->name);
  r->record->given[field] = true;
  if (token == SQ_TOKEN_NULL) return true;
  r->emptied[field] = sq_field_get(field)->type == SQ_T_MAP;
  return read_field(r, field, token, from, &r->record->fields[field]);
}

static bool keep_extra(reading *r, const sq_value *key) {
  return sq_map_read_value(&r->extra, &r->record->arena, &r->json, key->text, key->length, r->error) || json_error(r);
}

static bool keep_fallback(reading *r, const sq_member *member, const sq_value *key) {
  if (!keep_extra(r, key)) return false;
  const sq_pair *kept = &r->extra.items[r->extra.count - 1];
  bool room = r->fallback_count < sizeof r->fallbacks / sizeof *r->fallbacks;
  if (room) r->fallbacks[r->fallback_count++] = (fallback){member->field, kept->value, kept->value + kept->value_length};
  return true;
}

static bool use_fallbacks(reading *r) {
  sq_json whole = r->json;
  for (size_t i = 0; i < r->fallback_count; i++) {
    const fallback *f = &r->fallbacks[i];
    if (r->record->fields[f->field].kind != SQ_NULL) continue;
    sq_json_begin(&r->json, f->from, (size_t)(f->to - f->from));
    r->json.start = whole.start; /* so that places are in the line */
    r->record->given[f->field] = false;
    if (!read_named(r, f->field)) return false;
  }
  r->json = whole;
  return true;
}

static bool read_feedback(reading *r) {
  const char *from = sq_json_value_start(&r->json);
  sq_token token = sq_json_next(&r->json);
  if (r->record->given[SQ_F_FEEDBACK]) return VALUE_ERROR(r, SQ_E_SYNTAX, from, "feedback stands twice");
  r->record->given[SQ_F_FEEDBACK] = true;
  if (token == SQ_TOKEN_NULL) return true;
  if (token != SQ_TOKEN_ARRAY) return VALUE_ERROR(r, SQ_E_TYPE, from, "feedback is a list, not %s", token_name(token));
  if (!sq_json_skip(&r->json)) return json_error(r);
  r->record->feedback = from;
  r->record->feedback_length = (size_t)(r->json.at - from);
  return true;
}

static bool read_properties(reading *r) {
  const char *from = sq_json_value_start(&r->json);
  sq_token token = sq_json_next(&r->json);
  return token == SQ_TOKEN_NULL || read_pairs(r, "properties", false, token, from, &r->properties);
}

/* A row that was read may be written again, so the field that is computed may stand in a record. */
static bool read_cached(reading *r) {
  const char *from = sq_json_value_start(&r->json);
  r->cached = sq_json_next(&r->json);
  r->cached_place = (span){offset_of(r, from), (size_t)(r->json.at - from)};
  if (r->cached == SQ_TOKEN_ERROR) return json_error(r);
  bool known = r->cached == SQ_TOKEN_TRUE || r->cached == SQ_TOKEN_FALSE || r->cached == SQ_TOKEN_NULL;
  return known || VALUE_ERROR(r, SQ_E_TYPE, from, "cached is true or false, not %s", token_name(r->cached));
}

static bool check_cached(reading *r) {
  static const char *const none = "00000000-0000-0000-0000-000000000000";
  const sq_value *reference = &r->record->fields[SQ_F_CACHE_REFERENCE_ID];
  bool cached = reference->kind == SQ_STRING && !sq_same_text(none, reference->text, reference->length);
  bool wanted = r->cached == SQ_TOKEN_TRUE;
  bool said = wanted || r->cached == SQ_TOKEN_FALSE;
  bool open = r->merging && !r->record->given[SQ_F_CACHE_REFERENCE_ID]; /* an update may leave it as it is */
  return !said || open || cached == wanted ||
         sq_fail_at(r->error, SQ_E_VALUE, r->cached_place.offset, r->cached_place.length,
                    "cached is computed from cache_reference_id, which says otherwise");
}

/* ------------------------------------------------------------------------------------------------ computed */

static bool read_derived(reading *r, sq_field field, const sq_value *key) {
  if (field == SQ_F_CACHED) return read_cached(r);
  r->computed |= field == SQ_F_OUTCOME || field == SQ_F_ENDED_AT;
  return keep_extra(r, key);
}

/* As catalog/fields.def has it. */
static const char *outcome_of(const sq_record *record) {
  const sq_value *status = &record->fields[SQ_F_STATUS];
  int64_t code = status->kind == SQ_INTEGER ? status->integer : 0;
  bool open = record->fields[SQ_F_RESPONDED_AT].kind == SQ_NULL && record->fields[SQ_F_LATENCY_MS].kind == SQ_NULL;
  if (record->fields[SQ_F_ERROR].kind != SQ_NULL || code >= 400 || (code < 0 && code != -2)) return "error";
  return code == -2 || open ? "pending" : "success";
}

static bool ended_at_of(const sq_record *record, int64_t *out) {
  const sq_value *responded = &record->fields[SQ_F_RESPONDED_AT], *created = &record->fields[SQ_F_CREATED_AT], *latency = &record->fields[SQ_F_LATENCY_MS];
  if (responded->kind == SQ_NULL && (created->kind == SQ_NULL || latency->kind == SQ_NULL)) return false;
  *out = responded->kind != SQ_NULL ? responded->integer : created->integer + 1000 * latency->integer;
  return true;
}

static bool says_outcome(const sq_record *record, const sq_json *value, sq_token token) {
  return token == SQ_TOKEN_STRING && sq_same_text(outcome_of(record), value->token, value->length);
}

static bool says_ended_at(const sq_record *record, const sq_json *value, sq_token token) {
  sq_scaled micros;
  int64_t ended_at;
  bool read = token == SQ_TOKEN_STRING ? sq_time_read(value->token, value->length, &micros)
                                       : token == SQ_TOKEN_NUMBER && sq_decimal_scale(value->token, value->length, 6, &micros);
  return read && !micros.overflow && ended_at_of(record, &ended_at) && micros.rounded == ended_at;
}

/* A row that was read may be written again: what was computed in it is let go, where it would come out the same. If
   not, it is a member of somebody's own that has the name. */
static void drop_computed(reading *r) {
  size_t kept = 0;
  for (size_t i = 0; i < r->extra.count; i++) {
    const sq_pair *pair = &r->extra.items[i];
    sq_json value;
    sq_json_begin(&value, pair->value, pair->value_length);
    sq_token token = sq_json_next(&value);
    bool said = (sq_same_text("outcome", pair->key, pair->key_length) && says_outcome(r->record, &value, token)) ||
                (sq_same_text("ended_at", pair->key, pair->key_length) && says_ended_at(r->record, &value, token));
    if (!said) r->extra.items[kept++] = *pair;
  }
  r->extra.count = kept;
}

static bool read_member(reading *r) {
  sq_value key;
  if (!plain_text(r, &key)) return false;
  const sq_member *member = sq_format_find(r->format, key.text, key.length);
  switch (member ? member->kind : SQ_MEMBER_EXTRA) {
    case SQ_MEMBER_FIELD: return read_named(r, member->field);
    case SQ_MEMBER_FALLBACK: return keep_fallback(r, member, &key);
    case SQ_MEMBER_FEEDBACK: return read_feedback(r);
    case SQ_MEMBER_PROPERTIES: return read_properties(r);
    case SQ_MEMBER_DERIVED: return read_derived(r, member->field, &key);
    default: return keep_extra(r, &key);
  }
}

/* Helicone's properties: those that are fields here become them, unless they are blank. */
static bool take_properties(reading *r) {
  sq_pairs *pairs = &r->properties;
  size_t kept = 0;
  sq_map_sort(pairs);
  sq_map_unique(pairs, false);
  for (size_t i = 0; i < pairs->count; i++) {
    sq_field field = sq_helicone_property(pairs->items[i].key, pairs->items[i].key_length);
    if (field == SQ_F_NONE) {
      pairs->items[kept++] = pairs->items[i];
      continue;
    }
    sq_json whole = r->json;
    sq_json_begin(&r->json, pairs->items[i].value, pairs->items[i].value_length);
    r->json.start = whole.start;
    if (!read_named(r, field)) return false;
    r->json = whole;
  }
  pairs->count = kept;
  if (kept) r->record->given[SQ_F_PROPERTIES] = true;
  return kept == 0 || finish_pairs(r, "properties", pairs, &r->record->fields[SQ_F_PROPERTIES]);
}

/* "" is absent in these. */
static void drop_blanks(sq_record *record) {
  static const sq_field blank[] = {SQ_F_SESSION_ID, SQ_F_SESSION_NAME, SQ_F_ERROR};
  for (size_t i = 0; i < sizeof blank / sizeof *blank; i++) {
    sq_value *value = &record->fields[blank[i]];
    if (value->kind == SQ_STRING && value->length == 0) value->kind = SQ_NULL;
  }
}

static bool read_object(reading *r) {
  if (sq_json_next(&r->json) != SQ_TOKEN_OBJECT)
    return r->json.error ? json_error(r) : sq_fail_at(r->error, SQ_E_TYPE, 0, 1, "a record is an object");
  sq_token token;
  while ((token = sq_json_next(&r->json)) == SQ_TOKEN_KEY)
    if (!read_member(r)) return false;
  if (token != SQ_TOKEN_OBJECT_END || sq_json_next(&r->json) != SQ_TOKEN_END) return json_error(r);
  if (!use_fallbacks(r) || !take_properties(r) || !check_cached(r)) return false;
  for (int i = SQ_F_NONE + 1; i < SQ_F_COUNT && r->merging; i++)
    if (r->emptied[i] && r->record->fields[i].kind == SQ_NULL) r->record->given[i] = false; /* nothing to merge */
  drop_blanks(r->record);
  if (r->computed) drop_computed(r);
  if (r->extra.count) r->record->given[SQ_F_EXTRA] = true;
  return finish_pairs(r, "the record", &r->extra, &r->record->fields[SQ_F_EXTRA]);
}

/* ------------------------------------------------------------------------------------------------ records */

bool sq_record_read(sq_record *record, const sq_format *format, bool merging, const char *line, size_t length, sq_error *error) {
  sq_arena_end(&record->arena);
  *record = (sq_record){.repaired = record->repaired};
  sq_arena_begin(&record->arena, NULL, NULL, 0);
  if (!sq_check_size(length, error) || !sq_json_repair(&line, &length, &record->repaired, &record->was_repaired, error) ||
      !sq_check_size(length, error))
    return false;
  reading r = {.record = record, .format = format, .merging = merging, .error = error};
  sq_json_begin(&r.json, line, length);
  record->line = line;
  record->length = length;
  if (read_object(&r)) return true;
  if (error->placed) sq_json_pointer(line, length, error->offset, error->pointer, sizeof error->pointer);
  return false;
}

void sq_record_free(sq_record *record) {
  sq_arena_end(&record->arena);
  sq_text_free(&record->repaired);
}
