#include "store/ids.h"

#include <stdlib.h>

#include "base/hash.h"
#include "column/gather.h"

#define OFFSET_BITS (UINT64_C(0xFFFFFF))
#define PROBES_BEFORE_BLOOM 16384 /* blobs read before it pays to read all of them once */

typedef struct range {
  int64_t key, first_seq, last_seq;
} range;

/* What a handle knows. The notes are the process's, in sq_index: only a handle that sees an older state, or whose
   file was put back to one, has its own. */
typedef struct sq_ids sq_ids;
struct sq_ids {
  uint64_t key[2];
  sq_notes own;
  bool alone;         /* uses its own */
  uint64_t turn;      /* of the process's notes, when they were brought up to the transaction at hand */
  int64_t last;       /* the last request that the transaction at hand has noted */
  int64_t schema;     /* of all of this */
  int64_t stamp;      /* of the ranges; -1: not read */
  range *ranges;
  size_t range_count, range_capacity;
  int64_t covered;    /* the last range's end */
  size_t hit;         /* the range where the last one was found: a second import meets them in order */
  size_t probes;
  bool has_bloom;     /* the index has a filter that knows these ranges */
};

static uint64_t hash_of(const uint64_t key[2], const char *id, size_t length) {
  uint64_t hash[2];
  sq_siphash(key, id, length, hash);
  return hash[0];
}

/* ------------------------------------------------------------------------------------------------ the ranges */

static bool add_range(sq_ids *ids, const range *one) {
  if (ids->range_count == ids->range_capacity) {
    size_t capacity = ids->range_capacity ? ids->range_capacity * 2 : 64;
    range *ranges = realloc(ids->ranges, capacity * sizeof *ranges);
    if (!ranges) return false;
    ids->ranges = ranges;
    ids->range_capacity = capacity;
  }
  ids->ranges[ids->range_count++] = *one;
  return true;
}

/* A range holds all its requests, or notes of those that changed, whether its segment came to be or not. */
static bool read_ranges(sq_store *store, int64_t stamp, sq_error *error) {
  sq_ids *ids = store->ids;
  sqlite3_stmt *read = sq_prepare(store, "SELECT place / 16, first_seq, last_seq FROM request_hash WHERE place % 16 = 0 ORDER BY last_seq", error);
  int code;
  bool good = read != NULL;
  ids->range_count = ids->hit = 0;
  ids->covered = 0;
  ids->stamp = -1;
  while (good && (code = sqlite3_step(read)) == SQLITE_ROW) {
    const range one = {sqlite3_column_int64(read, 0), sqlite3_column_int64(read, 1), sqlite3_column_int64(read, 2)};
    good = add_range(ids, &one) || sq_fail_memory(error);
    ids->covered = one.last_seq;
  }
  good = good && (code == SQLITE_DONE || sq_sqlite_fail(store, code, error));
  sqlite3_finalize(read);
  if (good) ids->stamp = stamp;
  return good;
}

static void feed(sq_bloom *bloom, const uint64_t *hashes, size_t count) {
  for (size_t i = 0; i < count; i++) sq_bloom_add(bloom, hashes[i] & ~OFFSET_BITS);
}

/* A blob's numbers; they lie where the row does until the next step. */
static const uint64_t *blob_of(sqlite3_stmt *row, int column, size_t *count) {
  *count = (size_t)sqlite3_column_bytes(row, column) / sizeof(uint64_t);
  return sqlite3_column_blob(row, column);
}

static void drop_bloom(sq_index *index) {
  sq_bloom_free(&index->bloom);
  index->fed = -1;
}

/* What was fed stays: of ranges that are gone, or that this transaction does not see, the filter says too much, never
   too little. */
static bool feed_bloom(sq_store *store, sq_index *index, int64_t stamp, sq_error *error) {
  sqlite3_stmt *read = sq_prepare(store, "SELECT hashes FROM request_hash WHERE stamp > ?", error);
  int code = SQLITE_DONE;
  if (!read) return false;
  sqlite3_bind_int64(read, 1, index->fed);
  while ((code = sqlite3_step(read)) == SQLITE_ROW) {
    size_t count;
    const uint64_t *hashes = blob_of(read, 0, &count);
    feed(&index->bloom, hashes, count);
  }
  sqlite3_finalize(read);
  index->fed = stamp;
  if (code == SQLITE_DONE) return true;
  drop_bloom(index); /* half of it would deny what is there */
  return sq_sqlite_fail(store, code, error);
}

