/* The store through the C API: handles and processes, the public conventions. */
#include "test.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sessionquery.h"

static const char line[] = "{\"request_id\":\"r\",\"session_id\":\"s\",\"created_at\":1}\n";

static char path[] = "/tmp/sessionquery-test-XXXXXX";

static void remove_store(void) {
  static const char *const suffixes[] = {"", "-wal", "-shm", "-columns"};
  char name[sizeof path + 8];
  for (int i = 0; i < 4; i++) {
    snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
    unlink(name);
  }
}

static int64_t count_requests(sq_store *store, sq_error *error) {
  sq_query_spec spec = {.source = SQ_REQUESTS};
  sq_query *query = sq_query_build(&spec, NULL, error);
  int64_t count = sq_query_count(store, query, error);
  sq_query_free(query);
  return count;
}

/* In a child every call is an error, and closing touches nothing of the parent's. */
static int child(sq_store *store) {
  sq_error error = {.code = SQ_OK};
  sq_ingest ingest = {.format = NULL};
  sq_stats stats;
  sq_text text = {0};
  sq_deletion deletion = {.request = "r"};
  sq_target target = {.session = "s"};
  int wrong = 0;
#define REFUSED(call) \
  do { \
    error = (sq_error){.code = SQ_OK}; \
    bool done = call; \
    wrong += done || error.code != SQ_E_CLOSED; \
  } while (0)
  REFUSED(count_requests(store, &error) >= 0);
  REFUSED(sq_store_ingest(store, line, sizeof line - 1, &ingest, &error));
  REFUSED(sq_store_stats(store, &stats, &error));
  REFUSED(sq_store_delete(store, &deletion, &error));
  REFUSED(sq_store_tag(store, &target, "t", 1, &error));
  REFUSED(sq_store_resolve(store, &target, &text, &error));
  REFUSED(sq_store_backup(store, "/tmp/never", &error));
  REFUSED(sq_store_export(store, "/tmp/never", NULL, &error) >= 0);
  REFUSED(sq_store_snapshot(store, &error) != NULL);
  REFUSED(sq_store_seal(store, false, &error));
  REFUSED(sq_store_reindex(store, &error));
  int64_t checked;
  REFUSED(sq_store_check(store, &checked, &error));
  sq_store_settle(store);
#undef REFUSED
  sq_store_close(store);
  error = (sq_error){.code = SQ_OK};
  /* nor one of its own, since SQLite's locks were copied: what it wrote would be lost */
  sq_store *own = sq_store_open(path, NULL, &error);
  wrong += own || error.code != SQ_E_CLOSED;
  sq_store_close(own);
  char other[64];
  snprintf(other, sizeof other, "%s-child", path);
  error = (sq_error){.code = SQ_OK};
  own = sq_store_open(other, NULL, &error); /* but that of another file */
  wrong += !own || count_requests(own, &error) != 0;
  sq_store_close(own);
  unlink(other);
  return wrong;
}

static void forks(void) {
  sq_error error = {.code = SQ_OK};
  sq_ingest ingest = {.format = NULL};
  sq_store *store = sq_store_open(path, NULL, &error);
  CHECK(store && sq_store_ingest(store, line, sizeof line - 1, &ingest, &error), "%s", error.message);
  CHECK(sq_store_seal(store, false, &error) && count_requests(store, &error) == 1, "%s", error.message); /* with the index open */
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) _exit(child(store));
  int status = -1;
  waitpid(pid, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child: %d", WEXITSTATUS(status));
  CHECK(sq_store_ingest(store, line, sizeof line - 1, &ingest, &error) && ingest.replaced == 1, "the parent goes on: %s", error.message);
  CHECK(count_requests(store, &error) == 1, "%s", error.message);
  int64_t checked = 0;
  CHECK(sq_store_seal(store, false, &error) && sq_store_check(store, &checked, &error) && checked == 1, "the index is right: %s", error.message);
  sq_store_close(store);
  pid = fork(); /* with nothing open, either process may open it */
  if (pid == 0) {
    store = sq_store_open(path, NULL, &error);
    _exit(!store || count_requests(store, &error) != 1);
  }
  waitpid(pid, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child: %d", WEXITSTATUS(status));
}

/* The first error sticks; closing and freeing nothing is allowed. */
static void conventions(void) {
  sq_error error = {.code = SQ_OK};
  CHECK(!sq_filter_compile("where", "nope = 1", 8, NULL, NULL, &error) && error.code == SQ_E_UNKNOWN, "%s", error.message);
  char first[sizeof error.message];
  memcpy(first, error.message, sizeof first);
  CHECK(!sq_store_open("/no/such/folder/x.db", NULL, &error) && error.code == SQ_E_UNKNOWN, "%s", error.message);
  sq_store_close(NULL);
  sq_filter_free(NULL);
  sq_query_free(NULL);
  sq_rows_free(NULL);
  sq_reader_close(NULL);
  CHECK(strcmp(sq_code_name(SQ_E_NO_MEMORY), "no_memory") == 0 && sq_code_name((sq_code)1000) == NULL, "names");
}

/* Rows outlive the query and the store that they came from. */
static void rows(void) {
  sq_error error = {.code = SQ_OK};
  sq_ingest ingest = {.format = NULL};
  sq_store *store = sq_store_open(":memory:", NULL, &error);
  sq_query_spec spec = {.source = SQ_GROUPS, .keys = {{"model", 5, 0}}, .key_count = 1};
  sq_query *query = sq_query_build(&spec, NULL, &error);
  CHECK(sq_store_ingest(store, line, sizeof line - 1, &ingest, &error), "%s", error.message);
  sq_rows *got = sq_rows_run(store, query, &error);
  sq_query_free(query);
  sq_store_close(store);
  CHECK(got && sq_rows_count(got) == 1 && sq_rows_next(got) == NULL, "%s", error.message);
  sq_value values[256];
  sq_rows_read(got, 0, values);
  CHECK(strcmp(sq_rows_name(got, 1), "model") == 0 && values[1].kind == SQ_NULL, "%s", sq_rows_name(got, 1));
  sq_rows_free(got);
}

/* A body that SQLite would drop in silence is refused, and the old one stays. */
static void too_large(void) {
  size_t size = ((size_t)512 << 20) + 1;
  sq_error error = {.code = SQ_OK};
  char *huge = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  sq_store *store = sq_store_open(":memory:", NULL, &error);
  sq_ingest ingest = {.mode = SQ_INGEST_LENIENT}, strict = {.mode = SQ_INGEST_STRICT};
  CHECK(sq_store_ingest(store, huge, size, &ingest, &error) && ingest.failed == 1 && ingest.added == 0, "%s", error.message);
  CHECK(!sq_store_ingest(store, huge, size, &strict, &error) && error.code == SQ_E_LIMIT, "%s", error.message);
  sq_store_close(store);
  munmap(huge, size);
}

int main(void) {
  int file = mkstemp(path);
  if (file < 0) return 1;
  close(file);
  forks();
  conventions();
  rows();
  too_large();
  remove_store();
  return report();
}
