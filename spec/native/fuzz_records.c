/* libFuzzer: lines of both formats into a store, queried afterwards; cursors. */
#include <stdlib.h>
#include <string.h>

#include "sessionquery.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sq_store *store;
static sq_query *requests, *sessions;

static void begin(void) {
  sq_error error = {.code = SQ_OK};
  sq_query_spec of_requests = {.source = SQ_REQUESTS, .bodies = true}, of_sessions = {.source = SQ_SESSIONS, .limited = true, .limit = 3};
  store = sq_store_open(":memory:", NULL, &error);
  requests = sq_query_build(&of_requests, NULL, &error);
  sessions = sq_query_build(&of_sessions, NULL, &error);
  if (!store || !requests || !sessions) abort();
}

static void ingest(const char *format, sq_conflict conflict, const char *lines, size_t size) {
  sq_error error = {.code = SQ_OK};
  sq_ingest in = {.format = format, .on_conflict = conflict, .mode = SQ_INGEST_LENIENT, .first_line = 1, .identity = {1, 2}};
  if (!sq_store_ingest(store, lines, size, &in, &error)) abort();
  if (in.lines < in.added + in.replaced + in.updated + in.failed) abort();
}

static void ask(const sq_query *query) {
  sq_error error = {.code = SQ_OK};
  sq_text text = {0};
  if (!sq_query_json(store, query, &text, &error)) abort();
  sq_text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!store) begin();
  ingest("canonical", SQ_REPLACE, (const char *)data, size);
  ingest("helicone", SQ_REPLACE, (const char *)data, size);
  ingest("canonical", SQ_UPDATE, (const char *)data, size);
  ask(requests);
  ask(sessions);
  sq_error error = {.code = SQ_OK};
  sq_query_spec spec = {.source = SQ_REQUESTS, .limited = true, .limit = 1, .after = (const char *)data, .after_length = size};
  sq_query *after = sq_query_build(&spec, NULL, &error);
  sq_rows *rows = sq_rows_run(store, after, &error);
  if (rows || error.code != SQ_E_CURSOR) abort();
  sq_query_free(after);
  sq_deletion all = {.bounded = true, .before = INT64_MAX};
  error = (sq_error){.code = SQ_OK};
  if (!sq_store_delete(store, &all, &error)) abort();
  return 0;
}
