/* What a comparison is on a column's codes. Nothing here reads codes: base, scale, least, greatest and the sorted
   dictionary tell. */
#include <stdlib.h>

#include "exec/steps.h"

typedef __int128 wide; /* bounds one beyond int64, and base + scale × code of any column */

/* ---------------------------------------------------------------------------------------- ranges of codes */

static uint64_t top_of(const sq_column *column) { return column->width == 0 ? 0 : sq_absent_code(column->width); }

bool sq_step_add(sq_step *step, uint64_t low, uint64_t high, sq_error *error) {
  sq_code_range *last = step->count ? &step->ranges[step->count - 1] : NULL;
  if (last && (low == 0 || last->high >= low - 1)) {
    if (high > last->high) last->high = high;
    return true;
  }
  if (step->count == step->capacity) {
    uint32_t capacity = step->capacity ? 2 * step->capacity : 4;
    sq_code_range *ranges = realloc(step->ranges, capacity * sizeof *ranges);
    if (!ranges) return sq_fail_memory(error);
    step->ranges = ranges;
    step->capacity = capacity;
  }
  step->ranges[step->count++] = (sq_code_range){low, high};
  return true;
}

/* Ranges are complete: decides between NONE, ALL and RANGES. */
static void settle(sq_step *step) {
  uint64_t top = top_of(&step->column);
  step->kind = step->count == 0 || step->ranges[0].low > top              ? SQ_STEP_NONE
               : step->ranges[0].low == 0 && step->ranges[0].high >= top ? SQ_STEP_ALL
                                                                         : SQ_STEP_RANGES;
}

/* The part of [first, last] that the ranges cover. */
static double covered(const sq_step *step, uint64_t first, uint64_t last) {
  double sum = 0, whole = (double)(last - first) + 1;
  for (uint32_t i = 0; i < step->count; i++) {
    uint64_t low = step->ranges[i].low > first ? step->ranges[i].low : first, high = step->ranges[i].high < last ? step->ranges[i].high : last;
    if (low <= high) sum += (double)(high - low) + 1;
  }
  return sum / whole;
}

/* How operators bound what passes: from literal `from` (-1: no bound), itself left out when `above`; up to literal
   `to`, itself taken in when `with`. */
typedef struct bounds {
  bool known;
  signed char from, to;
  bool above, with;
} bounds;
static const bounds bounds_of[SQ_OP_COUNT] = {
    [SQ_OP_EQ] = {true, 0, 0, false, true},       [SQ_OP_GT] = {true, 0, -1, true, false},  [SQ_OP_GTE] = {true, 0, -1, false, false},
    [SQ_OP_LT] = {true, -1, 0, false, false},     [SQ_OP_LTE] = {true, -1, 0, false, true}, [SQ_OP_BETWEEN] = {true, 0, 1, false, true},
    [SQ_OP_PRESENT] = {true, -1, -1, false, false},
};

static bool literals_are(const sq_node *node, sq_kind kind, sq_kind or_kind) {
  for (uint32_t i = 0; i < node->count; i++)
    if (node->values[i].value.kind != kind && node->values[i].value.kind != or_kind) return false;
  return true;
}

static void become(sq_step *step, sq_step_kind kind, double pass) {
  step->kind = kind;
  step->pass = pass;
}

/* ----------------------------------------------------------------------------------------------- integers */

static wide integer_of(const sq_value *value) { return value->kind == SQ_BOOLEAN ? value->boolean : value->integer; }

/* What passes, as [*low, *high]; false when no such interval tells it. */
static bool interval_of(const sq_matcher *m, wide *low, wide *high) {
  const sq_node *node = sq_matcher_node(m);
  const bounds *b = &bounds_of[node->op];
  if (!b->known || !sq_matcher_is_plain(m) || !literals_are(node, SQ_INTEGER, SQ_BOOLEAN)) return false;
  *low = b->from < 0 ? INT64_MIN : integer_of(&node->values[b->from].value) + b->above;
  *high = b->to < 0 ? INT64_MAX : integer_of(&node->values[b->to].value) - !b->with;
  return true;
}

