/* A disk that can lose its power: what of a folder's files would be left, when all that was not synced may be lost,
   kept, or kept in part, sector by sector. Fed by the calls of fault.h. */
#ifndef SQ_SPEC_POWER_H
#define SQ_SPEC_POWER_H

#include <dirent.h>
#include <stdio.h>

#include "fault.h"
#include "index.h"

/* The disk: of each file what is synced, and the writes since. Of names: those synced, and what was done since. */
typedef struct disk_write {
  fault_call call; /* WRITE, ALLOCATE: size and offset, CUT: offset is the size */
  char *bytes;
  size_t size;
  uint64_t offset;
} disk_write;

typedef struct disk_file {
  ino_t inode;
  char *bytes;
  size_t size;
  disk_write *writes;
  size_t count, capacity;
} disk_file;

enum { FILES = 64, NAMES = 64, MOVES = 256 };
typedef struct disk_name {
  char name[100];
  int file; /* -1: none */
} disk_name;

static disk_file disk_files[FILES];
static int disk_file_count;
static disk_name disk_names[NAMES], disk_moves[MOVES];
static size_t disk_name_count, disk_move_count;
static ino_t disk_folder;
static char disk_path[512];

static const char *last_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static void set_name(disk_name *names, size_t *count, const char *name, int file) {
  size_t i = 0;
  while (i < *count && strcmp(names[i].name, name) != 0) i++;
  if (i == *count) {
    if (*count == NAMES) exit(1);
    snprintf(names[(*count)++].name, sizeof names->name, "%.99s", name);
  }
  names[i].file = file;
}

static void note_move(const char *name, int file) {
  if (disk_move_count == MOVES) exit(1);
  snprintf(disk_moves[disk_move_count].name, sizeof disk_moves->name, "%.99s", name);
  disk_moves[disk_move_count++].file = file;
}

static int name_now(const char *name) {
  for (size_t i = disk_move_count; i-- > 0;)
    if (strcmp(disk_moves[i].name, name) == 0) return disk_moves[i].file;
  for (size_t i = 0; i < disk_name_count; i++)
    if (strcmp(disk_names[i].name, name) == 0) return disk_names[i].file;
  return -1;
}

static int new_file(ino_t inode) {
  if (disk_file_count == FILES) exit(1);
  disk_files[disk_file_count] = (disk_file){.inode = inode};
  return disk_file_count++;
}

/* The file behind a descriptor, -1: not in the folder, or of no interest. */
static int file_of(int descriptor) {
  struct stat status;
  char link[64], path[512];
  if (fstat(descriptor, &status) != 0 || S_ISDIR(status.st_mode)) return -1;
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, sizeof path - 1);
  path[length < 0 ? 0 : length] = '\0';
  if (strncmp(path, disk_path, strlen(disk_path)) != 0 || strstr(path, "-shm")) return -1;
  for (int i = 0; i < disk_file_count; i++)
    if (disk_files[i].inode == status.st_ino) return i;
  int file = new_file(status.st_ino);
  if (!strstr(path, "(deleted)")) note_move(last_name(path), file);
  return file;
}

static void add_write(disk_file *file, fault_call call, const void *bytes, size_t size, uint64_t offset) {
  if (file->count == file->capacity) {
    file->capacity = file->capacity ? file->capacity * 2 : 64;
    file->writes = realloc(file->writes, file->capacity * sizeof *file->writes);
  }
  disk_write *write = &file->writes[file->count++];
  *write = (disk_write){.call = call, .size = size, .offset = offset};
  if (bytes) memcpy(write->bytes = malloc(size), bytes, size);
}

static void grow_to(char **bytes, size_t *size, size_t wanted) {
  if (wanted <= *size) return;
  *bytes = realloc(*bytes, wanted);
  memset(*bytes + *size, 0, wanted - *size);
  *size = wanted;
}

static uint64_t mixed(uint64_t a, uint64_t b) {
  uint64_t x = (a ^ b * UINT64_C(0x9E3779B97F4A7C15)) * UINT64_C(0xBF58476D1CE4E5B9);
  x ^= x >> 29;
  x *= UINT64_C(0x94D049BB133111EB);
  return x ^ x >> 32;
}

/* Up to which of the writes since the sync a sector was written out. 100: all, 0: none, else for each its own. */
static size_t written_out(uint64_t seed, unsigned share, int file, uint64_t sector, size_t count) {
  if (share >= 100) return count;
  if (share == 0) return 0;
  uint64_t bits = mixed(seed, mixed((uint64_t)file + 1, sector));
  if (bits % 100 < share) return count;
  return (size_t)(bits >> 32) % (count + 1);
}

