/* Versions: what is sealed, as SQLite's manifest has it, and the rest of the rows as segments in memory, for one
   state of the store. The next one shares what it can with the one before it. */
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/index.h"

#define TIER 8 /* so many segments of about one size in memory become one */

struct sq_version {
  _Atomic int references;
  sq_manifest state;
  sq_sealed *sealed;
  sq_names *names;
  sq_seqs pending;      /* sealed, but changed since */
  sq_segment **chunks;  /* of the rows that are not sealed, or pending; each has at most SQ_SEGMENT_ROWS */
  sq_seqs *dead;        /* of each chunk: changed since */
  size_t count, capacity;
  sq_marks **marks;     /* of the sealed segments, then of the chunks; NULL: nothing is dead */
  sq_view *view;
};

const sq_view *sq_version_view(const sq_version *version) { return version->view; }

static void free_arrays(sq_version *v) {
  size_t sealed = v->sealed ? sq_sealed_count(v->sealed) : 0;
  for (size_t i = 0; i < v->count; i++) {
    sq_segment_close(v->chunks[i]);
    free(v->dead[i].items);
  }
  for (size_t i = 0; v->marks && i < sealed + v->count; i++) sq_marks_release(v->marks[i]);
}

void sq_version_release(sq_version *v) {
  if (!v || atomic_fetch_sub(&v->references, 1) != 1) return;
  if (v->view) sq_view_free(v->view);
  free_arrays(v);
  sq_sealed_release(v->sealed);
  sq_names_release(v->names);
  free(v->pending.items);
  free(v->chunks);
  free(v->dead);
  free(v->marks);
  free(v);
}

static sq_version *retain(sq_version *version) {
  atomic_fetch_add(&version->references, 1);
  return version;
}

/* -------------------------------------------------------------------------------------------- what is sealed */

bool sq_index_path(const sq_store *store, sq_text *out, sq_error *error) {
  sq_text_format(out, "%s-columns", store->path);
  return sq_text_whole(out, error);
}

static sq_segment *find_segment(const sq_sealed *before, uint64_t id) {
  for (size_t i = 0; before && i < sq_sealed_count(before); i++)
    if (sq_segment_head(sq_sealed_segment(before, i))->id == id) return sq_sealed_segment(before, i);
  return NULL;
}

/* A file may be another's that has something else at the place. */
static bool is_of(const sq_segment *segment, const sq_manifest_row *row) {
  const sq_segment_header *head = sq_segment_head(segment);
  return head->id == row->id && head->rows == (uint64_t)row->rows && head->size == row->size && head->first_seq >= row->first_seq && head->last_seq <= row->last_seq;
}

static sq_segment *open_segment(int file, const sq_manifest_row *row, const sq_sealed *before, sq_error *error) {
  sq_segment *segment = find_segment(before, row->id);
  segment = segment ? sq_segment_retain(segment) : sq_segment_map(file, row->place, row->size, error);
  if (!segment || is_of(segment, row)) return segment;
  sq_segment_close(segment);
  sq_fail(error, SQ_E_STORE, "the column index is damaged: another segment stands where one should");
  return NULL;
}

static uint64_t end_of(const sq_manifest_row *rows, size_t count) {
  uint64_t end = 0;
  for (size_t i = 0; i < count; i++)
    if (rows[i].place + rows[i].size > end) end = rows[i].place + rows[i].size;
  return end;
}

static sq_sealed *open_segments(int file, const sq_manifest *m, const sq_manifest_row *rows, size_t count, const sq_sealed *before, sq_error *error) {
  sq_segment **segments = calloc(count + 1, sizeof *segments);
  size_t opened = 0;
  bool good = segments ? true : sq_fail_memory(error);
  uint64_t size = file >= 0 ? sq_file_size(file) : 0;
  for (; good && opened < count; opened++) {
    if (rows[opened].place % SQ_FILE_PAGE || rows[opened].place > size || rows[opened].size > size - rows[opened].place)
      good = sq_fail(error, SQ_E_STORE, "the column index is damaged: its file is shorter than it was");
    segments[opened] = good ? open_segment(file, &rows[opened], before, error) : NULL;
    if (!segments[opened]) break;
  }
  sq_sealed *sealed = good && opened == count ? sq_sealed_make(segments, count, m->sessions, error) : NULL;
  for (size_t i = 0; i < opened; i++) sq_segment_close(segments[i]);
  free(segments);
  return sealed;
}

