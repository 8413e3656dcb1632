/* Making, changing and dropping projects. */
#include "store/project.h"

#include <string.h>

#include "base/hash.h"
#include "base/time.h"
#include "base/uuid.h"
#include "store/lookup.h"
#include "store/seal.h"

/* A statement of up to three texts. */
static bool run(sq_store *store, const char *sql, const char *first, const char *second, const char *third, sq_error *error) {
  const char *const texts[] = {first, second, third};
  sqlite3_stmt *statement = sq_prepare(store, sql, error);
  if (!statement) return false;
  for (int i = 0; i < 3 && i < sqlite3_bind_parameter_count(statement); i++) sq_bind_terminated(statement, i + 1, texts[i]);
  bool done = sq_step_done(store, statement, error);
  sqlite3_finalize(statement);
  return done;
}

/* Whether a statement of two texts gives a row; its text in column 0 goes to `out`, where that is wanted. */
static bool ask(sq_store *store, const char *sql, const char *first, const char *second, bool *has, char out[37], sq_error *error) {
  sqlite3_stmt *read = sq_borrow(store, sql, error);
  if (!read) return false;
  sq_bind_terminated(read, 1, first);
  sq_bind_terminated(read, 2, second);
  int code = sqlite3_step(read);
  *has = code == SQLITE_ROW;
  const char *text = *has && out ? (const char *)sqlite3_column_text(read, 0) : NULL;
  if (text) strncpy(out, text, 36), out[36] = '\0';
  bool good = code == SQLITE_ROW || code == SQLITE_DONE || sq_sqlite_fail(store, code, error);
  sq_give_back(store, read);
  return good;
}

static bool stop(void *state, const char *organization, const char *project, sq_error *error) {
  (void)organization, (void)project, (void)error;
  *(bool *)state = true;
  return false;
}

static bool has_requests(sq_store *store, const char *organization, const char *name, bool *has, sq_error *error) {
  *has = false;
  return sq_lookup_projects(store, organization, name, true, stop, has, error);
}

/* Whether there is a project of this name: one that was created, or that has requests. */
static bool exists(sq_store *store, const char *organization, const char *name, bool *there, sq_error *error) {
  static const char *const sql = "SELECT 1 FROM project WHERE organization_id = ?1 AND name = ?2 AND created_at_us IS NOT NULL";
  return ask(store, sql, organization, name, there, NULL, error) && (*there || has_requests(store, organization, name, there, error));
}

static void derive(const char *organization, const char *name, char out[37]) {
  sq_project_id(organization, strlen(organization), name, strlen(name), out);
}

/* ------------------------------------------------------------------------------------------------- finding */

static bool fail_unknown(const char *id, sq_error *error) {
  return sq_fail(error, SQ_E_NOT_FOUND, "there is no project with the id '%s'", sq_show(id, strlen(id)).text);
}

bool sq_project_normal_id(const char *id, char out[37], sq_error *error) {
  uint8_t uuid[SQ_UUID_SIZE];
  if (!sq_uuid_read(id, strlen(id), uuid)) return fail_unknown(id, error);
  sq_uuid_write(uuid, out);
  return true;
}

typedef struct finding {
  sq_store *store;
  const char *id;
  sq_text *out;
  size_t count;
} finding;

static bool note(finding *f, const char *organization, const char *name) {
  if (f->count++ == 0) {
    sq_text_append(f->out, organization, strlen(organization) + 1);
    sq_text_append(f->out, name, strlen(name) + 1);
  }
  return true;
}

/* Those that were given the id, or have it reserved and requests to go with it. */
static bool find_stored(finding *f, const char *organization, sq_error *error) {
  static const char *const sql =
      "SELECT organization_id, name, created_at_us IS NOT NULL FROM project"
      " WHERE id = ?1 AND organization_id = coalesce(?2, organization_id) AND name = coalesce(?3, name)";
  sqlite3_stmt *read = sq_borrow(f->store, sql, error);
  int code = SQLITE_DONE;
  bool good = read != NULL;
  if (!read) return false;
  sq_bind_terminated(read, 1, f->id);
  sq_bind_terminated(read, 2, organization);
  sq_bind_terminated(read, 3, f->store->project);
  while (good && (code = sqlite3_step(read)) == SQLITE_ROW) {
    const char *owner = (const char *)sqlite3_column_text(read, 0), *name = (const char *)sqlite3_column_text(read, 1);
    bool there = sqlite3_column_int(read, 2);
    good = (owner && name) || sq_fail_memory(error);
    good = good && (there || has_requests(f->store, owner, name, &there, error)) && (!there || note(f, owner, name));
  }
  good = good && (code == SQLITE_DONE || sq_sqlite_fail(f->store, code, error));
  sq_give_back(f->store, read);
  return good;
}

