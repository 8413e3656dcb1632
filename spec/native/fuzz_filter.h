/* What the fuzzers of the dialects share: compile, dump, combine, write SQL, and check the laws of errors. */
#ifndef SQ_SPEC_FUZZ_FILTER_H
#define SQ_SPEC_FUZZ_FILTER_H

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "sessionquery.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A place lies in the source, a message is a sentence in UTF-8. */
static void fuzz_check_error(const sq_error *error, size_t size) {
  size_t length = strlen(error->message);
  if (error->code == SQ_OK) return;
  if (length == 0 || sq_utf8_valid_prefix(error->message, length) != length) abort();
  if (error->placed && (error->offset > size || error->length > size - error->offset)) abort();
}

/* A filter that compiles has a dump and SQL; its double negation is itself. */
static void fuzz_use(const sq_filter *filter) {
  sq_text dump = {0}, again = {0};
  sq_error error = {.code = SQ_OK};
  if (!sq_filter_dump(filter, &dump, &error) || !sq_filter_dump_tree(filter, &again, &error)) abort();
  sq_text_free(&again);
  sq_filter *no = sq_filter_combine("not", NULL, &filter, 1, NULL, &error);
  sq_filter *yes = no ? sq_filter_combine("not", NULL, (const sq_filter *const *)&no, 1, NULL, &error) : NULL;
  if (yes && (!sq_filter_dump(yes, &again, &error) || strcmp(dump.data, again.data) != 0)) abort();
  if (!yes && error.code != SQ_E_LIMIT) abort();
  sq_text_free(&again);
  error = (sq_error){.code = SQ_OK};
  if (!sq_filter_sql(filter, "sqlite", &again, &error)) abort();
  sq_text_free(&again);
  sq_text_free(&dump);
  sq_filter_free(no);
  sq_filter_free(yes);
}

static int fuzz_filter(const char *dialect, const char *source, size_t size) {
  sq_error error = {.code = SQ_OK};
  sq_filter *filter = sq_filter_compile(dialect, source, size, NULL, NULL, &error);
  fuzz_check_error(&error, size);
  if (!filter) return 0;
  fuzz_use(filter);
  sq_filter_free(filter);
  return 0;
}

#endif
