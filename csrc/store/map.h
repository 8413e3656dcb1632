/* Maps on their way between records and columns: members as pairs, written as JSON objects in the order of
   their keys. */
#ifndef SQ_STORE_MAP_H
#define SQ_STORE_MAP_H

#include "base/arena.h"
#include "base/text.h"

/* Pointing into the text it was read from, or into the arena. */
typedef struct sq_pair {
  const char *key, *value; /* key: plain text, value: JSON text */
  size_t key_length, value_length;
  size_t order; /* of reading */
} sq_pair;

/* Start from {0}. */
typedef struct sq_pairs {
  sq_pair *items;
  size_t count, capacity;
} sq_pairs;

/* Reads the value that comes next and adds it; false without an error when it is not JSON. */
bool sq_map_read_value(sq_pairs *pairs, sq_arena *arena, sq_json *reader, const char *key, size_t key_length,
                         sq_error *error);
/* Sorts by key; a pair whose key stands twice, or NULL. */
const sq_pair *sq_map_sort(sq_pairs *pairs);
/* Of sorted pairs of one key, only the one read first (or last) stays. */
void sq_map_unique(sq_pairs *pairs, bool keep_last);
/* Appends the object; how many members it has. Pairs that are null are left out unless `keep_null`. */
size_t sq_map_write(const sq_pairs *pairs, bool keep_null, sq_text *out);

/* Merges an update's object into a stored one (NULL: none): null clears a key. Appends the result; how
   many members it has, -1 after an error. */
int64_t sq_merge_maps(sq_arena *arena, const char *stored, size_t stored_length, const char *update,
                      size_t update_length, sq_text *out, sq_error *error);

#endif
