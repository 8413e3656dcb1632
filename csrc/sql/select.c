/* The whole query as one statement:

     SELECT columns FROM (                         page, with what is looked up by the group's key
       SELECT … FROM (                             group: one row per group, with all aggregates needed
         SELECT … FROM request AS r WHERE rows GROUP BY key
       ) AS s WHERE keep ORDER BY … LIMIT …
     ) AS s

   requests() has the rows step and the page only. Of sessions that must have some row of a kind, the rows step takes no
   others: a search that few sessions pass does not group all of them. */
#include <string.h>

#include "base/json.h"
#include "sql/sql.h"

#define MOST_QUANTIFIED 1000 /* each is a column of the group step, and databases bound these */

static void put(sq_sql *sql, const char *text) { sq_text_put(&sql->text, text); }

/* ------------------------------------------------------------------------------------------ what is needed */

typedef struct needs {
  bool fields[SQ_F_COUNT];
} needs;

static void need_fields_of(needs *needs, const sq_node *node) {
  if (node->kind == SQ_N_SOME || node->kind == SQ_N_EVERY) return; /* about the rows */
  if (node->kind == SQ_N_COMPARE) needs->fields[node->field] = true;
  for (uint32_t i = 0; sq_has_kids(node) && i < node->count; i++) need_fields_of(needs, node->kids[i]);
}

static bool from_rows(sq_field field) {
  const sq_field_row *row = sq_field_get(field);
  return field != SQ_F_SESSION_KEY && row->level == SQ_LEVEL_SESSION && sq_aggregate_stage(row->aggregate) == SQ_STAGE_ROWS;
}

/* -------------------------------------------------------------------------------------------- the group step */

static void put_key(sq_sql *sql, const sq_key *key) {
  const sq_sql_target *target = sql->target;
  if (key->kind == SQ_KEY_BUCKET) {
    sq_emit_template(sql, target->bucket[key->bucket], "r", key->field, key->offset_minutes);
  } else if (key->kind == SQ_KEY_MEMBER) {
    const sq_value member = {.kind = SQ_STRING, .length = (uint32_t)key->member_length, .text = key->member};
    sq_emit_values(sql, target->key_of_scalar, "r", key->field, &member);
  } else {
    sq_emit_field(sql, key->field, "r", false);
  }
}

static void put_quantified(sq_sql *sql, const sq_node *node, unsigned *number) {
  if (*number == MOST_QUANTIFIED) {
    sq_fail(sql->error, SQ_E_LIMIT, "more than %d conditions on some or every request in one filter", MOST_QUANTIFIED);
    return;
  }
  if (node->kind == SQ_N_SOME || node->kind == SQ_N_EVERY) {
    put(sql, node->kind == SQ_N_SOME ? ", max(CASE WHEN " : ", min(CASE WHEN ");
    sq_emit_rows(sql, node->kids[0], "r");
    sq_text_format(&sql->text, " THEN 1 ELSE 0 END) AS quantified_%u", (*number)++);
    return;
  }
  for (uint32_t i = 0; sq_has_kids(node) && i < node->count; i++) put_quantified(sql, node->kids[i], number);
}

static void put_rows(sq_sql *sql, const sq_query *query) {
  put(sql, " FROM request AS r WHERE ");
  sq_emit_scope(sql, "r");
  if (sq_by_session(query)) sq_emit_template(sql, sql->target->in_session, "r", SQ_F_NONE, 0);
  sq_emit_rows(sql, query->filter.rows, "r");
}

/* What keep asks of some row, of every session that it keeps: those sessions are found first, and only their rows are
   grouped. */
static bool is_hoisted(const sq_query *query, const sq_node *node) { return sq_by_session(query) && node->kind == SQ_N_SOME; }

/* Law: keep(and(some(F), rest)) of the rows R is keep(rest) of those rows in R whose session has one in R that satisfies F.
   The sessions stand before the statement: F may nest deep, and parsers bound that. */
static void put_sessions(sq_sql *sql, const sq_query *query, void (*put_one)(sq_sql *, const sq_query *, const sq_node *, unsigned)) {
  const sq_node *keep = query->filter.keep;
  bool whole = keep->kind != SQ_N_AND;
  unsigned number = 0;
  for (uint32_t i = 0; i < (whole ? 1 : keep->count); i++) {
    const sq_node *member = whole ? keep : keep->kids[i];
    if (is_hoisted(query, member)) put_one(sql, query, member->kids[0], number++);
  }
}

