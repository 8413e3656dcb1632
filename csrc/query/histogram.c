/* Histograms over rows: what lies beyond a percentile is cut off, the rest stands in ten buckets of equal width. Values
   are integers (session/sample.h finds their percentiles), so that no rounding decides which bucket one is in. */
#include <stdlib.h>

#include "base/json.h"
#include "base/number.h"
#include "query/json.h"
#include "query/summary.h"
#include "session/sample.h"
#include "session/sum.h"

#define BUCKETS 10

typedef struct histograms {
  const sq_shape *shape;
  size_t columns[SQ_SHAPE_MEMBERS];
  sq_sample samples[SQ_SHAPE_MEMBERS];
  sq_sum sums[SQ_SHAPE_MEMBERS];
} histograms;

/* In units of 1/finer, half away from zero; absent is 0. */
static int64_t integer_of(const sq_value *value, int64_t finer) {
  if (value->kind == SQ_INTEGER) return value->integer;
  if (value->kind != SQ_REAL) return 0;
  double scaled = value->real * (double)finer;
  return scaled >= 9e18 ? INT64_MAX : scaled <= -9e18 ? INT64_MIN : (int64_t)(scaled + (scaled < 0 ? -0.5 : 0.5));
}

static bool take(void *state, const sq_value *values, size_t count, sq_error *error) {
  (void)count;
  histograms *h = state;
  for (size_t m = 0; m < h->shape->count; m++) {
    int64_t value = integer_of(&values[h->columns[m]], h->shape->members[m].finer);
    if (!sq_sample_add(&h->samples[m], value)) return sq_fail_memory(error);
    sq_sum_add(&h->sums[m], value);
  }
  return true;
}

static void clear(void *state) {
  histograms *h = state;
  for (size_t m = 0; m < h->shape->count; m++) {
    h->samples[m].count = 0;
    h->sums[m] = (sq_sum){0};
  }
}

/* ---------------------------------------------------------------------------------------------------- writing */

typedef struct range {
  int64_t least, greatest;
} range;

/* What is left of the values. */
static range range_of(sq_sample *sample, const sq_shaping *shaping) {
  range left = {INT64_MAX, sq_sample_quantile(sample, shaping->permille)};
  int64_t from = shaping->both_ends ? sq_sample_quantile(sample, 1000 - shaping->permille) : INT64_MIN;
  for (size_t i = 0; i < sample->count; i++)
    if (sample->values[i] >= from && sample->values[i] < left.least) left.least = sample->values[i];
  return left;
}

static size_t bucket_of(int64_t value, range r) {
  if (value == r.greatest) return r.least == r.greatest ? 0 : BUCKETS - 1;
  return (size_t)(((sq_int128)value - r.least) * BUCKETS / ((sq_int128)r.greatest - r.least));
}

/* least + i/10 of the width, as shown: one division of exact integers. */
static void write_edge(sq_text *out, range r, size_t i, int64_t unit) {
  const sq_sum edge = {(sq_int128)r.least * BUCKETS + ((sq_int128)r.greatest - r.least) * (sq_int128)i, BUCKETS * unit};
  char room[32];
  sq_json_write_string(out, room, sq_number_format(sq_sum_average(&edge), room));
}

static void write_buckets(sq_text *out, sq_sample *sample, const sq_shaping *shaping, int64_t unit) {
  int64_t counts[BUCKETS] = {0};
  if (sample->count == 0) return;
  range r = range_of(sample, shaping);
  for (size_t i = 0; i < sample->count; i++)
    if (sample->values[i] >= r.least && sample->values[i] <= r.greatest) counts[bucket_of(sample->values[i], r)]++;
  size_t buckets = r.least == r.greatest ? 1 : BUCKETS;
  for (size_t i = 0; i < buckets; i++) {
    sq_text_put(out, i ? ",{\"range_start\":" : "{\"range_start\":");
    write_edge(out, r, i, unit);
    sq_text_put(out, ",\"range_end\":");
    write_edge(out, r, i + 1, unit);
    sq_text_put(out, ",\"value\":");
    sq_json_write_integer(out, counts[i]);
    sq_text_byte(out, '}');
  }
}

static void write_name(sq_text *out, const char *name) {
  sq_json_write_string(out, name, strlen(name));
  sq_text_put(out, ":[");
}

static void write_average(sq_text *out, const sq_sum *sum, int64_t unit) {
  sq_text_put(out, "{\"average\":");
  sq_json_write_real(out, sum->count ? sq_sum_average(&(sq_sum){sum->total, sum->count * unit}) : 0);
  sq_text_byte(out, '}');
}

static void write_all(histograms *h, const sq_shaping *shaping, sq_text *out) {
  const sq_shape_member *members = h->shape->members;
  sq_text_put(out, h->shape->before);
  sq_text_byte(out, '{');
  for (size_t m = 0; m < h->shape->count; m++) {
    write_name(out, members[m].name);
    write_buckets(out, &h->samples[m], shaping, members[m].unit);
    sq_text_put(out, "],");
  }
  sq_text_put(out, "\"average\":{");
  for (size_t m = 0; m < h->shape->count; m++) {
    if (m) sq_text_byte(out, ',');
    write_name(out, members[m].name);
    write_average(out, &h->sums[m], members[m].unit);
    sq_text_byte(out, ']');
  }
  sq_text_put(out, "}}");
  sq_text_put(out, h->shape->after);
}

bool sq_json_write_histograms(sq_store *store, const sq_query *query, sq_text *out, sq_error *error) {
  const sq_scope scope = {sq_store_organization(store), sq_store_project(store)};
  histograms h = {.shape = query->shape};
  const sq_sink sink = {take, clear, &h};
  sq_columns columns;
  sq_query_columns(query, &scope, &columns);
  bool good = true;
  for (size_t m = 0; m < h.shape->count && good; m++) good = sq_shape_column(&columns, h.shape->members[m].field, &h.columns[m], error);
  good = good && sq_query_feed(store, query, &sink, error);
  if (good) write_all(&h, &query->shaping, out);
  for (size_t m = 0; m < h.shape->count; m++) sq_sample_free(&h.samples[m]);
  return good && sq_text_whole(out, error);
}
