/* What was acknowledged is there, whatever ends the writer: a signal at any moment and at each step of a seal, a
   power cut that loses, tears or reorders what was not synced, a full disk. Afterwards the index is right, or known
   to be missing, and made again. */
#include "fault.h"
#include "index.h"
#include "power.h"

#include <sys/mman.h>

static char base[256];
static outcome at_base;

/* The work numbers -20 … -1 of one seed: some segments, dead rows, a tail. */
enum { BEFORE = 20 };
static const uint64_t base_seed = 99;

static void make_base(void) {
  sq_error error = {.code = SQ_OK};
  snprintf(base, sizeof base, "%s", in_folder("base"));
  sq_store *store = open_small(base, SQ_ENGINE_AUTO, false, &error);
  bool good = store && make_project(store, &error);
  for (int i = 0; i < BEFORE && good; i++) good = work(store, base_seed, i, &at_base, &error);
  good = good && sq_store_seal(store, false, &error);
  CHECK(good && compare_outcome(store, &at_base) == 0, "%s", error.message);
  sq_store_close(store);
}

/* ------------------------------------------------------------------------------------------------------ killed */

/* Of the child, in memory that outlives it. */
typedef struct progress {
  volatile int done; /* works acknowledged */
  volatile long calls;
  volatile bool failed;
  char message[200];
} progress;

static progress *shared;
static long kill_at;

static int kill_there(fault_call call, int file, const void *bytes, size_t size, uint64_t offset, const char *from, const char *to) {
  (void)from, (void)to;
  if (++shared->calls != kill_at) return 0;
  if (call == FAULT_WRITE && kill_at % 2) syscall(SYS_pwrite64, file, bytes, size / 2, offset); /* in the middle of it */
  kill(getpid(), SIGKILL);
  return 0;
}

static void work_until_killed(const char *path, uint64_t seed, int most) {
  sq_error error = {.code = SQ_OK};
  outcome ignored = at_base;
  sq_store *store = open_small(path, SQ_ENGINE_AUTO, false, &error);
  fault = kill_there;
  for (int i = 0; i < most && store; i++) {
    if (i % 7 == 6) { /* the last handle that closes writes the WAL back */
      sq_store_close(store);
      store = open_small(path, SQ_ENGINE_AUTO, false, &error);
    }
    if (!store || !work(store, seed, i, &ignored, &error)) break;
    shared->done = i + 1;
  }
  fault = NULL;
  shared->failed = error.code != SQ_OK;
  memcpy(shared->message, error.message, sizeof shared->message - 1);
  _exit(0);
}

/* Whether it was killed, and not at its end. */
static bool run_child(const char *path, uint64_t seed, int most, long at_call, long microseconds) {
  int status = 0;
  memset(shared, 0, sizeof *shared);
  kill_at = at_call;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) work_until_killed(path, seed, most);
  if (microseconds) {
    usleep((useconds_t)microseconds);
    kill(child, SIGKILL);
  }
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static outcome outcome_after(uint64_t seed, int works) {
  outcome out = at_base;
  for (int i = 0; i < works; i++) work(NULL, seed, i, &out, NULL);
  return out;
}

static bool survives(const char *path, uint64_t seed, char *why, size_t room) {
  outcome one = outcome_after(seed, shared->done), other = outcome_after(seed, shared->done + 1);
  snprintf(why, room, "%s", shared->message);
  return !shared->failed && is_sound(path, &one, &other, why, room);
}

static void killed(void) {
  long rounds = times("CRASH_KILLS", 500), killed = 0, wrong = 0;
  uint64_t state = (uint64_t)times("CRASH_SEED", 1);
  char path[256], why[2200];
  snprintf(path, sizeof path, "%s", in_folder("killed"));
  for (long i = 0; i < rounds; i++) {
    uint64_t seed = draw(&state, 1 << 30);
    long at_call = i % 5 ? 1 + (long)draw(&state, i % 2 ? 60 : 500) : 0, after = at_call ? 0 : 3000 + (long)draw(&state, 40000);
    if (i % 3 == 0) copy_store(base, path); /* else what the one before left goes on being used, by work from its start */
    if (i % 3) {
      remove_store(path);
      copy_store(base, path);
    }
    killed += run_child(path, seed, 60, at_call, after);
    if (survives(path, seed, why, sizeof why)) continue;
    if (wrong++ < 3) printf("seed %llu, call %ld, time %ld, after %d works: %s\n", (unsigned long long)seed, at_call, after, shared->done, why);
  }
  remove_store(path);
  printf("%ld of %ld were killed at work\n", killed, rounds);
  CHECK(wrong == 0, "%ld", wrong);
  CHECK(killed > rounds * 3 / 4, "%ld of %ld", killed, rounds);
}

