#include "query/run.h"

#include <stdlib.h>

#include "query/cursor.h"
#include "query/engine.h"

/* ----------------------------------------------------------------------------------------------- planning */

static bool make_stamp(sq_plan *plan, const sq_query *query, sq_error *error) {
  return plan->stamp || sq_cursor_stamp(query, &plan->scope, &plan->stamp, error);
}

static bool read_cursor(sq_plan *plan, const sq_query *query, sq_error *error) {
  size_t width = plan->columns.count - plan->columns.shown;
  sq_value *after = sq_arena_take(&plan->arena, width * sizeof *after);
  plan->after = after;
  if (!after) return sq_fail_memory(error);
  return make_stamp(plan, query, error) && sq_cursor_read(query->after, query->after_length, plan->stamp, &plan->arena, after, width, error);
}

#define LARGE 500 /* nodes and values: what has more is written to see whether SQL would refuse it, whoever answers */

static size_t size_of(const sq_node *node) {
  size_t size = 1 + node->count;
  for (uint32_t i = 0; sq_has_kids(node) && i < node->count; i++) size += size_of(node->kids[i]);
  return size;
}

bool sq_plan_begin(sq_plan *plan, sq_store *store, const sq_query *query, bool count, sq_error *error) {
  *plan = (sq_plan){.scope = {sq_store_organization(store), sq_store_project(store)}};
  sq_arena_begin(&plan->arena, query->allocator, NULL, 0);
  plan->sql = (sq_sql){.target = &sq_sqlite_target, .scope = &plan->scope, .arena = &plan->arena, .error = error,
                       .text = {.allocator = query->allocator}};
  sq_word_search_begin(&plan->words, store, query, count);
  plan->sql.words = &plan->words.hook;
  sq_query_columns(query, &plan->scope, &plan->columns);
  if (!count && query->after && !read_cursor(plan, query, error)) return false;
  bool large = size_of(query->filter.rows) + size_of(query->filter.keep) > LARGE;
  return !large || sq_plan_write(plan, query, count);
}

bool sq_plan_write(sq_plan *plan, const sq_query *query, bool count) {
  if (plan->sql.text.length) return true;
  return count ? sq_sql_count(&plan->sql, query) : sq_sql_select(&plan->sql, query, plan->after, &plan->columns);
}

void sq_plan_end(sq_plan *plan) {
  sq_text_free(&plan->sql.text);
  sq_arena_end(&plan->arena);
}

/* ------------------------------------------------------------------------------------------------ running */

sq_scan *sq_plan_scan(const sq_plan *plan, sq_store *store, sq_error *error) {
  return sq_scan_open(store, plan->sql.text.data, plan->sql.values, plan->sql.count, error);
}

bool sq_plan_value(const sq_plan *plan, sq_scan *scan, size_t column, sq_value *out, sq_error *error) {
  sq_type type = plan->columns.items[column].type;
  bool json = type == SQ_T_LIST || type == SQ_T_MAP || type == SQ_T_STATISTICS || type == SQ_T_RECORDS;
  if (!sq_scan_column(scan, (int)column, out, error)) return false;
  if (out->kind == SQ_INTEGER && type == SQ_T_BOOLEAN) *out = (sq_value){.kind = SQ_BOOLEAN, .boolean = out->integer != 0};
  if (out->kind == SQ_STRING && json) out->kind = SQ_JSON;
  return true;
}

bool sq_plan_feed(const sq_plan *plan, sq_scan *scan, const sq_sink *sink, sq_error *error) {
  sq_value values[sizeof plan->columns.items / sizeof *plan->columns.items];
  int got;
  while ((got = sq_scan_next(scan, error)) == 1) {
    for (size_t i = 0; i < plan->columns.count; i++)
      if (!sq_plan_value(plan, scan, i, &values[i], error)) return false;
    if (!sink->take(sink->state, values, plan->columns.count, error)) return false;
  }
  return got == 0;
}

/* One row more than asked for was read: where there is one, the page before it has a cursor. */
static bool end_page(sq_plan *plan, const sq_query *query, sq_rows *rows, sq_error *error) {
  if (!query->limited || rows->count <= (size_t)query->limit) return true;
  sq_rows_drop_last(rows);
  if (rows->count == 0) return true;
  sq_value values[sizeof rows->columns.items / sizeof *rows->columns.items];
  sq_rows_read_all(rows, rows->count - 1, values);
  if (!make_stamp(plan, query, error)) return false;
  rows->next = sq_cursor_write(plan->stamp, values + rows->columns.shown, rows->columns.count - rows->columns.shown);
  return rows->next || sq_fail_memory(error);
}

