/* A compressed HTTP body, inflated piece by piece. */
#include "lua/binding.h"

#define BLOCK 32768 /* bytes of text that a read gives at most */

/* core.inflater("gzip" or "deflate", most, ratio): inflates up to `most` bytes and `ratio` times what came in */
static int open_inflater(lua_State *L) {
  static const char *const formats[] = {"gzip", "deflate", NULL};
  int format = luaL_checkoption(L, 1, NULL, formats);
  lua_Number most = luaL_checknumber(L, 2), ratio = luaL_checknumber(L, 3);
  luaL_argcheck(L, most >= 1 && most <= 9007199254740992.0, 2, "out of range");
  luaL_argcheck(L, ratio >= 1 && ratio <= 1e6, 3, "out of range");
  sq_error error = {.code = SQ_OK};
  void **handle = binding_new(L, BINDING_INFLATER);
  *handle = sq_inflater_open(format == 0, (uint64_t)most, (uint32_t)ratio, &error);
  return *handle ? 1 : binding_fail(L, &error);
}

/* inflater:read(bytes, from): a piece of text, and where to read on; text "" when all was taken. nil, message,
   detail when the bytes are damaged or inflate to too much. */
static int read_inflater(lua_State *L) {
  sq_inflater *inflater = binding_check(L, 1, BINDING_INFLATER);
  size_t length, got;
  const char *bytes = luaL_checklstring(L, 2, &length);
  lua_Number from = luaL_checknumber(L, 3);
  luaL_argcheck(L, from >= 1 && from <= (lua_Number)length + 1, 3, "outside the bytes");
  sq_error error = {.code = SQ_OK};
  const char *at = bytes + (size_t)from - 1;
  size_t left = length - ((size_t)from - 1);
  char *block = lua_newuserdata(L, BLOCK);
  if (!sq_inflater_read(inflater, &at, &left, block, BLOCK, &got, &error)) return binding_fail(L, &error);
  lua_pushlstring(L, block, got);
  lua_pushinteger(L, (lua_Integer)(at - bytes) + 1);
  return 2;
}

static int close_inflater(lua_State *L) {
  void **handle = luaL_checkudata(L, 1, BINDING_INFLATER);
  sq_inflater_close(*handle);
  *handle = NULL;
  return 0;
}

void binding_open_inflater(lua_State *L) {
  static const luaL_Reg methods[] = {{"read", read_inflater}, {NULL, NULL}};
  binding_make_type(L, BINDING_INFLATER, methods, close_inflater, true);
  lua_pushcfunction(L, open_inflater);
  lua_setfield(L, -2, "inflater");
}