/* Made anew when it is too small, with room for half as many again. */
static bool fit_bloom(sq_index *index, size_t wanted, sq_error *error) {
  const sq_bloom *bloom = &index->bloom;
  if (bloom->bits && wanted <= bloom->capacity && bloom->count <= bloom->capacity) return true;
  drop_bloom(index);
  return sq_bloom_make(&index->bloom, wanted + wanted / 2) || sq_fail_memory(error);
}

static bool keep_bloom(sq_store *store, sq_index *index, const sq_manifest *m, sq_error *error) {
  sq_ids *ids = store->ids;
  pthread_mutex_lock(&index->ids_lock);
  ids->has_bloom = index->schema == m->schema && (index->bloom.bits || ids->probes >= PROBES_BEFORE_BLOOM);
  bool good = !ids->has_bloom || (fit_bloom(index, ids->range_count * SQ_SEGMENT_ROWS, error) &&
                                  (index->fed >= m->stamp || feed_bloom(store, index, m->stamp, error)));
  pthread_mutex_unlock(&index->ids_lock);
  return good;
}

/* ------------------------------------------------------------------------------------------------- the notes */

static bool note_rows(sq_store *store, sq_notes *notes, sq_cached which, int64_t after, sq_error *error) {
  sqlite3_stmt *read = sq_prepared(store, which, error);
  int code;
  bool good = true;
  if (!read) return false;
  sqlite3_bind_int64(read, 1, after);
  while (good && (code = sqlite3_step(read)) == SQLITE_ROW) {
    const char *id = (const char *)sqlite3_column_text(read, 1);
    uint64_t hash = id ? hash_of(store->ids->key, id, (size_t)sqlite3_column_bytes(read, 1)) : 0;
    good = id ? sq_notes_add(notes, hash, sqlite3_column_int64(read, 0), error) : sq_fail_memory(error);
  }
  good = good && (code == SQLITE_DONE || sq_sqlite_fail(store, code, error));
  sqlite3_reset(read);
  return good;
}

/* Segments came, and with them ranges: what is in them need not be kept any more, but what has changed since. */
static bool begin_behind(sq_store *store, sq_notes *notes, const sq_manifest *m, sq_error *error) {
  if (!sq_notes_keep(notes, store->ids->covered, error)) return false;
  notes->stamp = m->stamp;
  notes->covered = store->ids->covered;
  notes->change = 0;
  return true;
}

static bool catch_up(sq_store *store, sq_notes *notes, const sq_manifest *m, sq_error *error) {
  bool good = notes->stamp == m->stamp || begin_behind(store, notes, m, error);
  int64_t after = notes->seq > notes->covered ? notes->seq : notes->covered;
  good = good && (notes->change >= m->last_change || note_rows(store, notes, SQ_READ_CHANGED_IDS, notes->change, error));
  good = good && (after >= m->last_seq || note_rows(store, notes, SQ_READ_NEW_IDS, after, error));
  if (good) {
    notes->seq = m->last_seq;
    notes->change = m->last_change;
  } else {
    sq_notes_clear(notes); /* half of them would deny what is there */
  }
  return good;
}

static bool is_ahead(const sq_notes *notes, const sq_manifest *m) {
  return notes->stamp > m->stamp || notes->seq > m->last_seq || notes->change > m->last_change;
}

/* A range may be there before its segment: who has read the ranges since has begun behind it. */
static bool reach(sq_store *store, const sq_notes *notes, const sq_manifest *m, sq_error *error) {
  bool short_of = notes->stamp == m->stamp && notes->covered > store->ids->covered;
  return !short_of || read_ranges(store, m->stamp, error);
}

static void forget(sq_index *index, int64_t schema) {
  sq_notes_clear(&index->notes);
  drop_bloom(index);
  index->schema = schema;
}

/* What is known of another file that had this one's place says nothing. A transaction that writes sees the newest state:
   notes of a newer one are of what was put back, too. */
static bool share(sq_store *store, sq_index *index, const sq_manifest *m, sq_error *error) {
  sq_ids *ids = store->ids;
  bool ahead = index->schema > m->schema || (index->schema == m->schema && is_ahead(&index->notes, m));
  if (index->schema < m->schema || (ahead && sqlite3_txn_state(store->db, "main") == SQLITE_TXN_WRITE)) {
    forget(index, m->schema);
    ahead = false;
  }
  if (!ahead && !reach(store, &index->notes, m, error)) return false;
  ids->alone = ahead || (index->notes.stamp == m->stamp && index->notes.covered > ids->covered);
  if (!ids->alone && !catch_up(store, &index->notes, m, error)) return false;
  ids->turn = index->notes.turn;
  return true;
}

