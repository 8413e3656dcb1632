/* The steps of a seal: the file that is begun or gone on with, the segments, the manifest that makes them count. */
#include "store/seal.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "store/fresh.h"

/* ---------------------------------------------------------------------------------------------- beginning */

static bool draw_path(sq_sealing *s) {
  uint64_t bits;
  sq_file_sweep(s->path.data);
  if (!sq_draw(&bits, 1, s->error)) return false;
  sq_text_format(&s->made, "%s.%016llx", s->path.data, (unsigned long long)bits);
  return sq_text_whole(&s->made, s->error);
}

static bool begin_anew(sq_sealing *s) {
  const char *why;
  s->anew = true;
  s->next.sealed_end = 0;
  s->next.sessions = 0;
  sq_sealed_release(s->sealed);
  s->sealed = sq_sealed_make(NULL, 0, 0, s->error);
  if (!s->sealed || !draw_path(s) || !sq_draw(&s->next.identity.file, 1, s->error)) return false;
  s->file = sq_file_lock(s->made.data, &s->next.identity, s->store->path, true, &why, s->error);
  return s->file >= 0;
}

/* A damaged index is begun anew as well. */
static bool open_sealed(sq_sealing *s) {
  sq_error ignored = {.code = SQ_OK};
  const char *why;
  s->sealed = sq_sealed_read(s->store, &s->state, NULL, &why, &ignored);
  if (s->sealed) return true;
  if (ignored.code == SQ_E_NO_MEMORY || ignored.code == SQ_E_TIMEOUT) return sq_fail(s->error, ignored.code, "%s", ignored.message);
  s->guard = s->file;
  s->file = -1;
  return begin_anew(s);
}

static bool open_file(sq_sealing *s, bool anew) {
  const char *why = NULL;
  if (s->state.identity.file == 0) return begin_anew(s);
  int file = sq_file_lock(s->path.data, &s->state.identity, s->store->path, false, &why, s->error);
  if (file >= 0) {
    if (anew) s->guard = file;
    else s->file = file;
    return anew ? begin_anew(s) : open_sealed(s);
  }
  if (s->error->code != SQ_OK) return false;
  s->skipped = strcmp(why, "another is at it") == 0;
  return s->skipped || begin_anew(s);
}

bool sq_sealing_begin(sq_sealing *s, sq_store *store, bool anew, sq_error *error) {
  *s = (sq_sealing){.store = store, .error = error, .file = -1, .guard = -1};
  bool good = sq_execute(store, "BEGIN", error) && sq_manifest_read(store, &s->state, error) && sq_index_path(store, &s->path, error);
  s->next = s->state;
  good = good && open_file(s, anew);
  return sq_end_read(store, error) && good;
}

void sq_sealing_end(sq_sealing *s) {
  if (s->file >= 0) sq_file_unlock(s->file);
  if (s->guard >= 0) sq_file_unlock(s->guard);
  if (s->made.length) unlink(s->made.data); /* not published */
  sq_sealed_release(s->sealed);
  sq_text_free(&s->path);
  sq_text_free(&s->made);
  free(s->rows);
  free(s->changes);
  free(s->shed.items);
  free(s->hashes.items);
}

/* ----------------------------------------------------------------------------------------------- building */

/* A session that no segment names gets the next code, and its name here; so does one whose name was to go. */
static uint32_t code_of(void *state, const sq_session_name *session, bool *is_named_here, sq_error *error) {
  sq_sealing *s = state;
  uint32_t code;
  int found = sq_sealed_find(s->sealed, session, &code, error);
  *is_named_here = found == 0 || (found > 0 && sq_seqs_have(&s->shed, code));
  if (found) return found > 0 ? code : SQ_NO_CODE;
  if (s->next.sessions >= SQ_NO_CODE - 1) {
    sq_fail(error, SQ_E_LIMIT, "more sessions than a column index can have");
    return SQ_NO_CODE;
  }
  return s->next.sessions++;
}

