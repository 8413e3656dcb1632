/* Text matching: like, ilike, contains, and the case folding under them. No normalization. Folding is
   Unicode's simple lower-case mapping of each code point, so a folded text may have another length. */
#ifndef SQ_BASE_PATTERN_H
#define SQ_BASE_PATTERN_H

#include "sessionquery.h"

/* Appends the text with every code point in lower case. Bytes that are not UTF-8 stay as they are. */
void sq_fold(sq_text *out, const char *text, size_t length);

/* The first place where `needle` stands in `text`, NULL when nowhere. The empty needle is everywhere. */
const char *sq_find(const char *text, size_t length, const char *needle, size_t needle_length);

/* A compiled like pattern: `%` any run, `_` one code point, `\` before `%`, `_` and `\`. */
typedef struct sq_pattern {
  sq_text bytes;       /* literals, unescaped; ANY_ONE and ANY_RUN stand as bytes that UTF-8 never has */
} sq_pattern;

/* The offset of a wrong escape in a like pattern; `length` when there is none. */
size_t sq_pattern_check(const char *source, size_t length);
/* Compiles (`folded`: for matching folded text). A source that fails the check, or no memory: false. */
bool sq_pattern_compile(sq_pattern *pattern, const char *source, size_t length, bool folded);

/* Who ends what takes too long. */
typedef struct sq_watch {
  bool (*is_late)(void *state);
  void *state;
} sq_watch;

/* 1, 0, or -1 when the watch (or NULL) ended it: matching takes the product of both lengths at worst. */
int sq_pattern_matches(const sq_pattern *pattern, const char *text, size_t length, const sq_watch *watch);
void sq_pattern_free(sq_pattern *pattern);

#endif
