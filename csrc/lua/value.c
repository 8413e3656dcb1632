/* Values between Lua and the core: scalars, JSON, errors, texts; and the handles that Lua owns. */
#include "lua/binding.h"

#include <stdio.h>

int binding_fail(lua_State *L, const sq_error *error) {
  lua_pushnil(L);
  lua_pushstring(L, error->message);
  lua_createtable(L, 0, 4);
  lua_pushstring(L, sq_code_name(error->code));
  lua_setfield(L, -2, "code");
  if (error->placed) {
    lua_pushinteger(L, (lua_Integer)error->offset);
    lua_setfield(L, -2, "offset");
    lua_pushinteger(L, (lua_Integer)error->length);
    lua_setfield(L, -2, "length");
  }
  if (error->pointer[0]) {
    lua_pushstring(L, error->pointer);
    lua_setfield(L, -2, "pointer");
  }
  return 3;
}

bool binding_to_value(lua_State *L, int index, sq_value *out) {
  switch (lua_type(L, index)) {
    case LUA_TBOOLEAN: *out = (sq_value){.kind = SQ_BOOLEAN, .boolean = lua_toboolean(L, index)}; return true;
    case LUA_TNUMBER:
      if (compat_is_integer(L, index)) *out = (sq_value){.kind = SQ_INTEGER, .integer = lua_tointeger(L, index)};
      else *out = (sq_value){.kind = SQ_REAL, .real = lua_tonumber(L, index)};
      return true;
    case LUA_TSTRING: {
      size_t length;
      const char *text = lua_tolstring(L, index, &length);
      *out = (sq_value){.kind = SQ_STRING, .length = (uint32_t)length, .text = text};
      return length <= UINT32_MAX;
    }
    case LUA_TLIGHTUSERDATA: *out = (sq_value){.kind = SQ_NULL}; return lua_touserdata(L, index) == NULL;
    default: return false;
  }
}

/* ------------------------------------------------------------------------------------------------ reading */

/* How a JSON text is read into Lua. */
typedef struct decoding {
  sq_json json;
  bool whole;          /* null is sq.null in objects too, and empty arrays are marked */
  const char *twice;   /* a key that stood twice, or NULL; in the text */
  size_t twice_length;
} decoding;

static const char empty_array; /* its address: the registry's key of the mark */

/* An empty array and an empty object are the same table: the metatable tells. It does nothing. */
static void mark_empty_array(lua_State *L) {
  lua_pushlightuserdata(L, (void *)&empty_array);
  lua_rawget(L, LUA_REGISTRYINDEX);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushlightuserdata(L, (void *)&empty_array);
    lua_pushvalue(L, -2);
    lua_rawset(L, LUA_REGISTRYINDEX);
  }
  lua_setmetatable(L, -2);
}

bool binding_is_empty_array(lua_State *L, int index) {
  if (!lua_getmetatable(L, index)) return false;
  lua_pushlightuserdata(L, (void *)&empty_array);
  lua_rawget(L, LUA_REGISTRYINDEX);
  bool marked = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return marked;
}

static void push_number(lua_State *L, double number) {
  bool whole = number >= -9007199254740992.0 && number <= 9007199254740992.0;
  lua_Integer integer = whole ? (lua_Integer)number : 0;
  if (whole && (double)integer == number) lua_pushinteger(L, integer);
  else lua_pushnumber(L, number);
}

/* A number that a double does not hold is text: an integer beyond 2^53 - 1, or one beyond all doubles. */
static void push_decimal(lua_State *L, const char *text, size_t length) {
  double number = sq_number_parse(text, length);
  bool beyond = !(number >= -9007199254740991.0 && number <= 9007199254740991.0);
  bool digits = !memchr(text, '.', length) && !memchr(text, 'e', length) && !memchr(text, 'E', length);
  if (beyond && (digits || number - number != 0)) lua_pushlstring(L, text, length);
  else push_number(L, number);
}

static void push_string(lua_State *L, const sq_json *reader) {
  if (!reader->escaped) {
    lua_pushlstring(L, reader->token, reader->length);
    return;
  }
  char *plain = lua_newuserdata(L, reader->length + 1);
  size_t length = sq_json_unescape(reader->token, reader->length, plain);
  lua_pushlstring(L, plain, length);
  lua_remove(L, -2);
}

static void push_next(lua_State *L, decoding *d, sq_token token, bool in_object);

static void push_array(lua_State *L, decoding *d) {
  lua_newtable(L);
  sq_token token;
  int count = 0;
  while ((token = sq_json_next(&d->json)) > SQ_TOKEN_END && token != SQ_TOKEN_ARRAY_END) {
    push_next(L, d, token, false);
    lua_rawseti(L, -2, ++count);
  }
  if (d->whole && count == 0) mark_empty_array(L);
}

