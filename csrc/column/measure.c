#include "column/measure.h"

#include <stdlib.h>

/* A sum that is absent until something is known. 128 bits, since a fragment may have 65,536 rows. */
typedef struct known_sum {
  __int128 total;
  bool known;
} known_sum;

typedef struct measuring {
  const sq_rows_builder *builder;
  const sq_arranged *arranged;
  uint32_t llm, embedding; /* entries of run_type */
  int64_t *values[SQ_M_COUNT_OF];
  unsigned char *there[SQ_M_COUNT_OF];
  bool overflow[SQ_M_COUNT_OF];
  int64_t *named;
  unsigned char *named_there;
  known_sum sums[SQ_M_COUNT_OF]; /* of the fragment at hand */
} measuring;

static bool number(const measuring *m, sq_field field, uint32_t row, int64_t *out) {
  const sq_gathered *g = &m->builder->fields[field];
  if (!g->numbers || !g->there[row]) return false;
  *out = g->numbers[row];
  return true;
}

static bool has_text(const measuring *m, sq_field field, uint32_t row) {
  const sq_gathered *g = &m->builder->fields[field];
  return g->entries && g->entries[row] != SQ_NO_ENTRY;
}

static void add(measuring *m, sq_measure measure, __int128 value) {
  m->sums[measure].total += value;
  m->sums[measure].known = true;
}

/* Counts are 0, never absent. */
static const sq_measure counts[] = {SQ_M_COUNT, SQ_M_LATENCIES, SQ_M_ERRORS, SQ_M_RATED, SQ_M_STREAMED, SQ_M_STREAM_KNOWN, SQ_M_UNKNOWN_USAGE};

static const struct {
  sq_field field;
  sq_measure measure;
} usage[] = {{SQ_F_COST_USD, SQ_M_COST},
             {SQ_F_PROMPT_COST_USD, SQ_M_PROMPT_COST},
             {SQ_F_COMPLETION_COST_USD, SQ_M_COMPLETION_COST},
             {SQ_F_PROMPT_TOKENS, SQ_M_PROMPT_TOKENS},
             {SQ_F_COMPLETION_TOKENS, SQ_M_COMPLETION_TOKENS},
             {SQ_F_PROMPT_CACHE_READ_TOKENS, SQ_M_CACHE_READ},
             {SQ_F_PROMPT_CACHE_WRITE_TOKENS, SQ_M_CACHE_WRITE}};

static void add_usage(measuring *m, uint32_t row) {
  int64_t value, prompt = 0, completion = 0;
  for (size_t i = 0; i < sizeof usage / sizeof *usage; i++)
    if (number(m, usage[i].field, row, &value)) add(m, usage[i].measure, value);
  bool parts = number(m, SQ_F_PROMPT_TOKENS, row, &prompt);
  parts = number(m, SQ_F_COMPLETION_TOKENS, row, &completion) || parts;
  if (number(m, SQ_F_TOTAL_TOKENS, row, &value)) add(m, SQ_M_TOKENS, value);
  else if (parts) add(m, SQ_M_TOKENS, (__int128)prompt + completion);
  else add(m, SQ_M_UNKNOWN_USAGE, 1);
}

static bool is_usage(const measuring *m, uint32_t row) {
  const sq_gathered *types = &m->builder->fields[SQ_F_RUN_TYPE];
  return types->entries && (types->entries[row] == m->llm || types->entries[row] == m->embedding) && types->entries[row] != SQ_NO_ENTRY;
}

static void add_state(measuring *m, uint32_t row) {
  int64_t status = 0, streamed, latency;
  bool has_status = number(m, SQ_F_STATUS, row, &status);
  bool in_error = has_text(m, SQ_F_ERROR, row) || (has_status && (status >= 400 || (status < 0 && status != -2)));
  if (in_error) add(m, SQ_M_ERRORS, 1);
  if (in_error || (has_status && status != -2)) add(m, SQ_M_RATED, 1);
  if (number(m, SQ_F_STREAMED, row, &streamed)) {
    add(m, SQ_M_STREAM_KNOWN, 1);
    if (streamed) add(m, SQ_M_STREAMED, 1);
  }
  if (number(m, SQ_F_LATENCY_MS, row, &latency)) {
    add(m, SQ_M_LATENCY, latency);
    add(m, SQ_M_LATENCIES, 1);
  }
}

