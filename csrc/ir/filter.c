/* Filters as values: frozen trees, made from parts, combined, dumped. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "ir/build.h"
#include "ir/candidates.h"

/* ---------------------------------------------------------------------------------------------- freezing */

static size_t rounded(size_t size) { return (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1); }

/* What sq_copy_tree takes from an arena. */
static size_t measure(const sq_node *tree) {
  size_t size = rounded(sizeof *tree);
  if (tree->name) size += rounded(tree->name_length + 1);
  if (tree->count == 0) return size;
  if (tree->kind != SQ_N_COMPARE) {
    size += rounded(tree->count * sizeof *tree->kids);
    for (uint32_t i = 0; i < tree->count; i++) size += measure(tree->kids[i]);
    return size;
  }
  size += rounded(tree->count * sizeof *tree->values);
  for (uint32_t i = 0; i < tree->count; i++) {
    const sq_value *value = &tree->values[i].value;
    if (value->kind == SQ_STRING || value->kind == SQ_NUMBER) size += rounded(value->length + 1);
  }
  return size;
}

static sq_filter *freeze(const sq_node *tree, const sq_allocator *allocator, sq_error *error) {
  allocator = sq_allocator_or_libc(allocator);
  size_t head = rounded(sizeof(sq_filter)), size = head + measure(tree);
  sq_filter *filter = sq_resize(allocator, NULL, 0, size);
  if (!filter) {
    sq_fail_memory(error);
    return NULL;
  }
  sq_arena block;
  sq_arena_begin(&block, allocator, (char *)filter + head, size - head);
  *filter = (sq_filter){.allocator = allocator, .size = size, .tree = sq_copy_tree(&block, tree)};
  assert(filter->tree && !block.blocks);
  return filter;
}

sq_filter *sq_filter_finish(sq_arena *arena, sq_node *tree, bool fragment, const sq_allocator *allocator,
                            sq_error *error) {
  if (!tree || !sq_bind(arena, &tree, fragment, error) || !sq_flatten(arena, &tree, error)) return NULL;
  return freeze(tree, allocator, error);
}

void sq_filter_free(sq_filter *filter) {
  if (filter) sq_resize(filter->allocator, filter, filter->size, 0);
}

/* ------------------------------------------------------------------------------------------------ making */

/* Text that no record holds would match by accident, or be something else in another engine. */
static bool check_text(const char *text, size_t length, const char *what, sq_error *error) {
  if (memchr(text, '\0', length)) return sq_fail(error, SQ_E_VALUE, "U+0000 in the %s", what);
  return sq_utf8_is_valid(text, length) || sq_fail(error, SQ_E_VALUE, "invalid UTF-8 in the %s", what);
}

/* Numbers come as integers and doubles, the builder wants them as text. */
static bool number_as_text(sq_arena *arena, sq_value *value) {
  char room[32];
  size_t length;
  if (value->kind == SQ_INTEGER) {
    length = (size_t)snprintf(room, sizeof room, "%lld", (long long)value->integer);
  } else if (value->kind == SQ_REAL) {
    length = sq_number_format(value->real, room);
  } else {
    return true;
  }
  char *copy = sq_arena_copy(arena, room, length);
  *value = (sq_value){.kind = SQ_NUMBER, .length = (uint32_t)length, .text = copy};
  return copy != NULL;
}

static sq_node *build_compare(sq_builder *build, const char *field, size_t field_length, const char *key,
                              size_t key_length, const char *operator_name, const sq_value *values, size_t count) {
  sq_op op = sq_op_named(operator_name, strlen(operator_name));
  if (op == SQ_OP_COUNT) {
    sq_fail(build->error, SQ_E_UNKNOWN, "unknown operator '%s'", sq_show(operator_name, strlen(operator_name)).text);
    return NULL;
  }
  if (key && !check_text(key, key_length, "key", build->error)) return NULL;
  sq_operand *operands = sq_arena_take(build->arena, (count + 1) * sizeof *operands);
  for (size_t i = 0; operands && i < count; i++) {
    if (values[i].kind == SQ_STRING && !check_text(values[i].text, values[i].length, "text", build->error)) return NULL;
    operands[i] = (sq_operand){values[i], SQ_NOWHERE};
    if (!number_as_text(build->arena, &operands[i].value)) operands = NULL;
  }
  if (!operands) {
    sq_fail_memory(build->error);
    return NULL;
  }
  sq_field known = key ? sq_field_named(field, field_length) : SQ_F_NONE;
  if (known != SQ_F_NONE)
    return sq_build_compare(build, known, key, key_length, op, operands, count, 0, SQ_NOWHERE);
  return sq_build_named(build, field, field_length, op, operands, count, SQ_NOWHERE);
}

sq_filter *sq_filter_compare(const char *field, size_t field_length, const char *key, size_t key_length,
                             const char *operator_name, const sq_value *values, size_t count,
                             const sq_allocator *allocator, sq_error *error) {
  _Alignas(max_align_t) char lent[1024];
  sq_arena arena;
  sq_arena_begin(&arena, allocator, lent, sizeof lent);
  sq_builder build = {.arena = &arena, .error = error};
  sq_node *tree = build_compare(&build, field, field_length, key, key_length, operator_name, values, count);
  sq_filter *filter = sq_filter_finish(&arena, tree, true, allocator, error);
  sq_arena_end(&arena);
  return filter;
}

