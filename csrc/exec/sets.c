#include "exec/sets.h"

#include <stdlib.h>

/* ------------------------------------------------------------------------------------------------- filling */

bool sq_sets_open(sq_sets *sets, const sq_column *column) {
  size_t count = column->encoding < SQ_ENC_TEXT ? 0 : column->dictionary.count;
  sq_pair_set_clear(&sets->in_block);
  if (sets->lists) return true;
  if (count > sets->entries) {
    free(sets->of_entry);
    sets->entries = 0;
    if (!(sets->of_entry = malloc(count * sizeof *sets->of_entry))) return false;
    sets->entries = count;
  }
  if (count) memset(sets->of_entry, 0xFF, count * sizeof *sets->of_entry);
  return true;
}

static bool push(sq_numbers *numbers, uint32_t number) {
  if (numbers->count == numbers->capacity) {
    uint32_t capacity = numbers->capacity ? 2 * numbers->capacity : 8;
    uint32_t *items = realloc(numbers->items, capacity * sizeof *items);
    if (!items) return false;
    numbers->items = items;
    numbers->capacity = capacity;
  }
  numbers->items[numbers->count++] = number;
  return true;
}

static bool add_number(sq_sets *sets, uint32_t group, uint32_t number, sq_numbers *numbers) {
  int met = sq_pair_set_add(&sets->met, group, number);
  return met == 0 || (met > 0 && push(numbers, number));
}

/* Blanks have no number and are left out. */
#define BLANK (UINT32_MAX - 1)

static bool number_of(sq_sets *sets, const char *text, size_t length, uint32_t *out) {
  int64_t number = length ? sq_distinct_count(&sets->texts, text, length) : BLANK;
  *out = (uint32_t)number;
  return number >= 0;
}

static bool add_list(sq_sets *sets, const char *json, size_t length, uint32_t group, sq_numbers *numbers) {
  sq_distinct elements = {0};
  bool good = sq_distinct_add_list(&elements, json, length);
  for (size_t i = 0; good && i < elements.count; i++) {
    uint32_t number;
    good = number_of(sets, elements.items[i].text, elements.items[i].length, &number) && add_number(sets, group, number, numbers);
  }
  sq_distinct_free(&elements);
  return good;
}

bool sq_sets_add(sq_sets *sets, const sq_column *column, uint32_t row, uint32_t group, sq_numbers *numbers) {
  char room[37];
  size_t length;
  uint32_t entry;
  if (!sq_column_entry(column, row, &entry) || entry >= column->dictionary.count) return true;
  if (sets->lists) {
    int met = sq_pair_set_add(&sets->in_block, group, entry);
    if (met <= 0) return met == 0;
    const char *json = sq_dictionary_text(&column->dictionary, entry, room, &length);
    return add_list(sets, json, length, group, numbers);
  }
  if (sets->of_entry[entry] == UINT32_MAX) {
    const char *text = sq_dictionary_text(&column->dictionary, entry, room, &length);
    if (!number_of(sets, text, length, &sets->of_entry[entry])) return false;
  }
  return sets->of_entry[entry] == BLANK || add_number(sets, group, sets->of_entry[entry], numbers);
}

/* ------------------------------------------------------------------------------------------------- reading */

static int by_text(const void *left, const void *right, void *texts) {
  const sq_distinct_item *a = (const sq_distinct_item *)texts + *(const uint32_t *)left, *b = (const sq_distinct_item *)texts + *(const uint32_t *)right;
  return sq_compare_bytes(a->text, a->length, b->text, b->length);
}

bool sq_sets_finish(sq_sets *sets) {
  size_t count = sets->texts.count;
  sets->ranks = malloc((count + 1) * sizeof *sets->ranks);
  sets->sorted = malloc((count + 1) * sizeof *sets->sorted);
  if (!sets->ranks || !sets->sorted) return false;
  for (uint32_t i = 0; i < count; i++) sets->sorted[i] = i;
  qsort_r(sets->sorted, count, sizeof *sets->sorted, by_text, sets->texts.items);
  for (uint32_t i = 0; i < count; i++) sets->ranks[sets->sorted[i]] = i;
  return true;
}

static int by_rank(const void *left, const void *right, void *state) {
  const uint32_t *ranks = state, a = ranks[*(const uint32_t *)left], b = ranks[*(const uint32_t *)right];
  return (a > b) - (a < b);
}

void sq_sets_write(const sq_sets *sets, sq_numbers *numbers, sq_text *out) {
  qsort_r(numbers->items, numbers->count, sizeof *numbers->items, by_rank, sets->ranks);
  for (uint32_t i = 0; i < numbers->count; i++) {
    const sq_distinct_item *item = &sets->texts.items[numbers->items[i]];
    sq_text_byte(out, i ? ',' : '[');
    sq_json_write_string(out, item->text, item->length);
  }
  sq_text_byte(out, ']');
}

void sq_sets_free(sq_sets *sets) {
  sq_distinct_free(&sets->texts);
  sq_pair_set_free(&sets->met);
  sq_pair_set_free(&sets->in_block);
  free(sets->of_entry);
  free(sets->ranks);
  free(sets->sorted);
}
