/* A column index with one byte changed, or cut off, at every place: each question is answered as SQL answers it, or
   by SQL itself, or refused where only columns may answer. Nothing is read outside of its bounds (the objects are AddressSanitizer's). */
#include "test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "column/open.h"
#include "store/index.h"

enum { ROWS = 24, QUESTIONS = 4 };

static char folder[] = "/tmp/sq-flip-XXXXXX", path[200], columns[220];
static sq_query *questions[QUESTIONS];
static sq_text answers[QUESTIONS];
static char *file;
static size_t size;
static long answered, refused;

/* --------------------------------------------------------------------------------------------------- making */

static sq_store *open_store(bool readonly, sq_engine engine) {
  const sq_open_options options = {.readonly = readonly, .engine = engine, .manual_seal = true, .segment_rows = ROWS / 2};
  sq_error error = {0};
  sq_store *store = sq_store_open(path, &options, &error);
  CHECK(store, "%s", error.message);
  return store;
}

static void make_store(void) {
  sq_store *store = open_store(false, SQ_ENGINE_AUTO);
  sq_error error = {0};
  for (int i = 0; i < ROWS; i++) {
    char line[500];
    snprintf(line, sizeof line,
             "{\"request_id\":\"r%d\",\"session_id\":\"s%d\",\"session_name\":\"n%d\",\"created_at\":%d,\"model\":\"m%d\",\"cost_usd\":0.%d,"
             "\"latency_ms\":%d,\"user_id\":\"5d41402a-bc4b-4a76-b971-9d911017c5%02d\",\"properties\":{\"env\":\"e%d\"}}",
             i, i % 7, i % 3, 1000 + i, i % 3, i, i * i, i % 5, i % 2);
    sq_ingest in = {0};
    CHECK(sq_store_ingest(store, line, strlen(line), &in, &error), "%s", error.message);
  }
  CHECK(sq_store_seal(store, false, &error), "%s", error.message);
  /* dead rows, and one that is not sealed */
  static const char more[] = "{\"request_id\":\"r3\",\"session_id\":\"s3\",\"created_at\":1003,\"model\":\"m7\",\"latency_ms\":1}\n"
                             "{\"request_id\":\"new\",\"session_id\":\"s1\",\"created_at\":2000,\"model\":\"m7\",\"latency_ms\":5}";
  sq_ingest in = {0};
  CHECK(sq_store_ingest(store, more, sizeof more - 1, &in, &error), "%s", error.message);
  sq_store_close(store);
}

static void build(int at, sq_source source, const char *key, const char *where, bool limited) {
  sq_error error = {0};
  sq_filter *filter = where ? sq_filter_compile("where", where, strlen(where), NULL, &error) : NULL;
  const sq_filter *const filters[] = {filter};
  sq_query_spec spec = {.source = source, .filters = filters, .filter_count = where != NULL, .limited = limited, .limit = 5};
  if (key) spec.keys[spec.key_count++] = (sq_group_key){key, strlen(key), 0};
  questions[at] = sq_query_build(&spec, NULL, &error);
  CHECK(questions[at], "%s", error.message);
  sq_filter_free(filter);
}

static void ask_sql(void) {
  build(0, SQ_SESSIONS, NULL, NULL, false);
  build(1, SQ_SESSIONS, NULL, "model = 'm1' and session.total_requests >= 1", true);
  build(2, SQ_GROUPS, "properties.env", "latency_ms > 3", false);
  build(3, SQ_REQUESTS, NULL, "user_id like '%2' or model = 'm7'", true);
  sq_store *store = open_store(true, SQ_ENGINE_SQL);
  for (int i = 0; i < QUESTIONS; i++) {
    sq_error error = {0};
    CHECK(sq_query_json(store, questions[i], &answers[i], &error) && answers[i].length > 100, "%s", error.message);
  }
  sq_store_close(store);
}

static void read_file(void) {
  struct stat is;
  int from = open(columns, O_RDONLY);
  CHECK(from >= 0 && fstat(from, &is) == 0);
  size = (size_t)is.st_size;
  file = malloc(size);
  CHECK(file && read(from, file, size) == (ssize_t)size);
  close(from);
}

/* -------------------------------------------------------------------------------------------------- damaging */

static sq_store *stores[3]; /* of each engine */

/* What the process knows of the file is forgotten. */
static void forget(void) {
  for (int i = 0; i < 3; i++)
    if (stores[i]) sq_index_let_go(stores[i]);
}

static bool ask_one(sq_engine engine, int i, const char *what, size_t at) {
  sq_error error = {0};
  sq_text out = {0};
  bool good = sq_query_json(stores[engine], questions[i], &out, &error);
  bool clean = engine == SQ_ENGINE_COLUMNS && (error.code == SQ_E_STORE || error.code == SQ_E_VALUE);
  if (!good && !clean) CHECK(false, "%s %zu: question %d: %s: %s", what, at, i, sq_code_name(error.code), error.message);
  if (good && (out.length != answers[i].length || memcmp(out.data, answers[i].data, out.length) != 0))
    CHECK(false, "%s %zu: question %d is answered wrongly:\n%s\nwhere SQL says\n%s", what, at, i, out.data, answers[i].data);
  answered += good;
  refused += !good;
  sq_text_free(&out);
  return good;
}

