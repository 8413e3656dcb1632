#include "store/table.h"

static void put_column(const sq_field_row *row, sq_text *out) {
  sq_text_format(out, "%s %s%s", row->column, sq_type_sqlite(row->type), row->always ? " NOT NULL" : "");
}

void sq_table_create(sq_text *out) {
  sq_text_put(out, "CREATE TABLE request(seq INTEGER PRIMARY KEY AUTOINCREMENT");
  for (int i = SQ_F_NONE + 1; i < SQ_F_COUNT; i++) {
    const sq_field_row *row = sq_field_get((sq_field)i);
    if (row->home != SQ_HOME_ROW) continue;
    sq_text_put(out, ", ");
    put_column(row, out);
  }
  sq_text_put(out, ")");
}

void sq_table_add_column(sq_field field, sq_text *out) {
  sq_text_put(out, "ALTER TABLE request ADD COLUMN ");
  put_column(sq_field_get(field), out);
}

void sq_table_insert(sq_given_columns given, size_t rows, sq_text *out) {
  sq_text values = {0};
  unsigned column = 0;
  sq_text_put(out, "INSERT INTO request(");
  for (int i = SQ_F_NONE + 1; i < SQ_F_COUNT; i++) {
    const sq_field_row *row = sq_field_get((sq_field)i);
    if (row->home != SQ_HOME_ROW || !(given >> column++ & 1)) continue;
    sq_text_format(out, "%s%s", values.length ? ", " : "", row->column);
    sq_text_put(&values, values.length ? ", ?" : "?");
  }
  sq_text_put(out, ") VALUES ");
  for (size_t i = 0; i < rows; i++) sq_text_format(out, i ? ", (%s)" : "(%s)", values.data ? values.data : "");
  out->failed = out->failed || values.failed;
  sq_text_free(&values);
}
