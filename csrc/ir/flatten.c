/* The normal form in which levels are given: brackets of one kind, double NOTs and constants make no
   difference. Laws: and(a, and(b, c)) = and(a, b, c); not(not(a)) = a; and(a, true) = a;
   and(a, false) = false; and their duals.

   A comparison that can never hold (latency_ms = 2.5) is a constant with a level. It counts as a member when
   levels are given, and is folded by sq_fold_constants after that. */
#include "ir/ir.h"

typedef struct flattener {
  sq_arena *arena;
  bool any_level; /* fold constants that have a level too */
} flattener;

static bool is_constant(const flattener *f, const sq_node *node, sq_node_kind kind) {
  return node->kind == kind && (f->any_level || node->level == 0);
}

static void become(sq_node *node, sq_node_kind kind) {
  node->kind = kind;
  node->count = 0;
  node->level = 0;
}

static void flatten_not(const flattener *f, sq_node **place) {
  sq_node *kid = (*place)->kids[0];
  if (kid->kind == SQ_N_NOT) *place = kid->kids[0];
  else if (is_constant(f, kid, SQ_N_TRUE)) become(*place, SQ_N_FALSE);
  else if (is_constant(f, kid, SQ_N_FALSE)) become(*place, SQ_N_TRUE);
}

/* Counts what the kids become: -1 when one of them decides the whole. */
static int64_t count_members(const flattener *f, const sq_node *node, sq_node_kind neutral, sq_node_kind deciding) {
  int64_t members = 0;
  for (uint32_t i = 0; i < node->count; i++) {
    const sq_node *kid = node->kids[i];
    if (is_constant(f, kid, deciding)) return -1;
    members += kid->kind == node->kind ? kid->count : !is_constant(f, kid, neutral);
  }
  return members;
}

static bool flatten_many(const flattener *f, sq_node **place) {
  sq_node *node = *place;
  sq_node_kind neutral = node->kind == SQ_N_AND ? SQ_N_TRUE : SQ_N_FALSE;
  sq_node_kind deciding = node->kind == SQ_N_AND ? SQ_N_FALSE : SQ_N_TRUE;
  int64_t members = count_members(f, node, neutral, deciding);
  if (members <= 0) {
    become(node, members < 0 ? deciding : neutral);
    return true;
  }
  sq_node **kids = sq_arena_take(f->arena, (size_t)members * sizeof *kids);
  if (!kids) return false;
  uint32_t count = 0;
  for (uint32_t i = 0; i < node->count; i++) {
    sq_node *kid = node->kids[i];
    if (kid->kind == node->kind)
      for (uint32_t j = 0; j < kid->count; j++) kids[count++] = kid->kids[j];
    else if (!is_constant(f, kid, neutral))
      kids[count++] = kid;
  }
  node->kids = kids;
  node->count = count;
  if (count == 1) *place = kids[0];
  return true;
}

static bool flatten(const flattener *f, sq_node **place) {
  sq_node *node = *place;
  for (uint32_t i = 0; sq_has_kids(node) && i < node->count; i++)
    if (!flatten(f, &node->kids[i])) return false;
  if (node->kind == SQ_N_NOT) flatten_not(f, place);
  else if (node->kind == SQ_N_AND || node->kind == SQ_N_OR) return flatten_many(f, place);
  return true;
}

/* Levels change where constants went away. */
static void relevel(sq_node *node) {
  if (!sq_has_kids(node)) return;
  unsigned level = 0;
  for (uint32_t i = 0; i < node->count; i++) {
    relevel(node->kids[i]);
    level |= node->kids[i]->level;
  }
  if (node->kind == SQ_N_AND || node->kind == SQ_N_OR || node->kind == SQ_N_NOT) node->level = level & 0xFF;
}

bool sq_flatten(sq_arena *arena, sq_node **tree, sq_error *error) {
  if (!flatten(&(flattener){arena, false}, tree)) return sq_fail_memory(error);
  relevel(*tree);
  return true;
}

bool sq_fold_constants(sq_arena *arena, sq_node **tree, sq_error *error) {
  return flatten(&(flattener){arena, true}, tree) || sq_fail_memory(error);
}
