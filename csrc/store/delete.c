/* Deleting requests with all that belongs to them, or their bodies only. */
#include <string.h>

#include "base/time.h"
#include "store/index.h"
#include "store/lookup.h"
#include "store/word_index.h"
#include "store/project.h"

typedef struct deleting {
  sq_store *store;
  sq_deletion *wanted;
  sq_text which; /* the condition on r, a row of request */
  const char *organization, *project;
  sq_text owner; /* of the request or session; the project that has the id */
  sq_lookup lookup; /* its requests */
  bool nothing;  /* is there to delete */
  sq_error *error;
} deleting;

static bool check(deleting *d) {
  const sq_deletion *w = d->wanted;
  const sq_store *store = d->store;
  if (!w->request && !w->session && !w->user && !w->project && !w->project_id && !w->bounded)
    return sq_fail(d->error, SQ_E_MISSING, "say what to delete: a request, session, user or project, or what is before a time");
  if ((store->organization && w->organization && strcmp(store->organization, w->organization) != 0) ||
      (store->project && w->project && strcmp(store->project, w->project) != 0))
    return sq_fail(d->error, SQ_E_FORBIDDEN, "the handle was opened for another organization or project");
  d->organization = store->organization ? store->organization : w->organization;
  d->project = store->project ? store->project : w->project;
  return true;
}

static bool take_owner(deleting *d) {
  d->organization = d->owner.data;
  d->project = d->owner.data + strlen(d->owner.data) + 1;
  return true;
}

/* A request or session of this id must be one, and it is that one's owner whose rows go. */
static bool check_one(deleting *d) {
  const sq_deletion *w = d->wanted;
  if (!w->request && !w->session) return true;
  sq_target target = {d->organization, d->project, w->request, w->request ? NULL : w->session};
  if (sq_find_owner(d->store, &target, true, &d->owner, d->error)) return take_owner(d);
  d->nothing = d->error->code == SQ_E_NOT_FOUND; /* nothing to delete is no error */
  if (d->nothing) *d->error = (sq_error){.code = SQ_OK};
  return d->nothing;
}

/* A project by its id. */
static bool find_project(deleting *d) {
  char id[37];
  return !d->wanted->project_id || (sq_project_normal_id(d->wanted->project_id, id, d->error) &&
                                    sq_project_find(d->store, d->organization, id, &d->owner, d->error) && take_owner(d));
}

/* Nor may a project's name be that of several organizations'. */
static bool check_project(deleting *d) {
  if (!d->wanted->project || d->organization) return true;
  sqlite3_stmt *count = sq_prepare(d->store,
                                   "SELECT count(*) FROM (SELECT organization_id FROM request WHERE project = ?1"
                                   " UNION SELECT organization_id FROM session_tag WHERE project = ?1"
                                   " UNION SELECT organization_id FROM session_metadata WHERE project = ?1"
                                   " UNION SELECT organization_id FROM project WHERE name = ?1 AND created_at_us IS NOT NULL"
                                   " UNION SELECT organization_id FROM held_patch WHERE project = ?1"
                                   " UNION SELECT organization_id FROM feedback WHERE project = ?1)",
                                   d->error);
  if (!count) return false;
  sq_bind_terminated(count, 1, d->project);
  int code = sqlite3_step(count), found = code == SQLITE_ROW ? sqlite3_column_int(count, 0) : 0;
  sqlite3_finalize(count);
  if (code != SQLITE_ROW) return sq_sqlite_fail(d->store, code, d->error);
  return found <= 1 || sq_fail(d->error, SQ_E_AMBIGUOUS, "'%s' names projects of %d organizations: say which", sq_show(d->project, strlen(d->project)).text, found);
}

static bool look_up(deleting *d) {
  const sq_deletion *w = d->wanted;
  if (w->request) return sq_lookup_request(d->store, w->request, &d->lookup, d->error);
  return !w->session || sq_lookup_session(d->store, w->session, &d->lookup, d->error);
}

