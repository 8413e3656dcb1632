/* The SQL functions that sql/sqlite.c writes: text matching, JSON scalars, time buckets, and the aggregates
   of session/. A NULL argument gives NULL. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/number.h"
#include "base/pattern.h"
#include "base/time.h"
#include "base/words.h"
#include "session/distinct.h"
#include "session/sample.h"
#include "session/statistics.h"
#include "session/sum.h"
#include "store/sqlite.h"

typedef sqlite3_context context;
typedef sqlite3_value argument;

static bool is_null(argument *value) { return sqlite3_value_type(value) == SQLITE_NULL; }

/* The argument's text; NULL when it is NULL (or memory ended, which SQLite then reports). */
static const char *text_of(argument *value, size_t *length) {
  const char *text = (const char *)sqlite3_value_text(value);
  *length = text ? (size_t)sqlite3_value_bytes(value) : 0;
  return text;
}

/* Hands a text over as the result. */
static void give_text(context *c, sq_text *text) {
  if (text->failed) {
    sqlite3_result_error_nomem(c);
    sq_text_free(text);
  } else {
    sqlite3_result_text64(c, text->data ? text->data : "", text->length, text->data ? free : SQLITE_STATIC, SQLITE_UTF8);
  }
}

/* -------------------------------------------------------------------------------------------- text matching */

/* A pattern or needle compiled once per statement, with room for the folded text. */
typedef struct matcher {
  sq_pattern pattern;
  sq_text scratch;
} matcher;

static void free_matcher(void *state) {
  matcher *m = state;
  sq_pattern_free(&m->pattern);
  sq_text_free(&m->scratch);
  free(m);
}

typedef bool compiler(sq_pattern *pattern, const char *source, size_t length);
static bool compile_like(sq_pattern *p, const char *source, size_t length) { return sq_pattern_compile(p, source, length, false); }
static bool compile_ilike(sq_pattern *p, const char *source, size_t length) { return sq_pattern_compile(p, source, length, true); }
static bool compile_needle(sq_pattern *p, const char *source, size_t length) {
  sq_fold(&p->bytes, source, length);
  return !p->bytes.failed;
}

/* The matcher of argument 1. Where SQLite does not keep it, it is freed by the caller (`*kept` is false). */
static matcher *matcher_of(context *c, argument *value, compiler *compile, bool *kept) {
  matcher *m = sqlite3_get_auxdata(c, 1);
  *kept = m != NULL;
  if (m) return m;
  size_t length;
  const char *source = text_of(value, &length);
  m = source ? calloc(1, sizeof *m) : NULL;
  if (m && compile(&m->pattern, source, length)) return m;
  if (m) free_matcher(m);
  sqlite3_result_error_nomem(c);
  return NULL;
}

static void keep_matcher(context *c, matcher *m, bool kept) {
  if (!kept) sqlite3_set_auxdata(c, 1, m, free_matcher);
}

static void free_phrase(void *state) {
  sq_phrase_free(state);
  free(state);
}

static sq_phrase *make_phrase(context *c, argument *value) {
  size_t length;
  const char *source = text_of(value, &length);
  sq_phrase *phrase = source ? calloc(1, sizeof *phrase) : NULL;
  if (phrase && sq_phrase_compile(phrase, source, length)) return phrase;
  free(phrase);
  sqlite3_result_error_nomem(c);
  return NULL;
}

static void find_phrase(context *c, argument **a, bool document) {
  size_t length;
  sq_text room = {0};
  const char *text = is_null(a[0]) || is_null(a[1]) ? NULL : text_of(a[0], &length), *read = text;
  sq_phrase *kept = text ? sqlite3_get_auxdata(c, 1) : NULL, *phrase = kept || !text ? kept : make_phrase(c, a[1]);
  if (!phrase) return;
  if (document) read = sq_json_readable(text, &length, &room);
  if (read) sqlite3_result_int(c, sq_phrase_matches(phrase, read, length));
  else sqlite3_result_error_nomem(c);
  sq_text_free(&room);
  if (!kept) sqlite3_set_auxdata(c, 1, phrase, free_phrase);
}

static void phrase(context *c, int count, argument **a) { (void)count, find_phrase(c, a, false); }
static void document_phrase(context *c, int count, argument **a) { (void)count, find_phrase(c, a, true); }

static bool is_late(void *store) { return sq_store_is_late(store); }

