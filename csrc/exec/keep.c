/* The keep step over many groups at once: integer ranges over arrays first, what is dear only for those groups
   that it still matters for. */
#include "exec/run.h"

#include <stdlib.h>

#include "exec/steps.h"

/* What a node of the filter became; the kinds in order of what they cost. */
typedef enum step_kind { CONSTANT, RANGE, RATIO, TEXT, QUANTIFIED, VALUE, AND, OR, NOT } step_kind;

typedef struct step {
  step_kind kind;
  unsigned cost;
  bool truth;         /* CONSTANT */
  bool or_zero;       /* RANGE: an absent value counts as 0 */
  unsigned slot;      /* RANGE */
  int64_t low, high;  /* RANGE */
  sq_field field;     /* RATIO, TEXT, VALUE */
  unsigned number;    /* QUANTIFIED */
  sq_matcher *matcher;
  sq_step entries;    /* TEXT: which entries of the block's dictionary hold */
  uint32_t block;     /* of these entries */
  uint32_t count;
  struct step *kids;
  uint16_t *chosen; /* OR, NOT: those that are handed down */
  uint16_t *left;   /* OR: those that no member let through */
} step;

struct sq_keep {
  sq_run *run;
  step whole;
  unsigned quantified; /* met so far */
};

/* -------------------------------------------------------------------------------------------------- making */

static const unsigned costs[] = {[CONSTANT] = 0, [RANGE] = 1, [RATIO] = 4, [TEXT] = 20, [QUANTIFIED] = 40, [VALUE] = 400};

/* The values for which a comparison of integers holds, as a range; false when they are none. */
static bool range_of(const sq_node *node, step *s) {
  int64_t value = node->count ? node->values[0].value.integer : 0;
  s->low = SQ_ABSENT + 1;
  s->high = INT64_MAX;
  switch (node->op) {
    case SQ_OP_PRESENT: return true;
    case SQ_OP_EQ: s->low = s->high = value; break;
    case SQ_OP_GTE: s->low = value; break;
    case SQ_OP_LTE: s->high = value; break;
    case SQ_OP_GT: s->low = value < INT64_MAX ? value + 1 : INT64_MAX; break;
    case SQ_OP_LT: s->high = value > INT64_MIN ? value - 1 : INT64_MIN; break;
    case SQ_OP_BETWEEN:
      s->low = value;
      s->high = node->values[1].value.integer;
      break;
    default: return false;
  }
  if (node->op == SQ_OP_GT && value == INT64_MAX) s->high = SQ_ABSENT; /* nothing */
  if (s->low == SQ_ABSENT) s->low++;
  return true;
}

static bool make_compare(sq_keep *keep, const sq_node *node, step *s) {
  bool plain = sq_is_plain(node->field, &s->slot);
  s->field = node->field;
  s->or_zero = node->flags & SQ_OR_ZERO;
  if (plain && range_of(node, s)) {
    s->kind = RANGE;
    return true;
  }
  bool text = node->field == SQ_F_SESSION_LABEL || node->field == SQ_F_SESSION_KEY;
  s->kind = sq_slots_of(node->field) ? RATIO : text ? TEXT : VALUE;
  s->matcher = sq_matcher_make(node, keep->run->error);
  if (!s->matcher) return false;
  if (keep->run->watch.is_late) sq_matcher_watch(s->matcher, &keep->run->watch);
  return true;
}

static int by_cost(const void *left, const void *right) {
  const step *a = left, *b = right;
  return (a->cost > b->cost) - (a->cost < b->cost);
}

static bool make_step(sq_keep *keep, const sq_node *node, step *s);

static bool make_kids(sq_keep *keep, const sq_node *node, step *s) {
  s->kind = node->kind == SQ_N_AND ? AND : node->kind == SQ_N_OR ? OR : NOT;
  s->kids = sq_run_take(keep->run, node->count * sizeof *s->kids + 1);
  s->chosen = sq_run_take(keep->run, 2 * SQ_BATCH * sizeof *s->chosen);
  if (!s->kids || !s->chosen) return false;
  s->left = s->chosen + SQ_BATCH;
  for (uint32_t i = 0; i < node->count; i++) {
    s->count++;
    if (!make_step(keep, node->kids[i], &s->kids[i])) return false;
    s->cost += s->kids[i].cost;
  }
  qsort(s->kids, s->count, sizeof *s->kids, by_cost);
  return true;
}

static bool make_step(sq_keep *keep, const sq_node *node, step *s) {
  s->block = UINT32_MAX;
  switch (node->kind) {
    case SQ_N_AND:
    case SQ_N_OR:
    case SQ_N_NOT: return make_kids(keep, node, s);
    case SQ_N_SOME:
    case SQ_N_EVERY:
      s->kind = QUANTIFIED;
      s->number = keep->quantified++;
      break;
    case SQ_N_COMPARE:
      if (!make_compare(keep, node, s)) return false;
      break;
    default: s->truth = node->kind == SQ_N_TRUE;
  }
  s->cost = costs[s->kind];
  return true;
}

