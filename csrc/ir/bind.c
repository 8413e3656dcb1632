/* Names to fields, operators and literals to the field's type, levels to every node. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/pattern.h"
#include "base/time.h"
#include "ir/ir.h"

typedef struct binder {
  sq_arena *arena;
  sq_error *error;
  sq_field entries; /* the map whose entry is asked about, SQ_F_NONE outside of entry */
  bool fragment;    /* the tree may become the inside of an entry later */
  unsigned depth, traces; /* how many nodes, how many of ROOT, IN_TRACE, ENCLOSING and ENCLOSED, stand around */
} binder;

/* ---------------------------------------------------------------------------------------- making nodes */

/* What can never hold. It keeps its level: only constants that were written as such do not count for it. */
static void become_false(sq_node *node) {
  node->kind = SQ_N_FALSE;
  node->count = 0;
}

static sq_node *make(binder *b, const sq_node *like) {
  sq_node *node = sq_arena_take(b->arena, sizeof *node);
  if (!node) sq_fail_memory(b->error);
  else *node = *like;
  return node;
}

static bool negate(binder *b, sq_node **node) {
  sq_node *not = make(b, *node);
  sq_node **kids = not ? sq_arena_take(b->arena, sizeof *kids) : NULL;
  if (!kids) return sq_fail_memory(b->error);
  kids[0] = *node;
  *not = (sq_node){.kind = SQ_N_NOT, .level = (*node)->level, .count = 1, .place = (*node)->place, .kids = kids};
  *node = not;
  return true;
}

/* ------------------------------------------------------------------------------------------- the field */

static const char *field_text(const sq_node *node, sq_text *room) {
  sq_dump_field(room, node);
  return room->data ? room->data : "";
}

