/* Sources as the API allows them, without a terminator, and cut off anywhere: nothing is read beyond the
   end (the address sanitizer watches), and every error has its place inside the source. */
#include "test.h"

#include <stdlib.h>

#include "sessionquery.h"

static const struct {
  const char *dialect, *source;
} sources[] = {
    {"where", "cost_usd > 0.5 and (model = 'gpt-4o' or properties.env like 'prod%') and not some(status >= 500)"},
    {"where", "model not in ('o3',\n 'o1') or created_at >= 2026-11-20T10:00:00Z and properties.\"Os Platform\" = 'l\xc3\xa9'"},
    {"where", "model = 'a'\n\n"},
    {"where", "entry(scores, key = 'q' and value > 1) or latency_ms between -1 and 2.5 or tags has \"a\"\"b\""},
    {"helicone",
     "{\"left\":{\"request_response_rmt\":{\"model\":{\"equals\":\"\\ud83d\\ude00\\n\"}}},\"operator\":\"and\","
     "\"right\":{\"properties\":{\"env\":{\"not-equals\":\"x\"}}}}"},
    {"helicone", "{\"sessions_request_response_rmt\":{\"session_total_cost\":{\"gte\":-1.25e-3}}}"},
};

/* Compiles a copy that ends where its memory does. */
static bool compiles(const char *dialect, const char *source, size_t length) {
  char *exact = malloc(length ? length : 1);
  memcpy(exact, source, length);
  sq_error error = {.code = SQ_OK};
  sq_filter *filter = sq_filter_compile(dialect, exact, length, NULL, NULL, &error);
  CHECK((filter != NULL) == (error.code == SQ_OK), "%.*s", (int)length, source);
  CHECK(filter || !error.placed || (error.offset <= length && error.length <= length - error.offset), "%.*s", (int)length, source);
  sq_filter_free(filter);
  free(exact);
  return filter != NULL;
}

static void cut_off(void) {
  for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
    size_t length = strlen(sources[i].source);
    CHECK(compiles(sources[i].dialect, sources[i].source, length), "%s", sources[i].source);
    for (size_t cut = 0; cut < length; cut++) compiles(sources[i].dialect, sources[i].source, cut);
  }
}

static void one_byte_changed(void) {
  for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
    char changed[256];
    size_t length = strlen(sources[i].source);
    for (size_t at = 0; at < length; at++) {
      static const char bytes[] = "\0\n\"'\\({[\xff";
      for (size_t b = 0; b < sizeof bytes - 1; b++) {
        memcpy(changed, sources[i].source, length);
        changed[at] = bytes[b];
        compiles(sources[i].dialect, changed, length);
      }
    }
  }
}

/* A NUL is no sign, point or separator. */
static void nul_is_no_mark(void) {
  CHECK(!compiles("where", "created_at > 2026-11-20\0" "10:00:00Z", 33), "NUL for T");
  CHECK(!compiles("where", "status = 1\0", 11), "NUL in a number");
}

int main(void) {
  cut_off();
  one_byte_changed();
  nul_is_no_mark();
  return report();
}