static void define_sessions(sq_sql *sql, const sq_query *query, const sq_node *filter, unsigned number) {
  sq_text_format(&sql->text, "%skept_%u AS (SELECT q.session_id, q.organization_id, q.project FROM request AS q WHERE ", number ? ", " : "WITH ", number);
  sq_emit_scope(sql, "q");
  sq_emit_template(sql, sql->target->in_session, "q", SQ_F_NONE, 0);
  sq_emit_rows(sql, query->filter.rows, "q");
  put(sql, " AND ");
  sq_emit_rows(sql, filter, "q");
  put(sql, ") ");
}

static void demand_sessions(sq_sql *sql, const sq_query *query, const sq_node *filter, unsigned number) {
  (void)query, (void)filter;
  sq_text_format(&sql->text, " AND (r.session_id, r.organization_id, r.project) IN (SELECT * FROM kept_%u)", number);
}

/* What keep asks beside that; NULL when memory ended. */
static const sq_node *rest_of(sq_sql *sql, const sq_query *query) {
  const sq_node *keep = query->filter.keep;
  if (keep->kind != SQ_N_AND && !is_hoisted(query, keep)) return keep;
  sq_node *rest = sq_arena_take(sql->arena, sizeof *rest);
  sq_node **kids = rest ? sq_arena_take(sql->arena, (keep->count + 1) * sizeof *kids) : NULL;
  if (!kids) {
    sq_fail_memory(sql->error);
    return NULL;
  }
  *rest = (sq_node){.kind = SQ_N_AND, .level = SQ_LEVEL_SESSION, .kids = kids, .place = SQ_NOWHERE};
  for (uint32_t i = 0; keep->kind == SQ_N_AND && i < keep->count; i++)
    if (!is_hoisted(query, keep->kids[i])) kids[rest->count++] = keep->kids[i];
  if (rest->count == 0) rest->kind = SQ_N_TRUE;
  return rest->count == 1 ? kids[0] : rest;
}

static void put_groups(sq_sql *sql, const sq_query *query, const sq_node *rest, const needs *needs) {
  put(sql, "SELECT r.organization_id AS organization_id");
  if (sq_by_session(query)) put(sql, ", r.project AS project");
  for (size_t i = 0; i < query->key_count; i++) {
    put(sql, ", ");
    put_key(sql, &query->keys[i]);
    sq_text_format(&sql->text, " AS k%zu", i + 1);
  }
  for (int i = SQ_F_NONE + 1; i < SQ_F_COUNT; i++) {
    if (!needs->fields[i] || !from_rows((sq_field)i)) continue;
    const sq_field_row *row = sq_field_get((sq_field)i);
    put(sql, ", ");
    if (row->aggregate == SQ_A_SESSIONS && sq_by_session(query)) put(sql, "1"); /* itself */
    else sq_emit_template(sql, sql->target->aggregate[row->aggregate], "r", row->source, row->argument);
    sq_text_format(&sql->text, " AS %s", sq_field_short_name((sq_field)i));
  }
  unsigned quantified = 0;
  put_quantified(sql, rest, &quantified);
  put_rows(sql, query);
  put_sessions(sql, query, demand_sessions);
  put(sql, " GROUP BY k1");
  for (size_t i = 1; i < query->key_count; i++) sq_text_format(&sql->text, ", k%zu", i + 1);
  put(sql, sq_by_session(query) ? ", r.project, r.organization_id" : ", r.organization_id");
}

/* -------------------------------------------------------------------------------------------- order and page */

static const char *const key_columns[] = {"s.k1", "s.k2", "s.k3"};

/* Groups are read from s, requests from r. */
static const char *alias_of(const sq_query *query) { return query->source == SQ_REQUESTS ? "r" : "s"; }

static bool from_group(sq_field field) { return sq_field_get(field)->level == SQ_LEVEL_SESSION; }

static void put_field_column(sq_sql *sql, const sq_query *query, sq_field field) {
  if (!from_group(field)) sq_emit_field(sql, field, "r", query->recorded);
  else if (from_rows(field)) sq_emit_column(sql, "s", sq_field_short_name(field));
  else sq_emit_template(sql, sql->target->aggregate[sq_field_get(field)->aggregate], "s", SQ_F_NONE, 0);
}

