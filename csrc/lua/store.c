/* Stores, and what is written to them. */
#include "lua/binding.h"

/* A name of the options table at `index`, which may be no table: text without NUL, or NULL. */
static const char *text_option(lua_State *L, int index, const char *name) {
  return lua_istable(L, index) ? binding_terminated_member(L, index, name) : NULL;
}

static bool flag_option(lua_State *L, int index, const char *name) {
  if (!lua_istable(L, index)) return false;
  lua_getfield(L, index, name);
  bool set = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return set;
}

static bool number_option(lua_State *L, int index, const char *name, double *out) {
  if (!lua_istable(L, index)) return false;
  lua_getfield(L, index, name);
  bool given = !lua_isnil(L, -1);
  if (given) *out = luaL_checknumber(L, -1);
  lua_pop(L, 1);
  return given;
}

static int64_t integer_option(lua_State *L, int index, const char *name, int64_t otherwise) {
  double number;
  return number_option(L, index, name, &number) ? (int64_t)number : otherwise;
}

static void set_integer(lua_State *L, const char *name, int64_t value) {
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, name);
}

/* "" is absent. */
static void set_text(lua_State *L, const char *name, const char *text) {
  if (text[0] == '\0') return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

/* true, or nil, message, detail */
static int done(lua_State *L, bool good, const sq_error *error) {
  if (!good) return binding_fail(L, error);
  lua_pushboolean(L, 1);
  return 1;
}

/* ---------------------------------------------------------------------------------------------- opening */

static sq_engine engine_option(lua_State *L, int index) {
  static const char *const names[] = {[SQ_ENGINE_AUTO] = "auto", [SQ_ENGINE_SQL] = "sql", [SQ_ENGINE_COLUMNS] = "columns"};
  const char *name = text_option(L, index, "engine");
  for (int i = 0; name && i < 3; i++)
    if (strcmp(names[i], name) == 0) return (sq_engine)i;
  if (name) luaL_error(L, "engine is auto, sql or columns, not '%s'", name);
  return SQ_ENGINE_AUTO;
}

/* core.open(path, {organization, project, readonly, relaxed, timeout_ms, engine, manual_seal}) */
static int open_store(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  sq_open_options options = {.organization = text_option(L, 2, "organization"),
                             .project = text_option(L, 2, "project"),
                             .readonly = flag_option(L, 2, "readonly"),
                             .relaxed = flag_option(L, 2, "relaxed"),
                             .timeout_ms = integer_option(L, 2, "timeout_ms", 0),
                             .engine = engine_option(L, 2),
                             .manual_seal = flag_option(L, 2, "manual_seal"),
                             .plain_columns = flag_option(L, 2, "plain_columns"),
                             .plain_kernels = flag_option(L, 2, "plain_kernels"),
                             .segment_rows = (uint32_t)integer_option(L, 2, "segment_rows", 0)};
  sq_error error = {.code = SQ_OK};
  void **handle = binding_new(L, BINDING_STORE);
  *handle = sq_store_open(path, &options, &error);
  return *handle ? 1 : binding_fail(L, &error);
}

static int close_store(lua_State *L) {
  void **handle = luaL_checkudata(L, 1, BINDING_STORE);
  sq_store_close(*handle);
  *handle = NULL;
  return 0;
}

static int snapshot(lua_State *L) {
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  sq_error error = {.code = SQ_OK};
  void **handle = binding_new(L, BINDING_STORE);
  *handle = sq_store_snapshot(store, &error);
  return *handle ? 1 : binding_fail(L, &error);
}

static int migrate(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  int from, to;
  sq_error error = {.code = SQ_OK};
  if (!sq_store_migrate(path, &from, &to, &error)) return binding_fail(L, &error);
  lua_pushinteger(L, from);
  lua_pushinteger(L, to);
  return 2;
}

static int backup(lua_State *L) {
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  const char *path = luaL_checkstring(L, 2);
  sq_error error = {.code = SQ_OK};
  return done(L, sq_store_backup(store, path, &error), &error);
}

/* store:index_words(anew): {bodies, bytes} */
static int index_words(lua_State *L) {
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  sq_error error = {.code = SQ_OK};
  sq_words_filled filled;
  if (!sq_store_index_words(store, lua_toboolean(L, 2), &filled, &error)) return binding_fail(L, &error);
  lua_createtable(L, 0, 2);
  set_integer(L, "bodies", filled.bodies);
  set_integer(L, "bytes", filled.bytes);
  return 1;
}

/* store:seal(), store:reindex(): true */
static int seal(lua_State *L) {
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  sq_error error = {.code = SQ_OK};
  return done(L, sq_store_seal(store, false, &error), &error);
}

static int reindex(lua_State *L) {
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  sq_error error = {.code = SQ_OK};
  return done(L, sq_store_reindex(store, &error), &error);
}

/* store:settle() */
static int settle(lua_State *L) {
  sq_store_settle(binding_check(L, 1, BINDING_STORE));
  return 0;
}

/* store:check(): how many rows were compared */
static int check_index(lua_State *L) {
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  sq_error error = {.code = SQ_OK};
  int64_t rows;
  if (!sq_store_check(store, &rows, &error)) return binding_fail(L, &error);
  lua_pushinteger(L, (lua_Integer)rows);
  return 1;
}

/* ---------------------------------------------------------------------------------------------- ingesting */

/* What went wrong, gathered while no Lua call may be made: longjmp must not cross the store. */
typedef struct faults {
  sq_ingest_fault *items;
  size_t count, most;
} faults;

static void note_fault(void *state, const sq_ingest_fault *fault) {
  faults *f = state;
  if (f->count < f->most) f->items[f->count++] = *fault;
}

static void push_faults(lua_State *L, const faults *f) {
  lua_createtable(L, (int)f->count, 0);
  for (size_t i = 0; i < f->count; i++) {
    binding_fail(L, &f->items[i].error);
    set_integer(L, "line", f->items[i].line);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "message");
    lua_rawseti(L, -4, (int)i + 1);
    lua_pop(L, 2);
  }
}