/* One seal of new rows with a segment sealed again, and one new file: killed at each of their calls. */
static void killed_while_sealing(void) {
  char path[256], why[2200];
  long calls = 0;
  uint64_t seeds[2] = {0};
  snprintf(path, sizeof path, "%s", in_folder("sealing"));
  for (int kind = 0; kind < 2; kind++) /* a seed whose third work seals, or makes anew */
    for (uint64_t seed = 1; !seeds[kind]; seed++) {
      uint64_t state = seed * UINT64_C(0x9E3779B97F4A7C15) + 2;
      draw(&state, 2), draw(&state, 2);
      uint32_t what = draw(&state, 100);
      if (kind == 0 ? what >= 86 && what < 97 && what % 2 : what >= 97) seeds[kind] = seed;
    }
  for (int kind = 0; kind < 2; kind++) {
    long wrong = 0, at_call = 0;
    bool reached = true;
    for (at_call = 1; reached && at_call < 400; at_call++) {
      remove_store(path);
      copy_store(base, path);
      reached = run_child(path, seeds[kind], 3, at_call, 0);
      if (shared->done < 2) continue; /* not there yet: killed() has these */
      calls += reached;
      if (!survives(path, seeds[kind], why, sizeof why) && wrong++ < 3) printf("%s, call %ld: %s\n", kind ? "reindex" : "seal", at_call, why);
    }
    CHECK(wrong == 0 && !reached, "%ld wrong, %ld calls", wrong, at_call);
  }
  printf("%ld calls of a seal and of a reindex\n", calls);
  CHECK(calls > 15, "%ld", calls);
  remove_store(path);
}

/* ---------------------------------------------------------------------------------------------------- power cut */

/* When and how to cut. */
static long cut_calls, next_cut;
static uint64_t cut_state;
static int cut_done, cut_number;
static struct cut {
  int done;
  uint64_t seed;
  unsigned share;
} *cuts;
static long most_cuts;

static void cut(void) {
  static const unsigned shares[] = {0, 10, 50, 90, 100};
  if (cut_number >= most_cuts) return;
  struct cut *one = &cuts[cut_number];
  *one = (struct cut){.done = cut_done, .seed = draw(&cut_state, 1u << 31), .share = shares[draw(&cut_state, 5)]};
  fault_hook *hook = fault;
  fault = NULL;
  write_image(in_folder("cut-%d", cut_number++), one->seed, one->share);
  fault = hook;
}

static int power_hook(fault_call call, int descriptor, const void *bytes, size_t size, uint64_t offset, const char *from, const char *to) {
  if (++cut_calls == next_cut) {
    next_cut += 1 + draw(&cut_state, 12);
    cut();
  }
  note_call(call, descriptor, bytes, size, offset, from, to);
  return 0;
}

/* A relaxed writer may lose what was acknowledged, but only from the end on. */
static bool is_some_outcome(const char *path, uint64_t seed, int done, char *why, size_t room) {
  for (int i = done + 1; i >= 0; i--) {
    sq_error error = {.code = SQ_OK};
    outcome one = outcome_after(seed, i);
    sq_store *store = open_small(path, SQ_ENGINE_SQL, true, &error);
    int wrong = store ? compare_outcome(store, &one) : 1;
    sq_store_close(store);
    if (wrong == 0) return is_sound(path, &one, &one, why, room);
  }
  snprintf(why, room, "the rows are those of no moment");
  return false;
}

