/* Rows or keep: a flattened tree is divided by level into what trims rows and what chooses groups.

   A member of the top AND that is about requests only trims the rows; one about groups only is kept; one
   that mixes both is kept, and a request-only part inside it stands as some(part): the largest such part,
   and the request-only members of one AND together, since they must hold for the same request. */
#include "ir/build.h"

static sq_node *lift(sq_builder *b, sq_node *node);

static sq_node *some(sq_builder *b, sq_node *node) {
  sq_node *over = sq_build_over(b, SQ_N_SOME, node, node->place);
  if (over) over->level = SQ_LEVEL_SESSION;
  return over;
}

static sq_node *many(sq_builder *b, sq_node_kind kind, const sq_kids *kids, unsigned level) {
  sq_node *node = sq_build_many(b, kind, kids);
  if (node && kids->count > 1) node->level = level & 0xFF;
  return node;
}

static sq_node *lift_and(sq_builder *b, const sq_node *node) {
  sq_kids together = {0}, kids = {0};
  for (uint32_t i = 0; i < node->count; i++)
    if (node->kids[i]->level == SQ_LEVEL_REQUEST && !sq_kids_add(b, &together, node->kids[i])) return NULL;
  if (together.count) {
    sq_node *requests = many(b, SQ_N_AND, &together, SQ_LEVEL_REQUEST);
    if (!requests || !sq_kids_add(b, &kids, some(b, requests))) return NULL;
  }
  for (uint32_t i = 0; i < node->count; i++)
    if (node->kids[i]->level != SQ_LEVEL_REQUEST && !sq_kids_add(b, &kids, lift(b, node->kids[i]))) return NULL;
  return many(b, SQ_N_AND, &kids, SQ_LEVEL_SESSION);
}

/* A tree about groups in which request-only parts stand as some(…). */
static sq_node *lift(sq_builder *b, sq_node *node) {
  if (node->level == SQ_LEVEL_REQUEST) return some(b, node);
  if (node->level != (SQ_LEVEL_REQUEST | SQ_LEVEL_SESSION)) return node;
  if (node->kind == SQ_N_AND) return lift_and(b, node);
  sq_kids kids = {0};
  for (uint32_t i = 0; i < node->count; i++)
    if (!sq_kids_add(b, &kids, lift(b, node->kids[i]))) return NULL;
  sq_node *lifted = node->kind == SQ_N_NOT ? sq_build_not(b, kids.items[0]) : sq_build_many(b, node->kind, &kids);
  if (lifted) lifted->level = SQ_LEVEL_SESSION;
  return lifted;
}

bool sq_split_levels(sq_arena *arena, sq_node *tree, sq_split *out, sq_error *error) {
  sq_builder b = {.arena = arena, .error = error};
  sq_kids rows = {0}, keep = {0};
  bool whole_and = tree->kind == SQ_N_AND;
  uint32_t count = whole_and ? tree->count : tree->kind != SQ_N_TRUE;
  for (uint32_t i = 0; i < count; i++) {
    sq_node *member = whole_and ? tree->kids[i] : tree;
    bool about_rows = !(member->level & SQ_LEVEL_SESSION); /* a constant too: false lets no row through */
    if (!(about_rows ? sq_kids_add(&b, &rows, member) : sq_kids_add(&b, &keep, lift(&b, member)))) return false;
  }
  out->rows = many(&b, SQ_N_AND, &rows, SQ_LEVEL_REQUEST);
  out->keep = many(&b, SQ_N_AND, &keep, SQ_LEVEL_SESSION);
  return out->rows && out->keep;
}
