/* Queries to text: JSON, vendors' answers, explanations, a filter's SQL. */
#include "base/json.h"
#include "dialect/dialect.h"
#include "query/engine.h"
#include "query/json.h"
#include "query/summary.h"

static bool write_rows(sq_store *store, const sq_query *query, sq_text *out, sq_error *error) {
  sq_rows *rows = sq_rows_run(store, query, error);
  if (!rows) return false;
  if (query->shape) sq_json_write_shape(out, query->shape, query->shaping.offset_minutes, rows, error);
  else sq_json_write_rows(out, rows);
  sq_rows_free(rows);
  return error->code == SQ_OK;
}

bool sq_rows_json(const sq_rows *rows, sq_text *out, sq_error *error) {
  sq_json_write_rows(out, rows);
  return sq_text_whole(out, error);
}

bool sq_query_json(sq_store *store, const sq_query *query, sq_text *out, sq_error *error) {
  static bool (*const writers[])(sq_store *store, const sq_query *query, sq_text *out, sq_error *error) = {
      [SQ_FORM_ROWS] = write_rows, [SQ_FORM_SUMMARY] = sq_json_write_summaries, [SQ_FORM_SUMMARIES] = sq_json_write_summaries,
      [SQ_FORM_HISTOGRAMS] = sq_json_write_histograms};
  return writers[query->shape ? query->shape->form : SQ_FORM_ROWS](store, query, out, error) && sq_text_whole(out, error);
}

/* --------------------------------------------------------------------------------------- whole answers */

static const sq_shape plain = {.before = "", .after = "", .error_before = "{\"error\":", .error_after = "}"};

static const sq_shape *shape_of(const sq_dialect *dialect) {
  return dialect && dialect->endpoints ? dialect->endpoints[0].shape : &plain;
}

static void write_error(const sq_shape *shape, const char *message, sq_text *out) {
  sq_text_free(out);
  sq_text_put(out, shape->error_before);
  sq_json_write_string(out, message, strlen(message));
  sq_text_put(out, shape->error_after);
}

int sq_answer(sq_store *store, const char *name, const char *endpoint, const char *body, size_t length, sq_text *out) {
  sq_error error = {.code = SQ_OK};
  const sq_dialect *dialect = sq_dialect_named(name, &error);
  sq_query *query = dialect ? sq_query_compile(name, endpoint, body, length, NULL, &error) : NULL;
  bool good = query && sq_query_json(store, query, out, &error);
  sq_query_free(query);
  if (good) return 200;
  write_error(shape_of(dialect), error.message, out);
  return sq_code_status(error.code);
}

bool sq_envelope(const char *name, bool good, const sq_value *value, sq_text *out, sq_error *error) {
  const sq_dialect *dialect = sq_dialect_named(name, error);
  const sq_shape *shape = shape_of(dialect);
  if (!dialect) return false;
  sq_text_put(out, good ? shape->before : shape->error_before);
  sq_json_write_value(out, SQ_T_SCALAR, value);
  sq_text_put(out, good ? shape->after : shape->error_after);
  return sq_text_whole(out, error);
}

/* ------------------------------------------------------------------------------------------- explaining */

static void write_values(sq_text *out, const sq_sql *sql) {
  for (size_t i = 0; i < sql->count; i++) {
    const sq_value *value = &sql->values[i];
    sq_text_format(out, "%s?%zu = ", i ? ", " : "", i + 1);
    if (value->kind == SQ_STRING) sq_json_write_string(out, value->text, value->length);
    else if (value->kind == SQ_INTEGER) sq_json_write_integer(out, value->integer);
    else if (value->kind == SQ_REAL) sq_json_write_real(out, value->real);
    else sq_text_put(out, value->kind == SQ_NULL ? "null" : value->boolean ? "true" : "false");
  }
}

/* How the database goes about it, step by step. */
static bool write_plan(sq_store *store, const sq_plan *plan, sq_text *out, sq_error *error) {
  sq_text sql = {0};
  sq_text_format(&sql, "%s%s", plan->sql.target->explain, plan->sql.text.data);
  sq_scan *scan = sq_text_whole(&sql, error) ? sq_scan_open(store, sql.data, plan->sql.values, plan->sql.count, error) : NULL;
  int got = -1;
  while (scan && (got = sq_scan_next(scan, error)) == 1) {
    sq_value step;
    if (!sq_scan_column(scan, plan->sql.target->explain_column, &step, error)) break;
    sq_text_format(out, "  %.*s\n", (int)step.length, step.text);
  }
  sq_scan_close(scan);
  sq_text_free(&sql);
  return got == 0;
}

static void write_scope(const sq_plan *plan, sq_text *out) {
  const sq_scope *scope = &plan->scope;
  sq_text_put(out, "scope: ");
  if (scope->organization) {
    sq_text_put(out, "organization ");
    sq_json_write_string(out, scope->organization, strlen(scope->organization));
  } else {
    sq_text_put(out, "all organizations");
  }
  if (scope->project) {
    sq_text_put(out, ", project ");
    sq_json_write_string(out, scope->project, strlen(scope->project));
  }
  sq_text_byte(out, '\n');
}

static void write_query(const sq_query *query, const sq_plan *plan, sq_text *out) {
  write_scope(plan, out);
  sq_text_put(out, "query: ");
  sq_query_describe(query, out);
  if (query->limited) sq_text_format(out, " limit %lld", (long long)query->limit);
  if (query->offset) sq_text_format(out, " offset %lld", (long long)query->offset);
  if (query->after) sq_text_put(out, " after a cursor");
  sq_text_byte(out, '\n');
}

