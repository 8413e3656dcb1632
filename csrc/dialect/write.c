#include "dialect/write.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"
#include "base/number.h"
#include "base/time.h"
#include "dialect/dialect.h"

/* ------------------------------------------------------------------------------------------ what is unsaid */

void sq_unsaid(sq_writer *w, const sq_node *part, const char *why, ...) {
  char reason[256];
  sq_text dump = {.allocator = w->unsaid->allocator};
  va_list arguments;
  va_start(arguments, why);
  vsnprintf(reason, sizeof reason, why, arguments);
  va_end(arguments);
  sq_dump(&dump, w->origin ? w->origin : part);
  sq_text_put(w->unsaid, sq_is_unsaid(w) ? ",{\"part\":" : "{\"part\":");
  sq_json_write_string(w->unsaid, dump.data ? dump.data : "", dump.length);
  sq_text_put(w->unsaid, ",\"reason\":");
  sq_json_write_string(w->unsaid, reason, strlen(reason));
  sq_text_byte(w->unsaid, '}');
  w->unsaid->failed = w->unsaid->failed || dump.failed;
  sq_text_free(&dump);
}

/* A fragment's fields of an entry wait to be put into one: alone no language has them. */
static void check_entries(sq_writer *w, const sq_node *node) {
  if (sq_is_leaf(node)) {
    if (node->level == SQ_LEVEL_ENTRY) sq_unsaid(w, node, "it can only be asked about inside entry(…)");
    return;
  }
  for (uint32_t i = 0; node->kind != SQ_N_ENTRY && i < node->count; i++) check_entries(w, node->kids[i]);
}

/* ---------------------------------------------------------------------------------------------- literals */

void sq_write_scaled(sq_text *out, int64_t value, int scale) {
  char room[32];
  sq_text_append(out, room, sq_decimal_format(value, scale, room));
}

bool sq_write_time(sq_text *out, int64_t micros) {
  static const int64_t first = INT64_C(-62167219200) * SQ_MICROS_PER_SECOND, end = INT64_C(253402300800) * SQ_MICROS_PER_SECOND; /* years 0 and 10000 */
  char room[48];
  if (micros < first || micros >= end) return false;
  sq_text_append(out, room, sq_time_format(micros, 0, -1, room));
  return true;
}

void sq_write_real(sq_text *out, double value) {
  if (isinf(value)) sq_text_put(out, value < 0 ? "-1e999" : "1e999");
  else sq_json_write_real(out, value);
}

void sq_write_json_time(sq_writer *w, const sq_node *compare, int64_t micros) {
  sq_text_byte(w->out, '"');
  if (!sq_write_time(w->out, micros)) sq_unsaid(w, compare, SQ_NO_SUCH_YEAR);
  sq_text_byte(w->out, '"');
}

void sq_write_json(sq_writer *w, const sq_node *compare, uint32_t which) {
  const sq_value *value = &compare->values[which].value;
  sq_type type = sq_seen_type(compare);
  if (value->kind == SQ_STRING) sq_json_write_string(w->out, value->text, value->length);
  else if (value->kind == SQ_BOOLEAN) sq_text_put(w->out, value->boolean ? "true" : "false");
  else if (value->kind == SQ_REAL) sq_write_real(w->out, value->real);
  else if (type == SQ_T_TIME) sq_write_json_time(w, compare, value->integer);
  else sq_write_scaled(w->out, value->integer, type == SQ_T_MONEY ? 9 : 0);
}

sq_value sq_as_pattern(sq_writer *w, const sq_value *text, bool part) {
  sq_value pattern = {.kind = SQ_STRING, .text = ""};
  char *bytes = sq_arena_take(w->arena, 2 * (size_t)text->length + 3);
  if (!bytes) {
    sq_fail_memory(w->error);
    return pattern;
  }
  pattern.text = bytes;
  if (part) bytes[pattern.length++] = '%';
  for (uint32_t i = 0; i < text->length; i++) {
    if (sq_one_of("%_\\", text->text[i])) bytes[pattern.length++] = '\\';
    bytes[pattern.length++] = text->text[i];
  }
  if (part) bytes[pattern.length++] = '%';
  return pattern;
}

/* --------------------------------------------------------------------------------------------- equal forms */

/* A byte that stands in no number and in neither `true` nor `false`, in any case. */
static bool is_foreign(char byte) { return !sq_one_of("0123456789+-.truefalsTRUEFALS", byte); }

static bool has_foreign(const sq_value *text, bool pattern) {
  for (uint32_t i = 0; i < text->length; i++) {
    char c = text->text[i];
    if (pattern && (c == '%' || c == '_')) continue;
    if (is_foreign(c)) return true; /* a backslash too: what it escapes is foreign */
  }
  return false;
}

