/* The SQLite schema, made from the catalogue, and its versions. */
#include "store/sqlite.h"
#include "store/table.h"

/* The indexes: by time for windows, by trace for look-ups; ids and sessions are found in other ways (ids.h, the
   column index), since an index of random keys costs more than the rows. What a body
   or a row of feedback belongs to: seq outlives no row, feedback stays when its request is replaced. */
static const char *const other_tables =
    "CREATE INDEX request_by_time ON request(created_at_us);"
    "CREATE INDEX request_by_trace ON request(trace_id) WHERE trace_id IS NOT NULL;"
    "CREATE TABLE body(seq INTEGER PRIMARY KEY, request_body TEXT, response_body TEXT);"
    "CREATE TRIGGER body_goes AFTER DELETE ON request BEGIN DELETE FROM body WHERE seq = OLD.seq; END;"
    "CREATE TABLE feedback(id INTEGER PRIMARY KEY AUTOINCREMENT, organization_id TEXT NOT NULL, project TEXT NOT NULL,"
    " request_id TEXT, session_id TEXT, key TEXT NOT NULL, score TEXT, value TEXT, comment TEXT, source TEXT,"
    " created_at_us INTEGER NOT NULL);"
    "CREATE INDEX feedback_by_request ON feedback(request_id, key) WHERE request_id IS NOT NULL;"
    "CREATE INDEX feedback_by_session ON feedback(session_id, key) WHERE session_id IS NOT NULL;"
    "CREATE TABLE session_tag(organization_id TEXT NOT NULL, project TEXT NOT NULL, session_id TEXT NOT NULL,"
    " tag TEXT NOT NULL, created_at_us INTEGER NOT NULL,"
    " PRIMARY KEY (session_id, organization_id, project, tag)) WITHOUT ROWID;"
    "CREATE TABLE session_metadata(organization_id TEXT NOT NULL, project TEXT NOT NULL, session_id TEXT NOT NULL,"
    " metadata TEXT NOT NULL, PRIMARY KEY (session_id, organization_id, project)) WITHOUT ROWID;";

/* What SQLite's planner should know before there are rows to analyze: an organization may hold all of them, a
   session or trace a few. Without it, it takes any two equalities for better than one, and looks for a
   session among all rows of its project. ANALYZE makes the table; the last one makes this handle read it. */
static const char *const statistics =
    "ANALYZE; DELETE FROM sqlite_stat1;"
    "INSERT INTO sqlite_stat1(tbl, idx, stat) VALUES"
    " ('request', 'request_by_time', '1000000 1'), ('request', 'request_by_trace', '1000000 10');"
    "ANALYZE sqlite_schema;";

/* What the column index stands on. `change` tells which requests were changed since they were read: whoever
   changes them, the triggers write it; our own handles set off none, and say it themselves (sq_note_change). An
   insert goes behind all others, but for one that names its own seq; nor is a row moved behind the last seq without
   that being known. What feedback says counts among a request's scores. `request_hash` finds requests by id.
   `segment` is the manifest of the file beside the store, and `column_index` (one row) says which file that is, how
   far it goes, and how often it was changed. */
static const char *const index_tables =
    "CREATE TABLE change(n INTEGER PRIMARY KEY AUTOINCREMENT, seq INTEGER NOT NULL);"
    "CREATE TABLE segment(number INTEGER PRIMARY KEY, id INTEGER NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,"
    " rows INTEGER NOT NULL, place INTEGER NOT NULL, size INTEGER NOT NULL);"
    "CREATE TABLE request_hash(place INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,"
    " stamp INTEGER NOT NULL, hashes BLOB NOT NULL);"
    "CREATE TABLE column_index(store_high INTEGER NOT NULL, store_low INTEGER NOT NULL, file INTEGER NOT NULL, stamp INTEGER NOT NULL,"
    " sealed_end INTEGER NOT NULL, sessions INTEGER NOT NULL);"
    "INSERT INTO column_index VALUES (random(), random(), 0, 0, 0, 0);"
    "CREATE TRIGGER request_is_updated AFTER UPDATE ON request BEGIN"
    " INSERT INTO change(seq) VALUES (OLD.seq); INSERT INTO change(seq) SELECT NEW.seq WHERE NEW.seq <> OLD.seq; END;"
    "CREATE TRIGGER request_is_put_behind AFTER UPDATE ON request WHEN NEW.seq > OLD.seq BEGIN"
    " UPDATE sqlite_sequence SET seq = NEW.seq WHERE name = 'request' AND seq < NEW.seq; END;"
    "CREATE TRIGGER request_is_deleted AFTER DELETE ON request BEGIN INSERT INTO change(seq) VALUES (OLD.seq); END;"
    "CREATE TRIGGER request_is_put_below AFTER INSERT ON request"
    " WHEN NEW.seq <= (SELECT seq FROM sqlite_sequence WHERE name = 'request')"
    " BEGIN INSERT INTO change(seq) VALUES (NEW.seq); END;"