static int64_t end_of(const measuring *m, uint32_t row) {
  int64_t responded, latency, created = m->builder->fields[SQ_F_CREATED_AT].numbers[row];
  if (number(m, SQ_F_RESPONDED_AT, row, &responded)) return responded;
  if (!number(m, SQ_F_LATENCY_MS, row, &latency)) return created;
  return (int64_t)((uint64_t)created + 1000 * (uint64_t)latency); /* plain SQL may have written any */
}

static void keep(measuring *m, sq_measure measure, uint32_t fragment, const known_sum *sum) {
  m->overflow[measure] = m->overflow[measure] || sum->total > INT64_MAX || sum->total < INT64_MIN;
  m->values[measure][fragment] = (int64_t)sum->total;
  m->there[measure][fragment] = sum->known;
}

static void measure_fragment(measuring *m, uint32_t fragment) {
  const uint32_t *rows = m->arranged->rows;
  const int64_t *times = m->builder->fields[SQ_F_CREATED_AT].numbers;
  uint32_t start = m->arranged->starts[fragment], stop = m->arranged->starts[fragment + 1];
  int64_t end = INT64_MIN;
  memset(m->sums, 0, sizeof m->sums);
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) m->sums[counts[i]].known = true;
  m->sums[SQ_M_COUNT].total = stop - start;
  m->named_there[fragment] = 0;
  for (uint32_t i = start; i < stop; i++) {
    uint32_t row = rows[i];
    if (is_usage(m, row)) add_usage(m, row);
    add_state(m, row);
    if (end_of(m, row) > end) end = end_of(m, row);
    if (!has_text(m, SQ_F_SESSION_NAME, row)) continue;
    m->named[fragment] = i - start; /* rows are in order: the last one counts */
    m->named_there[fragment] = 1;
  }
  m->sums[SQ_M_FIRST] = (known_sum){times[rows[start]], true};
  m->sums[SQ_M_LAST] = (known_sum){times[rows[stop - 1]], true};
  m->sums[SQ_M_END] = (known_sum){end, true};
  for (int i = 0; i < SQ_M_COUNT_OF; i++) keep(m, (sq_measure)i, fragment, &m->sums[i]);
}

static bool begin(measuring *m) {
  size_t count = m->arranged->fragments + (size_t)1;
  bool good = true;
  for (int i = 0; i < SQ_M_COUNT_OF; i++) {
    m->values[i] = malloc(count * sizeof(int64_t));
    m->there[i] = malloc(count);
    good = good && m->values[i] && m->there[i];
  }
  m->named = malloc(count * sizeof *m->named);
  m->named_there = malloc(count);
  return good && m->named && m->named_there;
}

static void end(measuring *m) {
  for (int i = 0; i < SQ_M_COUNT_OF; i++) {
    free(m->values[i]);
    free(m->there[i]);
  }
  free(m->named);
  free(m->named_there);
}

static uint32_t find_entry(const sq_rows_builder *builder, const char *text) {
  const sq_texts *texts = &builder->fields[SQ_F_RUN_TYPE].texts;
  for (uint32_t i = 0; i < texts->count; i++) {
    size_t length;
    const char *own = sq_texts_get(texts, i, &length);
    if (sq_same_text(text, own, length)) return i;
  }
  return SQ_NO_ENTRY;
}

static bool encode(sq_encoder *encoder, const measuring *m) {
  uint32_t count = m->arranged->fragments;
  for (int i = 0; i < SQ_M_COUNT_OF; i++) {
    if (m->overflow[i]) continue; /* such numbers are left to whoever sums in 128 bits */
    sq_part *part = sq_encode_part(encoder, SQ_PART_MEASURE, sq_measure_name((sq_measure)i), NULL, 0);
    if (!part || !sq_encode_integers(encoder, part, m->values[i], m->there[i], count)) return false;
  }
  sq_part *part = sq_encode_part(encoder, SQ_PART_NAMED, NULL, NULL, 0);
  return part && sq_encode_integers(encoder, part, m->named, m->named_there, count);
}

bool sq_encode_measures(sq_encoder *encoder, const sq_rows_builder *builder, const sq_arranged *arranged) {
  measuring m = {.builder = builder, .arranged = arranged, .llm = find_entry(builder, "llm"), .embedding = find_entry(builder, "embedding")};
  bool good = begin(&m) || sq_fail_memory(encoder->error);
  for (uint32_t i = 0; i < arranged->fragments && good; i++) measure_fragment(&m, i);
  good = good && encode(encoder, &m);
  end(&m);
  return good;
}
