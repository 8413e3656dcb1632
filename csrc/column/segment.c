/* Reading segments. The bytes may be anybody's: nothing is used before it is known to lie inside of them. */
#include "column/segment.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/checksum.h"
#include "column/build.h"
#include "column/format.h"
#include "column/gather.h"
#include "column/view.h"

typedef enum state { UNKNOWN, GOOD, BAD } state;

struct sq_segment {
  _Atomic int references;
  char *owned;           /* freed with it */
  void *mapped;          /* unmapped with it */
  size_t mapped_size;
  const unsigned char *bytes;
  sq_segment_header header;
  const sq_part *parts;
  const char *names;
  _Atomic unsigned char *states; /* of parts: whether they were checked */
  uint16_t of_field[SQ_F_COUNT]; /* part + 1; 0: none */
  uint16_t of_measure[SQ_M_COUNT_OF];
  uint16_t of_kind[SQ_PART_SLOTS + 1];
};

static bool damaged(sq_error *error, const char *what) { return sq_fail(error, SQ_E_STORE, "the column index is damaged: %s", what); }

/* ------------------------------------------------------------------------------------------------- opening */

static bool lies_inside(const sq_segment *s, uint64_t at, uint64_t size) {
  return at <= s->header.size && size <= s->header.size - at;
}

static bool check_header(sq_segment *s, size_t size, sq_error *error) {
  sq_segment_header *h = &s->header;
  if (size < sizeof *h) return damaged(error, "a segment is cut off");
  memcpy(h, s->bytes, sizeof *h);
  if (memcmp(h->magic, SQ_SEGMENT_MAGIC, sizeof h->magic) != 0) return damaged(error, "no segment stands where one should");
  if (h->size > size || h->rows > SQ_SEGMENT_ROWS || h->session_rows > h->rows || h->fragments > h->session_rows || h->parts >= UINT16_MAX ||
      h->named > SQ_SEGMENT_ROWS)
    return damaged(error, "a segment's numbers are beyond what can be");
  if (h->directory % 8 || !lies_inside(s, h->directory, h->parts * sizeof(sq_part)) || !lies_inside(s, h->names, h->names_size) ||
      h->directory < sizeof *h || h->names < h->directory)
    return damaged(error, "a segment's directory lies outside of it");
  sq_segment_header bare = *h;
  bare.checksum = 0;
  uint32_t sum = sq_crc32c(0, &bare, sizeof bare);
  if (sq_crc32c(sum, s->bytes + h->directory, h->size - h->directory) != h->checksum) return damaged(error, "a segment's directory has another checksum");
  s->parts = (const sq_part *)(const void *)(s->bytes + h->directory);
  s->names = (const char *)s->bytes + h->names;
  return true;
}

/* How many items a part of this kind has; UINT32_MAX: its own count. */
static uint32_t expected_count(const sq_segment *s, uint32_t kind) {
  const sq_segment_header *h = &s->header;
  switch (kind) {
    case SQ_PART_FIELD:
    case SQ_PART_SEQ: return h->rows;
    case SQ_PART_START: return h->fragments + 1;
    case SQ_PART_CODE:
    case SQ_PART_NAMED:
    case SQ_PART_MEASURE: return h->fragments;
    case SQ_PART_SLOTS: return UINT32_MAX;
    default: return h->named;
  }
}

static bool width_is_known(unsigned width) { return width <= 6 || width == 8; }

/* The part's places: codes, offsets and texts one behind the other, all inside the segment. */
static bool check_places(const sq_segment *s, const sq_part *p) {
  uint64_t codes_size = p->encoding == SQ_ENC_DIRECT ? 0 : (uint64_t)p->count * p->width + (p->kind == SQ_PART_SLOTS ? 0 : 8);
  bool texts = p->entries > 0;
  if (!lies_inside(s, p->codes, codes_size) || !lies_inside(s, p->codes, p->end - p->codes) || p->end < p->codes || codes_size > p->end - p->codes) return false;
  if (!texts) return true;
  uint64_t offsets_size = p->uuid ? 0 : ((uint64_t)p->entries + 1) * sizeof(uint32_t);
  if (p->offsets % sizeof(uint32_t) || p->offsets < p->codes || !lies_inside(s, p->offsets, offsets_size) || p->offsets + offsets_size > p->end) return false;
  if (p->texts < p->codes || !lies_inside(s, p->texts, p->texts_size) || p->texts + p->texts_size > p->end) return false;
  return !p->uuid || p->texts_size == (uint64_t)p->entries * 16;
}

