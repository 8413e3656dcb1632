/* Which requests an id names, for statements that would have to read all rows to find them. (Which projects they have:
   sq_lookup_projects, of store.h.) */
#ifndef SQ_STORE_LOOKUP_H
#define SQ_STORE_LOOKUP_H

#include "store/index.h"

/* Start from {0}, free with sq_lookup_free. */
typedef struct sq_lookup {
  bool known;  /* which they are; else all rows are to be read */
  sq_text seqs; /* a JSON array */
} sq_lookup;

/* The requests of a request_id, or of a session_id, of whatever organization and project. To be asked before the
   transaction at hand writes. */
bool sq_lookup_request(sq_store *store, const char *request_id, sq_lookup *out, sq_error *error);
bool sq_lookup_session(sq_store *store, const char *session_id, sq_lookup *out, sq_error *error);
void sq_lookup_free(sq_lookup *lookup);

#endif
