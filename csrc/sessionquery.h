/*
 * sessionquery: session analytics for LLM traffic, as a C library.
 *
 * This header is the whole public C API. It knows no Lua, no SQLite, no cJSON. Its sections, in order:
 *   errors; memory, text, values; JSON and UTF-8;
 *   catalogue; filters; queries;
 *   stores; records in and out; ids; feedback, tags, metadata; deletion; projects; keys;
 *   answers.
 *
 * Conventions
 *   - A function that can fail returns bool, a pointer (NULL on failure) or a count (-1 on failure),
 *     and then fills the caller's sq_error. The first error sticks: an sq_error that already holds one
 *     is not overwritten. Initialize it with `sq_error error = {0};`.
 *   - Text is UTF-8 with a length; it needs no terminator unless the name says so.
 *   - Times are microseconds since 1970-01-01T00:00:00Z, money is nano-dollars, both as int64_t.
 *   - Nothing here is global. A filter or query may be read by any number of threads at once; a store
 *     handle belongs to one thread at a time and to the process that opened it.
 */
#ifndef SESSIONQUERY_H
#define SESSIONQUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SQ_VERSION "0.1.0"

/* ---------------------------------------------------------------------------------------------- errors */

/* CODE(enumerator, name as Lua and JSON see it, HTTP status of an answer, what it means) */
#define SQ_CODES(CODE) \
  CODE(NO_MEMORY, "no_memory", 500, "memory ended") \
  CODE(SYNTAX, "syntax", 400, "the text is not of its language") \
  CODE(UNKNOWN, "unknown", 400, "a name that nobody knows: field, operator, table, key, dialect") \
  CODE(TYPE, "type", 400, "a value or field of the wrong type") \
  CODE(VALUE, "value", 400, "a value out of its range or malformed") \
  CODE(MISSING, "missing", 400, "a required member is not there") \
  CODE(LIMIT, "limit", 400, "too deep, too long or too many") \
  CODE(LEVEL, "level", 400, "a session field where requests are asked about, or the other way round") \
  CODE(UNSAID, "unsaid", 400, "a filter, or a part of one, that a dialect cannot say") \
  CODE(CURSOR, "cursor", 400, "a page cursor that is damaged or belongs to another query") \
  CODE(UNAUTHORIZED, "unauthorized", 401, "no key of this store, or one that was revoked") \
  CODE(FORBIDDEN, "forbidden", 403, "outside the handle's organization or project") \
  CODE(READONLY, "readonly", 500, "a read-only handle cannot write") \
  CODE(NOT_FOUND, "not_found", 404, "no such request, session or file") \
  CODE(AMBIGUOUS, "ambiguous", 400, "an id that names more than one request or session") \
  CODE(CONFLICT, "conflict", 409, "there is one of this name or id already") \
  CODE(BUSY, "busy", 503, "another process held the lock for longer than timeout_ms") \
  CODE(TIMEOUT, "timeout", 503, "the call took longer than timeout_ms") \
  CODE(VERSION, "version", 500, "not a store of ours, or one written by a newer version") \
  CODE(FULL, "full", 500, "the disk is full") \
  CODE(CLOSED, "closed", 500, "the handle is closed; or the store was open when this process was forked, or its file was moved") \
  CODE(STORE, "store", 500, "the storage failed: input/output, damage, permissions")

typedef enum sq_code {
  SQ_OK,
#define SQ_CODE_ENUM(id, name, status, meaning) SQ_E_##id,
  SQ_CODES(SQ_CODE_ENUM)
#undef SQ_CODE_ENUM
} sq_code;

typedef struct sq_error {
  sq_code code;      /* SQ_OK: no error */
  bool placed;       /* offset and length are set */
  size_t offset;     /* bytes from the start of the source */
  size_t length;     /* bytes; 0 at the source's end */
  char pointer[1024]; /* JSON pointer (RFC 6901) of the place; "" when there is none, or none that fits */
  char message[640]; /* one sentence, valid UTF-8; may be followed by "\n" and lines that show the place */
} sq_error;

/* "unknown" for SQ_E_UNKNOWN and so on; "ok" for SQ_OK. NULL past the last. Static storage. */
const char *sq_code_name(sq_code code);
/* What the code means, as a phrase. */
const char *sq_code_meaning(sq_code code);
/* The HTTP status of an answer that it makes an error. */
int sq_code_status(sq_code code);

/* -------------------------------------------------------------------------------- memory, text, values */

