/* A JSON document for dialects: checked by the strict reader (cJSON lets much by), then parsed by cJSON,
   with the place of every value and key. */
#ifndef SQ_DIALECT_JSON_DOC_H
#define SQ_DIALECT_JSON_DOC_H

#include <cjson/cJSON.h>

#include "ir/build.h"

typedef struct sq_json_places {
  sq_place value, key;
} sq_json_places;

typedef struct sq_json_doc {
  cJSON *root;
  const char *text;
  sq_json_places *places; /* in document order; a node's index is in its valueint */
} sq_json_doc;

/* Refuses what is not strict JSON, keys that stand twice in an object, and numbers of over 63 characters
   (cJSON cuts them). */
bool sq_json_doc_open(sq_json_doc *doc, sq_arena *arena, const char *text, size_t length, sq_error *error);
void sq_json_doc_close(sq_json_doc *doc);

static inline sq_place sq_json_value_place(const sq_json_doc *doc, const cJSON *item) {
  return doc->places[item->valueint].value;
}
static inline sq_place sq_json_key_place(const sq_json_doc *doc, const cJSON *item) {
  return doc->places[item->valueint].key;
}
/* What the value is, for messages: "a number", "an object". */
const char *sq_json_kind(const cJSON *item);

#endif
