/* libFuzzer: the `where` language, from source to SQL. */
#include "fuzz_filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return fuzz_filter("where", (const char *)data, size); }
