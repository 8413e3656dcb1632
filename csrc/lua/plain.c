/* What needs no handle: JSON, ids, times. */
#include "lua/binding.h"

/* core.encode(value, strict): JSON text; or nil, message, {code, pointer} */
static int encode(lua_State *L) {
  binding_fault fault;
  luaL_checkany(L, 1);
  bool strict = lua_toboolean(L, 2);
  sq_text *text = binding_new_text(L);
  if (!binding_encode(L, 1, strict, text, &fault)) {
    lua_pushnil(L);
    lua_pushfstring(L, fault.pointer[0] ? "%s (at %s)" : "%s", fault.message, fault.pointer);
    lua_createtable(L, 0, 2);
    lua_pushstring(L, fault.code);
    lua_setfield(L, -2, "code");
    lua_pushstring(L, fault.pointer[0] ? fault.pointer : NULL);
    lua_setfield(L, -2, "pointer");
    return 3;
  }
  binding_push_text(L, text);
  return 1;
}

/* core.decode(text, last_wins): the Lua value of JSON with sq.null for null, and whether characters had to be repaired;
   or nil, message, detail, also when a key stands twice, unless the last one wins */
static int decode(lua_State *L) {
  size_t length;
  bool repaired;
  sq_error error = {.code = SQ_OK};
  const char *text = luaL_checklstring(L, 1, &length);
  lua_settop(L, 2);
  sq_text *room = binding_new_text(L);
  if (!sq_json_repair(&text, &length, room, &repaired, &error) || !binding_decode(L, text, length, lua_toboolean(L, 2), &error)) return binding_fail(L, &error);
  lua_pushboolean(L, repaired);
  return 2;
}

/* core.split(text): the members or elements of JSON as texts, "object" or "array", and whether characters had to be
   repaired; or nil, message, detail. What is taken apart so is given on as it came, with numbers of any length. */
static int split(lua_State *L) {
  size_t length;
  bool repaired;
  sq_error error = {.code = SQ_OK};
  const char *text = luaL_checklstring(L, 1, &length);
  sq_text *room = binding_new_text(L);
  if (!sq_json_repair(&text, &length, room, &repaired, &error) || !binding_split(L, text, length, &error)) return binding_fail(L, &error);
  lua_pushboolean(L, repaired);
  return 3;
}

/* core.line_id(identity, number, line): the request_id of a record that brings none */
static int line_id(lua_State *L) {
  size_t identity_length, length;
  const char *identity = luaL_checklstring(L, 1, &identity_length), *line = luaL_checklstring(L, 3, &length);
  uint64_t bits[2];
  char id[37];
  sq_identity(identity, identity_length, bits);
  sq_line_id(bits, (int64_t)luaL_checkinteger(L, 2), line, length, id);
  lua_pushstring(L, id);
  return 1;
}

/* core.uuid(): a new UUIDv7 */
static int uuid(lua_State *L) {
  char id[37];
  if (!sq_uuid_make(id)) return luaL_error(L, "the system gives no random bits");
  lua_pushstring(L, id);
  return 1;
}

/* core.tenant_id(organization): its UUID */
static int tenant_id(lua_State *L) {
  size_t length;
  const char *organization = luaL_checklstring(L, 1, &length);
  char id[37];
  sq_tenant_id(organization, length, id);
  lua_pushstring(L, id);
  return 1;
}

/* core.project_id(organization, name): the UUID of a project that was given none */
static int project_id(lua_State *L) {
  size_t length, name_length;
  const char *organization = luaL_checklstring(L, 1, &length), *name = luaL_checklstring(L, 2, &name_length);
  char id[37];
  sq_project_id(organization, length, name, name_length, id);
  lua_pushstring(L, id);
  return 1;
}

#define FIRST_YEAR INT64_C(-62135596800000000) /* 0001-01-01 */
#define LAST_YEAR INT64_C(253370764800000000)  /* 9999-01-01 */

/* core.iso(time, offset_minutes from -1440 to 1440): RFC 3339 text, or nil, message, detail */
static int iso(lua_State *L) {
  sq_value time;
  char text[48];
  int64_t micros;
  double offset = luaL_optnumber(L, 2, 0);
  sq_error error = {.code = SQ_OK};
  luaL_argcheck(L, offset >= -1440 && offset <= 1440, 2, "beyond a day");
  if (!binding_to_value(L, 1, &time)) return luaL_error(L, "a time is a number of seconds or RFC 3339 text");
  if (!sq_time_parse(&time, &micros, &error)) return binding_fail(L, &error);
  if (micros < FIRST_YEAR || micros >= LAST_YEAR) {
    sq_error beyond = {.code = SQ_E_VALUE, .message = "RFC 3339 has the years 1 to 9998 only, with room for an offset"};
    return binding_fail(L, &beyond);
  }
  lua_pushlstring(L, text, sq_time_format(micros, (int)offset, -1, text));
  return 1;
}

/* core.seconds(time): seconds since 1970, or nil, message, detail */
static int seconds(lua_State *L) {
  sq_value time;
  int64_t micros;
  sq_error error = {.code = SQ_OK}, wrong = {.code = SQ_E_TYPE, .message = "a time is a number of seconds or RFC 3339 text"};
  if (!binding_to_value(L, 1, &time)) return binding_fail(L, &wrong);
  if (!sq_time_parse(&time, &micros, &error)) return binding_fail(L, &error);
  lua_pushnumber(L, (double)micros / 1e6);
  return 1;
}

void binding_open_plain(lua_State *L) {
  static const luaL_Reg functions[] = {{"encode", encode}, {"decode", decode}, {"split", split}, {"line_id", line_id}, {"uuid", uuid}, {"tenant_id", tenant_id}, {"project_id", project_id},
                                       {"iso", iso}, {"seconds", seconds}, {NULL, NULL}};
  compat_set_functions(L, functions);
}
