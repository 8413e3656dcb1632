/* Which engine answers a query, and the column engine's side of it. */
#ifndef SQ_QUERY_ENGINE_H
#define SQ_QUERY_ENGINE_H

#include "exec/exec.h"
#include "query/rows.h"
#include "query/run.h"

/* A query on one state of the store. End it with sq_reading_end. */
typedef struct sq_reading {
  sq_store *store;
  const sq_query *query;
  const sq_plan *plan;  /* its scope, columns and cursor */
  bool begun;           /* a transaction that ends with it */
  sq_version *version;  /* NULL: SQL answers */
  const char *why;      /* it does; NULL: the columns answer */
  char told[256];       /* of that, what came as an error */
  sq_exec exec;
  sq_lookups lookups;
  size_t looked_up;             /* requests whose feedback was asked for */
  sq_feedback_ids feedback_ids; /* those that have any, once very many were */
  sq_error *error;
} sq_reading;

/* Begins, and chooses. False after an error: a handle for columns only that SQL would have to answer, too. */
bool sq_reading_begin(sq_reading *reading, sq_store *store, const sq_query *query, const sq_plan *plan, bool count, sq_error *error);
void sq_reading_end(sq_reading *reading);
/* The rows of the page and one more, where there is one. */
bool sq_reading_feed(sq_reading *reading, const sq_sink *sink);
int64_t sq_reading_count(sq_reading *reading);
/* After the columns failed: whether it was damage, so that SQL answers instead, of the same state. The error is gone then. */
bool sq_reading_turns_to_sql(sq_reading *reading);

#endif
