/* The column engine gives the rows that the SQL engine gives: random requests in blocks, in which sessions are
   scattered and some rows are dead, and random queries; whole and by its short cuts, page by page. */
#include "test.h"

#include <stdlib.h>

#include "column/build.h"
#include "column/view.h"
#include "exec/exec.h"

static uint64_t state = 20261121;
static uint32_t random_below(uint32_t limit) {
  state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(state >> 33) % limit;
}
static bool chance(uint32_t percent) { return random_below(100) < percent; }

enum { ROWS = 4000, BLOCKS = 20, SESSIONS = 500 };

#define START INT64_C(1790000000000000)

/* A request: its fields as columns hold them. `block` and `old_block`, where a version of it lies that is dead. */
typedef struct request {
  sq_value fields[SQ_F_COUNT];
  int block, old_block;
} request;

static request requests[ROWS];
static char texts[ROWS * 40][48];
static size_t text_count;

static sq_value text_of(const char *terminated) {
  char *copy = strcpy(texts[text_count++ % (sizeof texts / sizeof *texts)], terminated);
  return (sq_value){.kind = SQ_STRING, .length = (uint32_t)strlen(copy), .text = copy};
}
static sq_value integer_of(int64_t value) { return (sq_value){.kind = SQ_INTEGER, .integer = value}; }

static const char *pick(const char *const *list, uint32_t count) { return list[random_below(count)]; }
#define PICK(...) pick((const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void maybe_integer(request *r, sq_field field, uint32_t percent, int64_t value) {
  if (chance(percent)) r->fields[field] = integer_of(value);
}
static void maybe_text(request *r, sq_field field, uint32_t percent, const char *value) {
  if (chance(percent)) r->fields[field] = text_of(value);
}

static void invent_fields(request *r) {
  char text[48];
  maybe_text(r, SQ_F_SESSION_NAME, 40, PICK("plan", "Planung", "refund", "a name that is long", "Яна", "x"));
  maybe_text(r, SQ_F_SESSION_NAME, 4, "a rare name");
  maybe_text(r, SQ_F_MODEL, 90, PICK("gpt-4o", "o3", "claude", ""));
  maybe_text(r, SQ_F_USER_ID, 70, PICK("u1", "u2", "Ü3", ""));
  maybe_text(r, SQ_F_ERROR, 10, PICK("timeout", "refused"));
  maybe_text(r, SQ_F_TAGS, 20, PICK("[\"a\"]", "[\"a\",\"b\"]", "[\"c\",\"é\"]"));
  maybe_text(r, SQ_F_PROPERTIES, 60, PICK("{\"env\":\"prod\"}", "{\"env\":\"dev\",\"n\":1}", "{\"env\":true}", "{\"env\":2}", "{\"env\":10,\"n\":2}"));
  maybe_text(r, SQ_F_CACHE_REFERENCE_ID, 30, PICK("00000000-0000-0000-0000-000000000000", "r17"));
  maybe_integer(r, SQ_F_LATENCY_MS, 80, random_below(5) ? random_below(5000) : random_below(20));
  maybe_integer(r, SQ_F_TIME_TO_FIRST_TOKEN_MS, 50, random_below(700));
  maybe_integer(r, SQ_F_STATUS, 80, (int[]){200, 200, 200, 429, 500, -1, -2}[random_below(7)]);
  maybe_integer(r, SQ_F_STREAMED, 50, random_below(2));
  maybe_integer(r, SQ_F_THREAT, 30, random_below(2));
  maybe_integer(r, SQ_F_PROMPT_TOKENS, 60, random_below(4000));
  maybe_integer(r, SQ_F_COMPLETION_TOKENS, 60, random_below(900));
  maybe_integer(r, SQ_F_TOTAL_TOKENS, 20, random_below(6000));
  maybe_integer(r, SQ_F_COST_USD, 60, (int64_t)random_below(400) * 2500000);
  maybe_integer(r, SQ_F_PROMPT_CACHE_READ_TOKENS, 20, random_below(300));
  r->fields[SQ_F_RUN_TYPE] = text_of(PICK("llm", "llm", "llm", "embedding", "chain", "tool"));
  if (chance(90)) {
    snprintf(text, sizeof text, "session %u", (unsigned)random_below(SESSIONS));
    r->fields[SQ_F_SESSION_ID] = text_of(text);
  }
}

