/* The whole body of POST /v1/session/query, and how its answer looks. */
#include <string.h>

#include "dialect/helicone.h"

static const sq_shape_member members[] = {
    {"created_at", SQ_F_SESSION_CREATED_AT, SQ_ABSENT_EMPTY},
    {"latest_request_created_at", SQ_F_SESSION_LATEST, SQ_ABSENT_EMPTY},
    {"session_id", SQ_F_SESSION_KEY, SQ_ABSENT_EMPTY},
    {"session_name", SQ_F_SESSION_LABEL, SQ_ABSENT_EMPTY},
    {"total_cost", SQ_F_SESSION_COST, SQ_ABSENT_ZERO},
    {"total_requests", SQ_F_SESSION_REQUESTS, SQ_ABSENT_ZERO},
    {"prompt_tokens", SQ_F_SESSION_PROMPT_TOKENS, SQ_ABSENT_ZERO},
    {"completion_tokens", SQ_F_SESSION_COMPLETION_TOKENS, SQ_ABSENT_ZERO},
    {"total_tokens", SQ_F_SESSION_TOKENS, SQ_ABSENT_ZERO},
    {"avg_latency", SQ_F_SESSION_AVG_LATENCY, SQ_ABSENT_ZERO},
    {"user_ids", SQ_F_SESSION_USER_IDS, SQ_ABSENT_EMPTY},
};

const sq_shape sq_helicone_shape = {
    .before = "{\"data\":",
    .after = ",\"error\":null}",
    .error_before = "{\"data\":null,\"error\":",
    .error_after = "}",
    .members = members,
    .count = sizeof members / sizeof *members,
    .time_digits = 3,
};

typedef struct body {
  helicone h;
  sq_query *query;
  sq_kids filters;
} body;

static sq_place place_of(body *b, const cJSON *item) { return sq_json_value_place(&b->h.doc, item); }

static bool fail(body *b, const cJSON *item, sq_code code, const char *message) {
  helicone_fail_value(&b->h, item, code, message);
  return false;
}

static bool add(body *b, sq_node *node) { return sq_kids_add(b->h.builder, &b->filters, node); }

static sq_node *compare_text(body *b, sq_field field, sq_op op, const cJSON *item) {
  sq_operand text = helicone_text(&b->h, item);
  return sq_build_compare(b->h.builder, field, NULL, 0, op, &text, 1, 0, text.place);
}

static bool take_search(body *b, const cJSON *item) {
  if (!cJSON_IsString(item)) return fail(b, item, SQ_E_TYPE, "search is text");
  if (item->valuestring[0] == '\0') return true;
  return add(b, sq_build_or(b->h.builder, compare_text(b, SQ_F_SESSION_KEY, SQ_OP_CONTAINS, item),
                            compare_text(b, SQ_F_SESSION_LABEL, SQ_OP_CONTAINS, item)));
}

static bool take_name(body *b, const cJSON *item) {
  if (!cJSON_IsString(item)) return fail(b, item, SQ_E_TYPE, "nameEquals is text");
  return add(b, compare_text(b, SQ_F_SESSION_LABEL, SQ_OP_EQ, item));
}

/* The exponent from its `e` on, which JSON lets begin with zeros; what is beyond all times is cut. */
static int64_t exponent_of(const char *e, const char *end) {
  int64_t value = 0;
  bool negative = e + 1 < end && e[1] == '-';
  for (const char *at = e + 1; at < end; at++)
    if (*at >= '0' && *at <= '9' && value < 1000000) value = value * 10 + (*at - '0');
  return negative ? -value : value;
}

/* Milliseconds as seconds, exactly: the decimal point moves. */
static bool seconds_of(body *b, const cJSON *item, sq_operand *out) {
  *out = helicone_number(&b->h, item);
  const char *text = out->value.text, *end = text + out->value.length, *e = text;
  while (e < end && *e != 'e' && *e != 'E') e++;
  sq_text shifted = {0};
  sq_text_append(&shifted, text, (size_t)(e - text));
  sq_text_format(&shifted, "e%lld", (long long)(e < end ? exponent_of(e, end) : 0) - 3);
  const char *copy = shifted.failed ? NULL : sq_arena_copy(b->h.builder->arena, shifted.data, shifted.length);
  *out = sq_number_operand(copy, shifted.length, out->place);
  sq_text_free(&shifted);
  return copy || sq_fail_memory(b->h.builder->error);
}

static bool take_bound(body *b, const cJSON *item, sq_op op) {
  sq_operand seconds;
  if (!cJSON_IsNumber(item)) return fail(b, item, SQ_E_TYPE, "a bound of timeFilter is a number of milliseconds");
  return seconds_of(b, item, &seconds) &&
         add(b, sq_build_compare(b->h.builder, SQ_F_CREATED_AT, NULL, 0, op, &seconds, 1, 0, seconds.place));
}

