/* What one would write instead: a table, three indexes, prepared statements, cJSON, a GROUP BY.
   by_hand ingest DB LINES | by_hand sessions DB | by_hand run DB SQL | by_hand ask DB SQL: the first executes statements once, the
   other asks one again and again. Prints the seconds that it took. */
#include <cjson/cJSON.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 1000, LONGEST_LINE = 1 << 20, RUNS = 5 };

static const char schema[] =
    "PRAGMA journal_mode = wal; PRAGMA synchronous = full;"
    "CREATE TABLE request (request_id TEXT PRIMARY KEY, session_id TEXT, session_name TEXT, created_at REAL,"
    " latency_ms INTEGER, status INTEGER, provider TEXT, model TEXT, user_id TEXT, prompt_tokens INTEGER,"
    " completion_tokens INTEGER, cost_usd REAL, properties TEXT, scores TEXT);"
    "CREATE INDEX by_session ON request (session_id, created_at);"
    "CREATE INDEX by_time ON request (created_at);";

static const char *const columns[] = {"request_id",    "session_id",        "session_name", "created_at", "latency_ms",
                                      "status",        "provider",          "model",        "user_id",    "prompt_tokens",
                                      "completion_tokens", "cost_usd",      "properties",   "scores"};
enum { COLUMNS = sizeof columns / sizeof *columns };

static const char insert[] = "INSERT OR REPLACE INTO request VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/* The fields of Helicone's answer. */
static const char sessions[] =
    "SELECT session_id, min(created_at), max(created_at), max(session_name), sum(cost_usd), count(*), sum(prompt_tokens),"
    " sum(completion_tokens), sum(coalesce(prompt_tokens, 0) + coalesce(completion_tokens, 0)), avg(latency_ms),"
    " json_group_array(DISTINCT user_id) FROM request WHERE session_id IS NOT NULL"
    " GROUP BY session_id ORDER BY max(created_at) DESC LIMIT 50";

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(sqlite3 *db, int rc) {
  if (rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW) return;
  fprintf(stderr, "by_hand: %s\n", sqlite3_errmsg(db));
  exit(1);
}

static void bind(sqlite3_stmt *statement, int at, const cJSON *value) {
  if (cJSON_IsNumber(value)) {
    sqlite3_bind_double(statement, at, value->valuedouble);
  } else if (cJSON_IsString(value)) {
    sqlite3_bind_text(statement, at, value->valuestring, -1, SQLITE_TRANSIENT);
  } else if (cJSON_IsObject(value)) {
    sqlite3_bind_text(statement, at, cJSON_PrintUnformatted(value), -1, free);
  } else {
    sqlite3_bind_null(statement, at);
  }
}

static double ingest(sqlite3 *db, const char *path) {
  static char line[LONGEST_LINE];
  double start = now();
  sqlite3_stmt *statement;
  must(db, sqlite3_exec(db, schema, NULL, NULL, NULL));
  must(db, sqlite3_prepare_v2(db, insert, -1, &statement, NULL));
  FILE *file = fopen(path, "r");
  if (!file) exit(1);
  for (int row = 0; fgets(line, sizeof line, file); row++) {
    if (row % BATCH == 0) {
      if (row) must(db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
      must(db, sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL));
    }
    cJSON *record = cJSON_Parse(line);
    for (int i = 0; i < COLUMNS; i++) bind(statement, i + 1, cJSON_GetObjectItemCaseSensitive(record, columns[i]));
    must(db, sqlite3_step(statement));
    must(db, sqlite3_reset(statement));
    cJSON_Delete(record);
  }
  must(db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
  sqlite3_finalize(statement);
  fclose(file);
  return now() - start;
}

/* With what it needs in SQLite's cache: the least of a few runs. */
static double query(sqlite3 *db, const char *sql) {
  sqlite3_stmt *statement;
  double least = 1e9;
  must(db, sqlite3_exec(db, "PRAGMA cache_size = -262144", NULL, NULL, NULL));
  must(db, sqlite3_prepare_v2(db, sql, -1, &statement, NULL));
  for (int run = 0; run < RUNS; run++) {
    double start = now();
    int rc;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
    }
    must(db, rc);
    must(db, sqlite3_reset(statement));
    if (now() - start < least) least = now() - start;
  }
  sqlite3_finalize(statement);
  return least;
}

static double execute(sqlite3 *db, const char *sql) {
  double start = now();
  must(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
  return now() - start;
}

int main(int argc, char **argv) {
  const char *what = argc >= 3 ? argv[1] : "", *argument = argc == 4 ? argv[3] : NULL;
  sqlite3 *db;
  if (!strcmp(what, "sessions") != !argument) return 2;
  must(NULL, sqlite3_open(argv[2], &db));
  if (!argument) argument = sessions;
  printf("%.6f\n", !strcmp(what, "ingest") ? ingest(db, argument) : !strcmp(what, "run") ? execute(db, argument) : query(db, argument));
  sqlite3_close(db);
  return 0;
}