/* Where memory comes from: resize(state, NULL, 0, n) allocates, (…, 0) frees, NULL = failure.
   NULL instead of an allocator means the C library's. It must outlive all that was made with it. */
typedef struct sq_allocator {
  void *(*resize)(void *state, void *block, size_t old_size, size_t new_size);
  void *state;
} sq_allocator;

/* A growing text. Start from {0}; `data` is terminated once anything was written, and belongs to the
   text until sq_text_free. `failed` is set when memory ended; what was written before stays readable. */
typedef struct sq_text {
  char *data;
  size_t length, capacity;
  const sq_allocator *allocator;
  bool failed;
} sq_text;

void sq_text_free(sq_text *text);

/* One value, in or out. */
typedef enum sq_kind {
  SQ_NULL,
  SQ_BOOLEAN,
  SQ_INTEGER,
  SQ_REAL,
  SQ_STRING,
  SQ_NUMBER, /* in only: a decimal number as text, of any precision */
  SQ_JSON,   /* out only: a list or map as JSON text; read it with sq_json_next */
} sq_kind;

typedef struct sq_value {
  sq_kind kind;
  uint32_t length; /* of text */
  union {
    bool boolean;
    int64_t integer;
    double real;
    const char *text; /* STRING, NUMBER, JSON */
  };
} sq_value;

/* Seconds as a decimal number, or RFC 3339 text (a bare date is 00:00 UTC, no zone is UTC), to
   microseconds, rounded to the nearest. False with an error when it is neither. */
bool sq_time_parse(const sq_value *value, int64_t *micros, sq_error *error);

/* Writes RFC 3339 at an offset of `offset_minutes` from UTC with `digits` fraction digits (0, 3 or 6;
   -1: as few of these as keep the value). Returns the length, at most 40, of the terminated text. */
size_t sq_time_format(int64_t micros, int offset_minutes, int digits, char out[48]);

/* The double nearest to a decimal number in JSON's grammar; NaN when it is none. Free of locales. */
double sq_number_parse(const char *text, size_t length);

/* Shortest decimal text that reads back as the same double; "1", not "1.0". Returns its length. */
size_t sq_number_format(double number, char out[32]);

/* -------------------------------------------------------------------------------------- JSON and UTF-8 */

typedef enum sq_token {
  SQ_TOKEN_ERROR, /* not JSON: see the reader's `error` and `at` */
  SQ_TOKEN_END,
  SQ_TOKEN_OBJECT,
  SQ_TOKEN_OBJECT_END,
  SQ_TOKEN_ARRAY,
  SQ_TOKEN_ARRAY_END,
  SQ_TOKEN_KEY,
  SQ_TOKEN_STRING,
  SQ_TOKEN_NUMBER,
  SQ_TOKEN_TRUE,
  SQ_TOKEN_FALSE,
  SQ_TOKEN_NULL,
} sq_token;

#define SQ_JSON_DEPTH 128

/* A strict pull reader over one JSON text (RFC 8259, UTF-8, no U+0000, at most SQ_JSON_DEPTH deep).
   It allocates nothing and copies nothing. */
typedef struct sq_json {
  const char *start, *at, *end;
  const char *token;   /* of KEY and STRING: between the quotes; of NUMBER: the number */
  size_t length;
  bool escaped;        /* the string holds backslashes: read it with sq_json_unescape */
  const char *error;   /* static sentence */
  sq_code code;
  unsigned depth;
  uint64_t objects[SQ_JSON_DEPTH / 64]; /* bit d: level d is an object */
  unsigned char expects;
} sq_json;

void sq_json_begin(sq_json *reader, const char *text, size_t length);
sq_token sq_json_next(sq_json *reader);

/* Writes the string's real bytes (at most `length` of the token) to `out`; returns how many. */
size_t sq_json_unescape(const char *token, size_t length, char *out);

/* Where JSON text stands that comes in pieces. Nothing is checked: it is for dividing what others will read. */
typedef struct sq_skim {
  uint64_t depth; /* brackets that are open; begin behind the outermost one, with 1 */
  bool in_string, escaped;
} sq_skim;

/* Passes on to the next mark of the outermost level, and gives its offset: a comma, the quote that ends a string, or
   the bracket that closes it all (depth is 0 then). `length` when there is none. */
size_t sq_json_skim(sq_skim *state, const char *text, size_t length);

