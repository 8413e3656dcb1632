/* Requests by the hashes of their ids, in memory: those that no range of request_hash has. */
#ifndef SQ_STORE_NOTES_H
#define SQ_STORE_NOTES_H

#include "base/error.h"

/* A request and its id's hash. */
typedef struct sq_note {
  uint64_t hash;
  int64_t seq; /* 0: free */
} sq_note;

/* An open hash table, three quarters full at the most. */
typedef struct sq_notes {
  sq_note *items;
  size_t count, slots;
  int64_t stamp;       /* of the ranges behind which they begin; -1: nothing is noted */
  int64_t covered;     /* where those end */
  int64_t seq, change; /* what is known goes up to them */
  uint64_t turn;       /* changes when notes were left out, so that who counted on them looks again */
} sq_notes;

bool sq_notes_add(sq_notes *notes, uint64_t hash, int64_t seq, sq_error *error);
/* Leaves out those of seqs up to `behind`. */
bool sq_notes_keep(sq_notes *notes, int64_t behind, sq_error *error);
/* The next note of this hash from slot `*at` on, which goes behind it; begin with sq_notes_begin. NULL: no more. */
static inline size_t sq_notes_begin(const sq_notes *notes, uint64_t hash) { return notes->slots ? hash & (notes->slots - 1) : 0; }
const sq_note *sq_notes_next(const sq_notes *notes, uint64_t hash, size_t *at);
/* Forgets all. */
void sq_notes_clear(sq_notes *notes);

#endif
