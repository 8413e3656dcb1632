/* The store's own view of itself. */
#ifndef SQ_STORE_SQLITE_H
#define SQ_STORE_SQLITE_H

#include <sqlite3.h>
#include <sys/types.h>

#include "store/store.h"

#define SQ_APPLICATION_ID 0x73657371 /* "sesq" */
#define SQ_SCHEMA_VERSION 4

/* Statements that a handle keeps prepared. */
typedef enum sq_cached {
  SQ_BEGIN,
  SQ_COMMIT,
  SQ_ROLLBACK,
  SQ_READ_VERSION,
  SQ_READ_SCHEMA,
  SQ_READ_MANIFEST,
  SQ_READ_CHANGES,
  SQ_READ_SIDES,
  SQ_READ_FEEDBACK,
  SQ_READ_NEW_IDS,
  SQ_READ_CHANGED_IDS,
  SQ_READ_ID,
  SQ_READ_HASHES,
  SQ_WRITE_HASHES,
  SQ_DROP_HASHES,
  SQ_NOTE_CHANGE,
  SQ_INSERT_BODY,
  SQ_DELETE_REQUEST,
  SQ_DELETE_BODY,
  SQ_FIND_FEEDBACK,
  SQ_INSERT_FEEDBACK,
  SQ_FIND_KEY,
  SQ_READ_PARENT,
  SQ_READ_HELD_ANY,
  SQ_HOLD_PATCH,
  SQ_READ_HELD,
  SQ_DROP_HELD,
  SQ_CACHED_COUNT
} sq_cached;

#define SQ_IDLE 16
#define SQ_INSERT_GROUP 16 /* rows of one INSERT: what a statement costs by itself, its look-up of the last seq too, is shared */

struct sq_store {
  sqlite3 *db;
  char *path, *organization, *project;
  char *opened_organization, *opened_project; /* the scope it was opened for; the one above may be narrower */
  bool readonly, relaxed, memory;
  bool uninterrupted; /* the deadline does not end what runs */
  struct sq_held *held; /* this file in the table of this process; NULL: in memory */
  unsigned cache_turn, cache_kb; /* of SQLite's pages: its share, when it was told last; 0: not yet */
  int64_t timeout_us; /* 0: none */
  int64_t deadline;   /* of this call, monotonic microseconds; 0: none */
  int64_t lock_deadline; /* of this wait for a lock, when the call has none */
  pid_t owner;
  sq_engine engine;
  bool plain_columns, plain_kernels;
  uint32_t segment_rows;
  bool has_words;          /* SQLite has FTS5, and knows our words */
  bool seals;              /* adding rows seals them by and by */
  struct sq_index *index;  /* the column index of this file, shared by the process; NULL until it is asked for */
  struct sq_ids *ids;      /* which request has an id, once one was looked for */
  bool ids_are_current;    /* in the transaction at hand */
  struct sq_fresh *fresh;  /* rows of an import that are to be sealed, or NULL */
  struct sq_version *kept; /* the state this handle saw last, where it is not the newest, or the handle sees no other */
  bool is_snapshot;        /* sees one state until it is closed */
  sqlite3_stmt *cached[SQ_CACHED_COUNT];
  sqlite3_stmt *idle[SQ_IDLE]; /* of questions asked, by turns */
  unsigned next_idle;
  sqlite3_stmt *inserts[2];  /* of one request, and of a group of them */
  uint64_t insert_columns;   /* those that a request had so far: an absent one costs as much */
};

/* --- statement.c */
/* Says what SQLite said. Always false. */
bool sq_sqlite_fail(const sq_store *store, int code, sq_error *error);
bool sq_execute(sq_store *store, const char *sql, sq_error *error);
/* The prepared statement, reset and without values; NULL after an error. */
sqlite3_stmt *sq_prepared(sq_store *store, sq_cached which, sq_error *error);
/* The same for the INSERT of a request, or a group, of these columns (sq_given_columns); store->insert_columns are
   those it has. */
