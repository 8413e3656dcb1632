/* What the rows of an answer are made of, the same for every engine: the columns shown, and behind them the values
   that put a row in its place, which a page cursor keeps. */
#ifndef SQ_IR_COLUMNS_H
#define SQ_IR_COLUMNS_H

#include "ir/query.h"

typedef enum sq_origin {
  SQ_FROM_ORGANIZATION, /* of the group or request */
  SQ_FROM_PROJECT,
  SQ_FROM_KEY,   /* the group's key number `key` */
  SQ_FROM_FIELD, /* the field: of a request, or an aggregate of the group */
} sq_origin;

typedef struct sq_column_of {
  const char *name; /* NULL behind the columns shown */
  sq_type type;
  sq_origin origin;
  size_t key;
  sq_field field;
  bool descending; /* behind the columns shown: the order; absent values come last in both */
} sq_column_of;

typedef struct sq_columns {
  sq_column_of items[SQ_F_COUNT + 2 * SQ_MAX_KEYS + 8];
  size_t shown, count; /* [shown, count): what rows are ordered by, the first first, until no two are equal */
} sq_columns;

/* Whose rows there are at all. NULL: everybody's. */
typedef struct sq_scope {
  const char *organization, *project;
} sq_scope;

void sq_query_columns(const sq_query *query, const sq_scope *scope, sq_columns *out);

#endif