/* A project that has requests only: its id is made of its name, unless its row says otherwise. */
static bool look_at_name(void *state, const char *organization, const char *name, sq_error *error) {
  finding *f = state;
  char id[37];
  bool stored = false, there = false;
  derive(organization, name, id);
  if (strcmp(id, f->id) != 0) return true;
  return ask(f->store, "SELECT 1 FROM project WHERE organization_id = ?1 AND name = ?2", organization, name, &stored, NULL, error) &&
         (stored || (has_requests(f->store, organization, name, &there, error) && (!there || note(f, organization, name))));
}

bool sq_project_find(sq_store *store, const char *organization, const char *id, sq_text *out, sq_error *error) {
  const char *owner;
  finding f = {.store = store, .id = id, .out = out};
  if (!sq_narrow(store->organization, organization, &owner, "organization", error) || !find_stored(&f, owner, error)) return false;
  bool may_be_made = id[14] == '5' && (f.count == 0 || !owner); /* of a name: version 5 */
  if (may_be_made && !sq_lookup_projects(store, owner, store->project, false, look_at_name, &f, error)) return false;
  if (f.count == 0) return fail_unknown(id, error);
  if (f.count > 1) return sq_fail(error, SQ_E_AMBIGUOUS, "'%s' is the id of projects of %zu organizations: say which", sq_show(id, strlen(id)).text, f.count);
  return sq_text_whole(out, error);
}

static bool read_row(sqlite3_stmt *read, sq_text *members, sq_project_row *row) {
  row->organization = (const char *)sqlite3_column_text(read, 0);
  row->name = (const char *)sqlite3_column_text(read, 1);
  row->id = (const char *)sqlite3_column_text(read, 2);
  row->created = sqlite3_column_int(read, 3);
  sq_text_clear(members);
  bool good = sq_project_write(read, 4, members);
  row->members = members->data;
  return good && row->organization && row->name && row->id;
}

bool sq_store_read_projects(sq_store *store, const char *organization, const char *name, bool (*take)(void *state, const sq_project_row *row, sq_error *error),
                            void *state, sq_error *error) {
  sq_text sql = {0}, members = {0};
  sq_project_row row;
  int code = SQLITE_DONE;
  sq_text_put(&sql, "SELECT organization_id, name, id, created_at_us IS NOT NULL");
  for (int i = SQ_P_FIRST_FREE; i < SQ_P_COUNT; i++) sq_text_format(&sql, ", %s", sq_project_column((sq_project_member)i));
  sq_text_put(&sql, ", created_at_us FROM project WHERE organization_id = coalesce(?1, organization_id) AND name = coalesce(?2, name)");
  sqlite3_stmt *read = sq_text_whole(&sql, error) ? sq_borrow(store, sql.data, error) : NULL;
  bool good = read != NULL;
  if (read) sq_bind_terminated(read, 1, organization);
  if (read) sq_bind_terminated(read, 2, name);
  while (good && (code = sqlite3_step(read)) == SQLITE_ROW)
    good = read_row(read, &members, &row) ? take(state, &row, error) : sq_fail_memory(error);
  good = good && (code == SQLITE_DONE || sq_sqlite_fail(store, code, error));
  sq_give_back(store, read);
  sq_text_free(&sql);
  sq_text_free(&members);
  return good;
}

/* ------------------------------------------------------------------------------------------------- making */

static const char *text_of(const sq_project_record *record, sq_project_member member) {
  return record->values[member].kind == SQ_STRING ? record->values[member].text : NULL;
}

