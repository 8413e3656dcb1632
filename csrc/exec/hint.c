/* What a filter of sessions says about their rows: of what it asks about ids and names a filter of rows that some row
   of each session that passes passes too. Its name is the one on its latest row that has one, its id is on all. So
   blocks are searched as for a filter of rows, and only sessions with such a row are looked at. */
#include "exec/run.h"

static const sq_node nothing_known = {.kind = SQ_N_TRUE};

static sq_field field_of_rows(sq_field field) {
  return field == SQ_F_SESSION_KEY ? SQ_F_SESSION_ID : field == SQ_F_SESSION_LABEL ? SQ_F_SESSION_NAME : SQ_F_NONE;
}

/* A session without a name has the name "", but no row says so. */
static const sq_node *hint_of_compare(sq_run *run, const sq_node *node) {
  const sq_value unnamed = {.kind = SQ_STRING, .text = ""};
  sq_field field = field_of_rows(node->field);
  if (field == SQ_F_NONE) return &nothing_known;
  sq_matcher *matcher = sq_matcher_make(node, run->error);
  if (!matcher) return NULL;
  bool any = sq_matcher_holds(matcher, &unnamed);
  sq_matcher_free(matcher);
  if (any) return &nothing_known;
  sq_node *of_rows = sq_run_take(run, sizeof *of_rows);
  if (!of_rows) return NULL;
  *of_rows = *node;
  of_rows->field = field;
  return of_rows;
}

static const sq_node *hint_of(sq_run *run, const sq_node *node);

/* All members of an AND that say something, on the same row; of an OR each must. */
static const sq_node *hint_of_kids(sq_run *run, const sq_node *node) {
  sq_node *of_rows = sq_run_take(run, sizeof *of_rows);
  const sq_node **kids = sq_run_take(run, node->count * sizeof *kids + 1);
  if (!of_rows || !kids) return NULL;
  *of_rows = (sq_node){.kind = node->kind, .kids = (sq_node **)kids};
  for (uint32_t i = 0; i < node->count; i++) {
    const sq_node *kid = hint_of(run, node->kids[i]);
    if (!kid) return NULL;
    if (kid->kind != SQ_N_TRUE) kids[of_rows->count++] = kid;
    else if (node->kind == SQ_N_OR) return &nothing_known;
  }
  return of_rows->count ? of_rows : &nothing_known;
}

static const sq_node *hint_of(sq_run *run, const sq_node *node) {
  if (node->kind == SQ_N_COMPARE) return hint_of_compare(run, node);
  return node->kind == SQ_N_AND || node->kind == SQ_N_OR ? hint_of_kids(run, node) : &nothing_known;
}

bool sq_hint_make(sq_run *run, const sq_node *keep, sq_selector **out) {
  const sq_node *hint = hint_of(run, keep);
  *out = NULL;
  if (!hint || hint->kind == SQ_N_TRUE) return hint != NULL;
  return (*out = sq_run_selector(run, hint)) != NULL;
}
