/* Sums of sessions by their codes: a hash table, whose slots hold places in dense arrays. */
#include <stdlib.h>

#include "exec/batch.h"

void sq_table_begin(sq_table *table, sq_run *run, sq_slot_set needed, bool with_names) {
  *table = (sq_table){.run = run, .with_names = with_names};
  for (unsigned slot = 0; slot < SQ_M_COUNT_OF; slot++)
    if (needed >> slot & 1) table->wanted[table->width++] = slot;
}

void sq_table_end(sq_table *table) {
  free(table->slots);
  free(table->codes);
  free(table->values);
  free(table->names);
  *table = (sq_table){0};
}

/* Codes are dense numbers: a multiplication spreads them. */
static size_t slot_of(const sq_table *table, uint32_t code) { return (size_t)(code * UINT32_C(0x9E3779B1)) & (table->slot_count - 1); }

static void place(sq_table *table, uint32_t index) {
  size_t slot = slot_of(table, table->codes[index]);
  while (table->slots[slot]) slot = (slot + 1) & (table->slot_count - 1);
  table->slots[slot] = index + 1;
}

static bool grow(sq_table *table) {
  size_t capacity = table->capacity ? 2 * table->capacity : 1024;
  uint32_t *codes = realloc(table->codes, capacity * sizeof *codes);
  if (codes) table->codes = codes;
  int64_t *values = codes ? realloc(table->values, capacity * table->width * sizeof *values + 1) : NULL;
  if (values) table->values = values;
  sq_latest *names = table->with_names && values ? realloc(table->names, capacity * sizeof *names) : NULL;
  if (names) table->names = names;
  uint32_t *slots = values && (names || !table->with_names) ? calloc(2 * capacity, sizeof *slots) : NULL;
  if (!slots) return sq_fail_memory(table->run->error);
  free(table->slots);
  table->slots = slots;
  table->slot_count = 2 * capacity;
  table->capacity = capacity;
  for (uint32_t i = 0; i < table->count; i++) place(table, i);
  return true;
}

bool sq_table_has(const sq_table *table, uint32_t code) {
  if (table->count == 0) return false;
  for (size_t slot = slot_of(table, code); table->slots[slot]; slot = (slot + 1) & (table->slot_count - 1))
    if (table->codes[table->slots[slot] - 1] == code) return true;
  return false;
}

size_t sq_table_find(sq_table *table, uint32_t code, bool *is_new) {
  if (is_new) *is_new = false;
  if (table->count == table->capacity && !grow(table)) return SIZE_MAX;
  for (size_t slot = slot_of(table, code); table->slots[slot]; slot = (slot + 1) & (table->slot_count - 1))
    if (table->codes[table->slots[slot] - 1] == code) return table->slots[slot] - 1;
  size_t index = table->count++;
  table->codes[index] = code;
  place(table, (uint32_t)index);
  for (unsigned i = 0; i < table->width; i++) table->values[index * table->width + i] = SQ_ABSENT;
  if (table->with_names) table->names[index] = (sq_latest){0};
  if (is_new) *is_new = true;
  return index;
}
