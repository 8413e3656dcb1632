/* The tree of a filter on the bitmaps of a block. Each leaf is a step; AND narrows the bits that the next member
   is asked about, OR takes away those that are decided, so that work shrinks as it goes. */
#include "exec/select.h"

#include <stdlib.h>

#include "exec/outcome.h"
#include "exec/steps.h"

#define SMALL_DICTIONARY 4096 /* entries that are asked about to tell whether a block can be skipped */

/* A node of the filter, and what is known about it on the block at hand. */
typedef struct part part;
struct part {
  const sq_node *node;
  sq_matcher *matcher; /* of a COMPARE */
  sq_step step;
  bool planned;
  sq_zone zone;
  double pass; /* guess: the part of the rows that pass */
  part **kids; /* in the order in which they are asked */
  uint32_t count;
};

struct sq_selector {
  const sq_kernel_set *kernels;
  sq_arena arena; /* of parts of the filter that were made here */
  part *parts; /* the root first */
  part **links;
  uint32_t parts_count, parts_used, links_used;
  uint64_t *room;       /* bitmaps, two for each OR and NOT that stand in one another, and two for a step */
  const sq_block *block; /* that the steps are planned for */
  const sq_segment *segment;
};

/* ------------------------------------------------------------------------------------------------- refusals */

static const char *refuse_compare(const sq_node *node) {
  const sq_field_row *row = sq_field_get(node->field);
  if (row->level != SQ_LEVEL_REQUEST) return "it asks about more than one request";
  if (row->home == SQ_HOME_BODY) return "bodies have no columns";
  return row->home == SQ_HOME_NONE && !sq_is_computed(node->field) ? "it asks about a field that is looked up elsewhere" : NULL;
}

static const char *const refused[] = {
    [SQ_N_SOME] = "some(…) asks about more than one request", [SQ_N_EVERY] = "every(…) asks about more than one request",
    [SQ_N_ROOT] = "root(…) asks about other requests",        [SQ_N_IN_TRACE] = "in_trace(…) asks about other requests",
    [SQ_N_ENCLOSING] = "enclosing(…) asks about other requests", [SQ_N_ENCLOSED] = "enclosed(…) asks about other requests",
    [SQ_N_ENTRY] = "entry(…) asks about whole maps",          [SQ_N_COMPARE] = NULL,
};

const char *sq_selector_refuses(const sq_node *filter) {
  if (filter->kind == SQ_N_COMPARE) return refuse_compare(filter);
  const char *why = refused[filter->kind];
  for (uint32_t i = 0; !why && sq_has_kids(filter) && i < filter->count; i++) why = sq_selector_refuses(filter->kids[i]);
  return why;
}

/* --------------------------------------------------------------------------------------------------- making */

static uint32_t count_parts(const sq_node *node) {
  uint32_t count = 1;
  for (uint32_t i = 0; sq_has_kids(node) && i < node->count; i++) count += count_parts(node->kids[i]);
  return count;
}

/* How many OR and NOT stand in one another. */
static size_t depth_of(const sq_node *node) {
  size_t deepest = 0;
  for (uint32_t i = 0; sq_has_kids(node) && i < node->count; i++) {
    size_t depth = depth_of(node->kids[i]);
    if (depth > deepest) deepest = depth;
  }
  return deepest + (node->kind == SQ_N_OR || node->kind == SQ_N_NOT);
}

static bool make_part(sq_selector *s, const sq_node *node, part **out, sq_error *error) {
  part *p = *out = &s->parts[s->parts_used++];
  p->node = node;
  if (node->kind == SQ_N_COMPARE) return (p->matcher = sq_matcher_make(node, error)) != NULL;
  p->kids = s->links + s->links_used;
  p->count = sq_has_kids(node) ? node->count : 0;
  s->links_used += p->count;
  for (uint32_t i = 0; i < p->count; i++)
    if (!make_part(s, node->kids[i], &p->kids[i], error)) return false;
  return true;
}

sq_selector *sq_selector_make(const sq_node *filter, sq_kernels kernels, sq_error *error) {
  sq_selector *s = calloc(1, sizeof *s);
  part *root;
  if (s) sq_arena_begin(&s->arena, NULL, NULL, 0);
  if (s && (filter = sq_expand_outcome(&s->arena, filter, error))) {
    s->kernels = sq_kernels_get(kernels);
    s->parts_count = count_parts(filter);
    s->parts = calloc(s->parts_count, sizeof *s->parts);
    s->links = calloc(s->parts_count, sizeof *s->links);
    s->room = malloc((2 * depth_of(filter) + 2) * SQ_BLOCK_WORDS * sizeof *s->room);
    if (s->parts && s->links && s->room && make_part(s, filter, &root, error)) return s;
  }
  sq_selector_free(s);
  sq_fail_memory(error);
  return NULL;
}

void sq_selector_free(sq_selector *s) {
  if (!s) return;
  for (uint32_t i = 0; s->parts && i < s->parts_count; i++) {
    sq_matcher_free(s->parts[i].matcher);
    sq_step_free(&s->parts[i].step);
  }
  free(s->parts);
  sq_arena_end(&s->arena);
  free(s->links);
  free(s->room);
  free(s);
}