sq_sealed *sq_sealed_read(sq_store *store, const sq_manifest *m, sq_sealed *before, const char **why, sq_error *error) {
  sq_manifest_row *rows = NULL;
  size_t count = 0;
  sq_text path = {0};
  sq_sealed *sealed = NULL;
  int file = -1;
  *why = NULL;
  if (!sq_manifest_rows(store, &rows, &count, error)) return NULL;
  bool good = count == 0 || (sq_index_path(store, &path, error) && (file = sq_file_open(path.data, &m->identity, why, error)) >= 0);
  if (good) sealed = open_segments(file, m, rows, count, before, error);
  if (sealed) sq_sealed_hold(sealed, file, &m->identity, end_of(rows, count));
  else if (file >= 0) close(file);
  sq_text_free(&path);
  free(rows);
  return sealed;
}

/* ----------------------------------------------------------------------------------------------- rows in memory */

static uint32_t code_of(void *state, const sq_session_name *session, bool *is_named_here, sq_error *error) {
  sq_version *v = state;
  uint32_t code;
  *is_named_here = false;
  int found = sq_sealed_find(v->sealed, session, &code, error);
  if (found) return found > 0 ? code : SQ_NO_CODE;
  return sq_names_add(v->names, session, error);
}

static bool grow(sq_version *v, sq_error *error) {
  if (v->count < v->capacity) return true;
  size_t capacity = v->capacity ? v->capacity * 2 : 8, sealed = sq_sealed_count(v->sealed);
  sq_segment **chunks = realloc(v->chunks, capacity * sizeof *chunks);
  if (chunks) v->chunks = chunks;
  sq_seqs *dead = chunks ? realloc(v->dead, capacity * sizeof *dead) : NULL;
  if (dead) v->dead = dead;
  sq_marks **marks = dead ? realloc(v->marks, (sealed + capacity) * sizeof *marks) : NULL;
  if (marks) v->marks = marks;
  if (!marks) return sq_fail_memory(error);
  if (v->capacity == 0) memset(marks, 0, sealed * sizeof *marks);
  v->capacity = capacity;
  return true;
}

/* Takes the segment over. */
static bool add_chunk(sq_version *v, sq_segment *segment, sq_error *error) {
  if (!grow(v, error)) {
    sq_segment_close(segment);
    return false;
  }
  v->chunks[v->count] = segment;
  v->dead[v->count] = (sq_seqs){0};
  v->marks[sq_sealed_count(v->sealed) + v->count] = NULL;
  v->count++;
  return true;
}

static bool build_chunk(sq_version *v, sq_rows_builder *builder, sq_error *error) {
  static const sq_segment_identity nowhere = {0, {0, 0}};
  sq_text bytes = {0};
  if (sq_rows_builder_count(builder) == 0) return true;
  if (!sq_segment_write(builder, &nowhere, &(sq_coder){code_of, v}, &bytes, error)) {
    sq_text_free(&bytes);
    return false;
  }
  sq_segment *segment = sq_segment_own(&bytes, error);
  return segment && add_chunk(v, segment, error);
}

