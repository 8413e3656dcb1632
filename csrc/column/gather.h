/* Requests as they were added, column by column, before they become a segment. */
#ifndef SQ_COLUMN_GATHER_H
#define SQ_COLUMN_GATHER_H

#include "column/build.h"
#include "column/texts.h"

#define SQ_MOST_MEMBERS 256 /* keys of one map that have columns of their own */

/* Values of one field, one for each row; the arrays are NULL until a row has one. */
typedef struct sq_gathered {
  int64_t *numbers;      /* of INTEGER, TIME, MONEY, BOOLEAN, and of a map whether it is there */
  unsigned char *there;
  uint32_t *entries;     /* of TEXT and LIST */
  sq_texts texts;
} sq_gathered;

/* A key of a map: few rows may have it. */
typedef struct sq_member_column {
  sq_field field;
  char *key;
  size_t key_length;
  uint32_t *rows, *entries; /* ascending by row */
  uint32_t count, capacity;
  sq_texts texts;
} sq_member_column;

/* A session whose name the segment keeps: entries of the texts of its three fields. */
typedef struct sq_named_session {
  uint32_t code, organization, project, id;
} sq_named_session;

struct sq_builder_rows {
  uint64_t seed;
  sq_kept kept;
  uint32_t count, capacity;
  int64_t *seqs;
  sq_gathered fields[SQ_F_COUNT];
  sq_member_column *members;
  size_t member_count, member_capacity;
  bool overfull[SQ_F_COUNT]; /* a map of more keys than have columns */
  sq_named_session *named;
  size_t named_count, named_capacity;
  sq_text scratch;
};

bool sq_name_session(sq_rows_builder *builder, const sq_named_session *session, sq_error *error);

static inline bool sq_is_texts(sq_type type) { return type == SQ_T_TEXT || type == SQ_T_LIST; }

#endif