static bool ask(sq_engine engine, const char *what, size_t at) {
  bool good = true;
  forget();
  for (int i = 0; i < QUESTIONS; i++) good &= ask_one(engine, i, what, at);
  return good;
}

/* Touches every column of a segment. */
static bool touch(const sq_segment *segment) {
  sq_part_key part;
  sq_column column;
  sq_error error = {0};
  uint32_t parts = 0;
  for (; sq_segment_part(segment, parts, &part); parts++)
    if (part.field != SQ_F_NONE) sq_segment_column(segment, part.field, part.key, part.key_length, &column, &error);
  for (int i = 0; i < SQ_M_COUNT_OF; i++) sq_segment_measure(segment, (sq_measure)i, &column, &error);
  return parts > 0 && sq_segment_starts(segment, &column, &error) && sq_segment_codes(segment, &column, &error) && sq_segment_named(segment, &column, &error) &&
         sq_segment_seqs(segment, &column, &error) && sq_segment_named_codes(segment, &column, &error) && error.code == SQ_OK;
}

static bool is_sound(sq_store *store) {
  sq_manifest manifest;
  sq_error error = {0};
  const char *why;
  bool read = sq_manifest_read(store, &manifest, &error);
  sq_sealed *sealed = read ? sq_sealed_read(store, &manifest, NULL, &why, &error) : NULL;
  bool sound = sealed != NULL;
  if (!read) CHECK(false, "%s", error.message);
  for (size_t i = 0; sound && i < sq_sealed_count(sealed); i++) sound = touch(sq_sealed_segment(sealed, i));
  sq_sealed_release(sealed);
  return sound;
}

/* Every byte, or every few, is looked at, and after a few of them a question is asked. */
static void flip(char mask, sq_engine engine, size_t step, size_t few) {
  int to = open(columns, O_WRONLY);
  long missed = 0;
  answered = refused = 0;
  forget();
  for (size_t at = 0; at < size; at += step) {
    const char changed = (char)(file[at] ^ mask);
    if (pwrite(to, &changed, 1, (off_t)at) != 1) CHECK(false, "write");
    missed += is_sound(stores[engine]);
    if (at % (step * few) == 0) {
      forget();
      ask_one(engine, (int)(at / (step * few) % QUESTIONS), "flipped", at);
    }
    forget();
    if (pwrite(to, &file[at], 1, (off_t)at) != 1) CHECK(false, "write");
  }
  close(to);
  printf("%zu bytes, every %zu xor %02x: %ld without a part in it, %ld answers, %ld refusals\n", size, step, (unsigned char)mask, missed, answered, refused);
  CHECK(missed < (long)(size / step / 2), "%ld of %zu flips were not seen", missed, size);
  CHECK(answered > 0 && (refused > 0) == (engine == SQ_ENGINE_COLUMNS), "%ld answers, %ld refusals", answered, refused);
}

/* None has it mapped. */
static void put_file(size_t length) {
  forget();
  int to = open(columns, O_WRONLY | O_TRUNC);
  CHECK(to >= 0 && write(to, file, length) == (ssize_t)length);
  close(to);
}

static void cut(void) {
  for (size_t length = 0; length < size; length += length < 100 ? 1 : 509) {
    put_file(length);
    CHECK(!ask(SQ_ENGINE_COLUMNS, "cut at", length), "cut at %zu: nothing was missed", length);
    ask(SQ_ENGINE_AUTO, "cut at", length);
  }
  put_file(size);
  CHECK(ask(SQ_ENGINE_COLUMNS, "whole", size));
}

int main(void) {
  char command[300];
  if (!mkdtemp(folder)) return 1;
  snprintf(path, sizeof path, "%s/store.db", folder);
  snprintf(columns, sizeof columns, "%s-columns", path);
  make_store();
  ask_sql();
  read_file();
  stores[SQ_ENGINE_COLUMNS] = open_store(true, SQ_ENGINE_COLUMNS);
  stores[SQ_ENGINE_AUTO] = open_store(true, SQ_ENGINE_AUTO);
  CHECK(ask(SQ_ENGINE_COLUMNS, "whole", size));
  flip((char)0xFF, SQ_ENGINE_COLUMNS, 1, 9);
  flip(1, SQ_ENGINE_AUTO, 5, 3);
  cut();
  sq_store_close(stores[SQ_ENGINE_COLUMNS]);
  sq_store_close(stores[SQ_ENGINE_AUTO]);
  for (int i = 0; i < QUESTIONS; i++) {
    sq_query_free(questions[i]);
    sq_text_free(&answers[i]);
  }
  free(file);
  snprintf(command, sizeof command, "rm -r %s", folder);
  CHECK(system(command) == 0);
  return report();
}