/* The requests with these seqs, and those after `after` that are no segment's yet. */
static bool read_rows(sq_version *v, sq_store *store, const sq_seqs *picked, int64_t after, sq_error *error) {
  size_t at = 0;
  int64_t last = after;
  bool good = true, ended = false;
  while (good && !ended) { /* a builder may end before it is full: what was picked can be far from what follows */
    sq_rows_builder *builder = sq_rows_builder_make(error);
    good = builder && sq_requests_pick(store, picked, &at, builder, error);
    good = good && (at < picked->count || sq_requests_read(store, last, v->state.last_seq, SQ_SEGMENT_ROWS, builder, &ended, error));
    uint32_t rows = builder ? sq_rows_builder_count(builder) : 0;
    good = good && build_chunk(v, builder, error);
    if (good && rows && sq_segment_head(v->chunks[v->count - 1])->last_seq > last) last = sq_segment_head(v->chunks[v->count - 1])->last_seq;
    sq_rows_builder_free(builder);
  }
  return good;
}

/* ------------------------------------------------------------------------------------------------ dead rows */

static bool set_marks(sq_version *v, size_t block, const sq_segment *segment, const sq_seqs *seqs, sq_error *error) {
  const sq_segment_header *head = sq_segment_head(segment);
  size_t from = 0, to;
  while (from < seqs->count && seqs->items[from] < head->first_seq) from++;
  for (to = from; to < seqs->count && seqs->items[to] <= head->last_seq; to++) continue;
  if (from == to) return true;
  sq_marks *marks = sq_marks_make(segment, seqs->items + from, to - from, error);
  if (!marks) return false;
  sq_marks_release(v->marks[block]);
  v->marks[block] = marks;
  return true;
}

static bool touches(const sq_segment *segment, const sq_seqs *seqs) {
  const sq_segment_header *head = sq_segment_head(segment);
  for (size_t i = 0; i < seqs->count && seqs->items[i] <= head->last_seq; i++)
    if (seqs->items[i] >= head->first_seq) return true;
  return false;
}

/* Marks what changed as dead wherever it stands. */
static bool mark_changed(sq_version *v, const sq_seqs *changed, sq_error *error) {
  size_t sealed = sq_sealed_count(v->sealed);
  for (size_t i = 0; i < sealed; i++) {
    const sq_segment *segment = sq_sealed_segment(v->sealed, i);
    if (touches(segment, changed) && !set_marks(v, i, segment, &v->pending, error)) return false;
  }
  for (size_t i = 0; i < v->count; i++) {
    if (!touches(v->chunks[i], changed)) continue;
    for (size_t k = 0; k < changed->count; k++)
      if (!sq_seqs_add(&v->dead[i], changed->items[k], error)) return false;
    sq_seqs_sort(&v->dead[i]);
    if (!set_marks(v, sealed + i, v->chunks[i], &v->dead[i], error)) return false;
  }
  return true;
}

static uint32_t live_rows(const sq_version *v, size_t chunk) {
  const sq_marks *marks = v->marks[sq_sealed_count(v->sealed) + chunk];
  return sq_segment_head(v->chunks[chunk])->rows - (marks ? sq_marks_count(marks) : 0);
}

/* ---------------------------------------------------------------------------------------------- merging chunks */

static bool collect_live(const sq_version *v, size_t chunk, sq_seqs *out, sq_error *error) {
  sq_column seqs;
  int64_t seq;
  if (!sq_segment_seqs(v->chunks[chunk], &seqs, error)) return false;
  for (uint32_t i = 0; i < seqs.count; i++)
    if (sq_column_integer(&seqs, i, &seq) && !sq_seqs_have(&v->dead[chunk], seq) && !sq_seqs_add(out, seq, error)) return false;
  return true;
}

static void drop_chunks(sq_version *v, size_t from) {
  size_t sealed = sq_sealed_count(v->sealed);
  for (size_t i = from; i < v->count; i++) {
    sq_segment_close(v->chunks[i]);
    sq_marks_release(v->marks[sealed + i]);
    free(v->dead[i].items);
  }
  v->count = from;
}

static bool build_picked(sq_version *v, sq_store *store, const sq_seqs *picked, size_t *at, sq_error *error) {
  sq_rows_builder *builder = sq_rows_builder_make(error);
  bool good = builder && sq_requests_pick(store, picked, at, builder, error) && build_chunk(v, builder, error);
  sq_rows_builder_free(builder);
  return good;
}

