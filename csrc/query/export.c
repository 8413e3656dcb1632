/* Requests as canonical JSON lines, such as import reads. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/file.h"
#include "base/json.h"
#include "query/json.h"
#include "query/run.h"

/* What is absent is left out. */
static bool write_line(sq_text *line, const sq_plan *plan, sq_scan *scan, sq_error *error) {
  const sq_columns *columns = &plan->columns;
  sq_text_clear(line);
  sq_text_byte(line, '{');
  for (size_t i = 0; i < columns->shown; i++) {
    sq_value value;
    if (!sq_plan_value(plan, scan, i, &value, error)) return false;
    if (value.kind == SQ_NULL) continue;
    if (line->length > 1) sq_text_byte(line, ',');
    sq_json_write_string(line, columns->items[i].name, strlen(columns->items[i].name));
    sq_text_byte(line, ':');
    sq_json_write_value(line, columns->items[i].type, &value);
  }
  sq_text_put(line, "}\n");
  return sq_text_whole(line, error);
}

static bool ends_in(const char *path, const char *ending) {
  size_t length = strlen(path), size = strlen(ending);
  return length >= size && strcmp(path + length - size, ending) == 0;
}

static bool write_failed(const char *path, sq_error *error) {
  return sq_fail(error, errno == ENOSPC ? SQ_E_FULL : SQ_E_STORE, "cannot write %s: %s", sq_show(path, strlen(path)).text, strerror(errno));
}

static int64_t write_all(gzFile file, const char *path, const sq_plan *plan, sq_scan *scan, sq_error *error) {
  sq_text line = {0};
  int64_t count = 0;
  int got;
  while ((got = sq_scan_next(scan, error)) == 1 && write_line(&line, plan, scan, error)) {
    if (gzwrite(file, line.data, (unsigned)line.length) != (int)line.length) {
      write_failed(path, error);
      break;
    }
    count++;
  }
  sq_text_free(&line);
  return got == 0 ? count : -1;
}

/* Opens, writes and closes the file under its temporary name. */
static int64_t write_file(const char *partial, int flags, bool compressed, const sq_plan *plan, sq_scan *scan, sq_error *error) {
  int descriptor = open(partial, O_WRONLY | O_CLOEXEC | flags, 0666);
  gzFile file = descriptor < 0 ? NULL : gzdopen(descriptor, compressed ? "wb" : "wbT");
  if (!file) {
    write_failed(partial, error);
    if (descriptor >= 0) close(descriptor);
    return -1;
  }
  int64_t count = write_all(file, partial, plan, scan, error);
  if (gzclose(file) != Z_OK && count >= 0) {
    write_failed(partial, error);
    count = -1;
  }
  return count;
}

static int64_t write_whole(const char *path, bool compressed, const sq_plan *plan, sq_scan *scan, sq_error *error) {
  sq_text partial = {0};
  sq_text_format(&partial, "%s.partial", path);
  int64_t count = sq_text_whole(&partial, error) ? write_file(partial.data, O_CREAT | O_TRUNC, compressed, plan, scan, error) : -1;
  if (count >= 0 && !sq_publish(partial.data, path, error)) count = -1;
  if (count < 0 && partial.data) unlink(partial.data);
  sq_text_free(&partial);
  return count;
}

/* A device or pipe is written to; a file is replaced when the new one is whole, behind a link too. */
static int64_t export_to(const char *path, const sq_plan *plan, sq_scan *scan, sq_error *error) {
  struct stat file;
  bool compressed = ends_in(path, ".gz"), there = stat(path, &file) == 0;
  if (there && !S_ISREG(file.st_mode)) return write_file(path, 0, compressed, plan, scan, error);
  char *target = there ? realpath(path, NULL) : NULL;
  int64_t count = write_whole(target ? target : path, compressed, plan, scan, error);
  free(target);
  return count;
}

int64_t sq_store_export(sq_store *store, const char *path, const sq_filter *filter, sq_error *error) {
  if (!sq_store_enter(store, error)) return -1;
  if (sq_store_owns(store, path)) {
    sq_fail(error, SQ_E_STORE, "%s is a file of the store itself: export to another one", sq_show(path, strlen(path)).text);
    return -1;
  }
  sq_query *query = sq_query_recorded(filter, NULL, error);
  if (!query) return -1;
  sq_plan plan;
  int64_t count = -1;
  if (sq_plan_begin(&plan, store, query, false, error) && sq_plan_write(&plan, query, false)) {
    sq_scan *scan = sq_plan_scan(&plan, store, error);
    if (scan) count = export_to(path, &plan, scan, error);
    sq_scan_close(scan);
  }
  sq_plan_end(&plan);
  sq_query_free(query);
  return count;
}