/* Later rows lie in later blocks, but times overlap, and many are equal. */
static void invent(void) {
  for (int i = 0; i < ROWS; i++) {
    request *r = &requests[i];
    char id[40];
    memset(r, 0, sizeof *r);
    invent_fields(r);
    int64_t created = START + (int64_t)(i + (chance(5) ? -(int)random_below((uint32_t)i + 1) : (int)random_below(60))) / 4 * 4000000;
    snprintf(id, sizeof id, "r%05d", (i * 7919) % ROWS);
    r->fields[SQ_F_REQUEST_ID] = text_of(id);
    r->fields[SQ_F_ORGANIZATION_ID] = text_of(i % 3 ? "" : "other");
    r->fields[SQ_F_PROJECT] = text_of(i % 5 ? "default" : "second");
    r->fields[SQ_F_CREATED_AT] = integer_of(created);
    if (chance(30)) r->fields[SQ_F_RESPONDED_AT] = integer_of(created + random_below(9000000));
    r->block = i * BLOCKS / ROWS;
    r->old_block = r->block > 0 && chance(4) ? (int)random_below((uint32_t)r->block) : -1;
  }
}

/* -------------------------------------------------------------------------------------------- the SQL engine */

static void put_member(sq_text *out, sq_field field, const sq_value *value) {
  const sq_field_row *row = sq_field_get(field);
  char time[64];
  if (value->kind == SQ_NULL) return;
  sq_text_append(out, out->data[out->length - 1] == '{' ? "\"" : ",\"", out->data[out->length - 1] == '{' ? 1 : 2);
  sq_text_append(out, row->name, strlen(row->name));
  sq_text_append(out, "\":", 2);
  if (row->type == SQ_T_TEXT) sq_json_write_string(out, value->text, value->length);
  else if (value->kind == SQ_STRING) sq_text_append(out, value->text, value->length);
  else if (row->type == SQ_T_TIME) {
    sq_text_append(out, "\"", 1);
    sq_text_append(out, time, sq_time_format(value->integer, 0, -1, time));
    sq_text_append(out, "\"", 1);
  } else if (row->type == SQ_T_BOOLEAN) sq_text_put(out, value->integer ? "true" : "false");
  else if (row->type == SQ_T_MONEY) sq_text_format(out, "%lld.%09lld", (long long)(value->integer / 1000000000), (long long)(value->integer % 1000000000));
  else sq_text_format(out, "%lld", (long long)value->integer);
}

static sq_store *fill_store(const char *path, sq_error *error) {
  sq_store *store = sq_store_open(path, &(sq_open_options){.relaxed = true}, error);
  sq_text lines = {0};
  for (int i = 0; i < ROWS; i++) {
    sq_text_byte(&lines, '{');
    for (int field = 1; field < SQ_F_COUNT; field++) put_member(&lines, (sq_field)field, &requests[i].fields[field]);
    sq_text_put(&lines, "}\n");
  }
  sq_ingest ingest = {.first_line = 1};
  CHECK(store && sq_store_ingest(store, lines.data, lines.length, &ingest, error), "%s", error->message);
  sq_text_free(&lines);
  return store;
}

/* ----------------------------------------------------------------------------------------------------- the view */

typedef struct coding {
  sq_sealed *before;
  uint32_t next;
} coding;

static uint32_t code(void *to, const sq_session_name *session, bool *is_named_here, sq_error *error) {
  coding *c = to;
  uint32_t known;
  int found = c->before ? sq_sealed_find(c->before, session, &known, error) : 0;
  if (found) return found > 0 ? known : SQ_NO_CODE;
  *is_named_here = true;
  return c->next++;
}

