/* What the two files of the Helicone dialect share. */
#ifndef SQ_DIALECT_HELICONE_H
#define SQ_DIALECT_HELICONE_H

#include "dialect/dialect.h"
#include "dialect/json_doc.h"

typedef struct helicone {
  sq_builder *builder;
  sq_json_doc doc;
} helicone;

/* A filter node of the document: leaf, branch, "all" or {}. `depth` counts the branches above it. */
sq_node *helicone_node(helicone *h, const cJSON *item, unsigned depth);

/* Errors at a value or key of the document; they return NULL. */
sq_node *helicone_fail_value(helicone *h, const cJSON *item, sq_code code, const char *message);
/* An unknown key, with the nearest of `known`, which ends on NULL. */
sq_node *helicone_fail_key(helicone *h, const cJSON *item, const char *what, const char *const *known);

/* A string of the document, copied so that it outlives it. */
sq_operand helicone_text(helicone *h, const cJSON *item);
/* A number of the document as it was written. */
sq_operand helicone_number(helicone *h, const cJSON *item);

#endif
