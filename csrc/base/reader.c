/* Whole lines of a file, plain or gzip (zlib tells which), in blocks. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/text.h"

struct sq_reader {
  gzFile file;
  sq_text rest; /* the beginning of a line whose end was not read yet */
  bool ended;
};

sq_reader *sq_reader_open(const char *path, sq_error *error) {
  sq_reader *reader = calloc(1, sizeof *reader);
  if (!reader) {
    sq_fail_memory(error);
    return NULL;
  }
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    sq_fail(error, errno == ENOENT ? SQ_E_NOT_FOUND : SQ_E_STORE, "cannot open %s: %s",
            sq_show(path, strlen(path)).text, strerror(errno));
  } else if (!(reader->file = gzdopen(descriptor, "rb"))) {
    close(descriptor);
    sq_fail_memory(error);
  } else {
    gzbuffer(reader->file, 128 * 1024);
    return reader;
  }
  free(reader);
  return NULL;
}

/* Appends up to `size` bytes of the file. */
static bool read_more(sq_reader *reader, size_t size, sq_text *block, sq_error *error) {
  if (!sq_text_reserve(block, size)) return sq_fail_memory(error);
  int got = gzread(reader->file, block->data + block->length, (unsigned)size);
  int code = Z_OK;
  const char *why = got <= 0 ? gzerror(reader->file, &code) : "";
  if (got < 0 || code == Z_BUF_ERROR)
    return sq_fail(error, SQ_E_STORE, "cannot read on: %s",
                   code == Z_BUF_ERROR ? "the gzip file ends too early" : code == Z_ERRNO ? strerror(errno) : why);
  block->length += (size_t)got;
  block->data[block->length] = '\0';
  reader->ended = got == 0;
  return true;
}

bool sq_reader_block(sq_reader *reader, size_t size, sq_text *block, sq_error *error) {
  sq_text_clear(block);
  sq_text_append(block, reader->rest.data, reader->rest.length);
  sq_text_clear(&reader->rest);
  const char *last = NULL;
  size_t searched = 0;
  while (!reader->ended && !(last && block->length >= size)) {
    if (!read_more(reader, block->length < size ? size - block->length : size, block, error)) return false;
    const char *found = memrchr(block->data + searched, '\n', block->length - searched);
    if (found) last = found;
    else if (last) last = memrchr(block->data, '\n', block->length); /* the buffer may have moved */
    searched = block->length;
  }
  if (reader->ended) return sq_text_whole(block, error);
  size_t whole = (size_t)(last + 1 - block->data);
  sq_text_append(&reader->rest, block->data + whole, block->length - whole);
  block->length = whole;
  return sq_text_whole(&reader->rest, error) && sq_text_whole(block, error);
}

void sq_reader_close(sq_reader *reader) {
  if (!reader) return;
  gzclose(reader->file);
  sq_text_free(&reader->rest);
  free(reader);
}
