/* The order of rows, and of them the first so many: a heap with the last of them on top. */
#include "exec/run.h"

#include <stdlib.h>

/* --------------------------------------------------------------------------------------------------- values */

static int class_of(const sq_value *value) {
  switch (value->kind) {
    case SQ_INTEGER:
    case SQ_REAL: return 0;
    case SQ_BOOLEAN: return 2;
    case SQ_NULL: return 3;
    default: return 1;
  }
}

static int compare_numbers(const sq_value *a, const sq_value *b) {
  if (a->kind == SQ_INTEGER && b->kind == SQ_INTEGER) return (a->integer > b->integer) - (a->integer < b->integer);
  double x = a->kind == SQ_INTEGER ? (double)a->integer : a->real, y = b->kind == SQ_INTEGER ? (double)b->integer : b->real;
  return (x > y) - (x < y);
}

static int compare_present(const sq_value *a, const sq_value *b) {
  int class = class_of(a);
  if (class != class_of(b)) return class < class_of(b) ? -1 : 1;
  if (class == 0) return compare_numbers(a, b);
  if (class == 2) return (int)a->boolean - (int)b->boolean;
  return sq_compare_bytes(a->text, a->length, b->text, b->length);
}

/* -1, 0, 1; absent values are greatest. Scalars as SQLite orders them: numbers, texts, booleans. */
static int compare_values(const sq_value *a, const sq_value *b, bool descending) {
  bool no_a = a->kind == SQ_NULL, no_b = b->kind == SQ_NULL;
  if (no_a || no_b) return (int)no_a - (int)no_b;
  int order = compare_present(a, b);
  return descending ? -order : order;
}

/* ---------------------------------------------------------------------------------------------------- ranks */

static int64_t turn(const sq_order_by *order, int64_t rank) { return order->descending ? ~rank : rank; }

int64_t sq_rank_integer(const sq_order_by *order, int64_t value) { return value == SQ_ABSENT ? INT64_MAX : turn(order, value); }

/* Doubles in the order of their values; 0 and -0 are one. */
static int64_t rank_real(double value) {
  int64_t bits;
  value += 0.0;
  memcpy(&bits, &value, sizeof bits);
  return bits < 0 ? (int64_t)(~(uint64_t)bits ^ (UINT64_C(1) << 63)) : bits;
}

/* The first eight bytes. */
static int64_t rank_text(const char *text, size_t length) {
  uint64_t rank = 0;
  for (size_t i = 0; i < 8; i++) rank = rank << 8 | (i < length ? (unsigned char)text[i] : 0);
  return (int64_t)(rank ^ UINT64_C(1) << 63);
}

int64_t sq_rank_value(const sq_order_by *order, const sq_value *value) {
  if (value->kind == SQ_NULL) return INT64_MAX;
  switch (order->type) {
    case SQ_T_TEXT: return turn(order, rank_text(value->text, value->length));
    case SQ_T_SCALAR: return turn(order, class_of(value));
    case SQ_T_REAL: return turn(order, rank_real(value->kind == SQ_INTEGER ? (double)value->integer : value->real));
    case SQ_T_BOOLEAN: return turn(order, value->kind == SQ_BOOLEAN ? value->boolean : value->integer != 0);
    default: return turn(order, value->kind == SQ_REAL ? (int64_t)value->real : value->integer);
  }
}

/* -------------------------------------------------------------------------------------------- whole entries */

static bool value_at(sq_order_by *order, const sq_entry *entry, size_t at, char room[37], sq_value *out) {
  if (at == 0 && order->text) {
    *out = entry->text ? (sq_value){.kind = SQ_STRING, .length = entry->length, .text = entry->text} : (sq_value){.kind = SQ_NULL};
    return true;
  }
  return order->value(order->state, entry, at, room, out);
}

static size_t width_of(const sq_order_by *order) { return order->run->columns.count - order->run->columns.shown; }

static const sq_column_of *term_of(const sq_order_by *order, size_t at) { return &order->run->columns.items[order->run->columns.shown + at]; }

