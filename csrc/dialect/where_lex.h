/* The tokens of the `where` language. */
#ifndef SQ_DIALECT_WHERE_LEX_H
#define SQ_DIALECT_WHERE_LEX_H

#include "ir/build.h"

typedef enum where_kind {
  WHERE_END,
  WHERE_ERROR,  /* the error is set */
  WHERE_NAME,   /* latency_ms, properties.env, properties."Os Platform", and every keyword */
  WHERE_TEXT,   /* 'it''s', "it's" */
  WHERE_NUMBER,
  WHERE_TIME,   /* 2026-11-20, 2026-11-20T10:00:00Z: without quotes */
  WHERE_SYMBOL, /* ( ) , = == != <> < <= > >= */
} where_kind;

typedef struct where_token {
  where_kind kind;
  sq_place place;
  const char *text;  /* TEXT: without quotes; else as it stands, of a NAME the part before a quoted key */
  size_t length;
  const char *key;   /* NAME: its quoted key, or NULL */
  size_t key_length;
} where_token;

typedef struct where_lexer {
  sq_builder *builder;
  const char *source, *at, *end;
} where_lexer;

where_token where_next(where_lexer *lexer);
/* A NAME without key that is this word, in any case. */
bool where_is(const where_token *token, const char *word);
bool where_is_symbol(const where_token *token, const char *symbol);

#endif
