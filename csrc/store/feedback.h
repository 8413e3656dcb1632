/* Feedback as JSON: alone, or as records bring it along. */
#ifndef SQ_STORE_FEEDBACK_H
#define SQ_STORE_FEEDBACK_H

#include "base/arena.h"
#include "store/store.h"

typedef struct sq_entry {
  sq_value key, score, value, comment, source, uuid, extra; /* score, value and extra: JSON text */
  int64_t created_at;
  unsigned given; /* the members that were named, a bit each */
} sq_entry;

typedef struct sq_entries {
  sq_entry *items;
  size_t count, capacity;
} sq_entries;

/* Reads one entry of JSON, {key, score, value, comment, source, uuid, extra, created_at}, into `entry`, whose created_at
   stays as it is when the text brings none. It points into the text and the arena. */
bool sq_entry_read(sq_entry *entry, sq_arena *arena, const char *json, size_t length, sq_error *error);
/* Reads an array of them that stands in `line`, where errors have their place. `otherwise`: the time of an
   entry that brings none. */
bool sq_entries_read(sq_entries *entries, sq_arena *arena, const char *line, const char *json, size_t length, int64_t otherwise,
                     sq_error *error);
/* Notes that the request with this seq changed, or its scores, or that it goes: whoever writes so has to. The triggers
   do it for plain SQL, where they look for the request of a row of feedback among all, and cost as much as the row. */
bool sq_note_change(sq_store *store, int64_t seq, sq_error *error);
/* Stores one, of a request (id: request_id or NULL, organization, project), whose change is the caller's to note,
   or of a session. */
bool sq_entry_insert(sq_store *store, const sq_entry *entry, const sq_value *const id[3], const char *session,
                     sq_error *error);
/* Takes a row of feedback away, and notes the change of its request. */
bool sq_feedback_remove(sq_store *store, int64_t row, sq_error *error);
/* Notes the changes of the request that feedback is of, wherever it is stored; of none, nothing. */
bool sq_note_owner(sq_store *store, const sq_value *const id[3], sq_error *error);
/* Stores them for the request with this seq; one that is there already, the same in all its members, is not doubled. */
bool sq_entries_put(sq_store *store, const sq_entries *entries, int64_t seq, const sq_value *request_id,
                    const sq_value *organization, const sq_value *project, sq_error *error);

#endif
