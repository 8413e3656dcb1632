/* Filters on segments: whatever the encodings, the kernels and the rows asked about, a filter lets through what the
   matcher says of each row; and the matcher says what the semantics do. */
#include "select.h"

#include "column/build.h"

/* ------------------------------------------------------------------------------------------- the matcher */

typedef struct truth {
  sq_field field;
  const char *key;
  sq_op op;
  unsigned flags;
  sq_value values[3];
  uint32_t count;
  sq_value subject;
  bool holds;
} truth;

#define TEXT(t) {.kind = SQ_STRING, .length = sizeof t - 1, .text = t}
#define INTEGER(i) {.kind = SQ_INTEGER, .integer = i}
#define REAL(r) {.kind = SQ_REAL, .real = r}
#define YES {.kind = SQ_BOOLEAN, .boolean = true}
#define ABSENT {.kind = SQ_NULL}

static const truth truths[] = {
    {SQ_F_MODEL, NULL, SQ_OP_EQ, 0, {TEXT("a")}, 1, TEXT("a"), true},
    {SQ_F_MODEL, NULL, SQ_OP_EQ, 0, {TEXT("a")}, 1, TEXT("A"), false},
    {SQ_F_MODEL, NULL, SQ_OP_EQ, 0, {TEXT("a")}, 1, ABSENT, false},
    {SQ_F_MODEL, NULL, SQ_OP_LT, 0, {TEXT("a")}, 1, ABSENT, false},
    {SQ_F_MODEL, NULL, SQ_OP_GT, 0, {TEXT("a")}, 1, TEXT("ab"), true},
    {SQ_F_MODEL, NULL, SQ_OP_GT, 0, {TEXT("z")}, 1, TEXT("\xc3\xa9"), true},
    {SQ_F_MODEL, NULL, SQ_OP_BETWEEN, 0, {TEXT("b"), TEXT("a")}, 2, TEXT("a"), false},
    {SQ_F_MODEL, NULL, SQ_OP_AMONG, 0, {TEXT("c"), TEXT("a"), TEXT("b")}, 3, TEXT("b"), true},
    {SQ_F_MODEL, NULL, SQ_OP_AMONG, 0, {TEXT("c"), TEXT("a"), TEXT("b")}, 3, TEXT("aa"), false},
    {SQ_F_MODEL, NULL, SQ_OP_LIKE, 0, {TEXT("g_t%")}, 1, TEXT("g\xc3\xa9t-4"), true},
    {SQ_F_MODEL, NULL, SQ_OP_LIKE, 0, {TEXT("g\\_t%")}, 1, TEXT("gpt"), false},
    {SQ_F_MODEL, NULL, SQ_OP_ILIKE, 0, {TEXT("%\xc3\x89")}, 1, TEXT("caf\xc3\xa9"), true},
    {SQ_F_MODEL, NULL, SQ_OP_CONTAINS, 0, {TEXT("PT%")}, 1, TEXT("gpt%4"), true},
    {SQ_F_MODEL, NULL, SQ_OP_CONTAINS, 0, {TEXT("")}, 1, TEXT(""), true},
    {SQ_F_MODEL, NULL, SQ_OP_CONTAINS, 0, {TEXT("")}, 1, ABSENT, false},
    {SQ_F_MODEL, NULL, SQ_OP_PRESENT, 0, {ABSENT}, 0, TEXT(""), true},
    {SQ_F_STATUS, NULL, SQ_OP_LT, 0, {INTEGER(5)}, 1, INTEGER(-1), true},
    {SQ_F_STATUS, NULL, SQ_OP_LT, SQ_OR_ZERO, {INTEGER(5)}, 1, ABSENT, true},
    {SQ_F_STATUS, NULL, SQ_OP_EQ, SQ_OR_ZERO, {INTEGER(5)}, 1, ABSENT, false},
    {SQ_F_STATUS, NULL, SQ_OP_PRESENT, SQ_OR_ZERO, {ABSENT}, 0, ABSENT, true},
    {SQ_F_STATUS, NULL, SQ_OP_GT, 0, {REAL(9007199254740992.0)}, 1, INTEGER(9007199254740993), true},
    {SQ_F_STATUS, NULL, SQ_OP_LT, 0, {REAL(0x1p63)}, 1, INTEGER(INT64_MAX), true},
    {SQ_F_STATUS, NULL, SQ_OP_LT, 0, {REAL(-1.5)}, 1, INTEGER(-1), false},
    {SQ_F_STATUS, NULL, SQ_OP_EQ, 0, {TEXT("1")}, 1, INTEGER(1), false},
    {SQ_F_STREAMED, NULL, SQ_OP_EQ, 0, {YES}, 1, INTEGER(1), true},
    {SQ_F_TAGS, NULL, SQ_OP_EQ, 0, {TEXT("a\"b")}, 1, TEXT("[\"x\",\"a\\\"b\"]"), true},
    {SQ_F_TAGS, NULL, SQ_OP_GT, 0, {TEXT("y")}, 1, TEXT("[\"x\",\"a\"]"), false},
    {SQ_F_TAGS, NULL, SQ_OP_PRESENT, 0, {ABSENT}, 0, TEXT("[\"x\"]"), true},
    {SQ_F_PROPERTIES, "k", SQ_OP_EQ, 0, {TEXT("1")}, 1, TEXT("1"), false},
    {SQ_F_PROPERTIES, "k", SQ_OP_EQ, SQ_AS_TEXT, {TEXT("1")}, 1, TEXT("1"), true},
    {SQ_F_PROPERTIES, "k", SQ_OP_EQ, SQ_AS_TEXT, {TEXT("true")}, 1, TEXT("true"), true},
    {SQ_F_PROPERTIES, "k", SQ_OP_EQ, SQ_AS_TEXT, {TEXT("null")}, 1, TEXT("null"), false},
    {SQ_F_PROPERTIES, "k", SQ_OP_EQ, 0, {REAL(1)}, 1, TEXT("1"), true},
    {SQ_F_PROPERTIES, "k", SQ_OP_EQ, 0, {REAL(1)}, 1, TEXT("\"1\""), false},
    {SQ_F_PROPERTIES, "k", SQ_OP_EQ, 0, {REAL(1)}, 1, TEXT("true"), false},
    {SQ_F_PROPERTIES, "k", SQ_OP_EQ, 0, {YES}, 1, TEXT("true"), true},
    {SQ_F_PROPERTIES, "k", SQ_OP_EQ, 0, {YES}, 1, TEXT("1"), false},
    {SQ_F_PROPERTIES, "k", SQ_OP_EQ, 0, {TEXT("\xc3\xa9\n")}, 1, TEXT("\"\\u00e9\\n\""), true},
    {SQ_F_PROPERTIES, "k", SQ_OP_PRESENT, 0, {ABSENT}, 0, TEXT("{\"a\":1}"), true},
    {SQ_F_PROPERTIES, "k", SQ_OP_PRESENT, 0, {ABSENT}, 0, TEXT("null"), false},
    {SQ_F_PROPERTIES, "k", SQ_OP_CONTAINS, 0, {TEXT("a")}, 1, TEXT("{\"a\":1}"), false},
};