static const char *choice(lua_State *L, const char *given, const char *const *names, int *out) {
  for (*out = 0; given && names[*out]; ++*out)
    if (strcmp(names[*out], given) == 0) return given;
  *out = 0;
  if (given) luaL_error(L, "unknown choice '%s'", given);
  return NULL;
}

static void push_counts(lua_State *L, const sq_ingest *ingest, const faults *f) {
  lua_createtable(L, 0, 10);
  set_integer(L, "lines", ingest->lines);
  set_integer(L, "added", ingest->added);
  set_integer(L, "replaced", ingest->replaced);
  set_integer(L, "updated", ingest->updated);
  set_integer(L, "skipped", ingest->skipped);
  set_integer(L, "failed", ingest->failed);
  set_integer(L, "repaired", ingest->repaired);
  set_integer(L, "held", ingest->held);
  set_integer(L, "merged", ingest->merged);
  push_faults(L, f);
  lua_setfield(L, -2, "errors");
}

/* store:ingest(lines, {format, on_conflict, mode, new_ids, hold, first_line, identity, ids, most_errors}):
   counts, ids as JSON; or nil, message, detail with the line */
static int ingest(lua_State *L) {
  static const char *const conflicts[] = {"replace", "skip", "update", NULL}, *const modes[] = {"strict", "lenient", "merge", NULL};
  size_t length, identity_length;
  int conflict, mode;
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  const char *lines = luaL_checklstring(L, 2, &length);
  choice(L, text_option(L, 3, "on_conflict"), conflicts, &conflict);
  choice(L, text_option(L, 3, "mode"), modes, &mode);
  sq_ingest in = {.format = text_option(L, 3, "format"), .on_conflict = (sq_conflict)conflict, .mode = (sq_ingest_mode)mode,
                  .first_line = integer_option(L, 3, "first_line", 1), .on_fault = note_fault};
  lua_getfield(L, 3, "identity");
  const char *identity = lua_tolstring(L, -1, &identity_length); /* any bytes */
  if (identity) sq_identity(identity, identity_length, in.identity);
  faults f = {.most = (size_t)integer_option(L, 3, "most_errors", 0)};
  f.items = lua_newuserdata(L, (f.most + 1) * sizeof *f.items);
  in.state = &f;
  in.new_ids = flag_option(L, 3, "new_ids");
  in.hold = flag_option(L, 3, "hold");
  if (flag_option(L, 3, "ids")) in.ids = binding_new_text(L);
  sq_error error = {.code = SQ_OK};
  if (!sq_store_ingest(store, lines, length, &in, &error)) {
    binding_fail(L, &error);
    set_integer(L, "line", in.first_line + in.lines - 1);
    return 3;
  }
  push_counts(L, &in, &f);
  if (!in.ids) return 1;
  binding_push_json(L, in.ids->data, in.ids->length);
  return 2;
}

