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

/* As text of a dialect it compiles; of its own dialect to the same tree, and always has that text. */
static void fuzz_write(const char *from, const sq_filter *filter, const char *to) {
  sq_text text = {0}, unsaid = {0}, tree = {0}, again = {0};
  sq_error error = {.code = SQ_OK};
  bool written = sq_filter_write(filter, to, &text, &unsaid, &error);
  if (!written && (error.code != SQ_E_UNSAID || unsaid.length < 2)) abort();
  sq_filter *read = written ? sq_filter_compile(to, text.data, text.length, NULL, NULL, &error) : NULL;
  if (written && !read) abort();
  if (strcmp(from, to) == 0) {
    if (!read && !strstr(unsaid.data, "as text it would be refused")) abort(); /* shorter sources may hold longer filters */
    if (read && (!sq_filter_dump_tree(filter, &tree, &error) || !sq_filter_dump_tree(read, &again, &error) || strcmp(tree.data, again.data) != 0)) abort();
  }
  sq_filter_free(read);
  sq_text_free(&text);
  sq_text_free(&unsaid);
  sq_text_free(&tree);
  sq_text_free(&again);
}

static int fuzz_filter(const char *dialect, const char *source, size_t size) {
  sq_error error = {.code = SQ_OK};
  sq_filter *filter = sq_filter_compile(dialect, source, size, NULL, NULL, &error);
  fuzz_check_error(&error, size);
  if (!filter) return 0;
  fuzz_use(filter);
  for (size_t i = 0; sq_dialect_at(i); i++) fuzz_write(dialect, filter, sq_dialect_at(i));
  sq_filter_free(filter);
  return 0;
}

#endif
