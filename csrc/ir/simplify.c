/* Rewrites within one level. Each has its law; agree_spec and laws_spec hold them to it.
   Laws: or(eq(f, a), among(f, b, c), g) = or(among(f, a, b, c), g), for one field, key and kind of value;
         among(f, a) = eq(f, a); and the laws of flatten.c for constants of any level. */
#include <string.h>

#include "ir/ir.h"

static bool is_choice(const sq_node *node) {
  return node->kind == SQ_N_COMPARE && (node->op == SQ_OP_EQ || node->op == SQ_OP_AMONG);
}

static bool same_subject(const sq_node *a, const sq_node *b) {
  return a->field == b->field && a->flags == b->flags && a->name_length == b->name_length &&
         !a->name == !b->name && (!a->name || memcmp(a->name, b->name, a->name_length) == 0) &&
         a->values[0].value.kind == b->values[0].value.kind;
}

/* Makes one `among` of the run of kids[first…] that ask about one field; returns the run's end. */
static uint32_t run_end(const sq_node *node, uint32_t first) {
  uint32_t end = first + 1;
  while (is_choice(node->kids[first]) && end < node->count && is_choice(node->kids[end]) &&
         same_subject(node->kids[first], node->kids[end]))
    end++;
  return end;
}

static bool merge_run(sq_arena *arena, sq_node **kids, uint32_t count) {
  uint32_t values = 0, used = 0;
  for (uint32_t i = 0; i < count; i++) values += kids[i]->count;
  sq_node *merged = sq_arena_take(arena, sizeof *merged);
  if (!merged) return false;
  *merged = *kids[0];
  merged->op = SQ_OP_AMONG;
  if (!(merged->values = sq_arena_take(arena, values * sizeof *merged->values))) return false;
  for (uint32_t i = 0; i < count; i++) {
    memcpy(merged->values + used, kids[i]->values, kids[i]->count * sizeof *merged->values);
    used += kids[i]->count;
  }
  merged->count = used;
  kids[0] = merged;
  return true;
}

static bool merge_choices(sq_arena *arena, sq_node **place) {
  sq_node *node = *place;
  uint32_t kept = 0;
  for (uint32_t first = 0; first < node->count;) {
    uint32_t end = run_end(node, first);
    if (end > first + 1 && !merge_run(arena, node->kids + first, end - first)) return false;
    node->kids[kept++] = node->kids[first];
    first = end;
  }
  node->count = kept;
  if (kept == 1) *place = node->kids[0];
  return true;
}

static bool simplify(sq_arena *arena, sq_node **place) {
  sq_node *node = *place;
  for (uint32_t i = 0; sq_has_kids(node) && i < node->count; i++)
    if (!simplify(arena, &node->kids[i])) return false;
  if (is_choice(node) && node->count == 1) node->op = SQ_OP_EQ;
  return node->kind != SQ_N_OR || merge_choices(arena, place);
}

bool sq_simplify(sq_arena *arena, sq_node **tree, sq_error *error) {
  return sq_fold_constants(arena, tree, error) && (simplify(arena, tree) || sq_fail_memory(error));
}
