/* Finding requests by their ids without an index of them in SQLite, whose random pages cost more than the rows.

   What is sealed has its hashes in table request_hash, written with each segment: for a range of seqs 16 blobs, by
   the hash's upper four bits, of sorted 64-bit numbers: 40 bits of the hash, 24 of seq - first_seq. Behind the
   ranges, and what was changed since, the process keeps in memory once a handle looks for ids. A hash is no proof:
   the row is looked at, so that notes of rows that are not there, or not yet, do no harm. What stands in the table, but is no longer so, does no harm: each writing has a place of its own in it
   (`key`), and takes nobody's; what others need goes only with the manifest that no longer needs it. */
#ifndef SQ_STORE_IDS_H
#define SQ_STORE_IDS_H

#include "store/index.h"

#define SQ_HASH_PIECES 16
#define SQ_MOST_SPAN (1 << 24) /* seqs of one range */

/* Adds the seqs of the requests of this id; of an organization and project, or of all (NULL). In a transaction.
   `*hash` (or NULL): the id's, for sq_ids_note. */
bool sq_ids_find(sq_store *store, const sq_value *id, const sq_value *organization, const sq_value *project, uint64_t *hash, sq_seqs *out, sq_error *error);
/* The same, among the requests that are not sealed: for an id that was drawn only now, so that a process which only
   adds needs no filter of all that is sealed. */
bool sq_ids_find_unsealed(sq_store *store, const sq_value *id, const sq_value *organization, const sq_value *project, uint64_t *hash, sq_seqs *out, sq_error *error);
/* Notes a request that the transaction at hand has added, and has looked for before. */
bool sq_ids_note(sq_store *store, uint64_t hash, int64_t seq, sq_error *error);
/* What the transaction at hand has noted stands. */
void sq_ids_committed(sq_store *store);
void sq_ids_free(sq_store *store);

/* The hashes of the requests of one range. Free `items`. */
typedef struct sq_hashes {
  uint64_t *items; /* ascending */
  size_t count;
  int64_t first_seq; /* of the requests, what their numbers count from */
} sq_hashes;
bool sq_ids_of(const sq_rows_builder *builder, const uint64_t key[2], sq_hashes *out, sq_error *error);
/* The key of the next writing. In its transaction, as the other two. */
bool sq_ids_key(sq_store *store, int64_t *key, sq_error *error);
bool sq_ids_write(sq_store *store, const sq_hashes *hashes, int64_t key, int64_t last_seq, int64_t stamp, sq_error *error);
/* Drops the ranges below this key that end between `after` + 1 and `last_seq`. */
bool sq_ids_drop(sq_store *store, int64_t key, int64_t after, int64_t last_seq, sq_error *error);

#endif
