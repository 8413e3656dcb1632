/* One comparison on one value: what the SQL of sql/emit.c says about it, without SQL. */
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/number.h"
#include "base/words.h"
#include "exec/select.h"

/* What the value is looked at as: fields as they are, elements of lists, the views of scalars. */
typedef enum look { LOOK_PLAIN, LOOK_OR_ZERO, LOOK_PRESENT, LOOK_ELEMENTS, LOOK_STRING, LOOK_NUMBER, LOOK_BOOLEAN, LOOK_AS_TEXT, LOOK_KIND, LOOK_COUNT } look;

struct sq_matcher {
  const sq_node *node;
  look look;
  sq_value *values; /* ascending */
  sq_pattern pattern; /* of contains: the folded needle */
  sq_phrase phrase;
  sq_text folded, plain; /* rooms for the value at hand */
  const sq_watch *watch;
  bool late;
};

/* ------------------------------------------------------------------------------------------------- order */

static bool is_number(const sq_value *value) { return value->kind == SQ_INTEGER || value->kind == SQ_BOOLEAN || value->kind == SQ_REAL; }

static int64_t integer_of(const sq_value *value) { return value->kind == SQ_BOOLEAN ? value->boolean : value->integer; }

/* Exactly: no integer is rounded to a double. */
static int compare_integer_with_real(int64_t integer, double real) {
  if (real >= 0x1p63) return -1;
  if (real < -0x1p63) return 1;
  int64_t whole = (int64_t)real;
  if (integer != whole) return integer > whole ? 1 : -1;
  double rest = real - (double)whole;
  return (rest < 0) - (rest > 0);
}

static int compare_numbers(const sq_value *a, const sq_value *b) {
  if (a->kind == SQ_REAL && b->kind == SQ_REAL) return (a->real > b->real) - (a->real < b->real);
  if (a->kind == SQ_REAL) return -compare_integer_with_real(integer_of(b), a->real);
  if (b->kind == SQ_REAL) return compare_integer_with_real(integer_of(a), b->real);
  int64_t x = integer_of(a), y = integer_of(b);
  return (x > y) - (x < y);
}

/* -1, 0, 1. Numbers stand before texts. */
static int compare_values(const sq_value *a, const sq_value *b) {
  bool number = is_number(a);
  if (number != is_number(b)) return number ? -1 : 1;
  if (number) return compare_numbers(a, b);
  int order = sq_compare_bytes(a->text, a->length, b->text, b->length);
  return (order > 0) - (order < 0);
}

static int compare_for_sort(const void *a, const void *b) { return compare_values(a, b); }

/* ------------------------------------------------------------------------------------------------- tests */

/* Orders that satisfy an operator: bit 0 below the literal, bit 1 equal, bit 2 above. */
enum { BELOW = 1, SAME = 2, ABOVE = 4 };
static const unsigned char accepted[SQ_OP_COUNT] = {
    [SQ_OP_EQ] = SAME, [SQ_OP_LT] = BELOW, [SQ_OP_LTE] = BELOW | SAME, [SQ_OP_GT] = ABOVE, [SQ_OP_GTE] = ABOVE | SAME};

static bool test_order(const sq_value *literal, const sq_value *value, unsigned orders) {
  return is_number(literal) == is_number(value) && orders >> (compare_values(value, literal) + 1) & 1;
}

static bool test_against(sq_matcher *m, const sq_value *value) { return test_order(&m->values[0], value, accepted[m->node->op]); }

static bool test_between(sq_matcher *m, const sq_value *value) {
  return test_order(&m->node->values[0].value, value, SAME | ABOVE) && test_order(&m->node->values[1].value, value, BELOW | SAME);
}

static bool test_among(sq_matcher *m, const sq_value *value) {
  return bsearch(value, m->values, m->node->count, sizeof *m->values, compare_for_sort) != NULL;
}

static bool test_pattern(sq_matcher *m, const char *text, size_t length) {
  int found = sq_pattern_matches(&m->pattern, text, length, m->watch);
  m->late |= found < 0;
  return found > 0;
}

