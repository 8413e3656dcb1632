/* Projects as callers see them: what the store keeps of them, and what their requests say. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "ir/query.h"
#include "query/run.h"

typedef struct project {
  const char *organization, *name;
  const char *id, *members; /* of its row; NULL: it has none */
  bool created;
  int64_t requests, first, last;
} project;

typedef struct listing {
  sq_arena arena;
  sq_store *store;
  const char *organization, *name; /* wanted, within the scope; NULL: any */
  char (*ids)[37];                 /* wanted, in lower case; NULL: any */
  size_t id_count;
  const sq_columns *columns; /* of the groups */
  project *items;
  size_t count, capacity;
  sq_error *error;
} listing;

static project *add(listing *l) {
  if (sq_arena_grow(&l->arena, &l->items, l->count, &l->capacity, sizeof *l->items)) return &l->items[l->count++];
  sq_fail_memory(l->error);
  return NULL;
}

static const char *keep(listing *l, const char *text, size_t length) {
  const char *copy = sq_arena_copy(&l->arena, text, length);
  if (!copy) sq_fail_memory(l->error);
  return copy;
}

static const char *keep_terminated(listing *l, const char *text) { return text ? keep(l, text, strlen(text)) : NULL; }

/* -------------------------------------------------------------------------------------------------- reading */

static bool take_row(void *state, const sq_project_row *row, sq_error *error) {
  listing *l = state;
  project *p = add(l);
  if (!p) return false;
  *p = (project){.organization = keep_terminated(l, row->organization), .name = keep_terminated(l, row->name), .id = keep_terminated(l, row->id),
                 .members = row->created ? keep_terminated(l, row->members) : NULL, .created = row->created};
  return error->code == SQ_OK;
}

/* A group of requests. */
static bool take_group(void *state, const sq_value *values, size_t count, sq_error *error) {
  (void)count;
  listing *l = state;
  project *p = add(l);
  if (!p) return false;
  *p = (project){.organization = l->organization};
  for (size_t i = 0; i < l->columns->shown; i++) {
    const sq_column_of *column = &l->columns->items[i];
    const sq_value *value = &values[i];
    if (column->origin == SQ_FROM_ORGANIZATION) p->organization = keep(l, value->text, value->length);
    if (column->origin == SQ_FROM_KEY && !p->name) p->name = keep(l, value->text, value->length);
    if (column->origin != SQ_FROM_FIELD || value->kind != SQ_INTEGER) continue;
    if (column->field == SQ_F_SESSION_REQUESTS) p->requests = value->integer;
    if (column->field == SQ_F_SESSION_CREATED_AT) p->first = value->integer;
    if (column->field == SQ_F_SESSION_LATEST) p->last = value->integer;
  }
  return error->code == SQ_OK;
}

static sq_filter *compare(const char *field, const sq_value *values, size_t count, sq_error *error) {
  return sq_filter_compare(field, strlen(field), NULL, 0, "among", values, count, NULL, error);
}

static sq_value value_of(const char *text) { return (sq_value){.kind = SQ_STRING, .length = (uint32_t)strlen(text), .text = text}; }

/* Groups of the projects with these names (NULL: all). */
static sq_query *build(listing *l, const sq_value *names, size_t name_count) {
  static const char *const fields[] = {"total_requests", "created_at", "latest_request_created_at"};
  sq_filter *filters[2] = {NULL};
  size_t count = 0, wanted = (l->organization != NULL) + (names != NULL);
  const sq_value organization = value_of(l->organization ? l->organization : "");
  if (l->organization && (filters[count] = compare("organization_id", &organization, 1, l->error))) count++;
  if (names && (filters[count] = compare("project", names, name_count, l->error))) count++;
  sq_query_spec spec = {.source = SQ_GROUPS, .filters = (const sq_filter *const *)filters, .filter_count = count, .key_count = 1,
                        .keys = {{.name = "project", .length = 7}}, .fields = fields, .field_count = sizeof fields / sizeof *fields};
  sq_query *query = count == wanted ? sq_query_build(&spec, NULL, l->error) : NULL;
  for (size_t i = 0; i < count; i++) sq_filter_free(filters[i]);
  if (query) query->by_any_engine = true;
  return query;
}

static void forget_groups(void *state) { ((listing *)state)->count = 0; }