/* --------------------------------------------------------------------------------- about one, or many */

static sq_target target_options(lua_State *L, int index) {
  return (sq_target){.organization = text_option(L, index, "organization"),
                     .project = text_option(L, index, "project"),
                     .request = text_option(L, index, "request_id"),
                     .session = text_option(L, index, "session_id")};
}

/* store:feedback({target…}, json) → id */
static int feedback(lua_State *L) {
  size_t length;
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  sq_target target = target_options(L, 2);
  const char *json = luaL_checklstring(L, 3, &length);
  sq_error error = {.code = SQ_OK};
  int64_t id = sq_store_feedback(store, &target, json, length, &error);
  if (id < 0) return binding_fail(L, &error);
  lua_pushinteger(L, (lua_Integer)id);
  return 1;
}

static sq_whether whether_option(lua_State *L, int index, const char *name) {
  lua_getfield(L, index, name);
  sq_whether whether = lua_isnil(L, -1) ? SQ_ANY : lua_toboolean(L, -1) ? SQ_YES : SQ_NO;
  lua_pop(L, 1);
  return whether;
}

/* store:list_feedback{organization, requests, projects, keys, sources, uuid, row, on_request, has_score, has_comment, from_us, to_us,
   limit, offset}: JSON text */
static int list_feedback(lua_State *L) {
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  double from = 0, to = 0;
  luaL_checktype(L, 2, LUA_TTABLE);
  sq_feedback_query query = {.organization = text_option(L, 2, "organization"), .requests = text_option(L, 2, "requests"),
                             .projects = text_option(L, 2, "projects"), .keys = text_option(L, 2, "keys"),
                             .sources = text_option(L, 2, "sources"), .uuid = text_option(L, 2, "uuid"),
                             .row = integer_option(L, 2, "row", 0), .on_request = whether_option(L, 2, "on_request"),
                             .has_score = whether_option(L, 2, "has_score"), .has_comment = whether_option(L, 2, "has_comment"),
                             .limit = integer_option(L, 2, "limit", -1), .offset = integer_option(L, 2, "offset", 0)};
  query.from_given = number_option(L, 2, "from_us", &from);
  query.to_given = number_option(L, 2, "to_us", &to);
  query.from_us = (int64_t)from;
  query.to_us = (int64_t)to;
  sq_error error = {.code = SQ_OK};
  sq_text *text = binding_new_text(L);
  if (!sq_store_list_feedback(store, &query, text, &error)) return binding_fail(L, &error);
  binding_push_text(L, text);
  return 1;
}

/* store:request_feedback(ids as JSON): JSON text */
static int request_feedback(lua_State *L) {
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  const char *requests = luaL_checkstring(L, 2);
  sq_error error = {.code = SQ_OK};
  sq_text *text = binding_new_text(L);
  if (!sq_store_request_feedback(store, requests, text, &error)) return binding_fail(L, &error);
  binding_push_text(L, text);
  return 1;
}

/* store:change_feedback(row, json): true */
static int change_feedback(lua_State *L) {
  size_t length;
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  int64_t row = (int64_t)luaL_checknumber(L, 2);
  const char *json = luaL_checklstring(L, 3, &length);
  sq_error error = {.code = SQ_OK};
  return done(L, sq_store_change_feedback(store, row, json, length, &error), &error);
}

