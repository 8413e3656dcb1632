/* The column engine: a query over a view, from its rows step to its page. */
#ifndef SQ_EXEC_EXEC_H
#define SQ_EXEC_EXEC_H

#include "exec/select.h"
#include "ir/columns.h"
#include "session/statistics.h"

/* What no column holds, asked of the store for the groups of the page only. */
typedef struct sq_lookups {
  void *state;
  /* An aggregate of stage OWN (tags, metadata, feedback of the session itself): JSON text in `out`
     (of a field that is text: the text), or nothing. */
  bool (*own)(void *state, sq_field field, const sq_session_name *session, sq_text *out, sq_error *error);
  /* Adds the feedback of one request. */
  bool (*feedback)(void *state, const char *organization, size_t organization_length, const char *project, size_t project_length,
                   const char *request_id, size_t request_id_length, sq_statistics *into, sq_error *error);
} sq_lookups;

typedef struct sq_exec {
  const sq_view *view;
  const sq_query *query;
  sq_scope scope;
  const sq_value *after; /* values of the columns behind those shown, of the row to begin behind, or NULL */
  const sq_lookups *lookups;
  bool (*is_late)(void *state); /* asked every 64K rows */
  void *late_state;
  sq_kernels kernels;
  bool whole; /* neither early end nor fragments: each row is looked at (for tests and measurements) */
  sq_traffic traffic; /* out */
  char plan[160];     /* out: what it did, as a phrase */
} sq_exec;

/* Why the query cannot be answered from this view, as a phrase; NULL when it can. */
const char *sq_exec_refuses(const sq_exec *exec);

/* Takes a row: values of all sq_query_columns. They live until it returns. */
typedef bool sq_take_row(void *state, const sq_value *values, size_t count, sq_error *error);

/* Gives the rows in order: at most limit + 1 from the offset on. */
bool sq_exec_groups(sq_exec *exec, sq_take_row *take, void *state, sq_error *error);
/* The requests of the page as their seq, in order: at most limit + 1 from the offset on. */
bool sq_exec_requests(sq_exec *exec, int64_t **seqs, size_t *count, sq_error *error);
/* How many rows there are without limit and offset; -1 after an error. */
int64_t sq_exec_count(sq_exec *exec, sq_error *error);

#endif
