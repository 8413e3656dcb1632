/* The column indexes that this process has open: one for each file, however many handles and threads there are. */
#include <stdlib.h>

#include "store/index.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sq_index *first;

static bool is_same(const sq_index *index, uint64_t device, uint64_t inode, const uint64_t store[2]) {
  return index->device == device && index->inode == inode && index->store[0] == store[0] && index->store[1] == store[1];
}

static sq_index *make(uint64_t device, uint64_t inode, const uint64_t store[2]) {
  sq_index *index = calloc(1, sizeof *index);
  if (!index) return NULL;
  *index = (sq_index){.next = first, .device = device, .inode = inode, .store = {store[0], store[1]}, .seen_change = -1, .schema = -1, .notes = {.stamp = -1}, .fed = -1};
  if (pthread_mutex_init(&index->lock, NULL) != 0 || pthread_mutex_init(&index->ids_lock, NULL) != 0) {
    free(index);
    return NULL;
  }
  first = index;
  return index;
}

/* A store in memory is nobody else's. */
static sq_index *find(uint64_t device, uint64_t inode, bool shared, const uint64_t store[2]) {
  sq_index *index = shared ? first : NULL;
  while (index && !is_same(index, device, inode, store)) index = index->next;
  return index ? index : make(device, inode, store);
}

sq_index *sq_index_of(sq_store *store, const sq_manifest *manifest, sq_error *error) {
  uint64_t device = 0, inode = 0; /* of the file that is open: another may have its name by now */
  bool shared = !store->memory;
  if (store->index && store->index->store[0] == manifest->identity.store[0] && store->index->store[1] == manifest->identity.store[1]) return store->index;
  sq_index_let_go(store);
  if (shared && !sq_held_file(store, &device, &inode)) {
    sq_fail(error, SQ_E_STORE, "the store's file is gone");
    return NULL;
  }
  pthread_mutex_lock(&lock);
  store->index = find(device, inode, shared, manifest->identity.store);
  if (store->index) store->index->references++;
  pthread_mutex_unlock(&lock);
  if (!store->index) sq_fail_memory(error);
  return store->index;
}

static void unlink_index(sq_index *index) {
  sq_index **link = &first;
  while (*link != index) link = &(*link)->next;
  *link = index->next;
}

void sq_index_let_go(sq_store *store) {
  sq_index *index = store->index;
  sq_version_release(store->kept);
  store->kept = NULL;
  store->index = NULL;
  if (!index) return;
  pthread_mutex_lock(&lock);
  bool last = --index->references == 0;
  if (last) unlink_index(index);
  pthread_mutex_unlock(&lock);
  if (!last) return;
  sq_version_release(index->newest);
  sq_bloom_free(&index->bloom);
  sq_notes_clear(&index->notes);
  pthread_mutex_destroy(&index->ids_lock);
  pthread_mutex_destroy(&index->lock);
  free(index);
}