static void match(context *c, argument **arguments, compiler *compile, bool folded, bool whole) {
  size_t length;
  const char *text = is_null(arguments[0]) ? NULL : text_of(arguments[0], &length);
  bool kept;
  matcher *m = text ? matcher_of(c, arguments[1], compile, &kept) : NULL;
  if (!m) return;
  if (folded) {
    sq_text_clear(&m->scratch);
    sq_fold(&m->scratch, text, length);
    text = m->scratch.data ? m->scratch.data : "";
    length = m->scratch.length;
  }
  const sq_text *needle = &m->pattern.bytes;
  const sq_watch watch = {is_late, sqlite3_user_data(c)};
  int found = whole ? sq_pattern_matches(&m->pattern, text, length, &watch)
                    : sq_find(text, length, needle->data ? needle->data : "", needle->length) != NULL;
  if (m->scratch.failed) sqlite3_result_error_nomem(c);
  else if (found < 0) sqlite3_result_error_code(c, SQLITE_INTERRUPT);
  else sqlite3_result_int(c, found);
  keep_matcher(c, m, kept);
}

static void like(context *c, int count, argument **a) { (void)count, match(c, a, compile_like, false, true); }
static void ilike(context *c, int count, argument **a) { (void)count, match(c, a, compile_ilike, true, true); }
static void contains(context *c, int count, argument **a) { (void)count, match(c, a, compile_needle, true, false); }

/* -------------------------------------------------------------------------------------------- JSON scalars */

/* f(map, key) looks at a member, f(json) at the scalar itself. */
static sq_token token_of(int count, argument **arguments, sq_json *reader) {
  size_t length, key_length = 0;
  const char *json = is_null(arguments[0]) ? NULL : text_of(arguments[0], &length);
  const char *key = count > 1 && json ? text_of(arguments[1], &key_length) : NULL;
  if (!json || (count > 1 && !key)) return SQ_TOKEN_END;
  if (key) return sq_json_member(reader, json, length, key, key_length);
  sq_json_begin(reader, json, length);
  return sq_json_next(reader);
}

static void give_string(context *c, const sq_json *reader) {
  if (!reader->escaped) {
    sqlite3_result_text64(c, reader->token, reader->length, SQLITE_TRANSIENT, SQLITE_UTF8);
    return;
  }
  sq_text plain = {0};
  if (sq_text_reserve(&plain, reader->length)) plain.length = sq_json_unescape(reader->token, reader->length, plain.data);
  give_text(c, &plain);
}

static void string(context *c, int count, argument **a) {
  sq_json reader;
  if (token_of(count, a, &reader) == SQ_TOKEN_STRING) give_string(c, &reader);
}

static void number(context *c, int count, argument **a) {
  sq_json reader;
  if (token_of(count, a, &reader) == SQ_TOKEN_NUMBER) sqlite3_result_double(c, sq_number_parse(reader.token, reader.length));
}

static void boolean(context *c, int count, argument **a) {
  sq_json reader;
  sq_token token = token_of(count, a, &reader);
  if (token == SQ_TOKEN_TRUE || token == SQ_TOKEN_FALSE) sqlite3_result_int(c, token == SQ_TOKEN_TRUE);
}

static void as_text(context *c, int count, argument **a) {
  sq_json reader;
  sq_token token = token_of(count, a, &reader);
  char shortest[32];
  if (token == SQ_TOKEN_STRING) give_string(c, &reader);
  else if (token == SQ_TOKEN_NUMBER)
    sqlite3_result_text(c, shortest, (int)sq_number_format(sq_number_parse(reader.token, reader.length), shortest), SQLITE_TRANSIENT);
  else if (token == SQ_TOKEN_TRUE || token == SQ_TOKEN_FALSE)
    sqlite3_result_text(c, token == SQ_TOKEN_TRUE ? "true" : "false", -1, SQLITE_STATIC);
}

/* The same, and what is nested as it is written. */
static void as_json(context *c, int count, argument **a) {
  sq_json reader;
  sq_token token = token_of(count, a, &reader);
  if (token == SQ_TOKEN_OBJECT || token == SQ_TOKEN_ARRAY) sqlite3_result_value(c, a[0]);
  else as_text(c, count, a);
}