static bool check_part(const sq_segment *s, const sq_part *p) {
  bool is_texts = p->encoding == SQ_ENC_TEXT || p->encoding == SQ_ENC_DIRECT;
  uint32_t expected = expected_count(s, p->kind);
  if (p->kind < SQ_PART_FIELD || p->kind > SQ_PART_SLOTS || p->encoding > SQ_ENC_DIRECT || !width_is_known(p->width)) return false;
  if (expected != UINT32_MAX && p->count != expected) return false;
  if (p->kind == SQ_PART_SLOTS && (p->width != 4 || p->count == 0 || (p->count & (p->count - 1)) || p->codes % 4)) return false;
  if (is_texts && p->kind != SQ_PART_FIELD) return false;
  if (is_texts && (p->entries == 0 || p->entries > 2 * SQ_SEGMENT_ROWS)) return false;
  if (p->encoding == SQ_ENC_DIRECT && (p->entries != p->count || p->has_absent)) return false;
  if (p->has_absent && p->width == 0 && p->encoding != SQ_ENC_ABSENT) return false;
  if ((uint64_t)p->name + p->name_length > s->header.names_size) return false;
  if (p->key_length != UINT32_MAX && (uint64_t)p->key + p->key_length > s->header.names_size) return false;
  return check_places(s, p);
}

static sq_measure find_measure(const char *name, size_t length) {
  int i = 0;
  while (i < SQ_M_COUNT_OF && !sq_same_text(sq_measure_name((sq_measure)i), name, length)) i++;
  return (sq_measure)i;
}

static void note_part(sq_segment *s, uint32_t index) {
  const sq_part *p = &s->parts[index];
  const char *name = s->names + p->name;
  if (p->kind == SQ_PART_FIELD && p->key_length == UINT32_MAX) {
    s->of_field[sq_field_named(name, p->name_length)] = (uint16_t)(index + 1);
  } else if (p->kind == SQ_PART_MEASURE) {
    sq_measure measure = find_measure(name, p->name_length);
    if (measure != SQ_M_COUNT_OF) s->of_measure[measure] = (uint16_t)(index + 1);
  } else if (p->kind != SQ_PART_FIELD) {
    s->of_kind[p->kind] = (uint16_t)(index + 1);
  }
}

static bool open_parts(sq_segment *s, sq_error *error) {
  for (uint32_t i = 0; i < s->header.parts; i++) {
    if (!check_part(s, &s->parts[i])) return damaged(error, "a column's place is not inside its segment");
    note_part(s, i);
  }
  static const sq_part_kind required[] = {SQ_PART_SEQ, SQ_PART_START, SQ_PART_CODE, SQ_PART_NAMED_CODE, SQ_PART_NAMED_ORGANIZATION, SQ_PART_NAMED_PROJECT, SQ_PART_NAMED_ID};
  for (size_t i = 0; i < sizeof required / sizeof *required; i++)
    if (!s->of_kind[required[i]]) return damaged(error, "a segment lacks a column");
  s->of_field[SQ_F_NONE] = 0;
  s->states = calloc(s->header.parts + 1u, sizeof *s->states);
  return s->states || sq_fail_memory(error);
}

sq_segment *sq_segment_open(const unsigned char *bytes, size_t size, sq_error *error) {
  sq_segment *s = calloc(1, sizeof *s);
  if (!s) {
    sq_fail_memory(error);
    return NULL;
  }
  s->references = 1;
  s->bytes = bytes;
  if (check_header(s, size, error) && open_parts(s, error)) return s;
  sq_segment_close(s);
  return NULL;
}

