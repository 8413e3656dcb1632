/* Texts, each kept once: what becomes a dictionary. */
#ifndef SQ_COLUMN_TEXTS_H
#define SQ_COLUMN_TEXTS_H

#include "base/text.h"

#define SQ_NO_ENTRY UINT32_MAX

/* Start from {.seed = random}. */
typedef struct sq_texts {
  uint64_t seed;
  sq_text bytes;
  uint32_t *offsets; /* count + 1 */
  uint64_t *hashes;
  uint32_t *slots;   /* entry + 1; 0: free */
  uint32_t count, capacity, slot_count, last;
} sq_texts;

/* The entry of a text, which is added when it is new; SQ_NO_ENTRY when memory ended. */
uint32_t sq_texts_add(sq_texts *texts, const char *text, size_t length);
static inline const char *sq_texts_get(const sq_texts *texts, uint32_t entry, size_t *length) {
  *length = texts->offsets[entry + 1] - texts->offsets[entry];
  return texts->bytes.data + texts->offsets[entry];
}
void sq_texts_free(sq_texts *texts);

#endif
