/* LangSmith's function language as a tree of terms: what stands where, without a meaning yet.

     call  = name "(" [ term { "," term } ] ")"
     list  = "[" [ term { "," term } ] "]"
     term  = call | list | text | number | "true" | "false" | "null" | name
     text  = "…" | '…'      with JSON's backslash escapes, and \' */
#ifndef SQ_DIALECT_LANGSMITH_TERM_H
#define SQ_DIALECT_LANGSMITH_TERM_H

#include "ir/build.h"

typedef enum langsmith_kind { LANGSMITH_CALL, LANGSMITH_LIST, LANGSMITH_VALUE, LANGSMITH_NAME } langsmith_kind;

typedef struct langsmith_term langsmith_term;
struct langsmith_term {
  langsmith_kind kind;
  sq_place place; /* all of it */
  const char *name; /* CALL, NAME */
  size_t length;
  sq_operand value; /* VALUE */
  langsmith_term *items; /* CALL: arguments; LIST: members */
  size_t count;
};

/* The source as one CALL, in the builder's arena; NULL after an error. */
const langsmith_term *langsmith_parse(sq_builder *builder, const char *source, size_t length);

#endif
