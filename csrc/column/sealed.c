/* The sealed segments as a whole: who the sessions behind the codes are, and where their fragments lie. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "column/view.h"

/* The codes that a segment names. */
typedef struct named_range {
  uint32_t first, last, segment;
  bool own; /* no other segment names one of them */
} named_range;

/* A fragment of a scattered session: code, segment and fragment in one number. */
typedef uint64_t chain_link;
static chain_link make_link(uint32_t code, size_t segment, uint32_t fragment) { return (uint64_t)code << 32 | (uint64_t)segment << 16 | fragment; }

struct sq_sealed {
  _Atomic int references;
  sq_segment **segments;
  size_t count;
  int file; /* -1: none */
  sq_file_identity identity;
  uint64_t end;
  uint32_t sessions;
  named_range *ranges; /* ascending by first */
  size_t range_count;
  const named_range **own; /* by segment; NULL: it has no own sessions */
  sq_fact facts[SQ_F_COUNT];
  pthread_mutex_t lock; /* of what is made when it is first asked for */
  uint64_t *scattered;
  chain_link *links;
  size_t link_count, foreign_count;
};

static void set(uint64_t *bits, int64_t at) { bits[at >> 6] |= UINT64_C(1) << (at & 63); }

/* ------------------------------------------------------------------------------------------------- making */

static int by_first(const void *left, const void *right) {
  uint32_t a = ((const named_range *)left)->first, b = ((const named_range *)right)->first;
  return (a > b) - (a < b);
}

/* Ranges that overlap are of segments that were sealed again. */
static void find_own(sq_sealed *s) {
  int64_t behind = -1; /* the greatest code of the ranges before */
  for (size_t i = 0; i < s->range_count; i++) {
    named_range *range = &s->ranges[i];
    range->own = range->first > behind && (i + 1 == s->range_count || s->ranges[i + 1].first > range->last);
    if (range->last > behind) behind = range->last;
    if (range->own) s->own[range->segment] = range;
  }
}

static bool find_ranges(sq_sealed *s, sq_error *error) {
  for (size_t i = 0; i < s->count; i++) {
    int64_t first, last;
    if (!sq_segment_named_range(s->segments[i], &first, &last)) continue;
    if (first < 0 || first > last || last >= s->sessions) return sq_fail(error, SQ_E_STORE, "the column index is damaged: it names a session that is none");
    s->ranges[s->range_count++] = (named_range){(uint32_t)first, (uint32_t)last, (uint32_t)i, false};
  }
  qsort(s->ranges, s->range_count, sizeof *s->ranges, by_first);
  find_own(s);
  return true;
}

static void find_facts(sq_sealed *s) {
  for (int field = 0; field < SQ_F_COUNT; field++) s->facts[field] = (sq_fact){.known = true, .members = true};
  for (size_t i = 0; i < s->count; i++) sq_segment_narrow_facts(s->segments[i], s->facts);
}

sq_sealed *sq_sealed_make(sq_segment *const *segments, size_t count, uint32_t sessions, sq_error *error) {
  sq_sealed *s = calloc(1, sizeof *s);
  if (!s || pthread_mutex_init(&s->lock, NULL) != 0) {
    free(s);
    sq_fail_memory(error);
    return NULL;
  }
  s->references = 1;
  s->file = -1;
  s->sessions = sessions;
  s->segments = calloc(count + 1, sizeof *s->segments);
  s->ranges = calloc(count + 1, sizeof *s->ranges);
  s->own = calloc(count + 1, sizeof *s->own);
  bool good = s->segments && s->ranges && s->own ? true : sq_fail_memory(error);
  if (good && count > UINT16_MAX) good = sq_fail(error, SQ_E_LIMIT, "the column index has more than %d segments", UINT16_MAX);
  for (; good && s->count < count; s->count++) s->segments[s->count] = sq_segment_retain(segments[s->count]);
  if (good) find_facts(s);
  if (good && find_ranges(s, error)) return s;
  sq_sealed_release(s);
  return NULL;
}

void sq_sealed_hold(sq_sealed *sealed, int file, const sq_file_identity *identity, uint64_t end) {
  sealed->file = file;
  sealed->identity = *identity;
  sealed->end = end;
}

const char *sq_sealed_differs(const sq_sealed *sealed) {
  return sealed->file < 0 ? NULL : sq_file_differs(sealed->file, &sealed->identity, sealed->end);
}

sq_sealed *sq_sealed_retain(sq_sealed *sealed) {
  atomic_fetch_add(&sealed->references, 1);
  return sealed;
}

void sq_sealed_release(sq_sealed *sealed) {
  if (!sealed || atomic_fetch_sub(&sealed->references, 1) != 1) return;
  for (size_t i = 0; i < sealed->count; i++) sq_segment_close(sealed->segments[i]);
  if (sealed->file >= 0) close(sealed->file);
  pthread_mutex_destroy(&sealed->lock);
  free(sealed->segments);
  free(sealed->ranges);
  free(sealed->own);
  free(sealed->scattered);
  free(sealed->links);
  free(sealed);
}

