/* SQLite keeps a table of file locks for the whole process, which a fork copies: a child that opens a file
   which its parent has open believes to hold the parent's locks, takes none, and loses writes. So each
   process knows which files it, or the process it was forked from, has open. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite.h"

typedef struct sq_held held;
struct sq_held {
  held *next;
  dev_t device;
  ino_t inode;
  pid_t owner;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static held *first;

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
  held *entry = inherited || store->held ? NULL : malloc(sizeof *entry);
  if (entry) {
    *entry = (held){first, file.st_dev, file.st_ino, getpid()};
    first = store->held = entry;
  }
  pthread_mutex_unlock(&lock);
  if (inherited)
    return sq_fail(error, SQ_E_CLOSED, "this process was forked while the store was open: close it before the fork, and open it after");
  return store->held || sq_fail_memory(error);
}

void sq_let_file_go(sq_store *store) {
  if (!store->held) return;
  pthread_mutex_lock(&lock);
  held **link = &first;
  while (*link != store->held) link = &(*link)->next;
  *link = store->held->next;
  pthread_mutex_unlock(&lock);
  free(store->held);
  store->held = NULL;
}
