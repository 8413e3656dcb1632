/* A set of texts: the distinct users, models, tags of a group. */
#ifndef SQ_SESSION_DISTINCT_H
#define SQ_SESSION_DISTINCT_H

#include "base/text.h"

typedef struct sq_distinct_item {
  char *text;
  size_t length;
  uint64_t hash;
} sq_distinct_item;

typedef struct sq_distinct {
  sq_distinct_item *items; /* in order of arrival */
  uint32_t *slots;         /* index + 1, by hash; 0: free */
  size_t count, capacity, slot_count;
} sq_distinct;

/* Adds a copy unless it is there or empty. False when memory ended. */
bool sq_distinct_add(sq_distinct *set, const char *text, size_t length);
/* Appends a JSON array sorted by bytes. */
void sq_distinct_write(sq_distinct *set, sq_text *out);
void sq_distinct_free(sq_distinct *set);

#endif