static bool test_like(sq_matcher *m, const sq_value *value) {
  return value->kind == SQ_STRING && test_pattern(m, value->text, value->length);
}

static const char *fold(sq_matcher *m, const sq_value *value, size_t *length) {
  bool failed = m->folded.failed; /* sticks until sq_matcher_whole */
  sq_text_clear(&m->folded);
  sq_fold(&m->folded, value->text, value->length);
  m->folded.failed |= failed;
  *length = m->folded.length;
  return m->folded.data ? m->folded.data : "";
}

static bool test_ilike(sq_matcher *m, const sq_value *value) {
  size_t length;
  if (value->kind != SQ_STRING) return false;
  const char *text = fold(m, value, &length);
  return test_pattern(m, text, length);
}

static bool test_contains(sq_matcher *m, const sq_value *value) {
  size_t length;
  if (value->kind != SQ_STRING) return false;
  const char *text = fold(m, value, &length);
  return sq_find(text, length, m->pattern.bytes.data ? m->pattern.bytes.data : "", m->pattern.bytes.length) != NULL;
}

static bool test_phrase(sq_matcher *m, const sq_value *value) {
  return value->kind == SQ_STRING && sq_phrase_matches(&m->phrase, value->text, value->length);
}

static bool (*const tests[SQ_OP_COUNT])(sq_matcher *, const sq_value *) = {
    [SQ_OP_EQ] = test_against,        [SQ_OP_LT] = test_against, [SQ_OP_LTE] = test_against,   [SQ_OP_GT] = test_against, [SQ_OP_GTE] = test_against,
    [SQ_OP_BETWEEN] = test_between,   [SQ_OP_AMONG] = test_among, [SQ_OP_LIKE] = test_like,    [SQ_OP_ILIKE] = test_ilike,
    [SQ_OP_CONTAINS] = test_contains, [SQ_OP_PHRASE] = test_phrase,
};

static bool test(sq_matcher *m, const sq_value *value) { return tests[m->node->op](m, value); }

/* ------------------------------------------------------------------------------------------------- looks */

static bool is_text(const sq_value *value) { return value && value->kind == SQ_STRING; }

static bool look_plain(sq_matcher *m, const sq_value *value) { return value && test(m, value); }

static bool look_or_zero(sq_matcher *m, const sq_value *value) {
  const sq_value zero = {.kind = SQ_INTEGER};
  return m->node->op == SQ_OP_PRESENT || test(m, value ? value : &zero);
}

static bool look_present(sq_matcher *m, const sq_value *value) {
  (void)m;
  return value != NULL;
}

/* The text of a string token, unescaped where it must be. */
static bool test_string(sq_matcher *m, const sq_json *reader) {
  sq_value value = {.kind = SQ_STRING, .length = (uint32_t)reader->length, .text = reader->token};
  if (reader->escaped) {
    m->plain.length = 0;
    if (!sq_text_reserve(&m->plain, reader->length)) return false;
    value.length = (uint32_t)sq_json_unescape(reader->token, reader->length, m->plain.data);
    value.text = m->plain.data;
  }
  return test(m, &value);
}

static bool look_elements(sq_matcher *m, const sq_value *value) {
  sq_json reader;
  if (!is_text(value)) return false;
  sq_json_begin(&reader, value->text, value->length);
  if (sq_json_next(&reader) != SQ_TOKEN_ARRAY) return false;
  while (sq_json_next(&reader) == SQ_TOKEN_STRING)
    if (test_string(m, &reader)) return true;
  return false;
}

static sq_token token_of(const sq_value *value, sq_json *reader) {
  if (!is_text(value)) return SQ_TOKEN_END;
  sq_json_begin(reader, value->text, value->length);
  return sq_json_next(reader);
}

static bool look_string(sq_matcher *m, const sq_value *value) {
  sq_json reader;
  if (!is_text(value) || (value->length && value->text[0] >= '-' && value->text[0] <= '9')) return false;
  return token_of(value, &reader) == SQ_TOKEN_STRING && test_string(m, &reader);
}