size_t sq_sealed_count(const sq_sealed *sealed) { return sealed->count; }
sq_segment *sq_sealed_segment(const sq_sealed *sealed, size_t index) { return sealed->segments[index]; }
uint32_t sq_sealed_sessions(const sq_sealed *sealed) { return sealed->sessions; }
const sq_fact *sq_sealed_facts(const sq_sealed *sealed) { return sealed->facts; }

/* ----------------------------------------------------------------------------------------------- look-ups */

int sq_sealed_find(const sq_sealed *sealed, const sq_session_name *session, uint32_t *code, sq_error *error) {
  uint64_t hash = 0;
  const uint64_t *key = NULL;
  for (size_t i = sealed->count; i-- > 0;) { /* the newest first: sessions are short */
    const sq_segment_header *head = sq_segment_head(sealed->segments[i]);
    if (!key || key[0] != head->hash_key[0] || key[1] != head->hash_key[1])
      hash = sq_session_hash(head->hash_key, session->organization, session->organization_length, session->project, session->project_length, session->id, session->id_length);
    key = head->hash_key;
    int found = sq_segment_find(sealed->segments[i], hash, session, code, error);
    if (found) return found;
  }
  return 0;
}

/* The last range that begins at or below the code; NULL: none does. */
static const named_range *last_range(const sq_sealed *s, uint32_t code) {
  size_t low = 0, high = s->range_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (s->ranges[middle].first <= code) low = middle + 1;
    else high = middle;
  }
  return low ? &s->ranges[low - 1] : NULL;
}

bool sq_sealed_name(const sq_sealed *sealed, uint32_t code, sq_session_name *out, sq_error *error) {
  const named_range *range = last_range(sealed, code);
  for (; range && range >= sealed->ranges; range--) { /* ranges of segments that were sealed again may overlap */
    if (range->last < code) continue;
    int found = sq_segment_name(sealed->segments[range->segment], code, out, error);
    if (found) return found > 0;
  }
  return sq_fail(error, SQ_E_STORE, "the column index is damaged: a session has no name");
}

/* ---------------------------------------------------------------------------------------------- fragments */

/* The fragments of a segment that are not of its own sessions: [0, below) and [above, count) of the codes. */
typedef struct foreign {
  sq_column codes;
  uint32_t below, above;
} foreign;

/* The first fragment whose code is not below `code`. */
static uint32_t seek_code(const sq_column *codes, int64_t code) {
  uint32_t low = 0, high = codes->count;
  int64_t value;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (sq_column_integer(codes, middle, &value) && value < code) low = middle + 1;
    else high = middle;
  }
  return low;
}

static bool open_foreign(const sq_sealed *s, size_t segment, foreign *out, sq_error *error) {
  int64_t last;
  if (!sq_segment_codes(s->segments[segment], &out->codes, error)) return false;
  uint32_t count = out->codes.count;
  if (count && (!sq_column_integer(&out->codes, count - 1, &last) || last >= s->sessions)) /* codes ascend */
    return sq_fail(error, SQ_E_STORE, "the column index is damaged: a session's code is none");
  const named_range *own = s->own[segment];
  out->below = own ? seek_code(&out->codes, own->first) : count;
  out->above = own ? seek_code(&out->codes, (int64_t)own->last + 1) : count;
  return true;
}

/* Calls back with each foreign fragment. */
typedef void visitor(sq_sealed *sealed, void *state, uint32_t code, size_t segment, uint32_t fragment);

static bool visit(sq_sealed *s, size_t segment, visitor *visitor, void *state, sq_error *error) {
  foreign f;
  int64_t code = 0;
  if (!open_foreign(s, segment, &f, error)) return false;
  for (uint32_t i = 0; i < f.codes.count; i++) {
    if (i == f.below) i = f.above;
    if (i >= f.codes.count) break;
    sq_column_integer(&f.codes, i, &code);
    visitor(s, state, (uint32_t)code, segment, i);
  }
  return true;
}

/* A session with a foreign fragment mostly has others: where it began, at least. */
static void note_scattered(sq_sealed *s, void *state, uint32_t code, size_t segment, uint32_t fragment) {
  (void)state, (void)segment, (void)fragment;
  set(s->scattered, code);
  s->foreign_count++;
}

static bool find_scattered(sq_sealed *s, sq_error *error) {
  if (s->scattered) return true;
  s->foreign_count = 0;
  s->scattered = calloc(s->sessions / SQ_CODES_OF_PAGE + 1, SQ_CODES_OF_PAGE / 8);
  bool good = s->scattered ? true : sq_fail_memory(error);
  for (size_t k = 0; good && k < s->count; k++) good = visit(s, k, note_scattered, NULL, error);
  if (good) return true;
  free(s->scattered);
  s->scattered = NULL;
  return false;
}

const uint64_t *sq_sealed_scattered(sq_sealed *sealed, sq_error *error) {
  pthread_mutex_lock(&sealed->lock);
  const uint64_t *bits = find_scattered(sealed, error) ? sealed->scattered : NULL;
  pthread_mutex_unlock(&sealed->lock);
  return bits;
}

