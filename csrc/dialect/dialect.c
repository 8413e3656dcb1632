#include "dialect/dialect.h"

#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "dialect/json_doc.h"

/* --------------------------------------------------------------------------------- where an error stands */

static void locate_json(sq_error *error, const char *source, size_t length) {
  sq_json_pointer(source, length, error->offset, error->pointer, sizeof error->pointer);
  if (error->pointer[0]) sq_error_append(error, " (at %s)", error->pointer);
}

/* The line of the source that holds the place, at most about 100 bytes of it, with carets under it. */
static void draw_carets(sq_error *error, const char *source, size_t length) {
  enum { AROUND = 48 };
  size_t from = error->offset, to = error->offset;
  if (error->offset > length || !sq_utf8_is_valid(source, length)) return;
  while (from > 0 && source[from - 1] != '\n' && error->offset - from < AROUND) from--;
  while (from > 0 && from < length && ((unsigned char)source[from] & 0xC0) == 0x80) from--;
  while (to < length && source[to] != '\n' && to - error->offset < AROUND) to++;
  while (to < length && ((unsigned char)source[to] & 0xC0) == 0x80) to++;
  size_t marked = error->length < to - error->offset ? error->length : to - error->offset;
  char line[160] = "", marks[320] = ""; /* a character of two columns has three bytes */
  for (size_t i = from, used = 0; i < to && used + 1 < sizeof line; i++)
    line[used++] = (unsigned char)source[i] < 0x20 ? ' ' : source[i];
  size_t before = error->offset - from, indent = sq_utf8_width(line, before), carets = sq_utf8_width(line + before, marked);
  memset(marks, ' ', indent);
  memset(marks + indent, '^', carets ? carets : 1);
  sq_error_append(error, "\n  %s\n  %s", line, marks);
}

/* ------------------------------------------------------------------------------------------- the register */

static const sq_dialect dialects[] = {
    {"freeplay", sq_freeplay_filter, sq_freeplay_write, locate_json, NULL, NULL},
    {"helicone", sq_helicone_filter, sq_helicone_write, locate_json, sq_helicone_endpoints, sq_helicone_notes},
    {"langsmith", sq_langsmith_filter, sq_langsmith_write, draw_carets, NULL, NULL},
    {"langsmith-projects", sq_langsmith_projects_filter, sq_langsmith_projects_write, draw_carets, NULL, NULL},
    {"where", sq_where_filter, sq_where_write, draw_carets, NULL, NULL},
};

const char *sq_dialect_at(size_t index) {
  return index < sizeof dialects / sizeof *dialects ? dialects[index].name : NULL;
}

const sq_dialect *sq_dialect_named(const char *name, sq_error *error) {
  sq_nearest search = {name, strlen(name), NULL, 0};
  for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++) {
    if (strcmp(dialects[i].name, name) == 0) return &dialects[i];
    sq_nearest_offer(&search, dialects[i].name);
  }
  sq_fail(error, SQ_E_UNKNOWN, "unknown dialect '%s'", sq_show(name, strlen(name)).text);
  if (search.best) {
    sq_error_append(error, ", did you mean '%s'?", search.best);
    return NULL;
  }
  for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++) sq_error_append(error, i ? ", %s" : ": there are %s", dialects[i].name);
  return NULL;
}

/* ---------------------------------------------------------------------------------------------- compiling */

static bool check_source(const char *source, size_t length, sq_error *error) {
  if (length > SQ_MAX_SOURCE)
    return sq_fail(error, SQ_E_LIMIT, "%zu bytes of source, more than the %zu that are taken", length, SQ_MAX_SOURCE);
  size_t valid = sq_utf8_valid_prefix(source, length);
  if (valid != length) return sq_fail_at(error, SQ_E_VALUE, valid, 1, "invalid UTF-8");
  const char *nul = length ? memchr(source, '\0', length) : NULL;
  return !nul || sq_fail_at(error, SQ_E_VALUE, (size_t)(nul - source), 1, "U+0000 in the source");
}

/* Puts the dialect's name before the message, and the place behind it. */
static void finish_error(const sq_dialect *dialect, sq_error *error, const char *source, size_t length) {
  sq_error named = {.code = SQ_OK};
  sq_fail(&named, error->code, "%s: %s", dialect->name, error->message);
  memcpy(error->message, named.message, sizeof error->message);
  if (error->placed) dialect->locate(error, source, length);
}

/* What sessions are found by cannot be about sessions. */
static bool check_whole(const sq_node *tree, sq_error *error) {
  const sq_node *part = sq_find_session_part(tree);
  return !part || sq_fail_place(error, SQ_E_LEVEL, part->place, "a whole filter finds sessions by their requests: it takes request fields only");
}

sq_filter *sq_filter_compile(const char *name, const char *source, size_t length, const sq_filter_options *options,
                             const sq_allocator *allocator, sq_error *error) {
  const sq_dialect *dialect = sq_dialect_named(name, error);
  if (!dialect) return NULL;
  _Alignas(max_align_t) char lent[4096];
  sq_arena arena;
  sq_arena_begin(&arena, allocator, lent, sizeof lent);
  sq_builder builder = {.arena = &arena, .error = error, .strict = options && options->strict};
  sq_node *tree = check_source(source, length, error) ? dialect->filter(&builder, source, length) : NULL;
  sq_filter *filter = tree ? sq_filter_finish(&arena, tree, false, allocator, error) : NULL;
  sq_arena_end(&arena);
  if (filter) filter->whole = builder.whole;
  if (filter && (!filter->whole || check_whole(filter->tree, error))) return filter;
  finish_error(dialect, error, source, length);
  sq_filter_free(filter);
  return NULL;
}

