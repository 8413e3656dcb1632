#include "query/json.h"

#include "base/json.h"

static void write_integer(sq_text *out, sq_type type, int64_t value, int time_digits, int offset_minutes) {
  char room[48];
  if (type == SQ_T_TIME) {
    size_t length = sq_time_format(value, offset_minutes, time_digits, room);
    sq_json_write_string(out, room, length);
  } else if (type == SQ_T_MONEY) {
    sq_text_append(out, room, sq_decimal_format(value, 9, room));
  } else {
    sq_json_write_integer(out, value);
  }
}

void sq_json_write_shaped(sq_text *out, sq_type type, const sq_value *value, int time_digits, int offset_minutes) {
  switch (value->kind) {
    case SQ_BOOLEAN: sq_text_put(out, value->boolean ? "true" : "false"); break;
    case SQ_INTEGER: write_integer(out, type, value->integer, time_digits, offset_minutes); break;
    case SQ_REAL: sq_json_write_real(out, value->real); break;
    case SQ_JSON: sq_text_append(out, value->text, value->length); break;
    default: sq_json_write_string(out, value->text, value->length);
  }
}

static const char *absent_of(sq_type type) {
  return type == SQ_T_LIST || type == SQ_T_RECORDS ? "[]" : type == SQ_T_MAP || type == SQ_T_STATISTICS ? "{}" : "null";
}

void sq_json_write_value(sq_text *out, sq_type type, const sq_value *value) {
  if (value->kind == SQ_NULL) sq_text_put(out, absent_of(type));
  else sq_json_write_shaped(out, type, value, -1, 0);
}

void sq_json_write_rows(sq_text *out, const sq_rows *rows) {
  sq_value values[sizeof rows->columns.items / sizeof *rows->columns.items];
  sq_text_byte(out, '[');
  for (size_t i = 0; i < rows->count; i++) {
    sq_rows_read(rows, i, values);
    sq_text_put(out, i ? ",{" : "{");
    for (size_t c = 0; c < rows->columns.shown; c++) {
      if (c) sq_text_byte(out, ',');
      sq_json_write_string(out, rows->columns.items[c].name, strlen(rows->columns.items[c].name));
      sq_text_byte(out, ':');
      sq_json_write_value(out, rows->columns.items[c].type, &values[c]);
    }
    sq_text_byte(out, '}');
  }
  sq_text_byte(out, ']');
}

/* ------------------------------------------------------------------------------------------ vendors' shapes */

static void write_absent(sq_text *out, sq_type type, sq_if_absent if_absent) {
  if (if_absent == SQ_ABSENT_NULL) sq_text_put(out, "null");
  else if (if_absent == SQ_ABSENT_ZERO) sq_text_put(out, "0");
  else sq_text_put(out, type == SQ_T_LIST ? "[]" : "\"\"");
}

bool sq_shape_column(const sq_columns *columns, sq_field field, size_t *out, sq_error *error) {
  const char *name = sq_field_short_name(field);
  size_t c = 0;
  while (c < columns->shown && strcmp(columns->items[c].name, name) != 0) c++;
  *out = c;
  return c < columns->shown || sq_fail(error, SQ_E_STORE, "the answer has no column for %s", sq_field_get(field)->name);
}

bool sq_json_write_shape(sq_text *out, const sq_shape *shape, int offset_minutes, const sq_rows *rows, sq_error *error) {
  sq_value values[sizeof rows->columns.items / sizeof *rows->columns.items];
  size_t columns[SQ_SHAPE_MEMBERS];
  for (size_t m = 0; m < shape->count; m++)
    if (!sq_shape_column(&rows->columns, shape->members[m].field, &columns[m], error)) return false;
  sq_text_put(out, shape->before);
  sq_text_byte(out, '[');
  for (size_t i = 0; i < rows->count; i++) {
    sq_rows_read(rows, i, values);
    sq_text_put(out, i ? ",{" : "{");
    for (size_t m = 0; m < shape->count; m++) {
      const sq_shape_member *member = &shape->members[m];
      const sq_value *value = &values[columns[m]];
      sq_type type = sq_field_get(member->field)->type;
      if (m) sq_text_byte(out, ',');
      sq_json_write_string(out, member->name, strlen(member->name));
      sq_text_byte(out, ':');
      if (value->kind == SQ_NULL) write_absent(out, type, member->if_absent);
      else sq_json_write_shaped(out, type, value, shape->time_digits, offset_minutes);
    }
    sq_text_byte(out, '}');
  }
  sq_text_byte(out, ']');
  sq_text_put(out, shape->after);
  return sq_text_whole(out, error);
}
