#include "ir/candidates.h"

#include <string.h>

static sq_node *copy(sq_builder *b, const sq_node *tree) {
  sq_node *made = sq_copy_tree(b->arena, tree);
  if (!made) sq_fail_memory(b->error);
  return made;
}

static sq_node *completion(sq_builder *b) {
  const sq_operand types[] = {sq_text_operand("llm", 3, SQ_NOWHERE), sq_text_operand("embedding", 9, SQ_NOWHERE)};
  return sq_build_compare(b, SQ_F_RUN_TYPE, NULL, 0, SQ_OP_AMONG, types, 2, 0, SQ_NOWHERE);
}

static sq_node *trace_row(sq_builder *b) { return sq_build_not(b, completion(b)); }

/* The row is around no completion. */
static sq_node *bare(sq_builder *b) {
  return sq_build_not(b, sq_build_over(b, SQ_N_ENCLOSED, sq_build_constant(b, true), SQ_NOWHERE));
}

/* What every candidate has, completion or trace row. */
static bool of_any_candidate(sq_field field) {
  return field == SQ_F_CREATED_AT || field == SQ_F_SESSION_ID || field == SQ_F_SESSION_METADATA_OF_ROW;
}

/* F'. */
static sq_node *seen_by_trace(sq_builder *b, const sq_node *f) {
  if (f->kind == SQ_N_ENCLOSING) return copy(b, f->kids[0]);
  if (f->kind == SQ_N_TRUE) return sq_build_constant(b, true);
  if (f->kind == SQ_N_COMPARE || f->kind == SQ_N_ENTRY)
    return of_any_candidate(f->field) ? copy(b, f) : sq_build_constant(b, false);
  if (f->kind == SQ_N_NOT) return sq_build_not(b, seen_by_trace(b, f->kids[0]));
  if (f->kind != SQ_N_AND && f->kind != SQ_N_OR) return sq_build_constant(b, false);
  sq_kids kids = {0};
  for (uint32_t i = 0; i < f->count; i++)
    if (!sq_kids_add(b, &kids, seen_by_trace(b, f->kids[i]))) return NULL;
  return sq_build_many(b, f->kind, &kids);
}

/* What is asked of the row stands before what is asked of its trace: that is looked up. */
static sq_node *own_row_first(sq_builder *b, const sq_node *f) {
  sq_node *tree = copy(b, f);
  sq_kids kids = {0};
  if (!tree || tree->kind != SQ_N_AND) return tree;
  for (int of_trace = 0; of_trace < 2; of_trace++)
    for (uint32_t i = 0; i < tree->count; i++)
      if ((tree->kids[i]->kind == SQ_N_ENCLOSING) == of_trace && !sq_kids_add(b, &kids, tree->kids[i])) return NULL;
  tree->kids = kids.items;
  return tree;
}

static sq_node *completions(sq_builder *b, const sq_node *f) { return sq_build_and(b, completion(b), own_row_first(b, f)); }

static sq_node *bare_traces(sq_builder *b, const sq_node *f) { return sq_build_and(b, bare(b), seen_by_trace(b, f)); }

/* Every request belongs to a candidate, and every trace row is around one or is one. */
static bool is_all(const sq_node *f) { return f->kind == SQ_N_TRUE; }

static sq_node *candidates(sq_builder *b, const sq_node *f) {
  if (is_all(f)) return sq_build_constant(b, true);
  return sq_build_or(b, completions(b, f), sq_build_and(b, trace_row(b), bare_traces(b, f)));
}

static sq_node *traces(sq_builder *b, const sq_node *f) {
  if (is_all(f)) return trace_row(b);
  sq_node *around = sq_build_over(b, SQ_N_ENCLOSED, own_row_first(b, f), SQ_NOWHERE);
  return sq_build_and(b, trace_row(b), sq_build_or(b, around, bare_traces(b, f)));
}

sq_node *sq_build_search(sq_builder *builder, sq_search search, const sq_node *filter) {
  static sq_node *(*const forms[])(sq_builder *, const sq_node *) = {
      [SQ_SEARCH_CANDIDATES] = candidates, [SQ_SEARCH_COMPLETIONS] = completions, [SQ_SEARCH_TRACES] = traces};
  return forms[search](builder, filter);
}

sq_node *sq_build_whole(sq_builder *builder, const sq_node *filter) {
  return sq_build_over(builder, SQ_N_SOME, sq_build_search(builder, SQ_SEARCH_CANDIDATES, filter), SQ_NOWHERE);
}
