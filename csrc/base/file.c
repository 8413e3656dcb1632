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

static bool sync_folder_of(const char *path) {
  sq_text folder = {0};
  const char *slash = strrchr(path, '/');
  if (slash) sq_text_append(&folder, path, (size_t)(slash - path) + (slash == path));
  else sq_text_put(&folder, ".");
  bool synced = !folder.failed && sync_path(folder.data, O_RDONLY | O_DIRECTORY);
  sq_text_free(&folder);
  return synced;
}

bool sq_publish(const char *partial, const char *path, sq_error *error) {
  if (sync_path(partial, O_RDONLY) && rename(partial, path) == 0 && sync_folder_of(path)) return true;
  return sq_fail(error, errno == ENOSPC ? SQ_E_FULL : SQ_E_STORE, "cannot finish %s: %s", sq_show(path, strlen(path)).text, strerror(errno));
}
