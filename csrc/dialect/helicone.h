/* What the two files of the Helicone dialect share. */
#ifndef SQ_DIALECT_HELICONE_H
#define SQ_DIALECT_HELICONE_H

#include "dialect/dialect.h"
#include "dialect/json_doc.h"

/* --- helicone_columns.c */

#define HELICONE_FEEDBACK_KEY "helicone-score-feedback"

/* What a column is compared with; a set, where operators tell which of them they are for. */
typedef enum helicone_class {
  HELICONE_TEXT = 1,
  HELICONE_NUMBER = 2,
  HELICONE_TIME = 4,
  HELICONE_BOOLEAN = 8,
  HELICONE_SEARCH = 16, /* a body: contains only */
  HELICONE_EXACT = 32,  /* the key of a property: equals only */
} helicone_class;

/* How a column departs from a plain comparison. */
enum {
  HELICONE_BLANK = 1,       /* equals "": "" or absent */
  HELICONE_EMPTY_WORD = 2,  /* "__empty__" is another way to write "" */
  HELICONE_NULL_WORD = 4,   /* equals "null": absent */
  HELICONE_NOT_FALSE = 8,   /* equals false: false or absent */
  HELICONE_ZERO = 16,       /* an unknown sum is 0 */
  HELICONE_SCORE = 32,      /* a boolean that may have been recorded as 1 or 0 */
  HELICONE_SCORE_KEY = 64,  /* asks about the keys of the scores */
};

typedef struct helicone_column {
  const char *name;
  sq_field field; /* SQ_F_NONE: not recorded */
  helicone_class class;
  unsigned quirks;
} helicone_column;

/* Each ends on a column without a name. */
extern const helicone_column helicone_request_columns[], helicone_session_columns[], helicone_legacy_response_columns[],
    helicone_legacy_request_columns[], helicone_feedback_columns[], helicone_legacy_search_columns[], helicone_legacy_cache_columns[];
/* Columns that hold one column for each key. */
extern const helicone_column helicone_property_member, helicone_score_member;
/* Keys of properties that are recorded as fields. */
extern const helicone_column helicone_named_properties[];
/* NULL when there is none. */
const helicone_column *helicone_find_column(const helicone_column *columns, const char *name);

/* --- helicone_say.c: a comparison as a column with operators */

typedef struct helicone_operation {
  const char *name;     /* "equals" */
  const char *constant; /* its value as JSON; or: */
  const char *text;     /* its value as text; else the comparison's value number `which` */
  size_t length;
  bool is_exact;        /* the text as a like pattern that matches nothing else */
  uint32_t which;
} helicone_operation;

typedef struct helicone_saying {
  const char *table, *group, *column; /* group: "properties", "scores", or NULL */
  size_t column_length;
  helicone_operation operations[2];
  unsigned count; /* of operations; 0: it cannot be said */
  bool either;    /* one of two is enough, else both must hold */
  const char *why;
} helicone_saying;

/* Says a COMPARE, but no AMONG, or its negation. False, and `why`, when no column can. */
bool helicone_say(const sq_node *compare, bool negated, helicone_saying *out);
/* Says that the comparison's field is "" or absent, or that it is not. */
bool helicone_say_blank(const sq_node *compare, bool negated, helicone_saying *out);
/* The same as helicone_say by a certain column. */
bool helicone_say_column(const helicone_column *column, const sq_node *compare, bool negated, helicone_saying *out);

/* "equals":"x": the comparison's operator and value. */
void helicone_put_operation(sq_writer *w, const sq_node *compare, const helicone_operation *operation);
/* Whether both ask about the same field, or member of a map. */
bool helicone_same_subject(const sq_node *a, const sq_node *b);
/* A score, of this field, that is true, or 1; or one that is false, or 0. */
bool helicone_is_score_pair(const sq_node *first, const sq_node *second, sq_field field);

/* --- helicone_write_feedback.c */

/* An entry of the rating's feedback as one leaf; false, and nothing is written, when it cannot be one. */
bool helicone_write_feedback(sq_writer *w, const sq_node *entry);
/* An entry of that feedback of which nothing else is asked. */
bool helicone_is_any_feedback(const sq_node *node);

/* --- helicone.c */

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
