#include "ir/query.h"

#include <string.h>

#include "ir/build.h"
#include "ir/candidates.h"

sq_type sq_key_type(const sq_key *key) {
  if (key->kind == SQ_KEY_BUCKET) return SQ_T_TIME;
  if (key->kind == SQ_KEY_MEMBER) return SQ_T_SCALAR;
  return sq_field_get(key->field)->type;
}

sq_query *sq_query_begin(const sq_allocator *allocator, sq_error *error) {
  allocator = sq_allocator_or_libc(allocator);
  sq_query *query = sq_resize(allocator, NULL, 0, sizeof *query);
  if (!query) {
    sq_fail_memory(error);
    return NULL;
  }
  *query = (sq_query){.allocator = allocator};
  sq_arena_begin(&query->arena, allocator, NULL, 0);
  query->arena.next = 512; /* a query may live long, and most need little */
  return query;
}

void sq_query_free(sq_query *query) {
  if (!query) return;
  const sq_allocator *allocator = query->allocator;
  sq_arena_end(&query->arena);
  sq_resize(allocator, query, sizeof *query, 0);
}

/* -------------------------------------------------------------------------------------------- group keys */

static bool wrong_key(const char *name, size_t length, sq_error *error) {
  sq_fail(error, SQ_E_UNKNOWN, "cannot group by '%s'", sq_show(name, length).text);
  sq_nearest search = {name, length, NULL, 0};
  for (int i = SQ_F_NONE + 1; i < SQ_F_COUNT; i++) {
    const sq_field_row *row = sq_field_get((sq_field)i);
    bool can = row->level == SQ_LEVEL_REQUEST && (row->type == SQ_T_TEXT || row->type == SQ_T_BOOLEAN) && row->home != SQ_HOME_BODY;
    if (can) sq_nearest_offer(&search, row->name);
  }
  if (search.best) sq_error_append(error, ", did you mean '%s'?", search.best);
  else sq_error_append(error, ": take a text or boolean field, properties.KEY, hour, day, week or month");
  return false;
}

static bool set_key(sq_query *query, const sq_group_key *wanted, sq_key *key, sq_error *error) {
  *key = (sq_key){.offset_minutes = wanted->offset_minutes};
  if (!(key->name = sq_arena_copy(&query->arena, wanted->name, wanted->length))) return sq_fail_memory(error);
  if (sq_bucket_find(wanted->name, wanted->length, &key->bucket)) {
    key->kind = SQ_KEY_BUCKET;
    key->field = SQ_F_CREATED_AT;
    if (wanted->offset_minutes < -1440 || wanted->offset_minutes > 1440)
      return sq_fail(error, SQ_E_VALUE, "a time bucket's offset is -1440 to 1440 minutes, not %d", wanted->offset_minutes);
    return true;
  }
  key->field = sq_field_dotted(key->name, wanted->length, &key->member, &key->member_length);
  const sq_field_row *row = sq_field_get(key->field);
  key->kind = key->member ? SQ_KEY_MEMBER : SQ_KEY_FIELD;
  bool can = key->member ? key->field == SQ_F_PROPERTIES
                         : key->field != SQ_F_NONE && row->level == SQ_LEVEL_REQUEST && row->home != SQ_HOME_BODY &&
                               (row->type == SQ_T_TEXT || row->type == SQ_T_BOOLEAN);
  return can || wrong_key(wanted->name, wanted->length, error);
}

