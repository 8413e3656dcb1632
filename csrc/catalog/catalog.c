#include "catalog/catalog.h"

#include <string.h>

#include "base/text.h"

#define ALWAYS true
#define MAYBE false

static const sq_field_row fields[SQ_F_COUNT] = {
#define FIELD(id, name, type, presence, home, column, sql, help) \
  [SQ_F_##id] = {name, SQ_T_##type, SQ_LEVEL_REQUEST, presence, help, SQ_HOME_##home, column, sql, 0, 0, 0},
#define AGGREGATE(id, name, type, presence, aggregate, source, argument, help) \
  [SQ_F_##id] = {name, SQ_T_##type, SQ_LEVEL_SESSION, presence, help, SQ_HOME_NONE, NULL, NULL, \
                 SQ_A_##aggregate, SQ_F_##source, argument},
#define MEMBER(id, name, type, presence, help) \
  [SQ_F_##id] = {name, SQ_T_##type, SQ_LEVEL_ENTRY, presence, help, SQ_HOME_NONE, NULL, NULL, 0, 0, 0},
#include "catalog/fields.def"
};

#define ON(type) (1u << SQ_T_##type)
static const sq_op_row ops[] = {
#define OP(id, name, least, most, types) {name, least, most, types},
#include "catalog/ops.def"
};

static const struct {
  const char *name, *sqlite;
} types[] = {
#define TYPE(id, name, sqlite, help) {name, sqlite},
#include "catalog/types.def"
};

static const sq_stage stages[] = {
#define AGGREGATE_KIND(id, stage) SQ_STAGE_##stage,
#include "catalog/aggregates.def"
};

const sq_field_row *sq_field_get(sq_field field) { return &fields[field]; }
const sq_op_row *sq_op_get(sq_op op) { return &ops[op]; }
const char *sq_type_name(sq_type type) { return types[type].name; }
const char *sq_type_sqlite(sq_type type) { return types[type].sqlite; }
sq_stage sq_aggregate_stage(sq_aggregate aggregate) { return stages[aggregate]; }

sq_field sq_field_named(const char *name, size_t length) {
  for (int i = SQ_F_NONE + 1; i < SQ_F_COUNT; i++)
    if (sq_same_text(fields[i].name, name, length)) return (sq_field)i;
  return SQ_F_NONE;
}

const char *sq_field_short_name(sq_field field) {
  const char *name = fields[field].name;
  return fields[field].level == SQ_LEVEL_SESSION ? name + strlen("session.") : name;
}

const char *sq_field_nearest(const char *name, size_t length, unsigned levels) {
  sq_nearest search = {name, length, NULL, 0};
  for (int i = SQ_F_NONE + 1; i < SQ_F_COUNT; i++) {
    if (!(fields[i].level & levels)) continue;
    if (sq_same_text(sq_field_short_name((sq_field)i), name, length)) return fields[i].name; /* its "session." is missing */
    sq_nearest_offer(&search, fields[i].name);
  }
  return search.best;
}

sq_op sq_op_named(const char *name, size_t length) {
  int op = 0;
  while (op < SQ_OP_COUNT && !sq_same_text(ops[op].name, name, length)) op++;
  return (sq_op)op;
}

bool sq_field_has_members(sq_field field) { return fields[field].type == SQ_T_MAP || fields[field].home == SQ_HOME_BODY; }

sq_field sq_field_dotted(const char *name, size_t length, const char **key, size_t *key_length) {
  *key = NULL;
  *key_length = 0;
  sq_field whole = sq_field_named(name, length);
  if (whole != SQ_F_NONE) return whole;
  for (size_t dot = 0; dot < length; dot++) {
    if (name[dot] != '.') continue;
    sq_field map = sq_field_named(name, dot);
    if (map == SQ_F_NONE || !sq_field_has_members(map)) continue;
    *key = name + dot + 1;
    *key_length = length - dot - 1;
    return map;
  }
  return SQ_F_NONE;
}

bool sq_field_at(size_t index, sq_field_info *out) {
  if (index + 1 >= SQ_F_COUNT) return false;
  const sq_field_row *row = &fields[index + 1];
  *out = (sq_field_info){.name = row->name,
                         .type = types[row->type].name,
                         .level = row->level == SQ_LEVEL_REQUEST ? "request"
                                  : row->level == SQ_LEVEL_SESSION ? "session" : "entry",
                         .help = row->help,
                         .always = row->always,
                         .members = sq_field_has_members((sq_field)(index + 1)),
                         .recorded = row->home != SQ_HOME_NONE};
  return true;
}

bool sq_field_find(const char *name, size_t length, sq_field_info *out, sq_error *error) {
  const char *key;
  size_t key_length;
  sq_field field = sq_field_dotted(name, length, &key, &key_length);
  if (field != SQ_F_NONE) return sq_field_at((size_t)field - 1, out);
  sq_fail(error, SQ_E_UNKNOWN, "unknown field '%s'", sq_show(name, length).text);
  const char *nearest = sq_field_nearest(name, length, ~0u);
  if (nearest) sq_error_append(error, ", did you mean '%s'?", nearest);
  return false;
}