static bool read_groups(listing *l, const sq_value *names, size_t name_count) {
  const sq_scope scope = {sq_store_organization(l->store), sq_store_project(l->store)};
  sq_columns columns;
  sq_query *query = build(l, names, name_count);
  if (!query) return false;
  sq_query_columns(query, &scope, &columns);
  l->columns = &columns;
  bool good = sq_query_feed(l->store, query, &(sq_sink){take_group, forget_groups, l}, l->error);
  sq_query_free(query);
  return good;
}

/* -------------------------------------------------------------------------------------------------- merging */

/* By organization and name; a row before the group of its requests. */
static int compare_projects(const void *left, const void *right) {
  const project *a = left, *b = right;
  int order = strcmp(a->organization, b->organization);
  if (!order) order = strcmp(a->name, b->name);
  return order ? order : (b->id != NULL) - (a->id != NULL);
}

static bool same_project(const project *a, const project *b) { return strcmp(a->organization, b->organization) == 0 && strcmp(a->name, b->name) == 0; }

/* One of each: what the row says and what the requests say. A reservation without requests is no project. */
static void merge(listing *l) {
  size_t kept = 0;
  if (l->count) qsort(l->items, l->count, sizeof *l->items, compare_projects);
  for (size_t i = 0; i < l->count; i++) {
    project p = l->items[i];
    if (i + 1 < l->count && same_project(&p, &l->items[i + 1])) {
      const project *group = &l->items[++i];
      p.requests = group->requests;
      p.first = group->first;
      p.last = group->last;
    }
    if (p.created || p.requests) l->items[kept++] = p;
  }
  l->count = kept;
}

static bool has_wanted_id(const listing *l, const char *id) {
  for (size_t i = 0; i < l->id_count; i++)
    if (strcmp(l->ids[i], id) == 0) return true;
  return l->ids == NULL;
}

static void write_seconds(const char *name, int64_t micros, sq_text *out) {
  char number[32];
  sq_number_format((double)micros / 1e6, number);
  sq_text_format(out, ",\"%s\":%s", name, number);
}

static void write_project(const project *p, const char *id, sq_text *out) {
  sq_text_put(out, "{\"organization_id\":");
  sq_json_write_string(out, p->organization, strlen(p->organization));
  sq_text_put(out, ",\"name\":");
  sq_json_write_string(out, p->name, strlen(p->name));
  sq_text_format(out, ",\"id\":\"%s\"%s,\"stored\":%s,\"requests\":%lld", id, p->members ? p->members : ",\"extra\":{},\"tag_value_ids\":[]",
                 p->created ? "true" : "false", (long long)p->requests);
  if (p->requests) write_seconds("first_request_at", p->first, out);
  if (p->requests) write_seconds("last_request_at", p->last, out);
  sq_text_byte(out, '}');
}

static void write_all(const listing *l, sq_text *out) {
  const char *separator = "";
  sq_text_byte(out, '[');
  for (size_t i = 0; i < l->count; i++) {
    const project *p = &l->items[i];
    char made[37];
    if (!p->id) sq_project_id(p->organization, strlen(p->organization), p->name, strlen(p->name), made);
    const char *id = p->id ? p->id : made;
    if (!has_wanted_id(l, id)) continue;
    sq_text_put(out, separator);
    write_project(p, id, out);
    separator = ",";
  }
  sq_text_byte(out, ']');
}

/* -------------------------------------------------------------------------------------------------- listing */

typedef struct naming {
  listing *listing;
  sq_value *names;
  size_t count, capacity;
} naming;

static bool add_name(naming *n, const char *name) {
  listing *l = n->listing;
  const char *kept = keep_terminated(l, name);
  if (!kept) return false;
  if (!sq_arena_grow(&l->arena, &n->names, n->count, &n->capacity, sizeof *n->names)) return sq_fail_memory(l->error);
  n->names[n->count++] = value_of(kept);
  return true;
}

static bool take_name(void *state, const char *organization, const char *name, sq_error *error) {
  naming *n = state;
  char made[37];
  (void)error; /* is the listing's */
  sq_project_id(organization, strlen(organization), name, strlen(name), made);
  return !has_wanted_id(n->listing, made) || add_name(n, name);
}

