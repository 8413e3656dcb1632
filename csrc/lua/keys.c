/* Keys, as the functions that keys.lua makes its own of. */
#include "lua/binding.h"

/* core.key_create(store, {organization, project, name}, {right = true, …}): the key's text */
static int create(lua_State *L) {
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checktype(L, 3, LUA_TTABLE);
  sq_key_spec spec = {.organization = binding_terminated_member(L, 2, "organization"), .project = binding_terminated_member(L, 2, "project"), .name = binding_terminated_member(L, 2, "name")};
  for (sq_right right = 0; sq_right_name(right); right++) {
    lua_getfield(L, 3, sq_right_name(right));
    if (lua_toboolean(L, -1)) spec.rights |= 1u << right;
    lua_pop(L, 1);
  }
  char text[SQ_KEY_LENGTH + 1];
  sq_error error = {.code = SQ_OK};
  if (!sq_key_create(store, &spec, text, &error)) return binding_fail(L, &error);
  lua_pushlstring(L, text, SQ_KEY_LENGTH);
  return 1;
}

/* core.key_list(store): {key…} */
static int list(lua_State *L) {
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  sq_error error = {.code = SQ_OK};
  sq_text *json = binding_new_text(L);
  if (!sq_key_list(store, json, &error)) return binding_fail(L, &error);
  binding_push_json(L, json->data, json->length);
  return 1;
}

/* core.key_revoke(store, id): true */
static int revoke(lua_State *L) {
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  const char *id = luaL_checkstring(L, 2);
  sq_error error = {.code = SQ_OK};
  if (!sq_key_revoke(store, id, &error)) return binding_fail(L, &error);
  lua_pushboolean(L, 1);
  return 1;
}

/* core.key_check(store, text): the key */
static int check(lua_State *L) {
  size_t length;
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  const char *text = luaL_checklstring(L, 2, &length);
  sq_error error = {.code = SQ_OK};
  sq_text *json = binding_new_text(L);
  if (!sq_key_check(store, text, length, json, &error)) return binding_fail(L, &error);
  binding_push_json(L, json->data, json->length);
  return 1;
}

/* core.key_any(store): boolean */
static int any(lua_State *L) {
  bool found;
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  sq_error error = {.code = SQ_OK};
  if (!sq_key_any(store, &found, &error)) return binding_fail(L, &error);
  lua_pushboolean(L, found);
  return 1;
}

/* Adds core.rights as well: their names, in order. */
void binding_open_keys(lua_State *L) {
  static const luaL_Reg functions[] = {{"key_create", create}, {"key_list", list}, {"key_revoke", revoke},
                                       {"key_check", check},   {"key_any", any},   {NULL, NULL}};
  compat_set_functions(L, functions);
  lua_newtable(L);
  for (sq_right right = 0; sq_right_name(right); right++) {
    lua_pushstring(L, sq_right_name(right));
    lua_rawseti(L, -2, (int)right + 1);
  }
  lua_setfield(L, -2, "rights");
}
