/* Which projects have requests: by the columns, whose rows of one project mostly stand together, where there are some. */
#include <stdlib.h>

#include "base/mix.h"
#include "base/time.h"
#include "column/texts.h"
#include "store/lookup.h"

typedef struct naming {
  const char *organization, *project; /* wanted; NULL: any */
  bool exact;                         /* there is a request of each that is told */
  sq_texts seen;                      /* "organization\0project\0" */
  sq_text pair;                       /* room for one of them */
  sq_take_project *take;
  void *state;
  bool ended;
  sq_error *error;
} naming;

/* ------------------------------------------------------------------------------------------- by the columns */

/* An entry that stands for the wanted text, for any (SQ_NO_ENTRY), or for one that is not there (count). */
static uint32_t wanted_entry(const sq_column *column, const char *wanted) {
  char room[37];
  size_t length, size = wanted ? strlen(wanted) : 0;
  const sq_dictionary *dictionary = &column->dictionary;
  uint32_t entry = 0;
  if (!wanted) return SQ_NO_ENTRY;
  for (; entry < dictionary->count; entry++) {
    const char *text = sq_dictionary_text(dictionary, entry, room, &length);
    if (length == size && memcmp(text, wanted, size) == 0) break;
  }
  return entry;
}

/* Tells of a pair, unless it was told of already. */
static bool tell(naming *n, const char *organization, size_t organization_length, const char *project, size_t project_length) {
  uint32_t before = n->seen.count;
  sq_text_clear(&n->pair);
  sq_text_append(&n->pair, organization, organization_length);
  sq_text_byte(&n->pair, '\0');
  sq_text_append(&n->pair, project, project_length);
  sq_text_byte(&n->pair, '\0');
  if (n->pair.failed || sq_texts_add(&n->seen, n->pair.data, n->pair.length) == SQ_NO_ENTRY) return sq_fail_memory(n->error);
  if (n->seen.count > before) n->ended = !n->take(n->state, n->pair.data, n->pair.data + organization_length + 1, n->error);
  return n->error->code == SQ_OK;
}

static bool tell_entries(naming *n, const sq_column *organizations, const sq_column *projects, const uint32_t at[2]) {
  char rooms[2][37];
  size_t lengths[2];
  const char *organization = sq_dictionary_text(&organizations->dictionary, at[0], rooms[0], &lengths[0]);
  const char *project = sq_dictionary_text(&projects->dictionary, at[1], rooms[1], &lengths[1]);
  return tell(n, organization, lengths[0], project, lengths[1]);
}

#define FEW 4096 /* pairs of a block, for which bits tell whether they were met */

/* Every pair of the dictionaries, of which some may stand in no row. */
static bool tell_all(naming *n, const sq_column *organizations, const sq_column *projects, const uint32_t wanted[2]) {
  uint32_t at[2];
  for (at[0] = 0; at[0] < organizations->dictionary.count && !n->ended; at[0]++)
    for (at[1] = 0; at[1] < projects->dictionary.count && !n->ended; at[1]++) {
      bool is_wanted = (wanted[0] == SQ_NO_ENTRY || wanted[0] == at[0]) && (wanted[1] == SQ_NO_ENTRY || wanted[1] == at[1]);
      if (is_wanted && !tell_entries(n, organizations, projects, at)) return false;
    }
  return true;
}

static bool name_block(naming *n, const sq_block *block) {
  sq_column organizations, projects;
  uint64_t met[FEW / 64] = {0};
  uint32_t at[2] = {0, 0};
  if (!sq_segment_column(block->segment, SQ_F_ORGANIZATION_ID, NULL, 0, &organizations, n->error) ||
      !sq_segment_column(block->segment, SQ_F_PROJECT, NULL, 0, &projects, n->error))
    return false;
  const uint32_t wanted[2] = {wanted_entry(&organizations, n->organization), wanted_entry(&projects, n->project)};
  if (wanted[0] == organizations.dictionary.count || wanted[1] == projects.dictionary.count) return true;
  if (!n->exact && (uint64_t)organizations.dictionary.count * projects.dictionary.count <= FEW) return tell_all(n, &organizations, &projects, wanted);
  for (uint32_t row = 0; row < block->rows && !n->ended; row++) {
    if (!sq_column_entry(&organizations, row, &at[0]) || !sq_column_entry(&projects, row, &at[1])) continue;
    uint64_t pair = (uint64_t)at[0] * projects.dictionary.count + at[1];
    if ((pair < FEW && met[pair >> 6] >> (pair & 63) & 1) || (wanted[0] != SQ_NO_ENTRY && at[0] != wanted[0]) ||
        (wanted[1] != SQ_NO_ENTRY && at[1] != wanted[1]) || (block->dead && block->dead[row >> 6] >> (row & 63) & 1))
      continue;
    if (pair < FEW) met[pair >> 6] |= UINT64_C(1) << (pair & 63);
    if (!tell_entries(n, &organizations, &projects, at)) return false;
  }
  return true;
}

/* 1: by the columns, 0: they cannot tell, -1: an error. An index that is damaged is as good as none. */
static int by_columns(sq_store *store, naming *n) {
  const char *why;
  sq_error inner = {.code = SQ_OK}, *outer = n->error;
  n->error = &inner;
  sq_version *version = sq_version_take(store, &why, &inner);
  bool good = version != NULL;
  for (size_t i = 0; good && i < sq_version_view(version)->count && !n->ended; i++) good = name_block(n, &sq_version_view(version)->blocks[i]);
  sq_version_release(version);
  n->error = outer;
  if (good) return 1;
  if (inner.code == SQ_OK || inner.code == SQ_E_STORE) return 0;
  *outer = inner;
  return -1;
}

/* --------------------------------------------------------------------------------------------------- by SQL */

static bool by_sql(sq_store *store, naming *n) {
  static const char *const sql =
      "SELECT DISTINCT organization_id, project FROM request"
      " WHERE organization_id = coalesce(?1, organization_id) AND project = coalesce(?2, project)";
  sqlite3_stmt *read = sq_borrow(store, sql, n->error);
  int code = SQLITE_DONE;
  if (!read) return false;
  sq_bind_terminated(read, 1, n->organization);
  sq_bind_terminated(read, 2, n->project);
  while (!n->ended && n->error->code == SQ_OK && (code = sqlite3_step(read)) == SQLITE_ROW) {
    const char *organization = (const char *)sqlite3_column_text(read, 0), *project = (const char *)sqlite3_column_text(read, 1);
    if (organization && project) tell(n, organization, strlen(organization), project, strlen(project));
    else sq_fail_memory(n->error);
  }
  if (code != SQLITE_DONE && code != SQLITE_ROW) sq_sqlite_fail(store, code, n->error);
  sq_give_back(store, read);
  return n->error->code == SQ_OK;
}

bool sq_lookup_projects(sq_store *store, const char *organization, const char *project, bool exact, sq_take_project *take, void *state, sq_error *error) {
  naming n = {.organization = organization, .project = project, .exact = exact, .take = take, .state = state, .error = error};
  n.seen.seed = sq_mix((uint64_t)(uintptr_t)&n, (uint64_t)sq_time_monotonic()); /* names are what callers choose */
  int known = by_columns(store, &n);
  bool good = known > 0 || (known == 0 && by_sql(store, &n));
  sq_texts_free(&n.seen);
  sq_text_free(&n.pair);
  return good;
}
