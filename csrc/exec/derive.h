/* Request fields that have no column of their own: the SQL of catalog/fields.def, on columns. */
#ifndef SQ_EXEC_DERIVE_H
#define SQ_EXEC_DERIVE_H

#include "column/segment.h"

/* total_tokens: as recorded, else the sum of the known parts. */
typedef struct sq_token_columns {
  sq_column recorded, prompt, completion;
} sq_token_columns;

/* cached: cache_reference_id is there, and not the zero UUID. */
typedef struct sq_cached_column {
  sq_column reference;
  uint32_t zero; /* the zero UUID's entry in a sorted dictionary; UINT32_MAX: it is not there */
} sq_cached_column;

/* ended_at: responded_at, else created_at and latency_ms together. */
typedef struct sq_end_columns {
  sq_column responded, created, latency;
} sq_end_columns;

/* Has no column, or more than one, and can be told from those of other fields. */
bool sq_is_computed(sq_field field);
/* The fields whose columns tell it; how many. Of a field that is not computed, itself. */
size_t sq_sources_of(sq_field field, sq_field out[4]);

bool sq_end_columns_open(const sq_segment *segment, sq_end_columns *out, sq_error *error);
bool sq_token_columns_open(const sq_segment *segment, sq_token_columns *out, sq_error *error);
bool sq_cached_column_open(const sq_segment *segment, sq_cached_column *out, sq_error *error);
/* Of a column that was opened elsewhere. */
void sq_cached_column_make(const sq_column *reference, sq_cached_column *out);

/* A column of the segment; an error too when the segment does not know the field. */
bool sq_open_column(const sq_segment *segment, sq_field field, const char *key, size_t key_length, sq_column *out, sq_error *error);

/* False when the row has none. */
static inline bool sq_row_total_tokens(const sq_token_columns *columns, uint32_t row, int64_t *out) {
  int64_t prompt = 0, completion = 0;
  if (sq_column_integer(&columns->recorded, row, out)) return true;
  bool known = sq_column_integer(&columns->prompt, row, &prompt);
  known |= sq_column_integer(&columns->completion, row, &completion);
  if (__builtin_add_overflow(prompt, completion, out)) *out = prompt < 0 ? INT64_MIN : INT64_MAX;
  return known;
}

/* False when the row has none. What plain SQL wrote may leave 64 bits: it then stays at the end. */
static inline bool sq_row_ended_at(const sq_end_columns *columns, uint32_t row, int64_t *out) {
  int64_t created = 0, latency;
  if (sq_column_integer(&columns->responded, row, out)) return true;
  if (!sq_column_integer(&columns->latency, row, &latency)) return false;
  sq_column_integer(&columns->created, row, &created);
  int64_t most = latency < 0 ? INT64_MIN : INT64_MAX;
  if (__builtin_mul_overflow(latency, 1000, &latency) || __builtin_add_overflow(created, latency, out)) *out = most;
  return true;
}

bool sq_row_cached(const sq_cached_column *column, uint32_t row);

#endif
