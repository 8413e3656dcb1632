/* Feedback in numbers: for each key how often, the mean score, how often each value. */
#ifndef SQ_SESSION_STATISTICS_H
#define SQ_SESSION_STATISTICS_H

#include "session/distinct.h"

typedef struct sq_key_statistics {
  size_t name; /* index in the names */
  int64_t scored;
  double sum;
  sq_distinct values;
} sq_key_statistics;

typedef struct sq_statistics {
  sq_distinct names; /* each counted as often as there is feedback of it */
  sq_key_statistics *keys;
  size_t count, capacity;
} sq_statistics;

/* One feedback: `score` and `value` are JSON texts, or NULL. A score of true or false is 1 or 0; a text
   score counts as a value. False when memory ended. */
bool sq_statistics_add(sq_statistics *statistics, const char *key, size_t key_length, const char *score,
                       size_t score_length, const char *value, size_t value_length);
/* Appends {"key":{"n":2,"avg":0.5,"values":{"good":1}}}, keys and values sorted by bytes. */
void sq_statistics_write(sq_statistics *statistics, sq_text *out);
void sq_statistics_free(sq_statistics *statistics);

#endif
