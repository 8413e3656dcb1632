/* Numbers about a store's side tables and files, and copies of it. */
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "store/index.h"

/* The number that `sql`, which ends in WHERE …, selects of the handle's organization and project. */
static bool count(sq_store *store, const char *sql, int64_t *out, sq_error *error) {
  sq_text whole = {0};
  sq_text_format(&whole, "%s%s%s", sql, store->organization ? " AND organization_id = ?1" : "", store->project ? " AND project = ?2" : "");
  sqlite3_stmt *read = sq_text_whole(&whole, error) ? sq_prepare(store, whole.data, error) : NULL;
  sq_text_free(&whole);
  if (!read) return false;
  sq_bind_terminated(read, 1, store->organization);
  sq_bind_terminated(read, 2, store->project);
  int code = sqlite3_step(read);
  if (code == SQLITE_ROW) *out = sqlite3_column_int64(read, 0);
  bool good = code == SQLITE_ROW || sq_sqlite_fail(store, code, error);
  sqlite3_finalize(read);
  return good;
}

static bool count_sides(sq_store *store, sq_stats *s, sq_error *error) {
  bool narrowed = store->organization || store->project;
  const char *bodies = narrowed ? "SELECT count(*) FROM body JOIN request USING (seq) WHERE TRUE" : "SELECT count(*) FROM body WHERE TRUE";
  return count(store, bodies, &s->bodies, error) && count(store, "SELECT count(*) FROM feedback WHERE TRUE", &s->feedback, error) &&
         count(store, "SELECT count(*) FROM held_patch WHERE TRUE", &s->held, error);
}

static int64_t size_of(const char *path, const char *suffix) {
  struct stat file;
  sq_text whole = {0};
  sq_text_format(&whole, "%s%s", path, suffix);
  int64_t size = !whole.failed && stat(whole.data, &file) == 0 ? (int64_t)file.st_size : 0;
  sq_text_free(&whole);
  return size;
}

/* Of the whole file, whoever's rows they are. */
static bool read_index(sq_store *store, sq_stats *s, sq_error *error) {
  sq_manifest m;
  sq_text path = {0};
  const char *why = NULL;
  if (!sq_manifest_read(store, &m, error) || !sq_index_of(store, &m, error) ||
      !sq_query_integer(store, "SELECT count(*) FROM segment", &s->segments, error) ||
      !sq_query_integer(store, "SELECT coalesce(sum(rows), 0) FROM segment", &s->sealed, error) ||
      !sq_query_integer(store, "SELECT count(DISTINCT seq) FROM change, column_index WHERE change.seq <= sealed_end", &s->dead, error))
    return false;
  s->unsealed = m.last_seq - m.sealed_end;
  if (!store->memory && sq_index_path(store, &path, error)) s->index_bytes = size_of(path.data, "");
  sq_text_free(&path);
  sq_error ignored = {.code = SQ_OK};
  sq_sealed *sealed = sq_sealed_read(store, &m, NULL, &why, &ignored);
  if (!sealed) snprintf(s->index_state, sizeof s->index_state, "%.90s", why ? why : ignored.message);
  else if (s->unsealed > SQ_MOST_UNSEALED) snprintf(s->index_state, sizeof s->index_state, "too many rows are not sealed yet");
  sq_sealed_release(sealed);
  pthread_mutex_lock(&store->index->lock);
  memcpy(s->last_error, store->index->last_error, sizeof s->last_error);
  pthread_mutex_unlock(&store->index->lock);
  return error->code == SQ_OK;
}

bool sq_store_read_stats(sq_store *store, sq_stats *s, sq_error *error) {
  int64_t pages = 0, page_size = 0;
  s->schema_version = SQ_SCHEMA_VERSION;
  bool good = count_sides(store, s, error) && sq_query_integer(store, "PRAGMA page_count", &pages, error) &&
              sq_query_integer(store, "PRAGMA page_size", &page_size, error) && read_index(store, s, error);
  s->bytes = pages * page_size;
  s->wal_bytes = store->memory ? 0 : size_of(store->path, "-wal");
  return good;
}