sqlite3_stmt *sq_prepared_insert(sq_store *store, uint64_t given, bool group, sq_error *error);
void sq_forget_inserts(sq_store *store);
/* Runs a statement that gives no rows, and resets it. */
bool sq_step_done(sq_store *store, sqlite3_stmt *statement, sq_error *error);
/* Prepares a statement for one use; NULL after an error. */
sqlite3_stmt *sq_prepare(sq_store *store, const char *sql, sq_error *error);
/* The same, perhaps one that was given back before; it is to be given back in its turn. */
sqlite3_stmt *sq_borrow(sq_store *store, const char *sql, sq_error *error);
void sq_give_back(sq_store *store, sqlite3_stmt *statement);
/* The one integer a query gives; 0 when it gives no row. */
bool sq_query_integer(sq_store *store, const char *sql, int64_t *out, sq_error *error);
void sq_bind_value(sqlite3_stmt *statement, int index, const sq_value *value);
static inline void sq_bind_terminated(sqlite3_stmt *statement, int index, const char *text) {
  if (text) sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
  else sqlite3_bind_null(statement, index);
}
/* A row's text, which is SQLite's until the next step; SQ_NULL where there is none. */
sq_value sq_row_text(sqlite3_stmt *row, int column);
/* Appends a time of a row as a member of an object that has some before it, in seconds; nothing where it is NULL. */
void sq_write_row_time(sqlite3_stmt *row, int column, const char *name, sq_text *out);

/* --- process.c: the files that this process holds open. */
/* Notes the file at `path`. Fails when this process was forked from one that had it open: SQLite's table of
   file locks was copied with it, and would take the parent's locks for its own. */
bool sq_hold_file(sq_store *store, sq_error *error);
void sq_let_file_go(sq_store *store);
/* Which file the handle has open; false: none that has a name. */
bool sq_held_file(const sq_store *store, uint64_t *device, uint64_t *inode);
/* How many handles of this process have the file open. It may be another number when the turn is another. */
unsigned sq_held_count(const sq_store *store);
unsigned sq_held_turn(void);

/* --- target.c */
/* The narrower of what the handle (`scope`) and the caller say, NULL for all; false when they contradict. */
bool sq_narrow(const char *scope, const char *wanted, const char **out, const char *what, sq_error *error);
/* The same of a target's organization and project. */
bool sq_narrow_owner(const sq_store *store, const sq_target *target, const char **organization, const char **project, sq_error *error);
/* Whether a target is a project itself, and which one: as sq_find_owner, but nothing is looked up. */
bool sq_target_is_project(const sq_target *target);
bool sq_project_owner(const sq_store *store, const sq_target *target, sq_text *out, sq_error *error);
/* The one organization and project that hold the target, as sq_store_resolve tells them. `remains`: what is
   left of a session counts too, when its requests are gone. */
bool sq_find_owner(sq_store *store, const sq_target *target, bool remains, sq_text *out, sq_error *error);

/* --- transaction.c: BEGIN IMMEDIATE, with the version checked again; COMMIT or, after an error, ROLLBACK. */
bool sq_begin_write(sq_store *store, sq_error *error);
bool sq_fail_readonly(const sq_store *store, sq_error *error);
/* Ends a transaction that only reads, where there is one. */
bool sq_end_read(sq_store *store, sq_error *error);
/* Ends what sq_begin_write began: commits when `good`. Returns whether it is committed. */
bool sq_end_write(sq_store *store, bool good, sq_error *error);

/* --- schema.c */
/* The schema version of the file just opened, 0 of an empty one. Fails when it is not ours, too new, or too
   old for a reader. */
bool sq_schema_check(sq_store *store, int64_t *version, sq_error *error);
/* Brings it to this version, and makes it in an empty file. */
bool sq_schema_migrate(sq_store *store, int64_t version, sq_error *error);

/* --- functions.c */
bool sq_register_functions(sq_store *store);
/* --- document.c: SQL functions on documents, and the table sq_entries */
void sq_document_member(sqlite3_context *context, int count, sqlite3_value **arguments);
bool sq_register_entries(sq_store *store);
/* --- enclosing.c: the SQL function */
void sq_enclosing(sqlite3_context *context, int count, sqlite3_value **arguments);

#endif