static void put_column(sq_sql *sql, const sq_query *query, const sq_column_of *column) {
  switch (column->origin) {
    case SQ_FROM_ORGANIZATION: sq_emit_column(sql, alias_of(query), "organization_id"); break;
    case SQ_FROM_PROJECT: sq_emit_column(sql, alias_of(query), "project"); break;
    case SQ_FROM_KEY: put(sql, key_columns[column->key]); break;
    case SQ_FROM_FIELD: put_field_column(sql, query, column->field);
  }
}

/* What rows are ordered by: what stands behind the columns that are shown. An order is by the field as it is
   asked about, not as it was recorded. */
static void put_term(sq_sql *sql, const sq_query *query, const sq_column_of *term) {
  if (term->origin == SQ_FROM_FIELD && !from_group(term->field)) sq_emit_field(sql, term->field, "r", false);
  else put_column(sql, query, term);
}

static void put_order(sq_sql *sql, const sq_query *query, const sq_columns *columns) {
  for (size_t i = columns->shown; i < columns->count; i++) {
    put(sql, i > columns->shown ? ", " : " ORDER BY ");
    put_term(sql, query, &columns->items[i]);
    put(sql, columns->items[i].descending ? " DESC NULLS LAST" : " NULLS LAST");
  }
}

/* A cursor's value as the column holds it: scalars are written as JSON and read back by the database. */
static void put_cursor_value(sq_sql *sql, const sq_column_of *term, const sq_value *value) {
  if (term->type != SQ_T_SCALAR) {
    sq_emit_parameter(sql, value);
    return;
  }
  sq_text json = {.allocator = sql->arena->allocator};
  if (value->kind == SQ_STRING) sq_json_write_string(&json, value->text, value->length);
  else if (value->kind == SQ_BOOLEAN) sq_text_put(&json, value->boolean ? "true" : "false");
  else if (value->kind == SQ_INTEGER) sq_json_write_integer(&json, value->integer);
  else sq_json_write_real(&json, value->real);
  char *copy = json.failed ? NULL : sq_arena_copy(sql->arena, json.data, json.length);
  const sq_value written = {.kind = SQ_STRING, .length = (uint32_t)json.length, .text = copy};
  if (copy) sq_emit_values(sql, sql->target->value_of_key, "r", SQ_F_NONE, &written);
  else sq_fail_memory(sql->error);
  sq_text_free(&json);
}

static bool is_always(const sq_column_of *term) { return term->origin == SQ_FROM_FIELD && sq_field_get(term->field)->always; }

/* a >= x, which the rest implies, but which an index can begin at. */
static void put_start(sq_sql *sql, const sq_query *query, const sq_column_of *term, const sq_value *value) {
  put_term(sql, query, term);
  put(sql, term->descending ? " <= " : " >= ");
  put_cursor_value(sql, term, value);
  put(sql, " AND ");
}

/* This row comes after the cursor's: (a > x OR a IS NULL) OR (a = x AND (b > y …)). Absent comes last. */
static void put_after(sq_sql *sql, const sq_query *query, const sq_columns *columns, const sq_value *after, size_t from) {
  const sq_column_of *term = &columns->items[from];
  const sq_value *value = &after[from - columns->shown];
  bool last = from + 1 == columns->count, absent = value->kind == SQ_NULL;
  put(sql, "(");
  if (absent) {
    put(sql, "FALSE");
  } else {
    put_term(sql, query, term);
    put(sql, term->descending ? " < " : " > ");
    put_cursor_value(sql, term, value);
    if (!is_always(term)) {
      put(sql, " OR ");
      put_term(sql, query, term);
      put(sql, " IS NULL");
    }
  }
  if (!last) {
    put(sql, " OR (");
    put_term(sql, query, term);
    put(sql, absent ? " IS NULL AND " : " = ");
    if (!absent) {
      put_cursor_value(sql, term, value);
      put(sql, " AND ");
    }
    put_after(sql, query, columns, after, from + 1);
    put(sql, ")");
  }
  put(sql, ")");
}

static void put_page(sq_sql *sql, const sq_query *query) {
  if (!query->limited && query->offset == 0) return;
  int64_t limit = !query->limited ? INT64_MAX : query->limit < INT64_MAX ? query->limit + 1 : query->limit;
  const sq_value numbers[2] = {{.kind = SQ_INTEGER, .integer = limit}, {.kind = SQ_INTEGER, .integer = query->offset}};
  sq_emit_values(sql, sql->target->page, "r", SQ_F_NONE, numbers);
}

/* --------------------------------------------------------------------------------------------- the columns */

