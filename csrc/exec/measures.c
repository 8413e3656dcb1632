/* Slots: which there are, what rows add to them, how aggregates are made of them. */
#include "exec/run.h"

#include "session/sum.h"

/* ------------------------------------------------------------------------------------- aggregates from slots */

/* How an aggregate comes out of its slots. */
typedef enum shape { NO_SLOTS, PLAIN, DURATION, AVERAGE, RATE } shape;

typedef struct recipe {
  shape shape;
  unsigned slot, other;
} recipe;

static const recipe recipes[SQ_F_COUNT] = {
    [SQ_F_SESSION_CREATED_AT] = {PLAIN, SQ_M_FIRST, 0},
    [SQ_F_SESSION_LATEST] = {PLAIN, SQ_M_LAST, 0},
    [SQ_F_SESSION_DURATION] = {DURATION, SQ_M_END, SQ_M_FIRST},
    [SQ_F_SESSION_REQUESTS] = {PLAIN, SQ_M_COUNT, 0},
    [SQ_F_SESSION_COST] = {PLAIN, SQ_M_COST, 0},
    [SQ_F_SESSION_PROMPT_COST] = {PLAIN, SQ_M_PROMPT_COST, 0},
    [SQ_F_SESSION_COMPLETION_COST] = {PLAIN, SQ_M_COMPLETION_COST, 0},
    [SQ_F_SESSION_PROMPT_TOKENS] = {PLAIN, SQ_M_PROMPT_TOKENS, 0},
    [SQ_F_SESSION_COMPLETION_TOKENS] = {PLAIN, SQ_M_COMPLETION_TOKENS, 0},
    [SQ_F_SESSION_TOKENS] = {PLAIN, SQ_M_TOKENS, 0},
    [SQ_F_SESSION_CACHE_READ] = {PLAIN, SQ_M_CACHE_READ, 0},
    [SQ_F_SESSION_CACHE_WRITE] = {PLAIN, SQ_M_CACHE_WRITE, 0},
    [SQ_F_SESSION_AVG_LATENCY] = {AVERAGE, SQ_M_LATENCY, SQ_M_LATENCIES},
    [SQ_F_SESSION_LATENCY] = {PLAIN, SQ_M_LATENCY, 0},
    [SQ_F_SESSION_LATENCIES] = {PLAIN, SQ_M_LATENCIES, 0},
    [SQ_F_SESSION_LATENCY_P50] = {PLAIN, SQ_M_COUNT_OF, 0},
    [SQ_F_SESSION_LATENCY_P90] = {PLAIN, SQ_M_COUNT_OF + 1, 0},
    [SQ_F_SESSION_LATENCY_P95] = {PLAIN, SQ_M_COUNT_OF + 2, 0},
    [SQ_F_SESSION_LATENCY_P99] = {PLAIN, SQ_M_COUNT_OF + 3, 0},
    [SQ_F_SESSION_FIRST_TOKEN_P50] = {PLAIN, SQ_M_COUNT_OF + 4, 0},
    [SQ_F_SESSION_FIRST_TOKEN_P99] = {PLAIN, SQ_M_COUNT_OF + 5, 0},
    [SQ_F_SESSION_ERRORS] = {PLAIN, SQ_M_ERRORS, 0},
    [SQ_F_SESSION_ERROR_RATE] = {RATE, SQ_M_ERRORS, SQ_M_RATED},
    [SQ_F_SESSION_STREAMING_RATE] = {RATE, SQ_M_STREAMED, SQ_M_STREAM_KNOWN},
    [SQ_F_SESSION_UNKNOWN_USAGE] = {PLAIN, SQ_M_UNKNOWN_USAGE, 0},
};

static const sq_field quantiles[SQ_SLOTS - SQ_M_COUNT_OF] = {
    SQ_F_SESSION_LATENCY_P50, SQ_F_SESSION_LATENCY_P90,     SQ_F_SESSION_LATENCY_P95,
    SQ_F_SESSION_LATENCY_P99, SQ_F_SESSION_FIRST_TOKEN_P50, SQ_F_SESSION_FIRST_TOKEN_P99};

sq_field sq_quantile_source(unsigned slot) { return sq_field_get(quantiles[slot - SQ_M_COUNT_OF])->source; }
int sq_quantile_permille(unsigned slot) { return sq_field_get(quantiles[slot - SQ_M_COUNT_OF])->argument; }

