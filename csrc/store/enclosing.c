/* sq_enclosing(0, organization, project, parent_id, trace_id): the request_id of the nearest trace row around a
   completion. The first trace row up its chain of parents is it, through completions if need be; where the chain ends,
   breaks or turns in a circle without one, what its trace_id names may be it.

   What SQLite keeps with the constant, for as long as the statement runs, is the set of all trace rows in scope, as
   128-bit hashes, and what came of parents that are none of them. So one pass over the requests answers for nearly
   all rows, and only the parents that are completions or unknown are looked up by their ids. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mix.h"
#include "base/time.h"
#include "session/distinct.h"
#include "store/ids.h"

typedef struct mark {
  uint64_t hash[2]; /* both 0: free */
} mark;

/* A parent that is no trace row. */
typedef struct odd {
  char *enclosing; /* the id of the trace row that it leads to, or NULL; in a circle too */
  bool known;      /* not while it is being followed */
} odd;

typedef struct enclosing {
  sq_store *store;
  uint64_t key[2];
  mark *marks;
  size_t count, slots;
  sq_distinct parents; /* by owner and id, in the order of `odds` */
  odd *odds;
  size_t capacity;
  sq_text packed;      /* scratch: owner and id */
} enclosing;

static void free_enclosing(void *state) {
  enclosing *e = state;
  for (size_t i = 0; i < e->parents.count && e->odds; i++) free(e->odds[i].enclosing);
  free(e->odds);
  sq_distinct_free(&e->parents);
  sq_text_free(&e->packed);
  free(e->marks);
  free(e);
}

/* ----------------------------------------------------------------------------------------------- trace rows */

static void pack_part(sq_text *out, const sq_value *part) {
  sq_text_append(out, (const char *)&part->length, sizeof part->length);
  sq_text_append(out, part->text, part->length);
}

/* Organization, project, id; into the scratch. */
static bool pack(enclosing *e, const sq_value id[3], sq_error *error) {
  sq_text_clear(&e->packed);
  for (size_t i = 0; i < 3; i++) pack_part(&e->packed, &id[i]);
  return sq_text_whole(&e->packed, error);
}

static mark hash_packed(const enclosing *e) {
  mark m;
  sq_siphash(e->key, e->packed.data, e->packed.length, m.hash);
  m.hash[0] += !(m.hash[0] | m.hash[1]);
  return m;
}

static mark *slot_of(mark *marks, size_t slots, const mark *m) {
  size_t slot = m->hash[0] & (slots - 1);
  while ((marks[slot].hash[0] | marks[slot].hash[1]) && memcmp(&marks[slot], m, sizeof *m) != 0) slot = (slot + 1) & (slots - 1);
  return &marks[slot];
}

static bool widen(enclosing *e, sq_error *error) {
  size_t slots = e->slots ? e->slots * 2 : 1024;
  mark *marks = calloc(slots, sizeof *marks);
  if (!marks) return sq_fail_memory(error);
  for (size_t i = 0; i < e->slots; i++)
    if (e->marks[i].hash[0] | e->marks[i].hash[1]) *slot_of(marks, slots, &e->marks[i]) = e->marks[i];
  free(e->marks);
  e->marks = marks;
  e->slots = slots;
  return true;
}

static bool add_mark(enclosing *e, const sq_value id[3], sq_error *error) {
  if (e->count * 4 >= e->slots * 3 && !widen(e, error)) return false;
  if (!pack(e, id, error)) return false;
  mark m = hash_packed(e);
  *slot_of(e->marks, e->slots, &m) = m;
  e->count++;
  return true;
}

static bool text_of(sqlite3_value *value, sq_value *out, sq_error *error) {
  const char *text = (const char *)sqlite3_value_text(value);
  *out = (sq_value){.kind = SQ_STRING, .length = (uint32_t)sqlite3_value_bytes(value), .text = text};
  return text || sq_fail_memory(error);
}

static bool add_rows(enclosing *e, sqlite3_stmt *read, sq_error *error) {
  sq_bind_terminated(read, 1, e->store->organization);
  sq_bind_terminated(read, 2, e->store->project);
  int code;
  while ((code = sqlite3_step(read)) == SQLITE_ROW) {
    sq_value id[3];
    for (int i = 0; i < 3; i++)
      if (!text_of(sqlite3_column_value(read, i), &id[i], error)) return false;
    if (!add_mark(e, id, error)) return false;
  }
  return code == SQLITE_DONE || sq_sqlite_fail(e->store, code, error);
}

static enclosing *make(sq_store *store, sq_error *error) {
  enclosing *e = calloc(1, sizeof *e);
  if (!e) {
    sq_fail_memory(error);
    return NULL;
  }
  *e = (enclosing){.store = store, .key = {sq_mix((uintptr_t)e, (uint64_t)sq_time_monotonic()), sq_mix((uintptr_t)store, (uintptr_t)e)}};
  sqlite3_stmt *read = widen(e, error) ? sq_prepare(store,
                                                    "SELECT organization_id, project, request_id FROM request WHERE run_type NOT IN ('llm', 'embedding')"
                                                    " AND organization_id = coalesce(?1, organization_id) AND project = coalesce(?2, project)",
                                                    error)
                                       : NULL;
  bool good = read && add_rows(e, read, error);
  sqlite3_finalize(read);
  if (good) return e;
  free_enclosing(e);
  return NULL;
}

