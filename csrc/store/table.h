/* The table of requests, its columns made from the catalogue. */
#ifndef SQ_STORE_TABLE_H
#define SQ_STORE_TABLE_H

#include "base/text.h"
#include "catalog/catalog.h"

/* Appends CREATE TABLE request. */
void sq_table_create(sq_text *out);
/* Appends the statement that gives an older table this field's column; the field may be absent. */
void sq_table_add_column(sq_field field, sq_text *out);
/* Bit i: the request field number i that has a column is given. */
typedef uint64_t sq_given_columns;
/* Appends the INSERT of so many rows of these columns, in the order of the catalogue. */
void sq_table_insert(sq_given_columns given, size_t rows, sq_text *out);

#endif
