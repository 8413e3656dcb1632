/* A segment's bytes, part by part. */
#include <stdlib.h>

#include "base/checksum.h"
#include "column/encode.h"
#include "column/measure.h"
#include "column/sessions.h"

typedef struct writing {
  sq_rows_builder *builder;
  sq_arranged arranged;
  sq_encoder encoder;
  /* room for one column in the segment's order */
  int64_t *numbers;
  unsigned char *there;
  uint32_t *entries;
  uint32_t *ranks[SQ_F_COUNT]; /* of the texts of a session's three fields: their codes */
} writing;

static const sq_field session_fields[] = {SQ_F_ORGANIZATION_ID, SQ_F_PROJECT, SQ_F_SESSION_ID};

static bool begin(writing *w) {
  size_t count = w->builder->count > w->builder->named_count ? w->builder->count : w->builder->named_count;
  w->numbers = malloc((count + 1) * sizeof *w->numbers);
  w->there = malloc(count + 1);
  w->entries = malloc((count + 1) * sizeof *w->entries);
  bool good = w->numbers && w->there && w->entries;
  for (size_t i = 0; i < 3; i++) {
    size_t size = w->builder->fields[session_fields[i]].texts.count + (size_t)1;
    w->ranks[session_fields[i]] = malloc(size * sizeof(uint32_t));
    good = good && w->ranks[session_fields[i]];
  }
  return good || sq_fail_memory(w->encoder.error);
}

static void end(writing *w) {
  free(w->numbers);
  free(w->there);
  free(w->entries);
  for (size_t i = 0; i < 3; i++) free(w->ranks[session_fields[i]]);
  sq_arranged_free(&w->arranged);
  sq_text_free(&w->encoder.names);
  free(w->encoder.parts);
}

/* ------------------------------------------------------------------------------------------ columns of rows */

static bool encode_numbers(writing *w, sq_field field, const sq_gathered *g) {
  uint32_t count = w->builder->count;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t row = w->arranged.rows[i];
    w->there[i] = g->numbers ? g->there[row] : 0;
    w->numbers[i] = g->numbers ? g->numbers[row] : 0;
  }
  sq_part *part = sq_encode_part(&w->encoder, SQ_PART_FIELD, sq_field_get(field)->name, NULL, 0);
  if (part) part->lacks_members = w->builder->overfull[field];
  return part && sq_encode_integers(&w->encoder, part, w->numbers, w->there, count);
}

/* In the order of the rows, where each has a text of its own. */
static bool is_direct(const writing *w, sq_field field, const sq_gathered *g) {
  uint32_t count = w->builder->count;
  return !w->ranks[field] && g->texts.count == count && count > 0;
}

static bool encode_texts(writing *w, sq_field field, const sq_gathered *g) {
  uint32_t count = w->builder->count;
  for (uint32_t i = 0; i < count; i++) w->entries[i] = g->entries ? g->entries[w->arranged.rows[i]] : SQ_NO_ENTRY;
  sq_part *part = sq_encode_part(&w->encoder, SQ_PART_FIELD, sq_field_get(field)->name, NULL, 0);
  return part && sq_encode_texts(&w->encoder, part, &g->texts, w->entries, count, is_direct(w, field, g), w->ranks[field]);
}

static bool encode_fields(writing *w) {
  const sq_kept *kept = &w->builder->kept;
  for (size_t i = 0; i < kept->count; i++) {
    const sq_gathered *g = &w->builder->fields[kept->fields[i]];
    bool texts = sq_is_texts(kept->types[i]);
    if (!(texts ? encode_texts(w, kept->fields[i], g) : encode_numbers(w, kept->fields[i], g))) return false;
  }
  return true;
}