/* Appends a JSON string with its quotes. Invalid UTF-8 becomes U+FFFD. */
void sq_json_write_string(sq_text *out, const char *text, size_t length);
/* Whether the text is UTF-8 (no surrogates, no overlong forms). NUL is a character of it. */
bool sq_utf8_is_valid(const char *text, size_t length);
/* Columns of a terminal that a text takes: 2 for wide characters, 0 for combining ones. */
size_t sq_utf8_width(const char *text, size_t length);
/* Makes a record's JSON readable: where it holds invalid UTF-8, NUL, the escape \u0000 or half of a surrogate
   pair, `*json` becomes a copy in `room` with U+FFFD there, and `*repaired` true. */
bool sq_json_repair(const char **json, size_t *length, sq_text *room, bool *repaired, sq_error *error);
/* Appends bytes as they are. */
void sq_text_append(sq_text *out, const char *bytes, size_t length);

/* ------------------------------------------------------------------------------------------- catalogue */

/* Its texts are static. */
typedef struct sq_field_info {
  const char *name;     /* canonical: "latency_ms", "session.total_cost_usd", "properties" */
  const char *type;     /* "text", "integer", "time", … */
  const char *level;    /* "request", "session", "entry" */
  const char *help;
  bool always;          /* never absent */
  bool members;         /* a map or document: "properties.env" asks about one of its members */
  bool recorded;        /* add and import take it */
} sq_field_info;

/* The catalogue row number `index` from 0, false past the end. */
bool sq_field_at(size_t index, sq_field_info *out);

/* Looks a dotted name up ("properties.env" finds "properties"); an error names the nearest known one. */
bool sq_field_find(const char *name, size_t length, sq_field_info *out, sq_error *error);

/* "Did you mean": start from {name, length}, offer every known name, read `best` (NULL: none is near). */
typedef struct sq_nearest {
  const char *name;
  size_t length;
  const char *best; /* one of the candidates */
  size_t distance;
} sq_nearest;

void sq_nearest_offer(sq_nearest *search, const char *candidate);

/* --------------------------------------------------------------------------------------------- filters */

typedef struct sq_filter sq_filter;

/* The name of dialect number `index` from 0, NULL past the last. Static storage. */
const char *sq_dialect_at(size_t index);

typedef struct sq_filter_options {
  bool strict; /* refuse what we added to the vendor's language, as the vendor's service would */
} sq_filter_options;

/* Compiles source text of a dialect ("freeplay", "helicone", "langsmith", "langsmith-projects", "where"). NULL options: none
   of them. The filter belongs to the caller. */
sq_filter *sq_filter_compile(const char *dialect, const char *source, size_t length, const sq_filter_options *options,
                             const sq_allocator *allocator, sq_error *error);

/* One comparison: a field by its canonical name (key: member of a map, or NULL), an operator ("eq", "ne",
   "gt", "gte", "lt", "lte", "between", "among", "like", "ilike", "contains", "has", "present", "absent"),
   its values. The arguments are copied. */
sq_filter *sq_filter_compare(const char *field, size_t field_length, const char *key, size_t key_length,
                             const char *operator_name, const sq_value *values, size_t count,
                             const sq_allocator *allocator, sq_error *error);

/* Combines copies of filters: "all", "any" (any number), "not", "some", "every", "root", "in_trace", "enclosing", "enclosed" (one).
   "entry" takes one over entry fields (one entry of the map satisfies it), and the map's name. */
sq_filter *sq_filter_combine(const char *how, const char *map, const sq_filter *const *parts, size_t count,
                             const sq_allocator *allocator, sq_error *error);

/* Requests for a filter about a completion (of "freeplay"): its "completions"; its "traces", the requests around them, and
   those around none that it lets through; its "candidates", completions and traces around none. */
sq_filter *sq_filter_search(const char *what, const sq_filter *of, const sq_allocator *allocator, sq_error *error);

void sq_filter_free(sq_filter *filter);

/* The IR as text, on one line: `rows EXPR keep EXPR`, or `all`. */
bool sq_filter_dump(const sq_filter *filter, sq_text *out, sq_error *error);
/* The tree as it was bound, before it is split in rows and keep. */
bool sq_filter_dump_tree(const sq_filter *filter, sq_text *out, sq_error *error);
/* The filter as source text of a dialect, which compiles to the same tree or, where the dialect has no such form, to
   one that lets the same rows through. When the dialect cannot say all of it: SQ_E_UNSAID, and `unsaid` is a JSON
   array of {"part": the part's tree as text, "reason": text}. */
bool sq_filter_write(const sq_filter *filter, const char *dialect, sq_text *out, sq_text *unsaid, sq_error *error);
/* The SQL conditions with their numbered parameters and bound values. Target: "sqlite". */
bool sq_filter_sql(const sq_filter *filter, const char *target, sq_text *out, sq_error *error);

