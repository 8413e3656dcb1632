/* Page cursors: where a page ended, as text that belongs to one query. */
#ifndef SQ_QUERY_CURSOR_H
#define SQ_QUERY_CURSOR_H

#include "sql/sql.h"

/* 64 bits that stand for the query and the scope it runs in (not for its limit and offset). */
bool sq_cursor_stamp(const sq_query *query, const sq_scope *scope, uint64_t *out, sq_error *error);
/* The cursor behind a row of these values, as a new terminated text for free(); NULL when memory ended. */
char *sq_cursor_write(uint64_t stamp, const sq_value *values, size_t count);
/* Reads a cursor back: `count` values, whose texts are in the arena. Fails when it is damaged or of another
   query. */
bool sq_cursor_read(const char *text, size_t length, uint64_t stamp, sq_arena *arena, sq_value *values, size_t count,
                    sq_error *error);

#endif
