/* The catalogue: what fields, operators and types there are. Pure data and look-up. */
#ifndef SQ_CATALOG_CATALOG_H
#define SQ_CATALOG_CATALOG_H

#include "base/error.h"

typedef enum sq_type {
#define TYPE(id, name, sqlite, help) SQ_T_##id,
#include "catalog/types.def"
} sq_type;

typedef enum sq_op {
#define OP(id, name, least, most, types) SQ_OP_##id,
#include "catalog/ops.def"
  SQ_OP_COUNT
} sq_op;

typedef enum sq_aggregate {
#define AGGREGATE_KIND(id, stage) SQ_A_##id,
#include "catalog/aggregates.def"
  SQ_A_COUNT_OF_KINDS
} sq_aggregate;

typedef enum sq_field {
  SQ_F_NONE,
#define FIELD(id, name, type, presence, home, column, sql, help) SQ_F_##id,
#define AGGREGATE(id, name, type, presence, aggregate, source, argument, help) SQ_F_##id,
#define MEMBER(id, name, type, presence, help) SQ_F_##id,
#include "catalog/fields.def"
  SQ_F_COUNT
} sq_field;

/* A bit set, so that a tree can have several. */
typedef enum sq_level { SQ_LEVEL_REQUEST = 1, SQ_LEVEL_SESSION = 2, SQ_LEVEL_ENTRY = 4 } sq_level;

typedef enum sq_home { SQ_HOME_NONE, SQ_HOME_ROW, SQ_HOME_BODY } sq_home;
typedef enum sq_stage { SQ_STAGE_ROWS, SQ_STAGE_OWN } sq_stage;

typedef struct sq_field_row {
  const char *name;
  sq_type type;
  sq_level level;
  bool always;
  const char *help;
  /* of a request */
  sq_home home;
  const char *column, *sql;
  /* of a session */
  sq_aggregate aggregate;
  sq_field source;
  int argument;
} sq_field_row;

typedef struct sq_op_row {
  const char *name;
  unsigned least, most; /* how many values */
  unsigned types;       /* bit per sq_type */
} sq_op_row;

#define SQ_ANY_NUMBER (~0u)

const sq_field_row *sq_field_get(sq_field field);
const sq_op_row *sq_op_get(sq_op op);
const char *sq_type_name(sq_type type);
const char *sq_type_sqlite(sq_type type);
sq_stage sq_aggregate_stage(sq_aggregate aggregate);

/* The field of exactly this canonical name, SQ_F_NONE when there is none. */
sq_field sq_field_named(const char *name, size_t length);
/* The row's key of a session field: its name behind "session."; of another field its whole name. */
const char *sq_field_short_name(sq_field field);
/* The canonical name nearest to a wrong one among the fields of these levels, or NULL. */
const char *sq_field_nearest(const char *name, size_t length, unsigned levels);

/* SQ_OP_COUNT when there is no such operator. */
sq_op sq_op_named(const char *name, size_t length);

/* Finds the field whose name begins a dotted one: "properties.env" is PROPERTIES with key "env", and
   "session.metadata.a.b" SESSION_METADATA with key "a.b". A key is split off for maps and documents only. */
sq_field sq_field_dotted(const char *name, size_t length, const char **key, size_t *key_length);

/* A map, or a document: has members that can be asked about by name. */
bool sq_field_has_members(sq_field field);

static inline bool sq_type_in(sq_type type, unsigned set) { return set >> type & 1; }

#endif
