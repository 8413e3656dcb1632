/* Rows as JSON text. */
#ifndef SQ_QUERY_JSON_H
#define SQ_QUERY_JSON_H

#include "query/rows.h"

/* One value as the catalogue's type has it outside: times as RFC 3339, money in dollars. An absent list is
   [], an absent map {}, any other absent value null. */
void sq_json_write_value(sq_text *out, sq_type type, const sq_value *value);
/* One present value in a vendor's shape: times with so many fraction digits, at an offset from UTC. */
void sq_json_write_shaped(sq_text *out, sq_type type, const sq_value *value, int time_digits, int offset_minutes);
/* The column that shows a field in a vendor's query. */
bool sq_shape_column(const sq_columns *columns, sq_field field, size_t *out, sq_error *error);
/* A JSON array of objects, one for each row. */
void sq_json_write_rows(sq_text *out, const sq_rows *rows);
/* A vendor's whole answer; times are shown at an offset from UTC. */
bool sq_json_write_shape(sq_text *out, const sq_shape *shape, int offset_minutes, const sq_rows *rows, sq_error *error);

#endif
