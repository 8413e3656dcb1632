#include "column/encode.h"

#include <stdlib.h>

#include "base/checksum.h"
#include "column/segment.h"

sq_part *sq_encode_part(sq_encoder *encoder, sq_part_kind kind, const char *name, const char *key, size_t key_length) {
  if (encoder->count == encoder->capacity) {
    size_t capacity = encoder->capacity ? encoder->capacity * 2 : 64;
    sq_part *parts = realloc(encoder->parts, capacity * sizeof *parts);
    if (!parts) {
      sq_fail_memory(encoder->error);
      return NULL;
    }
    encoder->parts = parts;
    encoder->capacity = capacity;
  }
  sq_part *part = &encoder->parts[encoder->count++];
  size_t name_length = name ? strlen(name) : 0;
  *part = (sq_part){.kind = kind, .name = (uint32_t)encoder->names.length, .name_length = (uint32_t)name_length, .scale = 1};
  if (name) sq_text_append(&encoder->names, name, name_length);
  part->key = (uint32_t)encoder->names.length;
  part->key_length = key ? (uint32_t)key_length : UINT32_MAX;
  if (key) sq_text_append(&encoder->names, key, key_length);
  return part;
}

void sq_encode_align(sq_text *out) {
  static const char zeros[SQ_FORMAT_ALIGNMENT];
  size_t over = out->length % SQ_FORMAT_ALIGNMENT;
  if (over) sq_text_append(out, zeros, SQ_FORMAT_ALIGNMENT - over);
}

void sq_encode_seal(sq_encoder *encoder, sq_part *part) {
  sq_encode_align(encoder->out);
  part->end = encoder->out->length;
  if (!encoder->out->failed) part->checksum = sq_crc32c(0, encoder->out->data + part->codes, part->end - part->codes);
}

/* ------------------------------------------------------------------------------------------------ integers */

/* The narrowest width whose codes hold 0 … span, and the absent code above them; 0: none does. */
static unsigned width_of(uint64_t span, bool has_absent) {
  static const unsigned widths[] = {1, 2, 3, 4, 5, 6, 8};
  if (span == 0 && !has_absent) return 0;
  for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
    uint64_t most = sq_absent_code(widths[i]);
    if (has_absent ? span < most : span <= most) return widths[i];
  }
  return UINT32_MAX;
}

