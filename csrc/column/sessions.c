#include "column/sessions.h"

#include <stdlib.h>

#include "base/mix.h"

/* A session among the rows: entries of its three texts. */
typedef struct found_session {
  uint32_t organization, project, id;
  uint32_t code, rows;
} found_session;

typedef struct arranging {
  sq_rows_builder *builder;
  const sq_coder *coder;
  sq_error *error;
  found_session *sessions;
  uint32_t count;
  uint32_t *of_row;  /* session of each row, SQ_NO_ENTRY: none */
  uint32_t *slots;   /* session + 1 */
  uint32_t slot_mask;
  uint32_t *order;   /* of sessions by code */
} arranging;

static bool begin(arranging *a) {
  uint32_t rows = a->builder->count, slots = 64;
  while (slots < 2 * rows) slots *= 2;
  a->slot_mask = slots - 1;
  a->sessions = malloc((rows + 1) * sizeof *a->sessions);
  a->of_row = malloc((rows + 1) * sizeof *a->of_row);
  a->order = malloc((rows + 1) * sizeof *a->order);
  a->slots = calloc(slots, sizeof *a->slots);
  return (a->sessions && a->of_row && a->order && a->slots) || sq_fail_memory(a->error);
}

static void end(arranging *a) {
  free(a->sessions);
  free(a->of_row);
  free(a->order);
  free(a->slots);
}

static uint32_t entry_of(const arranging *a, sq_field field, uint32_t row) {
  const sq_gathered *g = &a->builder->fields[field];
  return g->entries ? g->entries[row] : SQ_NO_ENTRY;
}

static uint32_t find_session(arranging *a, const found_session *wanted) {
  uint64_t hash = sq_mix(sq_mix(wanted->organization + a->builder->seed, wanted->project), wanted->id);
  uint32_t slot = (uint32_t)hash & a->slot_mask;
  for (; a->slots[slot]; slot = (slot + 1) & a->slot_mask) {
    const found_session *s = &a->sessions[a->slots[slot] - 1];
    if (s->id == wanted->id && s->project == wanted->project && s->organization == wanted->organization) return a->slots[slot] - 1;
  }
  a->sessions[a->count] = *wanted;
  a->slots[slot] = ++a->count;
  return a->count - 1;
}

static bool find_sessions(arranging *a) {
  for (uint32_t row = 0; row < a->builder->count; row++) {
    found_session wanted = {entry_of(a, SQ_F_ORGANIZATION_ID, row), entry_of(a, SQ_F_PROJECT, row), entry_of(a, SQ_F_SESSION_ID, row), 0, 0};
    if (wanted.organization == SQ_NO_ENTRY || wanted.project == SQ_NO_ENTRY)
      return sq_fail(a->error, SQ_E_VALUE, "a request without organization_id or project");
    a->of_row[row] = SQ_NO_ENTRY;
    if (wanted.id == SQ_NO_ENTRY) continue;
    a->of_row[row] = find_session(a, &wanted);
    a->sessions[a->of_row[row]].rows++;
  }
  return true;
}

static const char *text_of(const arranging *a, sq_field field, uint32_t entry, size_t *length) {
  return sq_texts_get(&a->builder->fields[field].texts, entry, length);
}

static bool code_sessions(arranging *a) {
  for (uint32_t i = 0; i < a->count; i++) {
    found_session *s = &a->sessions[i];
    sq_session_name name;
    bool is_named_here = false;
    name.organization = text_of(a, SQ_F_ORGANIZATION_ID, s->organization, &name.organization_length);
    name.project = text_of(a, SQ_F_PROJECT, s->project, &name.project_length);
    name.id = text_of(a, SQ_F_SESSION_ID, s->id, &name.id_length);
    s->code = a->coder->code(a->coder->state, &name, &is_named_here, a->error);
    if (s->code == SQ_NO_CODE) return false;
    a->order[i] = i;
    sq_named_session named = {s->code, s->organization, s->project, s->id};
    if (is_named_here && !sq_name_session(a->builder, &named, a->error)) return false;
  }
  return true;
}