/* Adds the codes of the values in [low, high]. */
static bool add_interval(sq_step *step, wide low, wide high, sq_error *error) {
  const sq_column *c = &step->column;
  uint64_t greatest = top_of(c) - (c->has_absent && c->width);
  if (low > c->max || high < c->min) return true;
  uint64_t first = 0, last = greatest;
  if (low > c->min) {
    wide code = (low - c->base + c->scale - 1) / c->scale;
    if (low > c->base) first = code > (wide)greatest ? greatest : (uint64_t)code;
    if (low > c->base && code > (wide)greatest) return true;
  }
  if (high < c->max) {
    if (high < c->base) return true;
    wide code = (high - c->base) / c->scale;
    if (code < (wide)last) last = (uint64_t)code;
  }
  return first > last || sq_step_add(step, first, last, error);
}

static bool add_integers(sq_step *step, const sq_matcher *m, sq_error *error) {
  wide low, high;
  if (interval_of(m, &low, &high)) return low > high || add_interval(step, low, high, error);
  uint32_t count;
  const sq_value *values = sq_matcher_values(m, &count);
  for (uint32_t i = 0; i < count; i++)
    if (!add_interval(step, integer_of(&values[i]), integer_of(&values[i]), error)) return false;
  return true;
}

/* Where values begin and end among the codes, for a guess. */
static double guess_integers(const sq_step *step) {
  const sq_column *c = &step->column;
  uint64_t first = (uint64_t)c->min - (uint64_t)c->base, last = (uint64_t)c->max - (uint64_t)c->base;
  return last < first ? 1 : covered(step, first / (uint64_t)c->scale, last / (uint64_t)c->scale);
}

static bool plan_integers(sq_step *step, sq_matcher *m, sq_traffic *traffic, sq_error *error) {
  const sq_node *node = sq_matcher_node(m);
  const sq_column *c = &step->column;
  (void)traffic;
  bool among = node->op == SQ_OP_AMONG;
  if (!sq_matcher_is_plain(m) || c->scale < 1 || !(among || bounds_of[node->op].known) || !literals_are(node, SQ_INTEGER, SQ_BOOLEAN)) {
    become(step, SQ_STEP_ROWS, 0.3);
    return true;
  }
  if (!add_integers(step, m, error)) return false;
  step->pass = guess_integers(step);
  if (step->absent_holds && c->has_absent && c->width && !sq_step_add(step, top_of(c), top_of(c), error)) return false;
  settle(step);
  return true;
}

/* -------------------------------------------------------------------------------------------- dictionaries */

uint32_t sq_step_seek(const sq_step *step, const char *text, size_t length, bool *same, sq_traffic *traffic) {
  const sq_dictionary *d = &step->column.dictionary;
  *same = false;
  uint32_t entry = sq_dictionary_seek(d, text, length, same);
  unsigned probes = d->count ? 32 - (unsigned)__builtin_clz(d->count) : 0;
  sq_count_bytes(traffic, (d->uuid ? 64 : 128) * (uint64_t)probes);
  return entry < step->entries ? entry : (*same = false, step->entries);
}

/* Adds entries [first, last). */
bool sq_step_add_entries(sq_step *step, uint32_t first, uint32_t last, sq_error *error) {
  return first >= last || sq_step_add(step, first, last - 1, error);
}

static bool add_between(sq_step *step, const sq_node *node, sq_traffic *traffic, sq_error *error) {
  const bounds *b = &bounds_of[node->op];
  uint32_t first = 0, last = step->entries;
  bool same;
  if (b->from >= 0) {
    const sq_value *from = &node->values[b->from].value;
    first = sq_step_seek(step, from->text, from->length, &same, traffic);
    if (b->from == b->to) return sq_step_add_entries(step, first, first + same, error);
    if (b->above) first += same;
  }
  if (b->to >= 0) {
    const sq_value *to = &node->values[b->to].value;
    last = sq_step_seek(step, to->text, to->length, &same, traffic);
    if (b->with) last += same;
  }
  return sq_step_add_entries(step, first, last, error);
}