/* Error about a bound COMPARE; `format` begins with %s, the field as it is written. */
#define FIELD_ERROR(b, code, place, node, format, ...) \
  do { \
    sq_text name_ = {0}; \
    const char *field_ = field_text(node, &name_); \
    sq_fail_place((b)->error, code, place, format, sq_show(field_, strlen(field_)).text, ##__VA_ARGS__); \
    sq_text_free(&name_); \
  } while (0)

static sq_field entry_field(const char *name, size_t length) {
  char whole[32] = "entry.";
  size_t prefix = strlen(whole);
  if (length >= sizeof whole - prefix) return SQ_F_NONE;
  memcpy(whole + prefix, name, length);
  return sq_field_named(whole, prefix + length);
}

static bool find_field(binder *b, sq_node *node) {
  const char *name = node->name;
  size_t length = node->name_length, key_length = 0;
  node->name = NULL;
  node->name_length = 0;
  if (b->entries != SQ_F_NONE && (node->field = entry_field(name, length)) != SQ_F_NONE) return true;
  const char *key;
  node->field = sq_field_dotted(name, length, &key, &key_length);
  if (node->field != SQ_F_NONE) {
    node->name = key;
    node->name_length = (uint32_t)key_length;
    return true;
  }
  sq_fail_place(b->error, SQ_E_UNKNOWN, node->place, "unknown field '%s'", sq_show(name, length).text);
  unsigned levels = b->entries != SQ_F_NONE ? SQ_LEVEL_ENTRY : SQ_LEVEL_REQUEST | SQ_LEVEL_SESSION;
  const char *nearest = sq_field_nearest(name, length, levels);
  if (nearest) sq_error_append(b->error, ", did you mean '%s'?", nearest);
  return false;
}

static bool of_feedback_only(sq_field field) {
  return sq_field_get(field)->level == SQ_LEVEL_ENTRY && field != SQ_F_ENTRY_KEY && field != SQ_F_ENTRY_VALUE;
}

static bool check_entry_use(binder *b, const sq_node *node) {
  bool inside = b->entries != SQ_F_NONE, of_entry = sq_field_get(node->field)->level == SQ_LEVEL_ENTRY;
  if (of_entry && !inside && b->fragment) return true;
  if (of_entry && !inside)
    FIELD_ERROR(b, SQ_E_LEVEL, node->place, node, "%s can only be asked about inside entry(…)");
  else if (inside && !of_entry)
    FIELD_ERROR(b, SQ_E_LEVEL, node->place, node, "%s is no part of an entry: inside entry(…) ask about key and value");
  else if (inside && b->entries != SQ_F_FEEDBACK && of_feedback_only(node->field))
    FIELD_ERROR(b, SQ_E_LEVEL, node->place, node, "%s is part of feedback only: a map's entries have key and value");
  return b->error->code == SQ_OK;
}

static bool check_operator(binder *b, const sq_node *node) {
  sq_type type = sq_seen_type(node);
  const sq_op_row *op = sq_op_get(node->op);
  if (!sq_type_in(type, op->types)) {
    if (type == SQ_T_MAP)
      FIELD_ERROR(b, SQ_E_TYPE, node->place, node, "%s is a map: name one of its keys, as in properties.env");
    else if (type == SQ_T_RECORDS)
      FIELD_ERROR(b, SQ_E_TYPE, node->place, node, "%s cannot be compared: ask about it with entry(…)");
    else
      FIELD_ERROR(b, SQ_E_TYPE, node->place, node, "%s is of type %s, which has no '%s'", sq_type_name(type), op->name);
    return false;
  }
  if (node->count < op->least || node->count > op->most) {
    FIELD_ERROR(b, SQ_E_TYPE, node->place, node, "%s: '%s' takes %u value%s, not %u", op->name, op->least,
                op->least == 1 ? "" : "s", node->count);
    return false;
  }
  return true;
}

/* Only where seeing a value in another way makes a difference. */
static bool check_flags(binder *b, const sq_node *node) {
  sq_type type = sq_seen_type(node);
  if (node->flags & SQ_AS_TEXT && type != SQ_T_SCALAR)
    FIELD_ERROR(b, SQ_E_TYPE, node->place, node, "%s is of type %s: as text are seen members of maps, and values of entries", sq_type_name(type));
  else if (node->flags & SQ_OR_ZERO && type != SQ_T_INTEGER && type != SQ_T_MONEY && type != SQ_T_REAL)
    FIELD_ERROR(b, SQ_E_TYPE, node->place, node, "%s is of type %s: only absent numbers can count as 0", sq_type_name(type));
  return b->error->code == SQ_OK;
}

/* ------------------------------------------------------------------------------------------ the values */

static const char *kind_name(sq_kind kind) {
  static const char *const names[] = {"null", "a boolean", "a number", "a number", "text", "a number", "JSON"};
  return names[kind];
}

static bool wrong_type(binder *b, const sq_node *node, const sq_operand *operand, const char *wanted) {
  FIELD_ERROR(b, SQ_E_TYPE, operand->place, node, "%s wants %s here, not %s", wanted, kind_name(operand->value.kind));
  return false;
}

/* A literal on an integer scale: seconds to microseconds, dollars to nano-dollars. */
static bool scale(binder *b, const sq_node *node, const sq_operand *operand, sq_scaled *out) {
  sq_type type = sq_seen_type(node);
  const sq_value *value = &operand->value;
  if (type == SQ_T_TIME && value->kind == SQ_STRING) {
    if (sq_time_read(value->text, value->length, out)) return true;
    FIELD_ERROR(b, SQ_E_VALUE, operand->place, node, "%s: '%s' is not a time; write it as RFC 3339, 2026-11-20T10:00:00Z",
                sq_show(value->text, value->length).text);
    return false;
  }
  if (value->kind != SQ_NUMBER) return wrong_type(b, node, operand, type == SQ_T_TIME ? "a time" : "a number");
  int digits = type == SQ_T_MONEY ? 9 : type == SQ_T_TIME ? 6 : 0;
  if (sq_decimal_scale(value->text, value->length, digits, out)) return true;
  FIELD_ERROR(b, SQ_E_VALUE, operand->place, node, "%s: '%s' is not a number", sq_show(value->text, value->length).text);
  return false;
}

static void set_integer(sq_operand *operand, int64_t integer) {
  operand->value = (sq_value){.kind = SQ_INTEGER, .integer = integer};
}

/* Literals are never rounded: a bound between two integers becomes the equivalent one, one beyond all
   integers decides by itself, and equality with a remainder never holds. */
static bool bind_bound(binder *b, sq_node *node) {
  sq_scaled bound;
  if (!scale(b, node, &node->values[0], &bound)) return false;
  bool below = node->op == SQ_OP_LT || node->op == SQ_OP_LTE;
  if (node->op == SQ_OP_EQ && (!bound.exact || bound.overflow)) {
    become_false(node);
  } else if (bound.overflow) {
    if ((bound.overflow > 0) == below) node->op = SQ_OP_PRESENT, node->count = 0;
    else become_false(node);
  } else {
    if (!bound.exact && node->op == SQ_OP_GTE) node->op = SQ_OP_GT;
    if (!bound.exact && node->op == SQ_OP_LT) node->op = SQ_OP_LTE;
    set_integer(&node->values[0], bound.floor);
  }
  return true;
}

static bool bind_range(binder *b, sq_node *node) {
  sq_scaled low, high;
  if (!scale(b, node, &node->values[0], &low) || !scale(b, node, &node->values[1], &high)) return false;
  bool empty = low.overflow > 0 || high.overflow < 0 || (!low.exact && low.floor == INT64_MAX);
  if (!empty && !low.exact) low.floor++;
  if (empty || low.floor > high.floor) {
    become_false(node);
    return true;
  }
  set_integer(&node->values[0], low.floor);
  set_integer(&node->values[1], high.floor);
  return true;
}

static bool bind_choices(binder *b, sq_node *node) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < node->count; i++) {
    sq_scaled choice;
    if (!scale(b, node, &node->values[i], &choice)) return false;
    if (!choice.exact || choice.overflow) continue;
    node->values[kept] = node->values[i];
    set_integer(&node->values[kept++], choice.floor);
  }
  node->count = kept;
  return true;
}