/* --------------------------------------------------------------------------------------------- queries */

typedef enum sq_source { SQ_SESSIONS, SQ_REQUESTS, SQ_GROUPS } sq_source;

typedef struct sq_group_key {
  const char *name; /* field ("model"), map member ("properties.env"), or hour, day, week, month */
  size_t length;
  int offset_minutes; /* of a time bucket, from UTC */
} sq_group_key;

#define SQ_MAX_KEYS 3

/* A query to build. Zero it first; what is left zero is the default. Everything is copied. */
typedef struct sq_query_spec {
  sq_source source;
  const sq_filter *const *filters; /* all must hold */
  size_t filter_count;
  sq_group_key keys[SQ_MAX_KEYS]; /* SQ_GROUPS only */
  size_t key_count;
  const char *order; /* field name, "-" before it: descending; NULL: the source's default */
  size_t order_length;
  bool limited; /* limit is set */
  int64_t limit, offset;
  const char *after; /* a cursor from sq_rows_next, or NULL */
  size_t after_length;
  bool bodies; /* SQ_REQUESTS: with request_body and response_body */
  const char *const *fields; /* what rows show beside their keys, terminated names; NULL: all there is */
  size_t field_count;
} sq_query_spec;

typedef struct sq_query sq_query;

/* Builds an immutable query. Fails when a name is unknown or a field is not of the source's level. */
sq_query *sq_query_build(const sq_query_spec *spec, const sq_allocator *allocator, sq_error *error);
/* Compiles the whole request body of a vendor's endpoint: of "helicone" they are "query", "count", "names",
   "metrics"; NULL is the first. */
sq_query *sq_query_compile(const char *dialect, const char *endpoint, const char *body, size_t length,
                           const sq_allocator *allocator, sq_error *error);
void sq_query_free(sq_query *query);

/* ---------------------------------------------------------------------------------------------- stores */

typedef struct sq_store sq_store;

/* Who answers queries: AUTO takes the columns where they can, SQL where they cannot. */
typedef enum sq_engine { SQ_ENGINE_AUTO, SQ_ENGINE_SQL, SQ_ENGINE_COLUMNS } sq_engine;

typedef struct sq_open_options {
  const char *organization; /* NULL: all of them; terminated */
  const char *project;      /* NULL: all of them; terminated */
  bool readonly;
  sq_engine engine;
  bool manual_seal;   /* adding does not seal: sq_store_seal does */
  bool plain_columns; /* for measurements and tests: each row is looked at, neither early end nor fragments */
  bool plain_kernels; /* for measurements and tests: plain C, whatever the processor has */
  uint32_t segment_rows; /* for tests: rows of a segment, 1 to 65,536; 0: 65,536 */
  bool relaxed;       /* synchronous NORMAL: a power cut may lose the last commits, never tear one */
  int64_t timeout_ms; /* of one call, lock waits included; 0: none (locks then wait 10 s) */
} sq_open_options;

/* Opens the store at `path` (made when missing and not readonly; ":memory:" too). The handle belongs to the
   caller, to one thread at a time, and to this process: while it is open, a child must not open the file. */
sq_store *sq_store_open(const char *path, const sq_open_options *options, sq_error *error);
/* Frees everything; safe on NULL and from a forked child, where it releases nothing of the parent's. */
void sq_store_close(sq_store *store);
/* Whether another file, or none, is at the handle's path by now. What it would write nobody would find again, so it writes
   no more, with SQ_E_CLOSED. */
bool sq_store_is_moved(sq_store *store);
/* From now on the handle sees and writes only this organization and project; NULL: as it was opened. Fails, and changes
   nothing, where that would be more than it was opened for. */
bool sq_store_narrow(sq_store *store, const char *organization, const char *project, sq_error *error);
/* The handle's organization and project, NULL for all. */
const char *sq_store_organization(const sq_store *store);
const char *sq_store_project(const sq_store *store);
/* Whether the handle sees one organization only. */
bool sq_store_is_scoped(const sq_store *store);
/* Appends 32 hexadecimal digits that stand for `about` and, where the handle sees every organization, for the state of
   the store: whoever commits a change of requests or feedback changes them. They tell nothing of what they stand for. */
bool sq_store_stamp(sq_store *store, const char *about, size_t length, sq_text *out, sq_error *error);
/* A read-only handle of the same scope that sees the present state until it is closed. It does not need the
   store it came from; while it is open the WAL cannot be written back beyond its state. */