sq_segment *sq_segment_own(sq_text *bytes, sq_error *error) {
  char *fit = bytes->failed ? NULL : realloc(bytes->data, bytes->length); /* it stays for long */
  if (fit) *bytes = (sq_text){.data = fit, .length = bytes->length, .capacity = bytes->length, .allocator = bytes->allocator};
  sq_segment *s = bytes->failed ? NULL : sq_segment_open((const unsigned char *)bytes->data, bytes->length, error);
  if (bytes->failed) sq_fail_memory(error);
  if (s) s->owned = bytes->data;
  else sq_text_free(bytes);
  *bytes = (sq_text){0};
  return s;
}

sq_segment *sq_segment_map(int file, uint64_t offset, uint64_t size, sq_error *error) {
  void *mapped = mmap(NULL, size, PROT_READ, MAP_SHARED, file, (off_t)offset);
  if (mapped == MAP_FAILED) {
    sq_fail(error, SQ_E_STORE, "cannot map the column index: %s", strerror(errno));
    return NULL;
  }
  sq_segment *s = sq_segment_open(mapped, size, error);
  if (!s) {
    munmap(mapped, size);
    return NULL;
  }
  s->mapped = mapped;
  s->mapped_size = size;
  return s;
}

sq_segment *sq_segment_retain(sq_segment *segment) {
  atomic_fetch_add(&segment->references, 1);
  return segment;
}

void sq_segment_close(sq_segment *segment) {
  if (!segment || atomic_fetch_sub(&segment->references, 1) != 1) return;
  if (segment->mapped) munmap(segment->mapped, segment->mapped_size);
  free(segment->owned);
  free((void *)segment->states);
  free(segment);
}

uint32_t sq_segment_rows(const sq_segment *s) { return s->header.rows; }
uint32_t sq_segment_fragments(const sq_segment *s) { return s->header.fragments; }
sq_text sq_segment_bytes(const sq_segment *s) { return (sq_text){.data = (char *)(uintptr_t)s->bytes, .length = s->header.size}; }
const sq_segment_header *sq_segment_head(const sq_segment *s) { return &s->header; }

/* ---------------------------------------------------------------------------------------- columns, when touched */

static void describe(const sq_segment *s, const sq_part *p, sq_column *out) {
  *out = (sq_column){.encoding = (sq_encoding)p->encoding, .width = p->width, .has_absent = p->has_absent, .count = p->count,
                     .base = p->base, .scale = p->scale, .min = p->min, .max = p->max, .codes = s->bytes + p->codes};
  if (p->entries == 0) return;
  out->dictionary = (sq_dictionary){.count = p->entries, .uuid = p->uuid, .bytes = (const char *)s->bytes + p->texts,
                                    .offsets = p->uuid ? NULL : (const uint32_t *)(const void *)(s->bytes + p->offsets)};
}

static bool offsets_ascend(const sq_dictionary *d, uint64_t size) {
  if (d->uuid) return true;
  for (uint32_t i = 0; i < d->count; i++)
    if (d->offsets[i] > d->offsets[i + 1]) return false;
  return d->offsets[0] == 0 && d->offsets[d->count] <= size;
}

/* Always inlined, so that the width is a constant. */
static inline __attribute__((always_inline)) uint64_t greatest_code(const sq_column *c, unsigned width) {
  uint64_t most = 0, mask = sq_absent_code(width), absent = c->has_absent ? mask : 0; /* 0 is in any dictionary */
  for (uint32_t i = 0; i < c->count; i++) {
    uint64_t code;
    memcpy(&code, c->codes + (size_t)width * i, sizeof code);
    code &= mask;
    code = code == absent ? 0 : code;
    most = code > most ? code : most;
  }
  return most;
}

/* A right checksum is no reason to trust: codes must be of the dictionary. */
static bool codes_are_entries(const sq_column *c) {
  if (c->encoding != SQ_ENC_TEXT || c->width == 0) return true;
  uint64_t most = c->width == 1 ? greatest_code(c, 1) : c->width == 2 ? greatest_code(c, 2) : c->width == 3 ? greatest_code(c, 3) : greatest_code(c, c->width);
  return most < c->dictionary.count;
}

/* Whether the codes from the second on are each above the one before. Always inlined, so that the width is a
   constant: such columns of all segments are checked before the first answer. */
