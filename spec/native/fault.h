/* What a disk and a killer do: this program's own pwrite, fsync, rename and so on, which SQLite and the index's file
   both call. They count, and at a chosen call end the process, or say that the disk is full, or take down what
   would be left after a power cut. Writes through memory maps (SQLite's -shm) are no disk's matter. */
#ifndef SQ_SPEC_FAULT_H
#define SQ_SPEC_FAULT_H

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef enum fault_call { FAULT_WRITE, FAULT_ALLOCATE, FAULT_CUT, FAULT_SYNC, FAULT_RENAME, FAULT_UNLINK } fault_call;

/* Asked before each call: 0: go on, else the errno of its failure. `bytes`: of a write, NULL otherwise. */
typedef int fault_hook(fault_call call, int file, const void *bytes, size_t size, uint64_t offset, const char *from, const char *to);
static fault_hook *fault;
static bool fault_spares_syncs = true; /* nobody cuts the power of the machine that runs the test */

static int ask_fault(fault_call call, int file, const void *bytes, size_t size, uint64_t offset, const char *from, const char *to) {
  return fault ? fault(call, file, bytes, size, offset, from, to) : 0;
}

#pragma GCC visibility push(default)

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset) {
  int failed = ask_fault(FAULT_WRITE, file, bytes, size, (uint64_t)offset, NULL, NULL);
  if (!failed) return (ssize_t)syscall(SYS_pwrite64, file, bytes, size, offset);
  errno = failed;
  return -1;
}
ssize_t pwrite64(int file, const void *bytes, size_t size, off_t offset) { return pwrite(file, bytes, size, offset); }

int posix_fallocate(int file, off_t offset, off_t size) {
  int failed = ask_fault(FAULT_ALLOCATE, file, NULL, (size_t)size, (uint64_t)offset, NULL, NULL);
  if (failed) return failed;
  return syscall(SYS_fallocate, file, 0, offset, size) == 0 ? 0 : errno;
}

int ftruncate(int file, off_t size) {
  int failed = ask_fault(FAULT_CUT, file, NULL, 0, (uint64_t)size, NULL, NULL);
  if (!failed) return (int)syscall(SYS_ftruncate, file, size);
  errno = failed;
  return -1;
}
int ftruncate64(int file, off_t size) { return ftruncate(file, size); }

int fdatasync(int file) {
  int failed = ask_fault(FAULT_SYNC, file, NULL, 0, 0, NULL, NULL);
  if (!failed) return fault_spares_syncs ? 0 : (int)syscall(SYS_fdatasync, file);
  errno = failed;
  return -1;
}
int fsync(int file) { return fdatasync(file); }

int rename(const char *from, const char *to) {
  int failed = ask_fault(FAULT_RENAME, -1, NULL, 0, 0, from, to);
  if (!failed) return (int)syscall(SYS_rename, from, to);
  errno = failed;
  return -1;
}

int unlink(const char *path) {
  int failed = ask_fault(FAULT_UNLINK, -1, NULL, 0, 0, path, NULL);
  if (!failed) return (int)syscall(SYS_unlink, path);
  errno = failed;
  return -1;
}

#pragma GCC visibility pop

#endif
