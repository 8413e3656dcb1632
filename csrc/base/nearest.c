/* "Did you mean": the known name that is the fewest typing mistakes away. */
#include "sessionquery.h"

#include <string.h>

#define LONGEST 48 /* longer names are nobody's typing mistake */

static size_t least(size_t a, size_t b) { return a < b ? a : b; }
static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

/* Optimal string alignment: insertions, deletions, substitutions, swaps of neighbours; case is free. */
static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length) {
  size_t rows[3][LONGEST + 1], *before = rows[0], *last = rows[1], *now = rows[2];
  for (size_t j = 0; j <= b_length; j++) last[j] = j;
  for (size_t i = 1; i <= a_length; i++) {
    now[0] = i;
    for (size_t j = 1; j <= b_length; j++) {
      char x = lower(a[i - 1]), y = lower(b[j - 1]);
      size_t change = last[j - 1] + (x != y);
      now[j] = least(change, least(last[j], now[j - 1]) + 1);
      if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y) now[j] = least(now[j], before[j - 2] + 1);
    }
    size_t *oldest = before;
    before = last, last = now, now = oldest;
  }
  return last[b_length];
}

/* A name without its last part (its unit, often) is one step further away. */
static size_t distance_to(const sq_nearest *search, const char *candidate, size_t length) {
  size_t whole = edit_distance(search->name, search->length, candidate, length);
  const char *last = strrchr(candidate, '_');
  return last ? least(whole, 1 + edit_distance(search->name, search->length, candidate, (size_t)(last - candidate))) : whole;
}

void sq_nearest_offer(sq_nearest *search, const char *candidate) {
  size_t length = strlen(candidate);
  if (length > LONGEST || search->length > LONGEST || search->length == 0) return;
  size_t distance = distance_to(search, candidate, length);
  size_t allowed = 1 + search->length / 4;
  if (distance > allowed || (search->best && distance >= search->distance)) return;
  search->best = candidate;
  search->distance = distance;
}