static void choose(deleting *d) {
  const sq_deletion *w = d->wanted;
  sq_text_put(&d->which, d->lookup.known ? "r.seq IN (SELECT value FROM json_each(?7))" : "TRUE");
  if (d->organization) sq_text_put(&d->which, " AND r.organization_id = ?1");
  if (d->project) sq_text_put(&d->which, " AND r.project = ?2");
  if (w->request) sq_text_put(&d->which, " AND r.request_id = ?3");
  if (w->session) sq_text_put(&d->which, " AND r.session_id = ?4");
  if (w->user) sq_text_put(&d->which, " AND r.user_id = ?5");
  if (w->bounded) sq_text_put(&d->which, " AND r.created_at_us < ?6");
}

/* Runs "before which after", counting the rows it changed. */
static bool run(deleting *d, const char *before, const char *which, const char *after, int64_t *changed) {
  const sq_deletion *w = d->wanted;
  sq_text sql = {0};
  sq_text_format(&sql, "%s%s%s", before, which, after);
  sqlite3_stmt *statement = sq_text_whole(&sql, d->error) ? sq_prepare(d->store, sql.data, d->error) : NULL;
  sq_text_free(&sql);
  if (!statement) return false;
  const char *texts[] = {d->organization, d->project, w->request, w->session, w->user};
  for (int i = 0; i < 5; i++) sq_bind_terminated(statement, i + 1, texts[i]);
  sqlite3_bind_int64(statement, 6, w->before);
  sq_bind_terminated(statement, 7, d->lookup.seqs.data);
  bool done = sq_step_done(d->store, statement, d->error);
  if (done) *changed += sqlite3_changes(d->store->db);
  sqlite3_finalize(statement);
  return done;
}

static bool delete_rows(deleting *d) {
  sq_deletion *w = d->wanted;
  const char *which = d->which.data;
  int64_t noted = 0;
  if (!run(d, "DELETE FROM body WHERE seq IN (SELECT r.seq FROM request AS r WHERE ", which, ")", &w->bodies)) return false;
  if (w->bodies_only) return true;
  return run(d, "DELETE FROM feedback WHERE request_id IS NOT NULL AND id IN (SELECT f.id FROM request AS r JOIN feedback AS f"
                " ON f.request_id = r.request_id AND f.organization_id = r.organization_id AND f.project = r.project WHERE ",
             which, ")", &w->feedback) &&
         run(d, "INSERT INTO change(seq) SELECT r.seq FROM request AS r WHERE ", which, "", &noted) &&
         run(d, "DELETE FROM request WHERE seq IN (SELECT r.seq FROM request AS r WHERE ", which, ")", &w->requests);
}

static bool names_project(const sq_deletion *w) { return w->project || w->project_id; }

/* Of a session or project: all of it. */
static bool is_whole(const sq_deletion *w) { return !w->bodies_only && !w->request && !w->user && !w->bounded && (w->session || names_project(w)); }

/* What belongs to sessions themselves goes with a session or project that is deleted whole. */
static bool delete_of_sessions(deleting *d) {
  sq_deletion *w = d->wanted;
  if (!is_whole(w)) return true;
  sq_text which = {0};
  sq_text_put(&which, "TRUE");
  if (d->organization) sq_text_put(&which, " AND organization_id = ?1");
  if (d->project) sq_text_put(&which, " AND project = ?2");
  if (w->session) sq_text_put(&which, " AND session_id = ?4");
  bool done = sq_text_whole(&which, d->error) &&
              run(d, "DELETE FROM session_tag WHERE ", which.data, "", &w->tags) &&
              run(d, "DELETE FROM session_metadata WHERE ", which.data, "", &w->metadata) &&
              run(d, "DELETE FROM feedback WHERE session_id IS NOT NULL AND ", which.data, "", &w->feedback);
  sq_text_free(&which);
  return done;
}

