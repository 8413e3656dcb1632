/* Numbers about the store, and copies of it. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "store/sqlite.h"

#define SCOPE " FROM request WHERE organization_id = coalesce(?1, organization_id) AND project = coalesce(?2, project)"

/* One row of integers, in the order of the statement. */
static bool read_integers(sq_store *store, const char *sql, int64_t *const out[], int count, sq_error *error) {
  sqlite3_stmt *read = sq_prepare(store, sql, error);
  if (!read) return false;
  sq_bind_terminated(read, 1, store->organization);
  sq_bind_terminated(read, 2, store->project);
  int code = sqlite3_step(read);
  for (int i = 0; i < count && code == SQLITE_ROW; i++) *out[i] = sqlite3_column_int64(read, i);
  bool good = code == SQLITE_ROW || sq_sqlite_fail(store, code, error);
  sqlite3_finalize(read);
  return good;
}

static int64_t size_of(const char *path, const char *suffix) {
  struct stat file;
  sq_text whole = {0};
  sq_text_format(&whole, "%s%s", path, suffix);
  int64_t size = !whole.failed && stat(whole.data, &file) == 0 ? (int64_t)file.st_size : 0;
  sq_text_free(&whole);
  return size;
}

bool sq_store_stats(sq_store *store, sq_stats *s, sq_error *error) {
  *s = (sq_stats){.schema_version = SQ_SCHEMA_VERSION};
  if (!sq_store_enter(store, error)) return false;
  int64_t *const counts[] = {&s->requests, &s->without_session, &s->organizations, &s->first_created_at, &s->last_created_at};
  int64_t pages = 0, page_size = 0;
  bool good =
      read_integers(store, "SELECT count(*), count(*) - count(session_id), count(DISTINCT organization_id), min(created_at_us), max(created_at_us)" SCOPE, counts, 5, error) &&
      read_integers(store, "SELECT count(*) FROM (SELECT DISTINCT organization_id, project" SCOPE ")", (int64_t *const[]){&s->projects}, 1, error) &&
      read_integers(store, "SELECT count(*) FROM (SELECT DISTINCT session_id, organization_id, project" SCOPE " AND session_id IS NOT NULL)", (int64_t *const[]){&s->sessions}, 1, error) &&
      read_integers(store, "SELECT count(*) FROM body JOIN request USING (seq) WHERE organization_id = coalesce(?1, organization_id) AND project = coalesce(?2, project)", (int64_t *const[]){&s->bodies}, 1, error) &&
      read_integers(store, "SELECT count(*) FROM feedback WHERE organization_id = coalesce(?1, organization_id) AND project = coalesce(?2, project)", (int64_t *const[]){&s->feedback}, 1, error) &&
      sq_query_integer(store, "PRAGMA page_count", &pages, error) && sq_query_integer(store, "PRAGMA page_size", &page_size, error);
  s->has_requests = s->requests > 0;
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

static bool write_copy(sq_store *store, const char *path, sq_error *error) {
  sqlite3 *to = NULL;
  unlink(path); /* left by a copy that was killed */
  int code = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
  bool copied = code == SQLITE_OK ? copy_to(store, to, error) : sq_fail(error, SQ_E_STORE, "cannot write %s", sq_show(path, strlen(path)).text);
  /* synced by the commit of the copy; in its own file, without a WAL beside it */
  if (copied) sqlite3_exec(to, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
  sqlite3_close(to);
  return copied;
}

bool sq_store_backup(sq_store *store, const char *path, sq_error *error) {
  if (!sq_store_enter(store, error)) return false;
  if (store->organization || store->project)
    return sq_fail(error, SQ_E_FORBIDDEN, "a backup holds every organization and project: open the store without them");
  if (access(path, F_OK) == 0) return sq_fail(error, SQ_E_STORE, "%s exists: a backup does not overwrite", sq_show(path, strlen(path)).text);
  sq_text partial = {0};
  sq_text_format(&partial, "%s.partial", path);
  bool good = sq_text_whole(&partial, error) && write_copy(store, partial.data, error);
  good = good && sq_publish(partial.data, path, error);
  if (!good && partial.data) unlink(partial.data);
  sq_text_free(&partial);
  return good;
}