static bool test_number(sq_matcher *m, const sq_json *reader) {
  return test(m, &(sq_value){.kind = SQ_REAL, .real = sq_number_parse(reader->token, reader->length)});
}

static bool look_number(sq_matcher *m, const sq_value *value) {
  sq_json reader;
  return token_of(value, &reader) == SQ_TOKEN_NUMBER && test_number(m, &reader);
}

static bool look_boolean(sq_matcher *m, const sq_value *value) {
  sq_json reader;
  sq_token token = token_of(value, &reader);
  return (token == SQ_TOKEN_TRUE || token == SQ_TOKEN_FALSE) && test(m, &(sq_value){.kind = SQ_BOOLEAN, .boolean = token == SQ_TOKEN_TRUE});
}

static bool test_text(sq_matcher *m, const char *text, size_t length) {
  return test(m, &(sq_value){.kind = SQ_STRING, .length = (uint32_t)length, .text = text});
}

static bool look_as_text(sq_matcher *m, const sq_value *value) {
  sq_json reader;
  char shortest[32];
  switch (token_of(value, &reader)) {
    case SQ_TOKEN_STRING: return test_string(m, &reader);
    case SQ_TOKEN_NUMBER: return test_text(m, shortest, sq_number_format(sq_number_parse(reader.token, reader.length), shortest));
    case SQ_TOKEN_TRUE: return test_text(m, "true", 4);
    case SQ_TOKEN_FALSE: return test_text(m, "false", 5);
    default: return false;
  }
}

/* Whether it is anything but null. */
static bool look_kind(sq_matcher *m, const sq_value *value) {
  static const unsigned kinds = 1u << SQ_TOKEN_OBJECT | 1u << SQ_TOKEN_ARRAY | 1u << SQ_TOKEN_STRING | 1u << SQ_TOKEN_NUMBER |
                                1u << SQ_TOKEN_TRUE | 1u << SQ_TOKEN_FALSE;
  sq_json reader;
  (void)m;
  return kinds >> token_of(value, &reader) & 1;
}

static bool (*const looks[LOOK_COUNT])(sq_matcher *, const sq_value *) = {
    [LOOK_PLAIN] = look_plain,   [LOOK_OR_ZERO] = look_or_zero, [LOOK_PRESENT] = look_present, [LOOK_ELEMENTS] = look_elements, [LOOK_STRING] = look_string,
    [LOOK_NUMBER] = look_number, [LOOK_BOOLEAN] = look_boolean, [LOOK_AS_TEXT] = look_as_text, [LOOK_KIND] = look_kind,
};

/* As sql/emit.c picks the view. */
static look look_of(const sq_node *node) {
  sq_type type = sq_field_get(node->field)->type;
  if (type == SQ_T_SCALAR || (type == SQ_T_MAP && node->name)) {
    if (node->op == SQ_OP_PRESENT) return LOOK_KIND;
    if (node->flags & SQ_AS_TEXT) return LOOK_AS_TEXT;
    sq_kind kind = node->count ? node->values[0].value.kind : SQ_STRING;
    return kind == SQ_REAL ? LOOK_NUMBER : kind == SQ_BOOLEAN ? LOOK_BOOLEAN : LOOK_STRING;
  }
  if (type == SQ_T_LIST && node->op != SQ_OP_PRESENT) return LOOK_ELEMENTS;
  if (node->flags & SQ_OR_ZERO) return LOOK_OR_ZERO;
  return node->op == SQ_OP_PRESENT ? LOOK_PRESENT : LOOK_PLAIN;
}

/* -------------------------------------------------------------------------------------------- the matcher */