sq_slot_set sq_slots_of(sq_field field) {
  const recipe *r = &recipes[field];
  if (r->shape == NO_SLOTS) return 0;
  return UINT32_C(1) << r->slot | (r->shape == PLAIN ? 0 : UINT32_C(1) << r->other);
}

bool sq_is_plain(sq_field field, unsigned *slot) {
  *slot = recipes[field].slot;
  return recipes[field].shape == PLAIN;
}

static sq_value integer_or_null(int64_t value) {
  return value == SQ_ABSENT ? (sq_value){.kind = SQ_NULL} : (sq_value){.kind = SQ_INTEGER, .integer = value};
}

static sq_value real(double value) { return (sq_value){.kind = SQ_REAL, .real = value}; }

void sq_slots_value(sq_field field, int64_t *const slots[], size_t index, sq_value *out) {
  const recipe *r = &recipes[field];
  int64_t value = slots[r->slot][index], other = r->shape == PLAIN ? 0 : slots[r->other][index];
  *out = (sq_value){.kind = SQ_NULL};
  switch (r->shape) {
    case NO_SLOTS: break;
    case PLAIN: *out = integer_or_null(value); break;
    case DURATION: *out = real((double)(value > other ? (int64_t)((uint64_t)value - (uint64_t)other) : 0) / 1000.0); break; /* forged ones too */
    case AVERAGE:
      if (other > 0) *out = real(sq_sum_average(&(sq_sum){value, other}));
      break;
    case RATE:
      if (other > 0) *out = real((double)value / (double)other);
  }
}

/* ------------------------------------------------------------------------------------------ slots from rows */

typedef struct rows_of {
  sq_run *run;
  sq_state *state;
  const uint32_t *rows;
  uint32_t count;
} rows_of;

static bool values_of(const rows_of *r, sq_field field, int64_t *out) {
  const sq_column *column = sq_state_field(r->run, r->state, field);
  if (column) sq_gather(column, r->rows, r->count, out, &r->run->exec->traffic);
  return column != NULL;
}

static bool codes_of(const rows_of *r, sq_field field, int64_t *out, const sq_column **column) {
  *column = sq_state_field(r->run, r->state, field);
  if (*column) sq_gather_codes(*column, r->rows, r->count, out, &r->run->exec->traffic);
  return *column != NULL;
}

static int64_t *room_of(const rows_of *r, int room) { return sq_run_room(r->run, room, r->count * sizeof(int64_t)); }

/* Which entries of run_type are calls whose usage counts. */
static bool open_usage(const rows_of *r, const sq_column *types) {
  const sq_dictionary *dictionary = &types->dictionary;
  sq_state *state = r->state;
  state->usage = sq_run_take(r->run, dictionary->count + 1);
  if (!state->usage) return false;
  state->all_usage = types->encoding == SQ_ENC_TEXT && !types->has_absent;
  for (uint32_t i = 0; types->encoding >= SQ_ENC_TEXT && i < dictionary->count; i++) {
    char room[37];
    size_t length;
    const char *text = sq_dictionary_text(dictionary, i, room, &length);
    state->usage[i] = sq_same_text("llm", text, length) || sq_same_text("embedding", text, length);
    state->all_usage &= state->usage[i] != 0;
  }
  return true;
}

/* Makes absent what rows hold that are no calls of a model. */
static bool keep_usage(const rows_of *r, int64_t *values) {
  const sq_column *types = sq_state_field(r->run, r->state, SQ_F_RUN_TYPE);
  if (!types || (!r->state->usage && !open_usage(r, types))) return false;
  if (r->state->all_usage) return true;
  int64_t *codes = room_of(r, SQ_ROOM_A);
  if (!codes || !codes_of(r, SQ_F_RUN_TYPE, codes, &types)) return false;
  int64_t entries = types->encoding >= SQ_ENC_TEXT ? types->dictionary.count : 0;
  for (uint32_t i = 0; i < r->count; i++)
    if (codes[i] < 0 || codes[i] >= entries || !r->state->usage[codes[i]]) values[i] = SQ_ABSENT;
  return true;
}

static bool ones(const rows_of *r, sq_field field, int64_t *out) {
  (void)field;
  for (uint32_t i = 0; i < r->count; i++) out[i] = 1;
  return true;
}

static bool usage_of(const rows_of *r, sq_field field, int64_t *out) { return values_of(r, field, out) && keep_usage(r, out); }

