/* A disk that can be cut off: the calls by which this program, SQLite in it as well, writes to files. Defined here,
   they stand before the C library's. One may be counted upon to end the process, to lose what was not synced
   before it, or to find the disk full. */
#ifndef SQ_SPEC_DISK_H
#define SQ_SPEC_DISK_H

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DISK_DIED 86 /* the status of a process that ended here */

static struct {
  long calls;      /* so far */
  long die_at;     /* the call at which the process ends, before it is done; 0: never */
  bool loses;      /* and what was not synced may be lost */
  long full_from, full_to; /* calls that find no room */
  unsigned seed;
} disk;

/* A write that no sync has followed: what stood there before. */
typedef struct unsynced {
  struct unsynced *before;
  dev_t device;
  ino_t inode;
  int file;
  off_t at;
  size_t size, old_size; /* old_size: of it was in the file at all */
  char old[];
} unsynced;

static unsynced *last_unsynced;

static void *real(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (!found) abort();
  return found;
}

/* On the index and the database, not on pipes and terminals. */
static bool is_file(int file, struct stat *status) { return fstat(file, status) == 0 && S_ISREG(status->st_mode); }

static void remember(int file, size_t size, off_t at) {
  struct stat status;
  if (!disk.loses || !is_file(file, &status)) return;
  unsynced *u = malloc(sizeof *u + size);
  if (!u) abort();
  ssize_t old = pread(file, u->old, size, at);
  *u = (unsynced){last_unsynced, status.st_dev, status.st_ino, dup(file), at, size, old > 0 ? (size_t)old : 0};
  last_unsynced = u;
}

static void forget(int file) {
  struct stat status;
  if (!is_file(file, &status)) return;
  for (unsynced **link = &last_unsynced; *link;) {
    unsynced *u = *link;
    if (u->device != status.st_dev || u->inode != status.st_ino) {
      link = &u->before;
      continue;
    }
    *link = u->before;
    close(u->file);
    free(u);
  }
}

static unsigned chance(unsigned limit) {
  disk.seed = disk.seed * 1103515245u + 12345u;
  return (disk.seed >> 16) % limit;
}

/* Each write that was not synced is kept, lost, or torn between two sectors; the newest first, so that those before
   it find what they replaced. */
static void lose_unsynced(void) {
  ssize_t (*write_at)(int, const void *, size_t, off_t) = (ssize_t(*)(int, const void *, size_t, off_t))real("pwrite64");
  for (unsynced *u = last_unsynced; u; u = u->before) {
    unsigned fate = chance(3);
    if (fate == 0) continue;
    size_t from = fate == 2 ? chance((unsigned)(u->size / 512 + 1)) * 512u : 0;
    if (from < u->size) {
      size_t size = u->size - from;
      memset(u->old + u->old_size, 0, u->size - u->old_size);
      if (write_at(u->file, u->old + from, size, u->at + (off_t)from) != (ssize_t)size) abort();
    }
  }
}

/* Before each call. True: the disk is full. */
static bool passes(void) {
  disk.calls++;
  if (disk.calls == disk.die_at) {
    if (disk.loses) lose_unsynced();
    _exit(DISK_DIED);
  }
  bool full = disk.calls >= disk.full_from && disk.calls < disk.full_to;
  if (full) errno = ENOSPC;
  return full;
}

ssize_t pwrite64(int file, const void *bytes, size_t size, off_t at) {
  ssize_t (*next)(int, const void *, size_t, off_t) = (ssize_t(*)(int, const void *, size_t, off_t))real("pwrite64");
  if (passes()) return -1;
  remember(file, size, at);
  return next(file, bytes, size, at);
}
ssize_t pwrite(int file, const void *bytes, size_t size, off_t at) { return pwrite64(file, bytes, size, at); }

int posix_fallocate64(int file, off_t at, off_t size) {
  int (*next)(int, off_t, off_t) = (int (*)(int, off_t, off_t))real("posix_fallocate64");
  return passes() ? ENOSPC : next(file, at, size);
}
int posix_fallocate(int file, off_t at, off_t size) { return posix_fallocate64(file, at, size); }

int fsync(int file) {
  int (*next)(int) = (int (*)(int))real("fsync");
  if (passes()) return -1;
  int done = next(file);
  forget(file);
  return done;
}

int fdatasync(int file) {
  int (*next)(int) = (int (*)(int))real("fdatasync");
  if (passes()) return -1;
  int done = next(file);
  forget(file);
  return done;
}

int rename(const char *from, const char *to) {
  int (*next)(const char *, const char *) = (int (*)(const char *, const char *))real("rename");
  return passes() ? -1 : next(from, to);
}

int unlink(const char *path) {
  int (*next)(const char *) = (int (*)(const char *))real("unlink");
  passes();
  return next(path);
}

#endif
