/* SQLite by hand: sqlite plain|summary DATABASE CSV, then the dialogue of worker.mjs.
   plain    the table, a covering index by session, and indexes by time, model and feature
   summary  beside them a table of sessions kept by triggers, with indexes by latest and by created: what one builds
            when the questions are known beforehand; it answers only those that it can
   One database serves both. */
#include <cjson/cJSON.h>
#include <math.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { COLUMNS = 21, BATCH = 10000, STATEMENTS = 2 };

static void die(const char *what, const char *why) {
  fprintf(stderr, "sqlite: %s: %s\n", what, why);
  exit(1);
}

static void must(sqlite3 *db, int rc, const char *what) {
  if (rc != SQLITE_OK && rc != SQLITE_DONE && rc != SQLITE_ROW) die(what, sqlite3_errmsg(db));
}

static void run(sqlite3 *db, const char *sql) { must(db, sqlite3_exec(db, sql, NULL, NULL, NULL), sql); }

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ------------------------------------------------------------------------------------------------- schema */

#define KEY "session_id, project, organization_id"
#define FAILED "(error IS NOT NULL OR status >= 400 OR (status < 0 AND status <> -2))"
#define TRIED "(error IS NOT NULL OR status <> -2)"

static const char tables[] =
    "CREATE TABLE request (seq INTEGER PRIMARY KEY, request_id TEXT, organization_id TEXT, project TEXT, session_id TEXT,"
    " session_name TEXT, user_id TEXT, model TEXT, provider TEXT, error TEXT, created_at INTEGER, latency_ms INTEGER,"
    " time_to_first_token_ms INTEGER, status INTEGER, prompt_tokens INTEGER, completion_tokens INTEGER, cost INTEGER,"
    " streamed INTEGER, feature TEXT, env TEXT, plan TEXT, quality REAL);"
    "CREATE TABLE session (id INTEGER PRIMARY KEY, session_id TEXT, project TEXT, organization_id TEXT, name TEXT,"
    " named_at INTEGER, created INTEGER, latest INTEGER, requests INTEGER, cost INTEGER, prompt_tokens INTEGER,"
    " completion_tokens INTEGER, latency INTEGER, latencies INTEGER, failed INTEGER, tried INTEGER,"
    " UNIQUE (" KEY "));"
    "CREATE TABLE session_user (session INTEGER, user_id TEXT, PRIMARY KEY (session, user_id)) WITHOUT ROWID;";

#define SUM_OF(column) column " = coalesce(" column " + excluded." column ", " column ", excluded." column ")"
static const char triggers[] =
    "CREATE TRIGGER keep_session AFTER INSERT ON request BEGIN"
    " INSERT INTO session (" KEY ", name, named_at, created, latest, requests, cost, prompt_tokens, completion_tokens,"
    "  latency, latencies, failed, tried)"
    " VALUES (new.session_id, new.project, new.organization_id, new.session_name,"
    "  CASE WHEN new.session_name IS NOT NULL THEN new.created_at END, new.created_at, new.created_at, 1, new.cost,"
    "  new.prompt_tokens, new.completion_tokens, new.latency_ms, new.latency_ms IS NOT NULL,"
    "  coalesce(new.error IS NOT NULL OR new.status >= 400 OR (new.status < 0 AND new.status <> -2), 0),"
    "  coalesce(new.error IS NOT NULL OR new.status <> -2, 0))"
    " ON CONFLICT (" KEY ") DO UPDATE SET"
    "  name = CASE WHEN excluded.named_at > coalesce(named_at, 0) THEN excluded.name ELSE name END,"
    "  named_at = CASE WHEN excluded.named_at > coalesce(named_at, 0) THEN excluded.named_at ELSE named_at END,"
    "  created = min(created, excluded.created), latest = max(latest, excluded.latest), requests = requests + 1,"
    "  " SUM_OF("cost") ", " SUM_OF("prompt_tokens") ", " SUM_OF("completion_tokens") ", " SUM_OF("latency") ","
    "  latencies = latencies + excluded.latencies, failed = failed + excluded.failed, tried = tried + excluded.tried;"
    " INSERT OR IGNORE INTO session_user SELECT id, new.user_id FROM session WHERE session_id = new.session_id"
    "  AND project = new.project AND organization_id = new.organization_id AND new.user_id IS NOT NULL;"
    "END;";