sq_store *sq_store_snapshot(sq_store *store, sq_error *error);
/* Who answers from now on, as in sq_open_options. */
void sq_store_use(sq_store *store, sq_engine engine);
/* Brings the file at `path` to this version's schema, whatever that takes. `from` and `to`, set on success:
   the schema's versions before and after. */
bool sq_store_migrate(const char *path, int *from, int *to, sq_error *error);
/* Moves the rows that are not sealed yet into the column index: all of them, or whole segments only. A seal that
   another process is at already is left to it. */
bool sq_store_seal(sq_store *store, bool whole_segments_only, sq_error *error);
/* After many rows were added: seals what would make the next reader wait, unless sealing is by hand. Never fails; an
   error shows in sq_stats. */
void sq_store_settle(sq_store *store);
/* Makes the column index anew, from the rows. */
bool sq_store_reindex(sq_store *store, sq_error *error);
/* Brings the words index, which `phrase` on bodies asks where it helps, up to all bodies; `anew` begins with an empty one.
   Others read and write between its transactions; what was done before an error stays done. */
typedef struct sq_words_filled {
  int64_t bodies, bytes; /* put into it */
} sq_words_filled;
bool sq_store_index_words(sq_store *store, bool anew, sq_words_filled *filled, sq_error *error);
/* Compares the column index with the rows: every value of every one. What is wrong is the error. `rows`: how many
   were compared. */
bool sq_store_check(sq_store *store, int64_t *rows, sq_error *error);
/* Copies the store to a new file while others use it. Nothing may be at `path`, which appears when the copy
   is whole; the handle must not be narrowed to an organization or project. timeout_ms does not end it. */
bool sq_store_backup(sq_store *store, const char *path, sq_error *error);

/* Whether this process has a store open of which `path` is a file. Such a file must not be opened and closed:
   that would take SQLite's locks away. */
bool sq_path_is_held(const char *path);

typedef struct sq_stats {
  int64_t requests, sessions, without_session, bodies, feedback, organizations, projects;
  int64_t held; /* updates that wait for their requests */
  bool has_requests; /* first and last are set */
  int64_t first_created_at, last_created_at; /* microseconds since 1970 */
  int64_t bytes, wal_bytes; /* of the file, and of its write-ahead log */
  int schema_version;
  int64_t sealed, unsealed, dead; /* rows of the column index; not in it yet; in it, but changed or deleted since */
  int64_t segments, index_bytes;
  char index_state[96];           /* why the column index does not answer; "" when it does */
  char last_error[256];           /* of sealing, in this process; "": none */
} sq_stats;

bool sq_store_stats(sq_store *store, sq_stats *stats, sq_error *error);

/* ---------------------------------------------------------------------------------- records in and out */

typedef enum sq_conflict { SQ_REPLACE, SQ_SKIP, SQ_UPDATE } sq_conflict;
typedef enum sq_ingest_mode {
  SQ_INGEST_STRICT,  /* a bad line undoes the whole call, which fails */
  SQ_INGEST_LENIENT, /* a bad line is reported and passed over */
  SQ_INGEST_MERGE,   /* as STRICT, and every line must name a stored request, which it updates */
} sq_ingest_mode;

typedef struct sq_ingest_fault {
  int64_t line; /* number in the input */
  sq_error error;
} sq_ingest_fault;

typedef struct sq_ingest {
  /* in */
  const char *format; /* "canonical", "helicone"; NULL: canonical */
  sq_conflict on_conflict;
  sq_ingest_mode mode;
  int64_t first_line;        /* number of the first line, from 1 */
  uint64_t identity[2];      /* of the input, for the ids of records that bring none; 0,0: make UUIDv7s */
  bool new_ids;              /* whoever drew the request_ids did so for these records: they are looked for only among the rows
                                that are not sealed yet */
  bool hold;                 /* MERGE: keep an update whose request is not there, and merge it when that comes; one that names no
                                project is of any of its organization */
  sq_text *ids;              /* the request ids, one JSON array, or NULL */
  void (*on_fault)(void *state, const sq_ingest_fault *fault); /* LENIENT; or NULL */
  void *state;
  /* out, added to */
  int64_t lines, added, replaced, updated, skipped, failed;
  int64_t held;     /* updates that wait for their requests */
  int64_t merged;   /* of the added ones: updates had waited for them */
  int64_t repaired; /* texts in which invalid UTF-8 or NUL became U+FFFD */
} sq_ingest;

