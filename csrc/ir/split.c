/* Rows or keep: a flattened tree is divided by level, as semantics has it under "Mixed filters".

   A member of the top AND that is about requests only trims the rows; one about groups only is kept; one
   that mixes both is kept, and a request-only part inside it stands as some(part): the largest such part,
   and the request-only members of one AND together, since they must hold for the same request. */
#include "ir/build.h"

typedef struct splitter {
  sq_builder build;
  bool failed;
} splitter;

static sq_node *lift(splitter *s, sq_node *node);

static sq_node *some(splitter *s, sq_node *node) {
  sq_node *over = sq_build_over(&s->build, SQ_N_SOME, node, node->place);
  if (over) over->level = SQ_LEVEL_SESSION;
  return over;
}

static sq_node *many(splitter *s, sq_node_kind kind, const sq_kids *kids, unsigned level) {
  sq_node *node = sq_build_many(&s->build, kind, kids);
  if (node && kids->count > 1) node->level = level & 0xFF;
  return node;
}

static bool add(splitter *s, sq_kids *kids, sq_node *kid) { return sq_kids_add(&s->build, kids, kid); }

static sq_node *lift_and(splitter *s, const sq_node *node) {
  sq_kids together = {0}, kids = {0};
  for (uint32_t i = 0; i < node->count; i++)
    if (node->kids[i]->level == SQ_LEVEL_REQUEST && !add(s, &together, node->kids[i])) return NULL;
  if (together.count) {
    sq_node *requests = many(s, SQ_N_AND, &together, SQ_LEVEL_REQUEST);
    if (!requests || !add(s, &kids, some(s, requests))) return NULL;
  }
  for (uint32_t i = 0; i < node->count; i++)
    if (node->kids[i]->level != SQ_LEVEL_REQUEST && !add(s, &kids, lift(s, node->kids[i]))) return NULL;
  return many(s, SQ_N_AND, &kids, SQ_LEVEL_SESSION);
}

/* A tree about groups in which request-only parts stand as some(…). */
static sq_node *lift(splitter *s, sq_node *node) {
  if (node->level == SQ_LEVEL_REQUEST) return some(s, node);
  if (node->level != (SQ_LEVEL_REQUEST | SQ_LEVEL_SESSION)) return node;
  if (node->kind == SQ_N_AND) return lift_and(s, node);
  sq_kids kids = {0};
  for (uint32_t i = 0; i < node->count; i++)
    if (!add(s, &kids, lift(s, node->kids[i]))) return NULL;
  sq_node *lifted = node->kind == SQ_N_NOT ? sq_build_not(&s->build, kids.items[0])
                                           : sq_build_many(&s->build, node->kind, &kids);
  if (lifted) lifted->level = SQ_LEVEL_SESSION;
  return lifted;
}

bool sq_split_levels(sq_arena *arena, sq_node *tree, sq_split *out, sq_error *error) {
  splitter s = {.build = {.arena = arena, .error = error}};
  sq_kids rows = {0}, keep = {0};
  bool whole_and = tree->kind == SQ_N_AND;
  uint32_t count = whole_and ? tree->count : tree->kind != SQ_N_TRUE;
  for (uint32_t i = 0; i < count; i++) {
    sq_node *member = whole_and ? tree->kids[i] : tree;
    bool about_rows = !(member->level & SQ_LEVEL_SESSION); /* a constant too: false lets no row through */
    if (!(about_rows ? add(&s, &rows, member) : add(&s, &keep, lift(&s, member)))) return false;
  }
  out->rows = many(&s, SQ_N_AND, &rows, SQ_LEVEL_REQUEST);
  out->keep = many(&s, SQ_N_AND, &keep, SQ_LEVEL_SESSION);
  return out->rows && out->keep;
}
