/* The names under which records bring their fields: the canonical ones, and Helicone's export. */
#ifndef SQ_STORE_FORMAT_H
#define SQ_STORE_FORMAT_H

#include "store/store.h"

/* What a name of a record stands for. */
typedef enum sq_member_kind {
  SQ_MEMBER_EXTRA,      /* a name that nobody knows: kept in extra */
  SQ_MEMBER_FIELD,
  SQ_MEMBER_FALLBACK,   /* the field when its own name brings none; kept in extra too */
  SQ_MEMBER_FEEDBACK,   /* list of feedback, as export writes it */
  SQ_MEMBER_PROPERTIES, /* Helicone's properties, some of which are fields */
  SQ_MEMBER_DERIVED,    /* computed, so it cannot be recorded */
} sq_member_kind;

typedef struct sq_member {
  const char *name;
  sq_member_kind kind;
  sq_field field;
} sq_member;

#define SQ_FORMAT_SLOTS 512 /* power of two, far above the number of names */

/* The names of one format, by hash. */
typedef struct sq_format {
  const sq_member *slots[SQ_FORMAT_SLOTS];
  sq_member canonical[SQ_F_COUNT];
} sq_format;

/* "canonical" or "helicone". */
bool sq_format_begin(sq_format *format, const char *name, sq_error *error);
/* What the name stands for; NULL: extra. */
const sq_member *sq_format_find(const sq_format *format, const char *name, size_t length);
/* The field of a Helicone property that is recorded as one, SQ_F_NONE for the others. */
sq_field sq_helicone_property(const char *name, size_t length);

#endif
