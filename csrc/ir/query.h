/* The IR of a whole query: rows → group → keep → order → page, and the shape of a vendor's answer.
   Immutable once built; engines read it. */
#ifndef SQ_IR_QUERY_H
#define SQ_IR_QUERY_H

#include "base/time.h"
#include "ir/ir.h"

typedef enum sq_key_kind { SQ_KEY_SESSION, SQ_KEY_FIELD, SQ_KEY_MEMBER, SQ_KEY_BUCKET } sq_key_kind;

/* What rows are grouped by. */
typedef struct sq_key {
  sq_key_kind kind;
  const char *name;     /* the key's name in a row: "id", "model", "properties.env", "day" */
  sq_field field;       /* SESSION: SESSION_ID, FIELD: the field, MEMBER: PROPERTIES, BUCKET: CREATED_AT */
  const char *member;   /* MEMBER */
  size_t member_length;
  sq_bucket bucket;
  int offset_minutes;
} sq_key;

/* What the key's values are. */
sq_type sq_key_type(const sq_key *key);

typedef struct sq_order {
  sq_field field; /* SQ_F_NONE: the group key number `key` */
  size_t key;
  bool descending;
} sq_order;

/* How an answer writes what is absent. */
typedef enum sq_if_absent { SQ_ABSENT_NULL, SQ_ABSENT_ZERO, SQ_ABSENT_EMPTY } sq_if_absent;

/* What a member says of many rows. An absent value is 0 in sums, and none for LEAST and GREATEST. */
typedef enum sq_summary {
  SQ_AS_IS,    /* of a row: its value. Of a summary: what rows are gathered by */
  SQ_COUNT,    /* the number of rows */
  SQ_SUM,
  SQ_MEAN,     /* the sum over the number of rows */
  SQ_LEAST,
  SQ_GREATEST,
  SQ_QUOTIENT, /* the sum over that of `other`; 0 where that is 0 */
} sq_summary;

/* What an answer is made of the rows. */
typedef enum sq_form {
  SQ_FORM_ROWS,       /* an array of objects, one a row */
  SQ_FORM_SUMMARY,    /* one object over all rows */
  SQ_FORM_SUMMARIES,  /* an array of objects, one for each value of the member AS_IS: `most` of them, by `order`, the greatest first */
  SQ_FORM_HISTOGRAMS, /* per member ten buckets of equal width, and the mean */
} sq_form;

/* A vendor's answer to a query. */
typedef struct sq_shape_member {
  const char *name;
  sq_field field;
  sq_if_absent if_absent;
  sq_summary summary;
  sq_field other;
  int64_t finer, unit; /* HISTOGRAMS: value × finer is an integer, of which `unit` make one as it is shown */
} sq_shape_member;

typedef struct sq_shape {
  const char *before, *after;             /* around the array of rows */
  const char *error_before, *error_after; /* around an error's message, a JSON string */
  const sq_shape_member *members;
  size_t count;
  int time_digits;
  sq_form form;
  size_t order, most; /* SUMMARIES: which member, and how many */
} sq_shape;

#define SQ_SHAPE_MEMBERS 16 /* at most */

/* What a request says about its answer. */
typedef struct sq_shaping {
  int offset_minutes; /* of times, from UTC */
  int permille;       /* HISTOGRAMS: values above this percentile are cut off */
  bool both_ends;     /* and those below its counterpart */
} sq_shaping;

struct sq_query {
  const sq_allocator *allocator;
  sq_arena arena; /* holds all that follows */
  sq_source source;
  sq_split filter;
  sq_key keys[SQ_MAX_KEYS]; /* none for SQ_REQUESTS, one SQ_KEY_SESSION for SQ_SESSIONS */
  size_t key_count;
  sq_order order;
  bool limited;
  int64_t limit, offset;
  const char *after; /* cursor text, or NULL */
  size_t after_length;
  const sq_field *fields; /* what a row shows, beside keys and scope */
  size_t field_count;
  bool recorded; /* SQ_REQUESTS: the fields as they were recorded, all of them, with feedback */
  bool by_any_engine; /* by SQL as well where the store was opened for the columns */
  const sq_shape *shape; /* NULL: canonical rows */
  sq_shaping shaping;
};

/* Begins a query: allocates it with its arena. */
sq_query *sq_query_begin(const sq_allocator *allocator, sq_error *error);
/* Takes the whole filter (bound or not), binds, splits and simplifies it, and chooses the fields to show.
   Call it last; what was set before stands. False: the query is still to be freed. */
bool sq_query_finish(sq_query *query, sq_node *filter, sq_error *error);
/* Every recorded request that passes the filter, oldest first, as export wants it. */
sq_query *sq_query_recorded(const sq_filter *filter, const sq_allocator *allocator, sq_error *error);

static inline bool sq_by_session(const sq_query *query) {
  return query->key_count == 1 && query->keys[0].kind == SQ_KEY_SESSION;
}

/* The canonical text of all that decides which rows come in which order: what a cursor belongs to. */
void sq_query_describe(const sq_query *query, sq_text *out);

#endif
