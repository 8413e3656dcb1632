/* Memory that ends: every allocation of a job fails once in turn, alone and with all that follow. The job
   must end in a clean out-of-memory error (or go well, where it can do without), and leak nothing. This
   program's malloc takes the place of the C library's, so that cJSON's and SQLite's fail as well. */
#include "test.h"

#include <stdlib.h>
#include <unistd.h>

#include "sessionquery.h"

/* ------------------------------------------------------------------------------------- the failing malloc */

extern void *__libc_malloc(size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void __libc_free(void *block);

static long calls, fail_from, fail_to, live;

static bool spared; /* what is done now is no part of the job */

static bool fails(void) {
  if (spared) return false;
  calls++;
  return calls >= fail_from && calls <= fail_to;
}

#pragma GCC visibility push(default)

void *malloc(size_t size) {
  if (fails()) return NULL;
  void *block = __libc_malloc(size);
  live += block != NULL;
  return block;
}

void *calloc(size_t count, size_t size) {
  if (fails()) return NULL;
  void *block = __libc_calloc(count, size);
  live += block != NULL;
  return block;
}

void *realloc(void *block, size_t size) {
  if (fails()) return NULL;
  void *moved = __libc_realloc(block, size);
  live += moved != NULL && block == NULL;
  return moved;
}

void free(void *block) {
  live -= block != NULL;
  __libc_free(block);
}

#pragma GCC visibility pop

/* --------------------------------------------------------------------------------------------- the sweep */

typedef bool job(sq_error *error);

/* Of the points where one allocation fails alone, one in `alone` is tried; of those from which on all fail, one in `onward`. */
static void sweep(const char *name, job *run, long alone, long onward) {
  sq_error error = {.code = SQ_OK};
  fail_from = fail_to = 0;
  CHECK(run(&error), "%s: %s", name, error.message);
  for (int persistent = 0; persistent < 2; persistent++) {
    long point = 1, failures = 0, wrong = 0, leaks = 0;
    for (bool reached = true; reached && point < 100000; point += persistent ? onward : alone) {
      error = (sq_error){.code = SQ_OK};
      long before = live;
      calls = 0;
      fail_from = point;
      fail_to = persistent ? 1L << 60 : point;
      bool good = run(&error);
      reached = calls >= point;
      fail_from = fail_to = 0;
      failures += !good;
      if (good ? error.code != SQ_OK : error.code != SQ_E_NO_MEMORY) {
        if (wrong++ < 3) printf("%s, allocation %ld: %s: %s\n", name, point, sq_code_name(error.code), error.message);
      }
      if (live != before && leaks++ < 3) printf("%s, allocation %ld: %ld blocks left\n", name, point, live - before);
    }
    printf("%s, %s: %ld points, %ld out of memory\n", name, persistent ? "from there on" : "one alone", point - 2, failures);
    CHECK(wrong == 0, "%s: %ld wrong errors", name, wrong);
    CHECK(leaks == 0, "%s: %ld leaks", name, leaks);
    CHECK(failures > 0, "%s: nothing failed", name);
  }
}

/* ----------------------------------------------------------------------------------------------- the jobs */

static bool compile(const char *dialect, const char *source, sq_error *error) {
  sq_text text = {0};
  sq_filter *filter = sq_filter_compile(dialect, source, strlen(source), NULL, NULL, error);
  bool good = filter && sq_filter_dump(filter, &text, error) && sq_filter_dump_tree(filter, &text, error) && sq_filter_sql(filter, "sqlite", &text, error);
  sq_text_free(&text);
  sq_filter_free(filter);
  return good;
}

static bool helicone(sq_error *error) {
  return compile("helicone",
                 "{\"left\":{\"request_response_rmt\":{\"properties\":{\"Helicone-Session-Name\":{\"contains\":\"support\"},\"env\":{\"not-equals\":\"\"}},"
                 "\"scores_column\":{\"like\":\"a%\"},\"cost\":{\"gt\":0.001},\"helicone-score-feedback\":{\"equals\":true}}},\"operator\":\"or\","
                 "\"right\":{\"sessions_request_response_rmt\":{\"session_total_cost\":{\"gte\":1}},\"feedback\":{\"rating\":{\"equals\":true}}}}",
                 error);
}

static bool where(sq_error *error) {
  return compile("where",
                 "not (cost_usd > 0.5 and (model = 'gpt-4o' or properties.\"Os Platform\" in ('a', 1, true))) or some(status >= 500)"
                 " and entry(scores, key like 'x%', value > 3) and root(latency_ms between 1 and 2.5) or created_at < 2026-11-20",
                 error);
}

static const char functions[] =
    "and(eq('name', \"a\\u00e9\"), or(search(\"two words\"), has(metadata, '{\"k\": \"\\u0041\", \"thread_id\": \"T\"}')), not(in(latency, [1, \"2ms\"])),"
    " neq(metadata_key, \"x\"), eq(feedback_key, \"k\"), in(feedback_score, [1, \"a\", true]), neq(feedback_value, 2), gt(start_time, \"2026-11-20\"))";

static bool langsmith(sq_error *error) { return compile("langsmith", functions, error); }

static const char completions[] =
    "{\"filters\":{\"and\":[{\"field\":\"completion_evaluation_results.Response Quality\",\"op\":\"between\",\"value\":[\"4\",5.5]},{\"or\":["
    "{\"field\":\"trace_id\",\"op\":\"eq\",\"value\":\"t\"},{\"not\":{\"field\":\"latency\",\"op\":\"gt\",\"value\":1.5e1}},"
    "{\"field\":\"trace_feedback.mood\",\"op\":\"contains\",\"value\":\"so happy\"},{\"field\":\"completion_inputs.k\",\"op\":\"contains\",\"value\":\"a\"},"
    "{\"field\":\"evaluation_notes.created_at\",\"op\":\"lt\",\"value\":\"2026-11-20 10:00:00\"},{\"field\":\"cost\",\"op\":\"eq\",\"value\":1e-20}]}]}}";

/* The three searches of a filter, and the filter among others. */
static bool search(sq_error *error) {
  static const char *const searches[] = {"candidates", "completions", "traces"};
  sq_filter *parts[2] = {sq_filter_compile("freeplay", completions, strlen(completions), NULL, NULL, error), NULL};
  bool good = parts[0] != NULL;
  for (size_t i = 0; good && i < sizeof searches / sizeof *searches; i++) {
    sq_filter *found = sq_filter_search(searches[i], parts[0], NULL, error);
    good = found != NULL;
    sq_filter_free(found);
  }
  parts[1] = good ? sq_filter_compile("where", "session.total_requests > 1", 26, NULL, NULL, error) : NULL;
  sq_filter *both = parts[1] ? sq_filter_combine("any", NULL, (const sq_filter *const *)parts, 2, NULL, error) : NULL;
  sq_filter_free(both);
  for (size_t i = 0; i < 2; i++) sq_filter_free(parts[i]);
  return both != NULL;
}

static bool freeplay(sq_error *error) { return compile("freeplay", completions, error) && search(error); }

/* Filters as text: what can be said, and the list of what cannot. */
static bool write_filter(const char *from, const char *source, const char *to, bool can, sq_error *error) {
  sq_text text = {0}, unsaid = {0};
  sq_filter *filter = sq_filter_compile(from, source, strlen(source), NULL, NULL, error);
  bool written = filter && sq_filter_write(filter, to, &text, &unsaid, error);
  CHECK(!written || (can && text.length > 0), "%s", source);
  if (filter && !written && error->code == SQ_E_UNSAID) {
    CHECK(!can && unsaid.data && unsaid.data[0] == '[' && unsaid.data[unsaid.length - 1] == ']', "%s", source);
    *error = (sq_error){.code = SQ_OK};
    written = true;
  }
  sq_text_free(&text);
  sq_text_free(&unsaid);
  sq_filter_free(filter);
  return written;
}

static bool write_all(sq_error *error) {
  static const char every_kind[] =
      "not (cost_usd > 0.5 and (model = 'it''s' or properties.\"Os Platform\" in ('a', 1, true))) or some(status >= 500)"
      " and entry(scores, key like 'x%', value > 3) and root(latency_ms between 1 and 2.5) or text(properties.n) != '1' or tags not has 'x'";
  static const char plain[] =
      "model in ('a', 'null', 'b') and (latency_ms between 1 and 5 or user_id is absent or user_id = '') and entry(properties, key = 'env' and value = 'prod')"
      " and entry(feedback, key = 'helicone-score-feedback' and id > 5) and created_at < 2026-11-20";
  static const char maps[] = "text(properties.a) = '1' and entry(scores, key = 'x') and entry(properties, (key = 'a' or value > 1) and value contains '7')";
  return write_filter("where", every_kind, "where", true, error) && write_filter("where", every_kind, "helicone", false, error) &&
         write_filter("where", plain, "helicone", true, error) && write_filter("langsmith", functions, "langsmith", true, error) &&
         write_filter("where", maps, "langsmith", false, error) && write_filter("freeplay", completions, "freeplay", true, error) &&
         write_filter("where", every_kind, "freeplay", false, error);
}

static const char body[] =
    "{\"search\":\"chat\",\"timeFilter\":{\"startTimeUnixMs\":1704067200000,\"endTimeUnixMs\":1904153600000.5},\"nameEquals\":\"chat\","
    "\"timezoneDifference\":60,\"filter\":{\"request_response_rmt\":{\"model\":{\"equals\":\"gpt-4o\"}}},\"offset\":0,\"limit\":10}";

static bool request(sq_error *error) {
  sq_query *query = sq_query_compile("helicone", NULL, body, sizeof body - 1, NULL, error);
  sq_query_free(query);
  return query != NULL;
}

static const char names[] = "{\"nameContains\":\"\",\"timezoneDifference\":0}";

/* A vendor's other answers, and what a server asks besides. */
static bool serve(sq_store *store, sq_error *error) {
  static const struct {
    const char *endpoint, *body;
  } asked[] = {{"count", body}, {"names", names}, {"metrics", names}};
  static const char note[] = "{\"tag\":\"a\\u00e9\"}";
  const sq_target session = {.session = "s1"};
  sq_value value;
  sq_text out = {0};
  bool good = true;
  for (size_t i = 0; i < sizeof asked / sizeof *asked && good; i++) {
    sq_query *query = sq_query_compile("helicone", asked[i].endpoint, asked[i].body, strlen(asked[i].body), NULL, error);
    good = query && sq_query_json(store, query, &out, error);
    sq_query_free(query);
    sq_text_free(&out);
  }
  good = good && sq_note_read("helicone", "tag", note, sizeof note - 1, &out, &value, error) &&
         sq_store_tag(store, &session, value.text, value.length, error);
  sq_text_free(&out);
  good = good && sq_store_narrow(store, "", "default", error) && sq_store_newest_tag(store, &session, &out, &value, error) && value.kind == SQ_STRING;
  sq_text_free(&out);
  good = good && sq_store_stamp(store, "x", 1, &out, error) && sq_store_narrow(store, NULL, NULL, error) && sq_store_stamp(store, "x", 1, &out, error);
  sq_text_free(&out);
  return good;
}

static bool combine(sq_error *error) {
  sq_value values[2] = {{.kind = SQ_REAL, .real = 0.5}, {.kind = SQ_INTEGER, .integer = 3}};
  const sq_filter *parts[2] = {sq_filter_compare("cost_usd", 8, NULL, 0, "between", values, 2, NULL, error),
                               sq_filter_compare("properties", 10, "env", 3, "present", NULL, 0, NULL, error)};
  sq_filter *all = parts[0] && parts[1] ? sq_filter_combine("all", NULL, parts, 2, NULL, error) : NULL;
  sq_query_spec spec = {.source = SQ_GROUPS, .keys = {{"model", 5, 0}, {"day", 3, 60}}, .key_count = 2, .order = "-total_cost_usd", .order_length = 15};
  spec.filters = (const sq_filter *const *)&all;
  spec.filter_count = 1;
  sq_query *query = all ? sq_query_build(&spec, NULL, error) : NULL;
  sq_query_free(query);
  sq_filter_free(all);
  for (int i = 0; i < 2; i++) sq_filter_free((sq_filter *)(uintptr_t)parts[i]);
  return query != NULL;
}

/* Two pieces of "hello hello hello hello", as gzip. */
static bool inflate_body(sq_error *error) {
  static const char packed[] = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\x01\xe3\x51\x3d\x8d\x17\x00\x00\x00";
  char out[64];
  size_t written = 0;
  sq_inflater *inflater = sq_inflater_open(true, 1000, 100, error);
  bool good = inflater != NULL;
  for (size_t piece = 0; good && piece < 2; piece++) {
    const char *at = packed + piece * 12;
    size_t left = piece ? sizeof packed - 1 - 12 : 12, got = 1;
    while (good && got) {
      good = sq_inflater_read(inflater, &at, &left, out + written, sizeof out - written, &got, error);
      written += got;
    }
  }
  sq_inflater_close(inflater);
  return good && written == 23 && memcmp(out, "hello hello hello hello", written) == 0;
}

static const char lines[] =
    "{\"request_id\":\"r1\",\"session_id\":\"s1\",\"session_name\":\"chat \\u00e9\",\"created_at\":\"2026-11-20T10:00:00Z\",\"model\":\"gpt-4o\",\"cost_usd\":0.5,"
    "\"latency_ms\":5,\"properties\":{\"env\":\"prod\",\"n\":1},\"scores\":{\"q\":0.5},\"tags\":[\"a\",\"b\"],\"user_id\":\"u\",\"request_body\":{\"a\":1},"
    "\"feedback\":[{\"key\":\"k\",\"score\":1}],\"unknown\":[1,2]}\n"
    "{\"request_id\":\"r1\",\"session_id\":\"s1\",\"created_at\":1795220996.5,\"model\":\"o3\",\"cost_usd\":1,\"user_id\":\"\\ud83d\\ude00\",\"bad\":\"\xFF\"}\n";

/* What projects are told by: some fields of groups, the most frequent members of maps, feedback summed up. */
static bool by_project(sq_store *store, sq_error *error) {
  static const char *const fields[] = {"total_requests", "session.errors"};
  static const char given[] = "{\"key\":\"k\",\"score\":0.5,\"value\":\"v\"}";
  const sq_target project = {.organization = "", .project = "default"};
  const sq_query_spec specs[2] = {{.source = SQ_REQUESTS}, {.source = SQ_GROUPS, .keys = {{"project", 7, 0}}, .key_count = 1, .fields = fields, .field_count = 2}};
  sq_text out = {0};
  sq_query *requests = sq_query_build(&specs[0], NULL, error), *groups = requests ? sq_query_build(&specs[1], NULL, error) : NULL;
  bool good = groups && sq_query_json(store, groups, &out, error);
  sq_text_free(&out);
  good = good && sq_query_frequent(store, requests, "properties", 3, &out, error);
  sq_text_free(&out);
  good = good && sq_store_feedback(store, &project, given, sizeof given - 1, error) > 0 && sq_store_project_feedback(store, &project, false, &out, error);
  sq_text_free(&out);
  good = good && sq_store_project_feedback(store, &project, true, &out, error);
  sq_text_free(&out);
  sq_query_free(requests);
  sq_query_free(groups);
  return good;
}

static bool work(sq_store *store, sq_error *error) {
  sq_text out = {0};
  sq_ingest ingest = {.ids = &out};
  sq_query *query = sq_query_compile("helicone", NULL, body, sizeof body - 1, NULL, error);
  sq_query_spec spec = {.source = SQ_SESSIONS, .limited = true, .limit = 1};
  sq_query *sessions = query ? sq_query_build(&spec, NULL, error) : NULL;
  bool good = sessions && sq_store_ingest(store, lines, sizeof lines - 1, &ingest, error);
  sq_text_free(&out);
  good = good && sq_query_json(store, query, &out, error) && sq_query_json(store, sessions, &out, error) && sq_query_count(store, sessions, error) == 1;
  sq_text_free(&out);
  sq_query_free(query);
  sq_query_free(sessions);
  return good;
}

static bool open_store(sq_error *error) {
  sq_store *opened = sq_store_open(":memory:", NULL, error);
  sq_store_close(opened);
  return opened != NULL;
}

/* A store whose opening is no part of the job: it has one of its own. */
static sq_store *open_spared(bool filled, sq_error *error) {
  sq_ingest ingest = {.format = NULL};
  spared = true;
  sq_store *opened = sq_store_open(":memory:", NULL, error);
  CHECK(opened && (!filled || sq_store_ingest(opened, lines, sizeof lines - 1, &ingest, error)), "%s", error->message);
  spared = false;
  return opened;
}

static bool in_store(bool filled, bool (*part)(sq_store *store, sq_error *error), sq_error *error) {
  sq_store *opened = open_spared(filled, error);
  bool good = opened && part(opened, error);
  sq_store_close(opened);
  return good;
}

static bool fill_and_ask(sq_error *error) { return in_store(false, work, error); }
static bool serve_filled(sq_error *error) { return in_store(true, serve, error); }
static bool tell_projects(sq_error *error) { return in_store(true, by_project, error); }

/* ------------------------------------------------------------------------------------------- the column index */

enum { INDEX_ROWS = 21 };

/* Where syncing costs nothing, if there is such a place. */
static char folder[] = "/dev/shm/sq-memory-XXXXXX", path[64], columns[80];

static sq_store *open_index(sq_engine engine, sq_error *error) {
  const sq_open_options options = {.engine = engine, .manual_seal = true, .segment_rows = 8, .relaxed = true};
  spared = true; /* opening has a job of its own */
  sq_store *opened = sq_store_open(path, &options, error);
  spared = false;
  return opened;
}

static bool add_rows(sq_store *opened, int from, int to, sq_error *error) {
  char lines[INDEX_ROWS * 200];
  size_t length = 0;
  sq_ingest ingest = {.format = NULL};
  for (int i = from; i < to; i++)
    length += (size_t)snprintf(lines + length, sizeof lines - length,
                               "{\"request_id\":\"r%d\",\"session_id\":\"s%d\",\"session_name\":\"n%d\",\"created_at\":%d,\"model\":\"m%d\",\"latency_ms\":%d,\"properties\":{\"env\":\"e%d\"}}\n",
                               i, i % 7, i % 3, 1000 + i, i % 2, i, i % 3);
  return sq_store_ingest(opened, lines, length, &ingest, error);
}

/* Asks the columns; the handles, and with them all that is known of the index, are new each time. */
static bool ask(sq_source source, const char *key, const char *where_text, sq_error *error) {
  sq_text out = {0};
  sq_filter *filter = where_text ? sq_filter_compile("where", where_text, strlen(where_text), NULL, NULL, error) : NULL;
  const sq_filter *const filters[] = {filter};
  sq_query_spec spec = {.source = source, .filters = filters, .filter_count = filter != NULL, .limited = true, .limit = 6};
  if (key) spec.keys[spec.key_count++] = (sq_group_key){key, strlen(key), 0};
  sq_query *query = filter || !where_text ? sq_query_build(&spec, NULL, error) : NULL;
  sq_store *opened = query ? open_index(SQ_ENGINE_COLUMNS, error) : NULL;
  bool good = opened && sq_query_json(opened, query, &out, error) && sq_query_count(opened, query, error) > 0;
  sq_text_free(&out);
  sq_store_close(opened);
  sq_query_free(query);
  sq_filter_free(filter);
  return good;
}

static bool ask_sessions(sq_error *error) { return ask(SQ_SESSIONS, NULL, "latency_ms >= 3", error); }
static bool ask_groups(sq_error *error) { return ask(SQ_GROUPS, "properties.env", NULL, error); }
static bool ask_requests(sq_error *error) { return ask(SQ_REQUESTS, NULL, "model = 'm1' or latency_ms < 4", error); }

static bool ask_computed(sq_error *error) { return ask(SQ_REQUESTS, NULL, "outcome = 'success' and ended_at > 1000 and model phrase 'M1'", error); }
static bool ask_outcomes(sq_error *error) { return ask(SQ_GROUPS, "outcome", "outcome != 'error'", error); }

/* Rows around rows, and what stands in bodies: one row passes each. */
static bool ask_around(sq_error *error) {
  static const char tree[] =
      "{\"request_id\":\"a\",\"run_type\":\"chain\",\"created_at\":1}\n{\"request_id\":\"b\",\"parent_id\":\"a\",\"created_at\":2,\"latency_ms\":1}\n"
      "{\"request_id\":\"c\",\"parent_id\":\"b\",\"created_at\":3,\"request_body\":{\"a\":[{\"b\":\"not\\nfound\"}],\"c\":{\"d\":1}}}\n"
      "{\"request_id\":\"d\",\"parent_id\":\"gone\",\"trace_id\":\"a\",\"created_at\":4,\"status\":-2}\n";
  static const char *const filters[] = {
      "enclosing(request_id = 'a') and request_id = 'c'", "enclosing(request_id = 'a') and status = -2", "enclosed(request_id = 'c')",
      "request_body phrase 'Not found'", "text(request_body.c) contains 'D'", "entry(request_body, key = 'a.b' and value phrase 'found')",
  };
  const sq_open_options options = {.engine = SQ_ENGINE_SQL};
  sq_ingest ingest = {.format = NULL};
  spared = true; /* opening and adding have a job of their own */
  sq_store *opened = sq_store_open(":memory:", &options, error);
  bool good = opened && sq_store_ingest(opened, tree, sizeof tree - 1, &ingest, error);
  spared = false;
  for (size_t i = 0; good && i < sizeof filters / sizeof *filters; i++) {
    sq_filter *filter = sq_filter_compile("where", filters[i], strlen(filters[i]), NULL, NULL, error);
    const sq_filter *const all[] = {filter};
    const sq_query_spec spec = {.source = SQ_REQUESTS, .filters = all, .filter_count = 1};
    sq_query *query = filter ? sq_query_build(&spec, NULL, error) : NULL;
    int64_t count = query ? sq_query_count(opened, query, error) : -1;
    good = count >= 0;
    CHECK(count < 0 || count == 1, "%s: %lld", filters[i], (long long)count);
    sq_query_free(query);
    sq_filter_free(filter);
  }
  sq_store_close(opened);
  return good;
}

static bool check_rows(sq_error *error) {
  int64_t rows = 0;
  sq_store *opened = open_index(SQ_ENGINE_AUTO, error);
  bool good = opened && sq_store_check(opened, &rows, error) && rows >= INDEX_ROWS;
  sq_store_close(opened);
  return good;
}

/* Rows are replaced first, so that there is something to be sealed, and to be sealed again. */
static bool seal_rows(sq_error *error) {
  static int runs;
  sq_store *opened = open_index(SQ_ENGINE_AUTO, error);
  spared = true;
  bool good = opened && (runs++ % 20 || sq_store_reindex(opened, error)) && add_rows(opened, 0, 5, error);
  spared = false;
  good = good && sq_store_seal(opened, false, error);
  sq_store_close(opened);
  return good;
}

static bool reindex_rows(sq_error *error) {
  sq_store *opened = open_index(SQ_ENGINE_AUTO, error);
  bool good = opened && sq_store_reindex(opened, error);
  sq_store_close(opened);
  return good;
}

/* Those that are there, sealed and not; nothing is added. */
static bool find_ids(sq_error *error) {
  sq_store *opened = open_index(SQ_ENGINE_AUTO, error);
  sq_text owner = {0};
  bool good = opened != NULL;
  for (int i = 0; good && i < INDEX_ROWS; i += 10) {
    char id[20];
    snprintf(id, sizeof id, "r%d", i);
    const sq_target target = {.request = id}, session = {.session = "s3"};
    sq_text_free(&owner);
    good = sq_store_resolve(opened, &target, &owner, error);
    sq_text_free(&owner);
    good = good && sq_store_resolve(opened, &session, &owner, error);
  }
  sq_text_free(&owner);
  sq_store_close(opened);
  return good;
}

/* A key that is right is never one without its organization. */
static bool ask_keys(sq_error *error) {
  static const char whose[] = "\"organization\":\"acme\",\"project\":\"chat\",\"rights\":[\"record\"]";
  char key[SQ_KEY_LENGTH + 1], id[SQ_KEY_ID_LENGTH + 1] = "";
  sq_key_spec spec = {.organization = "acme", .project = "chat", .name = "memory", .rights = 1u << SQ_RIGHT_RECORD};
  sq_text checked = {0}, listed = {0};
  bool any = false;
  sq_store *opened = open_spared(false, error);
  bool good = opened && sq_key_create(opened, &spec, key, error) && sq_key_check(opened, key, SQ_KEY_LENGTH, &checked, error) &&
              sq_key_list(opened, &listed, error) && sq_key_any(opened, &any, error);
  if (good) memcpy(id, key, SQ_KEY_ID_LENGTH);
  CHECK(!good || (any && strstr(checked.data, whose) && strstr(listed.data, whose)), "%s", checked.data);
  good = good && sq_key_revoke(opened, id, error);
  sq_text_free(&checked);
  sq_text_free(&listed);
  sq_store_close(opened);
  return good;
}

/* Requests come behind what was said of them; their project is renamed, listed by the id that it keeps, and deleted. */
static bool manage_projects(sq_error *error) {
  static const char held[] = "{\"request_id\":\"h\",\"project\":\"a\",\"model\":\"m\",\"properties\":{\"k\":1},\"feedback\":[{\"key\":\"k\",\"score\":1}]}",
                    come[] = "{\"request_id\":\"h\",\"project\":\"a\",\"created_at\":1,\"properties\":{\"l\":2}}\n{\"request_id\":\"i\",\"project\":\"a\",\"created_at\":2}",
                    made[] = "{\"name\":\"c\",\"id\":\"0A1B2C3D-4E5F-4A6B-8C7D-9E0F1A2B3C4D\",\"extra\":{\"x\":[1]},\"tag_value_ids\":[\"0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d\"]}",
                    change[] = "{\"name\":\"b\",\"description\":\"d\",\"start_time\":\"2026-11-20\"}";
  char id[37];
  const char *const ids[] = {id};
  const sq_project_query query = {.ids = ids, .id_count = 1};
  sq_ingest hold = {.mode = SQ_INGEST_MERGE, .hold = true}, add = {.format = NULL};
  sq_deletion deletion = {.project_id = id};
  sq_text one = {0}, two = {0}, list = {0};
  sq_project_id("", 0, "a", 1, id);
  sq_store *opened = open_spared(false, error);
  bool good = opened && sq_store_ingest(opened, held, sizeof held - 1, &hold, error) && sq_store_ingest(opened, come, sizeof come - 1, &add, error) &&
              sq_project_create(opened, made, sizeof made - 1, &one, error) && sq_project_update(opened, NULL, id, change, sizeof change - 1, &two, error) &&
              sq_project_list(opened, &query, &list, error) && sq_store_delete(opened, &deletion, error);
  CHECK(!good || (hold.held == 1 && add.merged == 1 && strstr(list.data, "\"name\":\"b\"") && strstr(list.data, "\"requests\":2") && deletion.requests == 2), "%s", list.data);
  sq_text_free(&one);
  sq_text_free(&two);
  sq_text_free(&list);
  sq_store_close(opened);
  return good;
}

/* Whatever failed before: the columns are right, and no id stands twice. */
static void check_store(const char *after) {
  sq_error error = {.code = SQ_OK};
  sq_stats stats;
  int64_t rows = 0;
  sq_store *opened = open_index(SQ_ENGINE_AUTO, &error);
  CHECK(opened && sq_store_seal(opened, false, &error) && sq_store_check(opened, &rows, &error), "after %s: %s", after, error.message);
  sq_ingest ingest = {.format = NULL};
  static const char again[] = "{\"request_id\":\"r0\",\"created_at\":1}\n{\"request_id\":\"r17\",\"created_at\":1}";
  CHECK(opened && sq_store_ingest(opened, again, sizeof again - 1, &ingest, &error) && ingest.replaced == 2, "after %s: %s", after, error.message);
  CHECK(opened && sq_store_stats(opened, &stats, &error) && stats.requests == rows, "after %s: %s", after, error.message);
  CHECK(opened && add_rows(opened, 0, INDEX_ROWS, &error), "after %s: %s", after, error.message);
  sq_store_close(opened);
}

static void index_jobs(void) {
  static const struct {
    const char *name;
    job *run;
  } jobs[] = {{"sessions by columns", ask_sessions}, {"groups by columns", ask_groups}, {"requests by columns", ask_requests},
              {"computed fields by columns", ask_computed}, {"outcomes by columns", ask_outcomes},
              {"check", check_rows}, {"ids", find_ids}, {"reindex", reindex_rows}, {"seal", seal_rows}};

  char command[100];
  sq_error error = {.code = SQ_OK};
  if (access("/dev/shm", W_OK) != 0) strcpy(folder, "/tmp/sq-memory-XXXXXX");
  CHECK(mkdtemp(folder) != NULL);
  snprintf(path, sizeof path, "%s/store.db", folder);
  snprintf(columns, sizeof columns, "%s-columns", path);
  sq_store *opened = open_index(SQ_ENGINE_AUTO, &error);
  CHECK(opened && add_rows(opened, 0, INDEX_ROWS, &error) && sq_store_seal(opened, false, &error), "%s", error.message);
  CHECK(opened && add_rows(opened, 3, 5, &error), "%s", error.message); /* dead rows, and some that are not sealed */
  sq_store_close(opened);
  for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
    sweep(jobs[i].name, jobs[i].run, jobs[i].run == check_rows ? 5 : 1, 9);
    check_store(jobs[i].name);
    if (jobs[i].run == ask_requests) CHECK(access(columns, F_OK) == 0);
  }
  snprintf(command, sizeof command, "rm -r %s", folder);
  CHECK(system(command) == 0);
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0); /* its buffer would be an allocation of a job's */
  sq_error warm = {.code = SQ_OK};
  fill_and_ask(&warm); /* what SQLite keeps for good */
  serve_filled(&warm);
  tell_projects(&warm);
  sweep("helicone filter", helicone, 1, 1);
  sweep("where filter", where, 1, 1);
  sweep("langsmith filter", langsmith, 1, 1);
  sweep("freeplay filter", freeplay, 1, 1);
  sweep("written filters", write_all, 1, 1);
  sweep("helicone request", request, 1, 1);
  sweep("built query", combine, 1, 1);
  sweep("inflated body", inflate_body, 1, 1);
  sweep("opening", open_store, 5, 9);
  sweep("adding and asking", fill_and_ask, 3, 9);
  sweep("serving", serve_filled, 3, 9);
  sweep("telling of projects", tell_projects, 3, 9);
  sweep("keys", ask_keys, 1, 9);
  sweep("projects", manage_projects, 3, 9);
  sweep("rows around rows", ask_around, 1, 3);
  index_jobs();
  return report();
}
