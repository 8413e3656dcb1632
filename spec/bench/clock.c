/* A Lua module for the benches: clock.now() is a monotonic time in seconds, of nanoseconds' resolution. os.clock tells
   the processor's time, which leaves waiting out, and /proc/uptime only hundredths. */
#include <lauxlib.h>
#include <lua.h>
#include <time.h>

static int now(lua_State *L) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  lua_pushnumber(L, (lua_Number)t.tv_sec + (lua_Number)t.tv_nsec / 1e9);
  return 1;
}

__attribute__((visibility("default"))) int luaopen_clock(lua_State *L);

int luaopen_clock(lua_State *L) {
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, now);
  lua_setfield(L, -2, "now");
  return 1;
}