/* The same, what is nested without its escapes: a phrase finds there what it finds in the whole document. */
static void readable(context *c, int count, argument **a) {
  sq_json reader;
  sq_token token = token_of(count, a, &reader);
  if (token != SQ_TOKEN_OBJECT && token != SQ_TOKEN_ARRAY) {
    as_text(c, count, a);
    return;
  }
  size_t length;
  sq_text room = {0};
  const char *json = text_of(a[0], &length), *read = json ? sq_json_readable(json, &length, &room) : NULL;
  if (read) sqlite3_result_text64(c, read, length, SQLITE_TRANSIENT, SQLITE_UTF8);
  else sqlite3_result_error_nomem(c);
  sq_text_free(&room);
}

/* What is there at all: NULL for nothing and for null. */
static void kind(context *c, int count, argument **a) {
  static const char *const names[] = {[SQ_TOKEN_OBJECT] = "object", [SQ_TOKEN_ARRAY] = "array",  [SQ_TOKEN_STRING] = "string",
                                      [SQ_TOKEN_NUMBER] = "number", [SQ_TOKEN_TRUE] = "boolean", [SQ_TOKEN_FALSE] = "boolean",
                                      [SQ_TOKEN_NULL] = NULL};
  sq_json reader;
  const char *name = names[token_of(count, a, &reader)];
  if (name) sqlite3_result_text(c, name, -1, SQLITE_STATIC);
}

/* The value as SQLite can order it: numbers before text before booleans, which are a blob of one byte. */
static void scalar(context *c, int count, argument **a) {
  sq_json reader;
  sq_token token = token_of(count, a, &reader);
  char byte = token == SQ_TOKEN_TRUE;
  if (token == SQ_TOKEN_STRING) give_string(c, &reader);
  else if (token == SQ_TOKEN_NUMBER) sqlite3_result_double(c, sq_number_parse(reader.token, reader.length));
  else if (token == SQ_TOKEN_TRUE || token == SQ_TOKEN_FALSE) sqlite3_result_blob(c, &byte, 1, SQLITE_TRANSIENT);
}

static void bucket(context *c, int count, argument **a) {
  (void)count;
  if (!is_null(a[0]))
    sqlite3_result_int64(c, sq_bucket_start(sqlite3_value_int64(a[0]), (sq_bucket)sqlite3_value_int(a[1]), sqlite3_value_int(a[2])));
}

static void iso(context *c, int count, argument **a) {
  char text[48];
  (void)count;
  if (!is_null(a[0])) sqlite3_result_text(c, text, (int)sq_time_format(sqlite3_value_int64(a[0]), 0, -1, text), SQLITE_TRANSIENT);
}

/* ---------------------------------------------------------------------------------------------- aggregates */

/* The group's own state, zeroed at first; NULL when memory ended. In a final step it may be NULL because
   there was no row. */
#define STATE(type, c) ((type *)sqlite3_aggregate_context(c, sizeof(type)))
#define FINAL_STATE(type, c) ((type *)sqlite3_aggregate_context(c, 0))

static void sum_step(context *c, int count, argument **a) {
  (void)count;
  sq_sum *sum = is_null(a[0]) ? NULL : STATE(sq_sum, c);
  if (sum) sq_sum_add(sum, sqlite3_value_int64(a[0]));
}

static void sum_final(context *c) {
  const sq_sum *sum = FINAL_STATE(sq_sum, c);
  if (sum && sum->count) sqlite3_result_int64(c, sq_sum_total(sum));
}

static void average_final(context *c) {
  const sq_sum *sum = FINAL_STATE(sq_sum, c);
  if (sum && sum->count) sqlite3_result_double(c, sq_sum_average(sum));
}

typedef struct quantile {
  sq_sample sample;
  int permille;
} quantile;

static void quantile_step(context *c, int count, argument **a) {
  (void)count;
  quantile *q = is_null(a[0]) ? NULL : STATE(quantile, c);
  if (!q) return;
  q->permille = sqlite3_value_int(a[1]);
  if (!sq_sample_add(&q->sample, sqlite3_value_int64(a[0]))) sqlite3_result_error_nomem(c);
}

static void quantile_final(context *c) {
  quantile *q = FINAL_STATE(quantile, c);
  if (!q) return;
  if (q->sample.count) sqlite3_result_int64(c, sq_sample_quantile(&q->sample, q->permille));
  sq_sample_free(&q->sample);
}

