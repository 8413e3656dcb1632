/* Words of a text, and phrases: words that stand next to each other. A word is a maximal run of letters, digits and
   other numbers, private characters, and marks behind any of them; all else, and bytes that are no UTF-8, lies
   between words. Words are compared with every code point in lower case, as base/pattern.h folds them. */
#ifndef SQ_BASE_WORDS_H
#define SQ_BASE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The next word from *at on, as it is written; *at is then behind it. False: there is none before `end`. */
bool sq_words_next(const char **at, const char *end, const char **word, size_t *length);

/* The words of a needle, ready to be looked for. Start from {0}. */
typedef struct sq_phrase {
  char *bytes;    /* the folded words, one behind the other */
  uint32_t *ends; /* of each word in them */
  uint32_t *back; /* how many words still match when the one at hand does not, but those before it do */
  uint32_t count;
} sq_phrase;

/* False: memory ended. */
bool sq_phrase_compile(sq_phrase *phrase, const char *needle, size_t length);
/* Whether the words stand in the text, adjacent and in order. Those of a needle without words stand in every text.
   Takes the time of reading the text, whatever the needle. */
bool sq_phrase_matches(const sq_phrase *phrase, const char *text, size_t length);
void sq_phrase_free(sq_phrase *phrase);

#endif
