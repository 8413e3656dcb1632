/* What views ask of a segment beyond its columns: the sessions that have their names in it. */
#ifndef SQ_COLUMN_OPEN_H
#define SQ_COLUMN_OPEN_H

#include "column/format.h"
#include "column/segment.h"

const sq_segment_header *sq_segment_head(const sq_segment *segment);
/* The name of a session that is named here. 1: found, 0: not here, -1: an error. */
int sq_segment_name(const sq_segment *segment, uint32_t code, sq_session_name *out, sq_error *error);
/* The code of a session that is named here, found by its hash (sq_session_hash). As above. */
int sq_segment_find(const sq_segment *segment, uint64_t hash, const sq_session_name *wanted, uint32_t *code, sq_error *error);
/* The codes of the sessions named here, ascending. */
bool sq_segment_named_codes(const sq_segment *segment, sq_column *out, sq_error *error);
/* The least and the greatest code of the sessions named here, from the directory; false: none is. */
bool sq_segment_named_range(const sq_segment *segment, int64_t *first, int64_t *last);
/* Narrows what is known of the fields by what the segment's directory says. */
void sq_segment_narrow_facts(const sq_segment *segment, sq_fact facts[SQ_F_COUNT]);
/* The fragment of a session; -1: it has no rows here, -2: an error. */
int64_t sq_segment_fragment_of(const sq_segment *segment, uint32_t code, sq_error *error);

/* Its bytes as they stand in the file; not to be freed or written to. */
sq_text sq_segment_bytes(const sq_segment *segment);
/* One of the columns of rows. */
typedef struct sq_part_key {
  sq_field field;   /* SQ_F_NONE: the part is no field's, or of one that the catalogue does not know */
  const char *name; /* the field's */
  const char *key;  /* of a map's member, or NULL */
  size_t key_length;
} sq_part_key;
/* The segment's part number `index`; false past the last. */
bool sq_segment_part(const sq_segment *segment, uint32_t index, sq_part_key *out);

#endif
