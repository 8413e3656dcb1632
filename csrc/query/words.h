/* A phrase is looked for in bodies: whether to ask the words index for candidates, or to read the bodies. */
#ifndef SQ_QUERY_WORDS_H
#define SQ_QUERY_WORDS_H

#include "sql/sql.h"
#include "store/store.h"

typedef struct sq_word_search {
  sq_sql_words hook;   /* what sql/ asks while it writes the statement */
  sq_store *store;
  const sq_query *query;
  bool count, known;   /* the number of rows is wanted; `state` was read */
  sq_words_state state;
  int64_t candidates;  /* of the phrases that it is asked for */
  bool asked;
  char told[200];      /* to whom has the query explained; "": no phrase is looked for in bodies */
} sq_word_search;

/* `search` stays where it is. */
void sq_word_search_begin(sq_word_search *search, sq_store *store, const sq_query *query, bool count);

#endif
