/* libFuzzer: LangSmith's filter language, from source to SQL and back: what is written compiles to the same tree, and
   what a strict filter takes, any filter takes and understands in the same way. */
#include "fuzz_filter.h"

static char *dump_of(const sq_filter *filter) {
  sq_error error = {.code = SQ_OK};
  sq_text dump = {0};
  if (!sq_filter_dump(filter, &dump, &error)) abort();
  return dump.data;
}

/* NULL when it is refused. */
static char *meaning(const char *dialect, const char *source, size_t size, bool strict) {
  sq_error error = {.code = SQ_OK};
  const sq_filter_options options = {.strict = strict};
  sq_filter *filter = sq_filter_compile(dialect, source, size, &options, NULL, &error);
  fuzz_check_error(&error, size);
  char *dump = filter ? dump_of(filter) : NULL;
  sq_filter_free(filter);
  return dump;
}

/* Only for years beyond four digits, and what would grow too deep or long, there is no source. */
static void write_back(const char *dialect, const char *source, size_t size) {
  sq_error error = {.code = SQ_OK};
  sq_text text = {0}, unsaid = {0};
  sq_filter *filter = sq_filter_compile(dialect, source, size, NULL, NULL, &error);
  char *dump = filter ? dump_of(filter) : NULL;
  if (filter && sq_filter_write(filter, dialect, &text, &unsaid, &error)) {
    char *again = meaning(dialect, text.data, text.length, false);
    if (!again || strcmp(again, dump) != 0) abort();
    free(again);
  } else if (filter && !strstr(unsaid.data, "a time before the year 0") && !strstr(unsaid.data, "as text it would be refused")) {
    abort();
  }
  free(dump);
  sq_text_free(&text);
  sq_text_free(&unsaid);
  sq_filter_free(filter);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *source = (const char *)data;
  char *strict = meaning("langsmith", source, size, true), *whole = meaning("langsmith", source, size, false);
  if (strict && (!whole || strcmp(strict, whole) != 0)) abort();
  free(strict);
  free(whole);
  write_back("langsmith", source, size);
  write_back("langsmith-projects", source, size);
  return fuzz_filter("langsmith-projects", source, size) + fuzz_filter("langsmith", source, size);
}
