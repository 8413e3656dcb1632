/* Rows gathered by one text, or all together, and what each member of the shape comes to. */
#include "query/summary.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/mix.h"
#include "base/time.h"
#include "query/json.h"
#include "session/sum.h"

#define NOBODY SIZE_MAX

/* What was seen of one member. LEAST and GREATEST stand in `total`. */
typedef struct cell {
  sq_int128 total, other;
  int64_t count; /* of values that were there */
} cell;

typedef struct gathering {
  size_t key, key_length; /* where its text stands in `keys` */
  uint64_t hash;
  int64_t rows;
  size_t cells; /* where they begin, one for each member */
} gathering;

typedef struct summaries {
  const sq_shape *shape;
  size_t columns[SQ_SHAPE_MEMBERS], others[SQ_SHAPE_MEMBERS];
  size_t by; /* the column of the member AS_IS; NOBODY: all rows together */
  gathering *items;
  cell *cells;
  size_t count, capacity; /* of items; of cells as many for each member */
  sq_text keys;
  size_t *slots; /* open addressing: index + 1, 0 is free; a power of two of them, at most half of them taken */
  size_t slot_count;
  uint64_t seed;
} summaries;

/* -------------------------------------------------------------------------------------------- gathering rows */

static size_t *slot_of(const summaries *s, uint64_t hash, const char *text, size_t length) {
  size_t at = hash & (s->slot_count - 1);
  for (; s->slots[at]; at = (at + 1) & (s->slot_count - 1)) {
    const gathering *g = &s->items[s->slots[at] - 1];
    if (g->hash == hash && g->key_length == length && (length == 0 || memcmp(s->keys.data + g->key, text, length) == 0)) break;
  }
  return &s->slots[at];
}

static bool widen(summaries *s, sq_error *error) {
  size_t wanted = s->slot_count ? 2 * s->slot_count : 64;
  size_t *slots = calloc(wanted, sizeof *slots);
  if (!slots) return sq_fail_memory(error);
  free(s->slots);
  s->slots = slots;
  s->slot_count = wanted;
  for (size_t i = 0; i < s->count; i++) {
    size_t at = s->items[i].hash & (wanted - 1);
    while (slots[at]) at = (at + 1) & (wanted - 1);
    slots[at] = i + 1;
  }
  return true;
}

static bool make_room(summaries *s, sq_error *error) {
  if (s->count < s->capacity) return true;
  size_t capacity = s->capacity ? 2 * s->capacity : 32;
  gathering *items = realloc(s->items, capacity * sizeof *items);
  if (items) s->items = items;
  cell *cells = items ? realloc(s->cells, capacity * s->shape->count * sizeof *cells) : NULL;
  if (cells) s->cells = cells;
  if (!cells) return sq_fail_memory(error);
  s->capacity = capacity;
  return true;
}

/* The gathering of a text, made where it is the first. */
static gathering *find(summaries *s, const char *text, size_t length, sq_error *error) {
  if (2 * (s->count + 1) > s->slot_count && !widen(s, error)) return NULL;
  uint64_t hash = sq_mix_text(s->seed, text, length);
  size_t *slot = slot_of(s, hash, text, length);
  if (*slot) return &s->items[*slot - 1];
  if (!make_room(s, error)) return NULL;
  s->items[s->count] = (gathering){.key = s->keys.length, .key_length = length, .hash = hash, .cells = s->count * s->shape->count};
  memset(s->cells + s->items[s->count].cells, 0, s->shape->count * sizeof *s->cells);
  sq_text_append(&s->keys, text, length);
  if (!sq_text_whole(&s->keys, error)) return NULL;
  *slot = ++s->count;
  return &s->items[s->count - 1];
}

static void note(cell *c, sq_summary summary, const sq_value *value, const sq_value *other) {
  if (other && other->kind == SQ_INTEGER) c->other += other->integer;
  if (!value || value->kind != SQ_INTEGER) return;
  bool first = c->count++ == 0;
  if (summary == SQ_LEAST) c->total = first || value->integer < c->total ? value->integer : c->total;
  else if (summary == SQ_GREATEST) c->total = first || value->integer > c->total ? value->integer : c->total;
  else c->total += value->integer;
}

static bool take(void *state, const sq_value *values, size_t count, sq_error *error) {
  (void)count;
  summaries *s = state;
  const sq_value *by = s->by == NOBODY ? NULL : &values[s->by];
  bool named = by && by->kind == SQ_STRING;
  gathering *g = find(s, named ? by->text : "", named ? by->length : 0, error);
  if (!g) return false;
  g->rows++;
  for (size_t m = 0; m < s->shape->count; m++)
    note(&s->cells[g->cells + m], s->shape->members[m].summary, s->columns[m] == NOBODY ? NULL : &values[s->columns[m]],
         s->others[m] == NOBODY ? NULL : &values[s->others[m]]);
  return true;
}

