/* Columns to bytes: the narrowest codes that hold the values. */
#ifndef SQ_COLUMN_ENCODE_H
#define SQ_COLUMN_ENCODE_H

#include "column/format.h"
#include "column/texts.h"

/* A segment being written: its parts and their bytes, which stand behind `at`. */
typedef struct sq_encoder {
  sq_text *out;      /* the whole segment */
  sq_text names;
  sq_part *parts;
  size_t count, capacity;
  sq_error *error;
} sq_encoder;

/* Adds a part, with its name and key (or NULL). NULL when memory ended. */
sq_part *sq_encode_part(sq_encoder *encoder, sq_part_kind kind, const char *name, const char *key, size_t key_length);

/* Integers; `there`: a byte for each, 0 where it is absent; NULL: all are there. */
bool sq_encode_integers(sq_encoder *encoder, sq_part *part, const int64_t *values, const unsigned char *there, uint32_t count);

/* Texts: `entries` of the texts, SQ_NO_ENTRY where absent. `rank`, when it is not NULL, has room for texts->count
   and tells the code that each entry got. `direct`: in the order of the rows, where each has its own text. */
bool sq_encode_texts(sq_encoder *encoder, sq_part *part, const sq_texts *texts, const uint32_t *entries, uint32_t count, bool direct, uint32_t *rank);

/* Pads the output to the alignment. */
void sq_encode_align(sq_text *out);
/* Sets the part's end and checksum, over all from its start. */
void sq_encode_seal(sq_encoder *encoder, sq_part *part);

#endif