static bool keep_notes(sq_store *store, sq_index *index, const sq_manifest *m, sq_error *error) {
  sq_ids *ids = store->ids;
  if (ids->schema != m->schema) {
    sq_notes_clear(&ids->own);
    ids->stamp = -1;
    ids->schema = m->schema;
  }
  if (ids->stamp != m->stamp && !read_ranges(store, m->stamp, error)) return false;
  ids->last = 0;
  pthread_mutex_lock(&index->ids_lock);
  bool good = share(store, index, m, error);
  pthread_mutex_unlock(&index->ids_lock);
  if (!ids->alone || is_ahead(&ids->own, m)) sq_notes_clear(&ids->own);
  return good && (!ids->alone || catch_up(store, &ids->own, m, error));
}

static bool begin(sq_store *store, const sq_manifest *m, sq_error *error) {
  if (!store->ids) {
    store->ids = malloc(sizeof *store->ids);
    if (!store->ids) return sq_fail_memory(error);
    *store->ids = (sq_ids){.stamp = -1, .own = {.stamp = -1}};
  }
  for (int i = 0; i < 2; i++) store->ids->key[i] = m->identity.store[i];
  return true;
}

static bool keep_up(sq_store *store, sq_error *error) {
  sq_manifest m;
  if (!sq_manifest_read(store, &m, error) || !begin(store, &m, error)) return false;
  sq_index *index = sq_index_of(store, &m, error);
  if (!index || (!store->ids_are_current && !keep_notes(store, index, &m, error))) return false;
  store->ids_are_current = true;
  return keep_bloom(store, index, &m, error);
}

/* The process's notes of this hash, or the handle's own. False: some were left out since; nothing is read. */
static bool read_notes(sq_store *store, uint64_t hash, sq_seqs *out, bool *known, sq_error *error) {
  const sq_ids *ids = store->ids;
  sq_index *index = store->index;
  const sq_notes *notes = ids->alone ? &ids->own : &index->notes;
  bool good = true;
  pthread_mutex_lock(&index->ids_lock);
  *known = ids->alone || notes->turn == ids->turn;
  const sq_note *note;
  size_t at = sq_notes_begin(notes, hash);
  while (*known && good && (note = sq_notes_next(notes, hash, &at))) good = sq_seqs_add(out, note->seq, error);
  pthread_mutex_unlock(&index->ids_lock);
  return good;
}

/* ------------------------------------------------------------------------------------------------ finding */

typedef struct finding {
  sq_store *store;
  const sq_value *id, *organization, *project;
  sq_seqs *out;
  sq_error *error;
  bool outdated; /* a range is not as it was: another is making the index anew */
} finding;

/* Whether the request with this seq is one of those. */
static bool look(finding *f, int64_t seq) {
  sqlite3_stmt *read = sq_prepared(f->store, SQ_READ_ID, f->error);
  if (!read) return false;
  sqlite3_bind_int64(read, 1, seq);
  sq_bind_value(read, 2, f->id);
  if (f->organization) sq_bind_value(read, 3, f->organization);
  if (f->project) sq_bind_value(read, 4, f->project);
  int code = sqlite3_step(read);
  sqlite3_reset(read);
  if (code == SQLITE_ROW) return sq_seqs_add(f->out, seq, f->error);
  return code == SQLITE_DONE || sq_sqlite_fail(f->store, code, f->error);
}

/* In an organization and project there is one. */
static bool is_enough(const finding *f) { return f->organization && f->project && f->out->count > 0; }

static bool find_notes(finding *f, uint64_t hash) {
  sq_seqs noted = {0};
  bool known, good = read_notes(f->store, hash, &noted, &known, f->error);
  while (good && !known) { /* another has taken them further, in a transaction that began after this one */
    f->store->ids_are_current = false;
    good = keep_up(f->store, f->error) && read_notes(f->store, hash, &noted, &known, f->error);
  }
  for (size_t i = 0; i < noted.count && good && !is_enough(f); i++) good = look(f, noted.items[i]);
  free(noted.items);
  return good;
}