static void matcher_knows_truths(void) {
  for (size_t i = 0; i < sizeof truths / sizeof *truths; i++) {
    const truth *t = &truths[i];
    sq_operand operands[3] = {{t->values[0], SQ_NOWHERE}, {t->values[1], SQ_NOWHERE}, {t->values[2], SQ_NOWHERE}};
    const sq_node node = {.kind = SQ_N_COMPARE, .op = t->op, .flags = t->flags & 0xFF, .field = t->field, .count = t->count,
                          .name = t->key, .name_length = t->key ? (uint32_t)strlen(t->key) : 0, .values = operands};
    sq_error error = {0};
    sq_matcher *m = sq_matcher_make(&node, &error);
    CHECK(m && sq_matcher_holds(m, &t->subject) == t->holds, "truth %zu", i);
    CHECK(sq_matcher_whole(m, &error), "%s", error.message);
    sq_matcher_free(m);
  }
}

/* ------------------------------------------------------------------------------------- whole segments */

typedef struct request {
  sq_value fields[SQ_F_COUNT];
  sq_value members[2]; /* of properties: "a", "b" */
  char texts[10][80];
} request;

typedef struct store {
  uint32_t rows;
  request *requests;
  sq_text bytes;
  sq_segment *segment;
  uint32_t *order; /* request of each row */
} store;

static void put_text(request *r, sq_field field, int slot, const char *format, unsigned number) {
  snprintf(r->texts[slot], sizeof r->texts[slot], format, number);
  r->fields[field] = text(r->texts[slot]);
}

