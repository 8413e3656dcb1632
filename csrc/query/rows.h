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

sq_rows *sq_rows_make(const sq_columns *columns, sq_error *error);
/* Begins a row; then one sq_rows_put for each column. */
bool sq_rows_begin(sq_rows *rows, sq_error *error);
void sq_rows_put(sq_rows *rows, const sq_value *value);
/* Takes the last row away. */
void sq_rows_drop_last(sq_rows *rows);
/* Takes all rows away. */
void sq_rows_clear(sq_rows *rows);
/* All columns, those a cursor needs too. */
void sq_rows_read_all(const sq_rows *rows, size_t index, sq_value *values);

#endif
