/* The register of dialects. A new one is one file and one line in dialect.c. */
#ifndef SQ_DIALECT_DIALECT_H
#define SQ_DIALECT_DIALECT_H

#include "dialect/write.h"
#include "ir/build.h"
#include "ir/query.h"

typedef struct sq_endpoint {
  const char *name;
  /* A request body: sets all of the query but its filter, which is returned; NULL after an error. */
  sq_node *(*query)(sq_builder *builder, sq_query *query, const char *source, size_t length);
  /* How the answer looks. All of a dialect have one envelope. */
  const sq_shape *shape;
} sq_endpoint;

/* A body that says one thing: an object of one member, TEXT or BOOLEAN. */
typedef struct sq_note {
  const char *name, *member;
  sq_type type;
} sq_note;

typedef struct sq_dialect {
  const char *name;
  /* Source text to an unbound tree; NULL after an error. */
  sq_node *(*filter)(sq_builder *builder, const char *source, size_t length);
  /* A tree to source text: see write.h. False after an error of memory. */
  bool (*write)(sq_writer *w, const sq_node *tree);
  /* Adds to an error with a place what helps to find it in the source. */
  void (*locate)(sq_error *error, const char *source, size_t length);
  /* What can be asked with a whole request body, up to one without a name; the first when none is named. NULL: nothing. */
  const sq_endpoint *endpoints;
  const sq_note *notes; /* up to one without a name; NULL: none */
} sq_dialect;

/* NULL and an error that names the nearest when there is no such dialect. */
const sq_dialect *sq_dialect_named(const char *name, sq_error *error);

#define SQ_MAX_SOURCE ((size_t)1 << 20) /* bytes of a filter or request body */

/* --- the dialects */
sq_node *sq_freeplay_filter(sq_builder *builder, const char *source, size_t length);
bool sq_freeplay_write(sq_writer *w, const sq_node *tree);
sq_node *sq_helicone_filter(sq_builder *builder, const char *source, size_t length);
bool sq_helicone_write(sq_writer *w, const sq_node *tree);
extern const sq_endpoint sq_helicone_endpoints[];
extern const sq_note sq_helicone_notes[];
sq_node *sq_langsmith_filter(sq_builder *builder, const char *source, size_t length);
bool sq_langsmith_write(sq_writer *w, const sq_node *tree);
sq_node *sq_langsmith_projects_filter(sq_builder *builder, const char *source, size_t length);
bool sq_langsmith_projects_write(sq_writer *w, const sq_node *tree);
sq_node *sq_where_filter(sq_builder *builder, const char *source, size_t length);
bool sq_where_write(sq_writer *w, const sq_node *tree);

#endif