static bool bind_scaled(binder *b, sq_node *node) {
  return node->op == SQ_OP_BETWEEN ? bind_range(b, node)
         : node->op == SQ_OP_AMONG ? bind_choices(b, node)
                                   : bind_bound(b, node);
}

static bool bind_one_kind(binder *b, sq_node *node, sq_kind kind, const char *wanted) {
  for (uint32_t i = 0; i < node->count; i++)
    if (node->values[i].value.kind != kind) return wrong_type(b, node, &node->values[i], wanted);
  return true;
}

static bool bind_texts(binder *b, sq_node *node) {
  const sq_value *value = &node->values[0].value;
  if (!bind_one_kind(b, node, SQ_STRING, "text")) return false;
  if (node->op != SQ_OP_LIKE && node->op != SQ_OP_ILIKE) return true;
  if (sq_pattern_check(value->text, value->length) == value->length) return true;
  sq_fail_place(b->error, SQ_E_VALUE, node->values[0].place,
                "a backslash in a like pattern must stand before %%, _ or another backslash");
  return false;
}

static bool bind_booleans(binder *b, sq_node *node) { return bind_one_kind(b, node, SQ_BOOLEAN, "true or false"); }

/* The double nearest to the literal, and on which side of that double's decimal the literal lies: 0 on it. */
static double nearest_double(const sq_value *literal, int *side) {
  char shortest[32];
  double nearest = sq_number_parse(literal->text, literal->length);
  if (!isfinite(nearest)) nearest = nearest > 0 ? DBL_MAX : -DBL_MAX;
  *side = sq_decimal_compare(literal->text, literal->length, shortest, sq_number_format(nearest, shortest));
  return nearest;
}

