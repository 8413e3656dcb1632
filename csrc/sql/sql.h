/* SQL from the IR of a query: one tree walk for every database, and a table per database (sq_sql_target)
   for what differs. Values are bound: the text holds parameters only. */
#ifndef SQ_SQL_SQL_H
#define SQ_SQL_SQL_H

#include "base/text.h"
#include "ir/columns.h"

typedef struct sq_sql sq_sql;

/* How a scalar (the value of a map's or document's member) is looked at. AS_JSON: as text, what is nested too; READABLE: the same
 * without the escapes of what is nested. */
typedef enum sq_scalar_view { SQ_VIEW_STRING, SQ_VIEW_NUMBER, SQ_VIEW_BOOLEAN, SQ_VIEW_AS_TEXT, SQ_VIEW_AS_JSON, SQ_VIEW_READABLE, SQ_VIEW_TYPE, SQ_VIEW_COUNT } sq_scalar_view;

/* What differs between databases, as templates: `@` is the subject, `#` the next value (a parameter),
   `$` the row's alias and a dot, `%` a whole number from the catalogue. */
typedef struct sq_sql_target {
  const char *name, *title;
  const char *explain; /* before a statement: asks how it goes about it */
  int explain_column;  /* of the answer, which is a step */
  size_t most_values; /* in one statement; an `among` of many is one */
  const char *compare[SQ_OP_COUNT]; /* by operator; ABSENT too, for the negation of PRESENT */
  const char *among_seqs;           /* behind a row's seq: `#`, a JSON array, has it */
  const char *document_phrase;      /* PHRASE, where `@` is a whole body */
  const char *among_many;           /* `#`: all values in one parameter, a JSON array */
  const char *negate;
  const char *opaque;               /* the same truth, whose parts the planner does not look into */
  const char *or_zero;
  const char *any_element;                /* `@`: the list; the condition stands between it and any_close */
  const char *element;                    /* what the condition is about */
  const char *any_close;
  const char *elements;                   /* `@`: a list or map; its elements as rows of x */
  const char *element_as_json;            /* of x */
  const char *is_plain_element;           /* x is text, a number or a boolean */
  const char *view[SQ_VIEW_COUNT];        /* `@`: "map, key", or one scalar */
  const char *member;                     /* the two arguments of a view: `@` the map, `#` the key */
  const char *document_member;            /* the argument of a view: `@` the document, `#` the member's name */
  const char *completion, *trace_row; /* which of both kinds the row is of */
  const char *enclosing_completion, *enclosing_row; /* the id of the nearest trace row around a completion, and any row */
  const char *entry_of_map, *entry_of_document, *entry_of_feedback, *entry_close; /* some entry; the condition stands inside */
  const char *entry_member[SQ_F_COUNT];   /* by field of an entry: the column; a scalar: arguments of a view */
  const char *document_entry_member[SQ_F_COUNT];
  const char *feedback_member[SQ_F_COUNT];
  const char *field[SQ_F_COUNT];          /* where the catalogue's own expression is not the one */
  const char *aggregate[SQ_A_COUNT_OF_KINDS];
  const char *bucket[SQ_MONTH + 1];       /* `@`: a time, `%`: offset in minutes */
  const char *key_of_scalar;              /* a member's value as a group key */
  const char *value_of_key;               /* a cursor's JSON text as such a value */
  const char *text_of_key;                /* the first key s.k1, a scalar, when it is text */
  const char *in_session;                 /* the row belongs to a session, and " AND " */
  const char *page;                       /* `#`: limit, `#`: offset */
  const char *may_have_words;             /* the row is a candidate for the phrase `#`, by an index of the words of bodies */
  void (*parameter)(sq_sql *sql, size_t number); /* how parameter number 1, 2, … is written */
} sq_sql_target;

extern const sq_sql_target sq_sqlite_target;

/* Whether an index of the words of bodies is to be asked for candidates for a phrase. */
typedef struct sq_sql_words {
  bool (*helps)(void *state, const sq_value *phrase);
  void *state;
} sq_sql_words;

/* A statement being written. Start from {…, .target, .arena, .error}; free `text`. */
struct sq_sql {
  sq_text text;
  sq_value *values; /* of the parameters, in the arena or pointing into the query */
  size_t count, capacity;
  const sq_sql_target *target;
  const sq_scope *scope;
  const sq_sql_words *words; /* NULL: there is none */
  sq_arena *arena;
  sq_error *error;
};

/* The whole query. `after`: values of the columns from `shown` on, of the row to begin behind, or NULL.
   One row more than the limit is asked for, so that it shows whether there is a next page. */
bool sq_sql_select(sq_sql *sql, const sq_query *query, const sq_value *after, const sq_columns *columns);
/* The columns of the requests with these seqs (a JSON array), in the query's order. */
bool sq_sql_pick(sq_sql *sql, const sq_query *query, const sq_value *seqs, const sq_columns *columns);
/* What is looked up by a session: an aggregate of stage OWN. */
bool sq_sql_own(sq_sql *sql, sq_field field, const sq_value key[3]);
/* How often which elements of a list, or members of a map, occur: the `most` frequent ones of each project (frequent.c). */
bool sq_sql_frequent(sq_sql *sql, const sq_query *query, sq_field field, int64_t most);
/* How many rows it has without limit and offset. */
bool sq_sql_count(sq_sql *sql, const sq_query *query);

/* --- emit.c, for select.c and frequent.c */

/* A filter about rows under this alias; a condition with AND, OR and NOT only has no further precedence. */
void sq_emit_rows(sq_sql *sql, const sq_node *filter, const char *alias);
/* A filter about groups: its session fields are columns of alias "s", its n-th SOME or EVERY is column
   s.quantified_n. `scalar_key`: the groups' key is a member of a map, whose text is the session.id. */
void sq_emit_keep(sq_sql *sql, const sq_node *filter, bool scalar_key);
/* alias.column */
void sq_emit_column(sq_sql *sql, const char *alias, const char *column);
/* The expression of a request field (`recorded`: the bare column). */
void sq_emit_field(sq_sql *sql, sq_field field, const char *alias, bool recorded);
void sq_emit_parameter(sq_sql *sql, const sq_value *value);
/* Expands a template in which only `$` and `%` stand, and `@` for a request field's expression. */
void sq_emit_template(sq_sql *sql, const char *template, const char *alias, sq_field subject, int number);
/* The same with the values of its `#`. */
void sq_emit_values(sq_sql *sql, const char *template, const char *alias, sq_field subject, const sq_value *values);
/* Organization and project of the scope, each followed by " AND ". */
void sq_emit_scope(sq_sql *sql, const char *alias);

#endif