static const char *random_scalar(uint32_t kinds) {
  static const char *const scalars[] = {"\"x\"", "1", "true", "\"1\"", "false", "1.5", "\"caf\\u00e9 \\\"\"", "\"XY\"", "[1]", "{\"a\":null}", "-3", "\"true\"",
                                        "\"x y\"", "\"\"", "\"null\"", "\"[1]\"", "1e300"};
  return scalars[random_below(kinds)];
}

static void put_properties(request *r, uint32_t kinds, uint32_t row) {
  char unique[16];
  snprintf(unique, sizeof unique, "\"id%u\"", (unsigned)row);
  const char *a = random_below(5) ? random_scalar(kinds) : NULL, *b = random_below(3) ? unique : random_scalar(17);
  char *all = r->texts[0];
  if (a) snprintf(all, sizeof r->texts[0], "{\"a\":%s,\"b\":%s}", a, b);
  else snprintf(all, sizeof r->texts[0], "{\"b\":%s}", b);
  snprintf(r->texts[1], sizeof r->texts[1], "%s", b);
  if (random_below(10) == 0) return;
  r->fields[SQ_F_PROPERTIES] = text(all);
  if (a) r->members[0] = text(a);
  r->members[1] = text(r->texts[1]);
}

static void put_tokens(request *r, int style) {
  if (style != 1 && random_below(3) > 0) r->fields[SQ_F_PROMPT_TOKENS] = integer(random_below(300));
  if (style != 2 && random_below(3) > 0) r->fields[SQ_F_COMPLETION_TOKENS] = integer(random_below(300));
  if (style == 3 || (style == 0 && random_below(3) == 0)) r->fields[SQ_F_TOTAL_TOKENS] = integer(random_below(600));
}

static void invent(request *r, uint32_t row, int style) {
  static const char *const models[] = {"gpt-4o", "gpt-4o-mini", "GPT-4", "o1", "claude", "caf\xc3\xa9", "CAF\xc3\x89", "", "%"};
  static const char *const lists[] = {"[\"a\"]", "[\"a\",\"b\"]", "[\"B\",\"c\\n\"]", "[\"prod\"]"};
  *r = (request){0};
  put_text(r, SQ_F_REQUEST_ID, 2, style & 1 ? "0000%04x-aaaa-4aaa-8aaa-aaaaaaaaaaaa" : "request %u", (row * 7919) & 0xFFFF);
  r->fields[SQ_F_ORGANIZATION_ID] = text("");
  r->fields[SQ_F_PROJECT] = text("default");
  r->fields[SQ_F_RUN_TYPE] = text(random_below(3) ? "llm" : "tool");
  r->fields[SQ_F_CREATED_AT] = integer(INT64_C(1790000000000000) + (int64_t)random_below(1000) * (style ? 1000000 : 12345671));
  if (random_below(3)) put_text(r, SQ_F_SESSION_ID, 3, "session %u", random_below(50));
  if (random_below(8)) r->fields[SQ_F_MODEL] = text(models[random_below(9)]);
  if (random_below(8)) put_text(r, SQ_F_USER_ID, 4, "User-%u", random_below(1 + row));
  if (random_below(2)) put_text(r, SQ_F_TRACE_ID, 5, "%08x-0000-4000-8000-00000000beef", random_below(100));
  uint32_t cache = random_below(4);
  if (cache) put_text(r, SQ_F_CACHE_REFERENCE_ID, 6, "%08x-0000-0000-0000-000000000000", style == 2 ? cache : cache - 1);
  if (random_below(3)) r->fields[SQ_F_STATUS] = integer((int64_t)random_below(5) * 100 + 200);
  if (random_below(3)) r->fields[SQ_F_LATENCY_MS] = integer(random_below(90000));
  if (random_below(3)) r->fields[SQ_F_COST_USD] = integer((int64_t)random_below(1000) * 250000);
  if (random_below(2)) r->fields[SQ_F_STREAMED] = integer(random_below(2));
  if (random_below(2)) r->fields[SQ_F_TAGS] = text(lists[random_below(4)]);
  put_tokens(r, style);
  put_properties(r, 1 + random_below(17), row);
}

static uint32_t give_code(void *next, const sq_session_name *session, bool *is_named_here, sq_error *error) {
  (void)session, (void)error;
  *is_named_here = true;
  return (*(uint32_t *)next)++;
}

