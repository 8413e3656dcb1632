/* libFuzzer: Helicone's filter, from source to SQL, and its whole request body. */
#include "fuzz_filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  sq_error error = {.code = SQ_OK};
  static const char *const endpoints[] = {"query", "count", "names", "metrics"};
  for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++) {
    error = (sq_error){.code = SQ_OK};
    sq_query_free(sq_query_compile("helicone", endpoints[i], (const char *)data, size, NULL, &error));
    fuzz_check_error(&error, size);
  }
  return fuzz_filter("helicone", (const char *)data, size);
}