/* A version of the request that was replaced: other numbers, other session. */
static void add_old(sq_rows_builder *builder, int i, sq_error *error) {
  request old = requests[i];
  invent_fields(&old);
  CHECK(sq_rows_builder_add(builder, ROWS + i + 1, old.fields, error), "%s", error->message);
}

static sq_segment *build(int block, coding *coding, sq_error *error) {
  sq_rows_builder *builder = sq_rows_builder_make(error);
  for (int i = 0; i < ROWS; i++) {
    if (requests[i].block == block) CHECK(sq_rows_builder_add(builder, i + 1, requests[i].fields, error), "%s", error->message);
    if (requests[i].old_block == block) add_old(builder, i, error);
  }
  sq_text bytes = {0};
  const sq_segment_identity identity = {(uint64_t)block + 1, {2, 3}};
  CHECK(sq_segment_write(builder, &identity, &(sq_coder){code, coding}, &bytes, error), "%s", error->message);
  sq_rows_builder_free(builder);
  return sq_segment_own(&bytes, error);
}

static sq_marks *mark(int block, const sq_segment *segment, sq_error *error) {
  static int64_t seqs[ROWS];
  size_t count = 0;
  for (int i = 0; i < ROWS; i++)
    if (requests[i].old_block == block) seqs[count++] = ROWS + i + 1;
  return count ? sq_marks_make(segment, seqs, count, error) : NULL;
}

static sq_view *make_view(sq_error *error) {
  coding coding = {0};
  sq_segment *segments[BLOCKS];
  sq_marks *marks[BLOCKS];
  for (int block = 0; block < BLOCKS; block++) {
    segments[block] = build(block, &coding, error);
    marks[block] = mark(block, segments[block], error);
    sq_sealed_release(coding.before);
    coding.before = sq_sealed_make(segments, (size_t)block + 1, coding.next, error);
    CHECK(coding.before, "%s", error->message);
  }
  sq_names *names = sq_names_make(coding.next, error);
  sq_view *view = sq_view_make(coding.before, NULL, 0, marks, names, error);
  CHECK(view, "%s", error->message);
  for (int block = 0; block < BLOCKS; block++) {
    sq_segment_close(segments[block]);
    sq_marks_release(marks[block]);
  }
  sq_names_release(names);
  sq_sealed_release(coding.before);
  return view;
}

/* ------------------------------------------------------------------------------------------------------ queries */

static const char *const row_filters[] = {
    "", "", "created_at >= 2026-09-21T15:30:00 and created_at < 2026-09-21T16:30:00", "created_at > 2026-09-21T16:00:00", "model = 'gpt-4o'",
    "latency_ms > 100 and not status = 200", "properties.env = 'prod'", "properties.n = 1 or user_id = 'u1'", "tags has 'a'", "cached",
    "total_tokens > 1000", "created_at < 2026-09-21T15:00:00 and run_type = 'llm'", "error is present", "model = 'none'", "session_id = 'session 7'",
    "session_id = 'session 12' and organization_id = '' and project = 'default'", "session_id = 'session 7' and organization_id = 'other' and project = 'second' and latency_ms > 40",
    "session_id = 'session 30'", "session_id = 'nobody' and organization_id = '' and project = 'default'"};
static const char *const keep_filters[] = {
    "", "", "", "session.total_requests >= 7", "session.total_cost_usd > 0.3", "session.name contains 'plan'", "session.id = 'session 12'",
    "session.name contains 'REF' or session.id contains '11'", "session.error_rate > 0.25", "session.latency_p90_ms > 1000",
    "session.models has 'o3'", "some(status >= 500)", "every(latency_ms > 5)", "not (session.avg_latency_ms > 1500 or session.total_tokens > 9000)",
    "session.total_cost_usd is absent", "session.duration_ms between 1000 and 900000000", "session.request_tags has 'b'",
    "not some(error is present) and session.prompt_tokens > 100", "session.created_at > 2026-09-21T16:00:00", "session.total_requests in (3, 5, 9)",
    "some(model = 'o3') or session.errors > 2", "session.id contains '123'", "session.id contains '49' or session.name contains 'no such name'",
    "session.name contains 'plan' and session.id contains '3'", "session.id contains '7' and not session.name contains 'plan'",
    "session.name contains 'ref' and session.total_requests > 11", "session.name like '%'",
    "session.name contains 'RARE'", "session.name = 'a rare name' or session.id contains '77'", "session.name contains 'rare' and session.total_requests > 5"};
