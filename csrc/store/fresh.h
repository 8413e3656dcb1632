/* The rows that a handle has just imported, as columns, for the seal, which else reads them back: a third of an
   import's time. SQLite stays the truth: they are taken only where they are what would be read, all rows behind the
   sealed end in a state in which nothing has changed since. Whatever else happens drops them. */
#ifndef SQ_STORE_FRESH_H
#define SQ_STORE_FRESH_H

#include "store/index.h"

/* In the transaction that is to insert: goes on with what there is, or begins. Only an import has more rows to come
   through the same handle. */
void sq_fresh_begin(sq_store *store, bool is_import);
/* A row that was inserted. */
void sq_fresh_add(sq_store *store, int64_t seq, const sq_value fields[]);
/* A whole segment's rows behind `after`, in the state that is read; NULL: none. */
sq_rows_builder *sq_fresh_take(sq_store *store, const sq_manifest *state, int64_t after);
void sq_fresh_drop(sq_store *store);

#endif
