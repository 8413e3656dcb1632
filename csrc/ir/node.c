/* Nodes: names and arities by kind; copies of trees; the part of a tree that is about sessions. */
#include "ir/ir.h"

#include <string.h>

const char *sq_node_name(sq_node_kind kind) {
  static const char *const names[] = {
#define NODE(id, name, most) name,
#include "ir/nodes.def"
  };
  return names[kind];
}

bool sq_node_is_many(sq_node_kind kind) {
  static const unsigned most[] = {
#define NODE(id, name, most) most,
#include "ir/nodes.def"
  };
  return most[kind] == SQ_ANY_NUMBER;
}

sq_type sq_seen_type(const sq_node *compare) {
  return compare->name && sq_field_has_members(compare->field) ? SQ_T_SCALAR : sq_field_get(compare->field)->type;
}

sq_node *sq_copy_tree(sq_arena *arena, const sq_node *tree) {
  sq_node *copy = sq_arena_take(arena, sizeof *copy);
  if (!copy) return NULL;
  *copy = *tree;
  if (tree->name && !(copy->name = sq_arena_copy(arena, tree->name, tree->name_length))) return NULL;
  if (tree->count == 0) return copy;
  if (tree->kind != SQ_N_COMPARE) {
    if (!(copy->kids = sq_arena_take(arena, tree->count * sizeof *copy->kids))) return NULL;
    for (uint32_t i = 0; i < tree->count; i++)
      if (!(copy->kids[i] = sq_copy_tree(arena, tree->kids[i]))) return NULL;
    return copy;
  }
  if (!(copy->values = sq_arena_take(arena, tree->count * sizeof *copy->values))) return NULL;
  for (uint32_t i = 0; i < tree->count; i++) {
    sq_value *value = &copy->values[i].value;
    copy->values[i] = tree->values[i];
    if ((value->kind == SQ_STRING || value->kind == SQ_NUMBER) &&
        !(value->text = sq_arena_copy(arena, value->text, value->length)))
      return NULL;
  }
  return copy;
}

const sq_node *sq_find_session_part(const sq_node *tree) {
  if (!(tree->level & SQ_LEVEL_SESSION)) return NULL;
  if (sq_is_leaf(tree) || tree->kind == SQ_N_SOME || tree->kind == SQ_N_EVERY) return tree;
  for (uint32_t i = 0; sq_has_kids(tree) && i < tree->count; i++) {
    const sq_node *found = sq_find_session_part(tree->kids[i]);
    if (found) return found;
  }
  return tree;
}