#define FEEDBACK_CHANGES(name, event, row) \
  "CREATE TRIGGER " name " AFTER " event " ON feedback WHEN " row ".request_id IS NOT NULL BEGIN" \
  " INSERT INTO change(seq) SELECT seq FROM request WHERE request_id = " row ".request_id" \
  " AND organization_id = " row ".organization_id AND project = " row ".project; END;"
    FEEDBACK_CHANGES("feedback_is_given", "INSERT", "NEW")
    FEEDBACK_CHANGES("feedback_is_taken", "DELETE", "OLD")
    FEEDBACK_CHANGES("feedback_is_changed_from", "UPDATE", "OLD")
    FEEDBACK_CHANGES("feedback_is_changed_to", "UPDATE", "NEW")
#undef FEEDBACK_CHANGES
    /* OR REPLACE deletes without a word to the trigger above. */
    "CREATE TRIGGER feedback_is_replaced BEFORE INSERT ON feedback BEGIN"
    " INSERT INTO change(seq) SELECT r.seq FROM feedback AS f CROSS JOIN request AS r ON r.request_id = f.request_id"
    " AND r.organization_id = f.organization_id AND r.project = f.project WHERE f.id = NEW.id; END;";

/* Whom a server lets in (keys.c). `hash` is all that is kept of a key; project NULL is every one of its organization. */
static const char *const key_table =
    "CREATE TABLE api_key(id TEXT PRIMARY KEY NOT NULL, hash BLOB NOT NULL, name TEXT, organization_id TEXT NOT NULL, project TEXT,"
    " rights TEXT NOT NULL, created_at_us INTEGER NOT NULL, revoked_at_us INTEGER) WITHOUT ROWID;";

/* What is known of a project beside its requests (project.h). No organization is to learn of another's ids, so they are
   unique within one only. created_at_us NULL: the row reserves an id. */
static const char *const project_table =
    "CREATE TABLE project(organization_id TEXT NOT NULL, name TEXT NOT NULL, id TEXT NOT NULL, description TEXT,"
    " start_time_us INTEGER, end_time_us INTEGER, default_dataset_id TEXT, reference_dataset_id TEXT, trace_tier TEXT,"
    " extra TEXT, tag_value_ids TEXT, created_at_us INTEGER, PRIMARY KEY (organization_id, name),"
    " UNIQUE (organization_id, id)) WITHOUT ROWID;";

/* Updates of requests that have not come yet (held.h). project NULL: of whichever the request will be. */
static const char *const held_table =
    "CREATE TABLE held_patch(n INTEGER PRIMARY KEY AUTOINCREMENT, organization_id TEXT NOT NULL, project TEXT,"
    " request_id TEXT NOT NULL, patch TEXT NOT NULL, created_at_us INTEGER NOT NULL);"
    "CREATE INDEX held_patch_by_request ON held_patch(request_id);";

/* ------------------------------------------------------------------------------------------------ versions */

static const char *const older_indexes =
    "DROP INDEX IF EXISTS request_by_id; DROP INDEX IF EXISTS request_by_owner; DROP INDEX IF EXISTS request_by_session;"
    "DELETE FROM sqlite_stat1 WHERE idx IN ('request_by_id', 'request_by_owner', 'request_by_session');";

static bool create_index(sq_store *store, sq_error *error) {
  return sq_execute(store, older_indexes, error) && sq_execute(store, index_tables, error);
}

static bool create_keys(sq_store *store, sq_error *error) { return sq_execute(store, key_table, error); }

/* SQLite changes no row for a column that may be absent. */
static bool add_column(sq_store *store, sq_field field, sq_error *error) {
  sq_text sql = {0};
  int64_t has = 0;
  sq_text_format(&sql, "SELECT count(*) FROM pragma_table_info('request') WHERE name = '%s'", sq_field_get(field)->column);
  bool good = sq_text_whole(&sql, error) && sq_query_integer(store, sql.data, &has, error);
  sq_text_clear(&sql);
  sq_table_add_column(field, &sql);
  if (good && !has) good = sq_text_whole(&sql, error) && sq_execute(store, sql.data, error);
  sq_text_free(&sql);
  return good;
}

/* The columns of fields that the catalogue has got since; a new store has them from the start. */
static bool add_columns(sq_store *store, sq_error *error) {
  for (int i = SQ_F_NONE + 1; i < SQ_F_COUNT; i++)
    if (sq_field_get((sq_field)i)->home == SQ_HOME_ROW && !add_column(store, (sq_field)i, error)) return false;
  return true;
}

/* Feedback on a project as a whole names neither a request nor a session. */
static const char *const feedback_by_project =
    "CREATE INDEX feedback_by_project ON feedback(organization_id, project) WHERE request_id IS NULL AND session_id IS NULL;";

/* Feedback by the id that a client gave it, and what else it said. */
static const char *const feedback_columns =
    "ALTER TABLE feedback ADD COLUMN uuid TEXT; ALTER TABLE feedback ADD COLUMN extra TEXT;"
    "CREATE UNIQUE INDEX feedback_by_uuid ON feedback(organization_id, uuid) WHERE uuid IS NOT NULL;";

