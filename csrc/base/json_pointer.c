/* Where an error stands, as a JSON pointer: the text is read again from its start, so that nobody who
   compiles a right one pays for the path. */
#include <stdio.h>

#include "base/json.h"

typedef struct level {
  const char *key; /* NULL in an array */
  size_t length, index;
  bool escaped;
} level;

/* A key in the pointer's own escapes; raw JSON escapes are undone where they fit. */
static void put_key(sq_text *out, const level *l) {
  char plain[256];
  const char *key = l->key;
  size_t length = l->length;
  if (l->escaped && length <= sizeof plain) {
    length = sq_json_unescape(l->key, l->length, plain);
    key = plain;
  }
  for (size_t i = 0; i < length; i++) {
    if (key[i] == '~') sq_text_put(out, "~0");
    else if (key[i] == '/') sq_text_put(out, "~1");
    else sq_text_byte(out, key[i]);
  }
}

static void put_levels(const level *levels, unsigned count, char *out, size_t room) {
  sq_text path = {0};
  for (unsigned i = 0; i < count; i++) {
    sq_text_byte(&path, '/');
    if (levels[i].key) put_key(&path, &levels[i]);
    else sq_text_format(&path, "%zu", levels[i].index);
  }
  size_t length = path.failed ? 0 : path.length;
  if (length >= room) length = 0; /* none is better than a wrong one */
  out[length] = '\0';
  if (length) memcpy(out, path.data, length);
  sq_text_free(&path);
}

void sq_json_pointer(const char *text, size_t length, size_t offset, char *out, size_t room) {
  level levels[SQ_JSON_DEPTH + 1] = {{0}};
  sq_json reader;
  sq_json_begin(&reader, text, length);
  unsigned depth = 0; /* levels[0 .. depth-1] lead to the value being read */
  while ((size_t)(reader.at - text) <= offset) {
    bool in_array = reader.depth > 0 && depth == reader.depth && !levels[depth - 1].key;
    sq_token token = sq_json_next(&reader);
    if (token == SQ_TOKEN_ERROR || token == SQ_TOKEN_END) break;
    if (token == SQ_TOKEN_OBJECT_END || token == SQ_TOKEN_ARRAY_END) {
      depth = reader.depth;
      if (depth && !levels[depth - 1].key) levels[depth - 1].index++;
      continue;
    }
    if (token == SQ_TOKEN_KEY) {
      depth = reader.depth;
      levels[depth - 1] = (level){.key = reader.token, .length = reader.length, .escaped = reader.escaped};
      if ((size_t)(reader.token - 1 - text) >= offset) break;
      continue;
    }
    if ((size_t)(reader.at - text) > offset) break;
    if (token == SQ_TOKEN_ARRAY) {
      depth = reader.depth;
      levels[depth - 1] = (level){0};
    } else if (in_array && token != SQ_TOKEN_OBJECT) {
      levels[depth - 1].index++;
    }
  }
  put_levels(levels, depth, out, room);
}