static const char *const session_orders[] = {NULL, NULL, "-created_at", "created_at", "-total_cost_usd", "total_cost_usd", "name", "-name", "id", "-id",
                                            "-latency_p99_ms", "error_rate", "-error_rate", "-duration_ms", "total_requests", "-total_requests", "-total_sessions"};
static const char *const group_orders[] = {NULL, "-total_cost_usd", "name", "-latency_p50_ms", "total_sessions", "-total_requests", "error_rate"};
static const char *const request_orders[] = {NULL, "created_at", "-created_at", "model", "-latency_ms", "total_tokens", "-cached", "session_id", "-request_id", "project", "streamed"};
static const char *const keys[] = {"model", "user_id", "properties.env", "properties.n", "hour", "day", "week", "month", "cached", "threat", "session_name", "project", "organization_id", "session_id", "run_type"};

#define ANY(list) (list)[random_below(sizeof(list) / sizeof *(list))]

typedef struct taken {
  sq_text packed; /* each row: its number of values, and the values */
  size_t rows;
  sq_value order[16]; /* of row number `stop` */
  size_t stop, shown;
  char room[16][64];
} taken;

static void pack(sq_text *out, const sq_value *value) {
  switch (value->kind) {
    case SQ_NULL: sq_text_put(out, "-"); break;
    case SQ_BOOLEAN: sq_text_put(out, value->boolean ? "true" : "false"); break;
    case SQ_INTEGER: sq_text_format(out, "%lld", (long long)value->integer); break;
    case SQ_REAL: sq_text_format(out, "%.17g", value->real); break;
    default:
      sq_text_byte(out, value->kind == SQ_JSON ? '#' : '"');
      sq_text_append(out, value->text, value->length);
  }
  sq_text_byte(out, '|');
}

static bool take(void *to, const sq_value *values, size_t count, sq_error *error) {
  taken *t = to;
  (void)error;
  for (size_t i = 0; i < t->shown; i++) pack(&t->packed, &values[i]);
  sq_text_byte(&t->packed, '\n');
  if (t->rows++ != t->stop) return true;
  for (size_t i = t->shown; i < count; i++) {
    sq_value *kept = &t->order[i - t->shown];
    *kept = values[i];
    if (kept->kind == SQ_STRING) kept->text = memcpy(t->room[i - t->shown], values[i].text, values[i].length);
  }
  return true;
}

static void run_sql(sq_store *store, const sq_query *query, taken *out, size_t from, size_t most) {
  sq_error error = {0};
  sq_rows *rows = sq_rows_run(store, query, &error);
  CHECK(rows, "%s", error.message);
  sq_value values[128];
  for (size_t i = from; rows && i < sq_rows_count(rows) && i - from < most; i++) {
    sq_rows_read(rows, i, values);
    for (size_t k = 0; k < sq_rows_width(rows); k++) pack(&out->packed, &values[k]);
    sq_text_byte(&out->packed, '\n');
    out->rows++;
  }
  sq_rows_free(rows);
}

/* The first line where they differ. */
static void show_difference(const char *a, const char *b) {
  size_t same = 0;
  while (a[same] && a[same] == b[same]) same++;
  while (same > 0 && a[same - 1] != '\n') same--;
  printf("  columns: %.*s\n  sql:     %.*s\n", (int)strcspn(a + same, "\n"), a + same, (int)strcspn(b + same, "\n"), b + same);
}

static void check_same(const taken *got, const taken *wanted, const char *what) {
  const char *a = got->packed.data ? got->packed.data : "", *b = wanted->packed.data ? wanted->packed.data : "";
  bool same = strcmp(a, b) == 0;
  CHECK(same, "%s: %zu rows, %zu wanted", what, got->rows, wanted->rows);
  if (!same && failed < 8) show_difference(a, b);
}