/* Whether another name of the organization has the id: by its row, or by its requests. */
static bool is_taken(sq_store *store, const char *organization, const char *name, const char *id, bool *taken, sq_error *error) {
  finding f = {.store = store, .id = id};
  sq_text owner = {0};
  f.out = &owner;
  sqlite3_stmt *read = sq_prepare(store, "SELECT 1 FROM project WHERE organization_id = ?1 AND id = ?2 AND name <> ?3", error);
  if (!read) return false;
  sq_bind_terminated(read, 1, organization);
  sq_bind_terminated(read, 2, id);
  sq_bind_terminated(read, 3, name);
  int code = sqlite3_step(read);
  *taken = code == SQLITE_ROW;
  sqlite3_finalize(read);
  bool good = code == SQLITE_ROW || code == SQLITE_DONE || sq_sqlite_fail(store, code, error);
  if (good && !*taken && id[14] == '5') good = sq_lookup_projects(store, organization, NULL, false, look_at_name, &f, error);
  *taken |= f.count > 0;
  sq_text_free(&owner);
  return good;
}

/* The id of a project to be: the one it is given, that is reserved for it, made of its name, or a new one where that is
   another's. */
static bool choose_id(sq_store *store, const char *organization, const char *name, const char *given, char out[37], sq_error *error) {
  bool reserved = false, taken = false;
  if (given) {
    memcpy(out, given, 37);
    return is_taken(store, organization, name, out, &taken, error) &&
           (!taken || sq_fail(error, SQ_E_CONFLICT, "there is a project with the id '%s' already", out));
  }
  if (!ask(store, "SELECT id FROM project WHERE organization_id = ?1 AND name = ?2", organization, name, &reserved, out, error)) return false;
  if (reserved) return true;
  derive(organization, name, out);
  if (!ask(store, "SELECT 1 FROM project WHERE organization_id = ?1 AND id = ?2", organization, out, &taken, NULL, error)) return false;
  return !taken || sq_uuid_make(out) || sq_fail(error, SQ_E_STORE, "the system gives no random bits for a project's id");
}

/* Makes the name's row one of a project. */
static bool put_row(sq_store *store, const char *organization, const char *name, const char *id, sq_error *error) {
  sqlite3_stmt *put = sq_prepare(store,
                                 "INSERT INTO project(organization_id, name, id, created_at_us) VALUES (?1, ?2, ?3, ?4)"
                                 " ON CONFLICT (organization_id, name) DO UPDATE SET id = excluded.id, created_at_us = excluded.created_at_us",
                                 error);
  if (!put) return false;
  sq_bind_terminated(put, 1, organization);
  sq_bind_terminated(put, 2, name);
  sq_bind_terminated(put, 3, id);
  sqlite3_bind_int64(put, 4, sq_time_now());
  bool done = sq_step_done(store, put, error);
  sqlite3_finalize(put);
  return done;
}

/* Writes what the record names of the free members. */
static bool put_members(sq_store *store, const char *organization, const char *name, const sq_project_record *record, sq_error *error) {
  sq_text sql = {0};
  int count = 0;
  for (int i = SQ_P_FIRST_FREE; i < SQ_P_COUNT; i++)
    if (record->given[i]) sq_text_format(&sql, "%s%s = ?", count++ ? ", " : "UPDATE project SET ", sq_project_column((sq_project_member)i));
  sq_text_put(&sql, " WHERE organization_id = ? AND name = ?");
  sqlite3_stmt *update = count && sq_text_whole(&sql, error) ? sq_prepare(store, sql.data, error) : NULL;
  sq_text_free(&sql);
  if (!update) return error->code == SQ_OK;
  int parameter = 1;
  for (int i = SQ_P_FIRST_FREE; i < SQ_P_COUNT; i++)
    if (record->given[i]) sq_bind_value(update, parameter++, &record->values[i]);
  sq_bind_terminated(update, parameter++, organization);
  sq_bind_terminated(update, parameter, name);
  bool done = sq_step_done(store, update, error);
  sqlite3_finalize(update);
  return done;
}

static bool fail_exists(const char *name, sq_error *error) {
  return sq_fail(error, SQ_E_CONFLICT, "there is a project '%s' already", sq_show(name, strlen(name)).text);
}