static bool prepare(sq_matcher *m) {
  const sq_node *node = m->node;
  const sq_value *first = node->count ? &node->values[0].value : NULL;
  if (node->op == SQ_OP_LIKE || node->op == SQ_OP_ILIKE)
    return sq_pattern_compile(&m->pattern, first->text, first->length, node->op == SQ_OP_ILIKE);
  if (node->op == SQ_OP_CONTAINS) {
    sq_fold(&m->pattern.bytes, first->text, first->length);
    return !m->pattern.bytes.failed;
  }
  if (node->op == SQ_OP_PHRASE) return sq_phrase_compile(&m->phrase, first->text, first->length);
  m->values = calloc(node->count ? node->count : 1, sizeof *m->values);
  if (!m->values) return false;
  for (uint32_t i = 0; i < node->count; i++) m->values[i] = node->values[i].value;
  qsort(m->values, node->count, sizeof *m->values, compare_for_sort);
  return true;
}

sq_matcher *sq_matcher_make(const sq_node *compare, sq_error *error) {
  sq_matcher *m = calloc(1, sizeof *m);
  if (m) {
    *m = (sq_matcher){.node = compare, .look = look_of(compare)};
    if (prepare(m)) return m;
  }
  sq_matcher_free(m);
  sq_fail_memory(error);
  return NULL;
}

void sq_matcher_free(sq_matcher *m) {
  if (!m) return;
  sq_pattern_free(&m->pattern);
  sq_phrase_free(&m->phrase);
  sq_text_free(&m->folded);
  sq_text_free(&m->plain);
  free(m->values);
  free(m);
}

bool sq_matcher_holds(sq_matcher *m, const sq_value *value) { return looks[m->look](m, value && value->kind != SQ_NULL ? value : NULL); }

const sq_node *sq_matcher_node(const sq_matcher *m) { return m->node; }

const sq_value *sq_matcher_values(const sq_matcher *m, uint32_t *count) {
  *count = m->values ? m->node->count : 0;
  return m->values;
}

const char *sq_matcher_needle(const sq_matcher *m, size_t *length) {
  *length = m->pattern.bytes.length;
  return m->pattern.bytes.data ? m->pattern.bytes.data : "";
}

static bool write_text_form(const sq_value *literal, unsigned form, sq_text *out) {
  if (form == 0 && sq_utf8_is_valid(literal->text, literal->length)) sq_json_write_string(out, literal->text, literal->length);
  return out->length > 0;
}

static bool is_word(const sq_value *literal) { return sq_same_text("true", literal->text, literal->length) || sq_same_text("false", literal->text, literal->length); }

static bool write_as_text_form(const sq_value *literal, unsigned form, sq_text *out) {
  if (form == 0) return write_text_form(literal, form, out);
  if (form == 1 && (is_word(literal) || sq_number_valid(literal->text, literal->length))) sq_text_append(out, literal->text, literal->length);
  return out->length > 0;
}

bool sq_matcher_form(const sq_matcher *m, const sq_value *literal, unsigned form, sq_text *out) {
  if (m->look == LOOK_STRING) return write_text_form(literal, form, out);
  if (m->look == LOOK_AS_TEXT) return write_as_text_form(literal, form, out);
  if (form == 0 && m->look == LOOK_NUMBER) sq_json_write_real(out, literal->real);
  if (form == 0 && m->look == LOOK_BOOLEAN) sq_text_put(out, literal->boolean ? "true" : "false");
  return out->length > 0;
}

bool sq_matcher_has_forms(const sq_matcher *m) { return m->look >= LOOK_STRING && m->look <= LOOK_AS_TEXT; }

bool sq_matcher_is_plain(const sq_matcher *m) { return m->look == LOOK_PLAIN || m->look == LOOK_OR_ZERO || m->look == LOOK_PRESENT; }

void sq_matcher_watch(sq_matcher *m, const sq_watch *watch) { m->watch = watch; }

bool sq_matcher_whole(sq_matcher *m, sq_error *error) {
  bool failed = m->folded.failed || m->plain.failed, late = m->late;
  m->folded.failed = m->plain.failed = m->late = false;
  if (failed) return sq_fail_memory(error);
  return !late || sq_fail(error, SQ_E_TIMEOUT, "a pattern took longer than the call may");
}