static bool note(sq_sealing *s, const sq_manifest_row *row, int64_t change) {
  if (s->count == s->capacity) {
    size_t capacity = s->capacity ? s->capacity * 2 : 8;
    sq_manifest_row *rows = realloc(s->rows, capacity * sizeof *rows);
    if (rows) s->rows = rows;
    int64_t *changes = rows ? realloc(s->changes, capacity * sizeof *changes) : NULL;
    if (!changes) return sq_fail_memory(s->error);
    s->changes = changes;
    s->capacity = capacity;
  }
  s->rows[s->count] = *row;
  s->changes[s->count++] = change;
  return true;
}

/* The segments as they are with the new one, so that the next one's sessions are found in it. */
static bool extend(sq_sealing *s, sq_segment *segment, const sq_segment *replaced) {
  size_t count = sq_sealed_count(s->sealed), kept = 0;
  sq_segment **segments = malloc((count + 1) * sizeof *segments);
  if (!segments) return sq_fail_memory(s->error);
  for (size_t i = 0; i < count; i++) {
    sq_segment *one = sq_sealed_segment(s->sealed, i);
    segments[kept++] = one == replaced ? segment : one;
  }
  if (!replaced) segments[kept++] = segment;
  sq_sealed *sealed = sq_sealed_make(segments, kept, s->next.sessions, s->error);
  free(segments);
  if (!sealed) return false;
  sq_sealed_release(s->sealed);
  s->sealed = sealed;
  return true;
}

static bool write_hashes(sq_sealing *s, int64_t *key) {
  if (!s->hashes.items) return true;
  bool written = sq_ids_key(s->store, key, s->error) &&
                 sq_ids_write(s->store, &s->hashes, *key, s->rows[s->count - 1].last_seq, s->state.stamp + 1, s->error);
  free(s->hashes.items);
  s->hashes.items = NULL;
  return written;
}

static bool is_as_it_was(sq_sealing *s) {
  sq_manifest now;
  bool good = sq_manifest_read(s->store, &now, s->error);
  s->given_up = good && (now.schema != s->state.schema || now.stamp != s->state.stamp || now.identity.file != s->state.identity.file);
  return good && !s->given_up;
}

/* Of segments that are published together only the last one's hashes wait for it. The others' do no harm before, and
   take no place of those that still are looked at. */
static bool hand_in_hashes(sq_sealing *s) {
  int64_t key = 0;
  if (!s->hashes.items) return true;
  if (!sq_begin_write(s->store, s->error)) return false;
  bool good = is_as_it_was(s) && write_hashes(s, &key);
  bool written = sq_end_write(s->store, good, s->error);
  if (written && !s->first_key) s->first_key = key;
  return written;
}

/* The last ones; what they and the early ones replace goes. */
static bool publish_hashes(sq_sealing *s) {
  const sq_manifest_row *row = s->count ? &s->rows[s->count - 1] : NULL;
  int64_t key = 0;
  if (s->copies) return true;
  if (!write_hashes(s, &key) || (!key && !sq_ids_key(s->store, &key, s->error))) return false;
  if (s->anew) return sq_ids_drop(s->store, s->first_key ? s->first_key : key, INT64_MIN, s->next.sealed_end, s->error);
  return !row || sq_ids_drop(s->store, s->first_key ? s->first_key : key, s->rows[0].first_seq - 1, row->last_seq, s->error);
}

