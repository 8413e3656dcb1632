/* Marks on a segment: which of its rows are dead, and which of its fragments have such rows. */
#include <stdatomic.h>
#include <stdlib.h>

#include "column/view.h"

struct sq_marks {
  _Atomic int references;
  uint32_t count;
  uint64_t *dead, *dirty;
};

sq_marks *sq_marks_retain(sq_marks *marks) {
  atomic_fetch_add(&marks->references, 1);
  return marks;
}

void sq_marks_release(sq_marks *marks) {
  if (!marks || atomic_fetch_sub(&marks->references, 1) != 1) return;
  free(marks->dead);
  free(marks->dirty);
  free(marks);
}

uint32_t sq_marks_count(const sq_marks *marks) { return marks->count; }
const uint64_t *sq_marks_dead(const sq_marks *marks) { return marks->dead; }
const uint64_t *sq_marks_dirty(const sq_marks *marks) { return marks->dirty; }

static bool contains(const int64_t *seqs, size_t count, int64_t seq) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (seqs[middle] < seq) low = middle + 1;
    else high = middle;
  }
  return low < count && seqs[low] == seq;
}

static bool mark_rows(sq_marks *m, const sq_segment *segment, const int64_t *seqs, size_t count, sq_error *error) {
  sq_column of_rows;
  int64_t seq;
  if (!sq_segment_seqs(segment, &of_rows, error)) return false;
  for (uint32_t row = 0; row < of_rows.count; row++) {
    if (!sq_column_integer(&of_rows, row, &seq) || seq < seqs[0] || seq > seqs[count - 1] || !contains(seqs, count, seq)) continue;
    m->dead[row >> 6] |= UINT64_C(1) << (row & 63);
    m->count++;
  }
  return true;
}

static bool is_dead(const sq_marks *m, uint32_t row) { return m->dead[row >> 6] >> (row & 63) & 1; }

static bool mark_fragments(sq_marks *m, const sq_segment *segment, sq_error *error) {
  sq_column starts;
  int64_t start, stop;
  if (!sq_segment_starts(segment, &starts, error)) return false;
  for (uint32_t i = 0; i + 1 < starts.count; i++) {
    if (!sq_column_integer(&starts, i, &start) || !sq_column_integer(&starts, i + 1, &stop)) return false;
    for (int64_t row = start; row < stop; row++)
      if (is_dead(m, (uint32_t)row)) m->dirty[i >> 6] |= UINT64_C(1) << (i & 63);
  }
  return true;
}

sq_marks *sq_marks_make(const sq_segment *segment, const int64_t *seqs, size_t count, sq_error *error) {
  sq_marks *m = calloc(1, sizeof *m);
  if (m) {
    m->references = 1;
    m->dead = calloc(sq_segment_rows(segment) / 64 + 1u, sizeof *m->dead);
    m->dirty = calloc(sq_segment_fragments(segment) / 64 + 1u, sizeof *m->dirty);
  }
  bool good = m && m->dead && m->dirty ? true : sq_fail_memory(error);
  if (good && count) good = mark_rows(m, segment, seqs, count, error) && mark_fragments(m, segment, error);
  if (good) return m;
  sq_marks_release(m);
  return NULL;
}
