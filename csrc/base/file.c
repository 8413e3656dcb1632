#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

static bool sync_path(const char *path, int flags) {
  int descriptor = open(path, flags | O_CLOEXEC);
  bool synced = descriptor >= 0 && fsync(descriptor) == 0;
  int kept = errno;
  if (descriptor >= 0) close(descriptor);
  errno = kept;
  return synced;
}

static bool find_folder(const char *path, sq_text *folder, sq_error *error) {
  const char *slash = strrchr(path, '/');
  if (slash) sq_text_append(folder, path, (size_t)(slash - path) + (slash == path));
  else sq_text_put(folder, ".");
  return sq_text_whole(folder, error);
}

bool sq_publish(const char *partial, const char *path, sq_error *error) {
  sq_text folder = {0};
  if (!find_folder(path, &folder, error)) return false;
  bool published = sync_path(partial, O_RDONLY) && rename(partial, path) == 0 && sync_path(folder.data, O_RDONLY | O_DIRECTORY);
  int kept = errno;
  sq_text_free(&folder);
  return published || sq_fail(error, kept == ENOSPC ? SQ_E_FULL : SQ_E_STORE, "cannot finish %s: %s", sq_show(path, strlen(path)).text, strerror(kept));
}