static const struct {
  const char *name;
  sq_node_kind kind;
} combinations[] = {{"all", SQ_N_AND},     {"any", SQ_N_OR},    {"not", SQ_N_NOT},           {"some", SQ_N_SOME},
                    {"every", SQ_N_EVERY}, {"root", SQ_N_ROOT}, {"in_trace", SQ_N_IN_TRACE}, {"entry", SQ_N_ENTRY},
                    {"enclosing", SQ_N_ENCLOSING}, {"enclosed", SQ_N_ENCLOSED}};

static sq_node *build_combination(sq_builder *build, sq_node_kind kind, const char *map, const sq_kids *kids) {
  if (sq_node_is_many(kind)) return sq_build_many(build, kind, kids);
  if (kids->count != 1) {
    sq_fail(build->error, SQ_E_TYPE, "%s takes one filter, not %zu", sq_node_name(kind), kids->count);
    return NULL;
  }
  if (kind != SQ_N_ENTRY) return sq_build_over(build, kind, kids->items[0], SQ_NOWHERE);
  sq_field field = map ? sq_field_named(map, strlen(map)) : SQ_F_NONE;
  if (field == SQ_F_NONE) {
    sq_fail(build->error, SQ_E_UNKNOWN, "entry takes properties, scores, feedback or a body");
    return NULL;
  }
  return sq_build_entry(build, field, kids->items[0], SQ_NOWHERE);
}

/* The parts of a combination: copies. Whole filters stay whole among themselves; beside others they become the sessions
   that they find, those of one combination together. */
static bool gather(sq_builder *build, sq_node_kind kind, const sq_filter *const *parts, size_t count, sq_kids *kids, bool *whole) {
  bool logical = sq_node_is_many(kind) || kind == SQ_N_NOT;
  sq_kids wholes = {0};
  size_t known = 0;
  for (size_t i = 0; i < count; i++) known += parts[i]->whole;
  *whole = logical && count > 0 && known == count;
  for (size_t i = 0; i < count; i++) {
    sq_node *copy = sq_copy_tree(build->arena, parts[i]->tree);
    if (!copy) return sq_fail_memory(build->error);
    if (!sq_kids_add(build, logical && parts[i]->whole && !*whole ? &wholes : kids, copy)) return false;
  }
  if (wholes.count == 0) return true;
  sq_node *together = sq_build_many(build, kind, &wholes);
  return sq_kids_add(build, kids, together ? sq_build_whole(build, together) : NULL);
}

static size_t find_combination(const char *how, sq_error *error) {
  size_t which = 0, known = sizeof combinations / sizeof *combinations;
  while (which < known && strcmp(combinations[which].name, how) != 0) which++;
  if (which == known) sq_fail(error, SQ_E_UNKNOWN, "unknown combination '%s'", sq_show(how, strlen(how)).text);
  return which;
}

sq_filter *sq_filter_combine(const char *how, const char *map, const sq_filter *const *parts, size_t count,
                             const sq_allocator *allocator, sq_error *error) {
  size_t which = find_combination(how, error);
  if (error->code != SQ_OK) return NULL;
  sq_arena arena;
  sq_arena_begin(&arena, allocator, NULL, 0);
  sq_builder build = {.arena = &arena, .error = error};
  sq_kids kids = {0};
  bool whole = false;
  sq_node_kind kind = combinations[which].kind;
  sq_node *tree = gather(&build, kind, parts, count, &kids, &whole) ? build_combination(&build, kind, map, &kids) : NULL;
  sq_filter *filter = sq_filter_finish(&arena, tree, true, allocator, error);
  sq_arena_end(&arena);
  if (filter) filter->whole = whole;
  return filter;
}

/* ----------------------------------------------------------------------------------------------- searching */

static const struct {
  const char *name;
  sq_search search;
} searches[] = {{"candidates", SQ_SEARCH_CANDIDATES}, {"completions", SQ_SEARCH_COMPLETIONS}, {"traces", SQ_SEARCH_TRACES}};

sq_filter *sq_filter_search(const char *what, const sq_filter *of, const sq_allocator *allocator, sq_error *error) {
  size_t which = 0, known = sizeof searches / sizeof *searches;
  while (which < known && strcmp(searches[which].name, what) != 0) which++;
  if (which == known) {
    sq_fail(error, SQ_E_UNKNOWN, "unknown search '%s'", sq_show(what, strlen(what)).text);
    return NULL;
  }
  sq_arena arena;
  sq_arena_begin(&arena, allocator, NULL, 0);
  sq_builder build = {.arena = &arena, .error = error};
  sq_filter *filter = sq_filter_finish(&arena, sq_build_search(&build, searches[which].search, of->tree), false, allocator, error);
  sq_arena_end(&arena);
  return filter;
}

/* ----------------------------------------------------------------------------------------------- dumping */

bool sq_filter_dump_tree(const sq_filter *filter, sq_text *out, sq_error *error) {
  sq_dump(out, filter->tree);
  return sq_text_whole(out, error);
}

bool sq_filter_dump(const sq_filter *filter, sq_text *out, sq_error *error) {
  sq_arena arena;
  sq_arena_begin(&arena, filter->allocator, NULL, 0);
  sq_split split;
  sq_node *tree = sq_copy_tree(&arena, filter->tree);
  bool made = tree ? sq_split_levels(&arena, tree, &split, error) && sq_simplify(&arena, &split.rows, error) &&
                         sq_simplify(&arena, &split.keep, error)
                   : sq_fail_memory(error);
  if (made && filter->whole) sq_text_put(out, "whole ");
  if (made) sq_dump_split(out, &split);
  sq_arena_end(&arena);
  return made && sq_text_whole(out, error);
}
