/* The most frequent elements of a list, or members of a map, of each project's requests:

     SELECT organization_id, project, key, value, n FROM (
       SELECT …, count(*) AS n, row_number() OVER (PARTITION BY organization_id, project ORDER BY n …) AS place
       FROM request AS r, elements of the field WHERE rows GROUP BY organization_id, project, key, value
     ) WHERE place <= most

   Of a list the key is NULL; a value is JSON. */
#include "sql/sql.h"

bool sq_sql_frequent(sq_sql *sql, const sq_query *query, sq_field field, int64_t most) {
  const char *key = sq_field_get(field)->type == SQ_T_MAP ? "x.key" : "NULL";
  sq_text_format(&sql->text,
                 "SELECT g.organization_id, g.project, g.key, g.value, g.n FROM (SELECT r.organization_id AS organization_id,"
                 " r.project AS project, %s AS key, ", key);
  sq_text_put(&sql->text, sql->target->element_as_json);
  sq_text_put(&sql->text, " AS value, count(*) AS n, row_number() OVER (PARTITION BY r.organization_id, r.project ORDER BY count(*) DESC, ");
  sq_text_format(&sql->text, "%s, ", key);
  sq_text_put(&sql->text, sql->target->element_as_json);
  sq_text_put(&sql->text, ") AS place FROM request AS r, ");
  sq_emit_template(sql, sql->target->elements, "r", field, 0);
  sq_text_put(&sql->text, " WHERE ");
  sq_text_put(&sql->text, sql->target->is_plain_element);
  sq_text_put(&sql->text, " AND ");
  sq_emit_scope(sql, "r");
  sq_emit_rows(sql, query->filter.rows, "r");
  sq_text_put(&sql->text, " GROUP BY 1, 2, 3, 4) AS g WHERE g.place <= ");
  sq_emit_parameter(sql, &(sq_value){.kind = SQ_INTEGER, .integer = most});
  sq_text_put(&sql->text, " ORDER BY g.organization_id, g.project, g.place");
  return sql->error->code == SQ_OK && sq_text_whole(&sql->text, sql->error);
}
