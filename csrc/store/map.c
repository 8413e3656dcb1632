#include "store/map.h"

#include <stdlib.h>

#include "base/json.h"
#include "store/limits.h"

static bool add(sq_pairs *pairs, sq_arena *arena, const char *key, size_t key_length, const char *value, size_t value_length, sq_error *error) {
  if (!sq_arena_grow(arena, &pairs->items, pairs->count, &pairs->capacity, sizeof *pairs->items)) return sq_fail_memory(error);
  pairs->items[pairs->count] = (sq_pair){key, value, key_length, value_length, pairs->count};
  pairs->count++;
  return true;
}

bool sq_map_read_value(sq_pairs *pairs, sq_arena *arena, sq_json *reader, const char *key, size_t key_length,
                         sq_error *error) {
  const char *from = sq_json_value_start(reader);
  sq_token token = sq_json_next(reader);
  if (token == SQ_TOKEN_ERROR || ((token == SQ_TOKEN_OBJECT || token == SQ_TOKEN_ARRAY) && !sq_json_skip(reader))) return false;
  return add(pairs, arena, key, key_length, from, (size_t)(reader->at - from), error);
}

static int compare_keys(const sq_pair *a, const sq_pair *b) {
  return sq_compare_bytes(a->key, a->key_length, b->key, b->key_length);
}

static int compare_pairs(const void *left, const void *right) {
  const sq_pair *a = left, *b = right;
  int order = compare_keys(a, b);
  return order ? order : (a->order > b->order) - (a->order < b->order);
}

const sq_pair *sq_map_sort(sq_pairs *pairs) {
  if (pairs->count < 2) return NULL;
  qsort(pairs->items, pairs->count, sizeof *pairs->items, compare_pairs);
  for (size_t i = 1; i < pairs->count; i++)
    if (compare_keys(&pairs->items[i - 1], &pairs->items[i]) == 0) return &pairs->items[i];
  return NULL;
}

void sq_map_unique(sq_pairs *pairs, bool keep_last) {
  size_t kept = 0;
  for (size_t i = 0; i < pairs->count; i++) {
    bool same = kept > 0 && compare_keys(&pairs->items[kept - 1], &pairs->items[i]) == 0;
    if (!same) pairs->items[kept++] = pairs->items[i];
    else if (keep_last) pairs->items[kept - 1] = pairs->items[i];
  }
  pairs->count = kept;
}

static bool is_null(const sq_pair *pair) { return pair->value_length == 4 && memcmp(pair->value, "null", 4) == 0; }

size_t sq_map_write(const sq_pairs *pairs, bool keep_null, sq_text *out) {
  size_t written = 0;
  sq_text_byte(out, '{');
  for (size_t i = 0; i < pairs->count; i++) {
    const sq_pair *pair = &pairs->items[i];
    if (!keep_null && is_null(pair)) continue;
    if (written++) sq_text_byte(out, ',');
    sq_json_write_string(out, pair->key, pair->key_length);
    sq_text_byte(out, ':');
    sq_text_append(out, pair->value, pair->value_length);
  }
  sq_text_byte(out, '}');
  return written;
}

/* The members of an object that this program wrote, or of one that was checked. */
static bool read_members(sq_pairs *pairs, sq_arena *arena, const char *json, size_t length, sq_error *error) {
  sq_json reader;
  sq_json_begin(&reader, json, length);
  if (!json || sq_json_next(&reader) != SQ_TOKEN_OBJECT) return true;
  while (sq_json_next(&reader) == SQ_TOKEN_KEY) {
    sq_value key;
    if (!sq_json_text(&reader, arena, &key)) return sq_fail_memory(error);
    if (!sq_map_read_value(pairs, arena, &reader, key.text, key.length, error)) return error->code == SQ_OK;
  }
  return true;
}

int64_t sq_merge_maps(sq_arena *arena, const char *stored, size_t stored_length, const char *update,
                      size_t update_length, sq_text *out, sq_error *error) {
  sq_pairs pairs = {0};
  if (!read_members(&pairs, arena, stored, stored_length, error) || !read_members(&pairs, arena, update, update_length, error))
    return -1;
  sq_map_sort(&pairs);
  sq_map_unique(&pairs, true);
  size_t members = sq_map_write(&pairs, false, out);
  return sq_text_whole(out, error) && sq_check_size(out->length, error) ? (int64_t)members : -1;
}
