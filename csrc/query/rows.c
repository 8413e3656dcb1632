#include "query/rows.h"

#include <stdlib.h>

/* The query that gave the names may be freed before the rows. */
static bool copy_names(sq_rows *rows) {
  size_t size = 1;
  for (size_t i = 0; i < rows->columns.shown; i++) size += strlen(rows->columns.items[i].name) + 1;
  char *at = rows->names = malloc(size);
  if (!at) return false;
  for (size_t i = 0; i < rows->columns.shown; i++) {
    size_t length = strlen(rows->columns.items[i].name) + 1;
    memcpy(at, rows->columns.items[i].name, length);
    rows->columns.items[i].name = at;
    at += length;
  }
  return true;
}

sq_rows *sq_rows_make(const sq_columns *columns, sq_error *error) {
  sq_rows *rows = calloc(1, sizeof *rows);
  if (rows) {
    rows->columns = *columns;
    if (copy_names(rows)) return rows;
    sq_rows_free(rows);
  }
  sq_fail_memory(error);
  return NULL;
}

static bool begin_row(sq_rows *rows, sq_error *error) {
  if (rows->count == rows->capacity) {
    size_t capacity = rows->capacity ? rows->capacity * 2 : 64;
    size_t *starts = realloc(rows->starts, capacity * sizeof *starts);
    if (!starts) return sq_fail_memory(error);
    rows->starts = starts;
    rows->capacity = capacity;
  }
  rows->starts[rows->count++] = rows->packed.length;
  return true;
}

static void put(sq_rows *rows, const sq_value *value) {
  sq_text *out = &rows->packed;
  sq_text_byte(out, (char)value->kind);
  switch (value->kind) {
    case SQ_NULL: break;
    case SQ_BOOLEAN: sq_text_byte(out, (char)value->boolean); break;
    case SQ_INTEGER: sq_text_append(out, (const char *)&value->integer, sizeof value->integer); break;
    case SQ_REAL: sq_text_append(out, (const char *)&value->real, sizeof value->real); break;
    default:
      sq_text_append(out, (const char *)&value->length, sizeof value->length);
      sq_text_append(out, value->text, value->length);
  }
}

void sq_rows_drop_last(sq_rows *rows) { rows->packed.length = rows->starts[--rows->count]; }

static bool take(void *state, const sq_value *values, size_t count, sq_error *error) {
  sq_rows *rows = state;
  if (!begin_row(rows, error)) return false;
  for (size_t i = 0; i < count; i++) put(rows, &values[i]);
  return sq_text_whole(&rows->packed, error);
}

static void clear(void *state) {
  sq_rows *rows = state;
  sq_text_clear(&rows->packed);
  rows->count = 0;
}

sq_sink sq_rows_sink(sq_rows *rows) { return (sq_sink){take, clear, rows}; }

static const char *unpack(const char *at, sq_value *value) {
  *value = (sq_value){.kind = (sq_kind)*at++};
  switch (value->kind) {
    case SQ_NULL: return at;
    case SQ_BOOLEAN: value->boolean = *at; return at + 1;
    case SQ_INTEGER: memcpy(&value->integer, at, sizeof value->integer); return at + sizeof value->integer;
    case SQ_REAL: memcpy(&value->real, at, sizeof value->real); return at + sizeof value->real;
    default:
      memcpy(&value->length, at, sizeof value->length);
      value->text = at + sizeof value->length;
      return value->text + value->length;
  }
}

static void read_columns(const sq_rows *rows, size_t index, sq_value *values, size_t count) {
  const char *at = rows->packed.data + rows->starts[index];
  for (size_t i = 0; i < count; i++) at = unpack(at, &values[i]);
}

void sq_rows_read(const sq_rows *rows, size_t index, sq_value *values) { read_columns(rows, index, values, rows->columns.shown); }
void sq_rows_read_all(const sq_rows *rows, size_t index, sq_value *values) { read_columns(rows, index, values, rows->columns.count); }

size_t sq_rows_count(const sq_rows *rows) { return rows->count; }
size_t sq_rows_width(const sq_rows *rows) { return rows->columns.shown; }
const char *sq_rows_name(const sq_rows *rows, size_t column) { return rows->columns.items[column].name; }
const char *sq_rows_type(const sq_rows *rows, size_t column) { return sq_type_name(rows->columns.items[column].type); }
const char *sq_rows_next(const sq_rows *rows) { return rows->next; }

void sq_rows_free(sq_rows *rows) {
  if (!rows) return;
  sq_text_free(&rows->packed);
  free(rows->starts);
  free(rows->names);
  free(rows->next);
  free(rows);
}
