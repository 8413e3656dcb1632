/* Which requests have feedback, as a set of hashes: a query that looks at very many requests need not ask for each. */
#include <stdlib.h>

#include "base/hash.h"
#include "store/sqlite.h"
#include "store/store.h"

#define MOST_IDS ((size_t)1 << 20) /* a set of 16 MiB; where more have feedback, each request is looked up */

static uint64_t hash_of(const char *id, size_t length) {
  static const uint64_t key[2] = {0, 0}; /* who makes ids collide only makes us look them up */
  uint64_t out[2];
  sq_siphash(key, id, length, out);
  return out[0] ? out[0] : 1; /* 0 is an empty place */
}

/* The place of the hash, or the empty one where it belongs. */
static uint64_t *place_of(const sq_feedback_ids *ids, uint64_t hash) {
  size_t mask = ids->capacity - 1, at = (size_t)hash & mask;
  while (ids->places[at] && ids->places[at] != hash) at = (at + 1) & mask;
  return &ids->places[at];
}

static bool put(sq_feedback_ids *ids, uint64_t hash);

static bool grow(sq_feedback_ids *ids) {
  sq_feedback_ids larger = {.capacity = ids->capacity ? 2 * ids->capacity : 1024};
  if (!(larger.places = calloc(larger.capacity, sizeof *larger.places))) return false;
  for (size_t i = 0; i < ids->capacity; i++)
    if (ids->places[i]) put(&larger, ids->places[i]);
  free(ids->places);
  *ids = larger;
  return true;
}

static bool put(sq_feedback_ids *ids, uint64_t hash) {
  if (2 * (ids->count + 1) > ids->capacity && !grow(ids)) return false;
  uint64_t *place = place_of(ids, hash);
  ids->count += *place == 0;
  *place = hash;
  return true;
}

bool sq_feedback_ids_read(sq_store *store, sq_feedback_ids *ids, sq_error *error) {
  sqlite3_stmt *read = sq_borrow(store, "SELECT DISTINCT request_id FROM feedback WHERE request_id IS NOT NULL", error);
  int code = SQLITE_DONE;
  bool good = read != NULL;
  while (good && ids->count <= MOST_IDS && (code = sqlite3_step(read)) == SQLITE_ROW) {
    const char *id = (const char *)sqlite3_column_text(read, 0);
    good = (id && put(ids, hash_of(id, (size_t)sqlite3_column_bytes(read, 0)))) || sq_fail_memory(error);
  }
  good = good && (code == SQLITE_ROW || code == SQLITE_DONE || sq_sqlite_fail(store, code, error));
  sq_give_back(store, read);
  ids->known = good && code == SQLITE_DONE;
  return good;
}

bool sq_feedback_ids_may_have(const sq_feedback_ids *ids, const char *id, size_t length) {
  if (!ids->known) return true;
  return ids->count > 0 && *place_of(ids, hash_of(id, length)) != 0;
}

void sq_feedback_ids_free(sq_feedback_ids *ids) {
  free(ids->places);
  *ids = (sq_feedback_ids){0};
}
