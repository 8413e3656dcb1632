/* Lua values as JSON. A table is an array when it has only the keys 1 to n, an object when all its keys are
   text; an empty one is an object, unless binding_decode made it of an empty array. Metamethods are not asked. */
#include <math.h>
#include <stdio.h>

#include "lua/binding.h"

#define DEEPEST (SQ_JSON_DEPTH - 8)

/* The way from the root to a value, for messages. */
typedef struct step {
  const struct step *above;
  const char *key; /* NULL: an index */
  size_t length;   /* of the key, or the index */
} step;

typedef struct encoding {
  lua_State *L;
  sq_text *out;
  bool strict; /* text must be UTF-8 without NUL; otherwise it is repaired later */
  binding_fault *fault;
} encoding;

/* The parts of the path that fit: a key may be of any size and bytes, so it is written as JSON has it. */
static size_t write_path(const step *at, char *out, size_t room) {
  if (!at) return 0;
  size_t used = write_path(at->above, out, room);
  char index[24];
  sq_text key = {0};
  if (at->key) sq_json_write_string(&key, at->key, at->length);
  else snprintf(index, sizeof index, "%zu", at->length);
  const char *part = at->key ? (key.data ? key.data + 1 : "") : index; /* without its opening quote */
  size_t length = at->key ? (key.length > 2 ? key.length - 2 : 0) : strlen(index);
  if (used + 1 + length < room) {
    out[used] = '/';
    memcpy(out + used + 1, part, length);
    used += 1 + length;
    out[used] = '\0';
  }
  sq_text_free(&key);
  return used;
}

static bool refuse(encoding *e, const step *at, const char *code, const char *why) {
  *e->fault = (binding_fault){.code = code, .message = why};
  write_path(at, e->fault->pointer, sizeof e->fault->pointer);
  return false;
}

static bool encode(encoding *e, int index, const step *at, int depth);

static bool encode_number(encoding *e, int index, const step *at) {
  char room[32];
  if (compat_is_integer(e->L, index)) {
    sq_text_append(e->out, room, (size_t)snprintf(room, sizeof room, "%lld", (long long)lua_tointeger(e->L, index)));
    return true;
  }
  double number = lua_tonumber(e->L, index);
  if (isnan(number) || isinf(number)) return refuse(e, at, "value", "NaN and infinities are no values");
  sq_text_append(e->out, room, sq_number_format(number, room));
  return true;
}

static bool is_array(lua_State *L, int index, size_t length) {
  size_t count = 0;
  if (length == 0) {
    lua_pushnil(L);
    bool empty = lua_next(L, index) == 0;
    if (!empty) lua_pop(L, 2);
    return empty && binding_is_empty_array(L, index);
  }
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
    if (++count > length) {
      lua_pop(L, 2);
      return false;
    }
  return count == length;
}

static bool encode_array(encoding *e, int index, size_t length, const step *at, int depth) {
  sq_text_append(e->out, "[", 1);
  for (size_t i = 1; i <= length; i++) {
    if (i > 1) sq_text_append(e->out, ",", 1);
    lua_rawgeti(e->L, index, (int)i);
    if (!encode(e, lua_gettop(e->L), &(step){at, NULL, i - 1}, depth)) return false;
    lua_pop(e->L, 1);
  }
  sq_text_append(e->out, "]", 1);
  return true;
}

static bool encode_text(encoding *e, const char *text, size_t length, const step *at) {
  if (e->strict && memchr(text, '\0', length)) return refuse(e, at, "value", "U+0000 in text");
  if (e->strict && !sq_utf8_is_valid(text, length)) return refuse(e, at, "value", "invalid UTF-8");
  sq_json_write_string(e->out, text, length);
  return true;
}

static bool encode_object(encoding *e, int index, const step *at, int depth) {
  bool first = true;
  sq_text_append(e->out, "{", 1);
  for (lua_pushnil(e->L); lua_next(e->L, index); lua_pop(e->L, 1)) {
    if (lua_type(e->L, -2) != LUA_TSTRING) return refuse(e, at, "value", "a table with keys that are neither 1 to n nor all text");
    size_t length;
    const char *key = lua_tolstring(e->L, -2, &length);
    if (!first) sq_text_append(e->out, ",", 1);
    first = false;
    if (!encode_text(e, key, length, at)) return false;
    sq_text_append(e->out, ":", 1);
    if (!encode(e, lua_gettop(e->L), &(step){at, key, length}, depth)) return false;
  }
  sq_text_append(e->out, "}", 1);
  return true;
}

static bool encode(encoding *e, int index, const step *at, int depth) {
  switch (lua_type(e->L, index)) {
    case LUA_TSTRING: {
      size_t length;
      const char *text = lua_tolstring(e->L, index, &length);
      return encode_text(e, text, length, at);
    }
    case LUA_TNUMBER: return encode_number(e, index, at);
    case LUA_TBOOLEAN: sq_text_append(e->out, lua_toboolean(e->L, index) ? "true" : "false", lua_toboolean(e->L, index) ? 4 : 5); return true;
    case LUA_TLIGHTUSERDATA:
      if (lua_touserdata(e->L, index)) return refuse(e, at, "value", "a light userdata is no value");
      sq_text_append(e->out, "null", 4);
      return true;
    case LUA_TTABLE: {
      if (depth == DEEPEST || !lua_checkstack(e->L, 8)) return refuse(e, at, "limit", "tables nested too deep, or in a circle");
      size_t length = compat_length(e->L, index);
      return is_array(e->L, index, length) ? encode_array(e, index, length, at, depth + 1) : encode_object(e, index, at, depth + 1);
    }
    case COMPAT_TYPE_CDATA: return refuse(e, at, "cdata", "a cdata is no value: an int64 is given as tonumber(x), or as text");
    default: return refuse(e, at, "value", "a function, userdata or thread is no value");
  }
}

bool binding_encode(lua_State *L, int index, bool strict, sq_text *out, binding_fault *fault) {
  encoding e = {.L = L, .out = out, .strict = strict, .fault = fault};
  int top = lua_gettop(L);
  bool good = encode(&e, index < 0 ? top + index + 1 : index, NULL, 0);
  lua_settop(L, top);
  return good && (!out->failed || refuse(&e, NULL, "no_memory", "out of memory"));
}
