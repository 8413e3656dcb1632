/* Filters and the catalogue. */
#include "lua/binding.h"

/* core.filter(dialect, source, strict) */
static int compile(lua_State *L) {
  size_t length;
  const char *dialect = luaL_checkstring(L, 1), *source = luaL_checklstring(L, 2, &length);
  const sq_filter_options options = {.strict = lua_toboolean(L, 3)};
  sq_error error = {.code = SQ_OK};
  void **handle = binding_new(L, BINDING_FILTER);
  *handle = sq_filter_compile(dialect, source, length, &options, NULL, &error);
  return *handle ? 1 : binding_fail(L, &error);
}

/* core.compare(field, key or nil, operator, {values}) */
static int compare(lua_State *L) {
  size_t field_length, key_length = 0;
  const char *field = luaL_checklstring(L, 1, &field_length), *key = luaL_optlstring(L, 2, NULL, &key_length);
  const char *operator = luaL_checkstring(L, 3);
  luaL_checktype(L, 4, LUA_TTABLE);
  size_t count = compat_length(L, 4);
  sq_value *values = lua_newuserdata(L, (count + 1) * sizeof *values);
  int texts = lua_gettop(L) + 1;
  lua_newtable(L); /* keeps numbers that became text, and all texts, alive */
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, 4, (int)i + 1);
    if (!binding_to_value(L, -1, &values[i])) {
      lua_pushnil(L);
      lua_pushfstring(L, "value %d is a %s: give text, a number, a boolean or sq.null%s", (int)i + 1, luaL_typename(L, -2),
                      lua_type(L, -2) == COMPAT_TYPE_CDATA ? " (an int64 is given as tonumber(x), or as text)" : "");
      return 2;
    }
    lua_rawseti(L, texts, (int)i + 1);
  }
  sq_error error = {.code = SQ_OK};
  void **handle = binding_new(L, BINDING_FILTER);
  *handle = sq_filter_compare(field, field_length, key, key_length, operator, values, count, NULL, &error);
  return *handle ? 1 : binding_fail(L, &error);
}

/* core.combine(how, {filters}, map or nil) */
static int combine(lua_State *L) {
  const char *how = luaL_checkstring(L, 1), *map = luaL_optstring(L, 3, NULL);
  luaL_checktype(L, 2, LUA_TTABLE);
  size_t count = compat_length(L, 2);
  const sq_filter **parts = lua_newuserdata(L, (count + 1) * sizeof *parts);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, 2, (int)i + 1);
    parts[i] = binding_check(L, lua_gettop(L), BINDING_FILTER); /* the table keeps it alive */
    lua_pop(L, 1);
  }
  sq_error error = {.code = SQ_OK};
  void **handle = binding_new(L, BINDING_FILTER);
  *handle = sq_filter_combine(how, map, parts, count, NULL, &error);
  return *handle ? 1 : binding_fail(L, &error);
}

/* core.search(what, filter): "completions", "traces" or "candidates" of a filter about a completion */
static int search(lua_State *L) {
  const char *what = luaL_checkstring(L, 1);
  const sq_filter *of = binding_check(L, 2, BINDING_FILTER);
  sq_error error = {.code = SQ_OK};
  void **handle = binding_new(L, BINDING_FILTER);
  *handle = sq_filter_search(what, of, NULL, &error);
  return *handle ? 1 : binding_fail(L, &error);
}

static int push_written(lua_State *L, bool written, sq_text *text, const sq_error *error) {
  if (!written) return binding_fail(L, error);
  binding_push_text(L, text);
  return 1;
}

/* filter:dump("tree" or nil) */
static int dump(lua_State *L) {
  const sq_filter *filter = binding_check(L, 1, BINDING_FILTER);
  bool tree = !lua_isnoneornil(L, 2);
  luaL_argcheck(L, !tree || strcmp(luaL_checkstring(L, 2), "tree") == 0, 2, "the stage is 'tree', or nil");
  sq_error error = {.code = SQ_OK};
  sq_text *text = binding_new_text(L);
  bool written = tree ? sq_filter_dump_tree(filter, text, &error) : sq_filter_dump(filter, text, &error);
  return push_written(L, written, text, &error);
}

/* filter:sql(target or nil) */
static int sql(lua_State *L) {
  const sq_filter *filter = binding_check(L, 1, BINDING_FILTER);
  const char *target = luaL_optstring(L, 2, "sqlite");
  sq_error error = {.code = SQ_OK};
  sq_text *text = binding_new_text(L);
  return push_written(L, sq_filter_sql(filter, target, text, &error), text, &error);
}

