/* Segments: what is written is read back, in order; sessions keep their codes; broken bytes are refused. */
#include "test.h"

#include <stdlib.h>

#include "column/build.h"
#include "column/view.h"

static uint64_t state = 20261121;
static uint32_t random_below(uint32_t limit) {
  state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(state >> 33) % limit;
}

enum { ROWS = 3000, SESSIONS = 200 };

typedef struct request {
  int64_t created, latency, cost;
  bool has_latency, has_session, has_name, has_property;
  char id[40], session[40], name[16], properties[64];
  const char *organization;
} request;

static request requests[ROWS];

static sq_value text(const char *text) { return (sq_value){.kind = SQ_STRING, .length = (uint32_t)strlen(text), .text = text}; }
static sq_value integer(int64_t value) { return (sq_value){.kind = SQ_INTEGER, .integer = value}; }

static void invent(void) {
  for (int i = 0; i < ROWS; i++) {
    request *r = &requests[i];
    r->created = INT64_C(1790000000000000) + random_below(1000000000);
    r->latency = random_below(90000);
    r->cost = (int64_t)random_below(1000000) * 250;
    r->has_latency = random_below(20) > 0;
    r->has_session = random_below(10) > 0;
    r->has_name = random_below(2);
    r->has_property = random_below(3) > 0;
    snprintf(r->id, sizeof r->id, "%08x-0000-4000-8000-%012x", (unsigned)random_below(1 << 30), (unsigned)i);
    snprintf(r->session, sizeof r->session, "session %u", (unsigned)random_below(SESSIONS));
    snprintf(r->name, sizeof r->name, "name %u", (unsigned)random_below(20));
    snprintf(r->properties, sizeof r->properties, "{\"env\":\"%s\",\"n\":%u.50}", random_below(2) ? "prod" : "d\\u0065v", (unsigned)random_below(9));
    r->organization = random_below(3) ? "" : "other";
  }
}

static bool add(sq_rows_builder *builder, int i, sq_error *error) {
  const request *r = &requests[i];
  sq_value fields[SQ_F_COUNT] = {{.kind = SQ_NULL}};
  fields[SQ_F_REQUEST_ID] = text(r->id);
  fields[SQ_F_ORGANIZATION_ID] = text(r->organization);
  fields[SQ_F_PROJECT] = text("default");
  fields[SQ_F_RUN_TYPE] = text("llm");
  fields[SQ_F_CREATED_AT] = integer(r->created);
  fields[SQ_F_COST_USD] = integer(r->cost);
  if (r->has_session) fields[SQ_F_SESSION_ID] = text(r->session);
  if (r->has_name) fields[SQ_F_SESSION_NAME] = text(r->name);
  if (r->has_latency) fields[SQ_F_LATENCY_MS] = integer(r->latency);
  if (r->has_property) fields[SQ_F_PROPERTIES] = text(r->properties);
  return sq_rows_builder_add(builder, i + 1, fields, error);
}

typedef struct coding {
  sq_sealed *before;
  uint32_t next;
} coding;

static uint32_t code(void *to, const sq_session_name *session, bool *is_named_here, sq_error *error) {
  coding *c = to;
  uint32_t known;
  int found = c->before ? sq_sealed_find(c->before, session, &known, error) : 0;
  if (found) return found > 0 ? known : SQ_NO_CODE;
  *is_named_here = true;
  return c->next++;
}

static sq_segment *build(int from, int to, coding *coding, sq_text *keep, sq_error *error) {
  sq_rows_builder *builder = sq_rows_builder_make(error);
  for (int i = from; i < to; i++) CHECK(add(builder, i, error), "%s", error->message);
  sq_text bytes = {0};
  const sq_segment_identity identity = {1, {2, 3}};
  CHECK(sq_segment_write(builder, &identity, &(sq_coder){code, coding}, &bytes, error), "%s", error->message);
  sq_rows_builder_free(builder);
  if (keep) sq_text_append(keep, bytes.data, bytes.length);
  return sq_segment_own(&bytes, error);
}

