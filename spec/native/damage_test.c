/* A damaged index: each byte of its file flipped in turn, files cut off, files of garbage. It is found out, and
   SQL answers; never is there a wrong answer. With right checksums over wrong bytes, which nobody but an attacker
   makes, answers may be wrong, but nothing is read beyond its bounds. */
#include "index.h"

#include "base/checksum.h"
#include "column/file.h"
#include "column/format.h"
#include "store/index.h"

static char *path, *columns;
static char *bytes;
static size_t size;
static sq_text expected[QUESTIONS];
static sq_store *reader;

enum { ROWS = 30 };

static void begin(void) {
  sq_error error = {.code = SQ_OK};
  sq_text lines = {0};
  sq_ingest ingest = {.format = NULL};
  path = strdup(in_folder("db"));
  columns = strdup(in_folder("db-columns"));
  sq_store *store = open_small(path, SQ_ENGINE_AUTO, false, &error);
  for (int i = 0; i < ROWS; i++) put_record(&lines, i * 17, 1000 + i);
  bool good = store && sq_store_ingest(store, lines.data, lines.length, &ingest, &error) && sq_store_seal(store, false, &error);
  lines.length = 0;
  for (int i = 0; i < ROWS / 2; i++) put_record(&lines, i * 17 + 1, 2000 + i); /* a second segment, of sessions that have rows in the first */
  good = good && sq_store_ingest(store, lines.data, lines.length, &ingest, &error) && sq_store_reindex(store, &error);
  CHECK(good, "%s", error.message);
  for (size_t i = 0; i < QUESTIONS && good; i++) CHECK(ask(store, SQ_ENGINE_SQL, i, &expected[i], &error), "%s", error.message);
  sq_store_close(store);
  sq_text_free(&lines);
  bytes = read_whole(columns, &size);
  CHECK(bytes && size > 8192, "%zu bytes", size);
}

/* What became of the flips. */
typedef struct tally {
  long answered, refused, wrong;
  char first_wrong[512];
} tally;

static bool is_expected(const sq_text *answer, size_t question) {
  return answer->length == expected[question].length && memcmp(answer->data, expected[question].data, answer->length) == 0;
}

/* Opens the index as a process does that has not seen it yet. */
static void look(tally *tally, const char *what, size_t question, bool sql_answers) {
  sq_error error = {.code = SQ_OK}, other = {.code = SQ_OK};
  sq_text by_columns = {0}, by_any = {0};
  const char *wrong = NULL;
  sq_index_let_go(reader);
  bool answered = ask(reader, SQ_ENGINE_COLUMNS, question, &by_columns, &error);
  if (!answered && error.code == SQ_OK) wrong = "an error without a word";
  else if (!answered && error.code != SQ_E_STORE && error.code != SQ_E_VALUE) wrong = error.message;
  else if (answered && sql_answers && !is_expected(&by_columns, question)) wrong = "a wrong answer";
  if (sql_answers && !wrong && (!answered || tally->answered % 16 == 0)) {
    sq_index_let_go(reader);
    if (!ask(reader, SQ_ENGINE_AUTO, question, &by_any, &other)) wrong = other.message;
    else if (!is_expected(&by_any, question)) wrong = "a wrong answer where the engine is chosen";
  }
  tally->answered += answered;
  tally->refused += !answered;
  if (wrong && tally->wrong++ == 0) snprintf(tally->first_wrong, sizeof tally->first_wrong, "%s, question %zu: %.400s", what, question, wrong);
  sq_text_free(&by_columns);
  sq_text_free(&by_any);
}

static void put_byte(int file, size_t at, unsigned char byte) {
  if (pwrite(file, &byte, 1, (off_t)at) != 1) exit(1);
}

/* Each byte by all of the masks in `make soak`, here by one of them. */
static void flips(void) {
  static const unsigned char masks[] = {0x01, 0x80, 0xFF};
  tally tally = {0};
  char what[64];
  size_t many = (size_t)times("DAMAGE_MASKS", 1), question = 0;
  int file = open(columns, O_RDWR);
  for (size_t at = 0; at < size; at++)
    for (size_t m = 0; m < many; m++) {
      unsigned char mask = masks[(at + m) % sizeof masks];
      put_byte(file, at, (unsigned char)bytes[at] ^ mask);
      snprintf(what, sizeof what, "byte %zu ^ %02x", at, mask);
      look(&tally, what, question++ % QUESTIONS, true);
      put_byte(file, at, (unsigned char)bytes[at]);
    }
  close(file);
  printf("%ld flips: %ld harmless, %ld found out\n", tally.answered + tally.refused, tally.answered, tally.refused);
  CHECK(tally.wrong == 0, "%ld: %s", tally.wrong, tally.first_wrong);
  CHECK(tally.refused > 1000, "%ld", tally.refused);
}

