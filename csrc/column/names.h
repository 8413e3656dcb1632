/* Sessions that no sealed segment names yet: those of the rows in memory. Their codes go on where the sealed ones
   end. Grows while others read; what is there stays. */
#ifndef SQ_COLUMN_NAMES_H
#define SQ_COLUMN_NAMES_H

#include "column/segment.h"

typedef struct sq_names sq_names;

/* With one reference; the first code it gives is `first`. NULL when memory ended. */
sq_names *sq_names_make(uint32_t first, sq_error *error);
sq_names *sq_names_retain(sq_names *names);
void sq_names_release(sq_names *names);
/* The session's code, a new one when it is new; SQ_NO_CODE after an error. */
uint32_t sq_names_add(sq_names *names, const sq_session_name *session, sq_error *error);
/* The same when it is there, else SQ_NO_CODE. */
uint32_t sq_names_find(sq_names *names, const sq_session_name *session);
/* The codes given so far are below this. */
uint32_t sq_names_end(sq_names *names);
/* The name of a code from sq_names_add. */
void sq_names_get(const sq_names *names, uint32_t code, sq_session_name *out);

#endif
