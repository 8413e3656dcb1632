/* The whole bodies of POST /v1/session/query, /count, /name/query and /metrics/query, and how their answers look. */
#include <string.h>

#include "dialect/helicone.h"

#define ENVELOPE \
  .before = "{\"data\":", .after = ",\"error\":null}", .error_before = "{\"data\":null,\"error\":", .error_after = "}", .time_digits = 3
#define MEMBERS(array) .members = array, .count = sizeof array / sizeof *array

static const sq_shape_member session_members[] = {
    {"created_at", SQ_F_SESSION_CREATED_AT, SQ_ABSENT_EMPTY, .summary = SQ_AS_IS},
    {"latest_request_created_at", SQ_F_SESSION_LATEST, SQ_ABSENT_EMPTY, .summary = SQ_AS_IS},
    {"session_id", SQ_F_SESSION_KEY, SQ_ABSENT_EMPTY, .summary = SQ_AS_IS},
    {"session_name", SQ_F_SESSION_LABEL, SQ_ABSENT_EMPTY, .summary = SQ_AS_IS},
    {"total_cost", SQ_F_SESSION_COST, SQ_ABSENT_ZERO, .summary = SQ_AS_IS},
    {"total_requests", SQ_F_SESSION_REQUESTS, SQ_ABSENT_ZERO, .summary = SQ_AS_IS},
    {"prompt_tokens", SQ_F_SESSION_PROMPT_TOKENS, SQ_ABSENT_ZERO, .summary = SQ_AS_IS},
    {"completion_tokens", SQ_F_SESSION_COMPLETION_TOKENS, SQ_ABSENT_ZERO, .summary = SQ_AS_IS},
    {"total_tokens", SQ_F_SESSION_TOKENS, SQ_ABSENT_ZERO, .summary = SQ_AS_IS},
    {"avg_latency", SQ_F_SESSION_AVG_LATENCY, SQ_ABSENT_ZERO, .summary = SQ_AS_IS},
    {"user_ids", SQ_F_SESSION_USER_IDS, SQ_ABSENT_EMPTY, .summary = SQ_AS_IS},
};
static const sq_shape session_shape = {ENVELOPE, MEMBERS(session_members)};

/* The means are per session, avg_latency that of the session's latencies together. */
static const sq_shape_member count_members[] = {
    {.name = "count", .summary = SQ_COUNT},
    {.name = "total_cost", .field = SQ_F_SESSION_COST, .summary = SQ_SUM},
    {.name = "avg_cost", .field = SQ_F_SESSION_COST, .summary = SQ_MEAN},
    {.name = "avg_latency", .field = SQ_F_SESSION_LATENCY, .summary = SQ_MEAN},
    {.name = "avg_requests", .field = SQ_F_SESSION_REQUESTS, .summary = SQ_MEAN},
};
static const sq_shape count_shape = {ENVELOPE, MEMBERS(count_members), .form = SQ_FORM_SUMMARY};

/* Sessions gathered by their name, as /query shows it; avg_latency is per request. */
static const sq_shape_member name_members[] = {
    {.name = "name", .field = SQ_F_SESSION_LABEL, .summary = SQ_AS_IS},
    {.name = "created_at", .field = SQ_F_SESSION_CREATED_AT, .summary = SQ_LEAST},
    {.name = "first_used", .field = SQ_F_SESSION_CREATED_AT, .summary = SQ_LEAST},
    {.name = "last_used", .field = SQ_F_SESSION_LATEST, .summary = SQ_GREATEST},
    {.name = "session_count", .summary = SQ_COUNT},
    {.name = "avg_latency", .field = SQ_F_SESSION_LATENCY, .summary = SQ_QUOTIENT, .other = SQ_F_SESSION_LATENCIES},
};
enum { LAST_USED = 3 };
static const sq_shape name_shape = {ENVELOPE, MEMBERS(name_members), .form = SQ_FORM_SUMMARIES, .order = LAST_USED, .most = 50};

