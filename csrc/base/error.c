#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static const struct {
  const char *name, *meaning;
  int status;
} codes[] = {
    {"ok", "no error", 200},
#define CODE_ROW(id, name, status, meaning) {name, meaning, status},
    SQ_CODES(CODE_ROW)
#undef CODE_ROW
};

const char *sq_code_name(sq_code code) { return (size_t)code < sizeof codes / sizeof *codes ? codes[code].name : NULL; }
const char *sq_code_meaning(sq_code code) { return codes[code].meaning; }
int sq_code_status(sq_code code) { return codes[code].status; }

/* vsnprintf may cut a character in two: takes the broken tail off. */
static void trim_message(sq_error *error) {
  size_t length = strlen(error->message), valid = sq_utf8_valid_prefix(error->message, length);
  error->message[valid] = '\0';
}

static void append(sq_error *error, const char *format, va_list arguments) {
  size_t length = strlen(error->message);
  vsnprintf(error->message + length, sizeof error->message - length, format, arguments);
  trim_message(error);
}

static bool begin(sq_error *error, sq_code code) {
  if (error->code != SQ_OK) return false;
  error->code = code;
  error->message[0] = '\0';
  return true;
}

bool sq_fail(sq_error *error, sq_code code, const char *format, ...) {
  if (!begin(error, code)) return false;
  va_list arguments;
  va_start(arguments, format);
  append(error, format, arguments);
  va_end(arguments);
  return false;
}

bool sq_fail_at(sq_error *error, sq_code code, size_t offset, size_t length, const char *format, ...) {
  if (!begin(error, code)) return false;
  error->placed = true;
  error->offset = offset;
  error->length = length;
  va_list arguments;
  va_start(arguments, format);
  append(error, format, arguments);
  va_end(arguments);
  return false;
}

bool sq_fail_memory(sq_error *error) { return sq_fail(error, SQ_E_NO_MEMORY, "out of memory"); }

void sq_error_append(sq_error *error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  append(error, format, arguments);
  va_end(arguments);
}

sq_shown sq_show(const char *text, size_t length) {
  enum { ROOM = sizeof((sq_shown){0}.text) - 4 }; /* for "…" and the terminator */
  sq_shown shown;
  size_t used = 0, at = 0;
  while (at < length) {
    uint32_t point;
    size_t size = sq_utf8_decode(text + at, length - at, &point);
    bool plain = size != 0 && point >= 0x20 && point != 0x7F;
    size_t width = plain ? size : 1;
    if (used + width > ROOM) break;
    if (plain) memcpy(shown.text + used, text + at, size);
    else shown.text[used] = '?';
    used += width;
    at += size ? size : 1;
  }
  if (at < length) {
    memcpy(shown.text + used, "\xE2\x80\xA6", 3);
    used += 3;
  }
  shown.text[used] = '\0';
  return shown;
}
