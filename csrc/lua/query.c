/* Queries and their rows. */
#include "lua/binding.h"

/* --------------------------------------------------------------------------------------------- building */

/* Members of the table at index 1. What is read stays reachable from it. */
static bool integer_member(lua_State *L, const char *name, int64_t *out) {
  lua_getfield(L, 1, name);
  bool given = !lua_isnil(L, -1);
  if (given) *out = (int64_t)luaL_checknumber(L, -1); /* the Lua side has checked that it is whole */
  lua_pop(L, 1);
  return given;
}

static sq_source source_member(lua_State *L) {
  size_t length;
  const char *source = binding_text_member(L, 1, "source", &length);
  if (source && strcmp(source, "requests") == 0) return SQ_REQUESTS;
  return source && strcmp(source, "groups") == 0 ? SQ_GROUPS : SQ_SESSIONS;
}

/* keys = {{name, offset}, …} */
static void keys_member(lua_State *L, sq_query_spec *spec) {
  lua_getfield(L, 1, "keys");
  spec->key_count = lua_istable(L, -1) ? compat_length(L, -1) : 0;
  for (size_t i = 0; i < spec->key_count && i < SQ_MAX_KEYS; i++) {
    lua_rawgeti(L, -1, (int)i + 1);
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    spec->keys[i].name = luaL_checklstring(L, -2, &spec->keys[i].length);
    spec->keys[i].offset_minutes = (int)luaL_optnumber(L, -1, 0);
    lua_pop(L, 3);
  }
  lua_pop(L, 1);
}

static const sq_filter **filters_member(lua_State *L, size_t *count) {
  lua_getfield(L, 1, "filters");
  *count = lua_istable(L, -1) ? compat_length(L, -1) : 0;
  const sq_filter **filters = lua_newuserdata(L, (*count + 1) * sizeof *filters);
  for (size_t i = 0; i < *count; i++) {
    lua_rawgeti(L, -2, (int)i + 1);
    filters[i] = binding_check(L, lua_gettop(L), BINDING_FILTER);
    lua_pop(L, 1);
  }
  return filters; /* below it, the list */
}

/* fields = {name, …}; they stay reachable from the table */
static const char **fields_member(lua_State *L, size_t *count) {
  lua_getfield(L, 1, "fields");
  *count = lua_istable(L, -1) ? compat_length(L, -1) : 0;
  if (!lua_istable(L, -1)) return NULL;
  const char **fields = lua_newuserdata(L, (*count + 1) * sizeof *fields);
  for (size_t i = 0; i < *count; i++) {
    lua_rawgeti(L, -2, (int)i + 1);
    fields[i] = luaL_checkstring(L, -1);
    lua_pop(L, 1);
  }
  return fields; /* below it, the list */
}

/* core.build{source, filters, keys, order, limit, offset, after, bodies, fields} */
static int build(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  sq_query_spec spec = {.source = source_member(L)};
  keys_member(L, &spec);
  spec.order = binding_text_member(L, 1, "order", &spec.order_length);
  spec.after = binding_text_member(L, 1, "after", &spec.after_length);
  spec.limited = integer_member(L, "limit", &spec.limit);
  integer_member(L, "offset", &spec.offset);
  lua_getfield(L, 1, "bodies");
  spec.bodies = lua_toboolean(L, -1);
  spec.filters = filters_member(L, &spec.filter_count);
  spec.fields = fields_member(L, &spec.field_count);
  sq_error error = {.code = SQ_OK};
  void **handle = binding_new(L, BINDING_QUERY);
  *handle = sq_query_build(&spec, NULL, &error);
  return *handle ? 1 : binding_fail(L, &error);
}

/* core.query(dialect, endpoint or nil, body) */
static int compile(lua_State *L) {
  size_t length;
  const char *dialect = luaL_checkstring(L, 1), *endpoint = luaL_optstring(L, 2, NULL), *body = luaL_checklstring(L, 3, &length);
  sq_error error = {.code = SQ_OK};
  void **handle = binding_new(L, BINDING_QUERY);
  *handle = sq_query_compile(dialect, endpoint, body, length, NULL, &error);
  return *handle ? 1 : binding_fail(L, &error);
}