/* Writes the builder's rows, which have the row's seqs, behind the file's last segment. */
static bool append(sq_sealing *s, sq_rows_builder *builder, sq_manifest_row *row, int64_t change, const sq_segment *replaced) {
  sq_text bytes = {0};
  sq_segment_identity identity = {0, {s->state.identity.store[0], s->state.identity.store[1]}};
  bool good = hand_in_hashes(s) && sq_draw(&identity.id, 1, s->error) && sq_segment_write(builder, &identity, &(sq_coder){code_of, s}, &bytes, s->error);
  good = good && sq_file_append(s->file, &bytes, &row->place, s->error);
  row->id = identity.id;
  row->size = bytes.length;
  row->rows = sq_rows_builder_count(builder);
  sq_text_free(&bytes);
  sq_segment *segment = good ? sq_segment_map(s->file, row->place, row->size, s->error) : NULL;
  good = segment && extend(s, segment, replaced) && note(s, row, change);
  good = good && sq_ids_of(builder, s->state.identity.store, &s->hashes, s->error);
  sq_segment_close(segment);
  return good;
}

/* What was read, and of which state. */
typedef struct rows_read {
  sq_manifest state;
  int64_t until;
  bool ended; /* all up to it */
} rows_read;

/* Reads in a transaction of its own, so that none stays open while the segment is written. */
static bool read_rows(sq_sealing *s, int64_t after, int64_t until, uint32_t most, sq_rows_builder *builder, rows_read *seen) {
  bool good = sq_execute(s->store, "BEGIN", s->error) && sq_manifest_read(s->store, &seen->state, s->error);
  if (good && until < seen->state.last_seq) seen->until = until;
  else seen->until = seen->state.last_seq;
  good = good && sq_requests_read(s->store, after, seen->until, most, builder, &seen->ended, s->error);
  return sq_end_read(s->store, s->error) && good;
}

/* Those that this handle has just imported, when they are a segment's. */
static bool take_fresh(sq_sealing *s, sq_rows_builder **builder, rows_read *seen) {
  bool good = sq_execute(s->store, "BEGIN", s->error) && sq_manifest_read(s->store, &seen->state, s->error);
  *builder = good ? sq_fresh_take(s->store, &seen->state, s->next.sealed_end) : NULL;
  if (good) seen->until = seen->state.last_seq;
  seen->ended = false;
  return sq_end_read(s->store, s->error) && good;
}

/* The next rows that are not sealed, up to a segment's. */
static bool gather_next(sq_sealing *s, sq_rows_builder **builder, rows_read *seen) {
  if (!take_fresh(s, builder, seen) || *builder) return s->error->code == SQ_OK;
  *builder = sq_rows_builder_make(s->error);
  return *builder && read_rows(s, s->next.sealed_end, INT64_MAX, s->store->segment_rows, *builder, seen);
}

/* Where the segment ends: with its last row, where others stand behind it. */
static int64_t last_of(const sq_rows_builder *builder, const rows_read *seen) {
  return seen->ended ? seen->until : sq_rows_builder_last_seq(builder);
}

bool sq_sealing_next(sq_sealing *s, uint32_t least, bool *more) {
  rows_read seen;
  sq_rows_builder *builder = NULL;
  bool good = gather_next(s, &builder, &seen);
  /* rows that stand too far behind for this segment make it whole */
  *more = good && sq_rows_builder_count(builder) > 0 && (sq_rows_builder_count(builder) >= least || !seen.ended);
  if (*more) {
    sq_manifest_row row = {.first_seq = s->next.sealed_end + 1, .last_seq = last_of(builder, &seen)};
    good = append(s, builder, &row, seen.state.last_change, NULL);
    s->next.sealed_end = row.last_seq;
  }
  sq_rows_builder_free(builder);
  return good || s->given_up;
}

static const sq_segment *find(const sq_sealing *s, uint64_t id) {
  for (size_t i = 0; i < sq_sealed_count(s->sealed); i++)
    if (sq_segment_head(sq_sealed_segment(s->sealed, i))->id == id) return sq_sealed_segment(s->sealed, i);
  return NULL;
}