/* Durations are shown in seconds; they are milliseconds with three fraction digits. */
static const sq_shape_member metric_members[] = {
    {.name = "session_count", .field = SQ_F_SESSION_REQUESTS, .finer = 1, .unit = 1},
    {.name = "session_duration", .field = SQ_F_SESSION_DURATION, .finer = 1000, .unit = 1000000},
    {.name = "session_cost", .field = SQ_F_SESSION_COST, .finer = 1, .unit = 1000000000},
};
static const sq_shape metric_shape = {ENVELOPE, MEMBERS(metric_members), .form = SQ_FORM_HISTOGRAMS};

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

static bool take_contained(body *b, const cJSON *item) {
  if (!cJSON_IsString(item)) return fail(b, item, SQ_E_TYPE, "nameContains is text");
  return item->valuestring[0] == '\0' || add(b, compare_text(b, SQ_F_SESSION_LABEL, SQ_OP_CONTAINS, item));
}

static bool take_name(body *b, const cJSON *item) {
  if (!cJSON_IsString(item)) return fail(b, item, SQ_E_TYPE, "nameEquals is text");
  return add(b, compare_text(b, SQ_F_SESSION_LABEL, SQ_OP_EQ, item));
}

static bool take_bound(body *b, const cJSON *item, sq_op op) {
  if (!cJSON_IsNumber(item)) return fail(b, item, SQ_E_TYPE, "a bound of timeFilter is a number of milliseconds");
  sq_operand seconds = helicone_number(&b->h, item);
  return sq_shift_number(b->h.builder, &seconds, -3) &&
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
  b->query->shaping.offset_minutes = (int)minutes;
  return true;
}

static bool take_filter(body *b, const cJSON *item) { return add(b, helicone_node(&b->h, item, 0)); }

static bool take_offset(body *b, const cJSON *item) {
  return take_whole(b, item, 0, SQ_SAFE_INTEGER, "offset is a whole number from 0", &b->query->offset);
}

static bool take_limit(body *b, const cJSON *item) {
  return take_whole(b, item, 1, 1000, "limit is a whole number from 1 to 1000", &b->query->limit);
}

static bool take_percentile(body *b, const cJSON *item) {
  static const struct {
    const char *name;
    int permille;
  } percentiles[] = {{"p50", 500}, {"p75", 750}, {"p95", 950}, {"p99", 990}, {"p99.9", 999}};
  for (size_t i = 0; cJSON_IsString(item) && i < sizeof percentiles / sizeof *percentiles; i++)
    if (strcmp(percentiles[i].name, item->valuestring) == 0) {
      b->query->shaping.permille = percentiles[i].permille;
      return true;
    }
  return fail(b, item, cJSON_IsString(item) ? SQ_E_VALUE : SQ_E_TYPE, "pSize is \"p50\", \"p75\", \"p95\", \"p99\" or \"p99.9\"");
}

static bool take_interquartile(body *b, const cJSON *item) {
  if (!cJSON_IsBool(item)) return fail(b, item, SQ_E_TYPE, "useInterquartile is true or false");
  b->query->shaping.both_ends = cJSON_IsTrue(item);
  return true;
}

/* Which bodies have a member, and which must have it. */
enum { QUERY = 1, COUNT = 2, NAMES = 4, METRICS = 8 };

static const struct part {
  const char *name;
  unsigned in, required;
  bool (*take)(body *b, const cJSON *item);
} parts[] = {
    {"search", QUERY | COUNT, QUERY | COUNT, take_search},
    {"nameContains", NAMES | METRICS, NAMES | METRICS, take_contained},
    {"timeFilter", QUERY | COUNT | NAMES | METRICS, QUERY | COUNT, take_times},
    {"nameEquals", QUERY | COUNT, 0, take_name},
    {"timezoneDifference", QUERY | COUNT | NAMES | METRICS, QUERY | COUNT | NAMES | METRICS, take_timezone},
    {"filter", QUERY | COUNT | NAMES | METRICS, QUERY | COUNT, take_filter},
    {"offset", QUERY | COUNT, 0, take_offset},
    {"limit", QUERY | COUNT, 0, take_limit},
    {"pSize", METRICS, 0, take_percentile},
    {"useInterquartile", METRICS, 0, take_interquartile},
};
enum { PARTS = sizeof parts / sizeof *parts };

