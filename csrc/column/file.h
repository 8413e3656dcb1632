/* The file of the index, `<db>-columns`: one page of header, then segments, each from a page on. Only appended to,
   by whoever holds its lock; readers map what the manifest in SQLite tells them of. */
#ifndef SQ_COLUMN_FILE_H
#define SQ_COLUMN_FILE_H

#include "base/text.h"

#define SQ_FILE_PAGE 4096
#define SQ_IS_ANOTHER_FILE "its file is an older or newer one"

/* Which file it is. `store` is the store's own, for life; `file` is drawn anew for each file. */
typedef struct sq_file_identity {
  uint64_t store[2], file;
} sq_file_identity;

/* Random bits from the system; false with an error when it gives none. */
bool sq_draw(uint64_t *out, size_t count, sq_error *error);

/* Opens it for reading. The descriptor; -1 when there is none, when it is of another store or another file, with
   `*why` a phrase, or after an error (then `*why` is NULL). */
int sq_file_open(const char *path, const sq_file_identity *identity, const char **why, sq_error *error);
/* Opens it to append, under its lock. -1 with `*why`: as above, or another has the lock. `like`: the file whose
   owner and mode a new one gets. `make`: writes the header of a new file first, at `path`. */
int sq_file_lock(const char *path, const sq_file_identity *identity, const char *like, bool make, const char **why, sq_error *error);
/* Lets go of the lock, whoever has inherited the descriptor by a fork, and closes. */
void sq_file_unlock(int file);
/* Appends a segment and syncs it: where it begins. False after an error; what was written is behind the end that
   anybody knows of. */
bool sq_file_append(int file, const sq_text *segment, uint64_t *offset, sq_error *error);
/* Removes what was begun beside it (sq_file_lock with `make`, at "<path>.…") by somebody who was killed. */
void sq_file_sweep(const char *path);
/* Why the open file is not what it was: overwritten by another, or cut off before `end`. NULL: it is. */
const char *sq_file_differs(int file, const sq_file_identity *identity, uint64_t end);
/* The size in bytes; 0 after an error. */
uint64_t sq_file_size(int file);

#endif
