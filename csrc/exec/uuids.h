/* Texts in UUIDs as dictionaries hold them: 16 bytes, 32 digits, dashes behind the digits 8, 12, 16 and 20. */
#ifndef SQ_EXEC_UUIDS_H
#define SQ_EXEC_UUIDS_H

#include "sessionquery.h"

typedef struct sq_uuid_needle {
  uint32_t starts; /* bit per digit: it may begin there, its dashes on the dashes */
  unsigned count;
  unsigned char digits[32]; /* 0 to 15, without the dashes */
} sq_uuid_needle;

#define SQ_DIGITS_TOGETHER 3 /* are compared before anyone looks: few UUIDs have so many in a row */

/* False when the text stands in no UUID. */
bool sq_uuid_needle_make(sq_uuid_needle *needle, const char *text, size_t length);

#endif
