/* The table of requests, its columns made from the catalogue. */
#ifndef SQ_STORE_TABLE_H
#define SQ_STORE_TABLE_H

#include "base/text.h"

/* Appends CREATE TABLE request. */
void sq_table_create(sq_text *out);
/* Appends the INSERT of a whole row, its columns in the order of the catalogue. */
void sq_table_insert(sq_text *out);

#endif
