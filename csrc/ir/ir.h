/* The filter IR: the narrow waist between dialects and engines.

   A dialect builds a tree in an arena (build.h), bind gives it fields, types and levels, flatten brings it
   into normal form, split divides it into the part about rows and the part about groups, simplify rewrites
   within one level. Each stage can be dumped.

   Shapes:
     AND OR                      kids[count]
     NOT SOME EVERY ROOT IN_TRACE ENCLOSING ENCLOSED kids[1]
     ENTRY                       field: the map, document or feedback; kids[1], of entry fields
     COMPARE                     before bind: name (unless the dialect knew the field), op, values as written
                                 after bind:  field, key (of a map's member), op, values of the field's type
     TRUE FALSE                  nothing */
#ifndef SQ_IR_IR_H
#define SQ_IR_IR_H

#include "base/arena.h"
#include "base/text.h"
#include "catalog/catalog.h"

typedef enum sq_node_kind {
#define NODE(id, name, most) SQ_N_##id,
#include "ir/nodes.def"
} sq_node_kind;

/* Of a COMPARE. */
enum {
  SQ_AS_TEXT = 1, /* a scalar is seen as text: 1 as "1", true as "true" */
  SQ_OR_ZERO = 2, /* an absent number counts as 0 */
};

/* A stretch of the source, in bytes. */
typedef struct sq_place {
  uint32_t offset, length;
} sq_place;

/* The place of what was built by calls, without a source. */
#define SQ_NOWHERE ((sq_place){UINT32_MAX, 0})

/* sq_fail_at a place, or sq_fail when it is nowhere. */
#define sq_fail_place(error, code, place, ...) \
  ((place).offset == UINT32_MAX ? sq_fail(error, code, __VA_ARGS__) \
                                : sq_fail_at(error, code, (place).offset, (place).length, __VA_ARGS__))

typedef struct sq_operand {
  sq_value value; /* before bind NULL, BOOLEAN, NUMBER, STRING; after it BOOLEAN, INTEGER, REAL, STRING */
  sq_place place;
} sq_operand;

typedef struct sq_node sq_node;
struct sq_node {
  sq_node_kind kind : 8;
  sq_op op : 8;
  unsigned flags : 8;
  unsigned level : 8; /* set of sq_level, after bind; 0: written as a constant */
  sq_field field;
  uint32_t count;
  uint32_t name_length;
  sq_place place;
  const char *name; /* before bind: as written; after it: the map's key, the document's member, or NULL */
  union {
    sq_node **kids;
    sq_operand *values;
  };
};

/* Trees deeper than this are refused, so that recursion is bounded. */
#define SQ_MAX_DEPTH 256
/* ROOT, IN_TRACE, ENCLOSING and ENCLOSED in one another: each is a query in the query. */
#define SQ_MAX_TRACES 3

const char *sq_node_name(sq_node_kind kind);
/* Takes any number of kids; other kinds take one or none. */
bool sq_node_is_many(sq_node_kind kind);
/* A comparison, or what became of one that can never hold: it has a field. */
static inline bool sq_is_leaf(const sq_node *node) {
  return node->kind == SQ_N_COMPARE || (node->kind == SQ_N_FALSE && node->level);
}
static inline bool sq_has_kids(const sq_node *node) { return node->kind != SQ_N_COMPARE && node->count > 0; }

/* --- bind.c: names to fields, operators and values to the field's type, levels. In place: nodes are
   rewritten to what engines have (ne, absent, has disappear; an impossible number is a constant). Parts
   that were bound before stay. A fragment may hold entry fields outside of entry: it waits to be put in. */
bool sq_bind(sq_arena *arena, sq_node **tree, bool fragment, sq_error *error);

/* --- flatten.c: ANDs in ANDs, ORs in ORs, double NOTs and constants disappear. Nothing else moves. */
bool sq_flatten(sq_arena *arena, sq_node **tree, sq_error *error);
/* The same once levels are given, for constants of any level. */
bool sq_fold_constants(sq_arena *arena, sq_node **tree, sq_error *error);

/* --- split.c: a flattened tree divided by level. */
typedef struct sq_split {
  sq_node *rows; /* about requests, trims; never NULL */
  sq_node *keep; /* about groups; never NULL */
} sq_split;
/* The nodes of `tree` are used up. */
bool sq_split_levels(sq_arena *arena, sq_node *tree, sq_split *out, sq_error *error);
/* The first leaf of a session field, SOME or EVERY in the tree, NULL when it is about requests only. */
const sq_node *sq_find_session_part(const sq_node *tree);

/* --- simplify.c: rewrites within one level. */
bool sq_simplify(sq_arena *arena, sq_node **tree, sq_error *error);

/* --- dump.c: a tree on one line. */
void sq_dump(sq_text *out, const sq_node *tree);
/* `rows EXPR keep EXPR` without the parts that are true; "all" when both are. */
void sq_dump_split(sq_text *out, const sq_split *split);
/* How messages and dumps write a COMPARE's field: `properties."Os Platform"`. */
void sq_dump_field(sq_text *out, const sq_node *compare);
/* A map's key that needs no quotes behind the dot. */
bool sq_is_plain_key(const char *key, size_t length);

/* --- filter.c: a bound, flattened tree as one immutable block. */
struct sq_filter {
  const sq_allocator *allocator;
  size_t size;
  const sq_node *tree;
  bool whole; /* it is about one completion: a query of sessions takes it as one some(…), see candidates.h */
};
/* Binds, flattens and freezes what a dialect built. */
sq_filter *sq_filter_finish(sq_arena *arena, sq_node *tree, bool fragment, const sq_allocator *allocator,
                            sq_error *error);

/* --- node.c */
/* The type that a bound comparison sees: a member of a map or document is a scalar. */
sq_type sq_seen_type(const sq_node *compare);
/* A copy of a tree and all it points to in another arena; NULL when memory ended. */
sq_node *sq_copy_tree(sq_arena *arena, const sq_node *tree);

#endif
