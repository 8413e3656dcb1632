/* One source for Lua 5.4 (and 5.3) and for LuaJIT and PUC 5.1: what 5.1 lacks, under names of our own, so
   that one build for 5.1 loads in both of its interpreters whichever headers it was compiled with. */
#ifndef SQ_LUA_COMPAT_H
#define SQ_LUA_COMPAT_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#if LUA_VERSION_NUM < 502

static inline size_t compat_length(lua_State *L, int index) { return lua_objlen(L, index); }

static inline void compat_set_functions(lua_State *L, const luaL_Reg *functions) {
  for (; functions->name; functions++) {
    lua_pushcfunction(L, functions->func);
    lua_setfield(L, -2, functions->name);
  }
}

static inline int compat_is_integer(lua_State *L, int index) {
  (void)L, (void)index;
  return 0;
}

#else

static inline size_t compat_length(lua_State *L, int index) { return lua_rawlen(L, index); }
static inline void compat_set_functions(lua_State *L, const luaL_Reg *functions) { luaL_setfuncs(L, functions, 0); }
static inline int compat_is_integer(lua_State *L, int index) { return lua_isinteger(L, index); }

#endif

/* LuaJIT's type number of cdata, which lua.h does not name. */
#define COMPAT_TYPE_CDATA 10

#endif