static bool set_keys(sq_query *query, const sq_query_spec *spec, sq_error *error) {
  query->key_count = spec->source == SQ_SESSIONS ? 1 : spec->source == SQ_GROUPS ? spec->key_count : 0;
  if (spec->source == SQ_SESSIONS)
    query->keys[0] = (sq_key){.kind = SQ_KEY_SESSION, .name = "id", .field = SQ_F_SESSION_ID};
  if (spec->source != SQ_GROUPS) return true;
  if (spec->key_count < 1 || spec->key_count > SQ_MAX_KEYS)
    return sq_fail(error, SQ_E_LIMIT, "group by one to %d keys, not %zu", SQ_MAX_KEYS, spec->key_count);
  for (size_t i = 0; i < spec->key_count; i++) {
    if (!set_key(query, &spec->keys[i], &query->keys[i], error)) return false;
    for (size_t j = 0; j < i; j++)
      if (strcmp(query->keys[i].name, query->keys[j].name) == 0)
        return sq_fail(error, SQ_E_VALUE, "grouped by '%s' twice", sq_show(query->keys[i].name, spec->keys[i].length).text);
  }
  return true;
}

/* ------------------------------------------------------------------------------------------------- order */

static bool orderable(sq_type type) {
  return type == SQ_T_TEXT || type == SQ_T_INTEGER || type == SQ_T_REAL || type == SQ_T_TIME || type == SQ_T_MONEY ||
         type == SQ_T_BOOLEAN;
}

static sq_field field_named(sq_source source, const char *name, size_t length) {
  sq_level level = source == SQ_REQUESTS ? SQ_LEVEL_REQUEST : SQ_LEVEL_SESSION;
  for (int i = SQ_F_NONE + 1; i < SQ_F_COUNT; i++) {
    bool named = sq_same_text(sq_field_get((sq_field)i)->name, name, length) ||
                 sq_same_text(sq_field_short_name((sq_field)i), name, length);
    if (named && sq_field_get((sq_field)i)->level == level) return (sq_field)i;
  }
  return SQ_F_NONE;
}

/* "session_id"-like names to order by; sets query->order. */
static bool set_order(sq_query *query, const char *name, size_t length, sq_error *error) {
  const char *whole = name;
  size_t whole_length = length;
  query->order = (sq_order){.descending = length > 0 && *name == '-'};
  if (query->order.descending) name++, length--;
  for (size_t i = 0; i < query->key_count; i++)
    if (sq_same_text(query->keys[i].name, name, length)) {
      query->order.key = i;
      return true;
    }
  query->order.field = field_named(query->source, name, length);
  if (query->order.field == SQ_F_SESSION_KEY && query->key_count == 1) {
    query->order.field = SQ_F_NONE; /* the key by its other name */
    return true;
  }
  if (query->order.field == SQ_F_NONE) {
    sq_fail(error, SQ_E_UNKNOWN, "cannot order by unknown field '%s'", sq_show(whole, whole_length).text);
    sq_nearest search = {name, length, NULL, 0};
    for (int i = SQ_F_NONE + 1; i < SQ_F_COUNT; i++)
      if (sq_field_get((sq_field)i)->level == (query->source == SQ_REQUESTS ? SQ_LEVEL_REQUEST : SQ_LEVEL_SESSION) &&
          orderable(sq_field_get((sq_field)i)->type))
        sq_nearest_offer(&search, sq_field_short_name((sq_field)i));
    if (search.best) sq_error_append(error, ", did you mean '%s%s'?", query->order.descending ? "-" : "", search.best);
    return false;
  }
  const sq_field_row *row = sq_field_get(query->order.field);
  bool own = row->level == SQ_LEVEL_SESSION && sq_aggregate_stage(row->aggregate) == SQ_STAGE_OWN;
  const char *why = query->order.field == SQ_F_SESSION_KEY ? "there are several keys, name one of them"
                    : !orderable(row->type)                ? "it is no single value"
                    : own                                  ? "it is looked up for the sessions of a page"
                                                           : NULL;
  return !why || sq_fail(error, SQ_E_TYPE, "cannot order by %s: %s", row->name, why);
}

static void default_order(sq_query *query) {
  query->order = (sq_order){.field = query->source == SQ_REQUESTS ? SQ_F_CREATED_AT : SQ_F_SESSION_LATEST, .descending = true};
}

/* ----------------------------------------------------------------------------------------------- building */