static const sq_endpoint *find_endpoint(const sq_dialect *dialect, const char *name, sq_error *error) {
  if (!dialect->endpoints) {
    sq_fail(error, SQ_E_UNKNOWN, "%s is a filter language only: it has no request body", dialect->name);
    return NULL;
  }
  if (!name) return dialect->endpoints;
  sq_nearest search = {name, strlen(name), NULL, 0};
  for (const sq_endpoint *endpoint = dialect->endpoints; endpoint->name; endpoint++) {
    if (strcmp(endpoint->name, name) == 0) return endpoint;
    sq_nearest_offer(&search, endpoint->name);
  }
  sq_fail(error, SQ_E_UNKNOWN, "%s has no endpoint '%s'", dialect->name, sq_show(name, strlen(name)).text);
  if (search.best) sq_error_append(error, ", did you mean '%s'?", search.best);
  return NULL;
}

sq_query *sq_query_compile(const char *name, const char *endpoint_name, const char *body, size_t length, const sq_allocator *allocator,
                           sq_error *error) {
  const sq_dialect *dialect = sq_dialect_named(name, error);
  const sq_endpoint *endpoint = dialect ? find_endpoint(dialect, endpoint_name, error) : NULL;
  sq_query *query = endpoint ? sq_query_begin(allocator, error) : NULL;
  if (!query) return NULL;
  query->shape = endpoint->shape;
  sq_builder builder = {.arena = &query->arena, .error = error};
  sq_node *tree = check_source(body, length, error) ? endpoint->query(&builder, query, body, length) : NULL;
  if (tree && sq_query_finish(query, tree, error)) return query;
  finish_error(dialect, error, body, length);
  sq_query_free(query);
  return NULL;
}

/* ------------------------------------------------------------------------------------------------- notes */

static bool read_member(const sq_note *note, const sq_json_doc *doc, sq_arena *arena, sq_value *out, sq_error *error) {
  const cJSON *root = doc->root;
  sq_place place = sq_json_value_place(doc, root);
  if (!cJSON_IsObject(root)) return sq_fail_at(error, SQ_E_TYPE, place.offset, place.length, "the body is an object");
  for (const cJSON *item = root->child; item; item = item->next) {
    place = sq_json_key_place(doc, item);
    if (strcmp(item->string, note->member) != 0)
      return sq_fail_at(error, SQ_E_UNKNOWN, place.offset, place.length, "unknown member '%s': there is %s",
                        sq_show(item->string, strlen(item->string)).text, note->member);
  }
  const cJSON *item = root->child;
  if (!item) return sq_fail_at(error, SQ_E_MISSING, place.offset, place.length, "missing '%s'", note->member);
  place = sq_json_value_place(doc, item);
  bool text = note->type == SQ_T_TEXT;
  if (text ? !cJSON_IsString(item) : !cJSON_IsBool(item))
    return sq_fail_at(error, SQ_E_TYPE, place.offset, place.length, "%s is %s", note->member, text ? "text" : "true or false");
  size_t length = text ? strlen(item->valuestring) : 0;
  if (text) *out = (sq_value){.kind = SQ_STRING, .length = (uint32_t)length, .text = sq_arena_copy(arena, item->valuestring, length)};
  else *out = (sq_value){.kind = SQ_BOOLEAN, .boolean = cJSON_IsTrue(item)};
  return !text || out->text || sq_fail_memory(error);
}

static bool read_note(const sq_note *note, const char *body, size_t length, sq_arena *arena, sq_value *out, sq_error *error) {
  sq_json_doc doc;
  if (!check_source(body, length, error) || !sq_json_doc_open(&doc, arena, body, length, error)) return false;
  bool read = read_member(note, &doc, arena, out, error);
  sq_json_doc_close(&doc);
  return read;
}

bool sq_note_read(const char *name, const char *note_name, const char *body, size_t length, sq_text *room, sq_value *out, sq_error *error) {
  const sq_dialect *dialect = sq_dialect_named(name, error);
  const sq_note *note = dialect ? dialect->notes : NULL;
  while (note && note->name && strcmp(note->name, note_name) != 0) note++;
  if (!dialect) return false;
  if (!note || !note->name)
    return sq_fail(error, SQ_E_UNKNOWN, "%s has no body '%s'", dialect->name, sq_show(note_name, strlen(note_name)).text);
  sq_arena arena;
  sq_arena_begin(&arena, NULL, NULL, 0);
  bool read = read_note(note, body, length, &arena, out, error);
  if (read && out->kind == SQ_STRING) {
    sq_text_append(room, out->text, out->length);
    out->text = room->data;
    read = sq_text_whole(room, error);
  }
  sq_arena_end(&arena);
  if (!read) finish_error(dialect, error, body, length);
  return read;
}
