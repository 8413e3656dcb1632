/* What the files of the store share, and what query/ asks of it. The only room that knows SQLite. */
#ifndef SQ_STORE_STORE_H
#define SQ_STORE_STORE_H

#include "base/text.h"
#include "catalog/catalog.h"

/* --- for query/ */

/* The handle's organization and project, NULL for all. */
const char *sq_store_organization(const sq_store *store);
const char *sq_store_project(const sq_store *store);

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

#endif
