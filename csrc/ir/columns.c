#include "ir/columns.h"

#include <string.h>

/* A key takes the place of what else would have its name. */
static bool is_key(const sq_query *query, const char *name) {
  for (size_t i = 0; i < query->key_count; i++)
    if (strcmp(query->keys[i].name, name) == 0) return true;
  return false;
}

static sq_column_of *add(sq_columns *out, sq_origin origin, const char *name, sq_type type) {
  sq_column_of *column = &out->items[out->count++];
  *column = (sq_column_of){.name = name, .type = type, .origin = origin};
  return column;
}

static void add_field(sq_columns *out, const char *name, sq_field field) {
  add(out, SQ_FROM_FIELD, name, sq_field_get(field)->type)->field = field;
}

static void add_key(sq_columns *out, const char *name, const sq_query *query, size_t key) {
  add(out, SQ_FROM_KEY, name, sq_key_type(&query->keys[key]))->key = key;
}

static void add_scope(const sq_query *query, const sq_scope *scope, bool project, sq_columns *out) {
  if (!scope->organization && !is_key(query, "organization_id")) add(out, SQ_FROM_ORGANIZATION, "organization_id", SQ_T_TEXT);
  if (project && !scope->project) add(out, SQ_FROM_PROJECT, "project", SQ_T_TEXT);
}

static void show_request(const sq_query *query, const sq_scope *scope, sq_columns *out) {
  if (!query->recorded) add_scope(query, scope, true, out);
  for (size_t i = 0; i < query->field_count; i++) add_field(out, sq_field_get(query->fields[i])->name, query->fields[i]);
}

static void show_group(const sq_query *query, const sq_scope *scope, sq_columns *out) {
  add_scope(query, scope, sq_by_session(query), out);
  for (size_t i = 0; i < query->key_count; i++) add_key(out, query->keys[i].name, query, i);
  if (query->source == SQ_GROUPS && query->key_count == 1) add_key(out, "id", query, 0);
  for (size_t i = 0; i < query->field_count; i++) {
    const char *name = sq_field_short_name(query->fields[i]);
    if (query->source != SQ_GROUPS || !is_key(query, name)) add_field(out, name, query->fields[i]);
  }
}

/* The order, then the key, so that no two rows tie. */
static void add_order(const sq_query *query, sq_columns *out) {
  const sq_order *order = &query->order;
  bool by_key = order->field == SQ_F_NONE;
  if (by_key) add_key(out, NULL, query, order->key);
  else add_field(out, NULL, order->field);
  out->items[out->count - 1].descending = order->descending;
  for (size_t i = 0; i < query->key_count; i++)
    if (!by_key || order->key != i) add_key(out, NULL, query, i);
  if (query->source == SQ_REQUESTS) add_field(out, NULL, SQ_F_REQUEST_ID);
  if (query->source == SQ_REQUESTS || sq_by_session(query)) add(out, SQ_FROM_PROJECT, NULL, SQ_T_TEXT);
  add(out, SQ_FROM_ORGANIZATION, NULL, SQ_T_TEXT);
}

void sq_query_columns(const sq_query *query, const sq_scope *scope, sq_columns *out) {
  out->count = 0;
  if (query->source == SQ_REQUESTS) show_request(query, scope, out);
  else show_group(query, scope, out);
  out->shown = out->count;
  add_order(query, out);
}
