#include "query/words.h"

#include <math.h>
#include <stdio.h>

#include "base/words.h"

#define FEW 1000       /* candidates that are never too many */
#define PART_OF_ALL 4  /* of all bodies, this part of candidates is: reading on in order is as good as looking them up */

/* A page of the newest requests is full, without the index, once as many as it has stand among those that were read:
   at most as many candidates as that are looked up. */
static int64_t most_of(const sq_word_search *s) {
  const sq_query *q = s->query;
  bool ends_early = q->source == SQ_REQUESTS && q->limited && !s->count && q->order.field == SQ_F_CREATED_AT;
  double most = ends_early ? sqrt((double)q->limit * (double)s->state.bodies) : (double)(s->state.bodies / PART_OF_ALL);
  return most > FEW ? (int64_t)most : FEW;
}

/* What stands against asking, or NULL. */
static const char *refuse(sq_word_search *s, const sq_value *phrase, int64_t *count, sq_error *error) {
  const char *at = phrase->text, *word;
  size_t length;
  int64_t most;
  if (!s->known && !sq_store_words(s->store, &s->state, error)) return error->message;
  s->known = true;
  if (s->state.why) return s->state.why;
  if (!sq_words_next(&at, phrase->text + phrase->length, &word, &length)) return "the phrase has no words";
  if ((most = most_of(s)) <= s->state.unknown) return "too many bodies are not in it yet";
  if (!sq_store_count_words(s->store, phrase, most, count, error)) return error->message;
  return *count < most ? NULL : "too many bodies have these words";
}

static bool helps(void *state, const sq_value *phrase) {
  sq_word_search *s = state;
  sq_error error = {.code = SQ_OK};
  int64_t count = 0;
  const char *why = refuse(s, phrase, &count, &error);
  if (why) {
    if (!s->asked) snprintf(s->told, sizeof s->told, "not asked: %.180s", why);
    return false;
  }
  s->asked = true;
  s->candidates += count;
  snprintf(s->told, sizeof s->told, "%lld candidates, and %lld bodies that are not in it", (long long)s->candidates, (long long)s->state.unknown);
  return true;
}

void sq_word_search_begin(sq_word_search *search, sq_store *store, const sq_query *query, bool count) {
  *search = (sq_word_search){.hook = {helps, search}, .store = store, .query = query, .count = count};
}