static int free_query(lua_State *L) {
  void **handle = luaL_checkudata(L, 1, BINDING_QUERY);
  sq_query_free(*handle);
  *handle = NULL;
  return 0;
}

/* ----------------------------------------------------------------------------------------------- running */

/* core.rows(store, query) */
static int run(lua_State *L) {
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  const sq_query *query = binding_check(L, 2, BINDING_QUERY);
  sq_error error = {.code = SQ_OK};
  void **handle = binding_new(L, BINDING_ROWS);
  *handle = sq_rows_run(store, query, &error);
  return *handle ? 1 : binding_fail(L, &error);
}

/* core.count(store, query) */
static int count(lua_State *L) {
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  const sq_query *query = binding_check(L, 2, BINDING_QUERY);
  sq_error error = {.code = SQ_OK};
  int64_t rows = sq_query_count(store, query, &error);
  if (rows < 0) return binding_fail(L, &error);
  lua_pushinteger(L, (lua_Integer)rows);
  return 1;
}

static int write(lua_State *L, bool (*writer)(sq_store *, const sq_query *, sq_text *, sq_error *)) {
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  const sq_query *query = binding_check(L, 2, BINDING_QUERY);
  sq_error error = {.code = SQ_OK};
  sq_text *text = binding_new_text(L);
  if (!writer(store, query, text, &error)) return binding_fail(L, &error);
  binding_push_text(L, text);
  return 1;
}

static int json(lua_State *L) { return write(L, sq_query_json); }
static int explain(lua_State *L) { return write(L, sq_query_explain); }

/* core.frequent(store, query, field, most): JSON text */
static int frequent(lua_State *L) {
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  const sq_query *query = binding_check(L, 2, BINDING_QUERY);
  const char *field = luaL_checkstring(L, 3);
  int64_t most = (int64_t)luaL_checknumber(L, 4);
  sq_error error = {.code = SQ_OK};
  sq_text *text = binding_new_text(L);
  if (!sq_query_frequent(store, query, field, most, text, &error)) return binding_fail(L, &error);
  binding_push_text(L, text);
  return 1;
}

/* core.answer(store, dialect, endpoint or nil, body): status, text */
static int answer(lua_State *L) {
  size_t length;
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  const char *dialect = luaL_checkstring(L, 2), *endpoint = luaL_optstring(L, 3, NULL), *body = luaL_checklstring(L, 4, &length);
  sq_text *text = binding_new_text(L);
  lua_pushinteger(L, sq_answer(store, dialect, endpoint, body, length, text));
  binding_push_text(L, text);
  return 2;
}

/* core.note(dialect, name, body): what a body says that says one thing */
static int note(lua_State *L) {
  size_t length;
  sq_value value;
  sq_error error = {.code = SQ_OK};
  const char *dialect = luaL_checkstring(L, 1), *name = luaL_checkstring(L, 2), *body = luaL_checklstring(L, 3, &length);
  sq_text *room = binding_new_text(L);
  if (!sq_note_read(dialect, name, body, length, room, &value, &error)) return binding_fail(L, &error);
  if (value.kind == SQ_STRING) lua_pushlstring(L, value.text, value.length);
  else lua_pushboolean(L, value.boolean);
  return 1;
}

/* core.envelope(dialect, good, value): the vendor's envelope around a value (text, number, boolean or null), or around the
   message of an error */
static int envelope(lua_State *L) {
  sq_value value;
  sq_error error = {.code = SQ_OK};
  const char *dialect = luaL_checkstring(L, 1);
  luaL_argcheck(L, binding_to_value(L, 3, &value), 3, "is no value");
  sq_text *text = binding_new_text(L);
  if (!sq_envelope(dialect, lua_toboolean(L, 2), &value, text, &error)) return binding_fail(L, &error);
  binding_push_text(L, text);
  return 1;
}

/* --------------------------------------------------------------------------------------------------- rows */

static int rows_length(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)sq_rows_count(binding_check(L, 1, BINDING_ROWS)));
  return 1;
}

#define MOST_COLUMNS 256

/* The names and types of the columns, ready to be used for row after row. */
typedef struct columns {
  size_t width;
  int names; /* where on the stack the first one stands */
  binding_type types[MOST_COLUMNS];
} columns;

