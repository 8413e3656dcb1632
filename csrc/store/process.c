/* SQLite keeps a table of file locks for the whole process, which a fork copies: a child that opens a file
   which its parent has open believes to hold the parent's locks, takes none, and loses writes. So each
   process knows which files it, or the process it was forked from, has open. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite.h"

typedef struct sq_held held;
struct sq_held {
  held *next;
  dev_t device;
  ino_t inode;
  pid_t owner;
  char shared_memory[]; /* path of the -shm file, on which there are locks too */
};

/* A fork in one thread while another holds this for a moment would leave it locked in the child; whoever forks
   with threads at work must not open stores in the child anyway (fork(2)). */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static held *first;
static _Atomic unsigned turn = 1; /* another one with each handle that comes or goes */

static bool is_inherited(dev_t device, ino_t inode) {
  for (const held *h = first; h; h = h->next)
    if (h->device == device && h->inode == inode && h->owner != getpid()) return true;
  return false;
}

bool sq_hold_file(sq_store *store, sq_error *error) {
  struct stat file;
  if (store->memory || stat(store->path, &file) != 0) return true; /* what is not there yet, nobody holds */
  pthread_mutex_lock(&lock);
  bool inherited = is_inherited(file.st_dev, file.st_ino);
  size_t room = strlen(store->path) + sizeof "-shm";
  held *entry = inherited || store->held ? NULL : malloc(sizeof *entry + room);
  if (entry) {
    *entry = (held){first, file.st_dev, file.st_ino, getpid()};
    snprintf(entry->shared_memory, room, "%s-shm", store->path);
    first = store->held = entry;
    atomic_fetch_add(&turn, 1);
  }
  pthread_mutex_unlock(&lock);
  if (inherited)
    return sq_fail(error, SQ_E_CLOSED, "this process was forked while the store was open: close it before the fork, and open it after");
  return store->held || sq_fail_memory(error);
}

bool sq_held_file(const sq_store *store, uint64_t *device, uint64_t *inode) {
  if (!store->held) return false;
  *device = store->held->device;
  *inode = store->held->inode;
  return true;
}

unsigned sq_held_turn(void) { return atomic_load_explicit(&turn, memory_order_relaxed); }

unsigned sq_held_count(const sq_store *store) {
  unsigned count = 0;
  if (!store->held) return 1;
  pthread_mutex_lock(&lock);
  for (const held *h = first; h; h = h->next) count += h->device == store->held->device && h->inode == store->held->inode;
  pthread_mutex_unlock(&lock);
  return count;
}

bool sq_path_is_held(const char *path) {
  struct stat file, shared;
  bool is = false;
  if (stat(path, &file) != 0) return false;
  pthread_mutex_lock(&lock);
  for (const held *h = first; h && !is; h = h->next) {
    is = h->device == file.st_dev && h->inode == file.st_ino;
    if (!is && stat(h->shared_memory, &shared) == 0) is = shared.st_dev == file.st_dev && shared.st_ino == file.st_ino;
  }
  pthread_mutex_unlock(&lock);
  return is;
}

void sq_let_file_go(sq_store *store) {
  if (!store->held) return;
  pthread_mutex_lock(&lock);
  held **link = &first;
  while (*link != store->held) link = &(*link)->next;
  *link = store->held->next;
  atomic_fetch_add(&turn, 1);
  pthread_mutex_unlock(&lock);
  free(store->held);
  store->held = NULL;
}
