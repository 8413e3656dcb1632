/* The rows of a segment in their order: by session, then by time. */
#ifndef SQ_COLUMN_SESSIONS_H
#define SQ_COLUMN_SESSIONS_H

#include "column/gather.h"

typedef struct sq_arranged {
  uint32_t *rows;   /* as they were added, in the order of the segment */
  uint32_t session_rows;
  uint32_t *starts; /* of fragments, and session_rows behind the last */
  uint32_t *codes;  /* of fragments, ascending */
  uint32_t fragments;
} sq_arranged;

/* Finds the sessions of the rows, has them coded, and sorts the rows. */
bool sq_arrange(sq_rows_builder *builder, const sq_coder *coder, sq_arranged *out, sq_error *error);
void sq_arranged_free(sq_arranged *arranged);

#endif