/* Mostly into one; into several where many shrank together. */
static bool merge_from(sq_version *v, sq_store *store, size_t from, sq_error *error) {
  sq_seqs live = {0};
  size_t at = 0;
  bool good = true;
  for (size_t i = from; i < v->count && good; i++) good = collect_live(v, i, &live, error);
  sq_seqs_sort(&live);
  if (good) drop_chunks(v, from);
  while (good && at < live.count) good = build_picked(v, store, &live, &at, error);
  free(live.items);
  return good;
}

/* Where the trailing chunks of less than `limit` rows begin, if they are enough to be merged; else count. */
static size_t run_below(const sq_version *v, uint32_t limit) {
  size_t from = v->count;
  while (from > 0 && live_rows(v, from - 1) < limit) from--;
  return v->count - from >= TIER ? from : v->count;
}

static bool merge_chunks(sq_version *v, sq_store *store, sq_error *error) {
  for (uint32_t limit = TIER; limit <= SQ_SEGMENT_ROWS / TIER; limit *= TIER) {
    size_t from = run_below(v, limit);
    if (from < v->count && !merge_from(v, store, from, error)) return false;
  }
  return true;
}

/* ------------------------------------------------------------------------------------------------- versions */

static sq_version *begin(const sq_manifest *state, sq_sealed *sealed, sq_names *names, sq_error *error) {
  sq_version *v = calloc(1, sizeof *v);
  if (!v) {
    sq_fail_memory(error);
    return NULL;
  }
  v->references = 1;
  v->state = *state;
  v->sealed = sq_sealed_retain(sealed);
  v->names = sq_names_retain(names);
  return v;
}

static sq_version *finish(sq_version *v, bool good, sq_error *error) {
  if (good) v->view = sq_view_make(v->sealed, v->chunks, v->count, v->marks, v->names, error);
  if (good && v->view) return v;
  sq_version_release(v);
  return NULL;
}

static bool is_small(const sq_manifest *m, size_t pending, const char **why) {
  bool small = m->last_seq - m->sealed_end + (int64_t)pending <= SQ_MOST_UNSEALED;
  if (!small) *why = "too many rows are not sealed yet";
  return small;
}

static bool fill(sq_version *v, sq_store *store, const char **why, sq_error *error) {
  sq_seqs changed = {0};
  bool good = grow(v, error) && sq_changes_read(store, 0, &changed, error);
  for (size_t i = 0; i < changed.count && good; i++)
    good = changed.items[i] > v->state.sealed_end || sq_seqs_add(&v->pending, changed.items[i], error);
  free(changed.items);
  return good && is_small(&v->state, v->pending.count, why) && mark_changed(v, &v->pending, error) &&
         read_rows(v, store, &v->pending, v->state.sealed_end, error);
}

static sq_version *from_scratch(sq_store *store, const sq_manifest *m, const sq_version *before, const char **why, sq_error *error) {
  if (!is_small(m, 0, why)) return NULL;
  sq_sealed *sealed = sq_sealed_read(store, m, before ? before->sealed : NULL, why, error);
  sq_names *names = sealed ? sq_names_make(m->sessions, error) : NULL;
  sq_version *v = names ? begin(m, sealed, names, error) : NULL;
  sq_sealed_release(sealed);
  sq_names_release(names);
  return v ? finish(v, fill(v, store, why, error), error) : NULL;
}

static bool copy(sq_version *v, const sq_version *from, sq_error *error) {
  size_t sealed = sq_sealed_count(v->sealed);
  if (!grow(v, error)) return false;
  for (size_t i = 0; i < from->pending.count; i++)
    if (!sq_seqs_add(&v->pending, from->pending.items[i], error)) return false;
  for (size_t i = 0; i < sealed; i++) v->marks[i] = from->marks[i] ? sq_marks_retain(from->marks[i]) : NULL;
  for (size_t i = 0; i < from->count; i++) {
    if (!add_chunk(v, sq_segment_retain(from->chunks[i]), error)) return false;
    for (size_t k = 0; k < from->dead[i].count; k++)
      if (!sq_seqs_add(&v->dead[i], from->dead[i].items[k], error)) return false;
    v->marks[sealed + i] = from->marks[sealed + i] ? sq_marks_retain(from->marks[sealed + i]) : NULL;
  }
  return true;
}

