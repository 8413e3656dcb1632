#include "exec/outcome.h"

#include <string.h>

#include "exec/select.h"
#include "ir/build.h"

const char *const sq_outcome_names[SQ_OUTCOMES] = {"error", "pending", "success"};

enum { PENDING = -2, FIRST_ERROR = 400 };

/* ----------------------------------------------------------------------------------------------------- rows */

bool sq_outcome_columns_open(const sq_segment *segment, sq_outcome_columns *out, sq_error *error) {
  return sq_open_column(segment, SQ_F_ERROR, NULL, 0, &out->error, error) && sq_open_column(segment, SQ_F_STATUS, NULL, 0, &out->status, error) &&
         sq_open_column(segment, SQ_F_RESPONDED_AT, NULL, 0, &out->responded, error) &&
         sq_open_column(segment, SQ_F_LATENCY_MS, NULL, 0, &out->latency, error);
}

sq_outcome sq_row_outcome(const sq_outcome_columns *columns, uint32_t row) {
  int64_t status = 0;
  sq_column_integer(&columns->status, row, &status);
  if (sq_column_has(&columns->error, row) || status >= FIRST_ERROR || (status < 0 && status != PENDING)) return SQ_OUTCOME_ERROR;
  bool ended = sq_column_has(&columns->responded, row) || sq_column_has(&columns->latency, row);
  return status == PENDING || !ended ? SQ_OUTCOME_PENDING : SQ_OUTCOME_SUCCESS;
}

/* ---------------------------------------------------------------------------------------------------- trees */

static sq_node *of_request(sq_node *node) {
  if (node) node->level = SQ_LEVEL_REQUEST;
  return node;
}

static sq_node *compare(sq_builder *b, sq_field field, sq_op op, int64_t value) {
  const sq_operand operand = {{.kind = SQ_INTEGER, .integer = value}, SQ_NOWHERE};
  return of_request(sq_build_compare(b, field, NULL, 0, op, &operand, op != SQ_OP_PRESENT, 0, SQ_NOWHERE));
}

static sq_node *present(sq_builder *b, sq_field field) { return compare(b, field, SQ_OP_PRESENT, 0); }
static sq_node *either(sq_builder *b, sq_node *x, sq_node *y) { return of_request(sq_build_or(b, x, y)); }
static sq_node *both(sq_builder *b, sq_node *x, sq_node *y) { return of_request(sq_build_and(b, x, y)); }
static sq_node *no(sq_builder *b, sq_node *x) { return of_request(sq_build_not(b, x)); }

static sq_node *is_error(sq_builder *b) {
  sq_node *failed = either(b, compare(b, SQ_F_STATUS, SQ_OP_GTE, FIRST_ERROR), present(b, SQ_F_ERROR));
  sq_node *negative = either(b, compare(b, SQ_F_STATUS, SQ_OP_LT, PENDING), compare(b, SQ_F_STATUS, SQ_OP_EQ, PENDING + 1));
  return either(b, failed, negative);
}

/* Of those that are no errors. */
static sq_node *is_open(sq_builder *b) {
  sq_node *ended = either(b, present(b, SQ_F_RESPONDED_AT), present(b, SQ_F_LATENCY_MS));
  return either(b, compare(b, SQ_F_STATUS, SQ_OP_EQ, PENDING), no(b, ended));
}

static sq_node *is_pending(sq_builder *b) { return both(b, no(b, is_error(b)), is_open(b)); }
static sq_node *is_success(sq_builder *b) { return both(b, no(b, is_error(b)), no(b, is_open(b))); }

static sq_node *one_of(sq_builder *b, sq_outcome outcome) {
  return outcome == SQ_OUTCOME_ERROR ? is_error(b) : outcome == SQ_OUTCOME_PENDING ? is_pending(b) : is_success(b);
}

/* Whatever the operator: it holds of some of the three. */
static sq_node *expand(sq_builder *b, const sq_node *node) {
  sq_matcher *matcher = sq_matcher_make(node, b->error);
  unsigned holds = 0;
  if (!matcher) return NULL;
  for (unsigned i = 0; i < SQ_OUTCOMES; i++) {
    const char *name = sq_outcome_names[i];
    holds |= (unsigned)sq_matcher_holds(matcher, &(sq_value){.kind = SQ_STRING, .length = (uint32_t)strlen(name), .text = name}) << i;
  }
  bool whole = sq_matcher_whole(matcher, b->error);
  sq_matcher_free(matcher);
  if (!whole) return NULL;
  if (holds == 0 || holds == 7) return of_request(sq_build_constant(b, holds != 0));
  for (unsigned i = 0; i < SQ_OUTCOMES; i++) {
    if (holds == 1u << i) return one_of(b, (sq_outcome)i);
    if (holds == (7u & ~(1u << i))) return no(b, one_of(b, (sq_outcome)i));
  }
  return NULL;
}

static bool has_outcome(const sq_node *node) {
  if (node->kind == SQ_N_COMPARE) return node->field == SQ_F_OUTCOME;
  for (uint32_t i = 0; sq_has_kids(node) && i < node->count; i++)
    if (has_outcome(node->kids[i])) return true;
  return false;
}

static bool expand_all(sq_builder *b, sq_node **place) {
  sq_node *node = *place;
  if (node->kind == SQ_N_COMPARE) return node->field != SQ_F_OUTCOME || (*place = expand(b, node));
  for (uint32_t i = 0; sq_has_kids(node) && i < node->count; i++)
    if (!expand_all(b, &node->kids[i])) return false;
  return true;
}

const sq_node *sq_expand_outcome(sq_arena *arena, const sq_node *tree, sq_error *error) {
  if (!has_outcome(tree)) return tree;
  sq_builder build = {.arena = arena, .error = error};
  sq_node *copy = sq_copy_tree(arena, tree);
  if (copy && expand_all(&build, &copy)) return copy;
  sq_fail_memory(error);
  return NULL;
}