/* A letter in a word makes it a word that no number and no boolean is; marks between words are nothing. */
static bool has_foreign_letter(const sq_value *text) {
  for (uint32_t i = 0; i < text->length; i++) {
    char c = text->text[i];
    if (((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) && is_foreign(c)) return true;
  }
  return false;
}

static bool is_scalar_text(const sq_value *text) {
  return sq_number_valid(text->text, text->length) || sq_same_text("true", text->text, text->length) ||
         sq_same_text("false", text->text, text->length);
}

bool sq_same_as_text(const sq_node *compare) {
  const sq_value *first = compare->count ? &compare->values[0].value : NULL;
  if (compare->op == SQ_OP_PRESENT) return true;
  if (!first || first->kind != SQ_STRING) return false;
  if (compare->op == SQ_OP_PHRASE) return has_foreign_letter(first);
  if (compare->op == SQ_OP_CONTAINS) return has_foreign(first, false);
  if (compare->op == SQ_OP_LIKE || compare->op == SQ_OP_ILIKE) return has_foreign(first, true);
  if (compare->op != SQ_OP_EQ && compare->op != SQ_OP_AMONG) return false;
  for (uint32_t i = 0; i < compare->count; i++)
    if (is_scalar_text(&compare->values[i].value)) return false;
  return true;
}

/* -1, 0, 1: a literal below, at or above 0. */
static int sign_of(const sq_node *compare, uint32_t which) {
  const sq_value *value = &compare->values[which].value;
  double number = value->kind == SQ_REAL ? value->real : (double)value->integer;
  return (number > 0) - (number < 0);
}

bool sq_same_as_zero(const sq_node *compare) {
  int sign = compare->count ? sign_of(compare, 0) : 0;
  switch (compare->op) {
    case SQ_OP_EQ: return sign != 0;
    case SQ_OP_GT: return sign >= 0;
    case SQ_OP_GTE: return sign > 0;
    case SQ_OP_LT: return sign <= 0;
    case SQ_OP_LTE: return sign < 0;
    case SQ_OP_BETWEEN: return sign > 0 || sign_of(compare, 1) < 0;
    case SQ_OP_AMONG: break;
    default: return false;
  }
  for (uint32_t i = 0; i < compare->count; i++)
    if (sign_of(compare, i) == 0) return false;
  return true;
}

static bool is_key_test(const sq_node *node) {
  return node->kind == SQ_N_COMPARE && node->field == SQ_F_ENTRY_KEY && node->op == SQ_OP_EQ;
}

const sq_node *sq_entry_as_member(sq_writer *w, const sq_node *entry) {
  const sq_node *inside = entry->kids[0], *key = inside, *value = NULL;
  if (sq_field_get(entry->field)->type != SQ_T_MAP) return NULL;
  if (inside->kind == SQ_N_AND && inside->count == 2) {
    bool first = is_key_test(inside->kids[0]);
    key = inside->kids[!first];
    value = inside->kids[first];
    if (value->kind != SQ_N_COMPARE || value->field != SQ_F_ENTRY_VALUE) return NULL;
  }
  if (!is_key_test(key)) return NULL;
  sq_node *member = sq_arena_take(w->arena, sizeof *member);
  if (!member) {
    sq_fail_memory(w->error);
    return NULL;
  }
  *member = value ? *value : (sq_node){.kind = SQ_N_COMPARE, .op = SQ_OP_PRESENT};
  member->field = entry->field;
  member->level = entry->level;
  member->name = key->values[0].value.text;
  member->name_length = key->values[0].value.length;
  return member;
}

/* ------------------------------------------------------------------------------------------------- writing */

/* Languages bound how long and how deep a text may be; who writes need not count. */
static bool read_back(sq_writer *w, const sq_filter *filter, const char *dialect) {
  sq_error error = {.code = SQ_OK};
  sq_filter *again = sq_filter_compile(dialect, w->out->data ? w->out->data : "", w->out->length, NULL, filter->allocator, &error);
  if (error.code == SQ_E_NO_MEMORY) return sq_fail_memory(w->error);
  if (!again) sq_unsaid(w, filter->tree, "as text it would be refused: %s", error.message);
  sq_filter_free(again);
  return true;
}

static bool write_filter(sq_writer *w, const sq_filter *filter, const sq_dialect *dialect) {
  check_entries(w, filter->tree);
  if (!dialect->write(w, filter->tree)) return false;
  if (!sq_text_whole(w->out, w->error) || !sq_text_whole(w->unsaid, w->error)) return false;
  return sq_is_unsaid(w) || read_back(w, filter, dialect->name);
}

bool sq_filter_write(const sq_filter *filter, const char *name, sq_text *out, sq_text *unsaid, sq_error *error) {
  const sq_dialect *dialect = sq_dialect_named(name, error);
  if (!dialect) return false;
  sq_arena arena;
  sq_arena_begin(&arena, filter->allocator, NULL, 0);
  sq_text text = {.allocator = out->allocator}, parts = {.allocator = unsaid->allocator};
  sq_writer w = {.arena = &arena, .out = &text, .unsaid = &parts, .error = error, .whole = filter->whole};
  bool written = write_filter(&w, filter, dialect);
  if (written && !sq_is_unsaid(&w)) {
    sq_text_append(out, text.data, text.length);
    written = sq_text_whole(out, error);
  } else if (written) {
    sq_text_byte(unsaid, '[');
    sq_text_append(unsaid, parts.data, parts.length);
    sq_text_byte(unsaid, ']');
    written = sq_text_whole(unsaid, error) && sq_fail(error, SQ_E_UNSAID, "%s cannot say all of the filter", dialect->name);
  }
  sq_text_free(&parts);
  sq_text_free(&text);
  sq_arena_end(&arena);
  return written;
}
