#include "column/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/checksum.h"

#define FILE_MAGIC "SQCOLUMN"
#define FILE_VERSION 2
#define LONGEST_MOMENT_S 60

typedef struct file_header {
  char magic[8];
  uint32_t version, page;
  sq_file_identity identity;
  uint32_t checksum, reserved; /* of what stands before it */
} file_header;

bool sq_draw(uint64_t *out, size_t count, sq_error *error) {
  size_t size = count * sizeof *out;
  if (getrandom(out, size, 0) == (ssize_t)size) return true;
  return sq_fail(error, SQ_E_STORE, "the system gives no random bits");
}

static bool fail(sq_error *error, const char *what) {
  return sq_fail(error, errno == ENOSPC || errno == EDQUOT ? SQ_E_FULL : SQ_E_STORE, "the column index: %s: %s", what, strerror(errno));
}

static uint32_t checksum(const file_header *header) { return sq_crc32c(0, header, offsetof(file_header, checksum)); }

/* NULL: it is this file. */
static const char *compare(int file, const sq_file_identity *identity) {
  file_header h;
  if (pread(file, &h, sizeof h, 0) != (ssize_t)sizeof h || memcmp(h.magic, FILE_MAGIC, sizeof h.magic) != 0) return "its file is none of ours";
  if (h.version != FILE_VERSION || h.page != SQ_FILE_PAGE) return "its file is of another version";
  if (checksum(&h) != h.checksum) return "its file's header is damaged";
  if (memcmp(h.identity.store, identity->store, sizeof h.identity.store) != 0) return "its file is another store's";
  return h.identity.file == identity->file ? NULL : SQ_IS_ANOTHER_FILE;
}

int sq_file_open(const char *path, const sq_file_identity *identity, const char **why, sq_error *error) {
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* of a pipe nobody writes to, too */
  *why = NULL;
  if (file < 0) {
    if (errno == ENOENT) *why = "its file is not there";
    else if (errno == EACCES || errno == EPERM) *why = "its file cannot be read";
    else fail(error, "open");
    return -1;
  }
  *why = compare(file, identity);
  if (!*why) return file;
  close(file);
  return -1;
}

/* ----------------------------------------------------------------------------------------------- appending */

/* Of an open file description, not of the process: two handles of one process exclude each other as well. */
static bool lock(int file) {
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  return fcntl(file, F_OFD_SETLK, &whole) == 0;
}

void sq_file_unlock(int file) {
  struct flock whole = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
  fcntl(file, F_OFD_SETLK, &whole);
  close(file);
}

static bool write_all(int file, const char *bytes, size_t size, uint64_t at, sq_error *error) {
  while (size) {
    ssize_t written = pwrite(file, bytes, size, (off_t)at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return fail(error, "write");
    bytes += written;
    size -= (size_t)written;
    at += (uint64_t)written;
  }
  return true;
}

/* As private as the database, and its owner's. */
static void take_after(int file, const char *like) {
  struct stat of;
  if (stat(like, &of) != 0) return;
  if (fchmod(file, of.st_mode & 0777) != 0 || fchown(file, of.st_uid, of.st_gid) != 0) errno = 0; /* who may not, need not */
}

static bool write_header(int file, const sq_file_identity *identity, const char *like, sq_error *error) {
  char page[SQ_FILE_PAGE] = {0};
  file_header header = {.magic = FILE_MAGIC, .version = FILE_VERSION, .page = SQ_FILE_PAGE, .identity = *identity};
  header.checksum = checksum(&header);
  memcpy(page, &header, sizeof header);
  take_after(file, like);
  return write_all(file, page, sizeof page, 0, error) && (fsync(file) == 0 || fail(error, "sync"));
}

int sq_file_lock(const char *path, const sq_file_identity *identity, const char *like, bool make, const char **why, sq_error *error) {
  int file = open(path, O_RDWR | O_CLOEXEC | (make ? O_CREAT | O_EXCL : 0), 0600);
  *why = NULL;
  if (file < 0) {
    if (errno == ENOENT && !make) *why = "its file is not there";
    else fail(error, "open");
    return -1;
  }
  if (!lock(file)) *why = "another is at it";
  else if (make) write_header(file, identity, like, error);
  else *why = compare(file, identity);
  if (!*why && error->code == SQ_OK) return file;
  close(file);
  return -1;
}

bool sq_file_append(int file, const sq_text *segment, uint64_t *offset, sq_error *error) {
  struct stat now;
  if (fstat(file, &now) != 0) return fail(error, "stat");
  *offset = ((uint64_t)now.st_size + SQ_FILE_PAGE - 1) / SQ_FILE_PAGE * SQ_FILE_PAGE;
  int full = posix_fallocate(file, (off_t)*offset, (off_t)segment->length); /* before a byte is written: no torn segment on a full disk */
  errno = full;
  bool good = (full == 0 || fail(error, "allocate")) && write_all(file, segment->data, segment->length, *offset, error) &&
              (fdatasync(file) == 0 || fail(error, "sync"));
  if (good) return true;
  /* Nobody has been told of what stands behind the old end, and a full disk must not get fuller with each attempt. */
  return ftruncate(file, now.st_size) != 0 && false;
}

/* Whoever makes one locks it, but for a moment after it is there. */
static bool is_abandoned(const char *path) {
  struct stat status;
  int file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) return false;
  bool abandoned = fstat(file, &status) == 0 && S_ISREG(status.st_mode) && time(NULL) - status.st_mtime > LONGEST_MOMENT_S && lock(file);
  close(file);
  return abandoned;
}

static bool is_begun(const char *name, const char *of) {
  size_t length = strlen(of);
  return strncmp(name, of, length) == 0 && name[length] == '.' && strlen(name + length + 1) == 16 && strspn(name + length + 1, "0123456789abcdef") == 16;
}

void sq_file_sweep(const char *path) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  sq_text folder = {0};
  sq_text_append(&folder, slash ? path : "./", slash ? (size_t)(name - path) : 2);
  DIR *directory = folder.failed ? NULL : opendir(folder.data);
  for (struct dirent *entry; directory && (entry = readdir(directory));) {
    if (!is_begun(entry->d_name, name)) continue;
    sq_text whole = {0};
    sq_text_format(&whole, "%s%s", folder.data, entry->d_name);
    if (!whole.failed && is_abandoned(whole.data)) unlink(whole.data);
    sq_text_free(&whole);
  }
  if (directory) closedir(directory);
  sq_text_free(&folder);
}

const char *sq_file_differs(int file, const sq_file_identity *identity, uint64_t end) {
  return sq_file_size(file) < end ? "its file is shorter than it was" : compare(file, identity);
}

uint64_t sq_file_size(int file) {
  struct stat now;
  return fstat(file, &now) == 0 ? (uint64_t)now.st_size : 0;
}