/* Takes in JSON lines, durably, in one transaction. Empty lines are passed over. After a failure nothing of
   them is stored, and of the counters only `lines` means something: the line it failed at, from first_line. */
bool sq_store_ingest(sq_store *store, const char *lines, size_t length, sq_ingest *ingest, sq_error *error);

/* Writes the requests that pass `filter` (NULL: all) as canonical JSON lines, gzip when the path ends in
   ".gz", to `path`, which appears when it is whole. Returns how many, -1 on failure. */
int64_t sq_store_export(sq_store *store, const char *path, const sq_filter *filter, sq_error *error);

/* Lines of a plain or gzip file. */
typedef struct sq_reader sq_reader;
sq_reader *sq_reader_open(const char *path, sq_error *error);
/* Replaces `block` by the next whole lines, about `size` bytes; an empty block is the end. */
bool sq_reader_block(sq_reader *reader, size_t size, sq_text *block, sq_error *error);
void sq_reader_close(sq_reader *reader);

/* An HTTP body that was compressed as gzip (of one or more members) or, when not `gzip`, as deflate in either of its
   forms. It inflates to `most` bytes at most, and beyond the first MiB to `ratio` times what came in. */
typedef struct sq_inflater sq_inflater;
sq_inflater *sq_inflater_open(bool gzip, uint64_t most, uint32_t ratio, sq_error *error);
/* Takes bytes away from the input and writes up to `room` bytes of text; none (`got` 0) when all input was taken and
   nothing more is known of it. False, for good, when the bytes are damaged (SYNTAX) or too much (LIMIT). */
bool sq_inflater_read(sq_inflater *inflater, const char **input, size_t *length, char *out, size_t room, size_t *got, sq_error *error);
void sq_inflater_close(sq_inflater *inflater);

/* ------------------------------------------------------------------------------------------------- ids */

/* 128 bits that stand for a text. */
void sq_identity(const char *text, size_t length, uint64_t out[2]);
/* The request_id of a record that brings none: a UUID from the identity of its input, its line's number and
   its line. The same line of the same input always has the same one. */
void sq_line_id(const uint64_t identity[2], int64_t number, const char *line, size_t length, char out[37]);

/* A new UUIDv7: milliseconds, then random bits. False when the system gives no randomness. */
bool sq_uuid_make(char out[37]);
/* The UUID of an organization: its name in lower case where that is one, else one made of the name (RFC 9562, version 5,
   as of a URL). */
void sq_tenant_id(const char *organization, size_t length, char out[37]);
/* The id of a project that was never given one: made of the organization's UUID and the project's name. */
void sq_project_id(const char *organization, size_t organization_length, const char *name, size_t length, char out[37]);

/* ---------------------------------------------------------------------------- feedback, tags, metadata */

/* What one statement about a request or session says; strings may be NULL where not needed. */
typedef struct sq_target {
  const char *organization, *project; /* narrow a handle that spans several */
  const char *request, *session;      /* ids; exactly one of them, or for feedback on a whole project neither */
} sq_target;

/* Records feedback: JSON {"key":text, "score":number, boolean or text, "value":any, "comment":text,
   "source":text, "uuid":text, "extra":map, "created_at":time}, of which key must be there. Its row id, or -1. */
int64_t sq_store_feedback(sq_store *store, const sq_target *target, const char *json, size_t length,
                          sq_error *error);
/* Which feedback is listed; NULL, 0 and SQ_ANY: all. What is on a session (thread) is none of it. */
typedef enum sq_whether { SQ_ANY, SQ_YES, SQ_NO } sq_whether;
typedef struct sq_feedback_query {
  const char *organization;                         /* narrows a handle that spans several */
  const char *requests, *projects, *keys, *sources; /* JSON lists of ids, of [organization, project], of texts */
  const char *uuid;
  int64_t row;
  sq_whether on_request, has_score, has_comment;
  bool from_given, to_given;
  int64_t from_us, to_us;                           /* from <= created_at < to */
  int64_t limit, offset;                            /* limit < 0: no end */
} sq_feedback_query;
/* Appends a JSON list, newest first, of {"row", "uuid", "organization_id", "project", "project_id", "request_id", "key",
   "score", "value", "comment", "source", "created_at", "extra"}. */
bool sq_store_list_feedback(sq_store *store, const sq_feedback_query *query, sq_text *out, sq_error *error);
/* What feedback on each of these requests says, a JSON list of ids: appends [[organization, project, request_id,
   {"key":{"n":1,"avg":0.5,"values":{}}}], …]. */
