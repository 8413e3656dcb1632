/* Memory that ends: every allocation of a job fails once in turn, alone and with all that follow. The job
   must end in a clean out-of-memory error (or go well, where it can do without), and leak nothing. This
   program's malloc takes the place of the C library's, so that cJSON's and SQLite's fail as well. */
#include "test.h"

#include <stdlib.h>

#include "sessionquery.h"

/* ------------------------------------------------------------------------------------- the failing malloc */

extern void *__libc_malloc(size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void __libc_free(void *block);

static long calls, fail_from, fail_to, live;

static bool fails(void) {
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

static void sweep(const char *name, job *run) {
  sq_error error = {.code = SQ_OK};
  fail_from = fail_to = 0;
  CHECK(run(&error), "%s: %s", name, error.message);
  for (int persistent = 0; persistent < 2; persistent++) {
    long point = 1, failures = 0, wrong = 0, leaks = 0;
    for (bool reached = true; reached && point < 100000; point++) {
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
  sq_filter *filter = sq_filter_compile(dialect, source, strlen(source), NULL, error);
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

static const char body[] =
    "{\"search\":\"chat\",\"timeFilter\":{\"startTimeUnixMs\":1704067200000,\"endTimeUnixMs\":1904153600000.5},\"nameEquals\":\"chat\","
    "\"timezoneDifference\":60,\"filter\":{\"request_response_rmt\":{\"model\":{\"equals\":\"gpt-4o\"}}},\"offset\":0,\"limit\":10}";

static bool request(sq_error *error) {
  sq_query *query = sq_query_compile("helicone", body, sizeof body - 1, NULL, error);
  sq_query_free(query);
  return query != NULL;
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

static const char lines[] =
    "{\"request_id\":\"r1\",\"session_id\":\"s1\",\"session_name\":\"chat \\u00e9\",\"created_at\":\"2026-11-20T10:00:00Z\",\"model\":\"gpt-4o\",\"cost_usd\":0.5,"
    "\"latency_ms\":5,\"properties\":{\"env\":\"prod\",\"n\":1},\"scores\":{\"q\":0.5},\"tags\":[\"a\",\"b\"],\"user_id\":\"u\",\"request_body\":{\"a\":1},"
    "\"feedback\":[{\"key\":\"k\",\"score\":1}],\"unknown\":[1,2]}\n"
    "{\"request_id\":\"r1\",\"session_id\":\"s1\",\"created_at\":1795220996.5,\"model\":\"o3\",\"cost_usd\":1,\"user_id\":\"\\ud83d\\ude00\",\"bad\":\"\xFF\"}\n";

static bool work(sq_store *store, sq_error *error) {
  sq_text out = {0};
  sq_ingest ingest = {.ids = &out};
  sq_query *query = sq_query_compile("helicone", body, sizeof body - 1, NULL, error);
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

static bool store(sq_error *error) {
  sq_store *opened = sq_store_open(":memory:", NULL, error);
  bool good = opened && work(opened, error);
  sq_store_close(opened);
  return good;
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0); /* its buffer would be an allocation of a job's */
  sq_error warm = {.code = SQ_OK};
  store(&warm); /* what SQLite keeps for good */
  sweep("helicone filter", helicone);
  sweep("where filter", where);
  sweep("helicone request", request);
  sweep("built query", combine);
  sweep("store", store);
  return report();
}
