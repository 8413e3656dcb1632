#include "column/texts.h"

#include <stdlib.h>

#include "base/mix.h"

static void place(sq_texts *texts, uint32_t entry) {
  uint32_t slot = (uint32_t)texts->hashes[entry] & (texts->slot_count - 1);
  while (texts->slots[slot]) slot = (slot + 1) & (texts->slot_count - 1);
  texts->slots[slot] = entry + 1;
}

static bool grow(sq_texts *texts) {
  if (texts->count < texts->capacity) return true;
  uint32_t capacity = texts->capacity ? texts->capacity * 2 : 16;
  uint32_t *offsets = realloc(texts->offsets, (capacity + 1) * sizeof *offsets);
  if (!offsets) return false;
  if (texts->count == 0) offsets[0] = 0;
  texts->offsets = offsets;
  uint64_t *hashes = realloc(texts->hashes, capacity * sizeof *hashes);
  if (!hashes) return false;
  texts->hashes = hashes;
  uint32_t *slots = calloc((size_t)capacity * 2, sizeof *slots);
  if (!slots) return false;
  free(texts->slots);
  texts->slots = slots;
  texts->slot_count = capacity * 2;
  texts->capacity = capacity;
  for (uint32_t i = 0; i < texts->count; i++) place(texts, i);
  return true;
}

static bool is_same(const sq_texts *texts, uint32_t entry, const char *text, size_t length) {
  size_t size;
  const char *own = sq_texts_get(texts, entry, &size);
  return size == length && memcmp(own, text, length) == 0;
}

static uint32_t find(const sq_texts *texts, uint64_t hash, const char *text, size_t length) {
  for (uint32_t slot = (uint32_t)hash & (texts->slot_count - 1); texts->slots[slot]; slot = (slot + 1) & (texts->slot_count - 1)) {
    uint32_t entry = texts->slots[slot] - 1;
    if (texts->hashes[entry] == hash && is_same(texts, entry, text, length)) return entry;
  }
  return SQ_NO_ENTRY;
}

uint32_t sq_texts_add(sq_texts *texts, const char *text, size_t length) {
  if (texts->count && is_same(texts, texts->last, text, length)) return texts->last; /* runs are common */
  uint64_t hash = sq_mix_text(texts->seed, text, length);
  uint32_t entry = texts->count ? find(texts, hash, text, length) : SQ_NO_ENTRY;
  if (entry != SQ_NO_ENTRY) return texts->last = entry;
  if (texts->bytes.length + length >= UINT32_MAX || !grow(texts)) return SQ_NO_ENTRY;
  sq_text_append(&texts->bytes, text, length);
  if (texts->bytes.failed) return SQ_NO_ENTRY;
  entry = texts->count++;
  texts->offsets[entry + 1] = (uint32_t)texts->bytes.length;
  texts->hashes[entry] = hash;
  place(texts, entry);
  return texts->last = entry;
}

void sq_texts_free(sq_texts *texts) {
  sq_text_free(&texts->bytes);
  free(texts->offsets);
  free(texts->hashes);
  free(texts->slots);
  *texts = (sq_texts){.seed = texts->seed};
}
