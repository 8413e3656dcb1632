/* What the files of the LangSmith dialect share: its vocabularies, its functions, and one condition as it is read. */
#ifndef SQ_DIALECT_LANGSMITH_H
#define SQ_DIALECT_LANGSMITH_H

#include "dialect/dialect.h"
#include "dialect/langsmith_term.h"

/* What kind of values a field has. */
typedef enum langsmith_class {
  LANGSMITH_OF_TEXT = 1,
  LANGSMITH_OF_STATUS = 2,   /* success, error, pending */
  LANGSMITH_OF_NUMBERS = 4,
  LANGSMITH_OF_SECONDS = 8,  /* 5, "5s", "500ms" */
  LANGSMITH_OF_TIMES = 16,
  LANGSMITH_OF_BOOLEANS = 32,
  LANGSMITH_OF_ANY = 64,     /* text, numbers and booleans, each with its own kind only */
  LANGSMITH_OF_LISTS = 128,  /* of text */
  LANGSMITH_OF_MAPS = 256,   /* metadata itself */
} langsmith_class;

/* Fields of which one and() asks about the same entry. */
typedef enum langsmith_family { LANGSMITH_ALONE, LANGSMITH_METADATA, LANGSMITH_INPUT, LANGSMITH_OUTPUT, LANGSMITH_FEEDBACK, LANGSMITH_FAMILIES } langsmith_family;

typedef struct langsmith_field {
  const char *name;
  sq_field field;
  langsmith_class class;
  langsmith_family family;
  const char *key; /* the member of a map, or NULL */
  int digits;      /* SECONDS: 3 where we have milliseconds */
  bool ours;       /* an extension: strict mode refuses it */
} langsmith_field;

typedef struct langsmith_vocabulary {
  const langsmith_field *fields; /* up to one without a name */
  sq_field searched[2];          /* what search without a field looks through; NONE: it wants one */
  bool threads;                  /* metadata may hold the id that we keep as session_id */
} langsmith_vocabulary;

extern const langsmith_vocabulary langsmith_runs, langsmith_projects;

const langsmith_field *langsmith_field_named(const langsmith_vocabulary *vocabulary, const char *name, size_t length);
/* The map whose entries a family asks about. */
sq_field langsmith_map(langsmith_family family);

typedef enum langsmith_shape { LANGSMITH_AND, LANGSMITH_OR, LANGSMITH_NOT, LANGSMITH_HAS, LANGSMITH_EXISTS, LANGSMITH_SEARCH, LANGSMITH_COMPARE } langsmith_shape;

typedef struct langsmith_function {
  const char *name, *usage;
  langsmith_shape shape;
  size_t least, most; /* arguments */
  sq_op op;           /* COMPARE */
  bool negative;      /* it is NOT of the operator */
  unsigned classes;   /* that it takes */
  bool ours;          /* an extension: strict mode refuses it */
} langsmith_function;

/* Up to one without a name. */
extern const langsmith_function langsmith_functions[];

/* Whether LangSmith's clients write a thread's id, our session_id, into the metadata under this key. */
bool langsmith_is_thread_key(const sq_value *key);

typedef struct langsmith {
  sq_builder *builder;
  const langsmith_vocabulary *vocabulary;
} langsmith;

/* A comparison, read: `field` `op` `values`, or NOT of it. */
typedef struct langsmith_compare {
  const langsmith_field *field;
  sq_op op;
  bool negative;
  sq_operand *values;
  size_t count;
  sq_place place; /* of the field */
} langsmith_compare;

/* The comparison without its NOT, outside or inside of an entry. */
sq_node *langsmith_leaf(langsmith *l, const langsmith_compare *compare);
/* What it says where no and() stands around it. */
sq_node *langsmith_lone(langsmith *l, const langsmith_compare *compare);

/* --- langsmith_pairs.c: what the conditions of one family say inside of one and(). */
typedef struct langsmith_pairs {
  langsmith_compare *items;
  size_t count, capacity;
} langsmith_pairs;

/* Adds one condition or more to `kids`. */
bool langsmith_add_pairs(langsmith *l, const langsmith_pairs *pairs, sq_kids *kids);

#endif