static const char indexes[] =
    "CREATE INDEX by_session ON request (" KEY ", created_at, session_name, latency_ms, cost, prompt_tokens,"
    " completion_tokens, user_id);"
    "CREATE INDEX by_time ON request (created_at, " KEY ");"
    "CREATE INDEX by_model ON request (model, created_at, latency_ms, " KEY ");"
    "CREATE INDEX by_feature ON request (feature, created_at);"
    "CREATE INDEX by_latest ON session (latest);"
    "CREATE INDEX by_created ON session (created);"
    "ANALYZE;";

/* ------------------------------------------------------------------------------------------------- questions */

#define ORDER(column) " ORDER BY " column " DESC, " KEY
#define SAME " x.session_id = r.session_id AND x.project = r.project AND x.organization_id = r.organization_id "
#define TOTAL \
  "CASE WHEN prompt_tokens IS NOT NULL OR completion_tokens IS NOT NULL" \
  " THEN coalesce(prompt_tokens, 0) + coalesce(completion_tokens, 0) END"

/* All fields of the winners, from the rows that pass. A column `…_json` is JSON already. */
#define SUMS(where, order) \
  " SELECT organization_id, project, session_id, coalesce((SELECT session_name FROM request AS x WHERE" SAME \
  "  AND session_name IS NOT NULL AND " where " ORDER BY created_at DESC LIMIT 1), '') AS name," \
  "  min(created_at) AS created, max(created_at) AS latest, sum(cost), count(*), sum(prompt_tokens)," \
  "  sum(completion_tokens), sum(" TOTAL "), avg(latency_ms)," \
  "  json_group_array(DISTINCT user_id) FILTER (WHERE user_id IS NOT NULL) AS users_json" \
  " FROM winners CROSS JOIN request AS r USING (" KEY ") WHERE " where " GROUP BY " KEY ORDER(order)

#define LATE(where, having, measure, order) \
  "WITH winners AS MATERIALIZED (SELECT " KEY " FROM request WHERE " where " GROUP BY " KEY " HAVING " having \
  ORDER(measure) " LIMIT 50)" SUMS(where, order)

/* The newest rows one by one, until they are of fifty sessions. (LIMIT -1 keeps the inner order.) */
#define EARLY(where) \
  "WITH winners AS MATERIALIZED (SELECT DISTINCT " KEY " FROM (SELECT " KEY " FROM request WHERE " where \
  " ORDER BY created_at DESC LIMIT -1) LIMIT 50)" SUMS(where, "latest")

#define FOUND(needle) "(name LIKE '%' || " needle " || '%' OR session_id LIKE '%' || " needle " || '%')"
#define SEARCH(needle) \
  "WITH winners AS MATERIALIZED (SELECT DISTINCT " KEY " FROM request WHERE session_name LIKE '%' || " needle " || '%'" \
  " OR session_id LIKE '%' || " needle " || '%') SELECT * FROM (" SUMS("true", "latest") ") WHERE " FOUND(needle) " LIMIT 50"

#define PLACE(percent) "(known * " percent " + 99) / 100"
#define QUANTILE(percent) \
  "(SELECT latency_ms FROM (SELECT latency_ms, row_number() OVER (ORDER BY latency_ms) AS place FROM request AS x" \
  " WHERE" SAME "AND latency_ms IS NOT NULL) WHERE place = " PLACE(percent) ")"
#define RANKS(order) \
  " SELECT organization_id, project, session_id, total_cost, requests, " QUANTILE("50") ", " QUANTILE("99") " AS p99," \
  "  CASE WHEN tried > 0 THEN failed * 1.0 / tried END, users FROM (" \
  "  SELECT " KEY ", sum(cost) AS total_cost, count(*) AS requests, count(latency_ms) AS known," \
  "   coalesce(sum(" FAILED "), 0) AS failed, coalesce(sum(" TRIED "), 0) AS tried, count(DISTINCT user_id) AS users" \
  "  FROM winners CROSS JOIN request USING (" KEY ") GROUP BY " KEY ") AS r" ORDER(order)

