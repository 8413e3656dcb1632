/* A contains on many entries at once: they are folded together, and what is found is looked up. */
#include <stdlib.h>

#include "exec/steps.h"

#define TOGETHER 32768 /* bytes that are folded at once: they stay in the nearest cache */

typedef struct search {
  sq_step *step;
  sq_matcher *matcher;
  const char *needle;
  size_t needle_length;
  char *folded; /* of entries [first, last) */
  size_t size, room;
  uint32_t first, last;
} search;

/* Of texts in JSON: what stands in them as it is. */
static bool is_bare(const char *needle, size_t length) {
  for (size_t i = 0; i < length; i++)
    if ((unsigned char)needle[i] < ' ' || needle[i] == '"' || needle[i] == '\\') return false;
  return length > 0;
}

/* Lower case of ASCII; false when there is anything else. Blocks of a constant size become vectors. */
static bool fold_ascii(unsigned char *out, const unsigned char *text, size_t length) {
  enum { BLOCK = 64 };
  unsigned char all = 0;
  size_t at = 0;
  for (; length - at >= BLOCK; at += BLOCK)
    for (size_t i = 0; i < BLOCK; i++) {
      unsigned char c = text[at + i];
      out[at + i] = (unsigned char)(c + (((unsigned char)(c - 'A') < 26) << 5));
      all |= c;
    }
  for (; at < length; at++) {
    out[at] = (unsigned char)(text[at] + (((unsigned char)(text[at] - 'A') < 26) << 5));
    all |= text[at];
  }
  return all < 0x80;
}

/* Where an entry begins in `folded`. */
static size_t place_of(const search *s, uint32_t entry) {
  const uint32_t *offsets = s->step->column.dictionary.offsets;
  return offsets[entry] - offsets[s->first];
}

/* Puts as many entries together as fit, one at least. */
static void take_entries(search *s, uint32_t end) {
  s->last = s->first + 1;
  while (s->last < end && place_of(s, s->last + 1) <= TOGETHER) s->last++;
  s->size = place_of(s, s->last);
}

static bool fold_entries(search *s) {
  const sq_dictionary *d = &s->step->column.dictionary;
  return s->size < s->room && fold_ascii((unsigned char *)s->folded, (const unsigned char *)d->bytes + d->offsets[s->first], s->size);
}

static uint32_t keep(const sq_step *step, uint32_t entry) {
  step->table[entry >> 6] |= UINT64_C(1) << (entry & 63);
  return 1;
}

static uint32_t ask_each(search *s) {
  uint32_t held = 0;
  for (uint32_t entry = s->first; entry < s->last; entry++)
    if (sq_step_ask_entry(s->step, s->matcher, entry)) held += keep(s->step, entry);
  return held;
}

/* What is found across two entries does not count. In a scalar or list, the matcher knows what is text. */
static uint32_t find_in_entries(search *s) {
  bool plain = sq_matcher_is_plain(s->matcher);
  uint32_t held = 0, entry = s->first;
  const char *at = s->folded, *end = s->folded + s->size;
  while ((at = sq_find(at, (size_t)(end - at), s->needle, s->needle_length))) {
    size_t place = (size_t)(at - s->folded);
    while (place_of(s, entry + 1) <= place) entry++;
    bool inside = place + s->needle_length <= place_of(s, entry + 1);
    if (inside && (plain || sq_step_ask_entry(s->step, s->matcher, entry))) held += keep(s->step, entry);
    at = inside ? s->folded + place_of(s, entry + 1) : at + 1;
  }
  return held;
}

static int64_t find_in_uuids(sq_step *step, const sq_kernel_set *kernels, const char *needle, size_t length, uint32_t first, uint32_t last) {
  const unsigned char *uuids = (const unsigned char *)step->column.dictionary.bytes;
  sq_uuid_needle digits;
  int64_t held = 0;
  if (!sq_uuid_needle_make(&digits, needle, length)) return 0;
  for (uint32_t entry = first; entry < last; entry += 64) {
    uint64_t with = kernels->uuids(uuids + (size_t)entry * 16, last - entry < 64 ? last - entry : 64, &digits);
    for (; with; with &= with - 1) held += keep(step, entry + (uint32_t)__builtin_ctzll(with));
  }
  return held;
}

int64_t sq_step_search(sq_step *step, sq_matcher *m, const sq_kernel_set *kernels, uint32_t first, uint32_t last) {
  search s = {.step = step, .matcher = m, .first = first, .room = TOGETHER};
  if (sq_matcher_node(m)->op != SQ_OP_CONTAINS) return -1;
  s.needle = sq_matcher_needle(m, &s.needle_length);
  if (!is_bare(s.needle, s.needle_length)) return -1;
  if (step->column.dictionary.uuid && !sq_matcher_is_plain(m)) return -1;
  if (step->column.dictionary.uuid) return find_in_uuids(step, kernels, s.needle, s.needle_length, first, last);
  if (!(s.folded = malloc(s.room))) return -1;
  int64_t held = 0;
  for (; s.first < last; s.first = s.last) {
    take_entries(&s, last);
    held += fold_entries(&s) ? find_in_entries(&s) : ask_each(&s);
  }
  free(s.folded);
  return held;
}
