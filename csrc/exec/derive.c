#include "exec/derive.h"

#define ZERO_UUID "00000000-0000-0000-0000-000000000000"

bool sq_open_column(const sq_segment *segment, sq_field field, const char *key, size_t key_length, sq_column *out, sq_error *error) {
  if (sq_segment_column(segment, field, key, key_length, out, error)) return true;
  if (error->code != SQ_OK) return false;
  return sq_fail(error, SQ_E_STORE, "the column index has no column %s", sq_field_get(field)->name);
}

static const struct {
  sq_field field, sources[4];
} computed[] = {
    {SQ_F_CACHED, {SQ_F_CACHE_REFERENCE_ID}},
    {SQ_F_TOTAL_TOKENS, {SQ_F_TOTAL_TOKENS, SQ_F_PROMPT_TOKENS, SQ_F_COMPLETION_TOKENS}},
    {SQ_F_ENDED_AT, {SQ_F_RESPONDED_AT, SQ_F_CREATED_AT, SQ_F_LATENCY_MS}},
    {SQ_F_OUTCOME, {SQ_F_ERROR, SQ_F_STATUS, SQ_F_RESPONDED_AT, SQ_F_LATENCY_MS}},
};

static size_t find(sq_field field) {
  size_t i = 0;
  while (i < sizeof computed / sizeof *computed && computed[i].field != field) i++;
  return i;
}

bool sq_is_computed(sq_field field) { return find(field) < sizeof computed / sizeof *computed; }

size_t sq_sources_of(sq_field field, sq_field out[4]) {
  size_t at = find(field), count = 0;
  if (at == sizeof computed / sizeof *computed) {
    out[0] = field;
    return 1;
  }
  while (count < 4 && computed[at].sources[count] != SQ_F_NONE) {
    out[count] = computed[at].sources[count];
    count++;
  }
  return count;
}

bool sq_end_columns_open(const sq_segment *segment, sq_end_columns *out, sq_error *error) {
  return sq_open_column(segment, SQ_F_RESPONDED_AT, NULL, 0, &out->responded, error) &&
         sq_open_column(segment, SQ_F_CREATED_AT, NULL, 0, &out->created, error) &&
         sq_open_column(segment, SQ_F_LATENCY_MS, NULL, 0, &out->latency, error);
}

bool sq_token_columns_open(const sq_segment *segment, sq_token_columns *out, sq_error *error) {
  return sq_open_column(segment, SQ_F_TOTAL_TOKENS, NULL, 0, &out->recorded, error) &&
         sq_open_column(segment, SQ_F_PROMPT_TOKENS, NULL, 0, &out->prompt, error) &&
         sq_open_column(segment, SQ_F_COMPLETION_TOKENS, NULL, 0, &out->completion, error);
}

void sq_cached_column_make(const sq_column *reference, sq_cached_column *out) {
  bool same = false;
  *out = (sq_cached_column){*reference, UINT32_MAX};
  if (reference->encoding != SQ_ENC_TEXT) return;
  uint32_t entry = sq_dictionary_seek(&reference->dictionary, ZERO_UUID, strlen(ZERO_UUID), &same);
  if (same) out->zero = entry;
}

bool sq_cached_column_open(const sq_segment *segment, sq_cached_column *out, sq_error *error) {
  sq_column reference;
  if (!sq_open_column(segment, SQ_F_CACHE_REFERENCE_ID, NULL, 0, &reference, error)) return false;
  sq_cached_column_make(&reference, out);
  return true;
}

bool sq_row_cached(const sq_cached_column *column, uint32_t row) {
  uint32_t entry;
  if (!sq_column_entry(&column->reference, row, &entry) || entry >= column->reference.dictionary.count) return false;
  if (column->reference.encoding == SQ_ENC_TEXT) return entry != column->zero;
  char room[37];
  size_t length;
  const char *text = sq_dictionary_text(&column->reference.dictionary, entry, room, &length);
  return !sq_same_text(ZERO_UUID, text, length);
}
