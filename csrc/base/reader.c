/* Whole lines of a file, plain or gzip, in blocks. Not zlib's gzread, which passes over in silence what
   follows a gzip member and is none. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/text.h"

#define INPUT 131072 /* bytes read at once */

struct sq_reader {
  int descriptor;
  char *path;
  bool begun, ended;
  bool compressed;
  z_stream inflate;           /* next_in and avail_in: what was read and not taken, of a plain file too */
  sq_text rest;               /* the beginning of a line whose end was not read yet */
  unsigned char input[INPUT];
};

static bool fail(sq_reader *reader, const char *why, sq_error *error) {
  return sq_fail(error, SQ_E_STORE, "cannot read %s: %s", sq_show(reader->path, strlen(reader->path)).text, why);
}

/* Reads on, behind what was not taken yet. Nothing more at the end of the file. */
static bool fill(sq_reader *reader, sq_error *error) {
  z_stream *z = &reader->inflate;
  if (z->avail_in) memmove(reader->input, z->next_in, z->avail_in);
  z->next_in = reader->input;
  ssize_t got;
  do got = read(reader->descriptor, reader->input + z->avail_in, INPUT - z->avail_in);
  while (got < 0 && errno == EINTR);
  if (got < 0) return fail(reader, strerror(errno), error);
  z->avail_in += (unsigned)got;
  return true;
}

/* Reads until there are two bytes, or the file ends: what stands here shows in them. */
static bool fill_two(sq_reader *reader, sq_error *error) {
  unsigned before;
  do {
    before = reader->inflate.avail_in;
    if (before < 2 && !fill(reader, error)) return false;
  } while (reader->inflate.avail_in < 2 && reader->inflate.avail_in > before);
  return true;
}

static bool begins_member(const sq_reader *reader) {
  const z_stream *z = &reader->inflate;
  return z->avail_in >= 2 && z->next_in[0] == 0x1F && z->next_in[1] == 0x8B;
}

/* Looks at the first bytes. */
static bool begin(sq_reader *reader, sq_error *error) {
  z_stream *z = &reader->inflate;
  if (!fill_two(reader, error)) return false;
  reader->compressed = begins_member(reader);
  if (reader->compressed) return inflateInit2(z, 15 + 16) == Z_OK || sq_fail_memory(error);
  return true;
}

sq_reader *sq_reader_open(const char *path, sq_error *error) {
  sq_reader *reader = malloc(sizeof *reader);
  if (!reader) {
    sq_fail_memory(error);
    return NULL;
  }
  memset(reader, 0, offsetof(sq_reader, input));
  reader->path = strdup(path);
  reader->descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (reader->descriptor < 0)
    sq_fail(error, errno == ENOENT ? SQ_E_NOT_FOUND : SQ_E_STORE, "cannot open %s: %s", sq_show(path, strlen(path)).text, strerror(errno));
  else if (!reader->path)
    sq_fail_memory(error);
  else if (begin(reader, error))
    return reader;
  sq_reader_close(reader);
  return NULL;
}

/* Behind a member: another one, zeros (of a tape, as gzip has it), or the end. */
static bool next_member(sq_reader *reader, sq_error *error) {
  z_stream *z = &reader->inflate;
  if (!fill_two(reader, error)) return false;
  while (z->avail_in && *z->next_in == 0) {
    z->next_in++;
    z->avail_in--;
    if (!fill_two(reader, error)) return false;
  }
  reader->ended = z->avail_in == 0;
  if (reader->ended) return true;
  if (!begins_member(reader)) return fail(reader, "behind its gzip data stands something else", error);
  return inflateReset(z) == Z_OK || sq_fail_memory(error);
}

static bool read_compressed(sq_reader *reader, size_t size, sq_text *block, sq_error *error) {
  z_stream *z = &reader->inflate;
  z->next_out = (unsigned char *)block->data + block->length;
  z->avail_out = (unsigned)size;
  if (z->avail_in == 0 && !fill(reader, error)) return false;
  if (z->avail_in == 0) return fail(reader, "the gzip file ends too early", error);
  int code = inflate(z, Z_NO_FLUSH);
  block->length += size - z->avail_out;
  if (code == Z_STREAM_END) return next_member(reader, error);
  if (code == Z_MEM_ERROR) return sq_fail_memory(error);
  return code == Z_OK || code == Z_BUF_ERROR || fail(reader, z->msg ? z->msg : "damaged gzip data", error);
}

static bool read_plain(sq_reader *reader, size_t size, sq_text *block, sq_error *error) {
  z_stream *z = &reader->inflate;
  if (z->avail_in == 0 && !fill(reader, error)) return false;
  size_t taken = z->avail_in < size ? z->avail_in : size;
  memcpy(block->data + block->length, z->next_in, taken);
  z->next_in += taken;
  z->avail_in -= (unsigned)taken;
  block->length += taken;
  reader->ended = taken == 0;
  return true;
}

/* Appends up to `size` bytes of the file. */
static bool read_more(sq_reader *reader, size_t size, sq_text *block, sq_error *error) {
  if (!sq_text_reserve(block, size)) return sq_fail_memory(error);
  bool good = reader->compressed ? read_compressed(reader, size, block, error) : read_plain(reader, size, block, error);
  block->data[block->length] = '\0';
  return good;
}

/* A byte order mark at the start is no part of the first line. */
static void drop_mark(sq_reader *reader, sq_text *block) {
  bool marked = !reader->begun && block->length >= 3 && memcmp(block->data, "\xEF\xBB\xBF", 3) == 0;
  reader->begun = true;
  if (!marked) return;
  block->length -= 3;
  memmove(block->data, block->data + 3, block->length + 1);
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
  if (reader->ended) {
    drop_mark(reader, block);
    return sq_text_whole(block, error);
  }
  size_t whole = (size_t)(last + 1 - block->data);
  sq_text_append(&reader->rest, block->data + whole, block->length - whole);
  block->length = whole;
  drop_mark(reader, block);
  return sq_text_whole(&reader->rest, error) && sq_text_whole(block, error);
}

void sq_reader_close(sq_reader *reader) {
  if (!reader) return;
  if (reader->compressed) inflateEnd(&reader->inflate);
  if (reader->descriptor >= 0) close(reader->descriptor);
  sq_text_free(&reader->rest);
  free(reader->path);
  free(reader);
}
