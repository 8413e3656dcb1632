/* The field `outcome`, which is computed of others: comparisons of it as trees over these, and its value in a row. */
#ifndef SQ_EXEC_OUTCOME_H
#define SQ_EXEC_OUTCOME_H

#include "exec/derive.h"
#include "ir/ir.h"

typedef enum sq_outcome { SQ_OUTCOME_ERROR, SQ_OUTCOME_PENDING, SQ_OUTCOME_SUCCESS, SQ_OUTCOMES } sq_outcome;

extern const char *const sq_outcome_names[SQ_OUTCOMES];

typedef struct sq_outcome_columns {
  sq_column error, status, responded, latency;
} sq_outcome_columns;

bool sq_outcome_columns_open(const sq_segment *segment, sq_outcome_columns *out, sq_error *error);
sq_outcome sq_row_outcome(const sq_outcome_columns *columns, uint32_t row);

/* The tree with what comparisons of outcome mean in their place, made in the arena; the tree itself where there are
   none. NULL: memory ended. */
const sq_node *sq_expand_outcome(sq_arena *arena, const sq_node *tree, sq_error *error);

#endif