static void set_real(sq_operand *operand, double real) { operand->value = (sq_value){.kind = SQ_REAL, .real = real}; }

/* Literals are not rounded: one between two doubles is no equal, and a bound at the nearer of the two. */
static bool bind_real_bounds(sq_node *node) {
  bool below = node->op == SQ_OP_LT || node->op == SQ_OP_LTE;
  int side, other;
  double first = nearest_double(&node->values[0].value, &side);
  if (node->op == SQ_OP_EQ && side) {
    become_false(node);
    return true;
  }
  if (side && node->op != SQ_OP_BETWEEN) node->op = below ? (side > 0 ? SQ_OP_LTE : SQ_OP_LT) : (side > 0 ? SQ_OP_GT : SQ_OP_GTE);
  if (node->op == SQ_OP_BETWEEN) {
    double last = nearest_double(&node->values[1].value, &other);
    if (side > 0) first = nextafter(first, INFINITY);
    if (other < 0) last = nextafter(last, -INFINITY);
    set_real(&node->values[1], last);
  }
  set_real(&node->values[0], first);
  return true;
}

static bool bind_real_choices(sq_node *node) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < node->count; i++) {
    int side;
    double nearest = nearest_double(&node->values[i].value, &side);
    if (side) continue;
    node->values[kept] = node->values[i];
    set_real(&node->values[kept++], nearest);
  }
  node->count = kept;
  return true;
}

static bool bind_reals(binder *b, sq_node *node) {
  if (!bind_one_kind(b, node, SQ_NUMBER, "a number")) return false;
  for (uint32_t i = 0; i < node->count; i++) {
    const sq_value *value = &node->values[i].value;
    if (sq_number_valid(value->text, value->length)) continue;
    FIELD_ERROR(b, SQ_E_VALUE, node->values[i].place, node, "%s: '%s' is not a number", sq_show(value->text, value->length).text);
    return false;
  }
  return node->op == SQ_OP_AMONG ? bind_real_choices(node) : bind_real_bounds(node);
}

/* The values of a member of a map are compared with values of their own kind only. */
static bool bind_scalars(binder *b, sq_node *node) {
  bool textual = node->op == SQ_OP_LIKE || node->op == SQ_OP_ILIKE || node->op == SQ_OP_CONTAINS || node->op == SQ_OP_PHRASE;
  sq_kind kind = node->values[0].value.kind;
  if (textual || (node->flags & SQ_AS_TEXT) || kind == SQ_STRING) return bind_texts(b, node);
  if (kind == SQ_NUMBER) return bind_reals(b, node);
  if (kind != SQ_BOOLEAN) return wrong_type(b, node, &node->values[0], "a value");
  if (node->op == SQ_OP_EQ || node->op == SQ_OP_AMONG) return bind_booleans(b, node);
  FIELD_ERROR(b, SQ_E_TYPE, node->values[0].place, node, "%s: true and false have no '%s'", sq_op_get(node->op)->name);
  return false;
}

/* among over several kinds: one among for each. */
static bool divide_choices(binder *b, sq_node **place) {
  static const sq_kind kinds[] = {SQ_STRING, SQ_NUMBER, SQ_BOOLEAN};
  sq_node *all = *place, *parts[3];
  uint32_t count = 0;
  for (size_t k = 0; k < 3; k++) {
    uint32_t size = 0;
    for (uint32_t i = 0; i < all->count; i++) size += all->values[i].value.kind == kinds[k];
    if (size == 0) continue;
    sq_node *part = make(b, all);
    if (!part || !(part->values = sq_arena_take(b->arena, size * sizeof *part->values))) return sq_fail_memory(b->error);
    part->count = 0;
    for (uint32_t i = 0; i < all->count; i++)
      if (all->values[i].value.kind == kinds[k]) part->values[part->count++] = all->values[i];
    if (!bind_scalars(b, part)) return false;
    if (part->count == 0) become_false(part);
    parts[count++] = part;
  }
  if (count == 1) {
    *place = parts[0];
    return true;
  }
  sq_node *any = make(b, all);
  if (!any || !(any->kids = sq_arena_take(b->arena, count * sizeof *any->kids))) return sq_fail_memory(b->error);
  memcpy(any->kids, parts, count * sizeof *parts);
  any->kind = SQ_N_OR;
  any->count = count;
  any->name = NULL;
  *place = any;
  return true;
}