static void put_columns(sq_sql *sql, const sq_query *query, const sq_columns *columns) {
  for (size_t i = 0; i < columns->count; i++) {
    put(sql, i ? ", " : "SELECT ");
    if (i < columns->shown) put_column(sql, query, &columns->items[i]);
    else put_term(sql, query, &columns->items[i]);
  }
}

static bool looks_up(const sq_query *query) {
  for (size_t i = 0; i < query->field_count; i++)
    if (!from_rows(query->fields[i])) return true;
  return false;
}

/* ------------------------------------------------------------------------------------------ the statements */

static needs needs_of(const sq_query *query, bool columns) {
  needs needs = {{false}};
  need_fields_of(&needs, query->filter.keep);
  if (!columns) return needs;
  needs.fields[query->order.field] = true;
  for (size_t i = 0; i < query->field_count; i++) needs.fields[query->fields[i]] = true;
  return needs;
}

static void put_kept(sq_sql *sql, const sq_query *query, const needs *needs) {
  const sq_node *rest = rest_of(sql, query);
  if (!rest) return;
  put(sql, " FROM (");
  put_groups(sql, query, rest, needs);
  put(sql, ") AS s WHERE ");
  sq_emit_keep(sql, rest, query->keys[0].kind == SQ_KEY_MEMBER);
}

static void select_groups(sq_sql *sql, const sq_query *query, const sq_value *after, const sq_columns *columns) {
  needs needs = needs_of(query, true);
  bool nested = looks_up(query); /* only the page's groups are looked up */
  put_sessions(sql, query, define_sessions);
  put_columns(sql, query, columns);
  if (nested) put(sql, " FROM (SELECT s.*");
  put_kept(sql, query, &needs);
  if (after) {
    put(sql, " AND ");
    put_after(sql, query, columns, after, columns->shown);
  }
  put_order(sql, query, columns);
  put_page(sql, query);
  if (!nested) return;
  put(sql, ") AS s");
  put_order(sql, query, columns);
}

static void select_requests(sq_sql *sql, const sq_query *query, const sq_value *after, const sq_columns *columns) {
  const sq_column_of *first = &columns->items[columns->shown];
  put_columns(sql, query, columns);
  put_rows(sql, query);
  if (after) {
    put(sql, " AND ");
    if (is_always(first)) put_start(sql, query, first, &after[0]);
    put_after(sql, query, columns, after, columns->shown);
  }
  put_order(sql, query, columns);
  put_page(sql, query);
}

static bool finish(sq_sql *sql) {
  if (sql->count > sql->target->most_values)
    sq_fail(sql->error, SQ_E_LIMIT, "%zu values in one query, more than %zu: ask with 'in' where you can", sql->count, sql->target->most_values);
  return sql->error->code == SQ_OK && sq_text_whole(&sql->text, sql->error);
}

bool sq_sql_select(sq_sql *sql, const sq_query *query, const sq_value *after, const sq_columns *columns) {
  if (query->source == SQ_REQUESTS) select_requests(sql, query, after, columns);
  else select_groups(sql, query, after, columns);
  return finish(sql);
}

bool sq_sql_pick(sq_sql *sql, const sq_query *query, const sq_value *seqs, const sq_columns *columns) {
  put_columns(sql, query, columns);
  put(sql, " FROM request AS r WHERE r.seq");
  sq_emit_values(sql, sql->target->among_seqs, "r", SQ_F_NONE, seqs);
  put_order(sql, query, columns);
  return finish(sql);
}

bool sq_sql_own(sq_sql *sql, sq_field field, const sq_value key[3]) {
  static const char *const names[] = {"organization_id", "project", "k1"};
  put(sql, "SELECT ");
  sq_emit_template(sql, sql->target->aggregate[sq_field_get(field)->aggregate], "s", SQ_F_NONE, 0);
  for (size_t i = 0; i < 3; i++) {
    put(sql, i ? ", " : " FROM (SELECT ");
    sq_emit_parameter(sql, &key[i]);
    sq_text_format(&sql->text, " AS %s", names[i]);
  }
  put(sql, ") AS s");
  return finish(sql);
}

bool sq_sql_count(sq_sql *sql, const sq_query *query) {
  put_sessions(sql, query, define_sessions); /* of requests there are none */
  put(sql, "SELECT count(*)");
  if (query->source == SQ_REQUESTS) {
    put_rows(sql, query);
  } else {
    needs needs = needs_of(query, false);
    put_kept(sql, query, &needs);
  }
  return finish(sql);
}