/* Both ends are open. */
static bool take_times(body *b, const cJSON *object) {
  if (!cJSON_IsObject(object)) return fail(b, object, SQ_E_TYPE, "timeFilter is an object");
  const cJSON *start = NULL, *end = NULL;
  for (const cJSON *item = object->child; item; item = item->next) {
    if (strcmp(item->string, "startTimeUnixMs") == 0) start = item;
    else if (strcmp(item->string, "endTimeUnixMs") == 0) end = item;
    else {
      helicone_fail_key(&b->h, item, "member of timeFilter", (const char *const[]){"startTimeUnixMs", "endTimeUnixMs", NULL});
      return false;
    }
  }
  if (!start || !end)
    return fail(b, object, SQ_E_MISSING, start ? "timeFilter without endTimeUnixMs" : "timeFilter without startTimeUnixMs");
  return take_bound(b, start, SQ_OP_GT) && take_bound(b, end, SQ_OP_LT);
}

static bool take_whole(body *b, const cJSON *item, int64_t least, int64_t most, const char *message, int64_t *out) {
  sq_scaled number;
  sq_place place = place_of(b, item);
  if (!cJSON_IsNumber(item)) return fail(b, item, SQ_E_TYPE, message);
  sq_decimal_scale(b->h.doc.text + place.offset, place.length, 0, &number);
  if (!number.exact || number.overflow || number.floor < least || number.floor > most) return fail(b, item, SQ_E_VALUE, message);
  *out = number.floor;
  return true;
}

static bool take_timezone(body *b, const cJSON *item) {
  int64_t minutes;
  if (!take_whole(b, item, -1440, 1440, "timezoneDifference is a whole number of minutes from -1440 to 1440", &minutes)) return false;
  b->query->shape_offset_minutes = (int)minutes;
  return true;
}

static bool take_filter(body *b, const cJSON *item) { return add(b, helicone_node(&b->h, item, 0)); }

static bool take_offset(body *b, const cJSON *item) {
  return take_whole(b, item, 0, SQ_SAFE_INTEGER, "offset is a whole number from 0", &b->query->offset);
}

static bool take_limit(body *b, const cJSON *item) {
  return take_whole(b, item, 1, 1000, "limit is a whole number from 1 to 1000", &b->query->limit);
}

static const struct part {
  const char *name;
  bool required;
  bool (*take)(body *b, const cJSON *item);
} parts[] = {
    {"search", true, take_search},           {"timeFilter", true, take_times}, {"nameEquals", false, take_name},
    {"timezoneDifference", true, take_timezone}, {"filter", true, take_filter},    {"offset", false, take_offset},
    {"limit", false, take_limit},
};
enum { PARTS = sizeof parts / sizeof *parts };

static bool check_names(body *b, const cJSON *root) {
  const char *names[PARTS + 1] = {0};
  for (size_t i = 0; i < PARTS; i++) names[i] = parts[i].name;
  for (const cJSON *item = root->child; item; item = item->next) {
    size_t i = 0;
    while (i < PARTS && strcmp(parts[i].name, item->string) != 0) i++;
    if (i == PARTS) {
      helicone_fail_key(&b->h, item, "member", names);
      return false;
    }
  }
  return true;
}

static bool take_parts(body *b, const cJSON *root) {
  if (!cJSON_IsObject(root)) return fail(b, root, SQ_E_TYPE, "the body is an object");
  if (!check_names(b, root)) return false;
  for (size_t i = 0; i < PARTS; i++) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, parts[i].name);
    if (!item && parts[i].required) {
      sq_place place = place_of(b, root);
      return sq_fail_at(b->h.builder->error, SQ_E_MISSING, place.offset, place.length, "missing '%s'", parts[i].name);
    }
    bool given = item && (parts[i].required || !cJSON_IsNull(item)); /* an optional null is as if absent */
    if (given && !parts[i].take(b, item)) return false;
  }
  return true;
}

sq_node *sq_helicone_query(sq_builder *builder, sq_query *query, const char *source, size_t length) {
  body b = {.h = {.builder = builder}, .query = query};
  query->source = SQ_SESSIONS;
  query->keys[0] = (sq_key){.kind = SQ_KEY_SESSION, .name = "id", .field = SQ_F_SESSION_ID};
  query->key_count = 1;
  query->order = (sq_order){.field = SQ_F_SESSION_CREATED_AT, .descending = true};
  query->limited = true;
  query->limit = 50;
  if (!sq_json_doc_open(&b.h.doc, builder->arena, source, length, builder->error)) return NULL;
  bool taken = take_parts(&b, b.h.doc.root);
  sq_json_doc_close(&b.h.doc);
  return taken ? sq_build_many(builder, SQ_N_AND, &b.filters) : NULL;
}