static bool create(sq_store *store, const char *organization, const sq_project_record *record, sq_error *error) {
  const char *name = text_of(record, SQ_P_NAME);
  char id[37];
  bool there = false;
  if (!exists(store, organization, name, &there, error)) return false;
  if (there) return fail_exists(name, error);
  return choose_id(store, organization, name, text_of(record, SQ_P_ID), id, error) && put_row(store, organization, name, id, error) &&
         put_members(store, organization, name, record, error);
}

static bool check_name(const sq_project_record *record, sq_error *error) {
  const sq_value *name = &record->values[SQ_P_NAME];
  if (name->kind == SQ_NULL) return sq_fail(error, SQ_E_MISSING, "a project has a name");
  return name->length > 0 || sq_fail(error, SQ_E_VALUE, "a project's name is empty");
}

static void put_owner(const char *organization, const char *name, sq_text *out) {
  sq_text_append(out, organization, strlen(organization) + 1);
  sq_text_append(out, name, strlen(name) + 1);
}

bool sq_store_create_project(sq_store *store, const char *json, size_t length, sq_text *out, sq_error *error) {
  sq_project_record record = {0};
  const char *organization = NULL, *name = NULL;
  bool good = sq_project_read(&record, json, length, error) && check_name(&record, error) &&
              sq_narrow(store->organization, text_of(&record, SQ_P_ORGANIZATION), &organization, "organization", error) &&
              sq_narrow(store->project, text_of(&record, SQ_P_NAME), &name, "project", error);
  /* whether an id is another project's is not for a handle of one project to know */
  if (good && store->project && text_of(&record, SQ_P_ID))
    good = sq_fail(error, SQ_E_FORBIDDEN, "the handle was opened for one project, and does not choose its id");
  if (!organization) organization = "";
  good = good && sq_store_enter(store, error) && sq_begin_write(store, error) &&
         sq_end_write(store, create(store, organization, &record, error), error);
  if (good) put_owner(organization, name, out);
  sq_project_record_free(&record);
  return good && sq_text_whole(out, error);
}

/* ------------------------------------------------------------------------------------------------ renaming */

/* What a project's requests carry its name in, and what names it beside them. Requests that are gone may have left tags
   and metadata of a session under the new name. */
static const char *const moves[] = {
    "INSERT INTO change(seq) SELECT seq FROM request WHERE organization_id = ?1 AND project = ?2",
    "UPDATE request SET project = ?3 WHERE organization_id = ?1 AND project = ?2",
    "UPDATE feedback SET project = ?3 WHERE organization_id = ?1 AND project = ?2",
    "UPDATE OR REPLACE session_tag SET project = ?3 WHERE organization_id = ?1 AND project = ?2",
    "UPDATE OR REPLACE session_metadata SET project = ?3 WHERE organization_id = ?1 AND project = ?2",
    "UPDATE held_patch SET project = ?3 WHERE organization_id = ?1 AND project = ?2",
    "UPDATE api_key SET project = ?3 WHERE organization_id = ?1 AND project = ?2",
    "UPDATE project SET name = ?3 WHERE organization_id = ?1 AND name = ?2",
};

/* Where a name's own id is another's now, it gets one of its own, before a client's requests come under it again. */
static bool reserve(sq_store *store, const char *organization, const char *name, sq_error *error) {
  char made[37], id[37];
  bool taken = false;
  derive(organization, name, made);
  if (!ask(store, "SELECT 1 FROM project WHERE organization_id = ?1 AND id = ?2", organization, made, &taken, NULL, error) || !taken)
    return error->code == SQ_OK;
  if (!sq_uuid_make(id)) return sq_fail(error, SQ_E_STORE, "the system gives no random bits for a project's id");
  return run(store, "INSERT INTO project(organization_id, name, id) VALUES (?1, ?2, ?3)", organization, name, id, error);
}

/* ------------------------------------------------------------------------------------------------- changing */

/* What is to happen to a project. */
typedef struct change {
  char id[37];
  const char *organization, *name; /* of the project as it was */
  const char *to;                  /* its name as it will be */
  int64_t moved;                   /* requests */
} change;

/* Before anything is written: the columns are asked. */
static bool check_new_name(sq_store *store, const change *c, sq_error *error) {
  const char *allowed;
  bool there = false;
  if (strcmp(c->name, c->to) == 0) return true;
  if (!sq_narrow(store->project, c->to, &allowed, "project", error) || !exists(store, c->organization, c->to, &there, error)) return false;
  return !there || fail_exists(c->to, error);
}