static void power_cut(uint64_t seed, bool relaxed, long *images, long *wrong) {
  sq_error error = {.code = SQ_OK};
  outcome ignored = at_base;
  char path[256], why[2200], live[200];
  snprintf(live, sizeof live, "%s", in_folder("live"));
  mkdir(live, 0700);
  snprintf(path, sizeof path, "%s/db", live);
  copy_store(base, path);
  if (relaxed) setenv("SQ_TEST_RELAXED", "1", 1);
  sq_store *store = open_small(path, SQ_ENGINE_AUTO, false, &error);
  begin_disk(live);
  cut_calls = cut_number = cut_done = 0;
  cut_state = seed;
  next_cut = 1 + draw(&cut_state, 12);
  fault = power_hook;
  for (int i = 0; store && i < 24; i++) {
    if (i % 9 == 8) {
      sq_store_close(store);
      store = open_small(path, SQ_ENGINE_AUTO, false, &error);
    }
    if (!store || !work(store, seed, i, &ignored, &error)) break;
    cut_done = i + 1;
  }
  fault = NULL;
  CHECK(error.code == SQ_OK && cut_done == 24, "%d: %s", cut_done, error.message);
  sq_store_close(store);
  end_disk();
  remove_folder(live);
  unsetenv("SQ_TEST_RELAXED");
  for (int i = 0; i < cut_number; i++, ++*images) {
    char image[300];
    snprintf(image, sizeof image, "%s/db", in_folder("cut-%d", i));
    outcome one = outcome_after(seed, cuts[i].done), other = outcome_after(seed, cuts[i].done + 1);
    bool good = relaxed ? is_some_outcome(image, seed, cuts[i].done, why, sizeof why) : is_sound(image, &one, &other, why, sizeof why);
    if (!good && (*wrong)++ < 3)
      printf("seed %llu, cut %d of %u%% after %d works%s: %s\n", (unsigned long long)seed, i, cuts[i].share, cuts[i].done, relaxed ? ", relaxed" : "", why);
    remove_folder(in_folder("cut-%d", i));
  }
}

static void power_cuts(void) {
  long images = 0, wrong = 0, rounds = times("CRASH_CUTS", 4);
  uint64_t first = (uint64_t)times("CRASH_SEED", 1) * 1000;
  most_cuts = 100;
  cuts = calloc((size_t)most_cuts, sizeof *cuts);
  for (long i = 0; i < rounds; i++) power_cut(first + (uint64_t)i, i % 4 == 3, &images, &wrong);
  free(cuts);
  printf("%ld power cuts\n", images);
  CHECK(wrong == 0, "%ld of %ld", wrong, images);
  CHECK(images > rounds * 8, "%ld", images);
}

/* ----------------------------------------------------------------------------------------------------- full disk */

static long full_calls, full_from, full_to;

/* Only what takes room on the disk can find it full; half of a write may be done. */
static int full_hook(fault_call call, int file, const void *bytes, size_t size, uint64_t offset, const char *from, const char *to) {
  (void)from, (void)to;
  if (call != FAULT_WRITE && call != FAULT_ALLOCATE) return 0;
  if (++full_calls < full_from || full_calls > full_to) return 0;
  if (call == FAULT_WRITE && full_calls % 2) syscall(SYS_pwrite64, file, bytes, size / 2, offset);
  if (call == FAULT_ALLOCATE) syscall(SYS_fallocate, file, 0, offset, size / 2);
  return ENOSPC;
}

/* One write that fails, or all from there on until there is room again. */
static bool fill_disk(const char *path, uint64_t seed, long from, long to, long *errors, char *why, size_t room) {
  sq_error error = {.code = SQ_OK};
  outcome expected = at_base, tried;
  remove_store(path);
  copy_store(base, path);
  sq_store *store = open_small(path, SQ_ENGINE_AUTO, false, &error);
  full_calls = 0;
  full_from = from;
  full_to = to;
  fault = full_hook;
  bool good = store != NULL;
  for (int i = 0; i < 8 && good; i++) {
    tried = expected;
    error = (sq_error){.code = SQ_OK};
    bool done = work(store, seed, i, &tried, &error);
    if (done) expected = tried;
    *errors += !done;
    good = done || error.code == SQ_E_FULL || error.code == SQ_E_STORE;
    snprintf(why, room, "work %d: %s: %s", i, sq_code_name(error.code), error.message);
    if (good && compare_outcome(store, &expected) != 0) {
      snprintf(why, room, "after work %d, %s", i, done ? "acknowledged" : "refused");
      good = false;
    }
  }
  fault = NULL;
  error = (sq_error){.code = SQ_OK};
  for (int i = 8; i < 12 && good; i++) { /* there is room again */
    good = work(store, seed, i, &expected, &error);
    if (!good) snprintf(why, room, "with room again: %s", error.message);
  }
  sq_store_close(store);
  return good && is_sound(path, &expected, &expected, why, room);
}

static void full_disk(void) {
  long wrong = 0, errors = 0, points = 0, step = times("CRASH_FULL_STEP", 3);
  char path[256], why[2200];
  snprintf(path, sizeof path, "%s", in_folder("full"));
  for (int persistent = 0; persistent < 2; persistent++) {
    bool reached = true;
    for (long at = 1 + persistent; reached && at < 2000; at += step, points++) {
      if (!fill_disk(path, 5, at, persistent ? 1L << 60 : at, &errors, why, sizeof why) && wrong++ < 3)
        printf("write %ld%s: %s\n", at, persistent ? " and all after it" : "", why);
      reached = full_calls >= at;
    }
    CHECK(!reached, "there is no end of writes");
  }
  remove_store(path);
  printf("%ld full disks, %ld errors\n", points, errors);
  CHECK(wrong == 0, "%ld of %ld", wrong, points);
  CHECK(errors > points / 2, "%ld of %ld", errors, points);
}

