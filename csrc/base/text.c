#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/arena.h"

bool sq_text_reserve(sq_text *text, size_t more) {
  if (text->failed) return false;
  size_t wanted = text->length + more + 1;
  if (wanted <= text->capacity) return true;
  size_t capacity = text->capacity ? text->capacity : 64;
  while (capacity < wanted && capacity <= SIZE_MAX / 2) capacity *= 2;
  char *data = wanted < more || capacity < wanted
                   ? NULL
                   : sq_resize(sq_allocator_or_libc(text->allocator), text->data, text->capacity, capacity);
  if (!data) {
    text->failed = true;
    return false;
  }
  text->data = data;
  text->capacity = capacity;
  return true;
}

void sq_text_append(sq_text *text, const char *bytes, size_t length) {
  if (!sq_text_reserve(text, length)) return;
  if (length) memcpy(text->data + text->length, bytes, length);
  text->length += length;
  text->data[text->length] = '\0';
}

/* Mostly there is room, and it is formatted once. */
void sq_text_format(sq_text *text, const char *format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  size_t room = text->failed ? 0 : text->capacity - text->length;
  int length = vsnprintf(room ? text->data + text->length : NULL, room, format, arguments);
  bool fits = length >= 0 && (size_t)length < room;
  if (!fits && length >= 0 && (fits = sq_text_reserve(text, (size_t)length))) vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
  if (fits) text->length += (size_t)length;
  else if (room) text->data[text->length] = '\0';
  va_end(again);
  va_end(arguments);
}

void sq_text_free(sq_text *text) {
  if (text->data) sq_resize(sq_allocator_or_libc(text->allocator), text->data, text->capacity, 0);
  *text = (sq_text){.allocator = text->allocator};
}
