/* Bodies as documents. sq_member(document, name) is the JSON text of a member of the object that the document is. The
   table sq_entries(document) has its leaves: by `key`, the names on the way to it with dots between, in which places
   in arrays do not count; `value`, its JSON text. Nulls are absent, and so are leaves that no name leads to. What is
   no JSON as a whole has neither members nor entries. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "store/sqlite.h"

/* -------------------------------------------------------------------------------------------------- members */

typedef struct piece {
  const char *text;
  size_t length;
} piece;

/* At the token of a value: reads on to its end. */
static piece rest_of_value(sq_json *reader, sq_token token, const char *from) {
  if (token == SQ_TOKEN_OBJECT || token == SQ_TOKEN_ARRAY) sq_json_skip(reader);
  return (piece){from, (size_t)(reader->at - from)};
}

/* The last of several members of one name counts. */
static piece find_member(const char *json, size_t length, const char *name, size_t name_length) {
  sq_json reader;
  sq_token token;
  piece found = {NULL, 0};
  sq_json_begin(&reader, json, length);
  if (sq_json_next(&reader) != SQ_TOKEN_OBJECT) return found;
  while ((token = sq_json_next(&reader)) == SQ_TOKEN_KEY) {
    bool match = sq_json_token_is(&reader, name, name_length);
    const char *from = sq_json_value_start(&reader);
    piece value = rest_of_value(&reader, sq_json_next(&reader), from);
    if (match) found = value;
  }
  bool whole = token == SQ_TOKEN_OBJECT_END && sq_json_next(&reader) == SQ_TOKEN_END;
  return whole ? found : (piece){NULL, 0};
}

void sq_document_member(sqlite3_context *c, int count, sqlite3_value **a) {
  (void)count;
  if (sqlite3_value_type(a[0]) == SQLITE_NULL || sqlite3_value_type(a[1]) == SQLITE_NULL) return;
  const char *json = (const char *)sqlite3_value_text(a[0]), *name = (const char *)sqlite3_value_text(a[1]);
  if (!json || !name) {
    sqlite3_result_error_nomem(c);
    return;
  }
  piece found = find_member(json, (size_t)sqlite3_value_bytes(a[0]), name, (size_t)sqlite3_value_bytes(a[1]));
  if (found.text) sqlite3_result_text64(c, found.text, found.length, SQLITE_TRANSIENT, SQLITE_UTF8);
}

/* -------------------------------------------------------------------------------------------------- entries */

typedef struct entry {
  size_t key, key_length;    /* in `texts` */
  size_t value, value_length;
} entry;

/* The entries of one document. */
typedef struct cursor {
  sqlite3_vtab_cursor base;
  sq_text texts, path;
  entry *entries;
  size_t count, capacity, at;
} cursor;

static bool add_entry(cursor *e, piece value) {
  if (e->count == e->capacity) {
    size_t capacity = e->capacity ? e->capacity * 2 : 32;
    entry *entries = realloc(e->entries, capacity * sizeof *entries);
    if (!entries) return false;
    e->entries = entries;
    e->capacity = capacity;
  }
  e->entries[e->count++] = (entry){e->texts.length, e->path.length, e->texts.length + e->path.length, value.length};
  sq_text_append(&e->texts, e->path.data ? e->path.data : "", e->path.length);
  sq_text_append(&e->texts, value.text, value.length);
  return !e->texts.failed;
}

/* Puts a name behind the first `length` bytes of the path. */
static bool step_into(cursor *e, const sq_json *reader, size_t length, bool inside) {
  e->path.length = length;
  if (inside) sq_text_byte(&e->path, '.');
  if (!sq_text_reserve(&e->path, reader->length)) return false;
  char *to = e->path.data + e->path.length;
  if (reader->escaped) e->path.length += sq_json_unescape(reader->token, reader->length, to);
  else sq_text_append(&e->path, reader->token, reader->length);
  return !e->path.failed;
}

/* What the path is at each level that is open. */
typedef struct level {
  size_t length;
  bool named; /* some name leads here */
  bool array;
} level;

/* The token of a leaf, quotes and all. */
static piece leaf_of(const sq_json *reader, sq_token token) {
  if (token == SQ_TOKEN_NUMBER) return (piece){reader->token, reader->length};
  if (token == SQ_TOKEN_STRING) return (piece){reader->token - 1, reader->length + 2};
  size_t length = token == SQ_TOKEN_TRUE ? strlen("true") : strlen("false");
  return (piece){reader->at - length, length};
}

