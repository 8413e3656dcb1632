/* Filters that name one session: the view knows where it lies, so no other row is looked at. */
#include <stdlib.h>

#include "exec/run.h"

/* The text that rows must have in the field, by the filter; NULL: it names none. */
static const sq_value *text_of(const sq_node *filter, sq_field field) {
  if (filter->kind == SQ_N_COMPARE) return filter->op == SQ_OP_EQ && filter->field == field ? &filter->values[0].value : NULL;
  const sq_value *text = NULL;
  for (uint32_t i = 0; !text && filter->kind == SQ_N_AND && i < filter->count; i++) text = text_of(filter->kids[i], field);
  return text;
}

/* A copy with a terminator; NULL: there is none, or it holds one. */
static const char *owner_of(sq_run *run, const char *scope, sq_field field) {
  const sq_value *text = scope ? NULL : text_of(run->query->filter.rows, field);
  if (!text || memchr(text->text, '\0', text->length)) return scope;
  char *copy = sq_run_take(run, text->length + 1);
  return copy ? memcpy(copy, text->text, text->length) : NULL;
}

static bool pass_over_others(sq_run *run, const sq_fragment_ref *refs, size_t count) {
  sq_fragment_ref *only = sq_run_take(run, count * sizeof *only + 1);
  if (!only) return false;
  if (count) memcpy(only, refs, count * sizeof *only);
  run->only = only;
  run->only_count = count;
  for (size_t block = 0; block < run->view->count; block++) run->states[block] = &run->none;
  for (size_t i = 0; i < count; i++) run->states[refs[i].block] = NULL;
  for (size_t block = 0; block < run->view->count; block++) run->exec->traffic.skipped += run->states[block] != NULL;
  return true;
}

bool sq_run_narrow(sq_run *run) {
  const sq_value *id = text_of(run->query->filter.rows, SQ_F_SESSION_ID);
  const char *organization = id ? owner_of(run, run->exec->scope.organization, SQ_F_ORGANIZATION_ID) : NULL;
  const char *project = id ? owner_of(run, run->exec->scope.project, SQ_F_PROJECT) : NULL;
  uint32_t code;
  sq_fragment_ref *refs = NULL;
  if (run->error->code != SQ_OK) return false;
  if (run->exec->whole || !organization || !project) return true;
  if (!sq_view_find(run->view, organization, project, id->text, id->length, &code, run->error)) return false;
  int64_t count = code == SQ_NO_CODE ? 0 : sq_view_fragments(run->view, code, &refs, run->error);
  bool good = count >= 0 && pass_over_others(run, refs, (size_t)count);
  free(refs);
  return good;
}
