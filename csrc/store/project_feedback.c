/* Feedback by project: on a project as a whole (rows of table feedback that name neither a request nor a session), and on
   its requests. */
#include "base/json.h"
#include "store/sqlite.h"

bool sq_target_is_project(const sq_target *target) { return !target->request && !target->session && target->project; }

bool sq_project_owner(const sq_store *store, const sq_target *target, sq_text *out, sq_error *error) {
  const char *organization, *project;
  if (!sq_narrow_owner(store, target, &organization, &project, error)) return false;
  if (!organization) return sq_fail(error, SQ_E_MISSING, "a project is named with its organization");
  sq_text_append(out, organization, strlen(organization) + 1);
  sq_text_append(out, project, strlen(project) + 1);
  return sq_text_whole(out, error);
}

/* One row of the statement below, as an element of the array. */
static void put_project(sqlite3_stmt *row, sq_text *out) {
  if (out->length > 1) sq_text_byte(out, ',');
  sq_text_byte(out, '[');
  for (int column = 0; column < 2; column++) {
    const char *text = (const char *)sqlite3_column_text(row, column);
    sq_json_write_string(out, text ? text : "", (size_t)sqlite3_column_bytes(row, column));
    sq_text_byte(out, ',');
  }
  const char *statistics = (const char *)sqlite3_column_text(row, 2);
  sq_text_put(out, statistics ? statistics : "{}");
  sq_text_byte(out, ']');
}

#define SUMMED "SELECT organization_id, project, sq_feedback(key, score, value) FROM feedback WHERE "
#define BY_PROJECT \
  " AND organization_id = coalesce(?1, organization_id) AND project = coalesce(?2, project) GROUP BY organization_id, project"

bool sq_store_project_feedback(sq_store *store, const sq_target *target, bool of_requests, sq_text *out, sq_error *error) {
  static const char *const statements[] = {SUMMED "request_id IS NULL AND session_id IS NULL" BY_PROJECT,
                                           SUMMED "request_id IS NOT NULL" BY_PROJECT};
  const char *organization, *project;
  if (!sq_store_enter(store, error) || !sq_narrow_owner(store, target, &organization, &project, error)) return false;
  sqlite3_stmt *read = sq_borrow(store, statements[of_requests], error);
  if (!read) return false;
  sq_bind_terminated(read, 1, organization);
  sq_bind_terminated(read, 2, project);
  sq_text_byte(out, '[');
  int code;
  while ((code = sqlite3_step(read)) == SQLITE_ROW) put_project(read, out);
  sq_text_byte(out, ']');
  sq_give_back(store, read);
  return (code == SQLITE_DONE || sq_sqlite_fail(store, code, error)) && sq_text_whole(out, error);
}