/* A project that has requests only gets a row, with the id that it has had. */
static bool ensure_row(sq_store *store, const change *c, sq_error *error) {
  static const char *const sql = "SELECT 1 FROM project WHERE organization_id = ?1 AND name = ?2 AND created_at_us IS NOT NULL";
  bool there = false;
  return ask(store, sql, c->organization, c->name, &there, NULL, error) && (there || put_row(store, c->organization, c->name, c->id, error));
}

static bool rename_project(sq_store *store, change *c, sq_error *error) {
  if (strcmp(c->name, c->to) == 0) return true;
  if (!run(store, "DELETE FROM project WHERE organization_id = ?1 AND name = ?2", c->organization, c->to, NULL, error)) return false;
  for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
    if (!run(store, moves[i], c->organization, c->name, c->to, error)) return false;
    if (i == 0) c->moved = sqlite3_changes(store->db);
  }
  return reserve(store, c->organization, c->name, error);
}

static bool update(sq_store *store, const char *organization, change *c, const sq_project_record *record, sq_text *out, sq_error *error) {
  sq_text owner = {0};
  bool good = sq_project_find(store, organization, c->id, &owner, error);
  if (good) {
    c->organization = owner.data;
    c->name = owner.data + strlen(owner.data) + 1;
    c->to = record->given[SQ_P_NAME] ? text_of(record, SQ_P_NAME) : c->name;
    good = check_new_name(store, c, error) && ensure_row(store, c, error) && rename_project(store, c, error) &&
           put_members(store, c->organization, c->to, record, error);
  }
  if (good) put_owner(c->organization, c->to, out);
  sq_text_free(&owner);
  return good;
}

static bool check_update(const sq_project_record *record, sq_error *error) {
  if (record->given[SQ_P_ID]) return sq_fail(error, SQ_E_VALUE, "a project's id stays what it is");
  if (record->given[SQ_P_ORGANIZATION]) return sq_fail(error, SQ_E_VALUE, "a project stays its organization's");
  return !record->given[SQ_P_NAME] || check_name(record, error);
}

bool sq_store_update_project(sq_store *store, const char *organization, const char *id, const char *json, size_t length, sq_text *out, sq_error *error) {
  sq_project_record record = {0};
  change c = {.moved = 0};
  bool good = sq_project_read(&record, json, length, error) && check_update(&record, error) && sq_project_normal_id(id, c.id, error) &&
              sq_store_enter(store, error) && sq_begin_write(store, error) &&
              sq_end_write(store, update(store, organization, &c, &record, out, error), error);
  sq_project_record_free(&record);
  if (good && c.moved >= store->segment_rows) sq_seal_changed(store);
  return good && sq_text_whole(out, error);
}

/* ------------------------------------------------------------------------------------------------- dropping */

bool sq_project_drop(sq_store *store, const char *organization, const char *name, int64_t *dropped, sq_error *error) {
  static const char *const release =
      "DELETE FROM project WHERE created_at_us IS NULL AND organization_id = coalesce(?1, organization_id)"
      " AND NOT EXISTS (SELECT 1 FROM project AS other WHERE other.organization_id = project.organization_id"
      "  AND other.name <> project.name AND other.id = sq_project_id(project.organization_id, project.name))"
      " AND NOT EXISTS (SELECT 1 FROM request WHERE request.organization_id = project.organization_id AND request.project = project.name)";
  sq_text sql = {0};
  sq_text_put(&sql, "UPDATE project SET created_at_us = NULL");
  for (int i = SQ_P_FIRST_FREE; i < SQ_P_COUNT; i++) sq_text_format(&sql, ", %s = NULL", sq_project_column((sq_project_member)i));
  sq_text_put(&sql, " WHERE organization_id = coalesce(?1, organization_id) AND name = ?2 AND created_at_us IS NOT NULL");
  bool good = sq_text_whole(&sql, error) && run(store, sql.data, organization, name, NULL, error);
  sq_text_free(&sql);
  if (good) *dropped += sqlite3_changes(store->db);
  do good = good && run(store, release, organization, NULL, NULL, error); /* what goes may be what another was reserved for */
  while (good && sqlite3_changes(store->db) > 0);
  return good;
}