static bool add_among(sq_step *step, const sq_matcher *m, sq_traffic *traffic, sq_error *error) {
  uint32_t count;
  const sq_value *values = sq_matcher_values(m, &count);
  for (uint32_t i = 0; i < count; i++) {
    bool same;
    uint32_t entry = sq_step_seek(step, values[i].text, values[i].length, &same, traffic);
    if (!sq_step_add_entries(step, entry, entry + same, error)) return false;
  }
  return true;
}

/* A like pattern's beginning: its literals up to the first wildcard, as far as there is room. */
typedef struct prefix {
  char text[128];
  size_t length;
  enum { THEN_NOTHING, THEN_ANYTHING, THEN_MORE } then;
} prefix;

static void take_prefix(const sq_value *pattern, prefix *out) {
  size_t at = 0;
  out->length = 0;
  for (; at < pattern->length && pattern->text[at] != '%' && pattern->text[at] != '_'; at++) {
    if (out->length == sizeof out->text || (unsigned char)pattern->text[at] >= 0xFE) break; /* no text: base/pattern.c's own signs */
    at += pattern->text[at] == '\\';
    out->text[out->length++] = pattern->text[at];
  }
  out->then = at == pattern->length ? THEN_NOTHING : THEN_ANYTHING;
  for (; at < pattern->length; at++)
    if (pattern->text[at] != '%') out->then = THEN_MORE;
}

/* The first entry behind all that begin with the prefix. */
static uint32_t seek_behind(const sq_step *step, const prefix *p, sq_traffic *traffic) {
  char next[sizeof p->text];
  size_t length = p->length;
  bool same;
  memcpy(next, p->text, length);
  while (length && (unsigned char)next[length - 1] == 0xFF) length--;
  if (length == 0) return step->entries;
  next[length - 1]++;
  return sq_step_seek(step, next, length, &same, traffic);
}

/* Entries that are to be looked at, [first, last). */
bool sq_step_look_into(sq_step *step, uint32_t first, uint32_t last) {
  step->first = first;
  step->last = last;
  become(step, first < last ? SQ_STEP_ENTRIES : SQ_STEP_NONE, 0.1 * (last - first) / step->entries);
  return true;
}

bool sq_step_finish(sq_step *step, sq_error *error) {
  const sq_column *c = &step->column;
  step->pass = covered(step, 0, step->entries - 1);
  if (!c->has_absent && step->count && step->ranges[0].low == 0 && step->ranges[0].high == step->entries - 1) step->ranges[0].high = top_of(c);
  if (step->absent_holds && step->entries <= top_of(c) && !sq_step_add(step, step->entries, top_of(c), error)) return false;
  settle(step);
  return true;
}

static bool plan_like(sq_step *step, const sq_node *node, sq_traffic *traffic, sq_error *error) {
  prefix p;
  bool same;
  take_prefix(&node->values[0].value, &p);
  uint32_t first = sq_step_seek(step, p.text, p.length, &same, traffic);
  uint32_t last = p.then == THEN_NOTHING ? first + same : seek_behind(step, &p, traffic);
  if (p.then == THEN_MORE) return sq_step_look_into(step, first, last);
  return sq_step_add_entries(step, first, last, error) && sq_step_finish(step, error);
}

static bool plan_plain_texts(sq_step *step, sq_matcher *m, sq_traffic *traffic, sq_error *error) {
  const sq_node *node = sq_matcher_node(m);
  size_t length;
  bool texts = literals_are(node, SQ_STRING, SQ_STRING);
  if (texts && bounds_of[node->op].known) return add_between(step, node, traffic, error) && sq_step_finish(step, error);
  if (texts && node->op == SQ_OP_AMONG && (uint64_t)node->count * SQ_SEEK < step->entries)
    return add_among(step, m, traffic, error) && sq_step_finish(step, error);
  if (node->op == SQ_OP_LIKE) return plan_like(step, node, traffic, error);
  if (node->op == SQ_OP_CONTAINS && step->column.dictionary.uuid) {
    const char *needle = sq_matcher_needle(m, &length);
    sq_uuid_needle digits;
    if (!sq_uuid_needle_make(&digits, needle, length)) return sq_step_look_into(step, 0, 0);
  }
  return sq_step_look_into(step, 0, step->entries);
}

