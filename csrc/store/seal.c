/* When what is sealed: whole segments as rows come, everything when asked, and anew what has too much dead in it. */
#include "store/seal.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/time.h"
#include "store/fresh.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#define DEAD_SHARE 4      /* a segment of which this part is dead is sealed again */
#define MOST_AT_ONCE 2    /* segments that one call of add seals on its way */
#define MUCH_CHANGED 2    /* segments' rows: as many changes as these are looked through for segments to seal again */
#define SHORT_WAIT_US 5000
#define BACK_OFF_US (10 * SQ_MICROS_PER_SECOND) /* after a seal that failed: each try may read some segments' rows */
#define LONGEST_WAIT_US (10 * SQ_MICROS_PER_SECOND)
#define MOST_TO_READ 16   /* after an import no more than this part of a segment is left unsealed */

static bool check_seal(const sq_store *store, sq_error *error) {
  if (store->readonly) return sq_fail_readonly(store, error);
  if (store->memory) return sq_fail(error, SQ_E_VALUE, "a store in memory has no file beside it to seal to");
  return true;
}

static bool read_rows(sq_store *store, sq_manifest_row **rows, size_t *count, sq_error *error) { return sq_manifest_rows(store, rows, count, error); }

/* The last segment, when it is less than half full and rows stand behind it. */
static bool seal_small_again(sq_sealing *s, bool *done) {
  sq_manifest_row *rows;
  size_t count;
  *done = false;
  if (s->anew || s->state.last_seq <= s->state.sealed_end || !read_rows(s->store, &rows, &count, s->error)) return s->error->code == SQ_OK;
  bool good = true;
  if (count && rows[count - 1].rows < s->store->segment_rows / 2 && rows[count - 1].last_seq == s->state.sealed_end) {
    *done = true;
    good = sq_sealing_again(s, &rows[count - 1], true) && sq_sealing_publish(s);
  }
  free(rows);
  return good;
}

/* The first segment of which too much has changed; NULL: none. */
static const sq_manifest_row *find_dead(const sq_manifest_row *rows, size_t count, const sq_seqs *changed) {
  for (size_t i = 0; i < count; i++) {
    int64_t dead = 0;
    for (size_t k = 0; k < changed->count; k++) dead += changed->items[k] >= rows[i].first_seq && changed->items[k] <= rows[i].last_seq;
    if (dead > 0 && dead * DEAD_SHARE >= rows[i].rows) return &rows[i];
  }
  return NULL;
}

static bool seal_dead_again(sq_sealing *s, bool *done) {
  sq_manifest_row *rows = NULL;
  sq_seqs changed = {0};
  size_t count = 0;
  *done = false;
  bool good = read_rows(s->store, &rows, &count, s->error) && sq_changes_read(s->store, 0, &changed, s->error);
  const sq_manifest_row *dead = good ? find_dead(rows, count, &changed) : NULL;
  if (dead) {
    *done = true;
    good = sq_sealing_again(s, dead, false) && sq_sealing_publish(s);
  }
  free(rows);
  free(changed.items);
  return good;
}

static bool goes_on(const sq_sealing *s) { return !s->skipped && !s->given_up; }

/* Up to `most` segments. */
static bool seal_new(sq_sealing *s, uint32_t least, size_t most) {
  bool more = true, done = false;
  if (least < s->store->segment_rows && !seal_small_again(s, &done)) return false;
  while (goes_on(s) && more && most-- > 0)
    if (!sq_sealing_next(s, least, &more) || (more && !sq_sealing_publish(s))) return false;
  return true;
}

/* All segments are built before the first is told of, so that readers have the old ones until then. */
static bool seal_anew(sq_sealing *s) {
  bool more = true;
  while (more && !s->given_up)
    if (!sq_sealing_next(s, 1, &more)) return false;
  return sq_sealing_publish(s);
}

static bool seal_on(sq_store *store, uint32_t least, size_t most, sq_error *error) {
  sq_sealing s;
  bool again = true;
  bool good = sq_sealing_begin(&s, store, false, error) && (s.skipped || seal_new(&s, least, most));
  if (good && goes_on(&s) && s.anew) good = sq_sealing_publish(&s); /* no segment yet, but a file that fits */
  while (good && again && goes_on(&s)) good = seal_dead_again(&s, &again);
  if (good && goes_on(&s) && sq_sealing_is_wasteful(&s)) good = sq_sealing_copy(&s) && sq_sealing_publish(&s);
  sq_sealing_end(&s);
  return good;
}

