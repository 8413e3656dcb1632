#include "session/statistics.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/number.h"

/* Room for one more item of an array; false when memory ended. */
static bool grow(void *array_pointer, size_t count, size_t *capacity, size_t size) {
  if (count < *capacity) return true;
  size_t wanted = *capacity ? *capacity * 2 : 4;
  void *array;
  memcpy(&array, array_pointer, sizeof array);
  array = realloc(array, wanted * size);
  if (!array) return false;
  memcpy(array_pointer, &array, sizeof array);
  *capacity = wanted;
  return true;
}

static char *copy_of(const char *text, size_t length) {
  char *copy = malloc(length + 1);
  if (copy && length) memcpy(copy, text, length);
  return copy;
}

static sq_key_statistics *find_key(sq_statistics *s, const char *key, size_t length) {
  for (size_t i = 0; i < s->count; i++)
    if (s->keys[i].length == length && memcmp(s->keys[i].key, key, length) == 0) return &s->keys[i];
  char *copy = grow(&s->keys, s->count, &s->capacity, sizeof *s->keys) ? copy_of(key, length) : NULL;
  if (!copy) return NULL;
  s->keys[s->count] = (sq_key_statistics){.key = copy, .length = length};
  return &s->keys[s->count++];
}

static bool count_value(sq_key_statistics *k, const char *text, size_t length) {
  for (size_t i = 0; i < k->value_count; i++)
    if (k->values[i].length == length && memcmp(k->values[i].text, text, length) == 0) {
      k->values[i].count++;
      return true;
    }
  char *copy = grow(&k->values, k->value_count, &k->value_capacity, sizeof *k->values) ? copy_of(text, length) : NULL;
  if (!copy) return false;
  k->values[k->value_count++] = (sq_tally){copy, length, 1};
  return true;
}

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
  k->count++;
  return (!score || add_score(k, score, score_length)) && (!value || count_json(k, value, value_length));
}

static int compare(const char *a, size_t a_length, const char *b, size_t b_length) {
  int order = memcmp(a, b, a_length < b_length ? a_length : b_length);
  return order ? order : (a_length > b_length) - (a_length < b_length);
}

static int by_key(const void *left, const void *right) {
  const sq_key_statistics *a = left, *b = right;
  return compare(a->key, a->length, b->key, b->length);
}

static int by_text(const void *left, const void *right) {
  const sq_tally *a = left, *b = right;
  return compare(a->text, a->length, b->text, b->length);
}

static void write_key(sq_key_statistics *k, sq_text *out) {
  sq_json_write_string(out, k->key, k->length);
  sq_text_format(out, ":{\"n\":%lld,\"avg\":", (long long)k->count);
  if (k->scored) sq_json_write_real(out, k->sum / (double)k->scored);
  else sq_text_put(out, "null");
  sq_text_put(out, ",\"values\":{");
  if (k->value_count) qsort(k->values, k->value_count, sizeof *k->values, by_text);
  for (size_t i = 0; i < k->value_count; i++) {
    if (i) sq_text_byte(out, ',');
    sq_json_write_string(out, k->values[i].text, k->values[i].length);
    sq_text_format(out, ":%lld", (long long)k->values[i].count);
  }
  sq_text_put(out, "}}");
}

void sq_statistics_write(sq_statistics *statistics, sq_text *out) {
  if (statistics->count) qsort(statistics->keys, statistics->count, sizeof *statistics->keys, by_key);
  sq_text_byte(out, '{');
  for (size_t i = 0; i < statistics->count; i++) {
    if (i) sq_text_byte(out, ',');
    write_key(&statistics->keys[i], out);
  }
  sq_text_byte(out, '}');
}

void sq_statistics_free(sq_statistics *statistics) {
  for (size_t i = 0; i < statistics->count; i++) {
    sq_key_statistics *k = &statistics->keys[i];
    for (size_t j = 0; j < k->value_count; j++) free(k->values[j].text);
    free(k->values);
    free(k->key);
  }
  free(statistics->keys);
  *statistics = (sq_statistics){0};
}
