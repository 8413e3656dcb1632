/* A cursor is base64url of: stamp (8 bytes), then each value (its kind, and 0, 1, 8 or 4 + length bytes),
   then a checksum (4 bytes). It holds no rights: the scope is the handle's, whatever a cursor says. */
#include "query/cursor.h"

#include <stdlib.h>

#include "base/hash.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

bool sq_cursor_stamp(const sq_query *query, const sq_scope *scope, uint64_t *out, sq_error *error) {
  sq_text text = {0};
  uint64_t bits[2] = {0, 0};
  sq_query_describe(query, &text);
  sq_text_format(&text, " in %d%s/%d%s", scope->organization != NULL, scope->organization ? scope->organization : "",
                 scope->project != NULL, scope->project ? scope->project : "");
  bool whole = sq_text_whole(&text, error);
  if (whole) sq_identity(text.data, text.length, bits);
  *out = bits[0];
  sq_text_free(&text);
  return whole;
}

static uint32_t checksum(const char *bytes, size_t length) {
  uint64_t bits[2];
  sq_identity(bytes, length, bits);
  return (uint32_t)bits[1];
}

static void pack(sq_text *out, const sq_value *value) {
  sq_text_byte(out, (char)value->kind);
  if (value->kind == SQ_BOOLEAN) sq_text_byte(out, (char)value->boolean);
  else if (value->kind == SQ_INTEGER || value->kind == SQ_REAL) sq_text_append(out, (const char *)&value->integer, 8);
  else if (value->kind != SQ_NULL) {
    sq_text_append(out, (const char *)&value->length, 4);
    sq_text_append(out, value->text, value->length);
  }
}

static char *encode(const sq_text *bytes) {
  char *out = malloc(bytes->length * 4 / 3 + 4), *at = out;
  if (!out) return NULL;
  for (size_t i = 0; i < bytes->length; i += 3) {
    size_t left = bytes->length - i;
    uint32_t group = (uint32_t)(unsigned char)bytes->data[i] << 16;
    if (left > 1) group |= (uint32_t)(unsigned char)bytes->data[i + 1] << 8;
    if (left > 2) group |= (unsigned char)bytes->data[i + 2];
    for (size_t k = 0; k < (left > 2 ? 4 : left + 1); k++) *at++ = alphabet[group >> (18 - 6 * k) & 63];
  }
  *at = '\0';
  return out;
}

char *sq_cursor_write(uint64_t stamp, const sq_value *values, size_t count) {
  sq_text bytes = {0};
  sq_text_append(&bytes, (const char *)&stamp, sizeof stamp);
  for (size_t i = 0; i < count; i++) pack(&bytes, &values[i]);
  uint32_t check = bytes.failed ? 0 : checksum(bytes.data, bytes.length);
  sq_text_append(&bytes, (const char *)&check, sizeof check);
  char *text = bytes.failed ? NULL : encode(&bytes);
  sq_text_free(&bytes);
  return text;
}

/* Into `out`, which has room for length bytes; how many, SIZE_MAX for what is no base64url. */
static size_t decode(const char *text, size_t length, char *out) {
  size_t used = 0;
  uint32_t group = 0;
  for (size_t i = 0; i < length; i++) {
    const char *found = text[i] ? strchr(alphabet, text[i]) : NULL;
    if (!found) return SIZE_MAX;
    group = group << 6 | (uint32_t)(found - alphabet);
    if (i % 4) out[used++] = (char)(group >> (6 - 2 * (i % 4)));
  }
  return length % 4 == 1 ? SIZE_MAX : used;
}

static const char *unpack(const char *at, const char *end, sq_value *value) {
  if (at == end) return NULL;
  *value = (sq_value){.kind = (sq_kind)*at++};
  size_t size = value->kind == SQ_NULL ? 0 : value->kind == SQ_BOOLEAN ? 1 : value->kind == SQ_INTEGER || value->kind == SQ_REAL ? 8 : 4;
  if (value->kind > SQ_STRING || (size_t)(end - at) < size) return NULL;
  if (value->kind == SQ_BOOLEAN) value->boolean = *at != 0;
  else if (size == 8) memcpy(&value->integer, at, 8);
  else if (size == 4) memcpy(&value->length, at, 4);
  at += size;
  if (value->kind != SQ_STRING) return at;
  value->text = at;
  return (size_t)(end - at) < value->length ? NULL : at + value->length;
}

bool sq_cursor_read(const char *text, size_t length, uint64_t stamp, sq_arena *arena, sq_value *values, size_t count,
                    sq_error *error) {
  char *bytes = sq_arena_take(arena, length + 1);
  uint32_t check;
  uint64_t theirs;
  if (!bytes) return sq_fail_memory(error);
  size_t size = decode(text, length, bytes);
  if (size == SIZE_MAX || size < sizeof theirs + sizeof check) return sq_fail(error, SQ_E_CURSOR, "not a cursor");
  const char *at = bytes + sizeof theirs, *end = bytes + size - sizeof check;
  memcpy(&theirs, bytes, sizeof theirs);
  memcpy(&check, end, sizeof check);
  if (check != checksum(bytes, size - sizeof check)) return sq_fail(error, SQ_E_CURSOR, "the cursor is damaged");
  if (theirs != stamp) return sq_fail(error, SQ_E_CURSOR, "the cursor belongs to another query");
  for (size_t i = 0; i < count; i++)
    if (!(at = unpack(at, end, &values[i]))) return sq_fail(error, SQ_E_CURSOR, "the cursor is damaged");
  return at == end || sq_fail(error, SQ_E_CURSOR, "the cursor is damaged");
}