/* Copies in one step: SQLite holds a read transaction meanwhile, and writers go on into the WAL. */
static bool copy_to(sq_store *store, sqlite3 *to, sq_error *error) {
  sqlite3_backup *backup = sqlite3_backup_init(to, "main", store->db, "main");
  if (!backup) return sq_fail(error, SQ_E_STORE, "cannot back up: %s", sq_show(sqlite3_errmsg(to), strlen(sqlite3_errmsg(to))).text);
  int code = sqlite3_backup_step(backup, -1), finished = sqlite3_backup_finish(backup);
  return code == SQLITE_DONE ? finished == SQLITE_OK || sq_sqlite_fail(store, finished, error) : sq_sqlite_fail(store, code, error);
}

/* Of a file, nobody else's to read from its first byte on. */
static bool make_empty(const sq_store *store, const char *path) {
  int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, store->memory ? 0666 : 0600);
  return file >= 0 && close(file) == 0;
}

static bool write_copy(sq_store *store, const char *path, sq_error *error) {
  sqlite3 *to = NULL;
  unlink(path); /* left by a copy that was killed */
  int code = make_empty(store, path) ? sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) : SQLITE_CANTOPEN;
  bool copied = code == SQLITE_OK ? copy_to(store, to, error) : sq_fail(error, SQ_E_STORE, "cannot write %s", sq_show(path, strlen(path)).text);
  /* synced by the commit of the copy; in its own file, without a WAL beside it */
  if (copied) sqlite3_exec(to, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
  sqlite3_close(to);
  struct stat file;
  if (copied && !store->memory && stat(store->path, &file) == 0) chmod(path, file.st_mode & 0777); /* as private as the store */
  return copied;
}

bool sq_store_backup(sq_store *store, const char *path, sq_error *error) {
  if (!sq_store_enter(store, error)) return false;
  if (store->organization || store->project)
    return sq_fail(error, SQ_E_FORBIDDEN, "a backup holds every organization and project: open the store without them");
  if (sq_store_owns(store, path)) return sq_fail(error, SQ_E_STORE, "%s is a file of the store itself", sq_show(path, strlen(path)).text);
  if (access(path, F_OK) == 0) return sq_fail(error, SQ_E_STORE, "%s exists: a backup does not overwrite", sq_show(path, strlen(path)).text);
  sq_text partial = {0};
  sq_text_format(&partial, "%s.partial", path);
  bool good = sq_text_whole(&partial, error) && write_copy(store, partial.data, error);
  good = good && sq_publish(partial.data, path, error);
  if (!good && partial.data) unlink(partial.data);
  sq_text_free(&partial);
  return good;
}

/* The path from the root, links followed, of a file that may not be there yet; NULL when its folder is not. */
static char *whole_path(const char *path) {
  char *whole = realpath(path, NULL);
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  if (whole) return whole;
  sq_text folder = {0}, joined = {0};
  sq_text_append(&folder, slash ? path : ".", slash ? (size_t)(slash - path) + (slash == path) : 1);
  char *real = folder.failed ? NULL : realpath(folder.data, NULL);
  if (real) sq_text_format(&joined, "%s/%s", strcmp(real, "/") == 0 ? "" : real, name);
  free(real);
  sq_text_free(&folder);
  return joined.data;
}

bool sq_store_owns(const sq_store *store, const char *path) {
  static const char *const suffixes[] = {"", "-wal", "-shm", "-journal", "-columns"};
  char *whole = store->memory ? NULL : whole_path(path), *own = store->memory ? NULL : realpath(store->path, NULL);
  bool same = sq_path_is_held(path);
  size_t length = own ? strlen(own) : 0;
  for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes && whole && own && !same; i++)
    same = strncmp(whole, own, length) == 0 && strcmp(whole + length, suffixes[i]) == 0;
  free(whole);
  free(own);
  return same;
}
