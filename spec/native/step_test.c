/* Single comparisons on columns made by hand: each width, base and scale, codes that no dictionary has. */
#include "select.h"
#include "column/format.h"

enum { MOST_ROWS = 5000 };

typedef struct by_hand {
  sq_column column;
  uint32_t rows;
  unsigned char *codes; /* exactly as long as promised: the address sanitizer watches */
} by_hand;

static void put_code(by_hand *h, uint32_t row, uint64_t code) {
  memcpy(h->codes + (size_t)row * h->column.width, &code, h->column.width);
}

static uint64_t random_code(uint64_t greatest) {
  switch (random_below(4)) {
    case 0: return greatest - (greatest < 3 ? 0 : random_below(3));
    case 1: return greatest < 20 ? 0 : random_below(20);
    default: return greatest == UINT64_MAX ? random_word() : random_word() % (greatest + 1);
  }
}

static void begin_column(by_hand *h, sq_encoding encoding) {
  static const unsigned widths[] = {0, 1, 2, 3, 4, 5, 6, 8};
  h->rows = random_below(3) ? 1 + random_below(200) : 1 + random_below(MOST_ROWS);
  h->column = (sq_column){.encoding = encoding, .width = widths[random_below(8)], .count = h->rows, .scale = 1};
  h->column.has_absent = h->column.width && random_below(2);
  h->codes = calloc(1, (size_t)h->rows * h->column.width + 8);
  h->column.codes = h->codes;
}

/* Base and scale such that no value is beyond int64. */
static void place_integers(sq_column *c, uint64_t greatest) {
  static const int64_t bases[] = {0, INT64_MIN, -5, 1000000007, INT64_MIN + 3};
  c->base = bases[random_below(5)];
  c->scale = random_below(2) ? 1 : 1 + random_below(1000);
  while ((__int128)c->base + (__int128)c->scale * greatest > INT64_MAX) {
    if (c->scale > 1) c->scale = 1;
    else c->base = greatest > INT64_MAX ? INT64_MIN : INT64_MAX - (int64_t)greatest;
  }
}

static void make_integers(by_hand *h) {
  begin_column(h, SQ_ENC_INTEGER);
  sq_column *c = &h->column;
  uint64_t top = c->width ? sq_absent_code(c->width) : 0, greatest = top - c->has_absent;
  if (random_below(2) && greatest > 300) greatest = random_below(300);
  place_integers(c, greatest);
  c->min = INT64_MAX, c->max = INT64_MIN;
  for (uint32_t i = 0; i < h->rows; i++) {
    bool absent = c->has_absent && i && random_below(4) == 0;
    put_code(h, i, absent ? top : random_code(greatest));
    int64_t value;
    if (!sq_column_integer(c, i, &value)) continue;
    if (value < c->min) c->min = value;
    if (value > c->max) c->max = value;
  }
}

static int64_t random_bound(const by_hand *h) {
  static const int64_t extremes[] = {INT64_MIN, INT64_MAX, 0, -1, INT64_MIN + 1, INT64_MAX - 1};
  int64_t value = h->column.base;
  if (random_below(4) == 0) return extremes[random_below(6)];
  sq_column_integer(&h->column, random_below(h->rows), &value);
  int64_t delta = (int64_t)random_below(5) - 2;
  return random_below(2) || __builtin_add_overflow(value, delta, &delta) ? value : delta;
}

static const sq_op ordered[] = {SQ_OP_EQ, SQ_OP_GT, SQ_OP_GTE, SQ_OP_LT, SQ_OP_LTE, SQ_OP_BETWEEN, SQ_OP_AMONG, SQ_OP_PRESENT};

static uint32_t operands_of(sq_op op) { return op == SQ_OP_PRESENT ? 0 : op == SQ_OP_BETWEEN ? 2 : op == SQ_OP_AMONG ? 1 + random_below(40) : 1; }

static uint32_t count_bits(const uint64_t *bits, uint32_t rows) {
  uint32_t count = 0;
  for (uint32_t row = 0; row < rows; row++) count += (uint32_t)(bits[row / 64] >> row % 64 & 1);
  return count;
}

static bool hand_holds(const by_hand *h, sq_matcher *m, uint32_t row) {
  sq_value value = {.kind = SQ_INTEGER};
  uint32_t entry;
  char room[37];
  size_t length;
  if (h->column.encoding == SQ_ENC_INTEGER) return sq_matcher_holds(m, sq_column_integer(&h->column, row, &value.integer) ? &value : NULL);
  if (!sq_column_entry(&h->column, row, &entry) || entry >= h->column.dictionary.count) return sq_matcher_holds(m, NULL);
  value = (sq_value){.kind = SQ_STRING, .text = sq_dictionary_text(&h->column.dictionary, entry, room, &length)};
  value.length = (uint32_t)length;
  return sq_matcher_holds(m, &value);
}