/* What an index cannot take any more, one that is made anew can: a segment's names, say, of sessions that are elsewhere. */
static bool seal(sq_store *store, uint32_t least, size_t most, sq_error *error) {
  sq_sealing s;
  if (seal_on(store, least, most, error)) return true;
  if (error->code != SQ_E_LIMIT) return false;
  *error = (sq_error){.code = SQ_OK};
  bool good = sq_sealing_begin(&s, store, true, error) && (s.skipped || seal_anew(&s));
  sq_sealing_end(&s);
  return good;
}

bool sq_store_seal(sq_store *store, bool whole_segments_only, sq_error *error) {
  if (!sq_store_enter(store, error) || !check_seal(store, error)) return false;
  return seal(store, whole_segments_only ? store->segment_rows : 1, SIZE_MAX, error);
}

/* Waits while another seals. */
static bool begin_anew(sq_sealing *s, sq_store *store, sq_error *error) {
  int64_t until = sq_time_monotonic() + LONGEST_WAIT_US;
  bool good = sq_sealing_begin(s, store, true, error);
  while (good && s->skipped && sq_time_monotonic() < until && !sq_store_is_late(store)) {
    sq_sealing_end(s);
    usleep(SHORT_WAIT_US);
    good = sq_sealing_begin(s, store, true, error);
  }
  return good && (!s->skipped || sq_fail(error, SQ_E_BUSY, "another is sealing: try again"));
}

bool sq_store_reindex(sq_store *store, sq_error *error) {
  sq_sealing s;
  if (!sq_store_enter(store, error) || !check_seal(store, error)) return false;
  bool good = begin_anew(&s, store, error) && seal_anew(&s);
  bool given_up = good && s.given_up;
  sq_sealing_end(&s);
  return good && (!given_up || sq_fail(error, SQ_E_BUSY, "the column index was changed by another meanwhile: try again"));
}

/* A seal takes tens of megabytes for a moment, which glibc keeps for the thread's later use: in time each thread of a
   server's pool would hold the most that it ever took. */
static void give_memory_back(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

static void note_error(sq_store *store, const sq_error *error) {
  if (!store->index) return;
  pthread_mutex_lock(&store->index->lock);
  snprintf(store->index->last_error, sizeof store->index->last_error, "%.250s", error->message);
  store->index->seal_after = sq_time_monotonic() + BACK_OFF_US;
  pthread_mutex_unlock(&store->index->lock);
}

static bool may_seal(sq_store *store) {
  pthread_mutex_lock(&store->index->lock);
  bool may = sq_time_monotonic() >= store->index->seal_after;
  pthread_mutex_unlock(&store->index->lock);
  return may;
}

/* The file is told of, and not there: deleted, or the store was restored from a backup. */
static bool is_file_gone(sq_store *store, const sq_manifest *m) {
  sq_error ignored = {.code = SQ_OK};
  sq_text path = {0};
  bool gone = m->identity.file && sq_index_path(store, &path, &ignored) && access(path.data, F_OK) != 0;
  sq_text_free(&path);
  return gone;
}

/* Whether so many changes came since a seal was tried. Too many, and no query is answered by the columns any more. */
static bool has_changed_much(sq_store *store, const sq_manifest *m) {
  _Atomic int64_t *seen = &store->index->seen_change;
  int64_t before = atomic_load(seen);
  if (before < 0 || m->last_change < before) atomic_store(seen, before = m->last_change);
  return m->last_change - before >= (int64_t)MUCH_CHANGED * store->segment_rows;
}

/* The deadline was for what is done already. */
static void seal_quietly(sq_store *store, int64_t waiting, uint32_t least, size_t most) {
  sq_error error = {.code = SQ_OK};
  sq_manifest m;
  if (!store->seals || store->memory || !sq_manifest_read(store, &m, &error)) return;
  if (!sq_index_of(store, &m, &error)) return;
  bool changed = has_changed_much(store, &m);
  if (m.last_seq - m.sealed_end < waiting && !changed && !is_file_gone(store, &m)) return;
  if (!may_seal(store)) return;
  atomic_store(&store->index->seen_change, m.last_change);
  bool interrupted = store->uninterrupted;
  store->uninterrupted = true;
  if (!seal(store, least, most, &error)) note_error(store, &error);
  store->uninterrupted = interrupted;
  if (!store->fresh) give_memory_back(); /* an import seals on */
}

void sq_seal_by_and_by(sq_store *store) { seal_quietly(store, store->segment_rows, store->segment_rows, MOST_AT_ONCE); }

void sq_seal_changed(sq_store *store) { seal_quietly(store, 0, store->segment_rows, SIZE_MAX); }

void sq_store_settle(sq_store *store) {
  sq_error error = {.code = SQ_OK};
  bool had_rows = store->fresh != NULL;
  if (sq_store_enter(store, &error)) seal_quietly(store, store->segment_rows / MOST_TO_READ, 1, SIZE_MAX);
  sq_fresh_drop(store);
  if (had_rows) give_memory_back();
}