typedef bool value_binder(binder *b, sq_node *node);
static value_binder *const value_binders[] = {
    [SQ_T_TEXT] = bind_texts,   [SQ_T_INTEGER] = bind_scaled,   [SQ_T_REAL] = bind_reals,
    [SQ_T_TIME] = bind_scaled,  [SQ_T_MONEY] = bind_scaled,     [SQ_T_BOOLEAN] = bind_booleans,
    [SQ_T_LIST] = bind_texts,   [SQ_T_SCALAR] = bind_scalars,
};

/* ------------------------------------------------------------------------------------------ comparisons */

/* Equality with null asks for absence. */
static bool bind_null(binder *b, sq_node *node) {
  for (uint32_t i = 0; i < node->count; i++) {
    if (node->values[i].value.kind != SQ_NULL) continue;
    if (node->op != SQ_OP_EQ && node->op != SQ_OP_NE) {
      FIELD_ERROR(b, SQ_E_TYPE, node->values[i].place, node, "%s: null can be asked for with eq and ne only, not '%s'",
                  sq_op_get(node->op)->name);
      return false;
    }
    node->op = node->op == SQ_OP_EQ ? SQ_OP_ABSENT : SQ_OP_PRESENT;
    node->count = 0;
  }
  return true;
}

static bool bind_has(binder *b, sq_node *node) {
  if (!bind_one_kind(b, node, SQ_STRING, "text")) return false;
  if (sq_seen_type(node) == SQ_T_LIST) {
    node->op = SQ_OP_EQ;
    return true;
  }
  node->name = node->values[0].value.text;
  node->name_length = node->values[0].value.length;
  node->op = SQ_OP_PRESENT;
  node->count = 0;
  return true;
}

static bool bind_compare(binder *b, sq_node **place) {
  sq_node *node = *place;
  if (node->level) return check_entry_use(b, node); /* bound before, as part of another filter */
  if (node->field == SQ_F_NONE && !find_field(b, node)) return false;
  if (!check_entry_use(b, node) || !bind_null(b, node) || !check_operator(b, node) || !check_flags(b, node)) return false;
  if (node->op == SQ_OP_HAS && !bind_has(b, node)) return false;
  node->level = sq_field_get(node->field)->level;
  bool negative = node->op == SQ_OP_NE || node->op == SQ_OP_ABSENT;
  if (node->op == SQ_OP_NE) node->op = SQ_OP_EQ;
  if (node->op == SQ_OP_ABSENT) node->op = SQ_OP_PRESENT;
  if (node->op == SQ_OP_AMONG && node->count == 0) {
    become_false(node);
  } else if (node->count) {
    sq_type type = sq_seen_type(node);
    bool divided = type == SQ_T_SCALAR && node->op == SQ_OP_AMONG && !(node->flags & SQ_AS_TEXT);
    if (divided ? !divide_choices(b, place) : !value_binders[type](b, node)) return false;
    if (node->kind == SQ_N_COMPARE && node->op == SQ_OP_AMONG && node->count == 0) become_false(node);
  }
  return !negative || negate(b, place);
}

/* ---------------------------------------------------------------------------------------------- the tree */

static const sq_node *first_of_level(const sq_node *tree, unsigned level) {
  if (!(tree->level & level)) return NULL;
  for (uint32_t i = 0; sq_has_kids(tree) && i < tree->count; i++) {
    const sq_node *found = first_of_level(tree->kids[i], level);
    if (found) return found;
  }
  return tree;
}

