/* Projects: what is known of them beside their requests. The table has a row for each that was created or updated.

   A row whose created_at_us is NULL is a reservation: it says no more than which id a name has. There is one where the
   id that is made of the name belongs to another project, which was renamed; there is a project of that name only
   where requests are. */
#ifndef SQ_STORE_PROJECT_H
#define SQ_STORE_PROJECT_H

#include "base/arena.h"
#include "store/sqlite.h"

/* MEMBER(enumerator, name as JSON has it, column, what it holds), in the order in which they are written. */
#define SQ_PROJECT_MEMBERS(MEMBER) \
  MEMBER(ORGANIZATION, "organization_id", "organization_id", TEXT) \
  MEMBER(NAME, "name", "name", TEXT) \
  MEMBER(ID, "id", "id", UUID) \
  MEMBER(DESCRIPTION, "description", "description", TEXT) \
  MEMBER(START_TIME, "start_time", "start_time_us", TIME) \
  MEMBER(END_TIME, "end_time", "end_time_us", TIME) \
  MEMBER(DEFAULT_DATASET, "default_dataset_id", "default_dataset_id", UUID) \
  MEMBER(REFERENCE_DATASET, "reference_dataset_id", "reference_dataset_id", UUID) \
  MEMBER(TRACE_TIER, "trace_tier", "trace_tier", TIER) \
  MEMBER(EXTRA, "extra", "extra", OBJECT) \
  MEMBER(TAG_VALUES, "tag_value_ids", "tag_value_ids", UUIDS)

typedef enum sq_project_member {
#define PROJECT_MEMBER(id, name, column, holds) SQ_P_##id,
  SQ_PROJECT_MEMBERS(PROJECT_MEMBER)
#undef PROJECT_MEMBER
  SQ_P_COUNT,
  SQ_P_FIRST_FREE = SQ_P_DESCRIPTION, /* what may change without another row's leave */
} sq_project_member;

/* --- project_record.c */

/* The name of a member as SQL's column. */
const char *sq_project_column(sq_project_member member);

/* What a JSON object says of a project. Start from {0}. */
typedef struct sq_project_record {
  sq_arena arena;
  sq_text room;
  sq_value values[SQ_P_COUNT]; /* as the columns hold them; null is NULL */
  bool given[SQ_P_COUNT];
} sq_project_record;

/* Reads and checks it. The text must live as long as the record. */
bool sq_project_read(sq_project_record *record, const char *json, size_t length, sq_error *error);
void sq_project_record_free(sq_project_record *record);
/* Appends the members from number SQ_P_FIRST_FREE on of a row whose columns from `column` on hold them, and created_at
   behind them, as JSON members with a comma before each. */
bool sq_project_write(sqlite3_stmt *row, int column, sq_text *out);

/* --- project.c */

/* An id as the table has it. False: it is no UUID, so no project has it. */
bool sq_project_normal_id(const char *id, char out[37], sq_error *error);
/* Which project has this id, a normal one, within the organization (NULL: any) and the handle's scope: "organization\0name\0". To be
   asked before the transaction at hand writes. */
bool sq_project_find(sq_store *store, const char *organization, const char *id, sq_text *out, sq_error *error);
/* After a project's requests are gone: makes the row of it (organization NULL: of every one's of this name) none, and
   drops the reservations that reserve nothing any more. */
bool sq_project_drop(sq_store *store, const char *organization, const char *name, int64_t *dropped, sq_error *error);

#endif
