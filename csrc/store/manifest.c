/* What SQLite says of the column index: its manifest, and the rows that were changed since. */
#include <stdlib.h>

#include "store/index.h"

static int64_t integer(sqlite3_stmt *row, int column) { return sqlite3_column_int64(row, column); }

/* What cannot be, somebody wrote wrong: such an index is as good as none, and is begun anew. */
static void put_right(sq_manifest *m) {
  if (m->sealed_end >= 0 && m->sealed_end <= m->last_seq && m->stamp >= 0 && m->stamp < INT64_MAX / 2) return;
  m->identity.file = 0;
  m->sealed_end = 0;
  m->stamp = 0;
}

static bool read_schema(sq_store *store, int64_t *out, sq_error *error) {
  sqlite3_stmt *read = sq_prepared(store, SQ_READ_SCHEMA, error);
  if (!read) return false;
  int code = sqlite3_step(read);
  if (code == SQLITE_ROW) *out = integer(read, 0);
  sqlite3_reset(read);
  return code == SQLITE_ROW || sq_sqlite_fail(store, code, error);
}

bool sq_manifest_read(sq_store *store, sq_manifest *out, sq_error *error) {
  int64_t schema = 0;
  sqlite3_stmt *read = read_schema(store, &schema, error) ? sq_prepared(store, SQ_READ_MANIFEST, error) : NULL;
  if (!read) return false;
  int code = sqlite3_step(read);
  if (code == SQLITE_ROW)
    *out = (sq_manifest){.identity = {{(uint64_t)integer(read, 0), (uint64_t)integer(read, 1)}, (uint64_t)integer(read, 2)},
                         .stamp = integer(read, 3), .sealed_end = integer(read, 4), .sessions = (uint32_t)integer(read, 5),
                         .last_seq = integer(read, 6), .last_change = integer(read, 7), .schema = schema};
  if (code == SQLITE_ROW) put_right(out);
  sqlite3_reset(read);
  if (code == SQLITE_DONE) return sq_fail(error, SQ_E_STORE, "the store's table column_index is empty");
  return code == SQLITE_ROW || sq_sqlite_fail(store, code, error);
}

bool sq_manifest_rows(sq_store *store, sq_manifest_row **rows, size_t *count, sq_error *error) {
  sqlite3_stmt *read = sq_prepare(store, "SELECT number, first_seq, last_seq, rows, id, place, size FROM segment ORDER BY first_seq", error);
  size_t capacity = 0;
  int code = SQLITE_DONE;
  *rows = NULL;
  *count = 0;
  if (!read) return false;
  while ((code = sqlite3_step(read)) == SQLITE_ROW) {
    if (*count == capacity) {
      capacity = capacity ? capacity * 2 : 64;
      sq_manifest_row *more = realloc(*rows, capacity * sizeof *more);
      if (!more) break;
      *rows = more;
    }
    (*rows)[(*count)++] = (sq_manifest_row){integer(read, 0), integer(read, 1), integer(read, 2), integer(read, 3),
                                            (uint64_t)integer(read, 4), (uint64_t)integer(read, 5), (uint64_t)integer(read, 6)};
  }
  sqlite3_finalize(read);
  bool good = code == SQLITE_DONE || (code == SQLITE_ROW ? sq_fail_memory(error) : sq_sqlite_fail(store, code, error));
  if (good) return true;
  free(*rows);
  *rows = NULL;
  return false;
}

/* ---------------------------------------------------------------------------------------------------- seqs */

bool sq_seqs_add(sq_seqs *seqs, int64_t seq, sq_error *error) {
  if (seqs->count == seqs->capacity) {
    size_t capacity = seqs->capacity ? seqs->capacity * 2 : 64;
    int64_t *items = realloc(seqs->items, capacity * sizeof *items);
    if (!items) return sq_fail_memory(error);
    seqs->items = items;
    seqs->capacity = capacity;
  }
  seqs->items[seqs->count++] = seq;
  return true;
}

static int by_seq(const void *left, const void *right) {
  int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
  return (a > b) - (a < b);
}

void sq_seqs_sort(sq_seqs *seqs) {
  size_t kept = 0;
  if (seqs->count) qsort(seqs->items, seqs->count, sizeof *seqs->items, by_seq);
  for (size_t i = 0; i < seqs->count; i++)
    if (kept == 0 || seqs->items[kept - 1] != seqs->items[i]) seqs->items[kept++] = seqs->items[i];
  seqs->count = kept;
}

bool sq_seqs_have(const sq_seqs *seqs, int64_t seq) {
  size_t low = 0, high = seqs->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (seqs->items[middle] < seq) low = middle + 1;
    else high = middle;
  }
  return low < seqs->count && seqs->items[low] == seq;
}

bool sq_changes_read(sq_store *store, int64_t after, sq_seqs *out, sq_error *error) {
  sqlite3_stmt *read = sq_prepared(store, SQ_READ_CHANGES, error);
  if (!read) return false;
  int code;
  bool good = true;
  sqlite3_bind_int64(read, 1, after);
  while (good && (code = sqlite3_step(read)) == SQLITE_ROW) good = sq_seqs_add(out, integer(read, 0), error);
  sqlite3_reset(read);
  sq_seqs_sort(out);
  return good && (code == SQLITE_DONE || sq_sqlite_fail(store, code, error));
}
