/* A set of texts, counted: the distinct users, models, tags of a group, the values of a feedback. */
#ifndef SQ_SESSION_DISTINCT_H
#define SQ_SESSION_DISTINCT_H

#include "base/text.h"

typedef struct sq_distinct_item {
  char *text;
  size_t length;
  uint64_t hash;
  int64_t count; /* how often it came */
} sq_distinct_item;

typedef struct sq_distinct {
  sq_distinct_item *items; /* in order of arrival */
  uint32_t *slots;         /* index + 1, by hash; 0: free */
  size_t count, capacity, slot_count;
  uint64_t key;            /* of the hashes */
} sq_distinct;

/* Counts a text, of which a copy is added when it is new. Its index in `items`; -1 when memory ended. */
int64_t sq_distinct_count(sq_distinct *set, const char *text, size_t length);
/* The same of texts that are not empty. False when memory ended. */
bool sq_distinct_add(sq_distinct *set, const char *text, size_t length);
/* Sorts the items by bytes; nothing can be counted after that. */
void sq_distinct_sort(sq_distinct *set);
/* Sorts, and appends a JSON array. */
void sq_distinct_write(sq_distinct *set, sq_text *out);
void sq_distinct_free(sq_distinct *set);

#endif