static void check_text(const sq_segment *segment, sq_field field, const char *key, uint32_t row, const char *wanted) {
  sq_column column;
  sq_error error = {0};
  uint32_t entry;
  char room[37];
  size_t length;
  CHECK(sq_segment_column(segment, field, key, key ? strlen(key) : 0, &column, &error), "%s", error.message);
  bool has = sq_column_entry(&column, row, &entry);
  CHECK(has == (wanted != NULL));
  if (!has || !wanted) return;
  const char *got = sq_dictionary_text(&column.dictionary, entry, room, &length);
  CHECK(sq_same_text(wanted, got, length), "%.*s is not %s", (int)length, got, wanted);
}

static void check_integer(const sq_segment *segment, sq_field field, uint32_t row, bool has, int64_t wanted) {
  sq_column column;
  sq_error error = {0};
  int64_t got = 0;
  CHECK(sq_segment_column(segment, field, NULL, 0, &column, &error), "%s", error.message);
  CHECK(sq_column_integer(&column, row, &got) == has && (!has || got == wanted), "%lld is not %lld", (long long)got, (long long)wanted);
}

static void check_row(const sq_segment *segment, uint32_t row, const request *r) {
  check_text(segment, SQ_F_REQUEST_ID, NULL, row, r->id);
  check_text(segment, SQ_F_ORGANIZATION_ID, NULL, row, r->organization);
  check_text(segment, SQ_F_SESSION_ID, NULL, row, r->has_session ? r->session : NULL);
  check_text(segment, SQ_F_SESSION_NAME, NULL, row, r->has_name ? r->name : NULL);
  check_text(segment, SQ_F_MODEL, NULL, row, NULL);
  check_text(segment, SQ_F_PROPERTIES, "env", row, !r->has_property ? NULL : strstr(r->properties, "prod") ? "\"prod\"" : "\"dev\"");
  check_text(segment, SQ_F_PROPERTIES, "none", row, NULL);
  check_integer(segment, SQ_F_CREATED_AT, row, true, r->created);
  check_integer(segment, SQ_F_COST_USD, row, true, r->cost);
  check_integer(segment, SQ_F_LATENCY_MS, row, r->has_latency, r->latency);
  check_integer(segment, SQ_F_PROPERTIES, row, r->has_property, 1);
}

static void check_rows(const sq_segment *segment) {
  sq_column seqs;
  sq_error error = {0};
  CHECK(sq_segment_seqs(segment, &seqs, &error));
  for (uint32_t row = 0; row < sq_segment_rows(segment); row++) {
    int64_t seq;
    CHECK(sq_column_integer(&seqs, row, &seq));
    check_row(segment, row, &requests[seq - 1]);
  }
}

static int64_t measured(const sq_segment *segment, sq_measure measure, uint32_t fragment) {
  sq_column column;
  sq_error error = {0};
  int64_t value = -1;
  CHECK(sq_segment_measure(segment, measure, &column, &error), "%s", error.message);
  sq_column_integer(&column, fragment, &value);
  return value;
}