static bool check_names(body *b, const cJSON *root, unsigned which) {
  const char *names[PARTS + 1] = {0};
  size_t count = 0;
  for (size_t i = 0; i < PARTS; i++)
    if (parts[i].in & which) names[count++] = parts[i].name;
  for (const cJSON *item = root->child; item; item = item->next) {
    size_t i = 0;
    while (i < count && strcmp(names[i], item->string) != 0) i++;
    if (i == count) {
      helicone_fail_key(&b->h, item, "member", names);
      return false;
    }
  }
  return true;
}

static bool take_parts(body *b, const cJSON *root, unsigned which) {
  if (!cJSON_IsObject(root)) return fail(b, root, SQ_E_TYPE, "the body is an object");
  if (!check_names(b, root, which)) return false;
  for (size_t i = 0; i < PARTS; i++) {
    const cJSON *item = parts[i].in & which ? cJSON_GetObjectItemCaseSensitive(root, parts[i].name) : NULL;
    bool required = parts[i].required & which;
    if (!item && required) {
      sq_place place = place_of(b, root);
      return sq_fail_at(b->h.builder->error, SQ_E_MISSING, place.offset, place.length, "missing '%s'", parts[i].name);
    }
    bool given = item && (required || !cJSON_IsNull(item)); /* an optional null is as if absent */
    if (given && !parts[i].take(b, item)) return false;
  }
  return true;
}

/* Sessions, newest first, all of those that the body lets through. */
static sq_node *sessions(sq_builder *builder, sq_query *query, const char *source, size_t length, unsigned which) {
  body b = {.h = {.builder = builder}, .query = query};
  query->source = SQ_SESSIONS;
  query->keys[0] = (sq_key){.kind = SQ_KEY_SESSION, .name = "id", .field = SQ_F_SESSION_ID};
  query->key_count = 1;
  query->order = (sq_order){.field = SQ_F_SESSION_CREATED_AT, .descending = true};
  query->limit = 50;
  query->shaping.permille = 750;
  if (!sq_json_doc_open(&b.h.doc, builder->arena, source, length, builder->error)) return NULL;
  bool taken = take_parts(&b, b.h.doc.root, which);
  sq_json_doc_close(&b.h.doc);
  return taken ? sq_build_many(builder, SQ_N_AND, &b.filters) : NULL;
}

static sq_node *take_query(sq_builder *builder, sq_query *query, const char *source, size_t length) {
  query->limited = true;
  return sessions(builder, query, source, length, QUERY);
}

/* A page of a count is the count of all pages. */
static sq_node *take_count(sq_builder *builder, sq_query *query, const char *source, size_t length) {
  sq_node *tree = sessions(builder, query, source, length, COUNT);
  query->offset = 0;
  return tree;
}

static sq_node *take_names(sq_builder *builder, sq_query *query, const char *source, size_t length) {
  return sessions(builder, query, source, length, NAMES);
}

static sq_node *take_metrics(sq_builder *builder, sq_query *query, const char *source, size_t length) {
  return sessions(builder, query, source, length, METRICS);
}

const sq_endpoint sq_helicone_endpoints[] = {
    {"query", take_query, &session_shape}, {"count", take_count, &count_shape}, {"names", take_names, &name_shape},
    {"metrics", take_metrics, &metric_shape}, {.name = NULL},
};

/* The bodies of POST /v1/session/{id}/feedback and /{id}/tag. */
const sq_note sq_helicone_notes[] = {{"feedback", "rating", SQ_T_BOOLEAN}, {"tag", "tag", SQ_T_TEXT}, {.name = NULL}};
