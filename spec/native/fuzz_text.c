/* libFuzzer: what looks into texts and documents. The input is a needle, a line's end, and the text. */
#include <stdlib.h>
#include <string.h>

#include "base/pattern.h"
#include "base/words.h"
#include "store/sqlite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void list(const char *text, size_t length, sq_text *out) {
  const char *at = text, *word;
  size_t size;
  while (sq_words_next(&at, text + length, &word, &size)) {
    if (size == 0 || word + size != at) abort();
    sq_text_byte(out, '|');
    sq_fold(out, word, size);
    sq_text_byte(out, '|');
  }
}

/* A phrase is found where its words, folded and set apart, stand among those of the text. */
static void try_phrase(const char *needle, size_t needle_length, const char *text, size_t length) {
  sq_phrase phrase = {0};
  sq_text all = {0}, some = {0};
  if (!sq_phrase_compile(&phrase, needle, needle_length)) abort();
  list(text, length, &all);
  list(needle, needle_length, &some);
  bool wanted = sq_find(all.data ? all.data : "", all.length, some.data ? some.data : "", some.length) != NULL;
  if (sq_phrase_matches(&phrase, text, length) != wanted) abort();
  sq_text_free(&all);
  sq_text_free(&some);
  sq_phrase_free(&phrase);
}

static int64_t ask(sqlite3 *db, const char *sql, const char *needle, size_t needle_length, const char *text, size_t length) {
  sqlite3_stmt *statement;
  if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) abort();
  sqlite3_bind_text64(statement, 1, text, length, SQLITE_STATIC, SQLITE_UTF8);
  sqlite3_bind_text64(statement, 2, needle, needle_length, SQLITE_STATIC, SQLITE_UTF8);
  if (sqlite3_step(statement) != SQLITE_ROW) abort();
  int64_t answer = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  return answer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static sq_store store;
  if (!store.db && (sqlite3_open(":memory:", &store.db) != SQLITE_OK || !sq_register_functions(&store))) abort();
  const char *input = (const char *)data, *end = size ? memchr(input, '\n', size) : NULL;
  size_t needle_length = end ? (size_t)(end - input) : 0;
  const char *text = end ? end + 1 : input;
  size_t length = size - (size_t)(text - input);
  try_phrase(input, needle_length, text, length);
  /* every entry is a scalar that is there, and a member that is there is an entry or nested */
  if (ask(store.db, "SELECT count(*) FROM sq_entries(?1) WHERE key IS NULL OR sq_kind(value) IS NULL OR sq_as_text(value) IS NULL", input, needle_length, text, length)) abort();
  if (ask(store.db, "SELECT sq_kind(sq_member(?1, ?2)) NOT IN ('object', 'array') AND ?2 NOT IN (SELECT key FROM sq_entries(?1))", input, needle_length, text, length)) abort();
  ask(store.db, "SELECT sq_as_json(sq_member(?1, ?2)) IS NULL", input, needle_length, text, length);
  return 0;
}