#define SESSION_ROW \
  "SELECT organization_id, project, session_id, coalesce(name, '') AS name, created, latest, cost, requests, prompt_tokens," \
  " completion_tokens, " TOTAL ", latency * 1.0 / latencies," \
  " (SELECT json_group_array(user_id) FROM session_user WHERE session = id) AS users_json FROM session WHERE "
#define ONE "session_id = :session AND project = :project AND organization_id = :organization"
#define REQUESTS \
  "SELECT request_id, session_name, user_id, model, provider, error, created_at, latency_ms, time_to_first_token_ms," \
  " status, prompt_tokens, completion_tokens, cost, streamed, feature, env, plan, quality FROM request WHERE " ONE \
  " ORDER BY created_at DESC, request_id"

#define RECENT "created_at >= :from"
#define SLOW "model = :model AND latency_ms > :latency"
#define FEATURE "feature = :feature"
#define MOST "latency_ms > :least"

static const struct form {
  const char *variant, *query, *name, *sql[STATEMENTS];
} forms[] = {
    {"plain", "Q1", "late", {LATE(RECENT, "true", "max(created_at)", "latest")}},
    {"plain", "Q1", "early", {EARLY(RECENT)}},
    {"plain", "Q2", "late", {LATE("true", "true", "max(created_at)", "latest")}},
    {"plain", "Q2", "early", {EARLY("true")}},
    {"plain", "Q2c", "late", {LATE("true", "true", "min(created_at)", "created")}},
    {"plain", "Q3", "late", {LATE(SLOW, "true", "max(created_at)", "latest")}},
    {"plain", "Q3", "early", {EARLY(SLOW)}},
    {"plain", "Q4", "late", {LATE("true", "sum(cost) > :cost AND count(*) >= :requests", "max(created_at)", "latest")}},
    {"plain", "Q5", "late", {SEARCH(":needle")}},
    {"plain", "Q5h", "late", {SEARCH(":hex")}},
    {"plain", "Q6", "late", {LATE(FEATURE, "true", "max(created_at)", "latest")}},
    {"plain", "Q6", "early", {EARLY(FEATURE)}},
    {"plain", "Q7", "late",
     {"WITH winners AS MATERIALIZED (SELECT " KEY " FROM request GROUP BY " KEY ORDER("sum(cost)") " LIMIT 50)" RANKS("total_cost")}},
    {"plain", "Q8", "late",
     {"WITH winners AS MATERIALIZED (SELECT " KEY " FROM (SELECT " KEY ", latency_ms,"
      " row_number() OVER (PARTITION BY " KEY " ORDER BY latency_ms) AS place, count(*) OVER (PARTITION BY " KEY ") AS known"
      " FROM request WHERE latency_ms IS NOT NULL) WHERE place = " PLACE("99") ORDER("latency_ms") " LIMIT 50)" RANKS("p99")}},
    {"plain", "Q9", "late", {"WITH winners AS (SELECT :session AS session_id, :project AS project, :organization AS organization_id)"
      SUMS("true", "latest"), REQUESTS}},
    {"plain", "Q10", "late", {LATE(MOST, "true", "max(created_at)", "latest")}},
    {"plain", "Q10", "early", {EARLY(MOST)}},
    {"plain", "Q11", "late", {"SELECT count(*) FROM (SELECT DISTINCT " KEY " FROM request WHERE " SLOW ")"}},
    {"summary", "Q1", "table",
     {"WITH winners AS MATERIALIZED (SELECT " KEY " FROM session WHERE latest >= :from" ORDER("latest") " LIMIT 50)"
      SUMS(RECENT, "latest")}},
    {"summary", "Q2", "table", {SESSION_ROW "true" ORDER("latest") " LIMIT 50"}},
    {"summary", "Q2c", "table", {SESSION_ROW "true" ORDER("created") " LIMIT 50"}},
    {"summary", "Q4", "table", {SESSION_ROW "cost > :cost AND requests >= :requests" ORDER("latest") " LIMIT 50"}},
    {"summary", "Q5", "table", {SESSION_ROW FOUND(":needle") ORDER("latest") " LIMIT 50"}},
    {"summary", "Q5h", "table", {SESSION_ROW FOUND(":hex") ORDER("latest") " LIMIT 50"}},
    {"summary", "Q7", "table",
     {"WITH winners AS MATERIALIZED (SELECT " KEY " FROM session" ORDER("cost") " LIMIT 50)" RANKS("total_cost")}},
    {"summary", "Q9", "table", {SESSION_ROW ONE, REQUESTS}},
};
enum { FORMS = sizeof forms / sizeof *forms };