static inline __attribute__((always_inline)) bool codes_ascend(const sq_column *c, unsigned width) {
  uint64_t before = c->count ? sq_column_code(c, 0) : 0, mask = sq_absent_code(width);
  bool good = true;
  for (uint32_t i = 1; i < c->count; i++) {
    uint64_t code;
    memcpy(&code, c->codes + (size_t)width * i, sizeof code);
    code &= mask;
    good &= code > before;
    before = code;
  }
  return good;
}

/* Numbers from 0 to below `limit`, each there and above the one before. */
static bool ascend(const sq_column *c, int64_t limit) {
  int64_t first, last;
  if (c->count == 0) return true;
  if (c->has_absent || !sq_column_integer(c, 0, &first) || !sq_column_integer(c, c->count - 1, &last) || first < 0 || last >= limit) return false;
  __int128 codes = (__int128)sq_column_code(c, c->count - 1) - (__int128)sq_column_code(c, 0);
  if (c->scale < 1 || first + c->scale * codes != last) return false; /* none of them wraps */
  switch (c->width) {
    case 0: return c->count == 1;
    case 2: return codes_ascend(c, 2);
    case 3: return codes_ascend(c, 3);
    case 4: return codes_ascend(c, 4);
    default: return codes_ascend(c, c->width);
  }
}

static bool below(const sq_column *c, int64_t limit) {
  int64_t value;
  for (uint32_t i = 0; i < c->count; i++)
    if (!sq_column_integer(c, i, &value) || value < 0 || value >= limit) return false;
  return true;
}

static uint32_t entries_of(const sq_segment *s, sq_field field) { return s->of_field[field] ? s->parts[s->of_field[field] - 1].entries : 0; }

static bool starts_are_right(const sq_segment *s, const sq_column *c) {
  int64_t first = -1, last = -1;
  bool ends = c->count > 0 && sq_column_integer(c, 0, &first) && sq_column_integer(c, c->count - 1, &last);
  return ends && first == 0 && last == s->header.session_rows && ascend(c, (int64_t)s->header.session_rows + 1);
}

static bool named_are_rows(const sq_segment *s, const sq_column *c) {
  sq_column starts;
  sq_error ignored = {.code = SQ_OK};
  if (!sq_segment_starts(s, &starts, &ignored)) return false;
  for (uint32_t i = 0; i < c->count; i++) {
    int64_t start, stop, offset;
    if (!sq_column_integer(c, i, &offset)) continue;
    if (!sq_column_integer(&starts, i, &start) || !sq_column_integer(&starts, i + 1, &stop) || offset < 0 || offset >= stop - start) return false;
  }
  return true;
}

static bool check_values(const sq_segment *s, const sq_part *p, const sq_column *c) {
  switch (p->kind) {
    case SQ_PART_FIELD: return (p->entries == 0 || offsets_ascend(&c->dictionary, p->texts_size)) && codes_are_entries(c);
    case SQ_PART_START: return starts_are_right(s, c);
    case SQ_PART_CODE:
    case SQ_PART_NAMED_CODE: return ascend(c, SQ_NO_CODE);
    case SQ_PART_NAMED: return named_are_rows(s, c);
    case SQ_PART_NAMED_ORGANIZATION: return below(c, entries_of(s, SQ_F_ORGANIZATION_ID));
    case SQ_PART_NAMED_PROJECT: return below(c, entries_of(s, SQ_F_PROJECT));
    case SQ_PART_NAMED_ID: return below(c, entries_of(s, SQ_F_SESSION_ID));
    default: return true;
  }
}

/* The first who touches a part checks it; two at once find the same. */
static bool is_sound(const sq_segment *s, uint32_t index, const sq_column *column) {
  const sq_part *p = &s->parts[index];
  unsigned char found = atomic_load_explicit(&s->states[index], memory_order_acquire);
  if (found == UNKNOWN) {
    bool sound = sq_crc32c(0, s->bytes + p->codes, p->end - p->codes) == p->checksum && check_values(s, p, column);
    found = sound ? GOOD : BAD;
    atomic_store_explicit(&s->states[index], found, memory_order_release);
  }
  return found == GOOD;
}

static bool give_part(const sq_segment *s, uint16_t part, sq_column *out, sq_error *error) {
  if (part == 0) return false;
  describe(s, &s->parts[part - 1], out);
  return is_sound(s, part - 1u, out) || damaged(error, "a column has another checksum, or values that cannot be");
}

