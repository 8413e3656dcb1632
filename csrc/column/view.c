#include "column/view.h"

#include <stdlib.h>

typedef struct whole_view {
  sq_view view; /* what others see */
  sq_sealed *sealed;
  sq_names *names;
  sq_segment **in_memory;
  size_t in_memory_count;
  sq_marks **marks;
  sq_block *blocks;
  sq_code_page *scattered;     /* those that are the same for what is sealed are its own */
  const uint64_t *of_sealed;
  sq_fact facts[SQ_F_COUNT];
} whole_view;

static whole_view *whole(const sq_view *view) { return (whole_view *)(uintptr_t)view; }

/* ------------------------------------------------------------------------------------------------- making */

static void set_block(sq_block *block, const sq_segment *segment, const sq_marks *marks) {
  const sq_segment_header *head = sq_segment_head(segment);
  *block = (sq_block){.segment = segment, .rows = head->rows, .session_rows = head->session_rows, .fragments = head->fragments,
                      .first_time = head->first_time, .last_time = head->last_time};
  if (!marks) return;
  block->dead = sq_marks_dead(marks);
  block->dirty = sq_marks_dirty(marks);
  block->dead_rows = sq_marks_count(marks);
}

#define WORDS_OF_PAGE (SQ_CODES_OF_PAGE / 64)
static const uint64_t no_codes[WORDS_OF_PAGE];

static size_t pages_of(uint32_t codes) { return codes / SQ_CODES_OF_PAGE + (size_t)1; }

static bool is_shared(const whole_view *w, size_t page) {
  return w->scattered[page] == no_codes || (page < pages_of(sq_sealed_sessions(w->sealed)) && w->scattered[page] == w->of_sealed + page * WORDS_OF_PAGE);
}

/* The first bit that is set in a page copies it. */
static bool mark(whole_view *w, uint32_t code, sq_error *error) {
  size_t page = code / SQ_CODES_OF_PAGE;
  if (sq_view_is_scattered(&w->view, code)) return true;
  if (is_shared(w, page)) {
    uint64_t *copy = malloc(sizeof no_codes);
    if (!copy) return sq_fail_memory(error);
    w->scattered[page] = memcpy(copy, w->scattered[page], sizeof no_codes);
  }
  uint64_t *bits = (uint64_t *)(uintptr_t)w->scattered[page];
  bits[code % SQ_CODES_OF_PAGE / 64] |= UINT64_C(1) << (code & 63);
  return true;
}

/* A session in memory is scattered when it is sealed as well, or in two segments of them. */
static bool mark_scattered(whole_view *w, sq_error *error) {
  uint32_t sealed = sq_sealed_sessions(w->sealed), sessions = w->view.sessions;
  uint64_t *seen = calloc((sessions - sealed) / 64 + 1, sizeof *seen);
  bool good = seen ? true : sq_fail_memory(error);
  for (size_t k = 0; k < w->in_memory_count && good; k++) {
    sq_column codes;
    int64_t value;
    good = sq_segment_codes(w->in_memory[k], &codes, error);
    for (uint32_t i = 0; good && i < codes.count; i++) {
      if (!sq_column_integer(&codes, i, &value) || value >= sessions) continue;
      uint32_t code = (uint32_t)value, own = code - sealed;
      bool again = code < sealed || seen[own >> 6] >> (own & 63) & 1;
      if (again) good = mark(w, code, error);
      else seen[own >> 6] |= UINT64_C(1) << (own & 63);
    }
  }
  free(seen);
  return good;
}

static bool share_scattered(whole_view *w, sq_error *error) {
  size_t sealed = pages_of(sq_sealed_sessions(w->sealed)), pages = pages_of(w->view.sessions);
  w->of_sealed = sq_sealed_scattered(w->sealed, error);
  if (!w->of_sealed) return false;
  w->scattered = malloc(pages * sizeof *w->scattered);
  if (!w->scattered) return sq_fail_memory(error);
  for (size_t page = 0; page < pages; page++) w->scattered[page] = page < sealed ? w->of_sealed + page * WORDS_OF_PAGE : no_codes;
  w->view.scattered = w->scattered;
  return mark_scattered(w, error);
}