/* How many entries codes can name: the greatest code is no entry where it means that there is none. */
static uint32_t entries_of(const sq_column *c) {
  uint64_t most = top_of(c);
  if (most < UINT64_MAX && !(c->has_absent && c->width)) most++;
  return c->dictionary.count < most ? c->dictionary.count : (uint32_t)most;
}

static bool plan_texts(sq_step *step, sq_matcher *m, sq_traffic *traffic, sq_error *error) {
  step->entries = entries_of(&step->column);
  if (step->entries == 0) {
    become(step, step->absent_holds ? SQ_STEP_ALL : SQ_STEP_NONE, 0);
    return true;
  }
  if (sq_matcher_is_plain(m)) return plan_plain_texts(step, m, traffic, error);
  if (sq_matcher_node(m)->op == SQ_OP_PRESENT || sq_matcher_has_forms(m)) return sq_step_plan_scalars(step, m, traffic, error);
  return sq_step_look_into(step, 0, step->entries);
}

/* ----------------------------------------------------------------------------------------------- subjects */

static bool plan_absent(sq_step *step, sq_matcher *m, sq_traffic *traffic, sq_error *error) {
  (void)m, (void)traffic, (void)error;
  become(step, step->absent_holds ? SQ_STEP_ALL : SQ_STEP_NONE, step->absent_holds);
  return true;
}

/* Row and entry are the same: the dictionary's table is the bitmap. */
static bool plan_direct(sq_step *step, sq_matcher *m, sq_traffic *traffic, sq_error *error) {
  (void)traffic, (void)error;
  bool present = sq_matcher_is_plain(m) && sq_matcher_node(m)->op == SQ_OP_PRESENT;
  step->entries = step->rows;
  if (step->rows == 0 || step->column.dictionary.count < step->rows) become(step, SQ_STEP_ROWS, 0.1);
  else if (present) become(step, SQ_STEP_ALL, 1);
  else sq_step_look_into(step, 0, step->rows);
  return true;
}

typedef bool planner(sq_step *step, sq_matcher *m, sq_traffic *traffic, sq_error *error);

static bool plan_column(sq_step *step, sq_matcher *m, sq_traffic *traffic, sq_error *error) {
  static planner *const by_encoding[] = {
      [SQ_ENC_ABSENT] = plan_absent, [SQ_ENC_INTEGER] = plan_integers, [SQ_ENC_TEXT] = plan_texts, [SQ_ENC_DIRECT] = plan_direct};
  step->absent_holds = sq_matcher_holds(m, NULL);
  return by_encoding[step->column.encoding](step, m, traffic, error);
}

static bool plan_as(sq_step *step, const sq_column *column, sq_matcher *m, sq_traffic *traffic, sq_error *error) {
  step->column = *column;
  step->subject = SQ_OF_COLUMN;
  return plan_column(step, m, traffic, error);
}

/* The least and the greatest that a part adds to a sum. */
static void widen(const sq_column *part, wide *least, wide *greatest) {
  *least += part->has_absent && part->min > 0 ? 0 : part->min;
  *greatest += part->has_absent && part->max < 0 ? 0 : part->max;
}

/* Each row's value is computed. Whether the matcher wants an interval, whose ends it is compared with then. */
static bool plan_computed(sq_step *step, sq_matcher *m, wide *low, wide *high) {
  step->absent_holds = sq_matcher_holds(m, NULL);
  become(step, SQ_STEP_ROWS, 0.3);
  step->bounded = interval_of(m, low, high) && *low <= *high && *low <= INT64_MAX && *high >= INT64_MIN;
  if (!step->bounded) return false;
  step->low = *low < INT64_MIN ? INT64_MIN : (int64_t)*low;
  step->high = *high > INT64_MAX ? INT64_MAX : (int64_t)*high;
  return true;
}