/* Reads the whole document. 1, 0 when it is no JSON, -1 when memory ended. */
static int flatten(cursor *e, const char *json, size_t length) {
  level levels[SQ_JSON_DEPTH + 1] = {{0, false, true}};
  size_t depth = 0;
  bool named = false; /* some name leads to the value that comes next */
  sq_json reader;
  sq_json_begin(&reader, json, length);
  for (;;) {
    sq_token token = sq_json_next(&reader);
    switch (token) {
      case SQ_TOKEN_ERROR: return 0;
      case SQ_TOKEN_END: return 1;
      case SQ_TOKEN_KEY:
        if (!step_into(e, &reader, levels[depth].length, levels[depth].named)) return -1;
        named = true;
        break;
      case SQ_TOKEN_OBJECT:
      case SQ_TOKEN_ARRAY: levels[++depth] = (level){e->path.length, named, token == SQ_TOKEN_ARRAY}; break;
      case SQ_TOKEN_OBJECT_END:
      case SQ_TOKEN_ARRAY_END: depth--; break;
      case SQ_TOKEN_NULL: break;
      default:
        if (named && !add_entry(e, leaf_of(&reader, token))) return -1;
    }
    if (token != SQ_TOKEN_KEY && levels[depth].array) { /* the next element has its array's path */
      e->path.length = levels[depth].length;
      named = levels[depth].named;
    }
  }
}

/* ---------------------------------------------------------------------------------------------- the table */

enum { COLUMN_KEY, COLUMN_VALUE, COLUMN_DOCUMENT };

static int connect(sqlite3 *db, void *aux, int count, const char *const *arguments, sqlite3_vtab **out, char **message) {
  (void)aux, (void)count, (void)arguments, (void)message;
  int code = sqlite3_declare_vtab(db, "CREATE TABLE sq_entries(key TEXT, value TEXT, document HIDDEN)");
  if (code != SQLITE_OK) return code;
  sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
  *out = sqlite3_malloc(sizeof **out);
  if (!*out) return SQLITE_NOMEM;
  **out = (sqlite3_vtab){0};
  return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *table) {
  sqlite3_free(table);
  return SQLITE_OK;
}

static int best_index(sqlite3_vtab *table, sqlite3_index_info *info) {
  (void)table;
  for (int i = 0; i < info->nConstraint; i++) {
    if (info->aConstraint[i].iColumn != COLUMN_DOCUMENT || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
    if (!info->aConstraint[i].usable) return SQLITE_CONSTRAINT;
    info->aConstraintUsage[i].argvIndex = 1;
    info->aConstraintUsage[i].omit = 1;
    info->estimatedCost = 1;
    info->estimatedRows = 32;
    return SQLITE_OK;
  }
  return SQLITE_CONSTRAINT;
}

static int open_cursor(sqlite3_vtab *table, sqlite3_vtab_cursor **out) {
  (void)table;
  cursor *e = calloc(1, sizeof *e);
  *out = e ? &e->base : NULL;
  return e ? SQLITE_OK : SQLITE_NOMEM;
}

static int close_cursor(sqlite3_vtab_cursor *base) {
  cursor *e = (cursor *)base;
  sq_text_free(&e->texts);
  sq_text_free(&e->path);
  free(e->entries);
  free(e);
  return SQLITE_OK;
}

static int filter(sqlite3_vtab_cursor *base, int number, const char *name, int count, sqlite3_value **a) {
  (void)number, (void)name, (void)count;
  cursor *e = (cursor *)base;
  e->at = e->count = 0;
  sq_text_clear(&e->texts);
  sq_text_clear(&e->path);
  if (sqlite3_value_type(a[0]) == SQLITE_NULL) return SQLITE_OK;
  const char *json = (const char *)sqlite3_value_text(a[0]);
  int flat = json ? flatten(e, json, (size_t)sqlite3_value_bytes(a[0])) : -1;
  if (flat == 0) e->count = 0;
  return flat < 0 ? SQLITE_NOMEM : SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *base) {
  ((cursor *)base)->at++;
  return SQLITE_OK;
}

static int is_behind(sqlite3_vtab_cursor *base) { return ((cursor *)base)->at >= ((cursor *)base)->count; }

static int column(sqlite3_vtab_cursor *base, sqlite3_context *c, int which) {
  const cursor *e = (cursor *)base;
  const entry *one = &e->entries[e->at];
  if (which == COLUMN_KEY) sqlite3_result_text64(c, e->texts.data + one->key, one->key_length, SQLITE_TRANSIENT, SQLITE_UTF8);
  if (which == COLUMN_VALUE) sqlite3_result_text64(c, e->texts.data + one->value, one->value_length, SQLITE_TRANSIENT, SQLITE_UTF8);
  return SQLITE_OK;
}

static int row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  *out = (sqlite3_int64)((cursor *)base)->at;
  return SQLITE_OK;
}

static const sqlite3_module module = {.xConnect = connect, .xBestIndex = best_index, .xDisconnect = disconnect, .xOpen = open_cursor,
                                      .xClose = close_cursor, .xFilter = filter, .xNext = next, .xEof = is_behind,
                                      .xColumn = column, .xRowid = row_id};

bool sq_register_entries(sq_store *store) { return sqlite3_create_module_v2(store->db, "sq_entries", &module, NULL, NULL) == SQLITE_OK; }