static void apply(char **bytes, size_t *size, const disk_write *write, size_t number, uint64_t seed, unsigned share, int file, size_t count) {
  if (write->call == FAULT_CUT) { /* sizes are the journal's: sector "-1" */
    if (written_out(seed, share, file, UINT64_MAX, count) <= number) return;
    if (write->offset < *size) *size = (size_t)write->offset;
    else grow_to(bytes, size, (size_t)write->offset);
    return;
  }
  if (write->call == FAULT_ALLOCATE) {
    if (written_out(seed, share, file, UINT64_MAX, count) > number) grow_to(bytes, size, (size_t)write->offset + write->size);
    return;
  }
  for (uint64_t at = write->offset, end = write->offset + write->size; at < end;) {
    uint64_t stop = (at / 512 + 1) * 512;
    if (stop > end) stop = end;
    if (written_out(seed, share, file, at / 512, count) > number) {
      grow_to(bytes, size, (size_t)stop);
      memcpy(*bytes + at, write->bytes + (at - write->offset), (size_t)(stop - at));
    }
    at = stop;
  }
}

static void sync_file(disk_file *file) {
  for (size_t i = 0; i < file->count; i++) {
    apply(&file->bytes, &file->size, &file->writes[i], i, 0, 100, 0, file->count);
    free(file->writes[i].bytes);
  }
  file->count = 0;
}

static void sync_names(void) {
  for (size_t i = 0; i < disk_move_count; i++) set_name(disk_names, &disk_name_count, disk_moves[i].name, disk_moves[i].file);
  disk_move_count = 0;
}

/* Writes what the disk would have, into another folder. */
static void write_image(const char *to, uint64_t seed, unsigned share) {
  disk_name names[NAMES];
  size_t count = disk_name_count, moves = share >= 100 ? disk_move_count : share == 0 ? 0 : (size_t)(mixed(seed, 77) % (disk_move_count + 1));
  memcpy(names, disk_names, sizeof names);
  for (size_t i = 0; i < moves; i++) set_name(names, &count, disk_moves[i].name, disk_moves[i].file);
  mkdir(to, 0700);
  for (size_t i = 0; i < count; i++) {
    if (names[i].file < 0) continue;
    const disk_file *file = &disk_files[names[i].file];
    size_t size = file->size;
    char *bytes = malloc(size + 1), path[1024];
    memcpy(bytes, file->bytes ? file->bytes : "", size);
    for (size_t k = 0; k < file->count; k++) apply(&bytes, &size, &file->writes[k], k, seed, share, names[i].file, file->count);
    snprintf(path, sizeof path, "%.400s/%.99s", to, names[i].name);
    write_whole(path, bytes, size);
    free(bytes);
  }
}

/* Takes down one call, as a fault_hook has it. */
static void note_call(fault_call call, int descriptor, const void *bytes, size_t size, uint64_t offset, const char *from, const char *to) {
  struct stat status;
  if (call == FAULT_RENAME || call == FAULT_UNLINK) {
    if (strncmp(from, disk_path, strlen(disk_path)) != 0 || strstr(from, "-shm")) return;
    int file = name_now(last_name(from));
    note_move(last_name(from), -1);
    if (to) note_move(last_name(to), file);
    else if (file >= 0 && access(from, F_OK) == 0) disk_files[file].inode = 0; /* its number may be given again */
    return;
  }
  if (call == FAULT_SYNC && fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode)) {
    if (status.st_ino == disk_folder) sync_names();
    return;
  }
  int file = file_of(descriptor);
  if (file < 0) return;
  if (call == FAULT_SYNC) sync_file(&disk_files[file]);
  else add_write(&disk_files[file], call, bytes, size, offset);
}

static void begin_disk(const char *path) {
  DIR *directory = opendir(path);
  struct dirent *entry;
  struct stat status;
  snprintf(disk_path, sizeof disk_path, "%s/", path);
  stat(path, &status);
  disk_folder = status.st_ino;
  disk_file_count = 0;
  disk_name_count = disk_move_count = 0;
  while ((entry = readdir(directory))) {
    char name[512];
    if (entry->d_name[0] == '.' || strstr(entry->d_name, "-shm")) continue;
    snprintf(name, sizeof name, "%.200s/%.200s", path, entry->d_name);
    stat(name, &status);
    int file = new_file(status.st_ino);
    disk_files[file].bytes = read_whole(name, &disk_files[file].size);
    set_name(disk_names, &disk_name_count, entry->d_name, file);
  }
  closedir(directory);
}

static void end_disk(void) {
  for (int i = 0; i < disk_file_count; i++) {
    sync_file(&disk_files[i]);
    free(disk_files[i].writes);
    free(disk_files[i].bytes);
  }
}

#endif