static uint16_t find_member(const sq_segment *s, sq_field field, const char *key, size_t length) {
  const char *name = sq_field_get(field)->name;
  for (uint32_t i = 0; i < s->header.parts; i++) {
    const sq_part *p = &s->parts[i];
    if (p->kind == SQ_PART_FIELD && p->key_length == length && memcmp(s->names + p->key, key, length) == 0 &&
        sq_same_text(name, s->names + p->name, p->name_length))
      return (uint16_t)(i + 1);
  }
  return 0;
}

static bool members_are_kept(const sq_segment *s, sq_field field) { return s->of_field[field] && s->parts[s->of_field[field] - 1].lacks_members == 0; }

void sq_segment_narrow_facts(const sq_segment *s, sq_fact facts[SQ_F_COUNT]) {
  for (int field = 0; field < SQ_F_COUNT; field++) {
    sq_fact *fact = &facts[field];
    fact->members = fact->members && members_are_kept(s, (sq_field)field);
    fact->known = fact->known && s->of_field[field];
    const sq_part *p = s->of_field[field] ? &s->parts[s->of_field[field] - 1] : NULL;
    if (p && p->encoding == SQ_ENC_INTEGER) fact->greatest += p->magnitude;
  }
}

bool sq_segment_column(const sq_segment *s, sq_field field, const char *key, size_t key_length, sq_column *out, sq_error *error) {
  if (!(key ? members_are_kept(s, field) : s->of_field[field] != 0)) return false;
  uint16_t part = key ? find_member(s, field, key, key_length) : s->of_field[field];
  if (part) return give_part(s, part, out, error);
  *out = (sq_column){.encoding = SQ_ENC_ABSENT, .has_absent = true, .count = s->header.rows};
  return true;
}

bool sq_segment_part(const sq_segment *s, uint32_t index, sq_part_key *out) {
  if (index >= s->header.parts) return false;
  const sq_part *p = &s->parts[index];
  *out = (sq_part_key){.field = p->kind == SQ_PART_FIELD ? sq_field_named(s->names + p->name, p->name_length) : SQ_F_NONE};
  out->name = sq_field_get(out->field)->name;
  if (p->key_length == UINT32_MAX) return true;
  out->key = s->names + p->key;
  out->key_length = p->key_length;
  return true;
}

/* Of those that not each segment need have: one of a later version, say. */
static bool give_optional(const sq_segment *s, uint16_t part, sq_column *out, sq_error *error) {
  return part ? give_part(s, part, out, error) : damaged(error, "a segment lacks a measure");
}

bool sq_segment_has_measure(const sq_segment *s, sq_measure measure) { return s->of_measure[measure] != 0; }
bool sq_segment_measure(const sq_segment *s, sq_measure measure, sq_column *out, sq_error *error) { return give_optional(s, s->of_measure[measure], out, error); }
bool sq_segment_starts(const sq_segment *s, sq_column *out, sq_error *error) { return give_part(s, s->of_kind[SQ_PART_START], out, error); }
bool sq_segment_codes(const sq_segment *s, sq_column *out, sq_error *error) { return give_part(s, s->of_kind[SQ_PART_CODE], out, error); }
bool sq_segment_named(const sq_segment *s, sq_column *out, sq_error *error) { return give_optional(s, s->of_kind[SQ_PART_NAMED], out, error); }
bool sq_segment_seqs(const sq_segment *s, sq_column *out, sq_error *error) { return give_part(s, s->of_kind[SQ_PART_SEQ], out, error); }

/* ------------------------------------------------------------------------------------- the sessions named here */

/* Where a code stands among codes that ascend; -1: nowhere. */
static int64_t seek_code(const sq_column *codes, uint32_t code) {
  int64_t value, low = 0, high = codes->count;
  if (high == 0 || code < codes->min || code > codes->max) return -1;
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    if (!sq_column_integer(codes, (uint32_t)middle, &value)) return -1;
    if (value < code) low = middle + 1;
    else high = middle;
  }
  return low < codes->count && sq_column_integer(codes, (uint32_t)low, &value) && value == code ? low : -1;
}

