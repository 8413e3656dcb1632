#include "base/words.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/pattern.h"
#include "base/text.h"
#include "base/utf8.h"

/* ---------------------------------------------------------------------------------------------------- words */

/* ASCII in lower case where it is of words; 0 elsewhere. */
static const unsigned char ascii[128] = {
    ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9',
#define LETTER(upper, lower) [upper] = lower, [lower] = lower
    LETTER('A', 'a'), LETTER('B', 'b'), LETTER('C', 'c'), LETTER('D', 'd'), LETTER('E', 'e'), LETTER('F', 'f'), LETTER('G', 'g'),
    LETTER('H', 'h'), LETTER('I', 'i'), LETTER('J', 'j'), LETTER('K', 'k'), LETTER('L', 'l'), LETTER('M', 'm'), LETTER('N', 'n'),
    LETTER('O', 'o'), LETTER('P', 'p'), LETTER('Q', 'q'), LETTER('R', 'r'), LETTER('S', 's'), LETTER('T', 't'), LETTER('U', 'u'),
    LETTER('V', 'v'), LETTER('W', 'w'), LETTER('X', 'x'), LETTER('Y', 'y'), LETTER('Z', 'z'),
#undef LETTER
};

enum { BEGINS = 1, GOES_ON = 2 };
static const unsigned char classes[] = {
    [UTF8PROC_CATEGORY_LU] = BEGINS | GOES_ON, [UTF8PROC_CATEGORY_LL] = BEGINS | GOES_ON, [UTF8PROC_CATEGORY_LT] = BEGINS | GOES_ON,
    [UTF8PROC_CATEGORY_LM] = BEGINS | GOES_ON, [UTF8PROC_CATEGORY_LO] = BEGINS | GOES_ON, [UTF8PROC_CATEGORY_ND] = BEGINS | GOES_ON,
    [UTF8PROC_CATEGORY_NL] = BEGINS | GOES_ON, [UTF8PROC_CATEGORY_NO] = BEGINS | GOES_ON, [UTF8PROC_CATEGORY_CO] = BEGINS | GOES_ON,
    [UTF8PROC_CATEGORY_MN] = GOES_ON,          [UTF8PROC_CATEGORY_MC] = GOES_ON,          [UTF8PROC_CATEGORY_ME] = GOES_ON,
};

/* Whether the character at hand does that in a word; its size, or that of a wrong byte. */
static bool does(const char *at, const char *end, unsigned what, size_t *size) {
  uint32_t point;
  *size = 1;
  if ((unsigned char)*at < 0x80) return ascii[(unsigned char)*at] != 0;
  size_t decoded = sq_utf8_decode(at, (size_t)(end - at), &point);
  if (decoded == 0) return false;
  *size = decoded;
  unsigned category = (unsigned)utf8proc_category((utf8proc_int32_t)point);
  return category < sizeof classes && classes[category] & what;
}

bool sq_words_next(const char **at, const char *end, const char **word, size_t *length) {
  const char *from = *at;
  size_t size;
  while (from < end && !does(from, end, BEGINS, &size)) from += size;
  const char *to = from;
  while (to < end && does(to, end, GOES_ON, &size)) to += size;
  *at = to;
  *word = from;
  *length = (size_t)(to - from);
  return to > from;
}

/* -------------------------------------------------------------------------------------------------- phrases */

/* Whether a word, folded, is this folded one. */
static bool same_word(const char *word, size_t length, const char *folded, size_t folded_length) {
  const char *end = word + length, *folded_end = folded + folded_length;
  while (word < end && folded < folded_end) {
    char lower[4];
    uint32_t point;
    unsigned char c = (unsigned char)*word;
    if (c < 0x80) {
      if (ascii[c] != (unsigned char)*folded) return false;
      word++, folded++;
      continue;
    }
    word += sq_utf8_decode(word, (size_t)(end - word), &point); /* words are UTF-8 */
    size_t size = sq_utf8_encode((uint32_t)utf8proc_tolower((utf8proc_int32_t)point), lower);
    if (size > (size_t)(folded_end - folded) || memcmp(lower, folded, size) != 0) return false;
    folded += size;
  }
  return word == end && folded == folded_end;
}

static const char *word_of(const sq_phrase *p, uint32_t index, size_t *length) {
  uint32_t from = index ? p->ends[index - 1] : 0;
  *length = p->ends[index] - from;
  return p->bytes + from;
}

static bool is_word(const sq_phrase *p, uint32_t index, const char *word, size_t length) {
  size_t folded_length;
  const char *folded = word_of(p, index, &folded_length);
  return same_word(word, length, folded, folded_length);
}

static bool same_words(const sq_phrase *p, uint32_t a, uint32_t b) {
  size_t a_length, b_length;
  const char *x = word_of(p, a, &a_length), *y = word_of(p, b, &b_length);
  return a_length == b_length && memcmp(x, y, a_length) == 0;
}

/* Of Knuth, Morris and Pratt, over words: back[i] is the length of the longest beginning that the first i words end
   with, too. */
static void link_back(sq_phrase *p) {
  uint32_t matched = 0;
  for (uint32_t i = 1; i < p->count; i++) {
    while (matched && !same_words(p, i, matched)) matched = p->back[matched];
    matched += same_words(p, i, matched);
    p->back[i + 1] = matched;
  }
}

static bool fold_words(sq_phrase *p, const char *needle, size_t length) {
  const char *at = needle, *word;
  size_t word_length;
  sq_text folded = {0};
  while (sq_words_next(&at, needle + length, &word, &word_length)) {
    sq_fold(&folded, word, word_length);
    p->ends[p->count++] = (uint32_t)folded.length;
  }
  p->bytes = folded.data;
  return !folded.failed;
}

bool sq_phrase_compile(sq_phrase *phrase, const char *needle, size_t length) {
  const char *at = needle, *word;
  size_t count = 0, word_length;
  while (sq_words_next(&at, needle + length, &word, &word_length)) count++;
  *phrase = (sq_phrase){.ends = calloc(count + 1, sizeof *phrase->ends), .back = calloc(count + 2, sizeof *phrase->back)};
  bool made = phrase->ends && phrase->back && fold_words(phrase, needle, length);
  if (made) link_back(phrase);
  else sq_phrase_free(phrase);
  return made;
}

bool sq_phrase_matches(const sq_phrase *phrase, const char *text, size_t length) {
  const char *at = text, *word;
  size_t word_length;
  uint32_t matched = 0;
  if (phrase->count == 0) return true;
  while (sq_words_next(&at, text + length, &word, &word_length)) {
    while (matched && !is_word(phrase, matched, word, word_length)) matched = phrase->back[matched];
    matched += is_word(phrase, matched, word, word_length);
    if (matched == phrase->count) return true;
  }
  return false;
}

void sq_phrase_free(sq_phrase *phrase) {
  free(phrase->bytes);
  free(phrase->ends);
  free(phrase->back);
  *phrase = (sq_phrase){0};
}
