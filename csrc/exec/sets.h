/* Distinct texts of many groups: each text is kept once, groups hold numbers. */
#ifndef SQ_EXEC_SETS_H
#define SQ_EXEC_SETS_H

#include "exec/run.h"

/* A set of pairs of numbers, of which not both are UINT32_MAX. */
typedef struct sq_pair_set {
  uint64_t *slots; /* pair + 1; 0: free */
  size_t size, count;
} sq_pair_set;

/* 1: new, 0: known, -1: memory ended. */
int sq_pair_set_add(sq_pair_set *pairs, uint32_t first, uint32_t second);
void sq_pair_set_clear(sq_pair_set *pairs);
void sq_pair_set_free(sq_pair_set *pairs);

/* The texts of one group. */
typedef struct sq_numbers {
  uint32_t *items;
  uint32_t count, capacity;
} sq_numbers;

typedef struct sq_sets {
  bool lists; /* the column holds JSON arrays */
  sq_distinct texts;
  sq_pair_set met;      /* group and text */
  sq_pair_set in_block; /* of lists: group and entry */
  uint32_t *of_entry;   /* the block's entries as texts; UINT32_MAX: not known yet */
  size_t entries;       /* room of of_entry */
  uint32_t *ranks, *sorted; /* once all texts are there: by text, by rank */
} sq_sets;

bool sq_sets_open(sq_sets *sets, const sq_column *column);
/* Adds the value of a row. False when memory ended. */
bool sq_sets_add(sq_sets *sets, const sq_column *column, uint32_t row, uint32_t group, sq_numbers *numbers);
/* After the last row. False when memory ended. */
bool sq_sets_finish(sq_sets *sets);
/* Sorted JSON array of a group's texts, of which there are some. */
void sq_sets_write(const sq_sets *sets, sq_numbers *numbers, sq_text *out);
void sq_sets_free(sq_sets *sets);

#endif