/* A map of more keys than have columns has no column at all: its members are left to the rows. */
static bool encode_members(writing *w, uint32_t *place) {
  uint32_t count = w->builder->count;
  for (uint32_t i = 0; i < count; i++) place[w->arranged.rows[i]] = i;
  for (size_t k = 0; k < w->builder->member_count; k++) {
    const sq_member_column *m = &w->builder->members[k];
    if (w->builder->overfull[m->field]) continue;
    memset(w->entries, 0xFF, count * sizeof *w->entries);
    for (uint32_t i = 0; i < m->count; i++) w->entries[place[m->rows[i]]] = m->entries[i];
    sq_part *part = sq_encode_part(&w->encoder, SQ_PART_FIELD, sq_field_get(m->field)->name, m->key, m->key_length);
    if (!part || !sq_encode_texts(&w->encoder, part, &m->texts, w->entries, count, false, NULL)) return false;
  }
  return true;
}

static bool encode_maps(writing *w) {
  uint32_t *place = malloc((w->builder->count + (size_t)1) * sizeof *place);
  bool good = place ? encode_members(w, place) : sq_fail_memory(w->encoder.error);
  free(place);
  return good;
}

static bool encode_seqs(writing *w) {
  for (uint32_t i = 0; i < w->builder->count; i++) w->numbers[i] = w->builder->seqs[w->arranged.rows[i]];
  sq_part *part = sq_encode_part(&w->encoder, SQ_PART_SEQ, NULL, NULL, 0);
  return part && sq_encode_integers(&w->encoder, part, w->numbers, NULL, w->builder->count);
}

/* ------------------------------------------------------------------------------------- fragments and sessions */

static bool encode_counts(writing *w, sq_part_kind kind, const uint32_t *values, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) w->numbers[i] = values[i];
  sq_part *part = sq_encode_part(&w->encoder, kind, NULL, NULL, 0);
  return part && sq_encode_integers(&w->encoder, part, w->numbers, NULL, count);
}

static int by_code(const void *left, const void *right) {
  uint32_t a = ((const sq_named_session *)left)->code, b = ((const sq_named_session *)right)->code;
  return (a > b) - (a < b);
}

static bool encode_names(writing *w) {
  sq_named_session *named = w->builder->named;
  uint32_t count = (uint32_t)w->builder->named_count;
  if (count) qsort(named, count, sizeof *named, by_code);
  for (uint32_t i = 0; i < count; i++) w->entries[i] = named[i].code;
  if (!encode_counts(w, SQ_PART_NAMED_CODE, w->entries, count)) return false;
  for (uint32_t i = 0; i < count; i++) w->entries[i] = w->ranks[SQ_F_ORGANIZATION_ID][named[i].organization];
  if (!encode_counts(w, SQ_PART_NAMED_ORGANIZATION, w->entries, count)) return false;
  for (uint32_t i = 0; i < count; i++) w->entries[i] = w->ranks[SQ_F_PROJECT][named[i].project];
  if (!encode_counts(w, SQ_PART_NAMED_PROJECT, w->entries, count)) return false;
  for (uint32_t i = 0; i < count; i++) w->entries[i] = w->ranks[SQ_F_SESSION_ID][named[i].id];
  return encode_counts(w, SQ_PART_NAMED_ID, w->entries, count);
}

static uint64_t hash_of(const writing *w, const uint64_t key[2], const sq_named_session *named) {
  const sq_gathered *fields = w->builder->fields;
  size_t lengths[3];
  const char *organization = sq_texts_get(&fields[SQ_F_ORGANIZATION_ID].texts, named->organization, &lengths[0]);
  const char *project = sq_texts_get(&fields[SQ_F_PROJECT].texts, named->project, &lengths[1]);
  const char *id = sq_texts_get(&fields[SQ_F_SESSION_ID].texts, named->id, &lengths[2]);
  return sq_session_hash(key, organization, lengths[0], project, lengths[1], id, lengths[2]);
}