void sq_selector_watch(sq_selector *s, const sq_watch *watch) {
  for (uint32_t i = 0; i < s->parts_count; i++)
    if (s->parts[i].matcher) sq_matcher_watch(s->parts[i].matcher, watch);
}

/* -------------------------------------------------------------------------------------------------- planning */

static sq_zone zone_of_step(const sq_step *step) {
  return step->kind == SQ_STEP_NONE ? SQ_ZONE_NONE : step->kind == SQ_STEP_ALL ? SQ_ZONE_ALL : SQ_ZONE_SOME;
}

static void learn_of_step(part *p) {
  p->zone = zone_of_step(&p->step);
  p->pass = p->zone == SQ_ZONE_SOME ? p->step.pass : p->zone == SQ_ZONE_ALL;
}

/* Zone and guess of an AND or OR of what its kids say: the deciding zone of one is the whole's. */
static void learn_of_kids(part *p) {
  bool is_and = p->node->kind == SQ_N_AND;
  sq_zone deciding = is_and ? SQ_ZONE_NONE : SQ_ZONE_ALL, neutral = is_and ? SQ_ZONE_ALL : SQ_ZONE_NONE;
  double rest = 1; /* that no kid decides */
  p->zone = neutral;
  for (uint32_t i = 0; i < p->count; i++) {
    const part *kid = p->kids[i];
    if (kid->zone == deciding) p->zone = deciding;
    else if (kid->zone == SQ_ZONE_SOME && p->zone == neutral) p->zone = SQ_ZONE_SOME;
    rest *= is_and ? kid->pass : 1 - kid->pass;
  }
  p->pass = p->zone != SQ_ZONE_SOME ? p->zone == SQ_ZONE_ALL : is_and ? rest : 1 - rest;
}

static void learn(part *p) {
  if (p->node->kind == SQ_N_COMPARE) {
    learn_of_step(p);
  } else if (p->node->kind == SQ_N_NOT) {
    p->zone = (sq_zone)(SQ_ZONE_ALL - p->kids[0]->zone);
    p->pass = 1 - p->kids[0]->pass;
  } else if (p->node->kind == SQ_N_AND || p->node->kind == SQ_N_OR) {
    learn_of_kids(p);
  } else {
    p->zone = p->node->kind == SQ_N_TRUE ? SQ_ZONE_ALL : SQ_ZONE_NONE;
    p->pass = p->node->kind == SQ_N_TRUE;
  }
}

/* Kids behind one that decides stay as they are: nobody will ask them. */
static bool decides(const part *p, const part *kid) {
  return (p->node->kind == SQ_N_AND && kid->zone == SQ_ZONE_NONE) || (p->node->kind == SQ_N_OR && kid->zone == SQ_ZONE_ALL);
}

static bool plan(part *p, const sq_block *block, sq_traffic *traffic, sq_error *error) {
  if (p->planned) return true;
  if (p->matcher && !(sq_step_open(&p->step, p->matcher, block, error) && sq_step_plan(&p->step, p->matcher, traffic, error) &&
                      sq_matcher_whole(p->matcher, error)))
    return false;
  for (uint32_t i = 0; i < p->count; i++) {
    if (!plan(p->kids[i], block, traffic, error)) return false;
    if (decides(p, p->kids[i])) {
      p->zone = p->kids[i]->zone;
      p->pass = p->zone == SQ_ZONE_ALL;
      p->planned = true;
      return true;
    }
  }
  learn(p);
  p->planned = true;
  return true;
}

/* Asks about small dictionaries where the zone is open, until it is not. */
static bool look_closer(part *p, const sq_kernel_set *kernels, sq_traffic *traffic, sq_error *error) {
  if (p->zone != SQ_ZONE_SOME) return true;
  const sq_step *step = &p->step;
  bool small = p->matcher && step->kind == SQ_STEP_ENTRIES && step->column.encoding == SQ_ENC_TEXT && step->last - step->first <= SMALL_DICTIONARY;
  if (small && !sq_step_tabulate(&p->step, p->matcher, kernels, traffic, error)) return false;
  for (uint32_t i = 0; i < p->count; i++) {
    if (!look_closer(p->kids[i], kernels, traffic, error)) return false;
    if (decides(p, p->kids[i])) break;
  }
  learn(p);
  return true;
}

/* Steps are about one block: those of the last one are let go. */
static bool begin_block(sq_selector *s, const sq_block *block, sq_traffic *traffic, sq_error *error) {
  if (block->rows > SQ_SEGMENT_ROWS) return sq_fail(error, SQ_E_STORE, "a segment of the column index is too long");
  if (s->block != block || s->segment != block->segment)
    for (uint32_t i = 0; i < s->parts_count; i++) s->parts[i].planned = false;
  s->block = block;
  s->segment = block->segment;
  return plan(&s->parts[0], block, traffic, error);
}

