/* The way back: a filter's tree as source text of a dialect. Each dialect's writer stands in <dialect>_write.c.

   A writer takes the bound, flattened tree, so it never meets what bind takes away (ne, absent, has), and writes
   text that compiles to the same tree; where its language lacks a form but has another that lets the same rows
   through, that one. What the language cannot say in any way it tells sq_unsaid about, and goes on, so that one
   run finds all of it; what it writes from then on is thrown away. */
#ifndef SQ_DIALECT_WRITE_H
#define SQ_DIALECT_WRITE_H

#include "base/error.h"
#include "ir/ir.h"

typedef struct sq_writer {
  sq_arena *arena; /* for what is made on the way */
  sq_text *out;    /* the source text */
  sq_text *unsaid; /* JSON: {"part", "reason"} of each part that cannot be said, with commas between */
  sq_error *error;
  const sq_node *origin; /* the part of the tree that what is written stands for, when that is another; or NULL */
  bool whole;      /* the filter is a whole one: only a language that tells them apart needs to look */
} sq_writer;

/* This part of the tree cannot be said. The reason is a clause without a full stop: "tags have no order". */
void sq_unsaid(sq_writer *w, const sq_node *part, const char *why, ...) SQ_PRINTF(3, 4);
/* Whether something was left unsaid so far. */
static inline bool sq_is_unsaid(const sq_writer *w) { return w->unsaid->length > 0; }

/* --- literals */

/* An integer in another unit, exactly: 1500 ms at scale 3 are "1.5" seconds, nano-dollars at 9 dollars. */
void sq_write_scaled(sq_text *out, int64_t value, int scale);
/* RFC 3339 in UTC, without quotes. False, and nothing is written, when the year has not four digits. */
bool sq_write_time(sq_text *out, int64_t micros);
/* The same in quotes; what it cannot write is unsaid. */
void sq_write_json_time(sq_writer *w, const sq_node *compare, int64_t micros);
#define SQ_NO_SUCH_YEAR "a time before the year 0 or behind 9999"
/* The shortest text that reads back as the same double; the infinities, which bind makes of bounds that no double
   can have, are numbers beyond all doubles. */
void sq_write_real(sq_text *out, double value);
/* The comparison's value number `which` as JSON, in the units of canonical fields: text and times are strings,
   money is dollars. A time that RFC 3339 cannot have is left unsaid. */
void sq_write_json(sq_writer *w, const sq_node *compare, uint32_t which);

/* A text as a pattern of like that matches it and nothing else, or what it is a part of, in the arena. The empty text
   when memory ended, which the error then says. */
sq_value sq_as_pattern(sq_writer *w, const sq_value *text, bool part);

/* --- forms that let the same rows through */

/* Whether it makes no difference that a scalar is seen as text (SQ_AS_TEXT) or by its own type: no number's and no
   boolean's text can satisfy the comparison. */
bool sq_same_as_text(const sq_node *compare);
/* Whether it makes no difference that an absent number counts as 0 (SQ_OR_ZERO): 0 does not satisfy it. */
bool sq_same_as_zero(const sq_node *compare);
/* entry(properties, key = 'env' and value = 'prod') as properties.env = 'prod', in the arena. NULL when the entry is
   no such pair, or memory ended, which the error then says. */
const sq_node *sq_entry_as_member(sq_writer *w, const sq_node *entry);

#endif
