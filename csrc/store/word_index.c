#include "store/word_index.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/pattern.h"
#include "base/words.h"

#define BATCH_BYTES (4 << 20) /* of bodies in one transaction, half a second: others want to write */
#define MOST_WORDS 16         /* of a phrase that are asked for: candidates may be too many, never too few */

/* -------------------------------------------------------------------------------------------- the tokenizer */

/* Room for what is made of a text and of its words. */
typedef struct tokenizer {
  sq_text readable, folded;
} tokenizer;

static int make_tokenizer(void *unused, const char **arguments, int count, Fts5Tokenizer **out) {
  (void)unused, (void)arguments, (void)count;
  *out = calloc(1, sizeof(tokenizer));
  return *out ? SQLITE_OK : SQLITE_NOMEM;
}

static void free_tokenizer(Fts5Tokenizer *made) {
  tokenizer *t = (tokenizer *)(void *)made;
  sq_text_free(&t->readable);
  sq_text_free(&t->folded);
  free(t);
}

/* Of a body, the words of what its JSON says, as sq_document_phrase has them. */
static int tokenize(Fts5Tokenizer *made, void *state, int flags, const char *text, int length,
                    int (*take)(void *state, int flags, const char *word, int length, int from, int to)) {
  tokenizer *t = (tokenizer *)(void *)made;
  size_t size = length > 0 ? (size_t)length : 0;
  const char *from = size && flags & FTS5_TOKENIZE_DOCUMENT ? sq_json_readable(text, &size, &t->readable) : text;
  const char *at = from, *end = from ? from + size : NULL, *word;
  int code = from || !size ? SQLITE_OK : SQLITE_NOMEM;
  while (code == SQLITE_OK && size && sq_words_next(&at, end, &word, &size)) {
    sq_text_clear(&t->folded);
    sq_fold(&t->folded, word, size);
    code = t->folded.failed ? SQLITE_NOMEM : take(state, 0, t->folded.data, (int)t->folded.length, (int)(word - from), (int)(at - from));
  }
  return code;
}

/* sq_words(phrase): the phrase's words, as FTS5 wants to be asked for what has all of them. */
static void words(sqlite3_context *c, int count, sqlite3_value **arguments) {
  const char *at = (const char *)sqlite3_value_text(arguments[0]), *end = at ? at + sqlite3_value_bytes(arguments[0]) : NULL, *word;
  size_t size;
  sq_text out = {0};
  (void)count;
  for (int i = 0; i < MOST_WORDS && at && sq_words_next(&at, end, &word, &size); i++) sq_text_format(&out, "\"%.*s\" ", (int)size, word);
  if (out.failed) sqlite3_result_error_nomem(c);
  else sqlite3_result_text64(c, out.data ? out.data : "", out.length, SQLITE_TRANSIENT, SQLITE_UTF8);
  sq_text_free(&out);
}

static fts5_api *api_of(sqlite3 *db) {
  fts5_api *api = NULL;
  sqlite3_stmt *ask = NULL;
  if (sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &ask, NULL) != SQLITE_OK) return NULL;
  sqlite3_bind_pointer(ask, 1, &api, "fts5_api_ptr", NULL);
  sqlite3_step(ask);
  sqlite3_finalize(ask);
  return api;
}

bool sq_word_index_register(sq_store *store) {
  fts5_tokenizer tokenizer = {make_tokenizer, free_tokenizer, tokenize};
  fts5_api *api = api_of(store->db);
  store->has_words = api && api->xCreateTokenizer(api, "sessionquery", NULL, &tokenizer, NULL) == SQLITE_OK;
  return sqlite3_create_function_v2(store->db, "sq_words", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, words, NULL, NULL, NULL) == SQLITE_OK;
}

/* ---------------------------------------------------------------------------------------------- keeping it */

bool sq_word_index_note(sq_store *store, int64_t seq, sq_error *error) {
  sqlite3_stmt *note = sq_prepare(store, "INSERT OR IGNORE INTO body_change(seq) SELECT ?1 FROM word_index WHERE ?1 <= indexed_end", error);
  if (!note) return false;
  sqlite3_bind_int64(note, 1, seq);
  bool done = sq_step_done(store, note, error);
  sqlite3_finalize(note);
  return done;
}

static bool is_made(sq_store *store, bool *out, sq_error *error) {
  int64_t there = 0;
  if (!sq_query_integer(store, "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'body_words')", &there, error)) return false;
  *out = there != 0;
  return true;
}

bool sq_word_index_clear(sq_store *store, sq_error *error) {
  bool made;
  if (!is_made(store, &made, error)) return false;
  if (made && !store->has_words) return sq_fail(error, SQ_E_STORE, "the words index cannot be emptied: this SQLite has no FTS5");
  return (!made || sq_execute(store, "INSERT INTO body_words(body_words) VALUES ('delete-all')", error)) &&
         sq_execute(store, "UPDATE word_index SET indexed_end = 0; DELETE FROM body_change", error);
}

/* Without the words' places and columns, which would make it three times as large: the texts tell them. The larger
   hash and the rarer merges were measured to make filling half as fast again. */
static bool make(sq_store *store, sq_error *error) {
  return sq_execute(store,
                    "CREATE VIRTUAL TABLE body_words USING fts5(request_body, response_body, content = '', columnsize = 0, detail = none,"
                    " tokenize = 'sessionquery');"
                    "INSERT INTO body_words(body_words, rank) VALUES ('hashsize', 16777216), ('automerge', 8);"
                    "UPDATE word_index SET indexed_end = 0; DELETE FROM body_change",
                    error);
}

/* ----------------------------------------------------------------------------------------------- filling it */