/* 1: a session has rows in another segment than this one, 0: it has none, -1: an error. */
static int is_elsewhere(const sq_sealing *s, uint32_t code, const sq_segment *segment) {
  sq_fragment_ref *refs;
  int64_t count = sq_sealed_fragments(s->sealed, code, 0, &refs, s->error);
  int is = count < 0 ? -1 : 0;
  for (int64_t i = 0; i < count && !is; i++) is = sq_sealed_segment(s->sealed, refs[i].block) != segment;
  if (count >= 0) free(refs);
  return is;
}

/* The names of sessions that have rows elsewhere stay in the segment; the others' are given anew, if they are still
   needed, or they would become more with each change of a session or project. */
static bool carry_names(sq_sealing *s, const sq_segment *segment, sq_rows_builder *builder) {
  sq_column codes;
  int64_t code;
  if (!sq_segment_named_codes(segment, &codes, s->error)) return false;
  for (uint32_t i = 0; i < codes.count; i++) {
    sq_session_name name;
    if (!sq_column_integer(&codes, i, &code)) return false;
    int is = is_elsewhere(s, (uint32_t)code, segment);
    if (is < 0 || (is == 0 && !sq_seqs_add(&s->shed, code, s->error))) return false;
    if (is && (sq_segment_name(segment, (uint32_t)code, &name, s->error) != 1 || !sq_rows_builder_name(builder, (uint32_t)code, &name, s->error)))
      return false;
  }
  return true;
}

/* The rows from `first` up to `until`, as many as one segment takes. `*last`: of those that it took. */
static bool build_again(sq_sealing *s, const sq_manifest_row *old, const sq_segment *replaced, int64_t first, int64_t until, uint32_t most, int64_t *last, bool *ended) {
  rows_read seen;
  sq_rows_builder *builder = sq_rows_builder_make(s->error);
  bool good = builder && (!replaced || carry_names(s, replaced, builder)) && read_rows(s, first - 1, until, most, builder, &seen);
  if (good) {
    sq_manifest_row row = {.number = replaced ? old->number : 0, .first_seq = first, .last_seq = last_of(builder, &seen)};
    *last = row.last_seq;
    *ended = seen.ended;
    good = append(s, builder, &row, seen.state.last_change, replaced);
  }
  s->shed.count = 0;
  sq_rows_builder_free(builder);
  return good;
}

bool sq_sealing_again(sq_sealing *s, const sq_manifest_row *old, bool more) {
  const sq_segment *segment = find(s, old->id);
  int64_t last = 0;
  bool ended = true;
  s->replaced = old->number;
  if (!segment) return sq_fail(s->error, SQ_E_STORE, "the column index is damaged: a segment of its manifest is not there");
  if (more) {
    bool good = build_again(s, old, segment, old->first_seq, INT64_MAX, s->store->segment_rows, &last, &ended);
    s->next.sealed_end = last;
    return good || s->given_up;
  }
  bool good = build_again(s, old, segment, old->first_seq, old->last_seq, SQ_SEGMENT_ROWS, &last, &ended);
  while (good && !ended) /* rows were put between the others by their seqs, more than one segment takes */
    good = build_again(s, old, NULL, last + 1, old->last_seq, SQ_SEGMENT_ROWS, &last, &ended);
  return good || s->given_up;
}

/* ------------------------------------------------------------------------------------------------ a new file */

static uint64_t size_of_segments(const sq_sealed *sealed) {
  uint64_t size = SQ_FILE_PAGE;
  for (size_t i = 0; i < sq_sealed_count(sealed); i++)
    size += (sq_segment_head(sq_sealed_segment(sealed, i))->size + SQ_FILE_PAGE - 1) / SQ_FILE_PAGE * SQ_FILE_PAGE;
  return size;
}

bool sq_sealing_is_wasteful(const sq_sealing *s) { return sq_file_size(s->file) / 2 > size_of_segments(s->sealed); }