static sq_query *make_query(sq_source source, const char *filter_text, const char *order, bool limited, int64_t limit, int64_t offset, size_t key_count, char *what) {
  sq_error error = {0};
  sq_filter *filter = *filter_text ? sq_filter_compile("where", filter_text, strlen(filter_text), NULL, NULL, &error) : NULL;
  CHECK(!*filter_text || filter, "%s: %s", filter_text, error.message);
  const sq_filter *filters[1] = {filter};
  sq_query_spec spec = {.source = source, .filters = filters, .filter_count = filter != NULL, .limited = limited, .limit = limit, .offset = offset, .order = order,
                        .order_length = order ? strlen(order) : 0, .key_count = key_count};
  int length = sprintf(what, "%s where %s order %s limit %lld offset %lld", (const char *const[]){"sessions", "requests", "groups"}[source], filter_text,
                       order ? order : "default", limited ? (long long)limit : -1, (long long)offset);
  size_t first_key = random_below(sizeof keys / sizeof *keys);
  for (size_t i = 0; i < key_count; i++) {
    const char *name = keys[(first_key + i * 4) % (sizeof keys / sizeof *keys)];
    spec.keys[i] = (sq_group_key){name, strlen(name), name[0] == 'd' || name[0] == 'h' ? 90 : 0};
    length += sprintf(what + length, " by %s", name);
  }
  sq_query *query = sq_query_build(&spec, NULL, &error);
  sq_filter_free(filter);
  if (!query && error.code != SQ_E_LEVEL) CHECK(query, "%s: %s", what, error.message);
  return query;
}

static sq_query *invent_query(sq_source source, bool limited, int64_t limit, int64_t offset, char *what) {
  char filter[400];
  const char *rows = ANY(row_filters), *keep = source == SQ_REQUESTS ? "" : ANY(keep_filters);
  snprintf(filter, sizeof filter, "%s%s%s%s%s", *rows ? "(" : "", rows, *rows ? ")" : "", *rows && *keep ? " and " : "", *keep ? keep : "");
  if (*rows && *keep) snprintf(filter, sizeof filter, "(%s) and (%s)", rows, keep);
  const char *order = source == SQ_SESSIONS ? ANY(session_orders) : source == SQ_GROUPS ? ANY(group_orders) : ANY(request_orders);
  return make_query(source, filter, order, limited, limit, offset, source == SQ_GROUPS ? 1 + random_below(3) : 0, what);
}

/* ------------------------------------------------------------------------------------------------------- agreement */

static bool never(void *late) { return (void)late, false; }

static sq_exec exec_of(const sq_view *view, const sq_query *query, const sq_scope *scope, bool whole) {
  return (sq_exec){.view = view, .query = query, .scope = *scope, .kernels = SQ_KERNELS_BEST, .whole = whole, .is_late = never};
}

static void run_groups(sq_exec *exec, taken *out, const char *what) {
  sq_error error = {0};
  sq_columns columns;
  sq_query_columns(exec->query, &exec->scope, &columns);
  const char *why = sq_exec_refuses(exec);
  CHECK(!why, "%s: %s", what, why ? why : "");
  out->shown = columns.shown;
  CHECK(sq_exec_groups(exec, take, out, &error), "%s: %s", what, error.message);
}

/* Requests by their ids. */
static void run_requests(sq_exec *exec, taken *out, const char *what) {
  sq_error error = {0};
  int64_t *seqs;
  size_t count;
  CHECK(sq_exec_requests(exec, &seqs, &count, &error), "%s: %s", what, error.message);
  for (size_t i = 0; i < count; i++) {
    pack(&out->packed, &requests[seqs[i] - 1].fields[SQ_F_REQUEST_ID]);
    sq_text_byte(&out->packed, '\n');
  }
  out->rows = count;
  free(seqs);
}