/* The names that may have the ids wanted, so that only their requests are looked at. */
static bool name_ids(naming *n) {
  listing *l = n->listing;
  bool made = false;
  for (size_t i = 0; i < l->id_count; i++) made |= l->ids[i][14] == '5'; /* of a name: version 5 */
  for (size_t i = 0; i < l->count; i++)
    if (has_wanted_id(l, l->items[i].id) && !add_name(n, l->items[i].name)) return false;
  if (made && !sq_lookup_projects(l->store, l->organization, l->name, false, take_name, n, l->error)) return false;
  return l->error->code == SQ_OK;
}

/* The rows that were read stay: what the groups bring goes behind them, and is forgotten alone. */
static bool read_all(listing *l) {
  if (!sq_store_read_projects(l->store, l->organization, l->name, take_row, l, l->error)) return false;
  naming named = {.listing = l};
  if (l->ids ? !name_ids(&named) : l->name && !add_name(&named, l->name)) return false;
  const listing rows = *l;
  bool any = !l->ids && !l->name;
  l->items = NULL;
  l->count = l->capacity = 0;
  if ((any || named.count) && !read_groups(l, named.names, named.count)) return false;
  for (size_t i = 0; i < rows.count; i++) {
    project *p = add(l);
    if (!p) return false;
    *p = rows.items[i];
  }
  return true;
}

static void lower(const char *text, char out[37]) {
  size_t length = strlen(text);
  for (size_t i = 0; i <= 36; i++) out[i] = i < length && length <= 36 ? (char)(text[i] >= 'A' && text[i] <= 'F' ? text[i] + 32 : text[i]) : '\0';
}

static bool begin(listing *l, const sq_project_query *query) {
  const sq_store *store = l->store;
  const char *scope[2] = {sq_store_organization(store), sq_store_project(store)};
  l->organization = scope[0] ? scope[0] : query->organization;
  l->name = scope[1] ? scope[1] : query->name;
  if (!query->ids) return true;
  l->ids = sq_arena_take(&l->arena, (query->id_count + 1) * sizeof *l->ids);
  if (!l->ids) return sq_fail_memory(l->error);
  for (size_t i = 0; i < query->id_count; i++) lower(query->ids[i], l->ids[l->id_count++]);
  return true;
}

/* What another scope than the handle's would have is not there. */
static bool is_outside(const sq_store *store, const sq_project_query *query) {
  const char *organization = sq_store_organization(store), *name = sq_store_project(store);
  return (organization && query->organization && strcmp(organization, query->organization) != 0) ||
         (name && query->name && strcmp(name, query->name) != 0);
}

bool sq_project_list(sq_store *store, const sq_project_query *query, sq_text *out, sq_error *error) {
  listing l = {.store = store, .error = error};
  bool begun = false;
  if (!sq_store_enter(store, error)) return false;
  sq_arena_begin(&l.arena, NULL, NULL, 0);
  bool good = is_outside(store, query) || (begin(&l, query) && sq_store_begin_read(store, &begun, error) && read_all(&l));
  sq_store_end_read(store, begun);
  if (good) merge(&l);
  if (good) write_all(&l, out);
  sq_arena_end(&l.arena);
  return good && sq_text_whole(out, error);
}

/* -------------------------------------------------------------------------------------------------- changing */

/* The one project that `owner` names. */
static bool tell(sq_store *store, const sq_text *owner, sq_text *out, sq_error *error) {
  const sq_project_query query = {.organization = owner->data, .name = owner->data + strlen(owner->data) + 1};
  sq_text list = {0};
  bool good = sq_project_list(store, &query, &list, error) &&
              (list.length > 2 || sq_fail(error, SQ_E_NOT_FOUND, "the project was deleted by another meanwhile"));
  if (good) sq_text_append(out, list.data + 1, list.length - 2); /* without the array's brackets */
  sq_text_free(&list);
  return good && sq_text_whole(out, error);
}

bool sq_project_create(sq_store *store, const char *json, size_t length, sq_text *out, sq_error *error) {
  sq_text owner = {0};
  bool good = sq_store_create_project(store, json, length, &owner, error) && tell(store, &owner, out, error);
  sq_text_free(&owner);
  return good;
}

bool sq_project_update(sq_store *store, const char *organization, const char *id, const char *json, size_t length, sq_text *out,
                       sq_error *error) {
  sq_text owner = {0};
  bool good = sq_store_update_project(store, organization, id, json, length, &owner, error) && tell(store, &owner, out, error);
  sq_text_free(&owner);
  return good;
}