static void distinct_step(context *c, int count, argument **a) {
  (void)count;
  size_t length;
  const char *text = is_null(a[0]) ? NULL : text_of(a[0], &length);
  sq_distinct *set = text ? STATE(sq_distinct, c) : NULL;
  if (set && !sq_distinct_add(set, text, length)) sqlite3_result_error_nomem(c);
}

/* Each text of a JSON array. */
static void elements_step(context *c, int count, argument **a) {
  (void)count;
  size_t length;
  const char *json = is_null(a[0]) ? NULL : text_of(a[0], &length);
  sq_distinct *set = json ? STATE(sq_distinct, c) : NULL;
  if (!set) return;
  sq_json reader;
  sq_json_begin(&reader, json, length);
  if (sq_json_next(&reader) != SQ_TOKEN_ARRAY) return;
  for (sq_token token; (token = sq_json_next(&reader)) == SQ_TOKEN_STRING;) {
    char *plain = reader.escaped ? malloc(reader.length + 1) : NULL;
    bool added = reader.escaped
                     ? plain && sq_distinct_add(set, plain, sq_json_unescape(reader.token, reader.length, plain))
                     : sq_distinct_add(set, reader.token, reader.length);
    free(plain);
    if (!added) sqlite3_result_error_nomem(c);
  }
}

static void distinct_final(context *c) {
  sq_distinct *set = FINAL_STATE(sq_distinct, c);
  if (!set) return;
  sq_text array = {0};
  sq_distinct_write(set, &array);
  if (set->count) give_text(c, &array);
  else sq_text_free(&array);
  sq_distinct_free(set);
}

typedef struct latest {
  bool any;
  int64_t time;
  sq_text name, id, project;
} latest;

static bool is_later(const latest *l, int64_t time, const char *id, size_t id_length, const char *project, size_t project_length) {
  if (!l->any || time != l->time) return !l->any || time > l->time;
  int way = sq_compare_bytes(id, id_length, l->id.data, l->id.length);
  return (way ? way : sq_compare_bytes(project, project_length, l->project.data, l->project.length)) >= 0;
}

/* sq_latest(name, created_at, request_id, project): the name of the last row that has one. */
static void latest_step(context *c, int count, argument **a) {
  (void)count;
  latest *l = is_null(a[0]) ? NULL : STATE(latest, c);
  if (!l) return;
  size_t name_length, id_length, project_length;
  const char *name = text_of(a[0], &name_length), *id = text_of(a[2], &id_length), *project = text_of(a[3], &project_length);
  int64_t time = sqlite3_value_int64(a[1]);
  if (!name || !id || !project) {
    sqlite3_result_error_nomem(c);
    return;
  }
  if (!is_later(l, time, id, id_length, project, project_length)) return;
  l->any = true;
  l->time = time;
  sq_text_clear(&l->name);
  sq_text_clear(&l->id);
  sq_text_clear(&l->project);
  sq_text_append(&l->name, name, name_length);
  sq_text_append(&l->id, id, id_length);
  sq_text_append(&l->project, project, project_length);
  if (l->name.failed || l->id.failed || l->project.failed) sqlite3_result_error_nomem(c);
}

static void latest_final(context *c) {
  latest *l = FINAL_STATE(latest, c);
  if (!l) return;
  if (l->any) give_text(c, &l->name);
  sq_text_free(&l->id);
  sq_text_free(&l->project);
}

static bool add_triple(sq_statistics *s, sq_json *reader) {
  const char *parts[3];
  size_t lengths[3];
  for (int i = 0; i < 3; i++) {
    const char *before = reader->at;
    sq_token token = sq_json_next(reader);
    if (token == SQ_TOKEN_OBJECT || token == SQ_TOKEN_ARRAY) sq_json_skip(reader);
    while (before < reader->at && (*before == ',' || *before == ' ')) before++;
    parts[i] = before;
    lengths[i] = (size_t)(reader->at - before);
  }
  char *key = malloc(lengths[0] + 1); /* between its quotes */
  bool added = key && lengths[0] >= 2 &&
               sq_statistics_add(s, key, sq_json_unescape(parts[0] + 1, lengths[0] - 2, key), parts[1], lengths[1], parts[2], lengths[2]);
  free(key);
  sq_json_next(reader);
  return added;
}

