/* One record of JSON text, checked and taken apart into the catalogue's fields. */
#ifndef SQ_STORE_RECORD_H
#define SQ_STORE_RECORD_H

#include "base/arena.h"
#include "store/format.h"

typedef struct sq_record {
  sq_arena arena;              /* what the line itself does not hold */
  sq_text repaired;            /* the line with U+FFFD where it was broken */
  bool was_repaired;
  sq_value fields[SQ_F_COUNT]; /* as they are stored; maps and lists are JSON text, absent is NULL */
  bool given[SQ_F_COUNT];      /* the record names the field, be it null */
  const char *line;            /* as it was read */
  size_t length;
  const char *feedback;        /* JSON array, or NULL */
  size_t feedback_length;
} sq_record;

/* Reads one line. `merging`: for an update, where a null in a map is kept to clear the key. An error's place
   is in the line. `record` starts from {0} and may be used for the next line, which ends what it points to;
   the line must live as long as the fields are read. */
bool sq_record_read(sq_record *record, const sq_format *format, bool merging, const char *line, size_t length,
                    sq_error *error);
void sq_record_free(sq_record *record);

#endif
