/* What the files that take records in share. */
#ifndef SQ_STORE_INGEST_H
#define SQ_STORE_INGEST_H

#include "store/feedback.h"
#include "store/record.h"
#include "store/sqlite.h"
#include "store/table.h"

/* One call. */
typedef struct sq_ingesting {
  sq_store *store;
  sq_ingest *ingest;
  sq_format format;
  sq_record records[SQ_INSERT_GROUP]; /* the first ones wait to be inserted */
  uint64_t hashes[SQ_INSERT_GROUP];   /* of their ids */
  size_t waiting;
  sq_given_columns given;             /* in any of them */
  sq_field columns[64];               /* the fields that have columns, in the order of sq_given_columns */
  unsigned column_count;
  sq_record *record;                  /* at hand */
  sq_entries feedback;
  uint64_t hash; /* of this record's id */
  bool has_new_id; /* drawn only now */
  bool unnamed;  /* it names no project, and neither does the handle */
  bool holds;    /* there are updates that wait for requests */
  sq_format canonical; /* which they are of, once one is found */
  bool skipped;
  int64_t seq;   /* its request, once that is there */
  sq_error *error;
} sq_ingesting;

/* --- update.c */

/* Merges the record at hand into the request with this seq. */
bool sq_update_request(sq_ingesting *in, int64_t seq);
/* Whether the update at hand leaves its request what every one has. */
bool sq_check_required(sq_ingesting *in);
/* Makes the project of a stored request that of the record at hand. */
bool sq_read_project(sq_ingesting *in, int64_t seq);

#endif