static void free_step(step *s) {
  sq_matcher_free(s->matcher);
  sq_step_free(&s->entries);
  for (uint32_t i = 0; i < s->count; i++) free_step(&s->kids[i]);
}

sq_keep *sq_keep_make(sq_run *run, const sq_node *filter) {
  sq_keep *keep = sq_run_take(run, sizeof *keep);
  if (!keep) return NULL;
  keep->run = run;
  if (make_step(keep, filter, &keep->whole)) return keep;
  sq_keep_free(keep);
  return NULL;
}

void sq_keep_free(sq_keep *keep) {
  if (keep) free_step(&keep->whole);
}

bool sq_keep_asks(const sq_node *filter, sq_field field) {
  if (filter->kind == SQ_N_SOME || filter->kind == SQ_N_EVERY) return false;
  if (filter->kind == SQ_N_COMPARE) return filter->field == field;
  bool asks = false;
  for (uint32_t i = 0; sq_has_kids(filter) && i < filter->count; i++) asks |= sq_keep_asks(filter->kids[i], field);
  return asks;
}

sq_slot_set sq_keep_slots(const sq_node *filter) {
  if (filter->kind == SQ_N_SOME || filter->kind == SQ_N_EVERY) return 0;
  if (filter->kind == SQ_N_COMPARE) return sq_slots_of(filter->field);
  sq_slot_set set = 0;
  for (uint32_t i = 0; sq_has_kids(filter) && i < filter->count; i++) set |= sq_keep_slots(filter->kids[i]);
  return set;
}

/* ------------------------------------------------------------------------------------------------- testing */

/* Each test leaves in `chosen` those that pass, in order, and gives their number, -1 after an error. */
static int64_t test(sq_keep *keep, step *s, sq_items *items, uint16_t *chosen, uint32_t count);

static bool fill(sq_items *items, sq_slot_set set, const uint16_t *chosen, uint32_t count) {
  for (unsigned slot = 0; slot < SQ_SLOTS; slot++)
    if (set >> slot & 1 && !items->fill(items->state, slot, chosen, count)) return false;
  return true;
}

static int64_t test_range(const step *s, sq_items *items, uint16_t *chosen, uint32_t count) {
  uint32_t kept = 0;
  if (!fill(items, UINT32_C(1) << s->slot, chosen, count)) return -1;
  const int64_t *values = items->slots[s->slot];
  for (uint32_t i = 0; i < count; i++) {
    int64_t value = values[chosen[i]];
    if (value == SQ_ABSENT && s->or_zero) value = 0;
    uint16_t item = chosen[i];
    chosen[kept] = item;
    kept += value >= s->low && value <= s->high;
  }
  return kept;
}

/* Matchers know texts as STRING only. */
static bool holds(step *s, sq_value *value) {
  if (value->kind == SQ_JSON) value->kind = SQ_STRING;
  if (value->kind == SQ_NULL && s->or_zero) *value = (sq_value){.kind = SQ_INTEGER};
  return sq_matcher_holds(s->matcher, value);
}

static int64_t test_ratio(sq_keep *keep, step *s, sq_items *items, uint16_t *chosen, uint32_t count) {
  uint32_t kept = 0;
  if (!fill(items, sq_slots_of(s->field), chosen, count)) return -1;
  for (uint32_t i = 0; i < count; i++) {
    sq_value value;
    sq_slots_value(s->field, items->slots, chosen[i], &value);
    if (value.kind == SQ_NULL && s->or_zero) value = (sq_value){.kind = SQ_REAL, .real = 0};
    if (holds(s, &value)) chosen[kept++] = chosen[i];
  }
  if (!sq_matcher_whole(s->matcher, keep->run->error)) return -1;
  return kept;
}

static int value_holds(sq_keep *keep, step *s, sq_items *items, uint16_t item) {
  sq_value value;
  sq_run_row(keep->run);
  return items->value(items->state, item, s->field, &value) ? holds(s, &value) : -1;
}

#define ASKED 16 /* so many entries are searched in the time that one takes alone */

/* What the filter is on a block's dictionary; of many items all entries are searched together. */
static bool open_entries(sq_keep *keep, step *s, const sq_items *items, const sq_column *column, uint32_t count) {
  sq_step *entries = &s->entries;
  sq_traffic *traffic = &keep->run->exec->traffic;
  if (s->block != items->block) {
    entries->subject = SQ_OF_COLUMN;
    entries->column = *column;
    entries->rows = column->count;
    if (!sq_step_plan(entries, s->matcher, traffic, keep->run->error)) return false;
    s->block = items->block;
  }
  bool many = entries->kind == SQ_STEP_ENTRIES && count > (entries->last - entries->first) / ASKED;
  return !many || sq_step_tabulate(entries, s->matcher, sq_kernels_get(keep->run->exec->kernels), traffic, keep->run->error);
}

