/* A SQLite without FTS5: no words index, and right answers; one that another has made is passed over. */
#include "test.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "sessionquery.h"

static char folder[] = "/tmp/sq-words-XXXXXX", path[64];

/* Runs in each connection that is opened from then on. */
static int take_fts5_away(sqlite3 *db, char **message, const struct sqlite3_api_routines *unused) {
  static const char *kept[] = {"json_each", "json_tree", NULL};
  (void)message, (void)unused;
  sqlite3_drop_modules(db, kept);
  return sqlite3_create_function_v2(db, "fts5", 1, SQLITE_UTF8, NULL, NULL, NULL, NULL, NULL);
}

static sq_store *open_store(void) {
  const sq_open_options options = {.relaxed = true};
  sq_error error = {0};
  sq_store *store = sq_store_open(path, &options, &error);
  CHECK(store != NULL, "%s", error.message);
  return store;
}

static void fill(sq_store *store) {
  static const char lines[] = "{\"request_id\":\"r1\",\"created_at\":1,\"request_body\":\"it was not found\"}\n"
                              "{\"request_id\":\"r2\",\"created_at\":2,\"request_body\":\"found, not lost\",\"response_body\":\"Not Found\"}\n";
  sq_ingest in = {0};
  sq_error error = {0};
  CHECK(sq_store_ingest(store, lines, sizeof lines - 1, &in, &error), "%s", error.message);
}

static void ask(sq_store *store, const char *told) {
  static const char source[] = "request_body phrase 'not found' or response_body phrase 'not found'";
  sq_error error = {0};
  sq_text text = {0};
  const sq_filter *filters[] = {sq_filter_compile("where", source, sizeof source - 1, NULL, NULL, &error)};
  const sq_query_spec spec = {.source = SQ_REQUESTS, .filters = filters, .filter_count = 1};
  sq_query *query = sq_query_build(&spec, NULL, &error);
  CHECK(sq_query_count(store, query, &error) == 2, "%s", error.message);
  CHECK(sq_query_explain(store, query, &text, &error) && strstr(text.data, told), "%s %s", error.message, text.data ? text.data : "");
  sq_text_free(&text);
  sq_query_free(query);
  sq_filter_free((sq_filter *)(uintptr_t)filters[0]);
}

static void refuse(sq_store *store) {
  sq_error error = {0}, erased = {0};
  sq_words_filled filled;
  CHECK(!sq_store_index_words(store, false, &filled, &error) && strstr(error.message, "has no FTS5"), "%s", error.message);
  sq_deletion deletion = {.request = "r1", .erase = true};
  CHECK(!sq_store_delete(store, &deletion, &erased) && strstr(erased.message, "has no FTS5"), "%s", erased.message);
}

int main(void) {
  char command[100];
  sq_error error = {0};
  sq_words_filled filled;
  if (!mkdtemp(folder)) return 1;
  snprintf(path, sizeof path, "%s/store.db", folder);
  sq_store *store = open_store();
  fill(store);
  ask(store, "words index: not asked: there is none\n");
  CHECK(sq_store_index_words(store, false, &filled, &error) && filled.bodies == 2, "%s", error.message);
  ask(store, "words index: 4 candidates, and 0 bodies that are not in it\n");
  sqlite3_auto_extension((void (*)(void))take_fts5_away);
  sq_store *poor = open_store();
  ask(poor, "words index: not asked: this SQLite has no FTS5\n");
  fill(poor); /* again: each replaces one */
  ask(poor, "words index: not asked: this SQLite has no FTS5\n");
  ask(store, "words index: 4 candidates, and 2 bodies that are not in it\n");
  refuse(poor);
  sq_store_close(poor);
  sqlite3_cancel_auto_extension((void (*)(void))take_fts5_away);
  sq_store_close(store);
  snprintf(command, sizeof command, "rm -r %s", folder);
  CHECK(system(command) == 0);
  return report();
}
