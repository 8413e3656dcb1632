/* Compiling Helicone's two-leaf filter beside parsing the same text with cJSON. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sessionquery.h"

static const char source[] =
    "{\n"
    "    \"left\": {\n"
    "      \"request_response_rmt\": {\n"
    "        \"properties\": {\n"
    "          \"Helicone-Session-Name\": {\n"
    "            \"contains\": \"support\"\n"
    "          }\n"
    "        }\n"
    "      }\n"
    "    },\n"
    "    \"operator\": \"and\",\n"
    "    \"right\": {\n"
    "      \"request_response_rmt\": {\n"
    "        \"cost\": {\n"
    "          \"gt\": 0.001\n"
    "        }\n"
    "      }\n"
    "    }\n"
    "  }";

enum { ROUNDS = 15, EACH = 20000 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double least(double a, double b) { return a < b ? a : b; }

int main(void) {
  double compile = 1e9, parse = 1e9, parse_only = 1e9;
  for (int round = 0; round < ROUNDS; round++) {
    double start = now();
    for (int i = 0; i < EACH; i++) {
      sq_error error = {.code = SQ_OK};
      sq_filter *filter = sq_filter_compile("helicone", source, sizeof source - 1, NULL, NULL, &error);
      if (!filter) return 1;
      sq_filter_free(filter);
    }
    compile = least(compile, (now() - start) / EACH);
    start = now();
    for (int i = 0; i < EACH; i++) cJSON_Delete(cJSON_Parse(source));
    parse = least(parse, (now() - start) / EACH);
    static cJSON *kept[EACH];
    start = now();
    for (int i = 0; i < EACH; i++) kept[i] = cJSON_Parse(source);
    parse_only = least(parse_only, (now() - start) / EACH);
    for (int i = 0; i < EACH; i++) cJSON_Delete(kept[i]);
  }
  printf("compile of the guide's two-leaf filter (%zu bytes): %.2f us, and free\n", sizeof source - 1, compile);
  printf("  cJSON_Parse and cJSON_Delete of it: %.2f us; ratio %.2f\n", parse, compile / parse);
  printf("  cJSON_Parse alone, memory never reused: %.2f us; ratio %.2f (goal: 3 or less)\n", parse_only, compile / parse_only);
  return 0;
}