/* Where one column decides, its codes do. */
static bool plan_tokens(sq_step *step, sq_matcher *m, sq_traffic *traffic, sq_error *error) {
  const sq_column recorded = step->tokens.recorded, prompt = step->tokens.prompt, completion = step->tokens.completion;
  bool any = recorded.encoding == SQ_ENC_INTEGER;
  wide low, high, least = 0, greatest = 0;
  if (any && !recorded.has_absent) return plan_as(step, &recorded, m, traffic, error);
  if (!any && prompt.encoding != SQ_ENC_INTEGER) return plan_as(step, &completion, m, traffic, error);
  if (!any && completion.encoding != SQ_ENC_INTEGER) return plan_as(step, &prompt, m, traffic, error);
  if (!plan_computed(step, m, &low, &high)) return true;
  if (prompt.encoding == SQ_ENC_INTEGER) widen(&prompt, &least, &greatest);
  if (completion.encoding == SQ_ENC_INTEGER) widen(&completion, &least, &greatest);
  if (any && recorded.min < least) least = recorded.min;
  if (any && recorded.max > greatest) greatest = recorded.max;
  if ((low > greatest || high < least) && !step->absent_holds) step->kind = SQ_STEP_NONE;
  return true;
}

static bool plan_end(sq_step *step, sq_matcher *m, sq_traffic *traffic, sq_error *error) {
  const sq_column responded = step->end.responded, latency = step->end.latency;
  wide low, high;
  if (responded.encoding == SQ_ENC_INTEGER && !responded.has_absent) return plan_as(step, &responded, m, traffic, error);
  if (latency.encoding != SQ_ENC_INTEGER) return plan_as(step, &responded, m, traffic, error);
  plan_computed(step, m, &low, &high);
  return true;
}

static bool plan_cached(sq_step *step, sq_matcher *m, sq_traffic *traffic, sq_error *error) {
  const sq_value yes = {.kind = SQ_BOOLEAN, .boolean = true}, no = {.kind = SQ_BOOLEAN};
  bool cached = sq_matcher_holds(m, &yes), other = sq_matcher_holds(m, &no);
  uint32_t zero = step->cached.zero;
  step->column = step->cached.reference;
  step->entries = entries_of(&step->column);
  (void)traffic;
  if (cached == other || (step->column.encoding != SQ_ENC_TEXT && step->column.encoding != SQ_ENC_DIRECT)) {
    become(step, other ? SQ_STEP_ALL : SQ_STEP_NONE, other);
    return true;
  }
  become(step, SQ_STEP_ROWS, 0.5);
  if (step->column.encoding == SQ_ENC_DIRECT) return true;
  bool added;
  if (zero >= step->entries) zero = step->entries;
  uint32_t behind = zero < step->entries ? zero + 1 : zero;
  if (cached) {
    added = sq_step_add_entries(step, 0, zero, error) && sq_step_add_entries(step, behind, step->entries, error);
    if (added && !step->column.has_absent && step->count == 1 && zero == step->entries) step->ranges[0].high = top_of(&step->column);
  } else {
    added = sq_step_add_entries(step, zero, behind, error) && (step->entries > top_of(&step->column) || sq_step_add(step, step->entries, top_of(&step->column), error));
    if (added && zero == step->entries && !step->column.has_absent) step->count = 0;
  }
  settle(step);
  return added;
}

bool sq_step_plan(sq_step *step, sq_matcher *m, sq_traffic *traffic, sq_error *error) {
  static planner *const by_subject[] = {[SQ_OF_COLUMN] = plan_column, [SQ_OF_TOKENS] = plan_tokens, [SQ_OF_CACHED] = plan_cached, [SQ_OF_END] = plan_end};
  step->count = 0;
  step->bounded = false;
  return by_subject[step->subject](step, m, traffic, error);
}