static void push_columns(lua_State *L, const sq_rows *rows, columns *out) {
  out->width = sq_rows_width(rows);
  out->names = lua_gettop(L) + 1;
  luaL_checkstack(L, (int)out->width + 8, "a row");
  for (size_t i = 0; i < out->width; i++) {
    lua_pushstring(L, sq_rows_name(rows, i));
    out->types[i] = binding_type_of(sq_rows_type(rows, i));
  }
}

/* A plain table without what is absent. */
static void push_row(lua_State *L, const sq_rows *rows, size_t index, const columns *c) {
  sq_value values[MOST_COLUMNS];
  int members = 0;
  sq_rows_read(rows, index, values);
  for (size_t i = 0; i < c->width; i++) members += !binding_is_nil(c->types[i], &values[i]);
  lua_createtable(L, 0, members);
  for (size_t i = 0; i < c->width; i++) {
    if (binding_is_nil(c->types[i], &values[i])) continue;
    lua_pushvalue(L, c->names + (int)i);
    binding_push_value(L, c->types[i], &values[i]);
    lua_rawset(L, -3);
  }
}

/* rows:read(i): a plain table, nil past the last */
static int rows_read(lua_State *L) {
  const sq_rows *rows = binding_check(L, 1, BINDING_ROWS);
  lua_Integer index = luaL_checkinteger(L, 2);
  columns c;
  if (index < 1 || (uint64_t)index > sq_rows_count(rows)) return 0;
  push_columns(L, rows, &c);
  push_row(L, rows, (size_t)index - 1, &c);
  return 1;
}

/* rows:all(): a list of plain tables */
static int rows_all(lua_State *L) {
  const sq_rows *rows = binding_check(L, 1, BINDING_ROWS);
  columns c;
  push_columns(L, rows, &c);
  lua_createtable(L, (int)sq_rows_count(rows), 0);
  for (size_t i = 0; i < sq_rows_count(rows); i++) {
    push_row(L, rows, i, &c);
    lua_rawseti(L, -2, (int)i + 1);
  }
  return 1;
}

/* rows:columns(): {{name, type}, …} in order */
static int rows_columns(lua_State *L) {
  const sq_rows *rows = binding_check(L, 1, BINDING_ROWS);
  lua_newtable(L);
  for (size_t i = 0; i < sq_rows_width(rows); i++) {
    lua_createtable(L, 0, 2);
    lua_pushstring(L, sq_rows_name(rows, i));
    lua_setfield(L, -2, "name");
    lua_pushstring(L, sq_rows_type(rows, i));
    lua_setfield(L, -2, "type");
    lua_rawseti(L, -2, (int)i + 1);
  }
  return 1;
}

/* rows:next(): the cursor behind the last row, or nil */
static int rows_next(lua_State *L) {
  lua_pushstring(L, sq_rows_next(binding_check(L, 1, BINDING_ROWS)));
  return 1;
}

/* rows:json(): all of them as a JSON array */
static int rows_json(lua_State *L) {
  const sq_rows *rows = binding_check(L, 1, BINDING_ROWS);
  sq_error error = {.code = SQ_OK};
  sq_text *text = binding_new_text(L);
  if (!sq_rows_json(rows, text, &error)) return binding_fail(L, &error);
  binding_push_text(L, text);
  return 1;
}

static int free_rows(lua_State *L) {
  void **handle = luaL_checkudata(L, 1, BINDING_ROWS);
  sq_rows_free(*handle);
  *handle = NULL;
  return 0;
}

void binding_open_query(lua_State *L) {
  static const luaL_Reg no_methods[] = {{NULL, NULL}};
  static const luaL_Reg row_methods[] = {{"length", rows_length}, {"read", rows_read}, {"all", rows_all}, {"columns", rows_columns}, {"next", rows_next}, {"json", rows_json}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"build", build}, {"query", compile}, {"rows", run},   {"count", count},
                                       {"json", json},   {"explain", explain}, {"answer", answer}, {"note", note}, {"frequent", frequent}, {"envelope", envelope}, {NULL, NULL}};
  binding_make_type(L, BINDING_QUERY, no_methods, free_query, false);
  binding_make_type(L, BINDING_ROWS, row_methods, free_rows, true);
  compat_set_functions(L, functions);
}
