/* The tokens of LangSmith's filter language. */
#ifndef SQ_DIALECT_LANGSMITH_LEX_H
#define SQ_DIALECT_LANGSMITH_LEX_H

#include "ir/build.h"

typedef enum langsmith_token_kind {
  LANGSMITH_END,
  LANGSMITH_ERROR, /* the error is set */
  LANGSMITH_WORD,  /* eq, start_time, true */
  LANGSMITH_TEXT,
  LANGSMITH_NUMBER,
  LANGSMITH_MARK,  /* ( ) [ ] , */
} langsmith_token_kind;

typedef struct langsmith_token {
  langsmith_token_kind kind;
  sq_place place;
  const char *text; /* TEXT: without quotes and escapes, perhaps in the arena; else as it stands */
  size_t length;
} langsmith_token;

typedef struct langsmith_lexer {
  sq_builder *builder;
  const char *source, *at, *end;
} langsmith_lexer;

langsmith_token langsmith_next(langsmith_lexer *lexer);

static inline bool langsmith_is_mark(const langsmith_token *token, char mark) {
  return token->kind == LANGSMITH_MARK && *token->text == mark;
}

#endif