static bool entry_holds(step *s, uint32_t entry) {
  const sq_step *entries = &s->entries;
  switch (entries->kind) {
    case SQ_STEP_NONE: return false;
    case SQ_STEP_ALL: return true;
    case SQ_STEP_TABLE: return entry < entries->table_bits && entries->table[entry >> 6] >> (entry & 63) & 1;
    case SQ_STEP_RANGES:
      for (uint32_t i = 0; i < entries->count; i++)
        if (entry >= entries->ranges[i].low && entry <= entries->ranges[i].high) return true;
      return false;
    case SQ_STEP_ENTRIES:
      if (entry < entries->first || entry >= entries->last) return false;
      break;
    default: break;
  }
  return entry < entries->column.dictionary.count && sq_step_ask_entry(entries, s->matcher, entry);
}

static int64_t test_text(sq_keep *keep, step *s, sq_items *items, uint16_t *chosen, uint32_t count) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; i++) {
    const sq_column *column;
    int64_t entry = items->entry ? items->entry(items->state, chosen[i], s->field, &column) : -1;
    if (entry >= 0 && !open_entries(keep, s, items, column, count - i)) return -1;
    int is = entry >= 0 ? entry_holds(s, (uint32_t)entry) : value_holds(keep, s, items, chosen[i]);
    if (is < 0) return -1;
    if (is) chosen[kept++] = chosen[i];
  }
  return sq_matcher_whole(s->matcher, keep->run->error) ? (int64_t)kept : -1;
}

static int single_holds(sq_keep *keep, step *s, sq_items *items, uint16_t item) {
  if (s->kind == QUANTIFIED) return items->quantified(items->state, item, s->number);
  return value_holds(keep, s, items, item);
}

static int64_t test_singly(sq_keep *keep, step *s, sq_items *items, uint16_t *chosen, uint32_t count) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; i++) {
    int is = single_holds(keep, s, items, chosen[i]);
    if (is < 0) return -1;
    if (is) chosen[kept++] = chosen[i];
  }
  if (s->matcher && !sq_matcher_whole(s->matcher, keep->run->error)) return -1;
  return kept;
}

static int64_t test_and(sq_keep *keep, step *s, sq_items *items, uint16_t *chosen, int64_t count) {
  for (uint32_t i = 0; i < s->count && count > 0; i++) count = test(keep, &s->kids[i], items, chosen, (uint32_t)count);
  return count;
}

/* Takes from the ascending `all` what is in the ascending `some`; what stays is what is in `all` only. */
static uint32_t without(uint16_t *all, uint32_t count, const uint16_t *some, uint32_t some_count) {
  uint32_t kept = 0, at = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (at < some_count && some[at] == all[i]) at++;
    else all[kept++] = all[i];
  }
  return kept;
}

/* Each member is asked about those that none before it let through: in the end `left` passed nowhere. */
static int64_t test_or(sq_keep *keep, step *s, sq_items *items, uint16_t *chosen, uint32_t count) {
  uint16_t *left = s->left;
  uint32_t remaining = count;
  memcpy(left, chosen, count * sizeof *left);
  for (uint32_t i = 0; i < s->count && remaining > 0; i++) {
    memcpy(s->chosen, left, remaining * sizeof *left);
    int64_t passed = test(keep, &s->kids[i], items, s->chosen, remaining);
    if (passed < 0) return -1;
    remaining = without(left, remaining, s->chosen, (uint32_t)passed);
  }
  return without(chosen, count, left, remaining);
}

static int64_t test_not(sq_keep *keep, step *s, sq_items *items, uint16_t *chosen, uint32_t count) {
  memcpy(s->chosen, chosen, count * sizeof *chosen);
  int64_t passed = test(keep, &s->kids[0], items, s->chosen, count);
  if (passed < 0) return -1;
  return without(chosen, count, s->chosen, (uint32_t)passed);
}

static int64_t test(sq_keep *keep, step *s, sq_items *items, uint16_t *chosen, uint32_t count) {
  if (count == 0) return 0;
  switch (s->kind) {
    case CONSTANT: return s->truth ? count : 0;
    case RANGE: return test_range(s, items, chosen, count);
    case RATIO: return test_ratio(keep, s, items, chosen, count);
    case TEXT: return test_text(keep, s, items, chosen, count);
    case AND: return test_and(keep, s, items, chosen, count);
    case OR: return test_or(keep, s, items, chosen, count);
    case NOT: return test_not(keep, s, items, chosen, count);
    default: return test_singly(keep, s, items, chosen, count);
  }
}

int64_t sq_keep_test(sq_keep *keep, sq_items *items, uint16_t *chosen, uint32_t count) {
  return test(keep, &keep->whole, items, chosen, count);
}