/* Of a request, but not its own: in the rows of those who name it. */
static bool is_looked_up(sq_field field) {
  return field == SQ_F_PROJECT_ID || field == SQ_F_SESSION_METADATA_OF_ROW || field == SQ_F_FEEDBACK;
}

static bool can_be_shown(const sq_query *query, sq_field field, bool bodies) {
  const sq_field_row *row = sq_field_get(field);
  if (query->recorded) return row->home != SQ_HOME_NONE || field == SQ_F_FEEDBACK;
  if (query->source == SQ_REQUESTS)
    return row->level == SQ_LEVEL_REQUEST && (bodies || row->home != SQ_HOME_BODY) &&
           field != SQ_F_ORGANIZATION_ID && field != SQ_F_PROJECT; /* these two come with the scope */
  if (row->level != SQ_LEVEL_SESSION || field == SQ_F_SESSION_KEY) return false;
  return sq_by_session(query) || sq_aggregate_stage(row->aggregate) == SQ_STAGE_ROWS;
}

static bool choose_fields(sq_query *query, bool bodies, sq_error *error) {
  sq_field *fields = sq_arena_take(&query->arena, SQ_F_COUNT * sizeof *fields);
  if (!fields) return sq_fail_memory(error);
  for (int i = SQ_F_NONE + 1; i < SQ_F_COUNT; i++)
    if (can_be_shown(query, (sq_field)i, bodies) && (query->recorded || !is_looked_up((sq_field)i))) fields[query->field_count++] = (sq_field)i;
  query->fields = fields;
  return true;
}

static bool fields_of_shape(sq_query *query, sq_error *error) {
  bool wanted[SQ_F_COUNT] = {false};
  sq_field *fields = sq_arena_take(&query->arena, 2 * query->shape->count * sizeof *fields);
  if (!fields) return sq_fail_memory(error);
  wanted[SQ_F_NONE] = wanted[SQ_F_SESSION_KEY] = true; /* the key is there anyway */
  for (size_t i = 0; i < query->shape->count; i++) {
    const sq_field of_member[2] = {query->shape->members[i].field, query->shape->members[i].other};
    for (size_t j = 0; j < 2; j++) {
      if (!wanted[of_member[j]]) fields[query->field_count++] = of_member[j];
      wanted[of_member[j]] = true;
    }
  }
  query->fields = fields;
  return true;
}

/* Rows have their keys, and what the handle's scope leaves open, whether they are chosen or not. */
static bool comes_anyway(const sq_query *query, const char *name, sq_field field) {
  for (size_t i = 0; i < query->key_count; i++)
    if (strcmp(query->keys[i].name, name) == 0) return true;
  if (field == SQ_F_SESSION_KEY) return query->key_count == 1;
  bool of_project = query->source == SQ_REQUESTS || sq_by_session(query);
  return strcmp(name, "organization_id") == 0 || (of_project && strcmp(name, "project") == 0);
}

static bool wrong_choice(const sq_query *query, const char *name, bool bodies, sq_error *error) {
  sq_nearest search = {name, strlen(name), NULL, 0};
  sq_fail(error, SQ_E_UNKNOWN, "rows of this query have no field '%s'", sq_show(name, strlen(name)).text);
  for (size_t i = 0; i < query->key_count; i++) sq_nearest_offer(&search, query->keys[i].name);
  for (int i = SQ_F_NONE + 1; i < SQ_F_COUNT; i++)
    if (can_be_shown(query, (sq_field)i, bodies)) sq_nearest_offer(&search, sq_field_short_name((sq_field)i));
  if (search.best) sq_error_append(error, ", did you mean '%s'?", search.best);
  return false;
}

/* A field to show. Names are as in an order: with or without "session.". */
static bool choose_field(sq_query *query, const char *name, bool bodies, sq_error *error) {
  sq_field *chosen = (sq_field *)query->fields;
  sq_field field = field_named(query->source, name, strlen(name));
  if (comes_anyway(query, name, field)) return true;
  if (field == SQ_F_NONE || !can_be_shown(query, field, bodies)) return wrong_choice(query, name, bodies, error);
  for (size_t i = 0; i < query->field_count; i++)
    if (chosen[i] == field) return true;
  chosen[query->field_count++] = field;
  return true;
}

