/* Materialized rows: packed, so that a million sessions fit, and unpacked one row at a time. */
#ifndef SQ_QUERY_ROWS_H
#define SQ_QUERY_ROWS_H

#include "base/text.h"
#include "catalog/catalog.h"
#include "sql/sql.h"

struct sq_rows {
  sq_columns columns;
  sq_text packed;   /* per value: its kind, then 1, 8 or length and bytes */
  size_t *starts;   /* of each row in `packed` */
  size_t count, capacity;
  char *names;      /* what the columns' names point into */
  char *next;       /* cursor, or NULL */
};

/* Where a query's rows go: values of all its columns, those a cursor needs too. They live until `take` returns. */
typedef struct sq_sink {
  bool (*take)(void *state, const sq_value *values, size_t count, sq_error *error);
  void (*clear)(void *state); /* forgets what it took: the rows come again */
  void *state;
} sq_sink;

sq_sink sq_rows_sink(sq_rows *rows);

sq_rows *sq_rows_make(const sq_columns *columns, sq_error *error);
/* Takes the last row away. */
void sq_rows_drop_last(sq_rows *rows);
/* All columns, those a cursor needs too. */
void sq_rows_read_all(const sq_rows *rows, size_t index, sq_value *values);

#endif