/* After an error everything is equal. */
static int compare(sq_order_by *order, const sq_entry *a, const sq_entry *b) {
  if (a->rank != b->rank) return a->rank < b->rank ? -1 : 1;
  for (size_t at = order->exact; at < width_of(order); at++) {
    char room[2][37];
    sq_value x, y;
    if (!value_at(order, a, at, room[0], &x) || !value_at(order, b, at, room[1], &y)) return 0;
    int way = compare_values(&x, &y, term_of(order, at)->descending);
    if (way) return way;
  }
  return 0;
}

static bool is_behind(sq_order_by *order, const sq_entry *entry) {
  if (!order->after) return true;
  if (entry->rank != order->after_rank) return entry->rank > order->after_rank;
  for (size_t at = order->exact; at < width_of(order); at++) {
    char room[37];
    sq_value value;
    if (!value_at(order, entry, at, room, &value)) return false;
    int way = compare_values(&value, &order->after[at], term_of(order, at)->descending);
    if (way) return way > 0;
  }
  return false;
}

/* -------------------------------------------------------------------------------------------------- the heap */

bool sq_order_begin(sq_order_by *order, sq_run *run) {
  const sq_query *query = run->query;
  *order = (sq_order_by){.run = run, .after = run->exec->after};
  order->type = term_of(order, 0)->type;
  order->descending = term_of(order, 0)->descending;
  order->exact = order->type != SQ_T_TEXT && order->type != SQ_T_SCALAR;
  order->most = SIZE_MAX;
  if (query->limited && query->limit < INT32_MAX && query->offset < INT32_MAX) order->most = (size_t)(query->offset + query->limit + 1);
  if (order->after) order->after_rank = sq_rank_value(order, &order->after[0]);
  return true;
}

void sq_order_end(sq_order_by *order) {
  free(order->entries);
  order->entries = NULL;
}

static void sink(sq_order_by *order, size_t at) {
  sq_entry moved = order->entries[at];
  for (;;) {
    size_t kid = 2 * at + 1;
    if (kid >= order->count) break;
    if (kid + 1 < order->count && compare(order, &order->entries[kid], &order->entries[kid + 1]) < 0) kid++;
    if (compare(order, &moved, &order->entries[kid]) >= 0) break;
    order->entries[at] = order->entries[kid];
    at = kid;
  }
  order->entries[at] = moved;
}

static bool append(sq_order_by *order, const sq_entry *entry) {
  if (order->count == order->capacity) {
    size_t capacity = order->capacity ? 2 * order->capacity : 64;
    sq_entry *entries = realloc(order->entries, capacity * sizeof *entries);
    if (!entries) return sq_fail_memory(order->run->error);
    order->entries = entries;
    order->capacity = capacity;
  }
  order->entries[order->count++] = *entry;
  if (order->count < order->most) return true;
  for (size_t i = order->count / 2; i-- > 0;) sink(order, i);
  order->heaped = true;
  return true;
}

bool sq_order_offer(sq_order_by *order, const sq_entry *entry) {
  if (entry->rank > sq_order_bound(order) || !is_behind(order, entry)) return order->run->error->code == SQ_OK;
  if (!order->heaped) {
    if (!append(order, entry)) return false;
  } else if (compare(order, entry, &order->entries[0]) < 0) {
    order->entries[0] = *entry;
    sink(order, 0);
  }
  return order->run->error->code == SQ_OK;
}

static int by_order(const void *a, const void *b, void *order) { return compare(order, a, b); }

bool sq_order_finish(sq_order_by *order, size_t *first, size_t *last) {
  if (order->count) qsort_r(order->entries, order->count, sizeof *order->entries, by_order, order);
  size_t offset = (size_t)order->run->query->offset;
  *first = offset < order->count ? offset : order->count;
  *last = order->count;
  if (order->run->query->limited && (uint64_t)(*last - *first) > (uint64_t)order->run->query->limit)
    *last = *first + (size_t)order->run->query->limit + 1;
  return order->run->error->code == SQ_OK;
}
