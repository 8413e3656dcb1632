#include "store/notes.h"

#include <stdlib.h>

#define LEAST_SLOTS 1024

/* Whether it was not there yet. */
static bool place(sq_note *items, size_t slots, sq_note one) {
  size_t slot = one.hash & (slots - 1);
  while (items[slot].seq) {
    if (items[slot].hash == one.hash && items[slot].seq == one.seq) return false;
    slot = (slot + 1) & (slots - 1);
  }
  items[slot] = one;
  return true;
}

static bool rebuild(sq_notes *notes, size_t slots, int64_t behind, sq_error *error) {
  sq_note *items = calloc(slots, sizeof *items);
  if (!items) return sq_fail_memory(error);
  notes->count = 0;
  for (size_t i = 0; i < notes->slots; i++)
    if (notes->items[i].seq != 0 && notes->items[i].seq > behind) notes->count += place(items, slots, notes->items[i]);
  free(notes->items);
  notes->items = items;
  notes->slots = slots;
  return true;
}

bool sq_notes_add(sq_notes *notes, uint64_t hash, int64_t seq, sq_error *error) {
  size_t slots = notes->slots ? notes->slots * 2 : LEAST_SLOTS;
  if (notes->count * 4 >= notes->slots * 3 && !rebuild(notes, slots, INT64_MIN, error)) return false;
  notes->count += place(notes->items, notes->slots, (sq_note){hash, seq});
  return true;
}

bool sq_notes_keep(sq_notes *notes, int64_t behind, sq_error *error) {
  notes->turn++;
  return notes->slots == 0 || rebuild(notes, notes->slots, behind, error);
}

const sq_note *sq_notes_next(const sq_notes *notes, uint64_t hash, size_t *at) {
  while (notes->slots && notes->items[*at].seq) {
    const sq_note *note = &notes->items[*at];
    *at = (*at + 1) & (notes->slots - 1);
    if (note->hash == hash) return note;
  }
  return NULL;
}

void sq_notes_clear(sq_notes *notes) {
  free(notes->items);
  *notes = (sq_notes){.stamp = -1, .turn = notes->turn + 1};
}