/* total_tokens: as recorded, else the sum of the known parts. */
static bool all_tokens(const rows_of *r, int64_t *out) {
  int64_t *prompt = room_of(r, SQ_ROOM_B), *completion = room_of(r, SQ_ROOM_C);
  if (!prompt || !completion || !values_of(r, SQ_F_TOTAL_TOKENS, out) || !values_of(r, SQ_F_PROMPT_TOKENS, prompt) ||
      !values_of(r, SQ_F_COMPLETION_TOKENS, completion))
    return false;
  for (uint32_t i = 0; i < r->count; i++)
    if (out[i] == SQ_ABSENT) out[i] = sq_slot_merge(SQ_M_TOKENS, prompt[i], completion[i]);
  return true;
}

static bool tokens_of(const rows_of *r, sq_field field, int64_t *out) {
  (void)field;
  return all_tokens(r, out) && keep_usage(r, out);
}

static bool known(const rows_of *r, sq_field field, int64_t *out) {
  if (!values_of(r, field, out)) return false;
  for (uint32_t i = 0; i < r->count; i++) out[i] = out[i] != SQ_ABSENT;
  return true;
}

static bool truths(const rows_of *r, sq_field field, int64_t *out) {
  if (!values_of(r, field, out)) return false;
  for (uint32_t i = 0; i < r->count; i++) out[i] = out[i] != SQ_ABSENT && out[i] != 0;
  return true;
}

/* The end of a row: responded_at, else created_at + latency, else created_at. */
static bool ends(const rows_of *r, sq_field field, int64_t *out) {
  (void)field;
  int64_t *created = room_of(r, SQ_ROOM_B), *latency = room_of(r, SQ_ROOM_C);
  if (!created || !latency || !values_of(r, SQ_F_RESPONDED_AT, out) || !values_of(r, SQ_F_CREATED_AT, created) ||
      !values_of(r, SQ_F_LATENCY_MS, latency))
    return false;
  for (uint32_t i = 0; i < r->count; i++)
    if (out[i] == SQ_ABSENT) /* of forged numbers too */
      out[i] = (int64_t)((uint64_t)created[i] + (latency[i] == SQ_ABSENT ? 0 : 1000 * (uint64_t)latency[i]));
  return true;
}

/* 1 for rows in error, and with `rated` also for those whose status is another than pending. */
static bool in_error(const rows_of *r, bool rated, int64_t *out) {
  int64_t *errors = room_of(r, SQ_ROOM_B);
  const sq_column *column;
  if (!errors || !values_of(r, SQ_F_STATUS, out) || !codes_of(r, SQ_F_ERROR, errors, &column)) return false;
  for (uint32_t i = 0; i < r->count; i++) {
    bool has_status = out[i] != SQ_ABSENT, pending = out[i] == -2;
    bool bad = has_status && (out[i] >= 400 || (out[i] < 0 && !pending));
    out[i] = errors[i] != SQ_ABSENT || bad || (rated && has_status && !pending);
  }
  return true;
}

static bool errors_of(const rows_of *r, sq_field field, int64_t *out) { return (void)field, in_error(r, false, out); }
static bool rated_of(const rows_of *r, sq_field field, int64_t *out) { return (void)field, in_error(r, true, out); }

static bool unknown_usage(const rows_of *r, sq_field field, int64_t *out) {
  (void)field;
  if (!all_tokens(r, out)) return false;
  for (uint32_t i = 0; i < r->count; i++) out[i] = out[i] == SQ_ABSENT ? 1 : SQ_ABSENT;
  if (!keep_usage(r, out)) return false;
  for (uint32_t i = 0; i < r->count; i++) out[i] = out[i] == 1;
  return true;
}

typedef enum merge { SUM, MIN, MAX } merge;

static const merge merges[SQ_M_COUNT_OF] = {
#define MEASURE(id, name, merge) [SQ_M_##id] = merge,
#include "column/measures.def"
};

