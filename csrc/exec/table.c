/* Tables by code: the matcher asked about each entry of a dictionary, or ranges written down. */
#include <stdlib.h>

#include "column/format.h"
#include "exec/steps.h"

/* Room for the codes below `bits`, none of them set. */
static bool make_room(sq_step *step, uint64_t bits, sq_error *error) {
  size_t words = (size_t)((bits + 63) / 64);
  if (words > step->table_words) {
    uint64_t *table = realloc(step->table, words * sizeof *table);
    if (!table) return sq_fail_memory(error);
    step->table = table;
    step->table_words = words;
  }
  memset(step->table, 0, words * sizeof *step->table);
  step->table_bits = bits;
  return true;
}

static void set_bit(sq_step *step, uint64_t code) { step->table[code >> 6] |= UINT64_C(1) << (code & 63); }

static void set_range(sq_step *step, uint64_t low, uint64_t high) {
  for (uint64_t code = low; code <= high && code < step->table_bits; code++) set_bit(step, code);
}

bool sq_step_ask_entry(const sq_step *step, sq_matcher *m, uint32_t entry) {
  char room[37];
  size_t length;
  const char *text = sq_dictionary_text(&step->column.dictionary, entry, room, &length);
  return sq_matcher_holds(m, &(sq_value){.kind = SQ_STRING, .length = (uint32_t)length, .text = text});
}

/* Whether entries are asked for one text only, as it is. */
static bool is_equality(const sq_matcher *m) {
  const sq_node *node = sq_matcher_node(m);
  return node->op == SQ_OP_EQ && sq_matcher_is_plain(m) && node->values[0].value.kind == SQ_STRING;
}

/* Equality in a dictionary that is not sorted. */
static uint32_t find_equals(sq_step *step, const sq_value *wanted, uint32_t first, uint32_t last) {
  const sq_dictionary *d = &step->column.dictionary;
  unsigned char packed[16];
  uint32_t held = 0;
  if (d->uuid && !sq_uuid_pack(wanted->text, wanted->length, packed)) return 0;
  for (uint32_t entry = first; entry < last; entry++) {
    bool same = d->uuid ? memcmp(d->bytes + (size_t)entry * 16, packed, 16) == 0
                        : d->offsets[entry + 1] - d->offsets[entry] == wanted->length && memcmp(d->bytes + d->offsets[entry], wanted->text, wanted->length) == 0;
    if (!same) continue;
    set_bit(step, entry);
    held++;
  }
  return held;
}

/* How many of [first, last) hold; their bits are set. */
static uint32_t ask_each(sq_step *step, sq_matcher *m, const sq_kernel_set *kernels, uint32_t first, uint32_t last) {
  int64_t found = sq_step_search(step, m, kernels, first, last);
  uint32_t held = 0;
  if (found >= 0) return (uint32_t)found;
  if (is_equality(m)) return find_equals(step, &sq_matcher_node(m)->values[0].value, first, last);
  for (uint32_t entry = first; entry < last; entry++) {
    if (!sq_step_ask_entry(step, m, entry)) continue;
    set_bit(step, entry);
    held++;
  }
  return held;
}

/* The table as ranges, when they are so few that passes over codes of 2 bytes take less time than look-ups. */
static void find_ranges(sq_step *step) {
  enum { MOST = 4 };
  sq_error ignored = {.code = SQ_OK};
  uint32_t held = 0;
  step->count = 0;
  for (uint64_t w = 0; w < (step->table_bits + 63) / 64; w++)
    for (uint64_t rest = step->table[w]; rest; rest &= rest - 1) {
      uint64_t code = w * 64 + (uint64_t)__builtin_ctzll(rest);
      if (step->count > MOST || !sq_step_add(step, code, code, &ignored)) return;
      held++;
    }
  if (held && step->count <= MOST) step->kind = SQ_STEP_RANGES;
}

static uint64_t bytes_of(const sq_step *step) {
  const sq_dictionary *d = &step->column.dictionary;
  if (d->uuid) return (uint64_t)16 * (step->last - step->first);
  return d->offsets[step->last] - d->offsets[step->first] + sizeof *d->offsets * (uint64_t)(step->last - step->first);
}

static bool tabulate_entries(sq_step *step, sq_matcher *m, const sq_kernel_set *kernels, uint64_t bits, sq_traffic *traffic, sq_error *error) {
  if (!make_room(step, bits > step->entries ? bits : step->entries, error)) return false;
  uint32_t held = ask_each(step, m, kernels, step->first, step->last);
  if (!sq_matcher_whole(m, error)) return false;
  sq_count_bytes(traffic, bytes_of(step));
  if (step->absent_holds) set_range(step, step->entries, step->table_bits - 1);
  bool all = held == step->entries && (!step->column.has_absent || step->absent_holds);
  step->pass = (double)held / step->entries;
  step->kind = all ? SQ_STEP_ALL : held == 0 && !step->absent_holds ? SQ_STEP_NONE : SQ_STEP_TABLE;
  if (step->kind == SQ_STEP_TABLE && step->column.encoding == SQ_ENC_TEXT && step->column.width != 1) find_ranges(step);
  return true;
}

bool sq_step_tabulate(sq_step *step, sq_matcher *m, const sq_kernel_set *kernels, sq_traffic *traffic, sq_error *error) {
  unsigned width = step->column.width;
  uint64_t bits = width == 1 || width == 2 ? UINT64_C(1) << (8 * width) : 0;
  if (step->kind == SQ_STEP_ENTRIES) return tabulate_entries(step, m, kernels, bits, traffic, error);
  if (step->kind != SQ_STEP_RANGES || bits == 0) return true;
  if (!make_room(step, bits, error)) return false;
  for (uint32_t i = 0; i < step->count; i++) set_range(step, step->ranges[i].low, step->ranges[i].high);
  step->kind = SQ_STEP_TABLE;
  return true;
}
