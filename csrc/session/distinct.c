#include "session/distinct.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/json.h"

/* Keyed by the set's address, which nobody who chooses the texts knows. */
static uint64_t hash_of(const sq_distinct *set, const char *text, size_t length) {
  const uint64_t key[2] = {(uintptr_t)set, UINT64_C(0x9E3779B97F4A7C15)};
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

static bool contains(const sq_distinct *set, const char *text, size_t length, uint64_t hash) {
  if (set->count == 0) return false;
  for (size_t slot = hash & (set->slot_count - 1); set->slots[slot]; slot = (slot + 1) & (set->slot_count - 1)) {
    const sq_distinct_item *item = &set->items[set->slots[slot] - 1];
    if (item->hash == hash && item->length == length && memcmp(item->text, text, length) == 0) return true;
  }
  return false;
}

bool sq_distinct_add(sq_distinct *set, const char *text, size_t length) {
  if (length == 0) return true;
  uint64_t hash = hash_of(set, text, length);
  if (contains(set, text, length, hash)) return true;
  char *copy = grow(set) ? malloc(length) : NULL;
  if (!copy) return false;
  memcpy(copy, text, length);
  set->items[set->count] = (sq_distinct_item){copy, length, hash};
  place(set, (uint32_t)set->count++);
  return true;
}

static int by_bytes(const void *left, const void *right) {
  const sq_distinct_item *a = left, *b = right;
  int order = memcmp(a->text, b->text, a->length < b->length ? a->length : b->length);
  return order ? order : (a->length > b->length) - (a->length < b->length);
}

void sq_distinct_write(sq_distinct *set, sq_text *out) {
  if (set->count) qsort(set->items, set->count, sizeof *set->items, by_bytes);
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