/* The number of the session of this code among those named here; -1: none, -2: an error. */
static int64_t find_code(const sq_segment *s, uint32_t code, sq_error *error) {
  sq_column codes;
  if (!give_part(s, s->of_kind[SQ_PART_NAMED_CODE], &codes, error)) return -2;
  bool dense = codes.count > 0 && codes.max - codes.min == codes.count - 1;
  return dense && code >= codes.min && code <= codes.max ? code - codes.min : seek_code(&codes, code);
}

static bool give_name(const sq_segment *s, uint32_t number, sq_part_kind kind, sq_field field, char room[37], const char **text, size_t *length, sq_error *error) {
  sq_column column, of_rows;
  int64_t entry;
  if (!give_part(s, s->of_kind[kind], &column, error) || !sq_column_integer(&column, number, &entry) ||
      !sq_segment_column(s, field, NULL, 0, &of_rows, error))
    return false;
  *text = sq_dictionary_text(&of_rows.dictionary, (uint32_t)entry, room, length);
  return true;
}

static bool name_of(const sq_segment *s, uint32_t number, sq_session_name *out, sq_error *error) {
  return give_name(s, number, SQ_PART_NAMED_ORGANIZATION, SQ_F_ORGANIZATION_ID, out->organization_room, &out->organization, &out->organization_length, error) &&
         give_name(s, number, SQ_PART_NAMED_PROJECT, SQ_F_PROJECT, out->project_room, &out->project, &out->project_length, error) &&
         give_name(s, number, SQ_PART_NAMED_ID, SQ_F_SESSION_ID, out->room, &out->id, &out->id_length, error);
}

int sq_segment_name(const sq_segment *s, uint32_t code, sq_session_name *out, sq_error *error) {
  int64_t number = find_code(s, code, error);
  if (number < 0) return number == -1 ? 0 : -1;
  return name_of(s, (uint32_t)number, out, error) ? 1 : -1;
}

static bool is_session(const sq_session_name *a, const sq_session_name *b) {
  return sq_compare_bytes(a->id, a->id_length, b->id, b->id_length) == 0 && sq_compare_bytes(a->project, a->project_length, b->project, b->project_length) == 0 &&
         sq_compare_bytes(a->organization, a->organization_length, b->organization, b->organization_length) == 0;
}

int sq_segment_find(const sq_segment *s, uint64_t hash, const sq_session_name *wanted, uint32_t *code, sq_error *error) {
  sq_column slots, codes;
  if (s->header.named == 0) return 0;
  if (!give_part(s, s->of_kind[SQ_PART_SLOTS], &slots, error)) {
    damaged(error, "a segment lacks its table of sessions");
    return -1;
  }
  const uint32_t *table = (const uint32_t *)(const void *)slots.codes, tag = sq_slot_tag(hash);
  uint32_t slot = (uint32_t)hash & (slots.count - 1);
  for (uint32_t steps = 0; steps < slots.count && table[slot] != SQ_FREE_SLOT; steps++, slot = (slot + 1) & (slots.count - 1)) {
    uint32_t number = table[slot] & 0xFFFF;
    sq_session_name found;
    int64_t value;
    if (table[slot] >> 16 != tag || number >= s->header.named) continue;
    if (!name_of(s, number, &found, error)) return -1;
    if (!is_session(&found, wanted)) continue;
    if (!give_part(s, s->of_kind[SQ_PART_NAMED_CODE], &codes, error) || !sq_column_integer(&codes, number, &value)) return -1;
    *code = (uint32_t)value;
    return 1;
  }
  return 0;
}

bool sq_segment_named_codes(const sq_segment *s, sq_column *out, sq_error *error) { return give_part(s, s->of_kind[SQ_PART_NAMED_CODE], out, error); }

bool sq_segment_named_range(const sq_segment *s, int64_t *first, int64_t *last) {
  const sq_part *p = &s->parts[s->of_kind[SQ_PART_NAMED_CODE] - 1];
  *first = p->min;
  *last = p->max;
  return p->count > 0;
}

int64_t sq_segment_fragment_of(const sq_segment *s, uint32_t code, sq_error *error) {
  sq_column codes;
  return sq_segment_codes(s, &codes, error) ? seek_code(&codes, code) : -2;
}
