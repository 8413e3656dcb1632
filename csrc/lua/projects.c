/* Projects, as the functions that projects.lua makes its own of. */
#include "lua/binding.h"

/* A project's or a list's JSON: null in `extra` is sq.null, and an empty list is known for one. */
static int push(lua_State *L, const sq_text *json) {
  sq_error error = {.code = SQ_OK};
  return binding_decode(L, json->data, json->length, true, &error) ? 1 : binding_fail(L, &error);
}

/* The texts of the list at the top, which stays the owner of them. */
static const char **texts_of(lua_State *L, size_t *count) {
  *count = compat_length(L, -1);
  const char **texts = lua_newuserdata(L, (*count + 1) * sizeof *texts);
  for (size_t i = 0; i < *count; i++) {
    lua_rawgeti(L, -2, (int)i + 1);
    texts[i] = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    lua_pop(L, 1);
  }
  return texts;
}

/* core.project_list(store, {organization, name, ids}): {project…} */
static int list(lua_State *L) {
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  luaL_checktype(L, 2, LUA_TTABLE);
  sq_project_query query = {.organization = binding_terminated_member(L, 2, "organization"), .name = binding_terminated_member(L, 2, "name")};
  lua_getfield(L, 2, "ids");
  if (lua_istable(L, -1)) query.ids = texts_of(L, &query.id_count);
  sq_error error = {.code = SQ_OK};
  sq_text *json = binding_new_text(L);
  return sq_project_list(store, &query, json, &error) ? push(L, json) : binding_fail(L, &error);
}

/* core.project_create(store, json): the project */
static int create(lua_State *L) {
  size_t length;
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  const char *members = luaL_checklstring(L, 2, &length);
  sq_error error = {.code = SQ_OK};
  sq_text *json = binding_new_text(L);
  return sq_project_create(store, members, length, json, &error) ? push(L, json) : binding_fail(L, &error);
}

/* core.project_update(store, id, json, organization or nil): the project */
static int update(lua_State *L) {
  size_t length;
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  const char *id = luaL_checkstring(L, 2), *members = luaL_checklstring(L, 3, &length), *organization = luaL_optstring(L, 4, NULL);
  sq_error error = {.code = SQ_OK};
  sq_text *json = binding_new_text(L);
  return sq_project_update(store, organization, id, members, length, json, &error) ? push(L, json) : binding_fail(L, &error);
}

void binding_open_projects(lua_State *L) {
  static const luaL_Reg functions[] = {{"project_list", list}, {"project_create", create}, {"project_update", update}, {NULL, NULL}};
  compat_set_functions(L, functions);
}
