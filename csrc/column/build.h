/* Building segments in memory. */
#ifndef SQ_COLUMN_BUILD_H
#define SQ_COLUMN_BUILD_H

#include "column/segment.h"

/* The request fields that the index keeps, in the order of the catalogue. */
typedef struct sq_kept {
  sq_field fields[SQ_F_COUNT];
  sq_type types[SQ_F_COUNT];
  size_t count;
} sq_kept;
void sq_list_kept(sq_kept *out);

typedef struct sq_builder_rows sq_rows_builder;

/* Gathers requests for one segment. Belongs to the caller; NULL when memory ended. */
sq_rows_builder *sq_rows_builder_make(sq_error *error);
/* Adds a request: the kept ones of its fields, by sq_field, as SQLite holds them (lists and maps as JSON text, scores with the
   feedback in them, booleans as integers), NULL where absent. The texts are copied. At most SQ_SEGMENT_ROWS. After
   an error the builder is good for nothing more. */
bool sq_rows_builder_add(sq_rows_builder *builder, int64_t seq, const sq_value fields[], sq_error *error);
uint32_t sq_rows_builder_count(const sq_rows_builder *builder);
/* The seq of the request added last; there must be one. */
int64_t sq_rows_builder_last_seq(const sq_rows_builder *builder);
void sq_rows_builder_free(sq_rows_builder *builder);

/* Gives each session its code, and tells whether the segment is to keep its name. SQ_NO_CODE after an error. */
typedef struct sq_coder {
  uint32_t (*code)(void *state, const sq_session_name *session, bool *is_named_here, sq_error *error);
  void *state;
} sq_coder;

/* Has the segment keep the name of a session that may have no row in it. */
bool sq_rows_builder_name(sq_rows_builder *builder, uint32_t code, const sq_session_name *session, sq_error *error);

/* Which segment it is: a random id, and the key of its table of sessions, the same in all segments of a file. */
typedef struct sq_segment_identity {
  uint64_t id, hash_key[2];
} sq_segment_identity;

/* Appends the bytes of the segment of all rows added, as they stand in the file, to `out`, which is empty. */
bool sq_segment_write(sq_rows_builder *builder, const sq_segment_identity *identity, const sq_coder *coder, sq_text *out, sq_error *error);

/* Opens a segment on bytes that outlive it. Checks what it needs to be safe on any bytes. NULL after an error. */
sq_segment *sq_segment_open(const unsigned char *bytes, size_t size, sq_error *error);
void sq_segment_close(sq_segment *segment);

#endif
