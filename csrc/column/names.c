#include "column/names.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mix.h"

#define BLOCK 1024
#define MOST_BLOCKS 4096 /* 4 million sessions of rows that are not sealed */

typedef struct name {
  char *texts; /* organization, project and id, one behind the other */
  uint32_t lengths[3];
} name;

struct sq_names {
  _Atomic int references;
  uint32_t first, count;
  uint64_t seed;
  pthread_mutex_t lock;       /* of all but the blocks' filled part, which is read by whoever knows a code */
  name *blocks[MOST_BLOCKS];
  uint32_t *slots;            /* number + 1 */
  uint32_t slot_count;
};

sq_names *sq_names_make(uint32_t first, sq_error *error) {
  sq_names *names = calloc(1, sizeof *names);
  if (!names || pthread_mutex_init(&names->lock, NULL) != 0) {
    free(names);
    sq_fail_memory(error);
    return NULL;
  }
  names->references = 1;
  names->first = first;
  names->seed = sq_mix((uintptr_t)names, first);
  return names;
}

sq_names *sq_names_retain(sq_names *names) {
  atomic_fetch_add(&names->references, 1);
  return names;
}

void sq_names_release(sq_names *names) {
  if (!names || atomic_fetch_sub(&names->references, 1) != 1) return;
  for (uint32_t i = 0; i < names->count; i++) free(names->blocks[i / BLOCK][i % BLOCK].texts);
  for (uint32_t i = 0; i < MOST_BLOCKS; i++) free(names->blocks[i]);
  free(names->slots);
  pthread_mutex_destroy(&names->lock);
  free(names);
}

static void get(const sq_names *names, uint32_t number, sq_session_name *out) {
  const name *n = &names->blocks[number / BLOCK][number % BLOCK];
  out->organization = n->texts;
  out->organization_length = n->lengths[0];
  out->project = out->organization + n->lengths[0];
  out->project_length = n->lengths[1];
  out->id = out->project + n->lengths[1];
  out->id_length = n->lengths[2];
}

void sq_names_get(const sq_names *names, uint32_t code, sq_session_name *out) { get(names, code - names->first, out); }

static uint64_t hash_of(const sq_names *names, const sq_session_name *s) {
  uint64_t hash = sq_mix_text(names->seed, s->organization, s->organization_length);
  return sq_mix_text(sq_mix_text(hash, s->project, s->project_length), s->id, s->id_length);
}

static bool is_same(const sq_session_name *a, const sq_session_name *b) {
  return a->id_length == b->id_length && a->project_length == b->project_length && a->organization_length == b->organization_length &&
         memcmp(a->id, b->id, a->id_length) == 0 && memcmp(a->project, b->project, a->project_length) == 0 &&
         memcmp(a->organization, b->organization, a->organization_length) == 0;
}

/* The slot of the session, or the free one where it would stand. */
static uint32_t seek(const sq_names *names, const sq_session_name *session) {
  uint32_t slot = (uint32_t)hash_of(names, session) & (names->slot_count - 1);
  for (; names->slots[slot]; slot = (slot + 1) & (names->slot_count - 1)) {
    sq_session_name there;
    get(names, names->slots[slot] - 1, &there);
    if (is_same(&there, session)) break;
  }
  return slot;
}

static bool make_room(sq_names *names) {
  if (names->count == BLOCK * MOST_BLOCKS) return false;
  name **block = &names->blocks[names->count / BLOCK];
  if (!*block && !(*block = calloc(BLOCK, sizeof **block))) return false;
  if (names->count * 2 < names->slot_count) return true;
  uint32_t slot_count = names->slot_count ? names->slot_count * 2 : 64;
  uint32_t *slots = calloc(slot_count, sizeof *slots);
  if (!slots) return false;
  free(names->slots);
  names->slots = slots;
  names->slot_count = slot_count;
  for (uint32_t i = 0; i < names->count; i++) {
    sq_session_name session;
    get(names, i, &session);
    slots[seek(names, &session)] = i + 1;
  }
  return true;
}

static bool append(sq_names *names, const sq_session_name *s) {
  name *n = &names->blocks[names->count / BLOCK][names->count % BLOCK];
  char *at = n->texts = malloc(s->organization_length + s->project_length + s->id_length + 1);
  if (!at) return false;
  n->lengths[0] = (uint32_t)s->organization_length;
  n->lengths[1] = (uint32_t)s->project_length;
  n->lengths[2] = (uint32_t)s->id_length;
  memcpy(at, s->organization, s->organization_length);
  memcpy(at + s->organization_length, s->project, s->project_length);
  memcpy(at + s->organization_length + s->project_length, s->id, s->id_length);
  return true;
}

static uint32_t add(sq_names *names, const sq_session_name *session) {
  if (!make_room(names)) return SQ_NO_CODE;
  uint32_t slot = seek(names, session);
  if (names->slots[slot]) return names->first + names->slots[slot] - 1;
  if (!append(names, session)) return SQ_NO_CODE;
  names->slots[slot] = ++names->count;
  return names->first + names->count - 1;
}

uint32_t sq_names_add(sq_names *names, const sq_session_name *session, sq_error *error) {
  pthread_mutex_lock(&names->lock);
  uint32_t code = add(names, session);
  pthread_mutex_unlock(&names->lock);
  if (code == SQ_NO_CODE) sq_fail_memory(error);
  return code;
}

uint32_t sq_names_find(sq_names *names, const sq_session_name *session) {
  pthread_mutex_lock(&names->lock);
  uint32_t slot = names->count ? seek(names, session) : 0;
  uint32_t number = names->count ? names->slots[slot] : 0;
  pthread_mutex_unlock(&names->lock);
  return number ? names->first + number - 1 : SQ_NO_CODE;
}

uint32_t sq_names_end(sq_names *names) {
  pthread_mutex_lock(&names->lock);
  uint32_t end = names->first + names->count;
  pthread_mutex_unlock(&names->lock);
  return end;
}
