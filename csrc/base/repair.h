/* Text that is not UTF-8, made so. (JSON: sq_json_repair, of sessionquery.h.) */
#ifndef SQ_BASE_REPAIR_H
#define SQ_BASE_REPAIR_H

#include "base/text.h"

/* Appends the text with U+FFFD for each maximal invalid part, and for each NUL. */
void sq_utf8_repair(sq_text *out, const char *text, size_t length);

#endif