/* filter:to(dialect): text, or nil and the list of the parts that the dialect cannot say */
static int to(lua_State *L) {
  const sq_filter *filter = binding_check(L, 1, BINDING_FILTER);
  const char *dialect = luaL_checkstring(L, 2);
  sq_error error = {.code = SQ_OK};
  sq_text *text = binding_new_text(L), *unsaid = binding_new_text(L);
  if (sq_filter_write(filter, dialect, text, unsaid, &error)) {
    binding_push_text(L, text);
    return 1;
  }
  if (error.code != SQ_E_UNSAID) return luaL_error(L, "to: %s", error.message);
  lua_pushnil(L);
  binding_push_json(L, unsaid->data, unsaid->length);
  return 2;
}

static int free_filter(lua_State *L) {
  void **handle = luaL_checkudata(L, 1, BINDING_FILTER);
  sq_filter_free(*handle);
  *handle = NULL;
  return 0;
}

static void push_field(lua_State *L, const sq_field_info *info) {
  const char *const names[] = {"name", "type", "level", "help"}, *const texts[] = {info->name, info->type, info->level, info->help};
  lua_createtable(L, 0, 6);
  for (int i = 0; i < 4; i++) {
    lua_pushstring(L, texts[i]);
    lua_setfield(L, -2, names[i]);
  }
  lua_pushboolean(L, info->always);
  lua_setfield(L, -2, "always");
  lua_pushboolean(L, info->members);
  lua_setfield(L, -2, "members");
  lua_pushboolean(L, info->recorded);
  lua_setfield(L, -2, "recorded");
}

/* core.fields(): the catalogue, a list */
static int fields(lua_State *L) {
  sq_field_info info;
  lua_newtable(L);
  for (size_t i = 0; sq_field_at(i, &info); i++) {
    push_field(L, &info);
    lua_rawseti(L, -2, (int)i + 1);
  }
  return 1;
}

/* core.codes(): the error codes, a list of {name, meaning, status} */
static int codes(lua_State *L) {
  lua_newtable(L);
  for (int code = SQ_OK + 1; sq_code_name((sq_code)code); code++) {
    lua_createtable(L, 0, 2);
    lua_pushstring(L, sq_code_name((sq_code)code));
    lua_setfield(L, -2, "name");
    lua_pushstring(L, sq_code_meaning((sq_code)code));
    lua_setfield(L, -2, "meaning");
    lua_pushinteger(L, sq_code_status((sq_code)code));
    lua_setfield(L, -2, "status");
    lua_rawseti(L, -2, code);
  }
  return 1;
}

/* core.dialects(): the names of all dialects */
static int dialects(lua_State *L) {
  lua_newtable(L);
  for (int i = 0; sq_dialect_at((size_t)i); i++) {
    lua_pushstring(L, sq_dialect_at((size_t)i));
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* core.nearest(name, {names}): the one that may be meant, or nil */
static int nearest(lua_State *L) {
  size_t length;
  const char *name = luaL_checklstring(L, 1, &length);
  luaL_checktype(L, 2, LUA_TTABLE);
  sq_nearest search = {.name = name, .length = length};
  for (int i = 1; i <= (int)compat_length(L, 2); i++) {
    lua_rawgeti(L, 2, i);
    sq_nearest_offer(&search, luaL_checkstring(L, -1)); /* the table keeps it */
    lua_pop(L, 1);
  }
  lua_pushstring(L, search.best);
  return 1;
}

/* core.field(name): one row of it */
static int field(lua_State *L) {
  size_t length;
  const char *name = luaL_checklstring(L, 1, &length);
  sq_field_info info;
  sq_error error = {.code = SQ_OK};
  if (!sq_field_find(name, length, &info, &error)) return binding_fail(L, &error);
  push_field(L, &info);
  return 1;
}

void binding_open_filter(lua_State *L) {
  static const luaL_Reg methods[] = {{"dump", dump}, {"sql", sql}, {"to", to}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"filter", compile}, {"compare", compare}, {"combine", combine}, {"search", search},
                                       {"fields", fields},  {"field", field},     {"codes", codes},
                                       {"nearest", nearest}, {"dialects", dialects}, {NULL, NULL}};
  binding_make_type(L, BINDING_FILTER, methods, free_filter, false);
  luaL_getmetatable(L, BINDING_FILTER);
  lua_pushcfunction(L, dump);
  lua_setfield(L, -2, "__tostring");
  lua_pop(L, 1);
  compat_set_functions(L, functions);
}