static void open_store(store *s, uint32_t rows, int style) {
  sq_error error = {0};
  uint32_t next = 0;
  sq_column seqs;
  *s = (store){.rows = rows, .requests = calloc(rows, sizeof *s->requests), .order = calloc(rows, sizeof *s->order)};
  sq_rows_builder *builder = sq_rows_builder_make(&error);
  for (uint32_t i = 0; i < rows; i++) {
    invent(&s->requests[i], i, style);
    CHECK(sq_rows_builder_add(builder, i, s->requests[i].fields, &error), "%s", error.message);
  }
  const sq_segment_identity identity = {1, {2, 3}};
  CHECK(sq_segment_write(builder, &identity, &(sq_coder){give_code, &next}, &s->bytes, &error), "%s", error.message);
  sq_rows_builder_free(builder);
  s->segment = sq_segment_open((const unsigned char *)s->bytes.data, s->bytes.length, &error);
  CHECK(s->segment && sq_segment_seqs(s->segment, &seqs, &error), "%s", error.message);
  for (uint32_t row = 0; row < rows; row++) {
    int64_t seq = 0;
    sq_column_integer(&seqs, row, &seq);
    s->order[row] = (uint32_t)seq;
  }
}

static void close_store(store *s) {
  sq_segment_close(s->segment);
  sq_text_free(&s->bytes);
  free(s->requests);
  free(s->order);
}