static bool copy_segment(sq_sealing *s, int file, const sq_manifest_row *row) {
  const sq_segment *segment = find(s, row->id);
  sq_manifest_row moved = *row;
  if (!segment) return sq_fail(s->error, SQ_E_STORE, "the column index is damaged: a segment of its manifest is not there");
  sq_text bytes = sq_segment_bytes(segment);
  return sq_file_append(file, &bytes, &moved.place, s->error) && note(s, &moved, 0);
}

/* Readers keep the old file until they let go of it. */
bool sq_sealing_copy(sq_sealing *s) {
  sq_manifest_row *rows = NULL;
  size_t count = 0;
  const char *why;
  if (!sq_manifest_rows(s->store, &rows, &count, s->error)) return false;
  bool good = draw_path(s) && sq_draw(&s->next.identity.file, 1, s->error);
  int file = good ? sq_file_lock(s->made.data, &s->next.identity, s->store->path, true, &why, s->error) : -1;
  for (size_t i = 0; i < count && file >= 0 && s->error->code == SQ_OK; i++) copy_segment(s, file, &rows[i]);
  free(rows);
  if (file < 0) return false;
  s->guard = s->file;
  s->file = file;
  s->anew = s->copies = true;
  return s->error->code == SQ_OK;
}

/* --------------------------------------------------------------------------------------------- publication */

static bool run(sq_sealing *s, const char *sql, const int64_t *values, int count) {
  sqlite3_stmt *statement = sq_prepare(s->store, sql, s->error);
  if (!statement) return false;
  for (int i = 0; i < count; i++) sqlite3_bind_int64(statement, i + 1, values[i]);
  bool done = sq_step_done(s->store, statement, s->error);
  sqlite3_finalize(statement);
  return done;
}

static bool put_row(sq_sealing *s, const sq_manifest_row *row, int64_t change) {
  const int64_t values[] = {row->number, (int64_t)row->id, row->first_seq, row->last_seq, row->rows, (int64_t)row->place, (int64_t)row->size};
  const int64_t seen[] = {change, row->first_seq, row->last_seq};
  return run(s, "INSERT INTO segment(number, id, first_seq, last_seq, rows, place, size) VALUES (nullif(?, 0), ?, ?, ?, ?, ?, ?)", values, 7) &&
         run(s, "DELETE FROM change WHERE n <= ? AND seq BETWEEN ? AND ?", seen, 3);
}

/* A new file takes its name in the transaction that tells of it. */
static bool take_name(sq_sealing *s) {
  if (!s->made.length) return true;
  if (!sq_publish(s->made.data, s->path.data, s->error)) return false;
  sq_text_clear(&s->made);
  return true;
}

static bool write_manifest(sq_sealing *s) {
  const sq_manifest *n = &s->next;
  const int64_t state[] = {(int64_t)n->identity.file, n->sealed_end, n->sessions, s->state.stamp + 1};
  bool good = true;
  if (s->anew) good = run(s, "DELETE FROM segment", NULL, 0);
  else if (s->replaced) good = run(s, "DELETE FROM segment WHERE number = ?", &s->replaced, 1);
  for (size_t i = 0; i < s->count && good; i++) good = put_row(s, &s->rows[i], s->changes[i]);
  return good && publish_hashes(s) && run(s, "UPDATE column_index SET file = ?, sealed_end = ?, sessions = ?, stamp = ?", state, 4) && take_name(s);
}

bool sq_sealing_publish(sq_sealing *s) {
  if ((s->count == 0 && !s->anew) || s->given_up) return true;
  if (!sq_begin_write(s->store, s->error)) return false;
  bool good = is_as_it_was(s) && write_manifest(s);
  bool committed = sq_end_write(s->store, good, s->error);
  if (s->given_up) return true;
  if (!committed) return false;
  s->count = 0;
  s->replaced = 0;
  s->first_key = 0;
  s->anew = s->copies = false;
  s->next.stamp = s->state.stamp + 1;
  s->state = s->next;
  return true;
}