/* store:remove_feedback(row): true */
static int remove_feedback(lua_State *L) {
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  int64_t row = (int64_t)luaL_checknumber(L, 2);
  sq_error error = {.code = SQ_OK};
  return done(L, sq_store_remove_feedback(store, row, &error), &error);
}

/* store:project_feedback({organization, project}, of_requests): JSON text */
static int project_feedback(lua_State *L) {
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  sq_target target = target_options(L, 2);
  bool of_requests = lua_toboolean(L, 3);
  sq_error error = {.code = SQ_OK};
  sq_text *text = binding_new_text(L);
  if (!sq_store_project_feedback(store, &target, of_requests, text, &error)) return binding_fail(L, &error);
  binding_push_text(L, text);
  return 1;
}

/* store:tag({target…}, tag) */
static int tag(lua_State *L) {
  size_t length;
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  sq_target target = target_options(L, 2);
  const char *text = luaL_checklstring(L, 3, &length);
  sq_error error = {.code = SQ_OK};
  return done(L, sq_store_tag(store, &target, text, length, &error), &error);
}

/* store:describe({target…}, json) */
static int describe(lua_State *L) {
  size_t length;
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  sq_target target = target_options(L, 2);
  const char *json = luaL_checklstring(L, 3, &length);
  sq_error error = {.code = SQ_OK};
  return done(L, sq_store_describe(store, &target, json, length, &error), &error);
}

/* store:newest_tag{target…}: text, false when there is none; or nil, message, detail */
static int newest_tag(lua_State *L) {
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  sq_target target = target_options(L, 2);
  sq_error error = {.code = SQ_OK};
  sq_value found;
  sq_text *room = binding_new_text(L);
  if (!sq_store_newest_tag(store, &target, room, &found, &error)) return binding_fail(L, &error);
  if (found.kind == SQ_STRING) lua_pushlstring(L, found.text, found.length);
  else lua_pushboolean(L, 0);
  return 1;
}

/* store:narrow{organization, project}: true */
static int narrow(lua_State *L) {
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  sq_error error = {.code = SQ_OK};
  return done(L, sq_store_narrow(store, text_option(L, 2, "organization"), text_option(L, 2, "project"), &error), &error);
}

/* store:scope(): organization, project; nil for all of them */
static int scope(lua_State *L) {
  const sq_store *store = binding_check(L, 1, BINDING_STORE);
  lua_pushstring(L, sq_store_organization(store));
  lua_pushstring(L, sq_store_project(store));
  return 2;
}

/* store:is_scoped(): whether it sees one organization only */
static int is_scoped(lua_State *L) {
  lua_pushboolean(L, sq_store_is_scoped(binding_check(L, 1, BINDING_STORE)));
  return 1;
}

/* store:stamp(about): text */
static int stamp(lua_State *L) {
  size_t length;
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  const char *about = luaL_checklstring(L, 2, &length);
  sq_error error = {.code = SQ_OK};
  sq_text *text = binding_new_text(L);
  if (!sq_store_stamp(store, about, length, text, &error)) return binding_fail(L, &error);
  binding_push_text(L, text);
  return 1;
}

static int is_moved(lua_State *L) {
  lua_pushboolean(L, sq_store_is_moved(binding_check(L, 1, BINDING_STORE)));
  return 1;
}

/* store:resolve{target…}: organization, project */
static int resolve(lua_State *L) {
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  sq_target target = target_options(L, 2);
  sq_error error = {.code = SQ_OK};
  sq_text *owner = binding_new_text(L);
  if (!sq_store_resolve(store, &target, owner, &error)) return binding_fail(L, &error);
  lua_pushstring(L, owner->data);
  lua_pushstring(L, owner->data + strlen(owner->data) + 1);
  return 2;
}