static bool fill(whole_view *w, sq_segment *const *in_memory, sq_marks *const *marks, sq_error *error) {
  size_t sealed = sq_sealed_count(w->sealed), count = w->in_memory_count;
  w->blocks = calloc(sealed + count + 1, sizeof *w->blocks);
  w->marks = calloc(sealed + count + 1, sizeof *w->marks);
  w->in_memory = calloc(count + 1, sizeof *w->in_memory);
  if (!w->blocks || !w->marks || !w->in_memory) {
    w->in_memory_count = 0;
    return sq_fail_memory(error);
  }
  memcpy(w->facts, sq_sealed_facts(w->sealed), sizeof w->facts);
  for (size_t i = 0; i < count; i++) {
    w->in_memory[i] = sq_segment_retain(in_memory[i]);
    sq_segment_narrow_facts(in_memory[i], w->facts);
  }
  for (size_t i = 0; i < sealed + count; i++) {
    w->marks[i] = marks && marks[i] ? sq_marks_retain(marks[i]) : NULL;
    set_block(&w->blocks[i], i < sealed ? sq_sealed_segment(w->sealed, i) : in_memory[i - sealed], w->marks[i]);
  }
  w->view.blocks = w->blocks;
  w->view.count = sealed + count;
  w->view.facts = w->facts;
  return share_scattered(w, error);
}

sq_view *sq_view_make(sq_sealed *sealed, sq_segment *const *in_memory, size_t count, sq_marks *const *marks, sq_names *names, sq_error *error) {
  whole_view *w = calloc(1, sizeof *w);
  if (!w) {
    sq_fail_memory(error);
    return NULL;
  }
  w->sealed = sq_sealed_retain(sealed);
  w->names = sq_names_retain(names);
  w->in_memory_count = count;
  w->view.sessions = sq_names_end(names);
  if (fill(w, in_memory, marks, error)) return &w->view;
  sq_view_free(&w->view);
  return NULL;
}

void sq_view_free(const sq_view *view) {
  whole_view *w = whole(view);
  if (!w) return;
  for (size_t i = 0; i < w->in_memory_count; i++) sq_segment_close(w->in_memory[i]);
  for (size_t i = 0; w->marks && i < w->view.count; i++) sq_marks_release(w->marks[i]);
  for (size_t page = 0; w->scattered && page < pages_of(w->view.sessions); page++)
    if (!is_shared(w, page)) free((void *)(uintptr_t)w->scattered[page]);
  sq_sealed_release(w->sealed);
  sq_names_release(w->names);
  free(w->in_memory);
  free(w->marks);
  free(w->blocks);
  free(w->scattered);
  free(w);
}

/* ------------------------------------------------------------------------------------------------ sessions */

bool sq_view_session(const sq_view *view, uint32_t code, sq_session_name *out, sq_error *error) {
  const whole_view *w = whole(view);
  if (code >= sq_sealed_sessions(w->sealed)) {
    sq_names_get(w->names, code, out);
    return true;
  }
  return sq_sealed_name(w->sealed, code, out, error);
}

bool sq_view_find(const sq_view *view, const char *organization, const char *project, const char *id, size_t id_length, uint32_t *code, sq_error *error) {
  const whole_view *w = whole(view);
  sq_session_name wanted = {.organization = organization, .project = project, .id = id, .organization_length = strlen(organization),
                            .project_length = strlen(project), .id_length = id_length};
  int found = sq_sealed_find(w->sealed, &wanted, code, error);
  if (found == 0) *code = sq_names_find(w->names, &wanted);
  if (found == 0 && *code != SQ_NO_CODE && *code >= view->sessions) *code = SQ_NO_CODE; /* came after this view */
  return found >= 0;
}

int64_t sq_view_fragments(const sq_view *view, uint32_t code, sq_fragment_ref **refs, sq_error *error) {
  const whole_view *w = whole(view);
  size_t sealed = sq_sealed_count(w->sealed);
  int64_t count = 0;
  *refs = NULL;
  if (code < sq_sealed_sessions(w->sealed)) count = sq_sealed_fragments(w->sealed, code, w->in_memory_count, refs, error);
  else if (!(*refs = malloc((w->in_memory_count + 1) * sizeof **refs))) count = sq_fail_memory(error) - 1;
  for (size_t i = 0; i < w->in_memory_count && count >= 0; i++) {
    int64_t fragment = sq_segment_fragment_of(w->in_memory[i], code, error);
    if (fragment >= 0) (*refs)[count++] = (sq_fragment_ref){(uint32_t)(sealed + i), (uint32_t)fragment};
    else if (fragment == -2) count = -1;
  }
  if (count >= 0) return count;
  free(*refs);
  *refs = NULL;
  return -1;
}