static void check_run(const by_hand *h, sq_step *step, sq_matcher *m, sq_kernels level, bool broken) {
  static uint64_t before[SQ_BLOCK_WORDS], bits[SQ_BLOCK_WORDS], scratch[2 * SQ_BLOCK_WORDS];
  sq_error error = {0};
  sq_traffic traffic = {0};
  uint32_t left, wrong = 0;
  random_bits(before, h->rows);
  memcpy(bits, before, sizeof bits);
  left = count_bits(bits, h->rows);
  sq_step_kind kind = step->kind;
  CHECK(sq_step_run(step, m, sq_kernels_get(level), bits, scratch, &left, &traffic, &error), "%s", error.message);
  if (broken) return;
  for (uint32_t row = 0; row < h->rows; row++) {
    bool set = bits[row / 64] >> row % 64 & 1, was = before[row / 64] >> row % 64 & 1;
    wrong += set != (was && hand_holds(h, m, row));
  }
  CHECK(wrong == 0, "%u of %u rows, width %u, step %d, op %d, count %u", wrong, h->rows, h->column.width, (int)kind, (int)sq_matcher_node(m)->op, sq_matcher_node(m)->count);
  CHECK(left == count_bits(bits, h->rows), "%u", left);
  CHECK(traffic.bytes % 64 == 0);
}

static void check_compare(const by_hand *h, const sq_node *node, bool broken) {
  sq_error error = {0};
  sq_matcher *m = sq_matcher_make(node, &error);
  for (int level = SQ_KERNELS_SCALAR; level <= SQ_KERNELS_AVX2; level++) {
    sq_step step = {.subject = SQ_OF_COLUMN, .rows = h->rows, .column = h->column};
    CHECK(sq_step_plan(&step, m, NULL, &error), "%s", error.message);
    for (int round = 0; round < 4; round++) check_run(h, &step, m, (sq_kernels)level, broken);
    sq_step_free(&step);
  }
  sq_matcher_free(m);
}

static void integers_by_hand(void) {
  for (int i = 0; i < 3000; i++) {
    by_hand h;
    make_integers(&h);
    for (int k = 0; k < 4; k++) {
      sq_operand operands[40];
      sq_op op = ordered[random_below(8)];
      uint32_t count = operands_of(op);
      for (uint32_t v = 0; v < count; v++) operands[v] = (sq_operand){integer(random_bound(&h)), SQ_NOWHERE};
      const sq_node node = {.kind = SQ_N_COMPARE, .op = op, .field = SQ_F_LATENCY_MS, .count = count, .flags = random_below(3) ? 0 : SQ_OR_ZERO, .values = operands};
      check_compare(&h, &node, false);
    }
    free(h.codes);
  }
}

/* Codes that no dictionary has: wrong answers, but no harm. And an empty dictionary. */
static void broken_texts(void) {
  static const uint32_t offsets[] = {0, 1, 3, 6};
  static const sq_op ops[] = {SQ_OP_EQ, SQ_OP_GT, SQ_OP_LIKE, SQ_OP_CONTAINS, SQ_OP_PRESENT, SQ_OP_AMONG};
  static const char *const literals[] = {"b", "aa", "%b%", "c%", "ccd"};
  for (int i = 0; i < 1500; i++) {
    by_hand h;
    begin_column(&h, random_below(8) ? SQ_ENC_TEXT : SQ_ENC_DIRECT);
    h.column.dictionary = (sq_dictionary){.count = random_below(4), .offsets = offsets, .bytes = "abbccc"};
    for (uint32_t row = 0; row < h.rows; row++) put_code(&h, row, random_below(2) ? random_below(3) : random_word());
    sq_op op = ops[random_below(6)];
    sq_operand operand = {text(literals[random_below(5)]), SQ_NOWHERE};
    const sq_node node = {.kind = SQ_N_COMPARE, .op = op, .field = SQ_F_MODEL, .count = op != SQ_OP_PRESENT, .values = &operand};
    check_compare(&h, &node, true);
    free(h.codes);
  }
}

/* Dictionaries as a segment has them: sorted texts, and JSON texts of scalars. Needles that stand across two. */
static const char *const plain_texts[] = {"", "aB", "ab", "ba", "bb", "cab", "caf\xc3\x89", "true"};
static const char *const scalar_texts[] = {"\"\"", "\"1\"", "\"\\\"\"", "\"aB\"", "\"true\"", "-3", "1", "1.5", "[\"aB\"]", "null", "true", "{\"a\":1}"};

static void make_texts(by_hand *h, const char *const *texts, uint32_t count, uint32_t *offsets, sq_text *bytes) {
  begin_column(h, random_below(4) ? SQ_ENC_TEXT : SQ_ENC_DIRECT);
  if (h->column.width == 0) count = 1;
  if (h->column.encoding == SQ_ENC_DIRECT) h->rows = h->column.count = count, h->column.width = 0, h->column.has_absent = false;
  for (uint32_t i = 0; i < count; i++) {
    offsets[i] = (uint32_t)bytes->length;
    sq_text_append(bytes, texts[i], strlen(texts[i]));
  }
  offsets[count] = (uint32_t)bytes->length;
  h->column.dictionary = (sq_dictionary){.count = count, .offsets = offsets, .bytes = bytes->data};
  for (uint32_t row = 0; row < h->rows && h->column.width; row++)
    put_code(h, row, h->column.has_absent && random_below(4) == 0 ? sq_absent_code(h->column.width) : random_below(count));
}