static int by_code(const void *left, const void *right, void *state) {
  const found_session *sessions = state;
  uint32_t a = sessions[*(const uint32_t *)left].code, b = sessions[*(const uint32_t *)right].code;
  return (a > b) - (a < b);
}

/* --------------------------------------------------------------------------------------------- rows by time */

static int by_time(const void *left, const void *right, void *state) {
  const sq_rows_builder *b = state;
  uint32_t x = *(const uint32_t *)left, y = *(const uint32_t *)right;
  const int64_t *times = b->fields[SQ_F_CREATED_AT].numbers;
  if (times[x] != times[y]) return times[x] < times[y] ? -1 : 1;
  const sq_gathered *ids = &b->fields[SQ_F_REQUEST_ID];
  size_t x_length, y_length;
  const char *x_id = sq_texts_get(&ids->texts, ids->entries[x], &x_length), *y_id = sq_texts_get(&ids->texts, ids->entries[y], &y_length);
  return sq_compare_bytes(x_id, x_length, y_id, y_length);
}

/* Rows mostly come in order of time. */
static void sort_rows(const arranging *a, uint32_t *rows, uint32_t count) {
  sq_rows_builder *b = a->builder;
  for (uint32_t i = 1; i < count; i++)
    if (by_time(&rows[i - 1], &rows[i], b) > 0) {
      qsort_r(rows, count, sizeof *rows, by_time, b);
      return;
    }
}

/* A counting sort by session, in the order of the codes. */
static void place_rows(arranging *a, sq_arranged *out) {
  uint32_t at = 0;
  for (uint32_t i = 0; i < a->count; i++) {
    found_session *s = &a->sessions[a->order[i]];
    out->codes[i] = s->code;
    out->starts[i] = at;
    at += s->rows;
    s->rows = out->starts[i]; /* from here on: where its next row goes */
  }
  out->fragments = a->count;
  out->starts[a->count] = out->session_rows = at;
  for (uint32_t row = 0; row < a->builder->count; row++) {
    uint32_t session = a->of_row[row];
    out->rows[session == SQ_NO_ENTRY ? at++ : a->sessions[session].rows++] = row;
  }
  for (uint32_t i = 0; i < a->count; i++) sort_rows(a, out->rows + out->starts[i], out->starts[i + 1] - out->starts[i]);
  sort_rows(a, out->rows + out->session_rows, a->builder->count - out->session_rows);
}

static bool check_times(const arranging *a) {
  const sq_gathered *times = &a->builder->fields[SQ_F_CREATED_AT], *ids = &a->builder->fields[SQ_F_REQUEST_ID];
  for (uint32_t row = 0; row < a->builder->count; row++)
    if (!times->there || !times->there[row] || !ids->entries || ids->entries[row] == SQ_NO_ENTRY)
      return sq_fail(a->error, SQ_E_VALUE, "a request without created_at or request_id");
  return true;
}

bool sq_arrange(sq_rows_builder *builder, const sq_coder *coder, sq_arranged *out, sq_error *error) {
  arranging a = {.builder = builder, .coder = coder, .error = error};
  *out = (sq_arranged){.rows = malloc((builder->count + 1) * sizeof *out->rows),
                       .starts = malloc((builder->count + 1) * sizeof *out->starts),
                       .codes = malloc((builder->count + 1) * sizeof *out->codes)};
  bool good = (out->rows && out->starts && out->codes) || sq_fail_memory(error);
  good = good && begin(&a) && check_times(&a) && find_sessions(&a) && code_sessions(&a);
  if (good) {
    qsort_r(a.order, a.count, sizeof *a.order, by_code, a.sessions);
    place_rows(&a, out);
  }
  end(&a);
  if (!good) sq_arranged_free(out);
  return good;
}

void sq_arranged_free(sq_arranged *arranged) {
  free(arranged->rows);
  free(arranged->starts);
  free(arranged->codes);
  *arranged = (sq_arranged){0};
}