bool sq_store_request_feedback(sq_store *store, const char *requests, sq_text *out, sq_error *error);
/* Says anew what the feedback of a row says, but for its UUID, and when and on what it was given. */
bool sq_store_change_feedback(sq_store *store, int64_t row, const char *json, size_t length, sq_error *error);
bool sq_store_remove_feedback(sq_store *store, int64_t row, sq_error *error);
/* What feedback says of projects, the target's or all within the handle's scope: that on them as a whole, or that on all
   their requests. Appends JSON [[organization, project, {"key":{"n":1,"avg":0.5,"values":{}}}], …]. */
bool sq_store_project_feedback(sq_store *store, const sq_target *target, bool of_requests, sq_text *out, sq_error *error);
bool sq_store_tag(sq_store *store, const sq_target *target, const char *tag, size_t length, sq_error *error);
/* Merges a JSON object into the session's own map; null clears a key. */
bool sq_store_describe(sq_store *store, const sq_target *target, const char *json, size_t length,
                       sq_error *error);
/* The tag that was set on a session last, as SQ_STRING in `room`; SQ_NULL where it has none. */
bool sq_store_newest_tag(sq_store *store, const sq_target *target, sq_text *room, sq_value *out, sq_error *error);
/* The one organization and project that hold the target, as "organization\0project\0" in `out`. Of a session for which
   both are given nothing is looked up: whether it has requests, its requests tell. */
bool sq_store_resolve(sq_store *store, const sq_target *target, sq_text *out, sq_error *error);

/* -------------------------------------------------------------------------------------------- deletion */

typedef struct sq_deletion {
  /* in: all that is set must hold, and something must be set */
  const char *organization, *project, *request, *session, *user;
  const char *project_id; /* the one project that has it, or SQ_E_NOT_FOUND */
  bool bounded;   /* `before` is set */
  int64_t before; /* created_at in microseconds, exclusive */
  bool bodies_only;
  bool erase;     /* leave no trace in the store's files: overwrite, make the column index anew, empty the log */
  /* out */
  int64_t requests, bodies, feedback, tags, metadata, projects, held;
} sq_deletion;

bool sq_store_delete(sq_store *store, sq_deletion *deletion, sq_error *error);

/* -------------------------------------------------------------------------------------------- projects */

/* A project is what an organization's requests name as theirs; it exists when it has requests, or was created. Its id is
   the one it was given, else sq_project_id's, and stays when it is renamed. Where JSON tells of one it is {"organization_id",
   "name", "id", "description", "start_time", "end_time", "default_dataset_id", "reference_dataset_id", "trace_tier", "extra",
   "tag_value_ids", "created_at", "stored", "requests", "first_request_at", "last_request_at"}: times are seconds, "stored"
   tells whether it was created or updated (only then it has "created_at"), and what is absent is left out, but for "extra"
   and "tag_value_ids", which are empty then. */

typedef struct sq_project_query { /* what is set must hold; terminated */
  const char *organization, *name;
  const char *const *ids; /* any of them; NULL: any id */
  size_t id_count;
} sq_project_query;

/* Appends the projects within the handle's scope, by organization and name, as a JSON array. */
bool sq_project_list(sq_store *store, const sq_project_query *query, sq_text *out, sq_error *error);
/* Creates a project of a JSON object of its members up to "tag_value_ids", of which "name" must be there; null is absent.
   Appends it. SQ_E_CONFLICT: there is one of this name in the organization, or with this id. */
bool sq_project_create(sq_store *store, const char *json, size_t length, sq_text *out, sq_error *error);
/* Changes what the object names, null clears. A new "name" takes requests, feedback, tags, metadata and keys along.
   `organization` (or NULL) narrows a handle that spans several. Appends the project as it is then. */
bool sq_project_update(sq_store *store, const char *organization, const char *id, const char *json, size_t length, sq_text *out,
                       sq_error *error);

/* ------------------------------------------------------------------------------------------------ keys */

/* Whom a server lets in, as whom, for what. A key's text is "id.secret", 256 random bits of secret; the store keeps
   its SHA-256 only. */

/* RIGHT(enumerator, name, what it lets a caller do). None of them includes another. */
#define SQ_RIGHTS(RIGHT) \
  RIGHT(QUERY, "query", "ask about requests and sessions") \
  RIGHT(RECORD, "record", "record requests, feedback and tags") \
  RIGHT(ADMIN, "admin", "see and manage what concerns the whole server")