/* -------------------------------------------------------------------------------------------- other parents */

static bool make_odd(enclosing *e, size_t index, sq_error *error) {
  if (index < e->capacity) return true;
  size_t capacity = e->capacity ? e->capacity * 2 : 64;
  odd *odds = realloc(e->odds, capacity * sizeof *odds);
  if (!odds) return sq_fail_memory(error);
  memset(odds + e->capacity, 0, (capacity - e->capacity) * sizeof *odds);
  e->odds = odds;
  e->capacity = capacity;
  return true;
}

/* The parent of the completion with this id; `next` stays empty where there is none, or no such completion. */
static bool read_parent(enclosing *e, const sq_value id[3], sq_text *next, sq_error *error) {
  sq_seqs seqs = {0};
  bool good = sq_ids_find(e->store, &id[2], &id[0], &id[1], NULL, &seqs, error);
  sqlite3_stmt *read = good && seqs.count ? sq_prepared(e->store, SQ_READ_PARENT, error) : NULL;
  if (read) {
    sqlite3_bind_int64(read, 1, seqs.items[0]);
    int code = sqlite3_step(read);
    if (code == SQLITE_ROW && sqlite3_column_type(read, 0) != SQLITE_NULL)
      sq_text_append(next, (const char *)sqlite3_column_text(read, 0), (size_t)sqlite3_column_bytes(read, 0));
    good = code == SQLITE_ROW || code == SQLITE_DONE || sq_sqlite_fail(e->store, code, error);
    sqlite3_reset(read);
  }
  free(seqs.items);
  return good && error->code == SQ_OK && sq_text_whole(next, error);
}

/* All that were followed on the way lead to the same trace row, or to none. */
static bool settle(enclosing *e, const sq_seqs *way, const sq_value *found, sq_error *error) {
  for (size_t i = 0; i < way->count; i++) {
    odd *o = &e->odds[way->items[i]];
    o->known = true;
    if (found->text && !(o->enclosing = strndup(found->text, found->length))) return sq_fail_memory(error);
  }
  return true;
}

/* Goes up from a parent. `*out`: the id of the trace row, its text NULL where there is none; it lives as long as
   `room` and what is known. */
static bool follow(enclosing *e, const sq_value from[3], sq_text *room, sq_seqs *way, sq_value *out, sq_error *error) {
  sq_value id[3] = {from[0], from[1], from[2]};
  *out = (sq_value){.kind = SQ_STRING};
  while (id[2].length && pack(e, id, error)) {
    mark m = hash_packed(e);
    const mark *slot = slot_of(e->marks, e->slots, &m);
    if (slot->hash[0] | slot->hash[1]) {
      *out = id[2];
      break;
    }
    size_t before = e->parents.count;
    int64_t index = sq_distinct_count(&e->parents, e->packed.data, e->packed.length);
    if (index < 0 || !make_odd(e, (size_t)index, error)) return error->code == SQ_OK ? sq_fail_memory(error) : false;
    if ((size_t)index < before) { /* met before; if on this way, it is a circle */
      const char *known = e->odds[index].known ? e->odds[index].enclosing : NULL;
      if (known) *out = (sq_value){.kind = SQ_STRING, .length = (uint32_t)strlen(known), .text = known};
      break;
    }
    sq_text next = {0};
    bool read = sq_seqs_add(way, index, error) && read_parent(e, id, &next, error);
    sq_text_free(room);
    *room = next;
    if (!read) return false;
    id[2] = (sq_value){.kind = SQ_STRING, .length = (uint32_t)room->length, .text = room->data};
  }
  return error->code == SQ_OK && settle(e, way, out, error);
}

/* ------------------------------------------------------------------------------------------------ function */

static void give_error(sqlite3_context *c, const sq_error *error) {
  if (error->code == SQ_E_NO_MEMORY) sqlite3_result_error_nomem(c);
  else if (error->code == SQ_E_TIMEOUT) sqlite3_result_error_code(c, SQLITE_INTERRUPT);
  else sqlite3_result_error(c, error->message, -1);
}

static bool find(enclosing *e, sqlite3_context *c, sqlite3_value **a, sq_error *error) {
  sq_value id[3], found = {0};
  sq_text room = {0};
  sq_seqs way = {0};
  for (int i = 0; i < 3; i++)
    if (!text_of(a[i + 1], &id[i], error)) return false;
  bool good = follow(e, id, &room, &way, &found, error);
  if (good && found.text) sqlite3_result_text64(c, found.text, found.length, SQLITE_TRANSIENT, SQLITE_UTF8);
  else if (good) sqlite3_result_value(c, a[4]);
  sq_text_free(&room);
  free(way.items);
  return good;
}

void sq_enclosing(sqlite3_context *c, int count, sqlite3_value **a) {
  (void)count;
  if (sqlite3_value_type(a[3]) == SQLITE_NULL) {
    sqlite3_result_value(c, a[4]);
    return;
  }
  sq_error error = {.code = SQ_OK};
  enclosing *kept = sqlite3_get_auxdata(c, 0), *e = kept ? kept : make(sqlite3_user_data(c), &error);
  if (!e || !find(e, c, a, &error)) give_error(c, &error);
  if (e && !kept) sqlite3_set_auxdata(c, 0, e, free_enclosing);
}
