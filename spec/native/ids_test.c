/* The filter over all request ids: a read of it that is interrupted leaves no filter that denies what is there. */
#include "test.h"

#include <stdlib.h>
#include <unistd.h>

#include "store/ids.h"

enum { SEGMENTS = 100, SEGMENT = 5, PROBES = 16384 };

static char folder[] = "/tmp/sq-ids-XXXXXX", path[64];

static bool find(sq_store *store, const char *id, size_t *found, sq_error *error) {
  const sq_value value = {.kind = SQ_STRING, .length = (uint32_t)strlen(id), .text = id};
  sq_seqs seqs = {0};
  bool good = sq_ids_find(store, &value, NULL, NULL, NULL, &seqs, error);
  *found = seqs.count;
  free(seqs.items);
  return good;
}

static void fill(sq_store *store) {
  sq_error error = {0};
  for (int segment = 0; segment < SEGMENTS; segment++) {
    char lines[SEGMENT * 80];
    size_t length = 0;
    sq_ingest in = {0};
    for (int i = 0; i < SEGMENT; i++)
      length += (size_t)snprintf(lines + length, sizeof lines - length, "{\"request_id\":\"r%d\",\"created_at\":1}\n", segment * SEGMENT + i);
    if (!sq_store_ingest(store, lines, length, &in, &error)) CHECK(false, "%s", error.message);
  }
  CHECK(sq_store_seal(store, false, &error), "%s", error.message);
}

/* Each asks every segment, until it pays to read all hashes at once; the clock is not looked at meanwhile. */
static void use_up_probes(sq_store *store) {
  sq_error error = {0};
  size_t found;
  CHECK(sq_store_enter(store, &error));
  for (int i = 0; i < PROBES / SEGMENTS + 1; i++) {
    char id[20];
    snprintf(id, sizeof id, "none%d", i);
    if (!find(store, id, &found, &error) || found) CHECK(false, "%s: %zu", error.message, found);
  }
}

static void find_all(sq_store *store) {
  sq_error error = {0};
  size_t found;
  CHECK(sq_store_enter(store, &error));
  for (int i = 0; i < SEGMENTS * SEGMENT; i++) {
    char id[20];
    snprintf(id, sizeof id, "r%d", i);
    if (!find(store, id, &found, &error) || found != 1) CHECK(false, "r%d: %zu, %s", i, found, error.message);
  }
  CHECK(find(store, "none", &found, &error) && found == 0);
}

int main(void) {
  char command[100];
  const sq_open_options options = {.manual_seal = true, .segment_rows = SEGMENT, .relaxed = true, .timeout_ms = 1000000};
  sq_error error = {0}, late = {0};
  size_t found;
  if (!mkdtemp(folder)) return 1;
  snprintf(path, sizeof path, "%s/store.db", folder);
  sq_store *store = sq_store_open(path, &options, &error);
  CHECK(store, "%s", error.message);
  fill(store);
  use_up_probes(store);
  store->deadline = 1; /* long ago */
  CHECK(!find(store, "r1", &found, &late) && late.code == SQ_E_TIMEOUT, "%s", late.message);
  find_all(store);
  find_all(store);
  sq_store_close(store);
  snprintf(command, sizeof command, "rm -r %s", folder);
  CHECK(system(command) == 0);
  return report();
}