static bool choose_named(sq_query *query, const sq_query_spec *spec, sq_error *error) {
  if (!(query->fields = sq_arena_take(&query->arena, (SQ_F_COUNT + 1) * sizeof *query->fields))) return sq_fail_memory(error);
  for (size_t i = 0; i < spec->field_count; i++)
    if (!choose_field(query, spec->fields[i], spec->bodies, error)) return false;
  return true;
}

/* One key that can be text: session.id is it. */
static bool has_text_key(const sq_query *query) {
  sq_type type = query->key_count == 1 ? sq_key_type(&query->keys[0]) : SQ_T_BOOLEAN;
  return type == SQ_T_TEXT || type == SQ_T_SCALAR;
}

/* The first use in the tree of a field that the query's source does not have. */
static const sq_node *find_misuse(const sq_query *query, const sq_node *tree) {
  if (sq_is_leaf(tree)) {
    bool of_session = query->source == SQ_SESSIONS;
    bool is_own = tree->level == SQ_LEVEL_SESSION && (tree->field == SQ_F_SESSION_KEY ||
                  sq_aggregate_stage(sq_field_get(tree->field)->aggregate) == SQ_STAGE_OWN);
    return is_own && !of_session && !(tree->field == SQ_F_SESSION_KEY && has_text_key(query)) ? tree : NULL;
  }
  if (tree->kind == SQ_N_ENTRY && tree->field == SQ_F_SESSION_METADATA && query->source != SQ_SESSIONS) return tree;
  for (uint32_t i = 0; sq_has_kids(tree) && i < tree->count; i++) {
    const sq_node *found = find_misuse(query, tree->kids[i]);
    if (found) return found;
  }
  return NULL;
}

static bool check_levels(const sq_query *query, const sq_node *filter, sq_error *error) {
  const sq_node *wrong = query->source == SQ_REQUESTS ? sq_find_session_part(filter) : find_misuse(query, filter);
  if (filter->level & SQ_LEVEL_ENTRY)
    return sq_fail(error, SQ_E_LEVEL, "an entry's key and value can only be asked about inside entry(…)");
  if (!wrong) return true;
  sq_text name = {0};
  if (sq_is_leaf(wrong)) sq_dump_field(&name, wrong);
  else sq_text_put(&name, sq_node_name(wrong->kind));
  const char *what = name.data ? name.data : "";
  if (query->source == SQ_REQUESTS)
    sq_fail_place(error, SQ_E_LEVEL, wrong->place, "%s asks about sessions, and requests() takes request fields only",
                  sq_show(what, strlen(what)).text);
  else if (sq_is_leaf(wrong) && wrong->field == SQ_F_SESSION_KEY)
    sq_fail_place(error, SQ_E_LEVEL, wrong->place, "session.id is the group's key as text, and these groups have no one key of text");
  else
    sq_fail_place(error, SQ_E_LEVEL, wrong->place, "%s belongs to a session, and these groups are none",
                  sq_show(what, strlen(what)).text);
  sq_text_free(&name);
  return false;
}

static bool choose(sq_query *query, const sq_query_spec *spec, sq_error *error) {
  if (query->shape) return fields_of_shape(query, error);
  return spec->fields ? choose_named(query, spec, error) : choose_fields(query, spec->bodies, error);
}

static bool finish(sq_query *query, sq_node *filter, const sq_query_spec *spec, sq_error *error) {
  sq_arena *arena = &query->arena;
  return filter && sq_bind(arena, &filter, true, error) && sq_flatten(arena, &filter, error) &&
         check_levels(query, filter, error) && sq_split_levels(arena, filter, &query->filter, error) &&
         sq_simplify(arena, &query->filter.rows, error) && sq_simplify(arena, &query->filter.keep, error) &&
         choose(query, spec, error);
}