/* Runs it: what was touched, only a run tells. */
static bool explain_columns(sq_reading *reading, const sq_query *query, const sq_plan *plan, sq_text *out, sq_error *error) {
  sq_rows *rows = sq_rows_make(&plan->columns, error);
  sq_sink sink = rows ? sq_rows_sink(rows) : (sq_sink){0};
  bool good = rows && sq_reading_feed(reading, &sink);
  const sq_traffic *t = &reading->exec.traffic;
  sq_text_put(out, "engine: columns\n");
  write_query(query, plan, out);
  sq_text_format(out, "plan: %s\n", reading->exec.plan);
  sq_text_format(out, "read: %llu of %llu segments, %llu skipped; %llu fragments, %llu rows, %llu bytes\n", (unsigned long long)t->blocks,
                 (unsigned long long)reading->exec.view->count, (unsigned long long)t->skipped, (unsigned long long)t->fragments,
                 (unsigned long long)t->rows, (unsigned long long)t->bytes);
  sq_rows_free(rows);
  return good && sq_text_whole(out, error);
}

static bool explain_sql(sq_store *store, const sq_query *query, sq_plan *plan, const char *why, sq_text *out, sq_error *error) {
  if (!sq_plan_write(plan, query, false)) return false;
  sq_text_format(out, "engine: sql, by %s (%s)\n", plan->sql.target->title, why);
  write_query(query, plan, out);
  if (plan->words.told[0]) sq_text_format(out, "words index: %s\n", plan->words.told);
  sq_text_put(out, "sql: ");
  sq_text_append(out, plan->sql.text.data, plan->sql.text.length);
  sq_text_put(out, "\nvalues: ");
  write_values(out, &plan->sql);
  sq_text_put(out, "\nplan:\n");
  return write_plan(store, plan, out, error) && sq_text_whole(out, error);
}

static bool explain(sq_store *store, const sq_query *query, sq_plan *plan, sq_text *out, sq_error *error) {
  sq_reading reading;
  bool begun = sq_reading_begin(&reading, store, query, plan, false, error);
  bool good = begun && reading.version && explain_columns(&reading, query, plan, out, error);
  if (begun && !good && (!reading.version || sq_reading_turns_to_sql(&reading))) {
    sq_text_clear(out);
    good = explain_sql(store, query, plan, reading.why, out, error);
  }
  sq_reading_end(&reading);
  return good;
}

bool sq_query_explain(sq_store *store, const sq_query *query, sq_text *out, sq_error *error) {
  sq_plan plan;
  if (!sq_store_enter(store, error)) return false;
  bool good = sq_plan_begin(&plan, store, query, false, error) && explain(store, query, &plan, out, error);
  sq_plan_end(&plan);
  return good;
}

/* ----------------------------------------------------------------------------------------- a filter's SQL */

static void write_condition(sq_sql *sql, const char *name, const sq_node *filter, void (*emit)(sq_sql *sql, const sq_node *filter)) {
  if (filter->kind == SQ_N_TRUE) return;
  if (sql->text.length) sq_text_byte(&sql->text, '\n');
  sq_text_put(&sql->text, name);
  emit(sql, filter);
}

static void emit_rows(sq_sql *sql, const sq_node *filter) { sq_emit_rows(sql, filter, "r"); }
static void emit_keep(sq_sql *sql, const sq_node *filter) { sq_emit_keep(sql, filter, false); }

static void emit_quantified(sq_sql *sql, const sq_node *node) {
  static const char *const names[] = {"\nsome: ", "\nevery: "};
  if (node->kind == SQ_N_SOME || node->kind == SQ_N_EVERY) {
    sq_text_put(&sql->text, names[node->kind == SQ_N_EVERY]);
    emit_rows(sql, node->kids[0]);
  }
  for (uint32_t i = 0; sq_has_kids(node) && i < node->count; i++) emit_quantified(sql, node->kids[i]);
}

static const sq_sql_target *find_target(const char *name, sq_error *error) {
  if (strcmp(name, sq_sqlite_target.name) == 0) return &sq_sqlite_target;
  sq_fail(error, SQ_E_UNKNOWN, "unknown SQL target '%s': there is %s", sq_show(name, strlen(name)).text, sq_sqlite_target.name);
  return NULL;
}

bool sq_filter_sql(const sq_filter *filter, const char *target_name, sq_text *out, sq_error *error) {
  const sq_sql_target *target = find_target(target_name, error);
  if (!target) return false;
  if (filter->tree->level & SQ_LEVEL_ENTRY)
    return sq_fail(error, SQ_E_LEVEL, "an entry's key and value can only be asked about inside entry(…)");
  sq_scope everything = {NULL, NULL};
  sq_arena arena;
  sq_split split;
  sq_arena_begin(&arena, filter->allocator, NULL, 0);
  sq_sql sql = {.target = target, .scope = &everything, .arena = &arena, .error = error};
  sq_node *tree = sq_copy_tree(&arena, filter->tree);
  if (!tree) sq_fail_memory(error);
  if (tree && sq_split_levels(&arena, tree, &split, error) && sq_simplify(&arena, &split.rows, error) && sq_simplify(&arena, &split.keep, error)) {
    write_condition(&sql, "rows: ", split.rows, emit_rows);
    write_condition(&sql, "keep: ", split.keep, emit_keep);
    emit_quantified(&sql, split.keep);
    sq_text_append(out, sql.text.data, sql.text.length);
    if (sql.text.length == 0) sq_text_put(out, "all");
    if (sql.count) sq_text_put(out, "\nvalues: ");
    write_values(out, &sql);
  }
  bool good = error->code == SQ_OK && sq_text_whole(&sql.text, error) && sq_text_whole(out, error);
  sq_text_free(&sql.text);
  sq_arena_end(&arena);
  return good;
}