static const struct {
  bool (*values)(const rows_of *rows, sq_field field, int64_t *out);
  sq_field field;
  sq_field others[3]; /* besides it */
} slots[SQ_M_COUNT_OF] = {
    [SQ_M_COUNT] = {ones, SQ_F_NONE, {0}},
    [SQ_M_FIRST] = {values_of, SQ_F_CREATED_AT, {0}},
    [SQ_M_LAST] = {values_of, SQ_F_CREATED_AT, {0}},
    [SQ_M_END] = {ends, SQ_F_NONE, {SQ_F_RESPONDED_AT, SQ_F_LATENCY_MS}},
    [SQ_M_COST] = {usage_of, SQ_F_COST_USD, {SQ_F_RUN_TYPE}},
    [SQ_M_PROMPT_COST] = {usage_of, SQ_F_PROMPT_COST_USD, {SQ_F_RUN_TYPE}},
    [SQ_M_COMPLETION_COST] = {usage_of, SQ_F_COMPLETION_COST_USD, {SQ_F_RUN_TYPE}},
    [SQ_M_PROMPT_TOKENS] = {usage_of, SQ_F_PROMPT_TOKENS, {SQ_F_RUN_TYPE}},
    [SQ_M_COMPLETION_TOKENS] = {usage_of, SQ_F_COMPLETION_TOKENS, {SQ_F_RUN_TYPE}},
    [SQ_M_TOKENS] = {tokens_of, SQ_F_TOTAL_TOKENS, {SQ_F_PROMPT_TOKENS, SQ_F_COMPLETION_TOKENS, SQ_F_RUN_TYPE}},
    [SQ_M_CACHE_READ] = {usage_of, SQ_F_PROMPT_CACHE_READ_TOKENS, {SQ_F_RUN_TYPE}},
    [SQ_M_CACHE_WRITE] = {usage_of, SQ_F_PROMPT_CACHE_WRITE_TOKENS, {SQ_F_RUN_TYPE}},
    [SQ_M_LATENCY] = {values_of, SQ_F_LATENCY_MS, {0}},
    [SQ_M_LATENCIES] = {known, SQ_F_LATENCY_MS, {0}},
    [SQ_M_ERRORS] = {errors_of, SQ_F_NONE, {SQ_F_ERROR, SQ_F_STATUS}},
    [SQ_M_RATED] = {rated_of, SQ_F_NONE, {SQ_F_ERROR, SQ_F_STATUS}},
    [SQ_M_STREAMED] = {truths, SQ_F_STREAMED, {0}},
    [SQ_M_STREAM_KNOWN] = {known, SQ_F_STREAMED, {0}},
    [SQ_M_UNKNOWN_USAGE] = {unknown_usage, SQ_F_TOTAL_TOKENS, {SQ_F_PROMPT_TOKENS, SQ_F_COMPLETION_TOKENS, SQ_F_RUN_TYPE}},
};

size_t sq_slot_fields(unsigned slot, sq_field out[4]) {
  size_t count = 0;
  sq_field own = slot < SQ_M_COUNT_OF ? slots[slot].field : sq_quantile_source(slot);
  if (own != SQ_F_NONE) out[count++] = own;
  for (size_t i = 0; slot < SQ_M_COUNT_OF && i < 3; i++)
    if (slots[slot].others[i] != SQ_F_NONE) out[count++] = slots[slot].others[i];
  return count;
}

bool sq_slot_rows(sq_run *run, sq_state *state, unsigned slot, const uint32_t *rows, uint32_t count, int64_t *out) {
  const rows_of r = {run, state, rows, count};
  if (slot >= SQ_M_COUNT_OF) return values_of(&r, sq_quantile_source(slot), out);
  return slots[slot].values(&r, slots[slot].field, out);
}

/* ------------------------------------------------------------------------------------------------ together */

/* What the rows say cannot leave 64 bits (sq_exec_refuses); what somebody forged may. */
static int64_t add(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }

int64_t sq_slot_merge(unsigned slot, int64_t a, int64_t b) {
  if (a == SQ_ABSENT) return b;
  if (b == SQ_ABSENT) return a;
  switch (merges[slot]) {
    case SUM: return add(a, b);
    case MIN: return a < b ? a : b;
    default: return a > b ? a : b;
  }
}

static int64_t sum_of(const int64_t *values, uint32_t count) {
  int64_t sum = 0;
  uint32_t there = 0;
  for (uint32_t i = 0; i < count; i++) {
    bool is = values[i] != SQ_ABSENT;
    sum = add(sum, is ? values[i] : 0);
    there += is;
  }
  return there ? sum : SQ_ABSENT;
}

int64_t sq_slot_reduce(unsigned slot, int64_t *values, uint32_t count) {
  if (slot >= SQ_M_COUNT_OF) return sq_quantile_of(values, count, sq_quantile_permille(slot));
  if (merges[slot] == SUM) return sum_of(values, count);
  int64_t best = SQ_ABSENT;
  for (uint32_t i = 0; i < count; i++) best = sq_slot_merge(slot, best, values[i]);
  return best;
}