/* What the words index, which is made when it is first filled, does not know (word_index.h). */
static const char *const word_tables =
    "CREATE TABLE word_index(indexed_end INTEGER NOT NULL);"
    "INSERT INTO word_index VALUES (0);"
    "CREATE TABLE body_change(seq INTEGER PRIMARY KEY);"
#define BODY_CHANGES(name, event) \
  "CREATE TRIGGER " name " AFTER " event " ON body WHEN NEW.seq <= (SELECT indexed_end FROM word_index) BEGIN" \
  " INSERT INTO body_change(seq) SELECT NEW.seq WHERE NOT EXISTS (SELECT 1 FROM body_change WHERE seq = NEW.seq); END;"
    BODY_CHANGES("body_is_put", "INSERT")
    BODY_CHANGES("body_is_changed", "UPDATE");
#undef BODY_CHANGES

static bool create_projects(sq_store *store, sq_error *error) {
  return add_columns(store, error) && sq_execute(store, project_table, error) && sq_execute(store, held_table, error) &&
         sq_execute(store, feedback_by_project, error) && sq_execute(store, feedback_columns, error) &&
         sq_execute(store, word_tables, error);
}

static bool create(sq_store *store, sq_error *error) {
  sq_text sql = {0};
  sq_table_create(&sql);
  sq_text_format(&sql, ";%s %s PRAGMA application_id = %d;", other_tables, statistics, SQ_APPLICATION_ID);
  bool made = sq_text_whole(&sql, error) && sq_execute(store, sql.data, error);
  sq_text_free(&sql);
  return made;
}

/* From version n to n + 1, in the transaction that sets the new one. Instant ones only: sq_store_open runs
   them. A migration that takes long gets a flag here, and is left to sq_store_migrate. */
static bool (*const migrations[SQ_SCHEMA_VERSION])(sq_store *store, sq_error *error) = {create, create_index, create_keys, create_projects};

static bool read_pragma(sq_store *store, const char *name, int64_t *out, sq_error *error) {
  sq_text sql = {0};
  sq_text_format(&sql, "PRAGMA %s", name);
  bool read = sq_text_whole(&sql, error) && sq_query_integer(store, sql.data, out, error);
  sq_text_free(&sql);
  return read;
}

static bool check_version(int64_t version, sq_error *error) {
  if (version <= SQ_SCHEMA_VERSION) return true;
  return sq_fail(error, SQ_E_VERSION, "the store has schema version %lld, and this is sessionquery %s, which knows %d: use a newer one",
                 (long long)version, SQ_VERSION, SQ_SCHEMA_VERSION);
}

/* An empty file may become ours; a file with other tables may not. */
static bool check_ours(sq_store *store, int64_t version, sq_error *error) {
  int64_t application, tables;
  if (!read_pragma(store, "application_id", &application, error)) return false;
  if (application == SQ_APPLICATION_ID && version > 0) return true;
  if (!sq_query_integer(store, "SELECT count(*) FROM sqlite_schema", &tables, error)) return false;
  if (tables == 0 && version == 0 && application == 0) return true;
  return sq_fail(error, SQ_E_VERSION, "this SQLite file is not a sessionquery store");
}

static bool read_version(sq_store *store, int64_t *version, sq_error *error) {
  return read_pragma(store, "user_version", version, error) && check_ours(store, *version, error) && check_version(*version, error);
}

bool sq_schema_check(sq_store *store, int64_t *version, sq_error *error) {
  /* one transaction: another process may be making the schema */
  bool good = sq_execute(store, "BEGIN", error) && read_version(store, version, error);
  good = sq_end_read(store, error) && good;
  if (!good || *version == SQ_SCHEMA_VERSION || !store->readonly) return good;
  if (store->memory) return sq_fail(error, SQ_E_READONLY, "a new store in memory cannot be read-only: nothing could be in it");
  return sq_fail(error, SQ_E_VERSION, "the store has schema version %lld: open it writable once, so that it is brought to %d",
                 (long long)*version, SQ_SCHEMA_VERSION);
}

static bool migrate_from(sq_store *store, int64_t version, sq_error *error) {
  for (; version < SQ_SCHEMA_VERSION; version++)
    if (!migrations[version](store, error)) return false;
  sq_text sql = {0};
  sq_text_format(&sql, "PRAGMA user_version = %d", SQ_SCHEMA_VERSION);
  bool set = sq_text_whole(&sql, error) && sq_execute(store, sql.data, error);
  sq_text_free(&sql);
  return set;
}

/* Another process may be migrating too: what is found in the transaction counts. */
bool sq_schema_migrate(sq_store *store, int64_t version, sq_error *error) {
  if (version == SQ_SCHEMA_VERSION) return true;
  if (!sq_execute(store, "BEGIN IMMEDIATE", error)) return false;
  bool good = read_version(store, &version, error) && (version == SQ_SCHEMA_VERSION || migrate_from(store, version, error));
  return sq_end_write(store, good, error);
}