/* sq_feedback(key, score, value), or sq_feedback([[key, score, value], …]) for the feedback of a row. */
static void feedback_step(context *c, int count, argument **a) {
  size_t lengths[3] = {0};
  const char *texts[3] = {0};
  for (int i = 0; i < count; i++) texts[i] = is_null(a[i]) ? NULL : text_of(a[i], &lengths[i]);
  sq_statistics *s = texts[0] ? STATE(sq_statistics, c) : NULL;
  if (!s) return;
  bool added = true;
  if (count == 3) {
    added = sq_statistics_add(s, texts[0], lengths[0], texts[1], lengths[1], texts[2], lengths[2]);
  } else {
    sq_json reader;
    sq_json_begin(&reader, texts[0], lengths[0]);
    sq_json_next(&reader);
    while (added && sq_json_next(&reader) == SQ_TOKEN_ARRAY) added = add_triple(s, &reader);
  }
  if (!added) sqlite3_result_error_nomem(c);
}

static void feedback_final(context *c) {
  sq_statistics *s = FINAL_STATE(sq_statistics, c);
  if (!s) return;
  sq_text json = {0};
  sq_statistics_write(s, &json);
  if (s->count) give_text(c, &json);
  else sq_text_free(&json);
  sq_statistics_free(s);
}

/* ----------------------------------------------------------------------------------------------- projects */

static void project_id(context *c, int count, argument **a) {
  char id[37];
  size_t lengths[2];
  (void)count;
  if (is_null(a[0]) || is_null(a[1])) return;
  const char *organization = text_of(a[0], &lengths[0]), *name = text_of(a[1], &lengths[1]);
  if (!organization || !name) return sqlite3_result_error_nomem(c);
  sq_project_id(organization, lengths[0], name, lengths[1], id);
  sqlite3_result_text(c, id, -1, SQLITE_TRANSIENT);
}

/* ------------------------------------------------------------------------------------------ registration */

static const struct {
  const char *name;
  int arguments;
  void (*call)(context *, int, argument **);
  void (*step)(context *, int, argument **);
  void (*final)(context *);
} functions[] = {
    {"sq_like", 2, like, NULL, NULL},
    {"sq_ilike", 2, ilike, NULL, NULL},
    {"sq_contains", 2, contains, NULL, NULL},
    {"sq_phrase", 2, phrase, NULL, NULL},
    {"sq_document_phrase", 2, document_phrase, NULL, NULL},
    {"sq_enclosing", 5, sq_enclosing, NULL, NULL},
    {"sq_string", 1, string, NULL, NULL},
    {"sq_string", 2, string, NULL, NULL},
    {"sq_number", 1, number, NULL, NULL},
    {"sq_number", 2, number, NULL, NULL},
    {"sq_boolean", 1, boolean, NULL, NULL},
    {"sq_boolean", 2, boolean, NULL, NULL},
    {"sq_as_text", 1, as_text, NULL, NULL},
    {"sq_as_text", 2, as_text, NULL, NULL},
    {"sq_as_json", 1, as_json, NULL, NULL},
    {"sq_readable", 1, readable, NULL, NULL},
    {"sq_member", 2, sq_document_member, NULL, NULL},
    {"sq_kind", 1, kind, NULL, NULL},
    {"sq_kind", 2, kind, NULL, NULL},
    {"sq_scalar", 1, scalar, NULL, NULL},
    {"sq_scalar", 2, scalar, NULL, NULL},
    {"sq_project_id", 2, project_id, NULL, NULL},
    {"sq_bucket", 3, bucket, NULL, NULL},
    {"sq_iso", 1, iso, NULL, NULL},
    {"sq_sum", 1, NULL, sum_step, sum_final},
    {"sq_average", 1, NULL, sum_step, average_final},
    {"sq_quantile", 2, NULL, quantile_step, quantile_final},
    {"sq_distinct", 1, NULL, distinct_step, distinct_final},
    {"sq_distinct_elements", 1, NULL, elements_step, distinct_final},
    {"sq_latest", 4, NULL, latest_step, latest_final},
    {"sq_feedback", 1, NULL, feedback_step, feedback_final},
    {"sq_feedback", 3, NULL, feedback_step, feedback_final},
};

bool sq_register_functions(sq_store *store) {
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    if (sqlite3_create_function_v2(store->db, functions[i].name, functions[i].arguments, SQLITE_UTF8 | SQLITE_DETERMINISTIC, store,
                                   functions[i].call, functions[i].step, functions[i].final, NULL) != SQLITE_OK)
      return false;
  return sq_register_entries(store);
}