static uint64_t greatest_divisor(uint64_t a, uint64_t b) {
  while (b) {
    uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

typedef struct extent {
  bool any, has_absent;
  int64_t min, max;
  unsigned __int128 magnitude;
  uint64_t scale; /* of all distances from min */
} extent;

static extent measure(const int64_t *values, const unsigned char *there, uint32_t count) {
  extent e = {.min = INT64_MAX, .max = INT64_MIN};
  for (uint32_t i = 0; i < count; i++) {
    if (there && !there[i]) {
      e.has_absent = true;
      continue;
    }
    e.any = true;
    if (values[i] < e.min) e.min = values[i];
    if (values[i] > e.max) e.max = values[i];
    e.magnitude += (unsigned __int128)(values[i] < 0 ? -(uint64_t)values[i] : (uint64_t)values[i]);
  }
  for (uint32_t i = 0; i < count && e.scale != 1; i++) {
    if (there && !there[i]) continue;
    uint64_t distance = (uint64_t)values[i] - (uint64_t)e.min;
    if (e.scale == 0 || distance % e.scale) e.scale = greatest_divisor(distance, e.scale);
  }
  if (e.scale == 0 || e.scale > INT64_MAX) e.scale = 1;
  return e;
}

/* Room for codes, with 8 readable bytes behind them. */
static unsigned char *reserve_codes(sq_encoder *encoder, sq_part *part, uint32_t count) {
  size_t size = (size_t)count * part->width + 8;
  sq_encode_align(encoder->out);
  part->count = count;
  part->codes = encoder->out->length;
  if (!sq_text_reserve(encoder->out, size)) {
    sq_fail_memory(encoder->error);
    return NULL;
  }
  unsigned char *codes = (unsigned char *)encoder->out->data + part->codes;
  memset(codes, 0, size);
  encoder->out->length += size;
  return codes;
}

static inline void put_code(unsigned char *codes, unsigned width, uint32_t index, uint64_t code) {
  memcpy(codes + (size_t)index * width, &code, width == 8 ? 8 : width); /* little-endian */
}

bool sq_encode_integers(sq_encoder *encoder, sq_part *part, const int64_t *values, const unsigned char *there, uint32_t count) {
  extent e = measure(values, there, count);
  part->encoding = e.any ? SQ_ENC_INTEGER : SQ_ENC_ABSENT;
  part->has_absent = e.has_absent;
  if (e.any) {
    part->base = part->min = e.min;
    part->max = e.max;
    part->magnitude = e.magnitude > UINT64_MAX ? UINT64_MAX : (uint64_t)e.magnitude;
    part->scale = (int64_t)e.scale;
  }
  unsigned width = e.any ? width_of(((uint64_t)e.max - (uint64_t)e.min) / e.scale, e.has_absent) : 0;
  if (width == UINT32_MAX) return sq_fail(encoder->error, SQ_E_VALUE, "numbers too far from one another for a column");
  part->width = (uint8_t)width;
  unsigned char *codes = reserve_codes(encoder, part, count);
  if (!codes) return false;
  for (uint32_t i = 0; i < count && width; i++) {
    uint64_t distance = (uint64_t)values[i] - (uint64_t)e.min;
    bool is = !there || there[i];
    put_code(codes, width, i, !is ? sq_absent_code(width) : e.scale == 1 ? distance : distance / e.scale);
  }
  sq_encode_seal(encoder, part);
  return sq_text_whole(encoder->out, encoder->error);
}

/* --------------------------------------------------------------------------------------------------- texts */

static int by_bytes(const void *left, const void *right, void *state) {
  const sq_texts *texts = state;
  size_t a_length, b_length;
  const char *a = sq_texts_get(texts, *(const uint32_t *)left, &a_length);
  const char *b = sq_texts_get(texts, *(const uint32_t *)right, &b_length);
  return sq_compare_bytes(a, a_length, b, b_length);
}

static bool all_uuids(const sq_texts *texts) {
  unsigned char packed[16];
  for (uint32_t i = 0; i < texts->count; i++) {
    size_t length;
    const char *text = sq_texts_get(texts, i, &length);
    if (!sq_uuid_pack(text, length, packed)) return false;
  }
  return texts->count > 0;
}

/* Offsets of 4 bytes, then the texts; or only 16 bytes each. */
static bool put_dictionary(sq_encoder *encoder, sq_part *part, const sq_texts *texts, const uint32_t *order) {
  sq_text *out = encoder->out;
  unsigned char packed[16];
  uint32_t offset = 0;
  part->entries = texts->count;
  part->uuid = all_uuids(texts);
  sq_encode_align(out);
  part->offsets = out->length;
  for (uint32_t i = 0; i <= texts->count && !part->uuid; i++) {
    sq_text_append(out, (const char *)&offset, sizeof offset);
    if (i < texts->count) offset += texts->offsets[order[i] + 1] - texts->offsets[order[i]];
  }
  sq_encode_align(out);
  part->texts = out->length;
  for (uint32_t i = 0; i < texts->count; i++) {
    size_t length;
    const char *text = sq_texts_get(texts, order[i], &length);
    if (part->uuid && sq_uuid_pack(text, length, packed)) sq_text_append(out, (const char *)packed, sizeof packed);
    else sq_text_append(out, text, length);
  }
  part->texts_size = out->length - part->texts;
  sq_encode_seal(encoder, part);
  return sq_text_whole(out, encoder->error);
}

static bool put_codes(sq_encoder *encoder, sq_part *part, const uint32_t *entries, const uint32_t *rank, uint32_t count) {
  unsigned char *codes = reserve_codes(encoder, part, count);
  if (!codes) return false;
  for (uint32_t i = 0; i < count && part->width; i++)
    put_code(codes, part->width, i, entries[i] == SQ_NO_ENTRY ? sq_absent_code(part->width) : rank[entries[i]]);
  return true;
}

static bool encode_sorted(sq_encoder *encoder, sq_part *part, const sq_texts *texts, const uint32_t *entries, uint32_t count, uint32_t *order, uint32_t *rank) {
  for (uint32_t i = 0; i < texts->count; i++) order[i] = i;
  qsort_r(order, texts->count, sizeof *order, by_bytes, (void *)(uintptr_t)texts);
  for (uint32_t i = 0; i < texts->count; i++) rank[order[i]] = i;
  for (uint32_t i = 0; i < count && !part->has_absent; i++) part->has_absent = entries[i] == SQ_NO_ENTRY;
  part->encoding = texts->count ? SQ_ENC_TEXT : SQ_ENC_ABSENT;
  part->width = (uint8_t)(texts->count ? width_of(texts->count - 1, part->has_absent) : 0);
  return put_codes(encoder, part, entries, rank, count) && put_dictionary(encoder, part, texts, order);
}

static bool encode_direct(sq_encoder *encoder, sq_part *part, const sq_texts *texts, const uint32_t *entries, uint32_t count) {
  part->encoding = SQ_ENC_DIRECT;
  return reserve_codes(encoder, part, 0) && (part->count = count, put_dictionary(encoder, part, texts, entries));
}

bool sq_encode_texts(sq_encoder *encoder, sq_part *part, const sq_texts *texts, const uint32_t *entries, uint32_t count, bool direct, uint32_t *rank) {
  if (direct) return encode_direct(encoder, part, texts, entries, count);
  size_t size = texts->count + (size_t)1;
  uint32_t *order = malloc(size * sizeof *order), *ranks = rank ? rank : malloc(size * sizeof *ranks);
  bool good = order && ranks ? encode_sorted(encoder, part, texts, entries, count, order, ranks) : sq_fail_memory(encoder->error);
  free(order);
  if (!rank) free(ranks);
  return good;
}