static void run_requests_sql(sq_store *store, const sq_query *query, taken *out) {
  sq_error error = {0};
  sq_rows *rows = sq_rows_run(store, query, &error);
  CHECK(rows, "%s", error.message);
  sq_value values[128];
  for (size_t i = 0; rows && i < sq_rows_count(rows); i++) {
    sq_rows_read(rows, i, values);
    size_t column = 0;
    while (strcmp(sq_rows_name(rows, column), "request_id") != 0) column++;
    pack(&out->packed, &values[column]);
    sq_text_byte(&out->packed, '\n');
    out->rows++;
  }
  sq_rows_free(rows);
}

/* The SQL engine hides the row that shows whether there is a next page. */
static void drop_last(taken *t, const sq_query *query) {
  if (!query->limited || t->rows <= (size_t)query->limit) return;
  size_t at = t->packed.length - 1;
  while (at > 0 && t->packed.data[at - 1] != '\n') at--;
  t->packed.data[at] = '\0';
  t->packed.length = at;
  t->rows--;
}

static void check_query(sq_store *store, const sq_view *view, const sq_query *query, const sq_scope *scope, bool whole, const char *what) {
  sq_error error = {0};
  taken got = {.stop = SIZE_MAX}, wanted = {0};
  sq_exec exec = exec_of(view, query, scope, whole);
  if (query->source == SQ_REQUESTS) {
    run_requests(&exec, &got, what);
    run_requests_sql(store, query, &wanted);
  } else {
    run_groups(&exec, &got, what);
    run_sql(store, query, &wanted, 0, SIZE_MAX);
  }
  drop_last(&got, query);
  check_same(&got, &wanted, what);
  int64_t count = sq_exec_count(&exec, &error), right = sq_query_count(store, query, &error);
  CHECK(count == right, "%s: %lld counted, not %lld", what, (long long)count, (long long)right);
  sq_text_free(&got.packed);
  sq_text_free(&wanted.packed);
}

/* Behind any row, by its order values, come the rows that come behind it. */
static void check_cursor(sq_store *store, const sq_view *view, const sq_query *query, const sq_scope *scope, const char *what) {
  taken page = {.stop = random_below(20)}, rest = {.stop = SIZE_MAX}, wanted = {0};
  sq_exec exec = exec_of(view, query, scope, false);
  if (query->source == SQ_REQUESTS) return;
  run_groups(&exec, &page, what);
  if (page.stop < page.rows) {
    exec.after = page.order;
    run_groups(&exec, &rest, what);
    run_sql(store, query, &wanted, page.stop + 1, SIZE_MAX);
    check_same(&rest, &wanted, what);
  }
  sq_text_free(&page.packed);
  sq_text_free(&rest.packed);
  sq_text_free(&wanted.packed);
}

static void check_random(sq_store *store, const sq_view *view, const sq_scope *scope, int rounds) {
  char what[800];
  for (int i = 0; i < rounds; i++) {
    sq_source source = (const sq_source[]){SQ_SESSIONS, SQ_SESSIONS, SQ_GROUPS, SQ_REQUESTS}[i % 4];
    bool limited = chance(70);
    sq_query *query = invent_query(source, limited, limited ? random_below(30) : 0, limited && chance(30) ? random_below(10) : 0, what);
    if (!query) continue;
    check_query(store, view, query, scope, chance(30), what);
    sq_query_free(query);
    query = invent_query(source, false, 0, 0, what);
    if (query) check_cursor(store, view, query, scope, what);
    sq_query_free(query);
  }
}

/* Few rows have what is searched for, and often in another block than a session's newest row. */
static void check_searches(sq_store *store, const sq_view *view) {
  static const char *const searches[] = {"session.name contains 'RARE'", "session.id contains '12'", "session.name = 'a rare name' or session.id contains '77'",
                                         "session.name contains 'rare' and session.total_requests > 5"};
  char what[800];
  for (int64_t limit = 0; limit < 30; limit++)
    for (size_t i = 0; i < sizeof searches / sizeof *searches; i++) {
      sq_query *query = make_query(SQ_SESSIONS, searches[i], limit % 5 ? NULL : "-created_at", true, limit, 0, 0, what);
      check_query(store, view, query, &(sq_scope){0}, false, what);
      sq_query_free(query);
    }
}