static void check_fragments(const sq_view *view, uint32_t block) {
  const sq_segment *segment = view->blocks[block].segment;
  sq_column starts, codes, seqs, named;
  sq_error error = {0};
  int64_t start, stop, session, seq, offset, before = 0;
  CHECK(sq_segment_starts(segment, &starts, &error) && sq_segment_codes(segment, &codes, &error) && sq_segment_seqs(segment, &seqs, &error) && sq_segment_named(segment, &named, &error));
  for (uint32_t i = 0; i < codes.count; i++) {
    sq_session_name name;
    int64_t cost = 0, latencies = 0, last_named = -1;
    sq_column_integer(&codes, i, &session);
    sq_column_integer(&starts, i, &start);
    sq_column_integer(&starts, i + 1, &stop);
    CHECK(sq_view_session(view, (uint32_t)session, &name, &error), "%s", error.message);
    for (int64_t row = start; row < stop; row++) {
      sq_column_integer(&seqs, (uint32_t)row, &seq);
      const request *r = &requests[seq - 1];
      CHECK(r->has_session && sq_same_text(r->session, name.id, name.id_length) && sq_same_text(r->organization, name.organization, name.organization_length));
      CHECK(row == start || r->created >= before);
      before = r->created;
      cost += r->cost;
      latencies += r->has_latency;
      if (r->has_name) last_named = row - start;
    }
    CHECK(measured(segment, SQ_M_COST, i) == cost);
    CHECK(measured(segment, SQ_M_LATENCIES, i) == latencies);
    CHECK(measured(segment, SQ_M_COUNT, i) == stop - start);
    CHECK(measured(segment, SQ_M_LAST, i) == before);
    CHECK(sq_column_integer(&named, i, &offset) ? offset == last_named : last_named == -1);
    uint32_t found;
    CHECK(sq_view_find(view, name.organization_length ? "other" : "", "default", name.id, name.id_length, &found, &error) && found == session);
    sq_fragment_ref *refs;
    int64_t count = sq_view_fragments(view, (uint32_t)session, &refs, &error);
    bool listed = false;
    for (int64_t k = 0; k < count; k++) listed = listed || (refs[k].block == block && refs[k].fragment == i);
    CHECK(listed && (count > 1) == sq_view_is_scattered(view, (uint32_t)session), "%lld fragments", (long long)count);
    free(refs);
  }
}

static void check_broken(const sq_text *bytes) {
  sq_text copy = {0};
  sq_text_append(&copy, bytes->data, bytes->length);
  for (size_t i = 0; i < copy.length; i += 1 + random_below(7)) {
    sq_error error = {0};
    copy.data[i] ^= (char)(1 + random_below(255));
    sq_segment *segment = sq_segment_open((const unsigned char *)copy.data, copy.length, &error);
    bool detected = !segment;
    for (int field = 1; segment && field < SQ_F_COUNT; field++) {
      sq_column column;
      if (!sq_segment_column(segment, (sq_field)field, NULL, 0, &column, &error)) detected = detected || error.code != SQ_OK;
    }
    (void)detected; /* padding may change; what is read is checked */
    sq_segment_close(segment);
    copy.data[i] = bytes->data[i];
  }
  for (size_t size = 0; size < copy.length; size += 97) {
    sq_error error = {0};
    char *cut = malloc(size + 1);
    memcpy(cut, copy.data, size);
    sq_segment *segment = sq_segment_open((const unsigned char *)cut, size, &error);
    CHECK(!segment && error.code == SQ_E_STORE);
    sq_segment_close(segment);
    free(cut);
  }
  sq_text_free(&copy);
}

int main(void) {
  sq_error error = {0};
  coding coding = {0};
  sq_text bytes = {0};
  invent();
  sq_segment *segments[3];
  segments[0] = build(0, 1000, &coding, NULL, &error);
  coding.before = sq_sealed_make(segments, 1, coding.next, &error);
  segments[1] = build(1000, 2500, &coding, NULL, &error);
  segments[2] = build(2500, ROWS, &coding, &bytes, &error);
  sq_sealed_release(coding.before);
  CHECK(segments[0] && segments[1] && segments[2], "%s", error.message);
  for (int i = 0; i < 2; i++) check_rows(segments[i]);
  sq_sealed *sealed = sq_sealed_make(segments, 2, coding.next, &error);
  sq_names *names = sq_names_make(coding.next, &error);
  sq_view *view = sq_view_make(sealed, NULL, 0, NULL, names, &error);
  CHECK(view, "%s", error.message);
  for (uint32_t block = 0; view && block < 2; block++) check_fragments(view, block);
  check_broken(&bytes);
  sq_view_free(view);
  sq_names_release(names);
  sq_sealed_release(sealed);
  for (int i = 0; i < 3; i++) sq_segment_close(segments[i]);
  sq_text_free(&bytes);
  return report();
}