/* The key on top: is it in the table below it? Only asked where null is a value. */
static void note_twice(lua_State *L, decoding *d) {
  lua_pushvalue(L, -1);
  lua_rawget(L, -3);
  if (!lua_isnil(L, -1) && !d->twice) {
    d->twice = d->json.token;
    d->twice_length = d->json.length;
  }
  lua_pop(L, 1);
}

static void push_object(lua_State *L, decoding *d) {
  lua_newtable(L);
  while (sq_json_next(&d->json) == SQ_TOKEN_KEY) {
    push_string(L, &d->json);
    if (d->whole) note_twice(L, d);
    push_next(L, d, sq_json_next(&d->json), true);
    lua_rawset(L, -3);
  }
}

static void push_next(lua_State *L, decoding *d, sq_token token, bool in_object) {
  luaL_checkstack(L, 6, "JSON is nested too deep");
  switch (token) {
    case SQ_TOKEN_OBJECT: push_object(L, d); break;
    case SQ_TOKEN_ARRAY: push_array(L, d); break;
    case SQ_TOKEN_STRING: push_string(L, &d->json); break;
    case SQ_TOKEN_NUMBER: push_decimal(L, d->json.token, d->json.length); break;
    case SQ_TOKEN_TRUE:
    case SQ_TOKEN_FALSE: lua_pushboolean(L, token == SQ_TOKEN_TRUE); break;
    default:
      if (in_object && !d->whole) lua_pushnil(L);
      else lua_pushlightuserdata(L, NULL);
  }
}

void binding_push_json(lua_State *L, const char *text, size_t length) {
  decoding d = {.whole = false};
  sq_json_begin(&d.json, text, length);
  push_next(L, &d, sq_json_next(&d.json), true);
}

static bool place_error(sq_error *error, sq_code code, size_t offset, size_t length, const char *message) {
  *error = (sq_error){.code = code, .placed = true, .offset = offset, .length = length};
  snprintf(error->message, sizeof error->message, "%s", message);
  return false;
}

bool binding_decode(lua_State *L, const char *text, size_t length, bool last_wins, sq_error *error) {
  decoding d = {.whole = true};
  sq_token token;
  sq_json_begin(&d.json, text, length);
  while ((token = sq_json_next(&d.json)) > SQ_TOKEN_END) continue;
  if (token == SQ_TOKEN_ERROR)
    return place_error(error, d.json.code, (size_t)(d.json.at - text), d.json.at < d.json.end, d.json.error);
  sq_json_begin(&d.json, text, length);
  push_next(L, &d, sq_json_next(&d.json), false);
  if (!d.twice || last_wins) return true;
  lua_pop(L, 1);
  return place_error(error, SQ_E_SYNTAX, (size_t)(d.twice - text), d.twice_length, "a key stands twice");
}

/* Pushes the value whose first token was read, as it stands in the text. */
static void push_raw(lua_State *L, sq_json *json, sq_token token) {
  const char *from = token == SQ_TOKEN_STRING ? json->token - 1 : token == SQ_TOKEN_NUMBER ? json->token : json->at - 1;
  if (token == SQ_TOKEN_TRUE || token == SQ_TOKEN_NULL) from = json->at - 4;
  if (token == SQ_TOKEN_FALSE) from = json->at - 5;
  for (unsigned around = json->depth - 1; (token == SQ_TOKEN_OBJECT || token == SQ_TOKEN_ARRAY) && json->depth > around;) sq_json_next(json);
  lua_pushlstring(L, from, (size_t)(json->at - from));
}

bool binding_split(lua_State *L, const char *text, size_t length, sq_error *error) {
  sq_json json;
  sq_token token;
  int count = 0;
  sq_json_begin(&json, text, length);
  while ((token = sq_json_next(&json)) > SQ_TOKEN_END) continue;
  if (token == SQ_TOKEN_ERROR) return place_error(error, json.code, (size_t)(json.at - text), json.at < json.end, json.error);
  sq_json_begin(&json, text, length);
  if ((token = sq_json_next(&json)) != SQ_TOKEN_OBJECT && token != SQ_TOKEN_ARRAY)
    return place_error(error, SQ_E_TYPE, 0, length, "an object or a list is wanted");
  lua_newtable(L);
  while ((token = sq_json_next(&json)) != SQ_TOKEN_OBJECT_END && token != SQ_TOKEN_ARRAY_END) {
    bool member = token == SQ_TOKEN_KEY;
    if (member) push_string(L, &json);
    push_raw(L, &json, member ? sq_json_next(&json) : token);
    if (member) lua_rawset(L, -3);
    else lua_rawseti(L, -2, ++count);
  }
  lua_pushstring(L, token == SQ_TOKEN_OBJECT_END ? "object" : "array");
  return true;
}

