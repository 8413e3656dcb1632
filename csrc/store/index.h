/* The column index as the store keeps it: its manifest in SQLite, the file beside it, the rows that are not sealed
   in memory. One for each file and process, shared by the handles. */
#ifndef SQ_STORE_INDEX_H
#define SQ_STORE_INDEX_H

#include <pthread.h>

#include "column/file.h"
#include "column/view.h"
#include "store/bloom.h"
#include "store/notes.h"
#include "store/sqlite.h"

#define SQ_MOST_UNSEALED (4 * SQ_SEGMENT_ROWS) /* more rows than these are not read into memory */

/* --- manifest.c: what SQLite says of the index, in the transaction at hand. */

typedef struct sq_manifest {
  sq_file_identity identity; /* file 0: there is no file yet */
  int64_t stamp;      /* grows with every change of the segments */
  int64_t sealed_end; /* seqs up to it are sealed */
  int64_t last_seq;   /* of the last request that was ever added */
  int64_t last_change;
  int64_t schema;     /* SQLite's number of it, which grows as well when a backup is put back over the file: what is known of
                         another says nothing, were all the numbers above the same */
  uint32_t sessions;  /* codes given are below this */
} sq_manifest;

typedef struct sq_manifest_row {
  int64_t number, first_seq, last_seq, rows;
  uint64_t id, place, size;
} sq_manifest_row;

bool sq_manifest_read(sq_store *store, sq_manifest *out, sq_error *error);
/* The segments by first_seq, for free(). */
bool sq_manifest_rows(sq_store *store, sq_manifest_row **rows, size_t *count, sq_error *error);

/* Ascending and without doubles. Free `items`. */
typedef struct sq_seqs {
  int64_t *items;
  size_t count, capacity;
} sq_seqs;
bool sq_seqs_add(sq_seqs *seqs, int64_t seq, sq_error *error);
/* Sorts, and drops what stands twice. */
void sq_seqs_sort(sq_seqs *seqs);
bool sq_seqs_have(const sq_seqs *seqs, int64_t seq);
/* The requests changed since change number `after`. */
bool sq_changes_read(sq_store *store, int64_t after, sq_seqs *out, sq_error *error);

/* --- requests.c: rows of SQLite for a builder. */

/* Adds the requests with after < seq ≤ until in order, until the builder has `most`. `*ended` (or NULL): there are
   no more of them. */
bool sq_requests_read(sq_store *store, int64_t after, int64_t until, uint32_t most, sq_rows_builder *builder, bool *ended, sq_error *error);
/* Feedback with a score stands among a request's scores; most stores have none. */
bool sq_has_scored_feedback(sq_store *store, bool *out, sq_error *error);
/* Adds those of the seqs from number `*at` on that are there, as many as fit. `*at`: the first that was left. */
bool sq_requests_pick(sq_store *store, const sq_seqs *seqs, size_t *at, sq_rows_builder *builder, sq_error *error);

/* --- registry.c */

/* What is known of the index in this process. */
typedef struct sq_index sq_index;
struct sq_index {
  sq_index *next;
  int references; /* handles; under the registry's lock */
  uint64_t device, inode, store[2];
  pthread_mutex_t lock; /* of all that follows */
  struct sq_version *newest;
  char last_error[256];
  int64_t seal_after; /* monotonic microseconds: when a seal that nobody asked for is tried again */
  _Atomic int64_t seen_change; /* the last one when a seal was tried, or first thought of; -1: never */
  pthread_mutex_t ids_lock; /* of these four (store/ids.h) */
  int64_t schema;             /* of the others; -1: nothing is known */
  sq_notes notes;
  sq_bloom bloom;             /* hashes of the ids of all that is sealed, once it pays: 30 bits a request, so one for all handles */
  int64_t fed;                /* the stamp up to which it has them; -1: there is none */
};

/* The handle's index, which it keeps. NULL after an error. */
sq_index *sq_index_of(sq_store *store, const sq_manifest *manifest, sq_error *error);
void sq_index_let_go(sq_store *store);

/* --- version.c, beside what store.h has of it */
/* Opens what is sealed of this manifest. NULL: `*why` says what stands against it, or there is an error. */
sq_sealed *sq_sealed_read(sq_store *store, const sq_manifest *manifest, sq_sealed *before, const char **why, sq_error *error);
/* "<db>-columns" */
bool sq_index_path(const sq_store *store, sq_text *out, sq_error *error);

/* --- seal.c */
/* Seals what has come to whole segments, and what has too much that is not as it was, after rows were added, changed or
   deleted. An error is noted, not told. */
void sq_seal_by_and_by(sq_store *store);
/* The same, where many requests were changed at once: without a look at how much waits. */
void sq_seal_changed(sq_store *store);

#endif