static void note_link(sq_sealed *s, void *state, uint32_t code, size_t segment, uint32_t fragment) {
  chain_link **at = state;
  (void)s;
  *(*at)++ = make_link(code, segment, fragment);
}

/* Mostly each of a segment's own sessions has a fragment there. */
static int64_t own_fragment(const sq_sealed *s, size_t segment, const foreign *f, uint32_t code, sq_error *error) {
  int64_t guess = (int64_t)f->below + (code - s->own[segment]->first), value;
  bool there = guess < f->codes.count && sq_column_integer(&f->codes, (uint32_t)guess, &value) && value == code;
  return there ? guess : sq_segment_fragment_of(s->segments[segment], code, error);
}

/* The segment's own sessions that go on elsewhere. */
static bool link_own(sq_sealed *s, size_t segment, chain_link **at, sq_error *error) {
  const named_range *own = s->own[segment];
  foreign f;
  if (!own) return true;
  if (!open_foreign(s, segment, &f, error)) return false;
  for (uint32_t word = own->first / 64; word <= own->last / 64; word++)
    for (uint64_t bits = s->scattered[word]; bits; bits &= bits - 1) {
      uint32_t code = word * 64 + (uint32_t)__builtin_ctzll(bits);
      if (code < own->first || code > own->last) continue;
      int64_t fragment = own_fragment(s, segment, &f, code, error);
      if (fragment >= 0) *(*at)++ = make_link(code, segment, (uint32_t)fragment);
      else if (fragment != -1) return false;
    }
  return true;
}

#define DIGIT 11 /* bits of a code that one pass sorts by: their counters fit into the nearest cache */

/* Sorts by code; links of one code are in order of their segments as they come. `other`: room for as many. */
static chain_link *sort_links(chain_link *links, chain_link *other, size_t count, uint32_t sessions) {
  for (unsigned shift = 0; shift < 32 && sessions >> shift; shift += DIGIT) {
    size_t places[1 << DIGIT] = {0}, at = 0;
    for (size_t i = 0; i < count; i++) places[links[i] >> 32 >> shift & ((1 << DIGIT) - 1)]++;
    for (size_t digit = 0; digit < 1 << DIGIT; digit++) {
      size_t some = places[digit];
      places[digit] = at;
      at += some;
    }
    for (size_t i = 0; i < count; i++) other[places[links[i] >> 32 >> shift & ((1 << DIGIT) - 1)]++] = links[i];
    chain_link *sorted = other;
    other = links;
    links = sorted;
  }
  return links;
}

/* As many of their own sessions' fragments as foreign ones at most. */
static bool find_links(sq_sealed *s, sq_error *error) {
  if (s->links) return true;
  if (!find_scattered(s, error)) return false;
  chain_link *links = malloc((2 * s->foreign_count + 1) * sizeof *links), *other = malloc((2 * s->foreign_count + 1) * sizeof *links), *at = links;
  bool good = links && other ? true : sq_fail_memory(error);
  for (size_t k = 0; good && k < s->count; k++) good = visit(s, k, note_link, &at, error) && link_own(s, k, &at, error);
  if (good) {
    s->link_count = (size_t)(at - links);
    s->links = sort_links(links, other, s->link_count, s->sessions);
  }
  if (s->links != links) free(links);
  if (s->links != other) free(other);
  return good;
}

static size_t first_link(const sq_sealed *s, uint32_t code) {
  size_t low = 0, high = s->link_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (s->links[middle] >> 32 < code) low = middle + 1;
    else high = middle;
  }
  return low;
}

/* Of a session that has no links: it is where it is named. */
static int64_t find_single(const sq_sealed *s, uint32_t code, sq_fragment_ref *ref, sq_error *error) {
  const named_range *range = last_range(s, code);
  if (!range || !range->own || code > range->last) return 0;
  int64_t fragment = sq_segment_fragment_of(s->segments[range->segment], code, error);
  *ref = (sq_fragment_ref){range->segment, (uint32_t)fragment};
  return fragment >= 0 ? 1 : fragment == -1 ? 0 : -1;
}

static int64_t find_fragments(sq_sealed *s, uint32_t code, size_t more, sq_fragment_ref **refs, sq_error *error) {
  if (!find_links(s, error)) return -1;
  size_t first = first_link(s, code), last = first;
  while (last < s->link_count && s->links[last] >> 32 == code) last++;
  *refs = malloc((last - first + more + 1) * sizeof **refs);
  if (!*refs) return sq_fail_memory(error) - 1;
  for (size_t i = first; i < last; i++) (*refs)[i - first] = (sq_fragment_ref){s->links[i] >> 16 & 0xFFFF, s->links[i] & 0xFFFF};
  return last > first ? (int64_t)(last - first) : find_single(s, code, *refs, error);
}

int64_t sq_sealed_fragments(sq_sealed *sealed, uint32_t code, size_t more, sq_fragment_ref **refs, sq_error *error) {
  pthread_mutex_lock(&sealed->lock);
  int64_t count = find_fragments(sealed, code, more, refs, error);
  pthread_mutex_unlock(&sealed->lock);
  return count;
}
