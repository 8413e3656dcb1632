/* What the files of the store share, and what query/ asks of it. The only room that knows SQLite. */
#ifndef SQ_STORE_STORE_H
#define SQ_STORE_STORE_H

#include "base/text.h"
#include "catalog/catalog.h"
#include "column/segment.h"
#include "session/statistics.h"

/* --- for query/ */

/* Whether writing to `path` would write to the store's own files. */
bool sq_store_owns(const sq_store *store, const char *path);

/* Every public call begins here: refuses a handle of another process and sets the deadline. */
bool sq_store_enter(sq_store *store, sq_error *error);

/* A statement being read. */
typedef struct sq_scan sq_scan;
sq_scan *sq_scan_open(sq_store *store, const char *sql, const sq_value *values, size_t count, sq_error *error);
/* 1: a row, 0: the end, -1: an error. */
int sq_scan_next(sq_scan *scan, sq_error *error);
/* NULL, INTEGER, REAL, STRING (valid until the next row), or BOOLEAN for a scalar that is one. */
bool sq_scan_column(sq_scan *scan, int column, sq_value *out, sq_error *error);
void sq_scan_close(sq_scan *scan);

/* --- the column index */

/* What the handle was opened for. */
sq_engine sq_store_engine(const sq_store *store);
bool sq_store_plain_columns(const sq_store *store);
bool sq_store_plain_kernels(const sq_store *store);
/* Begins a transaction that reads, where there is none: what follows sees one state, up to the end. `*begun`: there
   is one to end. */
bool sq_store_begin_read(sq_store *store, bool *begun, sq_error *error);
void sq_store_end_read(sq_store *store, bool begun);

/* One state of the store as columns. Immutable, counted references. */
typedef struct sq_version sq_version;
/* The version of the transaction at hand. NULL: `*why` says what stands against it, or there is an error. */
sq_version *sq_version_take(sq_store *store, const char **why, sq_error *error);
const sq_view *sq_version_view(const sq_version *version);
void sq_version_release(sq_version *version);

/* --- the words index (word_index.h) */

typedef struct sq_words_state {
  const char *why;  /* it cannot be asked; NULL when it can */
  int64_t bodies;   /* about how many there are */
  int64_t unknown;  /* those that are candidates whatever they say, at most */
} sq_words_state;
bool sq_store_words(sq_store *store, sq_words_state *out, sq_error *error);
/* How many candidates it has for a phrase, which has words; counting ends at `most`. */
bool sq_store_count_words(sq_store *store, const sq_value *phrase, int64_t most, int64_t *count, sq_error *error);

/* Whether the call's time is over. */
bool sq_store_is_late(const sq_store *store);
/* The error that says so. Always false. */
bool sq_store_fail_late(const sq_store *store, sq_error *error);
/* Whether there is a row of feedback (about requests, or about sessions), of session_tag, of session_metadata. */
typedef enum sq_side_table { SQ_SIDE_FEEDBACK, SQ_SIDE_OWN_FEEDBACK, SQ_SIDE_TAGS, SQ_SIDE_METADATA, SQ_SIDE_COUNT } sq_side_table;
bool sq_store_side_tables(sq_store *store, bool has[SQ_SIDE_COUNT], sq_error *error);
/* Those of the numbers that need no query: of bodies and feedback, of the files, of the column index. */
bool sq_store_read_stats(sq_store *store, sq_stats *stats, sq_error *error);
/* --- projects, for query/projects.c */

/* A row of table project. The texts live until `take` returns. */
typedef struct sq_project_row {
  const char *organization, *name, *id;
  const char *members; /* as JSON, a comma before each */
  bool created;        /* else only the id is reserved for it */
} sq_project_row;
/* Reads those of an organization and a name, or all (NULL), within the handle's scope. */
bool sq_store_read_projects(sq_store *store, const char *organization, const char *name, bool (*take)(void *state, const sq_project_row *row, sq_error *error),
                            void *state, sq_error *error);
/* Calls `take` for each pair of an organization and a project that requests have, once; of this organization and this
   project, or any (NULL). It ends when `take` is false, which is no error. To be asked before the transaction at hand
   writes.
   Where it need not be `exact`, which takes a look at all rows, it may tell of pairs that no request has. */
typedef bool sq_take_project(void *state, const char *organization, const char *project, sq_error *error);
bool sq_lookup_projects(sq_store *store, const char *organization, const char *project, bool exact, sq_take_project *take, void *state, sq_error *error);
/* They append "organization\0name\0" of the project. */
bool sq_store_create_project(sq_store *store, const char *json, size_t length, sq_text *out, sq_error *error);
bool sq_store_update_project(sq_store *store, const char *organization, const char *id, const char *json, size_t length, sq_text *out, sq_error *error);

/* Which requests have feedback. Start from {0}, read in the transaction in which it is asked, free in the end. Too many
   are not known: then any may have. */
typedef struct sq_feedback_ids {
  bool known;
  uint64_t *places; /* hashes of ids; a false hit is possible */
  size_t count, capacity;
} sq_feedback_ids;

bool sq_feedback_ids_read(sq_store *store, sq_feedback_ids *ids, sq_error *error);
bool sq_feedback_ids_may_have(const sq_feedback_ids *ids, const char *id, size_t length);
void sq_feedback_ids_free(sq_feedback_ids *ids);
/* Adds the feedback of one request. */
bool sq_store_add_feedback(sq_store *store, const char *organization, size_t organization_length, const char *project, size_t project_length,
                           const char *request_id, size_t request_id_length, sq_statistics *into, sq_error *error);

#endif
