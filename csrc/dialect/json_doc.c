#include "dialect/json_doc.h"

#include <stdlib.h>
#include <string.h>

#define LONGEST_NUMBER 63

/* ----------------------------------------------------------------------------- checking, noting the places */

typedef struct places {
  sq_json_places *items;
  size_t count, capacity;
} places;

static sq_place place_of(const sq_json *reader, sq_token token) {
  size_t quotes = token == SQ_TOKEN_STRING || token == SQ_TOKEN_KEY;
  switch (token) {
    case SQ_TOKEN_STRING:
    case SQ_TOKEN_KEY:
    case SQ_TOKEN_NUMBER:
      return (sq_place){(uint32_t)((size_t)(reader->token - reader->start) - quotes), (uint32_t)(reader->length + 2 * quotes)};
    default: {
      uint32_t length = token == SQ_TOKEN_FALSE ? 5 : token == SQ_TOKEN_OBJECT || token == SQ_TOKEN_ARRAY ? 1 : 4;
      return (sq_place){(uint32_t)(reader->at - reader->start) - length, length};
    }
  }
}

static bool note_places(places *notes, sq_arena *arena, const char *text, size_t length, sq_error *error) {
  sq_json reader;
  sq_place key = {0, 0};
  size_t open[SQ_JSON_DEPTH];
  sq_json_begin(&reader, text, length);
  while (true) {
    sq_token token = sq_json_next(&reader);
    if (token == SQ_TOKEN_END) return true;
    if (token == SQ_TOKEN_ERROR)
      return sq_fail_at(error, reader.code, (size_t)(reader.at - text), reader.at < reader.end, "%s", reader.error);
    if (token == SQ_TOKEN_KEY) {
      key = place_of(&reader, token);
      continue;
    }
    if (token == SQ_TOKEN_OBJECT_END || token == SQ_TOKEN_ARRAY_END) {
      sq_place *whole = &notes->items[open[reader.depth]].value;
      whole->length = (uint32_t)(reader.at - text) - whole->offset;
      continue;
    }
    if (!sq_arena_grow(arena, &notes->items, notes->count, &notes->capacity, sizeof *notes->items)) return sq_fail_memory(error);
    if (token == SQ_TOKEN_OBJECT || token == SQ_TOKEN_ARRAY) open[reader.depth - 1] = notes->count;
    sq_place value = place_of(&reader, token);
    if (token == SQ_TOKEN_NUMBER && value.length > LONGEST_NUMBER)
      return sq_fail_at(error, SQ_E_LIMIT, value.offset, value.length, "a number of more than %d characters", LONGEST_NUMBER);
    notes->items[notes->count++] = (sq_json_places){value, key};
  }
}

/* cJSON's tree in document order: each node learns its index. */
static int number_nodes(cJSON *item, int next) {
  item->valueint = next++;
  for (cJSON *child = item->child; child; child = child->next) next = number_nodes(child, next);
  return next;
}

/* ------------------------------------------------------------------------------------------ repeated keys */

static int compare_keys(const void *a, const void *b) {
  return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

static bool check_keys(const sq_json_doc *doc, sq_arena *arena, const cJSON *item, sq_error *error) {
  size_t count = 0;
  for (const cJSON *child = item->child; child; child = child->next, count++)
    if (!check_keys(doc, arena, child, error)) return false;
  if (!cJSON_IsObject(item) || count < 2) return true;
  const cJSON *few[16], **sorted = count <= 16 ? few : sq_arena_take(arena, count * sizeof *sorted);
  if (!sorted) return sq_fail_memory(error);
  count = 0;
  for (const cJSON *child = item->child; child; child = child->next) sorted[count++] = child;
  qsort(sorted, count, sizeof *sorted, compare_keys);
  for (size_t i = 1; i < count; i++)
    if (strcmp(sorted[i - 1]->string, sorted[i]->string) == 0) {
      const cJSON *second = sorted[i - 1]->valueint > sorted[i]->valueint ? sorted[i - 1] : sorted[i];
      sq_place place = sq_json_key_place(doc, second);
      return sq_fail_at(error, SQ_E_SYNTAX, place.offset, place.length, "the key '%s' stands twice",
                        sq_show(second->string, strlen(second->string)).text);
    }
  return true;
}

bool sq_json_doc_open(sq_json_doc *doc, sq_arena *arena, const char *text, size_t length, sq_error *error) {
  places notes = {0};
  *doc = (sq_json_doc){.text = text};
  if (!note_places(&notes, arena, text, length, error)) return false;
  doc->places = notes.items;
  doc->root = cJSON_ParseWithLength(text, length);
  if (!doc->root) return sq_fail_memory(error); /* the text is right, so nothing else can have failed */
  number_nodes(doc->root, 0);
  if (check_keys(doc, arena, doc->root, error)) return true;
  sq_json_doc_close(doc);
  return false;
}

void sq_json_doc_close(sq_json_doc *doc) {
  cJSON_Delete(doc->root);
  doc->root = NULL;
}

const char *sq_json_kind(const cJSON *item) {
  switch (item->type & 0xFF) {
    case cJSON_Object: return "an object";
    case cJSON_Array: return "an array";
    case cJSON_String: return "text";
    case cJSON_Number: return "a number";
    case cJSON_NULL: return "null";
    default: return "a boolean";
  }
}
