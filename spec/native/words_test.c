/* Words and phrases: what a word is in Unicode, what stands next to what, and that the clever search finds what a
   plain one does. */
#include "base/words.h"

#include <stdlib.h>

#include "base/pattern.h"
#include "base/text.h"
#include "test.h"

#define LENGTH(text) (text), sizeof(text) - 1

/* The words with bars between them, as they are written. */
static void list(const char *text, size_t length, char *out) {
  const char *at = text, *word;
  size_t size;
  *out = '\0';
  while (sq_words_next(&at, text + length, &word, &size)) {
    if (*out) strcat(out, "|");
    strncat(out, word, size);
  }
}

static void words(void) {
  static const struct {
    const char *text;
    size_t length;
    const char *words;
  } cases[] = {
      {LENGTH(""), ""},
      {LENGTH(" \t\n.,;"), ""},
      {LENGTH("a"), "a"},
      {LENGTH("Hello, World!"), "Hello|World"},
      {LENGTH("snake_case kebab-case camelCase"), "snake|case|kebab|case|camelCase"},
      {LENGTH("gpt-4o-mini v1.2"), "gpt|4o|mini|v1|2"},
      {LENGTH("don't"), "don|t"},
      {LENGTH("{\"role\":\"user\"}"), "role|user"},
      {LENGTH("\xC3\x89t\xC3\xA9 na\xC3\xAFve"), "\xC3\x89t\xC3\xA9|na\xC3\xAFve"}, /* É é ï */
      {LENGTH("\xD0\xAF\xD0\xBD\xD0\xB0, \xE4\xBD\xA0\xE5\xA5\xBD"), "\xD0\xAF\xD0\xBD\xD0\xB0|\xE4\xBD\xA0\xE5\xA5\xBD"}, /* Яна 你好 */
      {LENGTH("x\xC2\xB2 \xC2\xBD \xE2\x85\xA7"), "x\xC2\xB2|\xC2\xBD|\xE2\x85\xA7"}, /* superscript 2, one half, Roman 8: numbers */
      {LENGTH("e\xCC\x81 a"), "e\xCC\x81|a"},                 /* a mark goes on a word */
      {LENGTH("\xCC\x81 a"), "a"},                             /* and begins none */
      {LENGTH("\xE0\xA4\xA8\xE0\xA4\xBF"), "\xE0\xA4\xA8\xE0\xA4\xBF"}, /* a spacing mark, too */
      {LENGTH("a\xEE\x80\x80" "b"), "a\xEE\x80\x80" "b"},      /* U+E000, private */
      {LENGTH("a\xF0\x9F\x98\x80" "b"), "a|b"},               /* a face is a symbol */
      {LENGTH("a\xE2\x80\x99" "b\xE2\x80\x94" "c"), "a|b|c"}, /* curved quote, dash */
      {LENGTH("a\xE2\x80\x8D" "b"), "a|b"},                   /* a joiner is neither letter nor mark */
      {LENGTH("a\xFF" "b \xC3(c\xC3"), "a|b|c"},              /* bytes that are no UTF-8 */
      {LENGTH("\xED\xA0\x80z \xF4\x90\x80\x80y"), "z|y"},     /* a surrogate, beyond U+10FFFF */
      {LENGTH("a\0b"), "a|b"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char found[256];
    list(cases[i].text, cases[i].length, found);
    CHECK(strcmp(found, cases[i].words) == 0, "case %zu: %s, not %s", i, found, cases[i].words);
  }
}

static bool matches(const char *text, size_t length, const char *needle, size_t needle_length) {
  sq_phrase phrase = {0};
  if (!sq_phrase_compile(&phrase, needle, needle_length)) return false;
  bool found = sq_phrase_matches(&phrase, text, length);
  sq_phrase_free(&phrase);
  return found;
}

static void phrases(void) {
  static const struct {
    const char *text, *needle;
    bool found;
  } cases[] = {
      {"", "", true},
      {"anything", "", true},
      {"", " ... ", true},
      {"", "a", false},
      {"not found", "not found", true},
      {"Error 404: NOT-FOUND!", "not found", true},
      {"not, found", "not found", true},
      {"not really found", "not found", false},
      {"found not", "not found", false},
      {"notfound", "not found", false},
      {"cannot found", "not found", false},
      {"not founded", "not found", false},
      {"word", "wor", false},
      {"wor", "word", false},
      {"\xC3\x89T\xC3\x89 long", "\xC3\xA9t\xC3\xA9", true}, /* ÉTÉ, été */
      {"stra\xC3\x9F" "e", "STRASSE", false},                /* simple folding only */
      {"stra\xC3\x9F" "e", "STRA\xE1\xBA\x9E" "E", true},    /* U+1E9E is ß in lower case */
      {"\xE2\x84\xAA" "elvin", "kelvin", true},              /* the Kelvin sign is k in lower case: one byte for three */
      {"kelvin", "\xE2\x84\xAA" "elvin", true},
      {"e\xCC\x81", "e", false},                             /* no normalization */
      {"a a b", "a b", true},
      {"a b a b a c", "a b a c", true},
      {"a b a b a b", "a b a c", false},
      {"x a b a b c y", "a b a b c", true},
      {"a b", "a b c", false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    CHECK(matches(cases[i].text, strlen(cases[i].text), cases[i].needle, strlen(cases[i].needle)) == cases[i].found, "case %zu: '%s' in '%s'", i,
          cases[i].needle, cases[i].text);
}

/* The words folded, each between bars: a phrase is then a part of the text. */
static void bars(const char *text, size_t length, sq_text *out) {
  const char *at = text, *word;
  size_t size;
  sq_text_clear(out);
  while (sq_words_next(&at, text + length, &word, &size)) {
    sq_text_byte(out, '|');
    sq_fold(out, word, size);
    sq_text_byte(out, '|');
  }
}

static unsigned pick(unsigned *state, unsigned below) {
  *state = *state * 1103515245u + 12345u;
  return (*state >> 16) % below;
}

static size_t scramble(unsigned *state, char *out, unsigned pieces) {
  static const char *const some[] = {"a", "A", "b", "ab", " ", " ", "-", "\xC3\xA9", "\xC3\x89", "\xCC\x81", "\xFF", "1", "\xE4\xBD\xA0", "\xE2\x84\xAA", "k"};
  *out = '\0';
  for (unsigned i = 0; i < pieces; i++) strcat(out, some[pick(state, sizeof some / sizeof *some)]);
  return strlen(out);
}

static void agree(void) {
  unsigned state = 7, found = 0;
  sq_text in_text = {0}, in_needle = {0};
  for (int round = 0; round < 20000; round++) {
    char text[256], needle[64];
    size_t length = scramble(&state, text, pick(&state, 40)), needle_length = scramble(&state, needle, pick(&state, 8));
    bars(text, length, &in_text);
    bars(needle, needle_length, &in_needle);
    const char *t = in_text.data ? in_text.data : "", *n = in_needle.data ? in_needle.data : "";
    bool wanted = sq_find(t, in_text.length, n, in_needle.length) != NULL;
    found += wanted;
    CHECK(matches(text, length, needle, needle_length) == wanted, "round %d: '%s' in '%s'", round, needle, text);
  }
  CHECK(found > 2000 && found < 18000, "%u of 20000 found", found);
  sq_text_free(&in_text);
  sq_text_free(&in_needle);
}

/* A needle that nearly matches everywhere costs one reading of the text. */
static void long_ones(void) {
  size_t count = 400000;
  char *text = malloc(2 * count + 1), *needle = malloc(count + 3);
  for (size_t i = 0; i < count; i++) memcpy(text + 2 * i, "a ", 2);
  for (size_t i = 0; i < count / 2; i++) memcpy(needle + 2 * i, "a ", 2);
  memcpy(needle + count, "b", 2);
  CHECK(!matches(text, 2 * count, needle, count + 1), "no b");
  CHECK(matches(text, 2 * count, needle, count), "200,000 words in 400,000");
  memset(text, 'x', 2 * count);
  CHECK(matches(text, 2 * count, text, 2 * count) && !matches(text, 2 * count, text, 2 * count - 1), "one long word");
  free(text);
  free(needle);
}

int main(void) {
  words();
  phrases();
  agree();
  long_ones();
  return report();
}