static size_t first_not_below(const uint64_t *hashes, size_t count, uint64_t wanted) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (hashes[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/* The candidates of one range: read out of the blob before rows are looked at. What makes the index anew puts other
   ranges in the place of these before it tells of it. */
static bool find_candidates(finding *f, const range *r, uint64_t hash, sq_seqs *candidates) {
  sqlite3_stmt *read = sq_prepared(f->store, SQ_READ_HASHES, f->error);
  uint64_t wanted = hash & ~OFFSET_BITS;
  bool good = read != NULL;
  if (!read) return false;
  sqlite3_bind_int64(read, 1, (int64_t)((uint64_t)r->key * SQ_HASH_PIECES + (hash >> 60)));
  int code = sqlite3_step(read);
  f->outdated |= code == SQLITE_DONE || (code == SQLITE_ROW && sqlite3_column_int64(read, 1) != r->first_seq);
  if (code == SQLITE_ROW && !f->outdated) {
    size_t count;
    const uint64_t *hashes = blob_of(read, 0, &count);
    for (size_t i = first_not_below(hashes, count, wanted); good && i < count && (hashes[i] & ~OFFSET_BITS) == wanted; i++)
      good = sq_seqs_add(candidates, (int64_t)((uint64_t)r->first_seq + (hashes[i] & OFFSET_BITS)), f->error);
  }
  sqlite3_reset(read);
  return good && (code == SQLITE_ROW || code == SQLITE_DONE || sq_sqlite_fail(f->store, code, f->error));
}

static bool find_in(finding *f, size_t index, uint64_t hash) {
  sq_ids *ids = f->store->ids;
  sq_seqs candidates = {0};
  size_t before = f->out->count;
  ids->probes++;
  bool good = find_candidates(f, &ids->ranges[index], hash, &candidates);
  for (size_t i = 0; good && i < candidates.count; i++) good = look(f, candidates.items[i]);
  if (f->out->count > before) ids->hit = index;
  free(candidates.items);
  return good;
}

/* Whether none of the ranges can have it. */
static bool is_denied(const sq_store *store, uint64_t hash) {
  sq_index *index = store->index;
  if (!store->ids->has_bloom || !index) return false;
  pthread_mutex_lock(&index->ids_lock);
  bool denied = index->bloom.bits && index->schema == store->ids->schema && index->fed >= store->ids->stamp && !sq_bloom_may_have(&index->bloom, hash & ~OFFSET_BITS);
  pthread_mutex_unlock(&index->ids_lock);
  return denied;
}

static bool find_sealed(finding *f, uint64_t hash) {
  const sq_ids *ids = f->store->ids;
  if (ids->range_count == 0 || is_denied(f->store, hash)) return true;
  size_t hit = ids->hit, next = hit + 1 < ids->range_count ? hit + 1 : hit;
  if (!find_in(f, hit, hash) || (!is_enough(f) && next != hit && !find_in(f, next, hash))) return false;
  for (size_t i = ids->range_count; i-- > 0 && !is_enough(f) && !f->outdated;)
    if (i != hit && i != next && !find_in(f, i, hash)) return false;
  return true;
}

/* The ranges are those of this transaction, once they are read in it. */
static bool find_in_ranges(finding *f, uint64_t hash) {
  if (!find_sealed(f, hash)) return false;
  if (!f->outdated || is_enough(f)) return true;
  f->outdated = false;
  return read_ranges(f->store, f->store->ids->stamp, f->error) && find_sealed(f, hash) &&
         (!f->outdated || sq_fail(f->error, SQ_E_STORE, "the store's table request_hash is damaged: reindex"));
}

static bool find_unsealed(finding *f, uint64_t *hash) {
  sq_store *store = f->store;
  bool pays = store->ids && store->ids->probes >= PROBES_BEFORE_BLOOM && !store->ids->has_bloom;
  if ((!store->ids_are_current || pays) && !keep_up(store, f->error)) return false;
  *hash = hash_of(store->ids->key, f->id->text, f->id->length);
  return find_notes(f, *hash);
}

bool sq_ids_find_unsealed(sq_store *store, const sq_value *id, const sq_value *organization, const sq_value *project, uint64_t *hash, sq_seqs *out, sq_error *error) {
  finding f = {.store = store, .id = id, .organization = organization, .project = project, .out = out, .error = error};
  bool good = find_unsealed(&f, hash);
  sq_seqs_sort(out);
  return good;
}

bool sq_ids_find(sq_store *store, const sq_value *id, const sq_value *organization, const sq_value *project, uint64_t *noted, sq_seqs *out, sq_error *error) {
  finding f = {.store = store, .id = id, .organization = organization, .project = project, .out = out, .error = error};
  uint64_t hash;
  bool good = find_unsealed(&f, &hash) && (is_enough(&f) || find_in_ranges(&f, hash));
  if (good && noted) *noted = hash;
  sq_seqs_sort(out);
  return good;
}

bool sq_ids_note(sq_store *store, uint64_t hash, int64_t seq, sq_error *error) {
  sq_ids *ids = store->ids;
  pthread_mutex_lock(&store->index->ids_lock);
  bool noted = sq_notes_add(ids->alone ? &ids->own : &store->index->notes, hash, seq, error);
  pthread_mutex_unlock(&store->index->ids_lock);
  if (seq > ids->last) ids->last = seq;
  return noted;
}

void sq_ids_committed(sq_store *store) {
  const sq_ids *ids = store->ids;
  if (!ids || !store->ids_are_current || ids->alone || !store->index) return;
  pthread_mutex_lock(&store->index->ids_lock);
  sq_notes *notes = &store->index->notes;
  if (notes->turn == ids->turn && notes->seq < ids->last) notes->seq = ids->last;
  pthread_mutex_unlock(&store->index->ids_lock);
}

void sq_ids_free(sq_store *store) {
  if (!store->ids) return;
  sq_notes_clear(&store->ids->own);
  free(store->ids->ranges);
  free(store->ids);
  store->ids = NULL;
}

/* ------------------------------------------------------------------------------------------------ writing */

static int by_number(const void *left, const void *right) {
  uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
  return (a > b) - (a < b);
}

bool sq_ids_of(const sq_rows_builder *builder, const uint64_t key[2], sq_hashes *out, sq_error *error) {
  const sq_gathered *ids = &builder->fields[SQ_F_REQUEST_ID];
  *out = (sq_hashes){.items = malloc((builder->count + (size_t)1) * sizeof *out->items), .count = builder->count,
                     .first_seq = builder->count ? builder->seqs[0] : 0};
  if (!out->items) return sq_fail_memory(error);
  for (uint32_t i = 0; i < builder->count; i++) {
    size_t length;
    const char *id = sq_texts_get(&ids->texts, ids->entries[i], &length);
    out->items[i] = (hash_of(key, id, length) & ~OFFSET_BITS) | (uint64_t)(builder->seqs[i] - out->first_seq);
  }
  if (builder->count) qsort(out->items, builder->count, sizeof *out->items, by_number);
  return true;
}

bool sq_ids_key(sq_store *store, int64_t *key, sq_error *error) {
  return sq_query_integer(store, "SELECT coalesce(max(place), 0) / 16 + 1 FROM request_hash", key, error);
}

bool sq_ids_drop(sq_store *store, int64_t key, int64_t after, int64_t last_seq, sq_error *error) {
  sqlite3_stmt *drop = sq_prepared(store, SQ_DROP_HASHES, error);
  if (!drop) return false;
  sqlite3_bind_int64(drop, 1, key * SQ_HASH_PIECES);
  sqlite3_bind_int64(drop, 2, after + 1);
  sqlite3_bind_int64(drop, 3, last_seq);
  return sq_step_done(store, drop, error);
}

static bool write_piece(sq_store *store, const uint64_t *hashes, size_t count, int64_t piece, const range *r, int64_t stamp, sq_error *error) {
  sqlite3_stmt *write = sq_prepared(store, SQ_WRITE_HASHES, error);
  if (!write) return false;
  sqlite3_bind_int64(write, 1, r->key * SQ_HASH_PIECES + piece);
  sqlite3_bind_int64(write, 2, r->first_seq);
  sqlite3_bind_int64(write, 3, r->last_seq);
  sqlite3_bind_int64(write, 4, stamp);
  sqlite3_bind_blob64(write, 5, count ? (const void *)hashes : "", count * sizeof *hashes, SQLITE_STATIC);
  return sq_step_done(store, write, error);
}

bool sq_ids_write(sq_store *store, const sq_hashes *hashes, int64_t key, int64_t last_seq, int64_t stamp, sq_error *error) {
  const range r = {key, hashes->first_seq, last_seq};
  bool good = true;
  for (size_t piece = 0, from = 0, to; piece < SQ_HASH_PIECES && good; piece++, from = to) {
    for (to = from; to < hashes->count && hashes->items[to] >> 60 == piece; to++) continue;
    good = write_piece(store, hashes->items + from, to - from, (int64_t)piece, &r, stamp, error);
  }
  return good;
}