/* store:delete{organization, project, project_id, request, session, user, before, bodies_only, erase}: counts */
static int delete(lua_State *L) {
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  luaL_checktype(L, 2, LUA_TTABLE);
  sq_deletion d = {.organization = text_option(L, 2, "organization"), .project = text_option(L, 2, "project"),
                   .request = text_option(L, 2, "request"), .session = text_option(L, 2, "session"),
                   .user = text_option(L, 2, "user"), .project_id = text_option(L, 2, "project_id"), .bodies_only = flag_option(L, 2, "bodies_only"),
                   .erase = flag_option(L, 2, "erase")};
  sq_error error = {.code = SQ_OK};
  sq_value time;
  lua_getfield(L, 2, "before");
  d.bounded = !lua_isnil(L, -1);
  if (d.bounded && !(binding_to_value(L, -1, &time) && sq_time_parse(&time, &d.before, &error))) {
    sq_error wrong = {.code = SQ_E_VALUE, .message = "before is no time"};
    return binding_fail(L, error.code ? &error : &wrong);
  }
  if (!sq_store_delete(store, &d, &error)) return binding_fail(L, &error);
  lua_createtable(L, 0, 7);
  set_integer(L, "requests", d.requests);
  set_integer(L, "bodies", d.bodies);
  set_integer(L, "feedback", d.feedback);
  set_integer(L, "tags", d.tags);
  set_integer(L, "metadata", d.metadata);
  set_integer(L, "projects", d.projects);
  set_integer(L, "held", d.held);
  return 1;
}

/* store:export(path, filter or nil): how many */
static int export(lua_State *L) {
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  const char *path = luaL_checkstring(L, 2);
  const sq_filter *filter = lua_isnoneornil(L, 3) ? NULL : binding_check(L, 3, BINDING_FILTER);
  sq_error error = {.code = SQ_OK};
  int64_t count = sq_store_export(store, path, filter, &error);
  if (count < 0) return binding_fail(L, &error);
  lua_pushinteger(L, (lua_Integer)count);
  return 1;
}

static int stats(lua_State *L) {
  sq_store *store = binding_check(L, 1, BINDING_STORE);
  sq_stats s;
  sq_error error = {.code = SQ_OK};
  if (!sq_store_stats(store, &s, &error)) return binding_fail(L, &error);
  lua_createtable(L, 0, 12);
  set_integer(L, "requests", s.requests);
  set_integer(L, "sessions", s.sessions);
  set_integer(L, "without_session", s.without_session);
  set_integer(L, "bodies", s.bodies);
  set_integer(L, "feedback", s.feedback);
  set_integer(L, "held", s.held);
  set_integer(L, "organizations", s.organizations);
  set_integer(L, "projects", s.projects);
  set_integer(L, "bytes", s.bytes);
  set_integer(L, "wal_bytes", s.wal_bytes);
  set_integer(L, "schema_version", s.schema_version);
  set_integer(L, "sealed", s.sealed);
  set_integer(L, "unsealed", s.unsealed);
  set_integer(L, "dead", s.dead);
  set_integer(L, "segments", s.segments);
  set_integer(L, "index_bytes", s.index_bytes);
  set_text(L, "index_state", s.index_state);
  set_text(L, "last_error", s.last_error);
  if (s.has_requests) {
    lua_pushnumber(L, (double)s.first_created_at / 1e6);
    lua_setfield(L, -2, "first_created_at");
    lua_pushnumber(L, (double)s.last_created_at / 1e6);
    lua_setfield(L, -2, "last_created_at");
  }
  return 1;
}

void binding_open_store(lua_State *L) {
  static const luaL_Reg methods[] = {{"snapshot", snapshot}, {"backup", backup}, {"ingest", ingest},     {"feedback", feedback},
                                     {"tag", tag},           {"describe", describe}, {"resolve", resolve}, {"delete", delete},
                                     {"export", export},     {"stats", stats},
                                     {"seal", seal},       {"index_words", index_words},       {"reindex", reindex}, {"settle", settle}, {"check", check_index}, {"newest_tag", newest_tag},
                                     {"narrow", narrow},   {"stamp", stamp}, {"is_moved", is_moved},     {"is_scoped", is_scoped}, {"scope", scope},
                                     {"project_feedback", project_feedback}, {"list_feedback", list_feedback},
                                     {"request_feedback", request_feedback}, {"change_feedback", change_feedback},
                                     {"remove_feedback", remove_feedback}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"open", open_store}, {"migrate", migrate}, {NULL, NULL}};
  binding_make_type(L, BINDING_STORE, methods, close_store, true);
  compat_set_functions(L, functions);
}