typedef struct filling {
  sq_store *store;
  sq_words_filled *filled;
  int64_t bytes; /* of this batch */
  sq_error *error;
} filling;

/* Takes the bodies that `sql` selects after seq `after`, until the batch is full. `*last`: the last one. What is
   put twice counts as it was put last. */
static bool take_bodies(filling *f, const char *sql, int64_t after, int64_t *last, bool *ended) {
  sqlite3_stmt *read = sq_prepare(f->store, sql, f->error);
  sqlite3_stmt *put = read ? sq_prepare(f->store, "INSERT INTO body_words(rowid, request_body, response_body) VALUES (?1, ?2, ?3)", f->error) : NULL;
  int code = SQLITE_ROW;
  bool good = put != NULL;
  if (read) sqlite3_bind_int64(read, 1, after);
  while (good && f->bytes < BATCH_BYTES && (code = sqlite3_step(read)) == SQLITE_ROW) {
    *last = sqlite3_column_int64(read, 0);
    for (int i = 0; i < 3; i++) sqlite3_bind_value(put, i + 1, sqlite3_column_value(read, i));
    f->bytes += sqlite3_column_bytes(read, 1) + sqlite3_column_bytes(read, 2);
    f->filled->bodies++;
    good = sq_step_done(f->store, put, f->error);
  }
  *ended = code == SQLITE_DONE;
  good = good && (code == SQLITE_ROW || code == SQLITE_DONE || sq_sqlite_fail(f->store, code, f->error));
  sqlite3_finalize(read);
  sqlite3_finalize(put);
  return good;
}

static bool run(filling *f, const char *sql, int64_t value) {
  sqlite3_stmt *statement = sq_prepare(f->store, sql, f->error);
  if (!statement) return false;
  sqlite3_bind_int64(statement, 1, value);
  bool done = sq_step_done(f->store, statement, f->error);
  sqlite3_finalize(statement);
  return done;
}

static bool take_changed(filling *f, bool *ended) {
  int64_t last = INT64_MIN;
  return take_bodies(f, "SELECT c.seq, b.request_body, b.response_body FROM body_change AS c LEFT JOIN body AS b ON b.seq = c.seq WHERE c.seq > ?1 ORDER BY c.seq",
                     last, &last, ended) &&
         run(f, "DELETE FROM body_change WHERE seq <= ?1", last);
}

static bool take_new(filling *f, bool *ended) {
  int64_t end = 0;
  if (!sq_query_integer(f->store, "SELECT indexed_end FROM word_index", &end, f->error)) return false;
  return take_bodies(f, "SELECT seq, request_body, response_body FROM body WHERE seq > ?1 ORDER BY seq", end, &end, ended) &&
         run(f, "UPDATE word_index SET indexed_end = ?1", end);
}

static bool fill(filling *f, bool anew, bool *ended) {
  bool made;
  f->bytes = 0;
  bool good = is_made(f->store, &made, f->error) && (made || make(f->store, f->error)) && (!anew || !made || sq_word_index_clear(f->store, f->error));
  good = good && take_changed(f, ended);
  if (good && *ended) good = take_new(f, ended);
  f->filled->bytes += f->bytes;
  return good;
}

bool sq_store_index_words(sq_store *store, bool anew, sq_words_filled *filled, sq_error *error) {
  filling f = {.store = store, .filled = filled, .error = error};
  bool ended = false, good = sq_store_enter(store, error);
  *filled = (sq_words_filled){0};
  if (good && store->readonly) return sq_fail_readonly(store, error);
  if (good && !store->has_words) return sq_fail(error, SQ_E_STORE, "there can be no words index: this SQLite has no FTS5");
  for (; good && !ended; anew = false) good = sq_begin_write(store, error) && sq_end_write(store, fill(&f, anew, &ended), error);
  return good;
}

/* ----------------------------------------------------------------------------------------------- asking it */

bool sq_store_words(sq_store *store, sq_words_state *out, sq_error *error) {
  static const char *const sql =
      "SELECT indexed_end, coalesce((SELECT max(seq) FROM body), 0), (SELECT count(*) FROM body_change),"
      " EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'body_words') FROM word_index";
  sqlite3_stmt *read = sq_borrow(store, sql, error);
  if (!read) return false;
  int code = sqlite3_step(read);
  *out = (sq_words_state){0};
  if (code == SQLITE_ROW) {
    int64_t end = sqlite3_column_int64(read, 0), last = sqlite3_column_int64(read, 1);
    *out = (sq_words_state){.bodies = last, .unknown = (last > end ? last - end : 0) + sqlite3_column_int64(read, 2)};
    if (end == 0 || !sqlite3_column_int(read, 3)) out->why = "there is none";
  }
  if (!store->has_words) out->why = "this SQLite has no FTS5";
  sq_give_back(store, read);
  return code == SQLITE_ROW || code == SQLITE_DONE || sq_sqlite_fail(store, code, error);
}

bool sq_store_count_words(sq_store *store, const sq_value *phrase, int64_t most, int64_t *count, sq_error *error) {
  static const char *const sql = "SELECT count(*) FROM (SELECT 1 FROM body_words WHERE body_words MATCH sq_words(?1) LIMIT ?2)";
  sqlite3_stmt *read = sq_borrow(store, sql, error);
  if (!read) return false;
  sq_bind_value(read, 1, phrase);
  sqlite3_bind_int64(read, 2, most);
  int code = sqlite3_step(read);
  if (code == SQLITE_ROW) *count = sqlite3_column_int64(read, 0);
  bool good = code == SQLITE_ROW || sq_sqlite_fail(store, code, error);
  sq_give_back(store, read);
  return good;
}