static bool encode_slots(writing *w, const uint64_t key[2]) {
  uint32_t count = (uint32_t)w->builder->named_count, slots = 1;
  while (slots < count + count / 2) slots *= 2;
  if (count == 0) return true;
  sq_part *part = sq_encode_part(&w->encoder, SQ_PART_SLOTS, NULL, NULL, 0);
  sq_text *out = w->encoder.out;
  sq_encode_align(out);
  if (!part || !sq_text_reserve(out, slots * sizeof(uint32_t))) return sq_fail_memory(w->encoder.error);
  part->codes = out->length;
  part->count = slots;
  part->width = sizeof(uint32_t);
  uint32_t *table = (uint32_t *)(void *)(out->data + out->length);
  memset(table, 0xFF, slots * sizeof *table);
  out->length += slots * sizeof *table;
  for (uint32_t i = 0; i < count; i++) {
    uint64_t hash = hash_of(w, key, &w->builder->named[i]);
    uint32_t slot = (uint32_t)hash & (slots - 1);
    while (table[slot] != SQ_FREE_SLOT) slot = (slot + 1) & (slots - 1);
    table[slot] = sq_slot_tag(hash) << 16 | i;
  }
  sq_encode_seal(&w->encoder, part);
  return sq_text_whole(out, w->encoder.error);
}

/* ------------------------------------------------------------------------------------------------- the whole */

static void put_directory(writing *w, sq_segment_header *header) {
  sq_encoder *e = &w->encoder;
  sq_text *out = e->out;
  sq_encode_align(out);
  header->parts = (uint32_t)e->count;
  header->directory = out->length;
  sq_text_append(out, (const char *)e->parts, e->count * sizeof *e->parts);
  sq_encode_align(out);
  header->names = out->length;
  header->names_size = e->names.length;
  if (e->names.length) sq_text_append(out, e->names.data, e->names.length);
  sq_encode_align(out);
  header->size = out->length;
  header->checksum = 0;
  if (out->failed) return;
  uint32_t sum = sq_crc32c(0, header, sizeof *header);
  header->checksum = sq_crc32c(sum, out->data + header->directory, out->length - header->directory);
  memcpy(out->data, header, sizeof *header);
}

static void span(const writing *w, sq_segment_header *header) {
  const sq_rows_builder *b = w->builder;
  const int64_t *times = b->fields[SQ_F_CREATED_AT].numbers;
  header->first_seq = header->first_time = INT64_MAX;
  header->last_seq = header->last_time = INT64_MIN;
  for (uint32_t i = 0; i < b->count; i++) {
    if (b->seqs[i] < header->first_seq) header->first_seq = b->seqs[i];
    if (b->seqs[i] > header->last_seq) header->last_seq = b->seqs[i];
    if (times[i] < header->first_time) header->first_time = times[i];
    if (times[i] > header->last_time) header->last_time = times[i];
  }
}

static bool write(writing *w, const sq_segment_identity *identity, const sq_coder *coder) {
  sq_error *error = w->encoder.error;
  sq_segment_header header = {.magic = SQ_SEGMENT_MAGIC, .rows = w->builder->count, .id = identity->id,
                              .hash_key = {identity->hash_key[0], identity->hash_key[1]}};
  sq_text_append(w->encoder.out, (const char *)&header, sizeof header);
  if (!sq_arrange(w->builder, coder, &w->arranged, error)) return false;
  if (w->builder->named_count > SQ_SEGMENT_ROWS) return sq_fail(error, SQ_E_LIMIT, "too many sessions for one segment");
  if (!begin(w)) return false;
  header.session_rows = w->arranged.session_rows;
  header.fragments = w->arranged.fragments;
  header.named = (uint32_t)w->builder->named_count;
  span(w, &header);
  if (!encode_fields(w) || !encode_maps(w) || !encode_seqs(w) || !encode_counts(w, SQ_PART_START, w->arranged.starts, header.fragments + 1) ||
      !encode_counts(w, SQ_PART_CODE, w->arranged.codes, header.fragments) || !sq_encode_measures(&w->encoder, w->builder, &w->arranged) ||
      !encode_names(w) || !encode_slots(w, identity->hash_key))
    return false;
  put_directory(w, &header);
  return sq_text_whole(&w->encoder.names, error) && sq_text_whole(w->encoder.out, error);
}

bool sq_segment_write(sq_rows_builder *builder, const sq_segment_identity *identity, const sq_coder *coder, sq_text *out, sq_error *error) {
  writing w = {.builder = builder, .encoder = {.out = out, .error = error}};
  bool written = write(&w, identity, coder);
  end(&w);
  return written;
}
