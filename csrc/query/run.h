/* Running a query: by the columns where they can answer, by SQL where they cannot. */
#ifndef SQ_QUERY_RUN_H
#define SQ_QUERY_RUN_H

#include "query/rows.h"
#include "query/words.h"
#include "store/store.h"

/* What a query is in the store's scope, and as a statement, once it is written. End it with sq_plan_end. */
typedef struct sq_plan {
  sq_arena arena;
  sq_scope scope;
  sq_sql sql;
  sq_columns columns;
  const sq_value *after; /* where a cursor stands, or NULL */
  uint64_t stamp; /* 0: not made yet */
  sq_word_search words;
} sq_plan;

bool sq_plan_begin(sq_plan *plan, sq_store *store, const sq_query *query, bool count, sq_error *error);
/* Writes the statement; only SQL has use for it. */
bool sq_plan_write(sq_plan *plan, const sq_query *query, bool count);
void sq_plan_end(sq_plan *plan);
/* Reads all rows of the scan. */
bool sq_plan_feed(const sq_plan *plan, sq_scan *scan, const sq_sink *sink, sq_error *error);
sq_scan *sq_plan_scan(const sq_plan *plan, sq_store *store, sq_error *error);
/* A column of the scan's row as its type has it: booleans as such, lists and maps as JSON. */
bool sq_plan_value(const sq_plan *plan, sq_scan *scan, size_t column, sq_value *out, sq_error *error);
/* Runs the query: its rows go to the sink, and one more than its limit where there is one. */
bool sq_query_feed(sq_store *store, const sq_query *query, const sq_sink *sink, sq_error *error);

#endif