int sq_select_zone(sq_selector *s, const sq_block *block, sq_traffic *traffic, sq_error *error) {
  if (!begin_block(s, block, traffic, error) || !look_closer(&s->parts[0], s->kernels, traffic, error)) return -1;
  return (int)s->parts[0].zone;
}

/* ------------------------------------------------------------------------------------------------- selecting */

/* Where the tree walk is: bitmaps above `room` are free. */
typedef struct walk {
  sq_selector *selector;
  uint64_t *room;
  uint32_t rows;
  sq_traffic *traffic;
  sq_error *error;
} walk;

static bool select_part(walk w, part *p, uint64_t *bits, uint32_t *left);

static double cost_of(const sq_selector *s, const part *p, uint32_t left) {
  if (p->matcher) return sq_step_cost(&p->step, s->kernels, left);
  double cost = 0;
  for (uint32_t i = 0; p->zone == SQ_ZONE_SOME && i < p->count; i++) cost += cost_of(s, p->kids[i], left);
  return cost;
}

/* Time per part of the rows that a kid decides, so that the work for those behind it is least. */
static double rank_of(const sq_selector *s, const part *p, const part *kid, uint32_t left) {
  double decided = p->node->kind == SQ_N_AND ? 1 - kid->pass : kid->pass;
  return cost_of(s, kid, left) / (decided > 0.001 ? decided : 0.001);
}

/* By insertion up to a few kids, which is what there are; more stay as they were written. */
static void order_kids(const sq_selector *s, part *p, uint32_t left) {
  enum { MOST = 32 };
  double ranks[MOST];
  if (p->count > MOST) return;
  for (uint32_t i = 0; i < p->count; i++) {
    part *kid = p->kids[i];
    double rank = rank_of(s, p, kid, left);
    uint32_t at = i;
    for (; at > 0 && ranks[at - 1] > rank; at--) {
      ranks[at] = ranks[at - 1];
      p->kids[at] = p->kids[at - 1];
    }
    ranks[at] = rank;
    p->kids[at] = kid;
  }
}

static bool select_and(walk w, part *p, uint64_t *bits, uint32_t *left) {
  order_kids(w.selector, p, *left);
  for (uint32_t i = 0; i < p->count && *left; i++)
    if (!select_part(w, p->kids[i], bits, left)) return false;
  return true;
}

/* `bits` are those that no kid has accepted yet. */
static bool select_or(walk w, part *p, uint64_t *bits, uint32_t *left) {
  uint32_t words = sq_words_of(w.rows), sum = 0, open = *left;
  uint64_t *accepted = w.room, *asked = w.room + SQ_BLOCK_WORDS;
  w.room += 2 * SQ_BLOCK_WORDS;
  memset(accepted, 0, words * sizeof *accepted);
  order_kids(w.selector, p, *left);
  for (uint32_t i = 0; i < p->count && open; i++) {
    uint32_t found = open;
    memcpy(asked, bits, words * sizeof *asked);
    if (!select_part(w, p->kids[i], asked, &found)) return false;
    for (uint32_t k = 0; k < words; k++) {
      accepted[k] |= asked[k];
      bits[k] &= ~asked[k];
    }
    sum += found;
    open -= found;
  }
  memcpy(bits, accepted, words * sizeof *bits);
  *left = sum;
  return true;
}

static bool select_not(walk w, part *p, uint64_t *bits, uint32_t *left) {
  uint32_t words = sq_words_of(w.rows), found = *left;
  uint64_t *asked = w.room;
  w.room += 2 * SQ_BLOCK_WORDS;
  memcpy(asked, bits, words * sizeof *asked);
  if (!select_part(w, p->kids[0], asked, &found)) return false;
  for (uint32_t k = 0; k < words; k++) bits[k] &= ~asked[k];
  *left -= found;
  return true;
}

static bool select_step(walk w, part *p, uint64_t *bits, uint32_t *left) {
  return sq_step_run(&p->step, p->matcher, w.selector->kernels, bits, w.room, left, w.traffic, w.error);
}

static bool select_part(walk w, part *p, uint64_t *bits, uint32_t *left) {
  static bool (*const by_kind[])(walk, part *, uint64_t *, uint32_t *) = {
      [SQ_N_AND] = select_and, [SQ_N_OR] = select_or, [SQ_N_NOT] = select_not, [SQ_N_COMPARE] = select_step};
  if (p->zone == SQ_ZONE_ALL) return true;
  if (p->zone == SQ_ZONE_SOME) return by_kind[p->node->kind](w, p, bits, left);
  memset(bits, 0, sq_words_of(w.rows) * sizeof *bits);
  *left = 0;
  return true;
}

bool sq_select_rows(sq_selector *s, const sq_block *block, uint64_t *bits, sq_traffic *traffic, sq_error *error) {
  if (!begin_block(s, block, traffic, error)) return false;
  uint32_t words = sq_words_of(block->rows);
  if (block->rows % 64) bits[words - 1] &= (UINT64_C(1) << block->rows % 64) - 1;
  uint32_t left = s->kernels->count(bits, words);
  const walk w = {s, s->room, block->rows, traffic, error};
  return left == 0 || select_part(w, &s->parts[0], bits, &left);
}
