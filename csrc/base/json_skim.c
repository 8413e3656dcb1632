/* JSON text that comes in pieces, passed over quickly: only its outermost level is told of. */
#include <string.h>

#include "sessionquery.h"

/* Where a string's text goes on: behind its quote, or at `end`. */
static const char *skim_string(sq_skim *state, const char *at, const char *end) {
  if (state->escaped && at < end) {
    state->escaped = false;
    at++;
  }
  for (; at < end; at++) {
    if (*at == '"') {
      state->in_string = false;
      return at + 1;
    }
    if (*at != '\\') continue;
    if (++at == end) {
      state->escaped = true;
      return end;
    }
  }
  return end;
}

/* Whether `mark` is one that the outermost level has; goes deeper, or back. */
static bool skim_mark(sq_skim *state, char mark) {
  switch (mark) {
    case '[':
    case '{': state->depth++; return false;
    case ']':
    case '}': return --state->depth == 0;
    default: return mark == ',' && state->depth == 1;
  }
}

size_t sq_json_skim(sq_skim *state, const char *text, size_t length) {
  static const bool marks[256] = {['['] = true, ['{'] = true, [']'] = true, ['}'] = true, [','] = true, ['"'] = true};
  const char *at = text, *end = text + length;
  while (at < end && state->depth > 0) {
    if (state->in_string) {
      at = skim_string(state, at, end);
      if (!state->in_string && state->depth == 1) return (size_t)(at - 1 - text);
      continue;
    }
    while (at < end && !marks[(unsigned char)*at]) at++;
    if (at == end) break;
    if (*at == '"') state->in_string = true;
    else if (skim_mark(state, *at)) return (size_t)(at - text);
    at++;
  }
  return length;
}
