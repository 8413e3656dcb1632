/* What a dialect builds trees with. Every function returns NULL when memory ended (and says so in the
   builder's error), and passes on NULL arguments, so that a dialect checks once, at its end. */
#ifndef SQ_IR_BUILD_H
#define SQ_IR_BUILD_H

#include "ir/ir.h"

typedef struct sq_builder {
  sq_arena *arena;
  sq_error *error;
  bool strict; /* sq_filter_options: a dialect that has no extensions need not look at it */
  bool whole;  /* the filter is about one completion, see candidates.h; a reader may set it */
} sq_builder;

/* Children that grow one by one. Start from {0}. */
typedef struct sq_kids {
  sq_node **items;
  size_t count, capacity;
} sq_kids;

bool sq_kids_add(sq_builder *builder, sq_kids *kids, sq_node *kid);

sq_node *sq_build_constant(sq_builder *builder, bool value);
/* AND or OR over all kids; of one kid, the kid. */
sq_node *sq_build_many(sq_builder *builder, sq_node_kind kind, const sq_kids *kids);
sq_node *sq_build_and(sq_builder *builder, sq_node *left, sq_node *right);
sq_node *sq_build_or(sq_builder *builder, sq_node *left, sq_node *right);
sq_node *sq_build_not(sq_builder *builder, sq_node *kid);
/* SOME, EVERY, ROOT, IN_TRACE, ENCLOSING, ENCLOSED. */
sq_node *sq_build_over(sq_builder *builder, sq_node_kind kind, sq_node *kid, sq_place place);
sq_node *sq_build_entry(sq_builder *builder, sq_field map, sq_node *kid, sq_place place);

/* A comparison of a field that the dialect knows (key: member of a map, or NULL). `values` is copied, the
   texts it points to are not. */
sq_node *sq_build_compare(sq_builder *builder, sq_field field, const char *key, size_t key_length, sq_op op,
                          const sq_operand *values, size_t count, unsigned flags, sq_place place);
/* A comparison of a field by canonical name, looked up by bind. */
sq_node *sq_build_named(sq_builder *builder, const char *name, size_t name_length, sq_op op,
                        const sq_operand *values, size_t count, sq_place place);

static inline sq_operand sq_text_operand(const char *text, size_t length, sq_place place) {
  return (sq_operand){{.kind = SQ_STRING, .length = (uint32_t)length, .text = text}, place};
}
static inline sq_operand sq_boolean_operand(bool boolean, sq_place place) {
  return (sq_operand){{.kind = SQ_BOOLEAN, .boolean = boolean}, place};
}
static inline sq_operand sq_number_operand(const char *text, size_t length, sq_place place) {
  return (sq_operand){{.kind = SQ_NUMBER, .length = (uint32_t)length, .text = text}, place};
}
/* The JSON number of an operand × 10^digits, exactly: seconds as milliseconds at 3. */
bool sq_shift_number(sq_builder *builder, sq_operand *number, int digits);

#endif