/* ------------------------------------------------------------------------------------------------- loading */

/* Its values hold no quotes, so a comma ends one; an empty one is NULL, and affinities make the numbers. */
static void insert_line(sqlite3 *db, sqlite3_stmt *insert, char *line) {
  line[strcspn(line, "\n")] = '\0';
  for (int i = 1; i <= COLUMNS; i++) {
    char *value = strsep(&line, ",");
    if (!value) die("load", "a short line");
    if (*value) sqlite3_bind_text(insert, i, value, -1, SQLITE_STATIC);
    else sqlite3_bind_null(insert, i);
  }
  must(db, sqlite3_step(insert), "insert");
  sqlite3_reset(insert);
}

static void insert_lines(sqlite3 *db, FILE *csv) {
  static char line[4096];
  sqlite3_stmt *insert;
  must(db, sqlite3_prepare_v2(db, "INSERT INTO request VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                              -1, &insert, NULL), "insert");
  if (!fgets(line, sizeof line, csv)) die("load", "no first line");
  run(db, "BEGIN");
  for (long count = 1; fgets(line, sizeof line, csv); count++) {
    insert_line(db, insert, line);
    if (count % BATCH == 0) run(db, "COMMIT; BEGIN");
  }
  run(db, "COMMIT");
  sqlite3_finalize(insert);
}

static void load(sqlite3 *db, const char *path) {
  FILE *csv = fopen(path, "r");
  if (!csv) die(path, "cannot be read");
  run(db, "PRAGMA journal_mode = off; PRAGMA synchronous = off;");
  run(db, tables);
  run(db, triggers);
  insert_lines(db, csv);
  run(db, indexes);
  fclose(csv);
}

/* ------------------------------------------------------------------------------------------------- answering */

static void put_text(FILE *to, const unsigned char *text) {
  fputc('"', to);
  for (; *text; text++) {
    if (*text == '"' || *text == '\\') fputc('\\', to);
    if (*text < ' ') fprintf(to, "\\u%04x", *text);
    else fputc(*text, to);
  }
  fputc('"', to);
}

static void put_value(FILE *to, sqlite3_stmt *statement, int column) {
  const char *name = sqlite3_column_name(statement, column);
  const char *suffix = strrchr(name, '_');
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_NULL: fputs("null", to); break;
    case SQLITE_INTEGER: fprintf(to, "%lld", (long long)sqlite3_column_int64(statement, column)); break;
    case SQLITE_FLOAT: fprintf(to, "%.17g", sqlite3_column_double(statement, column)); break;
    default:
      if (suffix && strcmp(suffix, "_json") == 0) fputs((const char *)sqlite3_column_text(statement, column), to);
      else put_text(to, sqlite3_column_text(statement, column));
  }
}

static void put_rows(sqlite3 *db, FILE *to, sqlite3_stmt *statement, bool *first) {
  int rc;
  while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
    fputs(*first ? "[" : ",[", to);
    *first = false;
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
      if (i > 0) fputc(',', to);
      put_value(to, statement, i);
    }
    fputc(']', to);
  }
  must(db, rc, "step");
}

static void bind(sqlite3_stmt *statement, const cJSON *parameters) {
  for (int i = 1; i <= sqlite3_bind_parameter_count(statement); i++) {
    const cJSON *value = cJSON_GetObjectItem(parameters, sqlite3_bind_parameter_name(statement, i) + 1);
    if (cJSON_IsNumber(value)) sqlite3_bind_int64(statement, i, llround(value->valuedouble));
    else if (cJSON_IsString(value)) sqlite3_bind_text(statement, i, value->valuestring, -1, SQLITE_TRANSIENT);
    else die("missing parameter", sqlite3_bind_parameter_name(statement, i));
  }
}

