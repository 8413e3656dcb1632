/* A contains on many entries at once: they are folded together, and what is found is looked up. */
#include <stdlib.h>

#include "exec/steps.h"

#define TOGETHER 32768 /* bytes that are folded at once: they stay in the nearest cache */
#define UUID_LENGTH 36

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
  const sq_dictionary *d = &s->step->column.dictionary;
  return d->uuid ? (size_t)(entry - s->first) * UUID_LENGTH : d->offsets[entry] - d->offsets[s->first];
}

/* Puts as many entries together as fit, one at least. */
static void take_entries(search *s, uint32_t end) {
  s->last = s->first + 1;
  while (s->last < end && place_of(s, s->last + 1) <= TOGETHER) s->last++;
  s->size = place_of(s, s->last);
}

/* Two digits at a time. */
static void write_uuids(char *out, const unsigned char *bytes, uint32_t count) {
  static const char digits[] = "0123456789abcdef";
  static const unsigned char places[16] = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};
  char pairs[256][2];
  for (int i = 0; i < 256; i++) memcpy(pairs[i], (const char[2]){digits[i >> 4], digits[i & 15]}, 2);
  for (; count; count--, out += UUID_LENGTH, bytes += 16) {
    for (int i = 0; i < 16; i++) memcpy(out + places[i], pairs[bytes[i]], 2);
    out[8] = out[13] = out[18] = out[23] = '-';
  }
}

static bool fold_entries(search *s) {
  const sq_dictionary *d = &s->step->column.dictionary;
  if (!d->uuid) return s->size < s->room && fold_ascii((unsigned char *)s->folded, (const unsigned char *)d->bytes + d->offsets[s->first], s->size);
  write_uuids(s->folded, (const unsigned char *)d->bytes + (size_t)s->first * 16, s->last - s->first);
  return true;
}

static uint32_t keep(const search *s, uint32_t entry) {
  s->step->table[entry >> 6] |= UINT64_C(1) << (entry & 63);
  return 1;
}

static uint32_t ask_each(search *s) {
  uint32_t held = 0;
  for (uint32_t entry = s->first; entry < s->last; entry++)
    if (sq_step_ask_entry(s->step, s->matcher, entry)) held += keep(s, entry);
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
    if (inside && (plain || sq_step_ask_entry(s->step, s->matcher, entry))) held += keep(s, entry);
    at = inside ? s->folded + place_of(s, entry + 1) : at + 1;
  }
  return held;
}

int64_t sq_step_search(sq_step *step, sq_matcher *m, uint32_t first, uint32_t last) {
  search s = {.step = step, .matcher = m, .first = first, .room = TOGETHER + 2 * UUID_LENGTH};
  if (sq_matcher_node(m)->op != SQ_OP_CONTAINS) return -1;
  s.needle = sq_matcher_needle(m, &s.needle_length);
  if (!is_bare(s.needle, s.needle_length) || !(s.folded = malloc(s.room))) return -1;
  int64_t held = 0;
  for (; s.first < last; s.first = s.last) {
    take_entries(&s, last);
    held += fold_entries(&s) ? find_in_entries(&s) : ask_each(&s);
  }
  free(s.folded);
  return held;
}