/* A words index that cannot be read is as good as none. True: the statement is to be written without it. */
static bool goes_without_words(sq_plan *plan, sq_error *error) {
  if (error->code != SQ_E_STORE || !plan->words.asked) return false;
  *error = (sq_error){.code = SQ_OK};
  plan->words.asked = false;
  plan->sql.words = NULL;
  plan->sql.count = 0;
  sq_text_clear(&plan->sql.text);
  return true;
}

static bool run_sql(sq_store *store, const sq_query *query, sq_plan *plan, const sq_sink *sink, sq_error *error) {
  sq_scan *scan = sq_plan_write(plan, query, false) ? sq_plan_scan(plan, store, error) : NULL;
  bool good = scan && sq_plan_feed(plan, scan, sink, error);
  sq_scan_close(scan);
  if (good || !goes_without_words(plan, error)) return good;
  sink->clear(sink->state);
  return run_sql(store, query, plan, sink, error);
}

static bool feed(sq_store *store, const sq_query *query, sq_plan *plan, const sq_sink *sink, sq_error *error) {
  sq_reading reading;
  bool begun = sq_reading_begin(&reading, store, query, plan, false, error);
  bool good = begun && reading.version && sq_reading_feed(&reading, sink);
  if (begun && !good && (!reading.version || sq_reading_turns_to_sql(&reading))) {
    sink->clear(sink->state);
    good = run_sql(store, query, plan, sink, error);
  }
  sq_reading_end(&reading);
  return good;
}

bool sq_query_feed(sq_store *store, const sq_query *query, const sq_sink *sink, sq_error *error) {
  sq_plan plan;
  if (!sq_store_enter(store, error)) return false;
  bool good = sq_plan_begin(&plan, store, query, false, error) && feed(store, query, &plan, sink, error);
  sq_plan_end(&plan);
  return good;
}

static sq_rows *run(sq_store *store, const sq_query *query, sq_plan *plan, sq_error *error) {
  sq_rows *rows = sq_rows_make(&plan->columns, error);
  if (!rows) return NULL;
  sq_sink sink = sq_rows_sink(rows);
  if (feed(store, query, plan, &sink, error) && end_page(plan, query, rows, error)) return rows;
  sq_rows_free(rows);
  return NULL;
}

sq_rows *sq_rows_run(sq_store *store, const sq_query *query, sq_error *error) {
  sq_plan plan;
  if (!sq_store_enter(store, error)) return NULL;
  sq_rows *rows = sq_plan_begin(&plan, store, query, false, error) ? run(store, query, &plan, error) : NULL;
  sq_plan_end(&plan);
  return rows;
}

static int64_t read_count(sq_store *store, const sq_query *query, sq_plan *plan, sq_error *error) {
  sq_scan *scan = sq_plan_write(plan, query, true) ? sq_plan_scan(plan, store, error) : NULL;
  sq_value count = {.integer = -1};
  if (!scan || sq_scan_next(scan, error) != 1 || !sq_scan_column(scan, 0, &count, error)) count.integer = -1;
  sq_scan_close(scan);
  return count.integer < 0 && goes_without_words(plan, error) ? read_count(store, query, plan, error) : count.integer;
}

static int64_t count(sq_store *store, const sq_query *query, sq_plan *plan, sq_error *error) {
  sq_reading reading;
  int64_t rows = -1;
  bool begun = sq_reading_begin(&reading, store, query, plan, true, error);
  if (begun && reading.version) rows = sq_reading_count(&reading);
  if (begun && rows < 0 && (!reading.version || sq_reading_turns_to_sql(&reading))) rows = read_count(store, query, plan, error);
  sq_reading_end(&reading);
  return rows;
}

int64_t sq_query_count(sq_store *store, const sq_query *query, sq_error *error) {
  sq_plan plan;
  if (!sq_store_enter(store, error)) return -1;
  int64_t rows = sq_plan_begin(&plan, store, query, true, error) ? count(store, query, &plan, error) : -1;
  sq_plan_end(&plan);
  return rows;
}