static sq_value random_literal(bool scalar) {
  static const char *const literals[] = {"", "aB", "bb", "BA", "b", "true", "1", "1.0", "\"", "null", "[\"aB\"]", "\xc3\xa9", "%b%", "c%", "\xff", "_"};
  uint32_t kind = scalar ? random_below(4) : 0;
  return kind == 2 ? boolean(random_below(2)) : kind == 3 ? (sq_value){.kind = SQ_REAL, .real = 0.5 * (random_below(10) - 6.0)} : text(literals[random_below(16)]);
}

static void texts_by_hand(void) {
  static const sq_op ops[] = {SQ_OP_EQ, SQ_OP_AMONG, SQ_OP_LT, SQ_OP_GTE, SQ_OP_BETWEEN, SQ_OP_CONTAINS, SQ_OP_LIKE, SQ_OP_ILIKE, SQ_OP_PRESENT};
  for (int i = 0; i < 3000; i++) {
    by_hand h;
    sq_text bytes = {0};
    uint32_t offsets[16];
    bool scalar = random_below(2);
    if (scalar) make_texts(&h, scalar_texts, sizeof scalar_texts / sizeof *scalar_texts, offsets, &bytes);
    else make_texts(&h, plain_texts, random_below(2) ? 6 : 8, offsets, &bytes); /* of six, all are ASCII */
    sq_op op = ops[random_below(9)];
    sq_operand operands[40];
    uint32_t count = op == SQ_OP_AMONG ? 1 + random_below(2) : operands_of(op);
    for (uint32_t v = 0; v < count; v++)
      do operands[v] = (sq_operand){random_literal(scalar), SQ_NOWHERE};
      while (operands[v].value.kind != (v ? operands[0].value.kind : op >= SQ_OP_LIKE ? SQ_STRING : operands[v].value.kind));
    bool as_text = scalar && count && operands[0].value.kind == SQ_STRING && random_below(2);
    const sq_node node = {.kind = SQ_N_COMPARE, .op = op, .field = scalar ? SQ_F_PROPERTIES : SQ_F_MODEL, .count = count, .flags = as_text ? SQ_AS_TEXT : 0,
                          .name = scalar ? "k" : NULL, .name_length = scalar, .values = operands};
    check_compare(&h, &node, false);
    sq_text_free(&bytes);
    free(h.codes);
  }
}

/* Pieces of UUIDs, of any length, with and without their dashes. */
static void uuids_by_hand(void) {
  enum { COUNT = 150 };
  unsigned char bytes[COUNT][16];
  char piece[40], uuid[37];
  for (int i = 0; i < 3000; i++) {
    by_hand h;
    begin_column(&h, SQ_ENC_DIRECT);
    h.column.width = 0;
    h.column.has_absent = false;
    h.rows = h.column.count = COUNT;
    for (size_t k = 0; k < sizeof bytes; k++) bytes[k / 16][k % 16] = (unsigned char)(random_below(3) ? random_below(256) : 17 * random_below(3));
    h.column.dictionary = (sq_dictionary){.count = COUNT, .uuid = true, .bytes = (const char *)bytes};
    sq_uuid_unpack(bytes[random_below(COUNT)], uuid);
    uint32_t first = random_below(36), length = random_below(random_below(4) ? 6 : 38 - first);
    size_t used = (size_t)snprintf(piece, sizeof piece, "%.*s", (int)length, uuid + first);
    if (used && random_below(4) == 0) piece[random_below((uint32_t)used)] = "0-AFgz"[random_below(6)];
    sq_operand operand = {text(piece), SQ_NOWHERE};
    const sq_node node = {.kind = SQ_N_COMPARE, .op = SQ_OP_CONTAINS, .field = SQ_F_MODEL, .count = 1, .values = &operand};
    check_compare(&h, &node, false);
    free(h.codes);
  }
}

static void cached_by_row(void) {
  static const uint32_t offsets[] = {0, 36, 37};
  static const unsigned char codes[11] = {0, 1, 0xFF};
  sq_column column = {.encoding = SQ_ENC_TEXT, .width = 1, .has_absent = true, .count = 3, .codes = codes,
                      .dictionary = {.count = 2, .offsets = offsets, .bytes = "00000000-0000-0000-0000-000000000000x"}};
  sq_cached_column cached;
  for (int i = 0; i < 2; i++, column.encoding = SQ_ENC_DIRECT) {
    sq_cached_column_make(&column, &cached);
    for (uint32_t row = 0; row < 3; row++) CHECK(sq_row_cached(&cached, row) == (row == 1), "row %u", row);
  }
}

int main(void) {
  integers_by_hand();
  broken_texts();
  texts_by_hand();
  uuids_by_hand();
  cached_by_row();
  return report();
}