typedef enum sq_right {
#define SQ_RIGHT_ENUM(id, name, meaning) SQ_RIGHT_##id,
  SQ_RIGHTS(SQ_RIGHT_ENUM)
#undef SQ_RIGHT_ENUM
} sq_right;

/* "query" for SQ_RIGHT_QUERY and so on; NULL past the last. Static storage. */
const char *sq_right_name(sq_right right);

typedef struct sq_key_spec {
  const char *organization; /* NULL: the handle's, else "" */
  const char *project;      /* NULL: the handle's, else every project of the organization */
  const char *name;         /* for people; NULL: none */
  unsigned rights;          /* 1 << sq_right of each */
} sq_key_spec;

#define SQ_KEY_ID_LENGTH 16
#define SQ_KEY_LENGTH (SQ_KEY_ID_LENGTH + 1 + 64)

/* Makes a key. Its text, terminated, is told this once. */
bool sq_key_create(sq_store *store, const sq_key_spec *spec, char out[SQ_KEY_LENGTH + 1], sq_error *error);
/* The keys within the handle's scope, oldest first, revoked ones too, as a JSON array of {"id", "name", "organization",
   "project", "rights", "created_at", "revoked_at"}. Neither secrets nor hashes. */
bool sq_key_list(sq_store *store, sq_text *out, sq_error *error);
/* Ends a key for good; again does nothing. */
bool sq_key_revoke(sq_store *store, const char *id, sq_error *error);
/* Whose key this is, as a JSON object as above, with the handle's project where the key has none. SQ_E_UNAUTHORIZED, with
   one message for all of them, when it is malformed, unknown, wrong, revoked, or of another scope than the handle's. */
bool sq_key_check(sq_store *store, const char *text, size_t length, sq_text *out, sq_error *error);
/* Whether a key was ever made in this store, whatever the handle's scope: revoking the last one opens nothing. */
bool sq_key_any(sq_store *store, bool *any, sq_error *error);

/* --------------------------------------------------------------------------------------------- answers */

typedef struct sq_rows sq_rows;

/* Runs a query; the rows are materialized and independent of the store. */
sq_rows *sq_rows_run(sq_store *store, const sq_query *query, sq_error *error);
size_t sq_rows_count(const sq_rows *rows);
size_t sq_rows_width(const sq_rows *rows);
/* Name and type ("text", "time", "money", …) of a column. They live as long as `rows`. */
const char *sq_rows_name(const sq_rows *rows, size_t column);
const char *sq_rows_type(const sq_rows *rows, size_t column);
/* Fills `values` (as many as the width) with row `index`; they point into `rows`. */
void sq_rows_read(const sq_rows *rows, size_t index, sq_value *values);
/* The cursor after the last row, NULL when there is no further row. Belongs to `rows`. */
const char *sq_rows_next(const sq_rows *rows);
/* All of them as a JSON array of objects. */
bool sq_rows_json(const sq_rows *rows, sq_text *out, sq_error *error);
void sq_rows_free(sq_rows *rows);

/* How many rows there are without limit and offset; -1 on failure. */
int64_t sq_query_count(sq_store *store, const sq_query *query, sq_error *error);
/* Of a query of requests, the `most` frequent elements of a list field, or members of a map, of each project: appends
   JSON [[organization, project, element, n], …], of a map [organization, project, key, value, n]; by project, the most
   frequent first, then by key and value. */
bool sq_query_frequent(sq_store *store, const sq_query *query, const char *field, int64_t most, sq_text *out, sq_error *error);
/* The rows as a JSON array, or a vendor's whole answer when the query came from one. */
bool sq_query_json(sq_store *store, const sq_query *query, sq_text *out, sq_error *error);
/* Which engine answers, why, what it will do, as text. */
bool sq_query_explain(sq_store *store, const sq_query *query, sq_text *out, sq_error *error);
/* Body in, answer out: the HTTP status, and the vendor's envelope in `out`, in errors too. `out` is the
   caller's to free. */
int sq_answer(sq_store *store, const char *dialect, const char *endpoint, const char *body, size_t length, sq_text *out);
/* Reads a vendor's body that says one thing: of "helicone" the notes are "feedback" (its rating) and "tag". A text
   stands in `room`. */
bool sq_note_read(const char *dialect, const char *note, const char *body, size_t length, sq_text *room, sq_value *out, sq_error *error);
/* A vendor's envelope around one value (NULL, BOOLEAN, a number or STRING), or around the message of an error. */
bool sq_envelope(const char *dialect, bool good, const sq_value *value, sq_text *out, sq_error *error);

#endif
