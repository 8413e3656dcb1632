#include "session/distinct.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/json.h"

/* Keyed by an address, which nobody who chooses the texts knows: the set's when it was empty, since it may
   be moved. */
static uint64_t hash_of(sq_distinct *set, const char *text, size_t length) {
  if (set->count == 0) set->key = (uintptr_t)set;
  const uint64_t key[2] = {set->key, UINT64_C(0x9E3779B97F4A7C15)};
  uint64_t hash[2];
  sq_siphash(key, text, length, hash);
  return hash[0];
}

static void place(sq_distinct *set, uint32_t index) {
  size_t slot = set->items[index].hash & (set->slot_count - 1);
  while (set->slots[slot]) slot = (slot + 1) & (set->slot_count - 1);
  set->slots[slot] = index + 1;
}

static bool grow(sq_distinct *set) {
  if (set->count < set->capacity) return true;
  size_t capacity = set->capacity ? set->capacity * 2 : 8;
  sq_distinct_item *items = realloc(set->items, capacity * sizeof *items);
  if (!items) return false;
  set->items = items;
  uint32_t *slots = calloc(capacity * 2, sizeof *slots);
  if (!slots) return false;
  free(set->slots);
  set->slots = slots;
  set->slot_count = capacity * 2;
  set->capacity = capacity;
  for (uint32_t i = 0; i < set->count; i++) place(set, i);
  return true;
}

/* Its index, -1 when it is not there. */
static int64_t find(const sq_distinct *set, const char *text, size_t length, uint64_t hash) {
  if (set->count == 0) return -1;
  for (size_t slot = hash & (set->slot_count - 1); set->slots[slot]; slot = (slot + 1) & (set->slot_count - 1)) {
    const sq_distinct_item *item = &set->items[set->slots[slot] - 1];
    if (item->hash == hash && item->length == length && memcmp(item->text, text, length) == 0) return set->slots[slot] - 1;
  }
  return -1;
}

int64_t sq_distinct_count(sq_distinct *set, const char *text, size_t length) {
  uint64_t hash = hash_of(set, text, length);
  int64_t index = find(set, text, length, hash);
  if (index < 0) {
    char *copy = grow(set) ? malloc(length + 1) : NULL;
    if (!copy) return -1;
    memcpy(copy, text, length);
    index = (int64_t)set->count;
    set->items[index] = (sq_distinct_item){copy, length, hash, 0};
    place(set, (uint32_t)set->count++);
  }
  set->items[index].count++;
  return index;
}

bool sq_distinct_add(sq_distinct *set, const char *text, size_t length) { return length == 0 || sq_distinct_count(set, text, length) >= 0; }

static int by_bytes(const void *left, const void *right) {
  const sq_distinct_item *a = left, *b = right;
  return sq_compare_bytes(a->text, a->length, b->text, b->length);
}

void sq_distinct_sort(sq_distinct *set) {
  if (set->count) qsort(set->items, set->count, sizeof *set->items, by_bytes);
}

void sq_distinct_write(sq_distinct *set, sq_text *out) {
  sq_distinct_sort(set);
  for (size_t i = 0; i < set->count; i++) {
    sq_text_byte(out, i ? ',' : '[');
    sq_json_write_string(out, set->items[i].text, set->items[i].length);
  }
  sq_text_put(out, set->count ? "]" : "[]");
}

void sq_distinct_free(sq_distinct *set) {
  for (size_t i = 0; i < set->count; i++) free(set->items[i].text);
  free(set->items);
  free(set->slots);
  *set = (sq_distinct){0};
}