/* The rows as JSON text, to be freed. */
static char *ask(sqlite3 *db, const struct form *form, const cJSON *parameters) {
  char *text = NULL;
  size_t length = 0;
  bool first = true;
  FILE *to = open_memstream(&text, &length);
  if (!to) die("answer", "out of memory");
  fputc('[', to);
  for (int i = 0; i < STATEMENTS && form->sql[i]; i++) {
    sqlite3_stmt *statement;
    must(db, sqlite3_prepare_v2(db, form->sql[i], -1, &statement, NULL), form->name);
    bind(statement, parameters);
    put_rows(db, to, statement, &first);
    sqlite3_finalize(statement);
  }
  fputc(']', to);
  fclose(to);
  return text;
}

static const char *text_of(const cJSON *command, const char *name) {
  const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(command, name));
  return text ? text : "";
}

static void list_forms(const char *variant, const char *query) {
  const char *separator = "";
  printf("{\"forms\":[");
  for (int i = 0; i < FORMS; i++) {
    if (strcmp(forms[i].variant, variant) != 0 || strcmp(forms[i].query, query) != 0) continue;
    printf("%s\"%s\"", separator, forms[i].name);
    separator = ",";
  }
  printf("]}\n");
}

static void time_form(sqlite3 *db, const struct form *form, const cJSON *command) {
  int runs = (int)cJSON_GetNumberValue(cJSON_GetObjectItem(command, "runs"));
  char *rows = NULL;
  printf("{\"ms\":[");
  for (int i = 0; i < runs; i++) {
    free(rows);
    double start = now();
    rows = ask(db, form, cJSON_GetObjectItem(command, "parameters"));
    printf("%s%.6f", i > 0 ? "," : "", (now() - start) * 1000);
  }
  printf("],\"rows\":%s}\n", rows ? rows : "[]");
  free(rows);
}

/* false: the end */
static bool answer(sqlite3 *db, const char *variant, const cJSON *command) {
  if (cJSON_HasObjectItem(command, "quit")) return false;
  const char *query = text_of(command, "query"), *name = text_of(command, "form");
  const struct form *found = NULL;
  for (int i = 0; i < FORMS; i++)
    if (!strcmp(forms[i].variant, variant) && !strcmp(forms[i].query, query) && !strcmp(forms[i].name, name)) found = &forms[i];
  if (found) time_form(db, found, command);
  else if (*name) printf("{\"error\":\"no such form\"}\n");
  else list_forms(variant, query);
  return true;
}

static void serve(sqlite3 *db, const char *variant) {
  char *line = NULL;
  size_t room = 0;
  bool more = true;
  while (more && getline(&line, &room, stdin) > 0) {
    cJSON *command = cJSON_Parse(line);
    more = answer(db, variant, command);
    fflush(stdout);
    cJSON_Delete(command);
  }
  free(line);
}

/* A file beside the database says that it is whole. */
static void greet(sqlite3 *db, const char *path, const char *csv) {
  char done[4096];
  struct stat size;
  snprintf(done, sizeof done, "%s.done", path);
  double start = now();
  bool kept = access(done, F_OK) == 0;
  if (!kept) {
    load(db, csv);
    fclose(fopen(done, "w"));
  }
  if (stat(path, &size) != 0) die(path, "is not there");
  printf("{\"kept\":%s,\"seconds\":%.3f,\"bytes\":%lld}\n", kept ? "true" : "false", now() - start, (long long)size.st_size);
  fflush(stdout);
}

int main(int count, char **arguments) {
  if (count != 4) die("usage", "sqlite plain|summary DATABASE CSV");
  sqlite3 *db;
  must(NULL, sqlite3_open(arguments[2], &db), arguments[2]);
  run(db, "PRAGMA mmap_size = 68719476736; PRAGMA cache_size = -524288; PRAGMA temp_store = memory;");
  greet(db, arguments[2], arguments[3]);
  serve(db, arguments[1]);
  sqlite3_close(db);
  return 0;
}