/* Filters that name one session, in blocks that are looked at and not, in every order. */
static void check_single(sq_store *store, const sq_view *view) {
  static const char *const owners[][2] = {{"", "default"}, {"", "second"}, {"other", "default"}, {"other", "second"}};
  char filter[200], what[800];
  for (int i = 0; i < 200; i++) {
    const char *const *owner = owners[random_below(4)];
    snprintf(filter, sizeof filter, "session_id = 'session %u' and organization_id = '%s' and project = '%s'%s", (unsigned)random_below(SESSIONS + 5), owner[0], owner[1],
             chance(30) ? " and latency_ms > 40" : "");
    sq_query *query = make_query((sq_source)(i % 2 ? SQ_SESSIONS : SQ_REQUESTS), filter, NULL, chance(50), 5, 0, 0, what);
    check_query(store, view, query, &(sq_scope){0}, false, what);
    sq_query_free(query);
  }
}

/* A call that is late, and one whose taker fails, leave nothing behind. */
static bool always(void *late) { return (void)late, true; }
static bool refuse(void *to, const sq_value *values, size_t count, sq_error *error) { return (void)to, (void)values, (void)count, sq_fail(error, SQ_E_FULL, "no"); }

static void check_failures(const sq_view *view) {
  char what[800];
  for (int source = 0; source < 3; source++) {
    sq_query *query = make_query((sq_source)source, "latency_ms > 5", NULL, true, 5, 0, source == SQ_GROUPS ? 2 : 0, what);
    sq_exec exec = exec_of(view, query, &(sq_scope){0}, false);
    sq_error error = {0}, other = {0};
    CHECK(source == SQ_REQUESTS || (!sq_exec_groups(&exec, refuse, NULL, &error) && error.code == SQ_E_FULL));
    exec.is_late = always;
    CHECK(sq_exec_count(&exec, &other) == -1 && other.code == SQ_E_TIMEOUT);
    sq_query_free(query);
  }
}

static void check_early(const sq_view *view) {
  char what[800];
  sq_query *query = make_query(SQ_SESSIONS, "", NULL, true, 3, 0, 0, what);
  sq_exec exec = exec_of(view, query, &(sq_scope){0}, false);
  taken got = {.stop = SIZE_MAX};
  run_groups(&exec, &got, what);
  CHECK(strstr(exec.plan, "ended after"), "%s", exec.plan);
  CHECK(strstr(exec.plan, "fragments"), "%s", exec.plan);
  sq_text_free(&got.packed);
  sq_query_free(query);
}

/* All rows, those of one organization, and those of one of its projects. */
static void check_scopes(const char *path, const sq_view *view) {
  static const sq_scope scopes[] = {{NULL, NULL}, {"other", NULL}, {"", "second"}, {NULL, "default"}, {"nobody", NULL}};
  for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
    sq_error error = {0};
    sq_store *store = sq_store_open(path, &(sq_open_options){.organization = scopes[i].organization, .project = scopes[i].project, .readonly = true}, &error);
    CHECK(store, "%s", error.message);
    if (store) check_random(store, view, &scopes[i], i ? 60 : 300);
    sq_store_close(store);
  }
}

int main(void) {
  sq_error error = {0};
  const char *seed = getenv("SEED");
  char folder[] = "/tmp/exec_test_XXXXXX", path[64];
  if (seed) state = strtoull(seed, NULL, 10);
  CHECK(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/db", folder);
  invent();
  sq_store *store = fill_store(path, &error);
  sq_view *view = make_view(&error);
  check_scopes(path, view);
  check_searches(store, view);
  check_single(store, view);
  check_failures(view);
  check_early(view);
  sq_view_free(view);
  sq_store_close(store);
  char command[128];
  snprintf(command, sizeof command, "rm -r '%s'", folder);
  CHECK(system(command) == 0);
  return report();
}