/* The same, and the checksums made right again. */
static void forged(void) {
  static const unsigned char masks[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xFF};
  tally tally = {0};
  uint64_t state = (uint64_t)times("DAMAGE_SEED", 7);
  char *copy = malloc(size);
  long rounds = times("DAMAGE_FORGED", 500);
  for (long i = 0; i < rounds; i++) {
    memcpy(copy, bytes, size);
    sq_segment_header head;
    size_t start = SQ_FILE_PAGE;
    memcpy(&head, copy + start, sizeof head);
    sq_part *parts = (sq_part *)(void *)(copy + start + head.directory);
    size_t at, directory = head.directory, count = head.parts;
    uint32_t which = draw(&state, 3);
    if (which == 0) at = draw(&state, sizeof head);
    else if (which == 1) at = head.directory + draw(&state, (uint32_t)(head.size - head.directory));
    else at = sizeof head + draw(&state, (uint32_t)(head.directory - sizeof head));
    copy[start + at] = (char)(copy[start + at] ^ masks[draw(&state, sizeof masks)]);
    for (size_t k = 0; k < count; k++)
      if (parts[k].end <= head.size && parts[k].codes <= parts[k].end) parts[k].checksum = sq_crc32c(0, copy + start + parts[k].codes, parts[k].end - parts[k].codes);
    memcpy(&head, copy + start, sizeof head);
    size_t end = head.size < size - start ? (size_t)head.size : size - start;
    head.checksum = 0;
    head.checksum = sq_crc32c(sq_crc32c(0, &head, sizeof head), copy + start + directory, end > directory ? end - directory : 0);
    memcpy(copy + start, &head, sizeof head);
    write_whole(columns, copy, size);
    char what[64];
    snprintf(what, sizeof what, "forged byte %zu", at);
    for (size_t q = 0; q < QUESTIONS; q++) look(&tally, what, q, false);
  }
  free(copy);
  write_whole(columns, bytes, size);
  printf("%ld forged: %ld answered, %ld refused\n", rounds, tally.answered, tally.refused);
  CHECK(tally.wrong == 0, "%ld: %s", tally.wrong, tally.first_wrong);
  CHECK(tally.refused > 100 && tally.answered > 100, "%ld, %ld", tally.refused, tally.answered);
}

static void cut_off(void) {
  tally tally = {0};
  char what[64];
  for (size_t length = 0; length < size; length += length < 64 ? 1 : 509) {
    write_whole(columns, bytes, length);
    snprintf(what, sizeof what, "cut to %zu", length);
    look(&tally, what, length % QUESTIONS, true);
  }
  CHECK(tally.wrong == 0 && tally.answered == 0, "%ld, %ld: %s", tally.wrong, tally.answered, tally.first_wrong);
  write_whole(columns, bytes, size);
}

/* Each is answered by SQL, and the next seal makes a new one; a folder is for its owner to move. */
static void strange_files(void) {
  static const char *const names[] = {"garbage", "empty", "text", "folder", "pipe", "link to nowhere", "none"};
  for (int i = 0; i < 7; i++) {
    tally tally = {0};
    sq_error error = {.code = SQ_OK};
    char *garbage = malloc(size), why[2000];
    uint64_t state = (uint64_t)i + 1;
    for (size_t k = 0; k < size; k++) garbage[k] = (char)draw(&state, 256);
    unlink(columns);
    if (i == 0) write_whole(columns, garbage, size);
    if (i == 1) write_whole(columns, "", 0);
    if (i == 2) write_whole(columns, "SQCOLUMN", 8);
    if (i == 3) mkdir(columns, 0700);
    if (i == 4) CHECK(mkfifo(columns, 0600) == 0, "fifo");
    if (i == 5) CHECK(symlink("/nowhere/at all", columns) == 0, "link");
    look(&tally, names[i], 0, true);
    CHECK(tally.wrong == 0 && tally.answered == 0, "%s: %s", names[i], tally.first_wrong);
    sq_store *store = open_small(path, SQ_ENGINE_AUTO, false, &error);
    bool sealed = store && sq_store_seal(store, false, &error);
    if (i == 3) CHECK(!sealed && error.code == SQ_E_STORE, "%s", error.message);
    else CHECK(sealed && agree(store, SQ_ENGINE_COLUMNS, 0, QUESTIONS, why, sizeof why) == 1, "%s: %s %s", names[i], error.message, why);
    sq_store_close(store);
    if (i == 3) rmdir(columns);
    free(garbage);
  }
}

/* Damage in the middle of a segment: reindex and seal both mend it. */
static void is_mended(void) {
  for (int i = 0; i < 2; i++) {
    sq_error error = {.code = SQ_OK};
    char why[2000];
    int64_t rows = 0;
    size_t length;
    char *now = read_whole(columns, &length);
    memset(now + SQ_FILE_PAGE, 0x55, 300);
    write_whole(columns, now, length);
    free(now);
    sq_store *store = open_small(path, SQ_ENGINE_AUTO, false, &error);
    CHECK(!sq_store_check(store, &rows, &error) && error.code == SQ_E_STORE, "%s", error.message);
    error = (sq_error){.code = SQ_OK};
    CHECK(i == 0 ? sq_store_reindex(store, &error) : sq_store_seal(store, false, &error), "%s", error.message);
    CHECK(sq_store_check(store, &rows, &error) && rows == ROWS + ROWS / 2, "%lld: %s", (long long)rows, error.message);
    CHECK(agree(store, SQ_ENGINE_COLUMNS, 0, QUESTIONS, why, sizeof why) == 1, "%s", why);
    sq_store_close(store);
  }
}

int main(void) {
  make_folder();
  build_queries();
  setvbuf(stdout, NULL, _IOLBF, 0);
  sq_error error = {.code = SQ_OK};
  begin();
  reader = open_small(path, SQ_ENGINE_AUTO, true, &error);
  CHECK(reader, "%s", error.message);
  if (!getenv("NOFLIPS")) flips();
  forged();
  cut_off();
  strange_files();
  is_mended();
  sq_store_close(reader);
  for (size_t i = 0; i < QUESTIONS; i++) sq_text_free(&expected[i]);
  free_queries();
  free(bytes);
  free(path);
  free(columns);
  remove_own_folder();
  return report();
}