/* Only the index's file has no room: the add is done, and stats tell. */
static int index_is_full(fault_call call, int file, const void *bytes, size_t size, uint64_t offset, const char *from, const char *to) {
  (void)file, (void)bytes, (void)size, (void)offset, (void)from, (void)to;
  return call == FAULT_ALLOCATE ? ENOSPC : 0;
}

static void full_for_the_index(void) {
  sq_error error = {.code = SQ_OK};
  sq_stats stats, before;
  char path[256], why[2200];
  sq_text lines = {0};
  outcome expected = at_base;
  snprintf(path, sizeof path, "%s", in_folder("index-full"));
  copy_store(base, path);
  sq_store *store = open_small(path, SQ_ENGINE_AUTO, false, &error);
  CHECK(sq_store_stats(store, &before, &error), "%s", error.message);
  fault = index_is_full;
  for (int i = 0; i < 5; i++) {
    sq_ingest ingest = {.format = NULL};
    lines.length = 0;
    for (int k = 0; k < 50; k++) {
      put_record(&lines, i * 50 + k, 7000 + i);
      arrive(&expected, i * 50 + k, 7000 + i);
    }
    CHECK(sq_store_ingest(store, lines.data, lines.length, &ingest, &error), "%s", error.message);
  }
  CHECK(sq_store_stats(store, &stats, &error) && strstr(stats.last_error, "No space left"), "'%s'", stats.last_error);
  CHECK(stats.index_bytes == before.index_bytes, "each attempt leaves %lld bytes", (long long)(stats.index_bytes - before.index_bytes));
  CHECK(!sq_store_seal(store, false, &error) && error.code == SQ_E_FULL, "%s", error.message);
  error = (sq_error){.code = SQ_OK};
  CHECK(!sq_store_reindex(store, &error) && error.code == SQ_E_FULL, "%s", error.message);
  error = (sq_error){.code = SQ_OK};
  fault = NULL;
  CHECK(agree(store, SQ_ENGINE_COLUMNS, 0, QUESTIONS, why, sizeof why) == 1, "%s", why);
  sq_store_close(store);
  CHECK(is_sound(path, &expected, &expected, why, sizeof why), "%s", why);
  sq_text_free(&lines);
  remove_store(path);
}

/* What was begun and never published goes when the next new file is begun, but not while somebody may be at it. */
static void leaves_no_files(void) {
  char path[256], begun[300], other[300];
  sq_error error = {.code = SQ_OK};
  struct timespec long_ago[2] = {{.tv_sec = time(NULL) - 3600}, {.tv_sec = time(NULL) - 3600}};
  snprintf(path, sizeof path, "%s", in_folder("swept"));
  copy_store(base, path);
  snprintf(begun, sizeof begun, "%s-columns.0123456789abcdef", path);
  snprintf(other, sizeof other, "%s-columns.of-somebody-else", path);
  write_whole(begun, "begun", 5);
  write_whole(other, "other", 5);
  utimensat(AT_FDCWD, other, long_ago, 0);
  sq_store *store = open_small(path, SQ_ENGINE_AUTO, false, &error);
  CHECK(sq_store_reindex(store, &error) && access(begun, F_OK) == 0, "a new one may be somebody's: %s", error.message);
  utimensat(AT_FDCWD, begun, long_ago, 0);
  int file = open(begun, O_RDWR);
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  CHECK(fcntl(file, F_OFD_SETLK, &whole) == 0, "lock");
  CHECK(sq_store_reindex(store, &error) && access(begun, F_OK) == 0, "one under lock is: %s", error.message);
  close(file);
  CHECK(sq_store_reindex(store, &error) && access(begun, F_OK) != 0, "an old one is not: %s", error.message);
  CHECK(access(other, F_OK) == 0, "it has another name");
  sq_store_close(store);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  make_folder();
  build_queries();
  make_base();
  const char *only = getenv("CRASH_ONLY");
#define RUN(what) \
  if (!only || strcmp(only, #what) == 0) what()
  RUN(killed_while_sealing);
  RUN(killed);
  RUN(power_cuts);
  RUN(full_disk);
  RUN(full_for_the_index);
  RUN(leaves_no_files);
  free_queries();
  remove_own_folder();
  return report();
}