/* Fields, operators that they have, literals. */
static const struct choice {
  const char *field, *key, *ops[12];
  sq_value (*make)(const char *);
  const char *literals[14];
} choices[] = {
    {"model", NULL, {"eq", "ne", "lt", "lte", "gt", "gte", "between", "among", "like", "ilike", "contains", "present"}, text,
     {"gpt-4o", "GPT-4", "", "zz", "gpt%", "g%4_", "%4o", "claude", "caf\xc3\xa9", "%", "4O", "\\%", "o", "_1"}},
    {"user_id", NULL, {"eq", "ne", "lt", "lte", "gt", "gte", "between", "among", "like", "ilike", "contains", "absent"}, text,
     {"User-1", "User-12", "User-2%", "%9", "user-1%", "", "99", "User-\\_", "V", "User-3", "User-4", "U_er-1%", "User-100", "Z"}},
    {"request_id", NULL, {"eq", "ne", "lt", "lte", "gt", "gte", "between", "among", "like", "ilike", "contains", "present"}, text,
     {"request 7919", "00001eef-aaaa-4aaa-8aaa-aaaaaaaaaaaa", "request%", "0000%", "%1%", "req", "AAAA", "", "0", "request 2", "_equest 3%", "q", "%", "r"}},
    {"trace_id", NULL, {"eq", "ne", "lt", "lte", "gt", "gte", "between", "among", "like", "ilike", "contains", "present"}, text,
     {"00000005-0000-4000-8000-00000000beef", "0000000%", "BEEF", "zoo", "%beef", "00000010", "00000005-0000-4000-8000-00000000BEEF", "", "g", "0000003_%", "0-0", "%", "f", "4000-8"}},
    {"cached", NULL, {"eq", "ne", "present", "absent", "eq", "ne", "eq", "ne", "eq", "eq", "eq", "eq"}, NULL, {"", "", "", "", "", "", "", "", "", "", "", "", "", ""}},
    {"streamed", NULL, {"eq", "ne", "present", "absent", "eq", "ne", "eq", "ne", "eq", "eq", "eq", "eq"}, NULL, {"", "", "", "", "", "", "", "", "", "", "", "", "", ""}},
    {"status", NULL, {"eq", "ne", "lt", "lte", "gt", "gte", "between", "among", "present", "absent", "eq", "gt"}, number,
     {"200", "300", "400", "500", "600", "350.5", "-1e30", "1e30", "199", "601", "0", "201", "700", "399.99"}},
    {"latency_ms", NULL, {"eq", "ne", "lt", "lte", "gt", "gte", "between", "among", "present", "absent", "lt", "gt"}, number,
     {"0", "100", "1000", "45000", "89000", "90000.5", "-1", "1e9", "70000", "300", "20000", "1", "2", "88888"}},
    {"cost_usd", NULL, {"eq", "ne", "lt", "lte", "gt", "gte", "between", "among", "present", "absent", "lt", "gt"}, number,
     {"0", "0.00025", "0.1", "0.2", "0.25", "0.0000001", "1", "-1", "0.05", "0.001", "0.1005", "0.2499", "0.0005", "1e-30"}},
    {"created_at", NULL, {"eq", "ne", "lt", "lte", "gt", "gte", "between", "among", "present", "absent", "lt", "gt"}, number,
     {"1790000000", "1790000100", "1790000500.5", "1790000999", "1790001000", "1e10", "0", "1790000012.345671", "1790005000", "1790000001", "1790012345", "1790000300", "1790000700", "1790000002"}},
    {"total_tokens", NULL, {"eq", "ne", "lt", "lte", "gt", "gte", "between", "among", "present", "absent", "lt", "gt"}, number,
     {"0", "1", "100", "200", "300", "599", "600", "1000", "-5", "150", "250", "350", "450", "12"}},
    {"tags", NULL, {"eq", "ne", "lt", "lte", "gt", "gte", "between", "among", "like", "ilike", "contains", "present"}, text,
     {"a", "b", "B", "c\n", "prod", "p%", "%", "O", "", "zz", "aa", "A", "C_", "ro"}},
    {"properties", "a", {"eq", "ne", "lt", "lte", "gt", "gte", "between", "among", "like", "ilike", "contains", "present"}, text,
     {"x", "1", "true", "XY", "caf\xc3\xa9 \"", "x%", "%y", "", "null", "[1]", "x y", "a", "T", "_"}},
    {"properties", "a", {"eq", "ne", "lt", "lte", "gt", "gte", "between", "among", "present", "absent", "eq", "gt"}, number,
     {"1", "1.5", "0", "-3", "2", "1e300", "100", "-100", "1.0", "1.4999", "3", "4", "5", "6"}},
    {"properties", "a", {"eq", "ne", "present", "absent", "eq", "ne", "eq", "ne", "eq", "eq", "eq", "eq"}, NULL, {"", "", "", "", "", "", "", "", "", "", "", "", "", ""}},
    {"properties", "b", {"eq", "ne", "lt", "lte", "gt", "gte", "between", "among", "like", "ilike", "contains", "absent"}, text,
     {"id1", "id99", "id2%", "x", "1", "ID5", "", "true", "id100", "id7", "%", "i_1%", "99", "zz"}},
    {"properties", NULL, {"present", "absent", "present", "absent", "present", "absent", "present", "absent", "present", "absent", "present", "absent"}, NULL, {""}},
    {"error", NULL, {"eq", "ne", "lt", "lte", "gt", "gte", "between", "among", "like", "ilike", "contains", "present"}, text,
     {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"}},
};

static sq_filter *random_leaf(sq_error *error) {
  const struct choice *c = &choices[random_below(sizeof choices / sizeof *choices)];
  const char *op = c->ops[random_below(12)];
  sq_value values[30];
  size_t count = strcmp(op, "present") == 0 || strcmp(op, "absent") == 0 ? 0 : strcmp(op, "between") == 0 ? 2 : strcmp(op, "among") == 0 ? 1 + random_below(30) : 1;
  for (size_t i = 0; i < count; i++) values[i] = c->make ? c->make(c->literals[random_below(14)]) : boolean(random_below(2));
  return sq_filter_compare(c->field, strlen(c->field), c->key, c->key ? strlen(c->key) : 0, op, values, count, NULL, error);
}

static sq_filter *random_filter(int depth, sq_error *error) {
  static const char *const hows[] = {"all", "any", "not"};
  if (depth == 0 || random_below(4) == 0) return random_leaf(error);
  int how = (int)random_below(3);
  const sq_filter *parts[4];
  size_t count = how == 2 ? 1 : 1 + random_below(4);
  for (size_t i = 0; i < count; i++) parts[i] = random_filter(depth - 1, error);
  sq_filter *whole = sq_filter_combine(hows[how], NULL, parts, count, NULL, error);
  for (size_t i = 0; i < count; i++) sq_filter_free((sq_filter *)(uintptr_t)parts[i]);
  return whole;
}

/* What the semantics say of one request. ------------------------------------------------------------------ */

static sq_value subject_of(const request *r, const sq_node *node) {
  const sq_value *f = r->fields;
  if (node->field == SQ_F_CACHED)
    return boolean(f[SQ_F_CACHE_REFERENCE_ID].kind == SQ_STRING && strcmp(f[SQ_F_CACHE_REFERENCE_ID].text, "00000000-0000-0000-0000-000000000000") != 0);
  if (node->field == SQ_F_TOTAL_TOKENS && f[SQ_F_TOTAL_TOKENS].kind == SQ_NULL)
    return f[SQ_F_PROMPT_TOKENS].kind == SQ_NULL && f[SQ_F_COMPLETION_TOKENS].kind == SQ_NULL
               ? (sq_value){.kind = SQ_NULL}
               : integer((f[SQ_F_PROMPT_TOKENS].kind ? f[SQ_F_PROMPT_TOKENS].integer : 0) + (f[SQ_F_COMPLETION_TOKENS].kind ? f[SQ_F_COMPLETION_TOKENS].integer : 0));
  return node->name ? r->members[node->name[0] == 'b'] : f[node->field];
}

/* Sets `holds` of all requests. */
static void judge(const store *s, const sq_node *node, bool *holds) {
  sq_error error = {0};
  bool is_and = node->kind == SQ_N_AND || node->kind == SQ_N_TRUE, *kid = calloc(s->rows, 1);
  sq_matcher *m = node->kind == SQ_N_COMPARE ? sq_matcher_make(node, &error) : NULL;
  memset(holds, is_and, s->rows);
  for (uint32_t r = 0; m && r < s->rows; r++) {
    sq_value subject = subject_of(&s->requests[r], node);
    holds[r] = sq_matcher_holds(m, &subject);
  }
  for (uint32_t i = 0; sq_has_kids(node) && i < node->count; i++) {
    judge(s, node->kids[i], kid);
    for (uint32_t r = 0; r < s->rows; r++) holds[r] = node->kind == SQ_N_NOT ? !kid[r] : is_and ? holds[r] && kid[r] : holds[r] || kid[r];
  }
  sq_matcher_free(m);
  free(kid);
}

static void check_zone(const store *s, const bool *holds, int zone) {
  uint32_t passing = 0;
  for (uint32_t r = 0; r < s->rows; r++) passing += holds[r];
  CHECK(zone >= 0 && (zone != SQ_ZONE_NONE || passing == 0) && (zone != SQ_ZONE_ALL || passing == s->rows), "zone %d, %u of %u", zone, passing, s->rows);
}

static void check_filter(const store *s, const sq_filter *filter) {
  static uint64_t before[SQ_BLOCK_WORDS], bits[SQ_BLOCK_WORDS];
  sq_error error = {0};
  sq_block block = {.segment = s->segment, .rows = s->rows};
  bool *holds = calloc(s->rows, 1);
  judge(s, filter->tree, holds);
  CHECK(sq_selector_refuses(filter->tree) == NULL);
  for (int level = SQ_KERNELS_SCALAR; level <= SQ_KERNELS_AVX2; level++) {
    sq_traffic traffic = {0};
    sq_selector *selector = sq_selector_make(filter->tree, (sq_kernels)level, &error);
    if (random_below(2)) check_zone(s, holds, sq_select_zone(selector, &block, &traffic, &error));
    for (int round = 0; round < 2; round++) {
      uint32_t wrong = 0;
      random_bits(before, s->rows);
      memcpy(bits, before, sizeof bits);
      CHECK(sq_select_rows(selector, &block, bits, &traffic, &error), "%s", error.message);
      for (uint32_t row = 0; row < s->rows; row++) wrong += (bits[row / 64] >> row % 64 & 1) != ((before[row / 64] >> row % 64 & 1) && holds[s->order[row]]);
      sq_text dump = {0};
      if (wrong) sq_filter_dump_tree(filter, &dump, &error);
      CHECK(wrong == 0, "%u of %u rows: %s", wrong, s->rows, dump.data);
      sq_text_free(&dump);
    }
    check_zone(s, holds, sq_select_zone(selector, &block, &traffic, &error));
    sq_selector_free(selector);
  }
  free(holds);
}

static void filters_on_segments(void) {
  static const uint32_t sizes[] = {1, 63, 64, 65, 300, 3000};
  for (int i = 0; i < 60; i++) {
    store s;
    open_store(&s, sizes[random_below(6)], i % 4);
    for (int k = 0; k < 60; k++) {
      sq_error error = {0};
      sq_filter *filter = random_filter(k % 4, &error);
      CHECK(filter != NULL, "%s", error.message);
      if (filter) check_filter(&s, filter);
      sq_filter_free(filter);
    }
    close_store(&s);
  }
}

int main(void) {
  matcher_knows_truths();
  filters_on_segments();
  return report();
}
