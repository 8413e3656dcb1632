/* require "sessionquery.core": the C library as Lua functions and handles. The Lua files beside it make the
   public API of them. */
#include <time.h>

#include "lua/binding.h"

__attribute__((visibility("default"))) int luaopen_sessionquery_core(lua_State *L);

/* core.type(value): "filter", "query", "store", "rows", "reader", "inflater", or nil */
static int type_of(lua_State *L) {
  static const char *const types[] = {BINDING_FILTER, BINDING_QUERY, BINDING_STORE, BINDING_ROWS, BINDING_READER, BINDING_INFLATER};
  if (lua_type(L, 1) != LUA_TUSERDATA || !lua_getmetatable(L, 1)) return 0;
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    luaL_getmetatable(L, types[i]);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 1);
    if (!same) continue;
    lua_pushstring(L, strchr(types[i], '.') + 1);
    return 1;
  }
  return 0;
}

/* core.width(text): columns of a terminal */
static int width(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  lua_pushinteger(L, (lua_Integer)sq_utf8_width(text, length));
  return 1;
}

/* core.clock(): seconds of a clock that never goes back */
static int read_clock(lua_State *L) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  lua_pushnumber(L, (double)now.tv_sec + (double)now.tv_nsec / 1e9);
  return 1;
}

int luaopen_sessionquery_core(lua_State *L) {
  lua_newtable(L);
  lua_pushcfunction(L, type_of);
  lua_setfield(L, -2, "type");
  lua_pushcfunction(L, read_clock);
  lua_setfield(L, -2, "clock");
  lua_pushcfunction(L, width);
  lua_setfield(L, -2, "width");
  binding_open_filter(L);
  binding_open_query(L);
  binding_open_store(L);
  binding_open_reader(L);
  binding_open_plain(L);
  binding_open_keys(L);
  binding_open_projects(L);
  binding_open_inflater(L);
  binding_open_skim(L);
  lua_pushlightuserdata(L, NULL);
  lua_setfield(L, -2, "null");
  lua_pushliteral(L, SQ_VERSION);
  lua_setfield(L, -2, "version");
  return 1;
}
