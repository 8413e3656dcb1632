/* JSON text in pieces. */
#include "lua/binding.h"

/* What stands between two calls is one number: depth * 4, + 2 within a string, + 1 behind a backslash there. */
static sq_skim state_of(lua_State *L, int index) {
  lua_Number number = luaL_checknumber(L, index);
  luaL_argcheck(L, number >= 0 && number < 9007199254740992.0, index, "out of range");
  uint64_t bits = (uint64_t)number;
  return (sq_skim){.depth = bits / 4, .in_string = bits & 2, .escaped = bits & 1};
}

/* core.skim(text, from, state): the place of the next mark of the outermost level, from 1, and the state there; nil
   and the state at the text's end. The mark itself is behind: the next call begins at the byte after it. */
static int skim(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  lua_Number from = luaL_checknumber(L, 2);
  luaL_argcheck(L, from >= 1 && from <= (lua_Number)length + 1, 2, "outside the text");
  sq_skim state = state_of(L, 3);
  size_t begin = (size_t)from - 1, at = begin + sq_json_skim(&state, text + begin, length - begin);
  if (at == length) lua_pushnil(L);
  else lua_pushinteger(L, (lua_Integer)at + 1);
  lua_pushinteger(L, (lua_Integer)(state.depth * 4 + (state.in_string ? 2 : 0) + (state.escaped ? 1 : 0)));
  return 2;
}

void binding_open_skim(lua_State *L) {
  lua_pushcfunction(L, skim);
  lua_setfield(L, -2, "skim");
}
