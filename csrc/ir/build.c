#include "ir/build.h"

#include <string.h>

#include "base/error.h"

static sq_node *make(sq_builder *builder, sq_node_kind kind, sq_place place) {
  sq_node *node = sq_arena_take(builder->arena, sizeof *node);
  if (!node) {
    sq_fail_memory(builder->error);
    return NULL;
  }
  node->kind = kind;
  node->place = place;
  return node;
}

bool sq_kids_add(sq_builder *builder, sq_kids *kids, sq_node *kid) {
  if (!kid) return false;
  if (!sq_arena_grow(builder->arena, &kids->items, kids->count, &kids->capacity, sizeof kid))
    return sq_fail_memory(builder->error);
  kids->items[kids->count++] = kid;
  return true;
}

sq_node *sq_build_constant(sq_builder *builder, bool value) {
  return make(builder, value ? SQ_N_TRUE : SQ_N_FALSE, SQ_NOWHERE);
}

sq_node *sq_build_many(sq_builder *builder, sq_node_kind kind, const sq_kids *kids) {
  if (kids->count == 0) return sq_build_constant(builder, kind == SQ_N_AND);
  if (kids->count == 1) return kids->items[0];
  sq_node *node = make(builder, kind, kids->items[0]->place);
  if (!node) return NULL;
  node->kids = kids->items;
  node->count = (uint32_t)kids->count;
  return node;
}

static sq_node *build_pair(sq_builder *builder, sq_node_kind kind, sq_node *left, sq_node *right) {
  sq_kids kids = {0};
  if (!sq_kids_add(builder, &kids, left) || !sq_kids_add(builder, &kids, right)) return NULL;
  return sq_build_many(builder, kind, &kids);
}

sq_node *sq_build_and(sq_builder *builder, sq_node *left, sq_node *right) {
  return build_pair(builder, SQ_N_AND, left, right);
}

sq_node *sq_build_or(sq_builder *builder, sq_node *left, sq_node *right) {
  return build_pair(builder, SQ_N_OR, left, right);
}

sq_node *sq_build_over(sq_builder *builder, sq_node_kind kind, sq_node *kid, sq_place place) {
  sq_kids kids = {0};
  if (!sq_kids_add(builder, &kids, kid)) return NULL;
  sq_node *node = make(builder, kind, place);
  if (!node) return NULL;
  node->kids = kids.items;
  node->count = 1;
  return node;
}

sq_node *sq_build_not(sq_builder *builder, sq_node *kid) {
  return kid ? sq_build_over(builder, SQ_N_NOT, kid, kid->place) : NULL;
}

sq_node *sq_build_entry(sq_builder *builder, sq_field map, sq_node *kid, sq_place place) {
  sq_node *node = sq_build_over(builder, SQ_N_ENTRY, kid, place);
  if (node) node->field = map;
  return node;
}

sq_node *sq_build_compare(sq_builder *builder, sq_field field, const char *key, size_t key_length, sq_op op,
                          const sq_operand *values, size_t count, unsigned flags, sq_place place) {
  sq_node *node = make(builder, SQ_N_COMPARE, place);
  if (!node) return NULL;
  node->field = field;
  node->op = op;
  node->flags = flags & 0xFF;
  node->name = key;
  node->name_length = (uint32_t)key_length;
  node->count = (uint32_t)count;
  if (count) {
    node->values = sq_arena_take(builder->arena, count * sizeof *values);
    if (!node->values) {
      sq_fail_memory(builder->error);
      return NULL;
    }
    memcpy(node->values, values, count * sizeof *values);
  }
  return node;
}

sq_node *sq_build_named(sq_builder *builder, const char *name, size_t name_length, sq_op op,
                        const sq_operand *values, size_t count, sq_place place) {
  return sq_build_compare(builder, SQ_F_NONE, name, name_length, op, values, count, 0, place);
}

/* The exponent from its `e` on, which JSON lets begin with zeros; what is beyond all numbers of ours is cut. */
static int64_t exponent_of(const char *e, const char *end) {
  int64_t value = 0;
  bool negative = e + 1 < end && e[1] == '-';
  for (const char *at = e + 1; at < end; at++)
    if (*at >= '0' && *at <= '9' && value < 1000000) value = value * 10 + (*at - '0');
  return negative ? -value : value;
}

bool sq_shift_number(sq_builder *builder, sq_operand *number, int digits) {
  const char *text = number->value.text, *end = text + number->value.length, *e = text;
  while (e < end && *e != 'e' && *e != 'E') e++;
  sq_text shifted = {0};
  sq_text_append(&shifted, text, (size_t)(e - text));
  sq_text_format(&shifted, "e%lld", (long long)(e < end ? exponent_of(e, end) : 0) + digits);
  const char *copy = shifted.failed ? NULL : sq_arena_copy(builder->arena, shifted.data, shifted.length);
  *number = sq_number_operand(copy, shifted.length, number->place);
  sq_text_free(&shifted);
  return copy || sq_fail_memory(builder->error);
}