binding_type binding_type_of(const char *type) {
  static const struct {
    const char *name;
    binding_type type;
  } types[] = {{"time", BINDING_TIME}, {"money", BINDING_MONEY}, {"scalar", BINDING_SCALAR}, {"list", BINDING_TABLE}, {"map", BINDING_TABLE}, {"statistics", BINDING_TABLE}, {"records", BINDING_TABLE}};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (strcmp(type, types[i].name) == 0) return types[i].type;
  return BINDING_PLAIN;
}

bool binding_is_nil(binding_type type, const sq_value *value) { return value->kind == SQ_NULL && type != BINDING_TABLE; }

static void push_integer(lua_State *L, binding_type type, int64_t integer) {
  if (type == BINDING_TIME) lua_pushnumber(L, (double)integer / 1e6);
  else if (type == BINDING_MONEY) lua_pushnumber(L, (double)integer / 1e9);
  else lua_pushinteger(L, (lua_Integer)integer);
}

void binding_push_value(lua_State *L, binding_type type, const sq_value *value) {
  switch (value->kind) {
    case SQ_NULL:
      if (type == BINDING_TABLE) lua_newtable(L);
      else lua_pushnil(L);
      break;
    case SQ_BOOLEAN: lua_pushboolean(L, value->boolean); break;
    case SQ_INTEGER: push_integer(L, type, value->integer); break;
    case SQ_REAL:
      if (type == BINDING_SCALAR) push_number(L, value->real);
      else lua_pushnumber(L, value->real);
      break;
    case SQ_JSON: binding_push_json(L, value->text, value->length); break;
    default: lua_pushlstring(L, value->text, value->length);
  }
}

/* ------------------------------------------------------------------------------------------ texts, handles */

static int free_text(lua_State *L) {
  sq_text_free(lua_touserdata(L, 1));
  return 0;
}

sq_text *binding_new_text(lua_State *L) {
  sq_text *text = lua_newuserdata(L, sizeof *text);
  *text = (sq_text){0};
  if (luaL_newmetatable(L, "sessionquery.text")) {
    lua_pushcfunction(L, free_text);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return text;
}

void binding_push_text(lua_State *L, sq_text *text) {
  lua_pushlstring(L, text->data ? text->data : "", text->length);
  sq_text_free(text); /* the collector sees a small userdata, and lets a hundred of large texts wait */
}

const char *binding_text_member(lua_State *L, int index, const char *name, size_t *length) {
  lua_getfield(L, index, name);
  if (!lua_isnil(L, -1) && lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "%s is text, not a %s", name, luaL_typename(L, -1));
  const char *text = lua_tolstring(L, -1, length);
  lua_pop(L, 1);
  return text;
}

const char *binding_terminated_member(lua_State *L, int index, const char *name) {
  size_t length = 0;
  const char *text = binding_text_member(L, index, name, &length);
  if (text && strlen(text) != length) luaL_error(L, "%s holds a NUL byte", name);
  return text;
}

/* Kilobytes that one of these holds, about: the collector sees a pointer, and would let thousands wait. */
static int weight_of(const char *type) { return strcmp(type, BINDING_QUERY) == 0 ? 2 : 0; }

void **binding_new(lua_State *L, const char *type) {
  int weight = weight_of(type);
  if (weight) lua_gc(L, LUA_GCSTEP, weight);
  void **handle = lua_newuserdata(L, sizeof *handle);
  *handle = NULL;
  luaL_getmetatable(L, type);
  lua_setmetatable(L, -2);
  return handle;
}

void *binding_check(lua_State *L, int index, const char *type) {
  void **handle = luaL_checkudata(L, index, type);
  if (!*handle) luaL_error(L, "the %s is closed", strchr(type, '.') + 1);
  return *handle;
}

void binding_make_type(lua_State *L, const char *type, const luaL_Reg *methods, lua_CFunction close, bool closeable) {
  luaL_newmetatable(L, type);
  lua_newtable(L);
  compat_set_functions(L, methods);
  if (closeable) {
    lua_pushcfunction(L, close);
    lua_setfield(L, -2, "close");
    lua_pushcfunction(L, close);
    lua_setfield(L, -3, "__close");
  }
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, close);
  lua_setfield(L, -2, "__gc");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}
