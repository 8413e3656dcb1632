/* Updates of requests that have not come yet: a client's second word may be here before its first. Each is kept as it
   came and merged, in the order in which they came, when the request does.

   One that says which project it is for waits for a request of that one; one that does not, for any of its
   organization. */
#ifndef SQ_STORE_HELD_H
#define SQ_STORE_HELD_H

#include "store/sqlite.h"

/* An update that waits. Start from {0}, free the patch. */
typedef struct sq_held {
  int64_t n;          /* its place in their order */
  sq_text patch;      /* a record of the canonical format */
  int64_t created_at; /* when it came */
} sq_held;

/* Whether any waits, of whomever. */
bool sq_held_any(sq_store *store, bool *any, sq_error *error);
/* Keeps one. project NULL: whichever. */
bool sq_held_put(sq_store *store, const sq_value *request_id, const sq_value *organization, const sq_value *project, const char *patch,
                 size_t length, sq_error *error);
/* The next of a request (id: request_id, organization, project) behind held->n. `*found`: there is one. */
bool sq_held_next(sq_store *store, const sq_value *const id[3], sq_held *held, bool *found, sq_error *error);
/* Drops those up to held->n: they are merged. */
bool sq_held_drop(sq_store *store, const sq_value *const id[3], const sq_held *held, sq_error *error);

#endif