/* What belongs to a project itself goes with it: its row, and feedback on the whole. */
static bool delete_of_project(deleting *d) {
  sq_deletion *w = d->wanted;
  if (!is_whole(w) || w->session) return true;
  return run(d, "DELETE FROM feedback WHERE session_id IS NULL AND request_id IS NULL AND project = ?2", d->organization ? " AND organization_id = ?1" : "",
             "", &w->feedback) &&
         sq_project_drop(d->store, d->organization, d->project, &w->projects, d->error);
}

/* Updates of requests that have not come: those that say so of themselves what is to go, and of a time those that came
   before it. Of a project those that are known to be its. */
static bool delete_held(deleting *d) {
  const sq_deletion *w = d->wanted;
  sq_text which = {0};
  int64_t changed = 0;
  sq_text_put(&which, " WHERE TRUE");
  if (d->organization) sq_text_put(&which, " AND organization_id = ?1");
  if (d->project) sq_text_put(&which, names_project(w) || d->store->project ? " AND project = ?2" : " AND coalesce(project = ?2, TRUE)");
  if (w->request) sq_text_put(&which, " AND request_id = ?3");
  if (w->session) sq_text_put(&which, " AND CAST(json_extract(patch, '$.session_id') AS TEXT) = ?4");
  if (w->user) sq_text_put(&which, " AND CAST(json_extract(patch, '$.user_id') AS TEXT) = ?5");
  if (w->bounded) sq_text_put(&which, " AND created_at_us < ?6");
  bool done = sq_text_whole(&which, d->error) &&
              (w->bodies_only ? run(d, "UPDATE held_patch SET patch = json_remove(patch, '$.request_body', '$.response_body')", which.data, "", &changed)
                              : run(d, "DELETE FROM held_patch", which.data, "", &d->wanted->held));
  sq_text_free(&which);
  return done;
}

/* ----------------------------------------------------------------------------------------------- erasing */

/* The log holds pages as they were. It can be emptied when nobody reads a state before the deletion. */
static bool empty_log(sq_store *store, sq_error *error) {
  int64_t busy = 0;
  if (!sq_query_integer(store, "PRAGMA wal_checkpoint(TRUNCATE)", &busy, error)) return false;
  return !busy || sq_fail(error, SQ_E_BUSY, "deleted, but not erased yet: others read the state before it; erase again when they are done");
}

/* The index names sessions and ids in places of its own. */
static bool erase_from_index(sq_store *store, sq_error *error) {
  int64_t sealed = 0;
  if (!sq_query_integer(store, "SELECT count(*) FROM segment", &sealed, error)) return false;
  return sealed == 0 || sq_store_reindex(store, error);
}

/* Nor do the words of bodies go with them. */
static bool erase_words(sq_store *store, sq_error *error) { return sq_begin_write(store, error) && sq_end_write(store, sq_word_index_clear(store, error), error); }

static bool erase(sq_store *store, sq_error *error) {
  return erase_words(store, error) && (store->memory || (erase_from_index(store, error) && empty_log(store, error)));
}

static bool run_deletion(deleting *d) {
  sq_store *store = d->store;
  if (!sq_begin_write(store, d->error)) return false;
  bool good = find_project(d) && check_one(d) && check_project(d) && look_up(d);
  choose(d);
  good = good && sq_text_whole(&d->which, d->error) && (d->nothing || (delete_rows(d) && delete_of_sessions(d) && delete_of_project(d))) &&
         delete_held(d);
  return sq_end_write(store, good, d->error);
}

bool sq_store_delete(sq_store *store, sq_deletion *deletion, sq_error *error) {
  deleting d = {.store = store, .wanted = deletion, .error = error};
  if (!sq_store_enter(store, error) || !check(&d)) return false;
  if (deletion->erase && !sq_execute(store, "PRAGMA secure_delete = ON", error)) return false;
  bool good = run_deletion(&d) && (!deletion->erase || erase(store, error));
  if (good && deletion->requests >= store->segment_rows) sq_seal_changed(store);
  else if (good && deletion->requests) sq_seal_by_and_by(store);
  sq_text_free(&d.which);
  sq_text_free(&d.owner);
  sq_lookup_free(&d.lookup);
  return good;
}
