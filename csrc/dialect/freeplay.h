/* Freeplay's search language: the tables that its reader and its writer share. */
#ifndef SQ_DIALECT_FREEPLAY_H
#define SQ_DIALECT_FREEPLAY_H

#include "dialect/dialect.h"

/* How a field's value is read, and what comparison becomes of it. */
typedef enum freeplay_kind {
  FREEPLAY_TEXT,
  FREEPLAY_NUMBER,
  FREEPLAY_SECONDS,  /* of a field in milliseconds */
  FREEPLAY_TIME,
  FREEPLAY_SCORE,    /* a number; text that is a number is taken as one */
  FREEPLAY_TRACE_ID, /* the row's trace_id, or the id of its trace row */
  FREEPLAY_FEEDBACK, /* value, score or comment of one feedback with the key */
  FREEPLAY_NOTE,     /* a member of one feedback that is a note; its type is the member's */
} freeplay_kind;

/* A set of operators, as bits. */
#define FREEPLAY_OP(op) (1u << SQ_OP_##op)

typedef struct freeplay_field {
  const char *name;
  freeplay_kind kind;
  sq_field field;
  unsigned operators;
  bool of_trace; /* asked of the nearest enclosing trace row */
  bool keyed;    /* NAME.KEY, a member of a map or document: the key is all that follows the first dot */
} freeplay_field;

/* Up to one without a name. Of several names for the same, the first is the one to write. */
extern const freeplay_field freeplay_fields[];

typedef struct freeplay_operator {
  const char *name;
  sq_op op;
} freeplay_operator;

/* Up to one without a name. */
extern const freeplay_operator freeplay_operators[];

/* The key of feedback that is an evaluation note: its comment is the content, its source the author. */
#define FREEPLAY_NOTE_KEY "note"

#endif
