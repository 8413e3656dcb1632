/* A JSON text with its escapes written out, as words are looked for in it. */
#include "base/json.h"

static bool is_json(const char *text, size_t length) {
  sq_json reader;
  sq_token token;
  sq_json_begin(&reader, text, length);
  do token = sq_json_next(&reader);
  while (token != SQ_TOKEN_END && token != SQ_TOKEN_ERROR);
  return token == SQ_TOKEN_END;
}

/* How many bytes the escape has, at its backslash, in JSON. */
static size_t escape_size(const char *at) {
  if (at[1] != 'u') return 2;
  int unit = sq_json_hex(at + 2);
  return unit >= 0xD800 && unit < 0xDC00 ? 12 : 6;
}

const char *sq_json_readable(const char *text, size_t *length, sq_text *room) {
  const char *at = text, *end = text + *length, *escape = *length ? memchr(text, '\\', *length) : NULL;
  if (!escape || !is_json(text, *length)) return text;
  sq_text_clear(room);
  if (!sq_text_reserve(room, *length)) return NULL; /* an escape is never shorter than what it stands for */
  for (; escape; escape = memchr(at, '\\', (size_t)(end - at))) {
    size_t size = escape_size(escape);
    sq_text_append(room, at, (size_t)(escape - at));
    room->length += sq_json_unescape(escape, size, room->data + room->length);
    at = escape + size;
  }
  sq_text_append(room, at, (size_t)(end - at));
  *length = room->length;
  return room->data;
}
