/* libFuzzer: Freeplay's filter, from source to SQL, to the three searches, and back to source. */
#include "fuzz_filter.h"

/* What was written compiles to what was read. */
static void write_again(const sq_filter *filter) {
  sq_error error = {.code = SQ_OK};
  sq_text source = {0}, unsaid = {0}, dump = {0}, again = {0};
  if (!sq_filter_write(filter, "freeplay", &source, &unsaid, &error)) abort();
  sq_filter *second = sq_filter_compile("freeplay", source.data, source.length, NULL, NULL, &error);
  if (!second || !sq_filter_dump_tree(filter, &dump, &error) || !sq_filter_dump_tree(second, &again, &error)) abort();
  if (strcmp(dump.data, again.data) != 0) abort();
  sq_filter_free(second);
  sq_text_free(&source);
  sq_text_free(&unsaid);
  sq_text_free(&dump);
  sq_text_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const searches[] = {"candidates", "completions", "traces"};
  sq_error error = {.code = SQ_OK};
  sq_filter *filter = sq_filter_compile("freeplay", (const char *)data, size, NULL, NULL, &error);
  if (!filter) return fuzz_filter("freeplay", (const char *)data, size);
  write_again(filter);
  for (size_t i = 0; i < sizeof searches / sizeof *searches; i++) {
    sq_filter *found = sq_filter_search(searches[i], filter, NULL, &error);
    fuzz_check_error(&error, 0);
    if (!found && error.code != SQ_E_LIMIT) abort();
    if (found) fuzz_use(found);
    sq_filter_free(found);
    error = (sq_error){.code = SQ_OK};
  }
  sq_filter_free(filter);
  return fuzz_filter("freeplay", (const char *)data, size);
}
