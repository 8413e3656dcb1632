/* What the two files of LangSmith's writer share. */
#ifndef SQ_DIALECT_LANGSMITH_WRITE_H
#define SQ_DIALECT_LANGSMITH_WRITE_H

#include "dialect/langsmith.h"

typedef struct langsmith_writer {
  sq_writer *w;
  const langsmith_vocabulary *vocabulary;
} langsmith_writer;

static inline void langsmith_put(langsmith_writer *lw, const char *text) { sq_text_put(lw->w->out, text); }

/* eq or among, or an OR of them about one field: `in` of several kinds of values becomes one. */
bool langsmith_is_choice(const sq_node *node);
/* Calls about a field, with commas between where one does not say it: between is gte and lte. What `field` cannot be
   asked so is unsaid. Of a negated one: neq, notlike, eq with null, and otherwise unsaid too. */
void langsmith_put_calls(langsmith_writer *lw, const sq_node *leaf, const langsmith_field *field, bool negated);
/* Whether search would find a word in the phrase, and the phrase as search takes it, in quotes. */
bool langsmith_has_word(const sq_value *phrase);
void langsmith_put_phrase(langsmith_writer *lw, const sq_value *phrase);

/* --- langsmith_write_entry.c */

typedef enum langsmith_around {
  LANGSMITH_NOTHING,   /* no and() around: one call stands as it is, several in an and() */
  LANGSMITH_OTHERS,    /* an and() with other conditions of the family: in an and() of its own */
  LANGSMITH_ITSELF,    /* an and() without others: with commas between */
} langsmith_around;

/* The family that asks about entries of the map; LANGSMITH_ALONE when there is none. */
langsmith_family langsmith_family_of(const langsmith_vocabulary *vocabulary, sq_field map);
/* ENTRY or NOT of it. `thread`: as a pair that is true of the session_id too. */
void langsmith_write_entry(langsmith_writer *lw, const sq_node *entry, bool negated, bool thread, langsmith_around around);
/* NOT of it is one call: neq, notlike, eq with null. */
bool langsmith_is_plain_denial(langsmith_writer *lw, const sq_node *entry);
/* A pair of a thread's key and texts for its id: the values, else NULL. */
const sq_node *langsmith_thread_values(const sq_node *entry);

#endif