/* All that ask about other rows take request fields. */
static bool check_request_only(binder *b, const sq_node *node) {
  const sq_node *wrong = first_of_level(node->kids[0], SQ_LEVEL_SESSION);
  if (!wrong) return true;
  if (wrong->kind != SQ_N_SOME && wrong->kind != SQ_N_EVERY)
    FIELD_ERROR(b, SQ_E_LEVEL, wrong->place, wrong, "%s is a session field: %s(…) takes request fields only",
                sq_node_name(node->kind));
  else
    sq_fail_place(b->error, SQ_E_LEVEL, wrong->place, "%s(…) cannot stand inside %s(…)", sq_node_name(wrong->kind),
                  sq_node_name(node->kind));
  return false;
}

static bool bind_node(binder *b, sq_node **place);

static bool bind_kids(binder *b, sq_node *node) {
  if (!sq_has_kids(node)) return true; /* a constant keeps the level that it may have from an earlier bind */
  node->level = 0;
  for (uint32_t i = 0; i < node->count; i++) {
    if (!bind_node(b, &node->kids[i])) return false;
    node->level |= node->kids[i]->level;
  }
  return true;
}

static bool bind_entry(binder *b, sq_node *node) {
  const sq_field_row *map = sq_field_get(node->field);
  if (b->entries != SQ_F_NONE) return sq_fail_place(b->error, SQ_E_LEVEL, node->place, "entry(…) cannot stand inside entry(…)");
  if (!sq_field_has_members(node->field) && map->type != SQ_T_RECORDS)
    return sq_fail_place(b->error, SQ_E_TYPE, node->place, "%s is no map: entry takes properties, scores, feedback or a body", map->name);
  b->entries = node->field;
  bool bound = bind_kids(b, node);
  b->entries = SQ_F_NONE;
  const sq_node *wrong = bound ? first_of_level(node->kids[0], SQ_LEVEL_REQUEST | SQ_LEVEL_SESSION) : NULL;
  if (wrong) return sq_fail_place(b->error, SQ_E_LEVEL, wrong->place, "%s(…) cannot stand inside entry(…)", sq_node_name(wrong->kind));
  node->level = map->level;
  return bound;
}

static bool bind_node(binder *b, sq_node **place) {
  sq_node *node = *place;
  if (b->depth == SQ_MAX_DEPTH)
    return sq_fail_place(b->error, SQ_E_LIMIT, node->place, "nested deeper than %d", SQ_MAX_DEPTH);
  b->depth++;
  bool bound;
  switch (node->kind) {
    case SQ_N_COMPARE: bound = bind_compare(b, place); break;
    case SQ_N_ENTRY: bound = bind_entry(b, node); break;
    case SQ_N_SOME:
    case SQ_N_EVERY:
      bound = bind_kids(b, node) && check_request_only(b, node);
      node->level = SQ_LEVEL_SESSION;
      break;
    case SQ_N_ROOT:
    case SQ_N_IN_TRACE:
    case SQ_N_ENCLOSING:
    case SQ_N_ENCLOSED:
      if (b->traces++ == SQ_MAX_TRACES)
        return sq_fail_place(b->error, SQ_E_LIMIT, node->place, "root, in_trace, enclosing and enclosed nested deeper than %d", SQ_MAX_TRACES);
      bound = bind_kids(b, node) && check_request_only(b, node);
      b->traces--;
      node->level = SQ_LEVEL_REQUEST;
      break;
    default: bound = bind_kids(b, node);
  }
  b->depth--;
  return bound;
}

bool sq_bind(sq_arena *arena, sq_node **tree, bool fragment, sq_error *error) {
  binder b = {.arena = arena, .error = error, .fragment = fragment};
  return bind_node(&b, tree);
}
