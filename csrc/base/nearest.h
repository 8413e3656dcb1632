/* "Did you mean": the known name that is nearest to an unknown one. */
#ifndef SQ_BASE_NEAREST_H
#define SQ_BASE_NEAREST_H

#include <stddef.h>

/* A search under way: start from {name, length}, offer every candidate, read `best` (NULL: none near). */
typedef struct sq_nearest {
  const char *name;
  size_t length;
  const char *best;
  size_t distance;
} sq_nearest;

void sq_nearest_offer(sq_nearest *search, const char *candidate);

#endif