/* Adds what came and changed since `before`. */
static bool advance(sq_version *v, sq_store *store, const sq_version *before, const char **why, sq_error *error) {
  sq_seqs changed = {0}, picked = {0};
  bool good = copy(v, before, error) && sq_changes_read(store, before->state.last_change, &changed, error);
  for (size_t i = 0; i < changed.count && good; i++) {
    if (changed.items[i] <= v->state.sealed_end) good = sq_seqs_add(&v->pending, changed.items[i], error);
    if (good && changed.items[i] <= before->state.last_seq) good = sq_seqs_add(&picked, changed.items[i], error);
  }
  sq_seqs_sort(&v->pending);
  good = good && is_small(&v->state, v->pending.count, why) && mark_changed(v, &changed, error) &&
         read_rows(v, store, &picked, before->state.last_seq, error) && merge_chunks(v, store, error);
  free(changed.items);
  free(picked.items);
  return good;
}

static sq_version *next(sq_store *store, const sq_manifest *m, const sq_version *before, const char **why, sq_error *error) {
  sq_version *v = begin(m, before->sealed, before->names, error);
  return v ? finish(v, advance(v, store, before, why, error), error) : NULL;
}

/* -------------------------------------------------------------------------------------------------- taking */

static bool is_sealed_alike(const sq_version *v, const sq_manifest *m) {
  return v->state.schema == m->schema && v->state.stamp == m->stamp && v->state.identity.file == m->identity.file;
}

static bool is_state(const sq_version *v, const sq_manifest *m) {
  return v && is_sealed_alike(v, m) && v->state.last_seq == m->last_seq && v->state.last_change == m->last_change;
}

static bool is_older(const sq_version *v, const sq_manifest *m) {
  if (v->state.schema != m->schema) return v->state.schema < m->schema;
  if (v->state.stamp != m->stamp) return v->state.stamp < m->stamp;
  return v->state.last_seq <= m->last_seq && v->state.last_change <= m->last_change;
}

/* The newest is everybody's; who looks at an older state keeps it by himself. */
static sq_version *take(sq_store *store, sq_index *index, const sq_manifest *m, const char **why, sq_error *error) {
  sq_version *newest = index->newest, *made;
  if (is_state(newest, m)) return retain(newest);
  if (is_state(store->kept, m)) return retain(store->kept);
  bool replaces = !newest || is_older(newest, m), follows = newest && replaces && is_sealed_alike(newest, m);
  made = follows ? next(store, m, newest, why, error) : from_scratch(store, m, newest, why, error);
  if (!made) return NULL;
  sq_version **place = replaces ? &index->newest : &store->kept;
  sq_version_release(*place);
  *place = retain(made);
  return made;
}

static bool is_as_it_was(const sq_version *v, sq_error *error) {
  const char *why = sq_sealed_differs(v->sealed);
  return !why || sq_fail(error, SQ_E_STORE, "the column index is damaged: %s", why);
}

/* Others may take the file away that it lies in. */
static void keep(sq_store *store, sq_version *version) {
  if (!version || !store->is_snapshot || store->kept == version) return;
  sq_version_release(store->kept);
  store->kept = retain(version);
}

sq_version *sq_version_take(sq_store *store, const char **why, sq_error *error) {
  sq_manifest m;
  *why = NULL;
  if (!sq_manifest_read(store, &m, error)) return NULL;
  sq_index *index = sq_index_of(store, &m, error);
  if (!index) return NULL;
  pthread_mutex_lock(&index->lock);
  sq_version *version = take(store, index, &m, why, error);
  keep(store, version);
  pthread_mutex_unlock(&index->lock);
  if (!version || is_as_it_was(version, error)) return version;
  sq_version_release(version);
  return NULL;
}
