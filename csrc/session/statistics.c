#include "session/statistics.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/number.h"

static sq_key_statistics *find_key(sq_statistics *s, const char *key, size_t length) {
  int64_t name = sq_distinct_count(&s->names, key, length);
  if (name < 0) return NULL;
  if ((size_t)name < s->count) return &s->keys[name]; /* names come in this order */
  if (s->count == s->capacity) {
    size_t capacity = s->capacity ? s->capacity * 2 : 4;
    sq_key_statistics *keys = realloc(s->keys, capacity * sizeof *keys);
    if (!keys) return NULL;
    s->keys = keys;
    s->capacity = capacity;
  }
  s->keys[s->count] = (sq_key_statistics){.name = s->count};
  return &s->keys[s->count++];
}

static bool count_value(sq_key_statistics *k, const char *text, size_t length) { return sq_distinct_count(&k->values, text, length) >= 0; }

/* A value as text: a string's own text, anything else as its JSON. */
static bool count_json(sq_key_statistics *k, const char *json, size_t length) {
  sq_json reader;
  sq_json_begin(&reader, json, length);
  sq_token token = sq_json_next(&reader);
  if (token == SQ_TOKEN_NULL) return true;
  if (token != SQ_TOKEN_STRING || !reader.escaped)
    return token == SQ_TOKEN_STRING ? count_value(k, reader.token, reader.length) : count_value(k, json, length);
  char *plain = malloc(reader.length + 1);
  bool counted = plain && count_value(k, plain, sq_json_unescape(reader.token, reader.length, plain));
  free(plain);
  return counted;
}

static bool add_score(sq_key_statistics *k, const char *json, size_t length) {
  sq_json reader;
  sq_json_begin(&reader, json, length);
  sq_token token = sq_json_next(&reader);
  if (token == SQ_TOKEN_STRING) return count_json(k, json, length);
  bool number = token == SQ_TOKEN_NUMBER;
  if (!number && token != SQ_TOKEN_TRUE && token != SQ_TOKEN_FALSE) return true;
  k->sum += number ? sq_number_parse(reader.token, reader.length) : token == SQ_TOKEN_TRUE;
  k->scored++;
  return true;
}

bool sq_statistics_add(sq_statistics *statistics, const char *key, size_t key_length, const char *score,
                       size_t score_length, const char *value, size_t value_length) {
  sq_key_statistics *k = find_key(statistics, key, key_length);
  if (!k) return false;
  return (!score || add_score(k, score, score_length)) && (!value || count_json(k, value, value_length));
}

static void write_key(const sq_distinct_item *name, sq_key_statistics *k, sq_text *out) {
  sq_json_write_string(out, name->text, name->length);
  sq_text_format(out, ":{\"n\":%lld,\"avg\":", (long long)name->count);
  if (k->scored) sq_json_write_real(out, k->sum / (double)k->scored);
  else sq_text_put(out, "null");
  sq_text_put(out, ",\"values\":{");
  sq_distinct_sort(&k->values);
  for (size_t i = 0; i < k->values.count; i++) {
    if (i) sq_text_byte(out, ',');
    sq_json_write_string(out, k->values.items[i].text, k->values.items[i].length);
    sq_text_format(out, ":%lld", (long long)k->values.items[i].count);
  }
  sq_text_put(out, "}}");
}

static int by_name(const void *left, const void *right, void *names) {
  const sq_distinct_item *items = ((const sq_distinct *)names)->items;
  const sq_distinct_item *a = &items[((const sq_key_statistics *)left)->name], *b = &items[((const sq_key_statistics *)right)->name];
  return sq_compare_bytes(a->text, a->length, b->text, b->length);
}

void sq_statistics_write(sq_statistics *statistics, sq_text *out) {
  if (statistics->count) qsort_r(statistics->keys, statistics->count, sizeof *statistics->keys, by_name, &statistics->names);
  sq_text_byte(out, '{');
  for (size_t i = 0; i < statistics->count; i++) {
    if (i) sq_text_byte(out, ',');
    write_key(&statistics->names.items[statistics->keys[i].name], &statistics->keys[i], out);
  }
  sq_text_byte(out, '}');
}

void sq_statistics_free(sq_statistics *statistics) {
  for (size_t i = 0; i < statistics->count; i++) sq_distinct_free(&statistics->keys[i].values);
  sq_distinct_free(&statistics->names);
  free(statistics->keys);
  *statistics = (sq_statistics){0};
}
