/* What rows are grouped by: values of keys to numbers, and their combinations to groups. */
#ifndef SQ_EXEC_KEYS_H
#define SQ_EXEC_KEYS_H

#include "exec/outcome.h"
#include "exec/run.h"

#define SQ_KEY_PARTS (SQ_MAX_KEYS + 1) /* the organization, then the query's keys */
#define SQ_KEY_CACHE 4096

/* One part of the key, in one block. */
typedef struct sq_key_part {
  const sq_key *key;  /* NULL: the organization */
  sq_distinct values; /* all so far: a byte for the kind, then the value; the index is the value's number */
  sq_column column;
  sq_cached_column cached;
  sq_outcome_columns outcome;
  uint32_t *of_entry; /* numbers by entry of the block's dictionary, UINT32_MAX: not known yet */
  uint32_t of_truth[3];       /* of false, true and absent; of the three outcomes */
  int64_t bucket, bucket_end; /* of the last time; times in [bucket, bucket_end) have its number */
  uint32_t bucket_number;
} sq_key_part;

typedef struct sq_keys {
  sq_run *run;
  sq_key_part parts[SQ_KEY_PARTS];
  size_t count;
  sq_distinct groups; /* numbers of values, SQ_KEY_PARTS of 4 bytes */
  struct {
    uint32_t numbers[SQ_KEY_PARTS];
    uint32_t group; /* + 1; 0: free */
  } cache[SQ_KEY_CACHE];
} sq_keys;

void sq_keys_begin(sq_keys *keys, sq_run *run);
void sq_keys_end(sq_keys *keys);
bool sq_keys_open(sq_keys *keys, sq_state *state);
/* The groups of rows of the block that is open. */
bool sq_keys_rows(sq_keys *keys, const uint32_t *rows, uint32_t count, uint32_t *groups);
/* The value of a part (0: the organization) of a group's key; it lives as long as the keys. */
void sq_keys_value(const sq_keys *keys, uint32_t group, size_t part, sq_value *out);

#endif