static void clear(void *state) {
  summaries *s = state;
  s->count = 0;
  sq_text_clear(&s->keys);
  if (s->slots) memset(s->slots, 0, s->slot_count * sizeof *s->slots);
}

/* ---------------------------------------------------------------------------------------------------- writing */

/* One division of exact integers; money becomes dollars in it. */
static void write_quotient(sq_text *out, sq_int128 total, int64_t count, sq_type type) {
  const sq_sum sum = {total, type == SQ_T_MONEY ? count * INT64_C(1000000000) : count};
  sq_json_write_real(out, count > 0 ? sq_sum_average(&sum) : 0);
}

static void write_member(const summaries *s, const gathering *g, size_t m, const sq_shaping *shaping, sq_text *out) {
  const sq_shape_member *member = &s->shape->members[m];
  static const cell nothing;
  const cell *c = g->rows ? &s->cells[g->cells + m] : &nothing;
  sq_type type = member->field == SQ_F_NONE ? SQ_T_INTEGER : sq_field_get(member->field)->type;
  sq_value value = {.kind = SQ_INTEGER, .integer = member->summary == SQ_COUNT ? g->rows : sq_sum_total(&(sq_sum){c->total, 0})};
  if (member->summary == SQ_AS_IS) sq_json_write_string(out, s->keys.data ? s->keys.data + g->key : "", g->key_length);
  else if (member->summary == SQ_MEAN) write_quotient(out, c->total, g->rows, type);
  else if (member->summary == SQ_QUOTIENT) write_quotient(out, c->total, sq_sum_total(&(sq_sum){c->other, 0}), type);
  else sq_json_write_shaped(out, type, &value, s->shape->time_digits, shaping->offset_minutes);
}

static void write_one(const summaries *s, const gathering *g, const sq_shaping *shaping, sq_text *out) {
  for (size_t m = 0; m < s->shape->count; m++) {
    sq_text_byte(out, m ? ',' : '{');
    sq_json_write_string(out, s->shape->members[m].name, strlen(s->shape->members[m].name));
    sq_text_byte(out, ':');
    write_member(s, g, m, shaping, out);
  }
  sq_text_byte(out, '}');
}

/* The greatest first; ties by the text. */
static int compare(const void *a, const void *b, void *state) {
  const summaries *s = state;
  const gathering *left = a, *right = b;
  sq_int128 x = s->cells[left->cells + s->shape->order].total, y = s->cells[right->cells + s->shape->order].total;
  if (x != y) return x < y ? 1 : -1;
  return sq_compare_bytes(s->keys.data + left->key, left->key_length, s->keys.data + right->key, right->key_length);
}

static void write_all(summaries *s, const sq_shaping *shaping, sq_text *out) {
  static const gathering nothing;
  sq_text_put(out, s->shape->before);
  if (s->shape->form == SQ_FORM_SUMMARY) {
    write_one(s, s->count ? s->items : &nothing, shaping, out);
  } else {
    if (s->count) qsort_r(s->items, s->count, sizeof *s->items, compare, s);
    sq_text_byte(out, '[');
    for (size_t i = 0; i < s->count && i < s->shape->most; i++) {
      if (i) sq_text_byte(out, ',');
      write_one(s, &s->items[i], shaping, out);
    }
    sq_text_byte(out, ']');
  }
  sq_text_put(out, s->shape->after);
}

static bool find_columns(summaries *s, const sq_columns *columns, sq_error *error) {
  s->by = NOBODY;
  for (size_t m = 0; m < s->shape->count; m++) {
    const sq_shape_member *member = &s->shape->members[m];
    s->columns[m] = s->others[m] = NOBODY;
    if (member->field != SQ_F_NONE && !sq_shape_column(columns, member->field, &s->columns[m], error)) return false;
    if (member->other != SQ_F_NONE && !sq_shape_column(columns, member->other, &s->others[m], error)) return false;
    if (member->summary == SQ_AS_IS) s->by = s->columns[m];
  }
  return true;
}

bool sq_json_write_summaries(sq_store *store, const sq_query *query, sq_text *out, sq_error *error) {
  const sq_scope scope = {sq_store_organization(store), sq_store_project(store)};
  summaries s = {.shape = query->shape};
  s.seed = sq_mix((uint64_t)(uintptr_t)&s, (uint64_t)sq_time_monotonic()); /* names are what callers choose */
  const sq_sink sink = {take, clear, &s};
  sq_columns columns;
  sq_query_columns(query, &scope, &columns);
  bool good = find_columns(&s, &columns, error) && sq_query_feed(store, query, &sink, error);
  if (good) write_all(&s, &query->shaping, out);
  free(s.items);
  free(s.cells);
  free(s.slots);
  sq_text_free(&s.keys);
  return good && sq_text_whole(out, error);
}
