/* Which elements of a list, or members of a map, requests have most often. */
#include "base/json.h"
#include "query/run.h"

/* A list of text, or a map, that is a column. */
static bool find_field(const char *name, sq_field *out, sq_error *error) {
  *out = sq_field_named(name, strlen(name));
  const sq_field_row *row = sq_field_get(*out);
  bool can = *out != SQ_F_NONE && row->level == SQ_LEVEL_REQUEST && row->home == SQ_HOME_ROW && (row->type == SQ_T_LIST || row->type == SQ_T_MAP);
  return can || sq_fail(error, SQ_E_TYPE, "frequent: '%s' is no list or map of a request", sq_show(name, strlen(name)).text);
}

enum { ORGANIZATION, PROJECT, KEY, VALUE, COUNT };

static bool write_row(sq_scan *scan, bool is_map, sq_text *out, sq_error *error) {
  for (int column = ORGANIZATION; column <= COUNT; column++) {
    sq_value value;
    if (column == KEY && !is_map) continue;
    if (!sq_scan_column(scan, column, &value, error)) return false;
    sq_text_put(out, column == ORGANIZATION ? "[" : ",");
    if (column == COUNT) sq_json_write_integer(out, value.integer);
    else if (column == VALUE) sq_text_append(out, value.text, value.length);
    else sq_json_write_string(out, value.kind == SQ_STRING ? value.text : "", value.kind == SQ_STRING ? value.length : 0);
  }
  sq_text_byte(out, ']');
  return sq_text_whole(out, error);
}

static bool write_rows(sq_scan *scan, bool is_map, sq_text *out, sq_error *error) {
  int got;
  bool good = scan != NULL, first = true;
  sq_text_byte(out, '[');
  while (good && (got = sq_scan_next(scan, error)) != 0) {
    if (!first) sq_text_byte(out, ',');
    first = false;
    good = got == 1 && write_row(scan, is_map, out, error);
  }
  sq_text_byte(out, ']');
  return good && sq_text_whole(out, error);
}

bool sq_query_frequent(sq_store *store, const sq_query *query, const char *name, int64_t most, sq_text *out, sq_error *error) {
  sq_field field;
  sq_plan plan;
  if (query->source != SQ_REQUESTS) return sq_fail(error, SQ_E_VALUE, "frequent: expected a query of requests");
  if (!find_field(name, &field, error) || !sq_store_enter(store, error)) return false;
  bool good = sq_plan_begin(&plan, store, query, true, error);
  sq_text_clear(&plan.sql.text); /* a large filter was written already, to count */
  plan.sql.count = 0;
  sq_scan *scan = good && sq_sql_frequent(&plan.sql, query, field, most) ? sq_plan_scan(&plan, store, error) : NULL;
  good = write_rows(scan, sq_field_get(field)->type == SQ_T_MAP, out, error);
  sq_scan_close(scan);
  sq_plan_end(&plan);
  return good;
}