bool sq_query_finish(sq_query *query, sq_node *filter, sq_error *error) { return finish(query, filter, &(sq_query_spec){0}, error); }

/* All must hold. Of sessions and other groups, the whole ones together ask for one row that they all let through. */
static sq_node *all_filters(sq_query *query, const sq_query_spec *spec, sq_error *error) {
  sq_builder build = {.arena = &query->arena, .error = error};
  sq_kids kids = {0}, wholes = {0};
  for (size_t i = 0; i < spec->filter_count; i++) {
    sq_node *copy = sq_copy_tree(&query->arena, spec->filters[i]->tree);
    if (!copy) sq_fail_memory(error);
    bool whole = spec->filters[i]->whole && query->source != SQ_REQUESTS;
    if (!sq_kids_add(&build, whole ? &wholes : &kids, copy)) return NULL;
  }
  if (wholes.count > 0) {
    sq_node *together = sq_build_many(&build, SQ_N_AND, &wholes);
    if (!sq_kids_add(&build, &kids, together ? sq_build_whole(&build, together) : NULL)) return NULL;
  }
  return sq_build_many(&build, SQ_N_AND, &kids);
}

static bool set_page(sq_query *query, const sq_query_spec *spec, sq_error *error) {
  query->limited = spec->limited;
  query->limit = spec->limit;
  query->offset = spec->offset;
  if (spec->limited && spec->limit < 0) return sq_fail(error, SQ_E_VALUE, "a limit is 0 or more, not %lld", (long long)spec->limit);
  if (spec->offset < 0) return sq_fail(error, SQ_E_VALUE, "an offset is 0 or more, not %lld", (long long)spec->offset);
  query->after_length = spec->after_length;
  query->after = spec->after ? sq_arena_copy(&query->arena, spec->after, spec->after_length) : NULL;
  return !spec->after || query->after || sq_fail_memory(error);
}

static bool build(sq_query *query, const sq_query_spec *spec, sq_error *error) {
  query->source = spec->source;
  if (!set_keys(query, spec, error) || !set_page(query, spec, error)) return false;
  if (!spec->order) default_order(query);
  else if (!set_order(query, spec->order, spec->order_length, error)) return false;
  return finish(query, all_filters(query, spec, error), spec, error);
}

sq_query *sq_query_build(const sq_query_spec *spec, const sq_allocator *allocator, sq_error *error) {
  sq_query *query = sq_query_begin(allocator, error);
  if (query && !build(query, spec, error)) {
    sq_query_free(query);
    query = NULL;
  }
  return query;
}

sq_query *sq_query_recorded(const sq_filter *filter, const sq_allocator *allocator, sq_error *error) {
  sq_query_spec spec = {.source = SQ_REQUESTS, .filters = &filter, .filter_count = filter != NULL, .bodies = true};
  sq_query *query = sq_query_begin(allocator, error);
  if (!query) return NULL;
  query->source = SQ_REQUESTS;
  query->recorded = true;
  query->order = (sq_order){.field = SQ_F_CREATED_AT};
  if (finish(query, all_filters(query, &spec, error), &spec, error)) return query;
  sq_query_free(query);
  return NULL;
}

void sq_query_describe(const sq_query *query, sq_text *out) {
  static const char *const sources[] = {"sessions", "requests", "groups"};
  sq_text_put(out, sources[query->source]);
  for (size_t i = 0; query->source == SQ_GROUPS && i < query->key_count; i++) {
    sq_text_format(out, " by %s", query->keys[i].name);
    if (query->keys[i].offset_minutes) sq_text_format(out, "%+d", query->keys[i].offset_minutes);
  }
  sq_text_byte(out, ' ');
  sq_dump_split(out, &query->filter);
  const sq_order *order = &query->order;
  sq_text_format(out, " order %s%s", order->descending ? "-" : "",
                 order->field == SQ_F_NONE ? query->keys[order->key].name : sq_field_get(order->field)->name);
}
