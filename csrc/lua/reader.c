/* Files of lines, plain or gzip, in blocks. */
#include "lua/binding.h"

static int open_reader(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  sq_error error = {.code = SQ_OK}, held = {.code = SQ_E_STORE, .message = "this is a file of a store that is open"};
  void **handle = binding_new(L, BINDING_READER);
  if (sq_path_is_held(path)) return binding_fail(L, &held);
  *handle = sq_reader_open(path, &error);
  return *handle ? 1 : binding_fail(L, &error);
}

/* reader:read(size): whole lines, "" at the end */
static int read_block(lua_State *L) {
  sq_reader *reader = binding_check(L, 1, BINDING_READER);
  size_t size = (size_t)luaL_checkinteger(L, 2);
  sq_error error = {.code = SQ_OK};
  sq_text *block = binding_new_text(L);
  if (!sq_reader_block(reader, size, block, &error)) return binding_fail(L, &error);
  binding_push_text(L, block);
  return 1;
}

static int close_reader(lua_State *L) {
  void **handle = luaL_checkudata(L, 1, BINDING_READER);
  sq_reader_close(*handle);
  *handle = NULL;
  return 0;
}

void binding_open_reader(lua_State *L) {
  static const luaL_Reg methods[] = {{"read", read_block}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"reader", open_reader}, {NULL, NULL}};
  binding_make_type(L, BINDING_READER, methods, close_reader, true);
  compat_set_functions(L, functions);
}
