/* Pairs. Inside of one and(), the conditions of a family (metadata_*, input_*, output_*, feedback_*):

     the positive ones are about the same entry;
     a negative one on the key says that no entry has such a key, and then each value condition stands alone;
     a negative one on the value says beside a positive key that this entry has another value, and alone that no
     entry has it.

   eq with null is negative (no key, no value), neq with null positive. */
#include "dialect/langsmith.h"

static bool about_key(const langsmith_compare *c) { return c->field->field == SQ_F_ENTRY_KEY; }

typedef struct plan {
  bool negative_key, positive_key;
} plan;

static plan plan_of(const langsmith_pairs *pairs) {
  plan made = {false, false};
  for (size_t i = 0; i < pairs->count; i++) {
    if (!about_key(&pairs->items[i])) continue;
    if (pairs->items[i].negative) made.negative_key = true;
    else made.positive_key = true;
  }
  return made;
}

/* Whether it is about the entry that the positive ones share. */
static bool is_together(const plan *p, const langsmith_compare *c) {
  if (about_key(c)) return !c->negative;
  return !p->negative_key && (!c->negative || p->positive_key);
}

static bool has_thread_key(const langsmith_compare *c) {
  for (size_t i = 0; i < c->count; i++)
    if (langsmith_is_thread_key(&c->values[i].value)) return true;
  return false;
}

static bool chooses(const langsmith_compare *c) { return !c->negative && (c->op == SQ_OP_EQ || c->op == SQ_OP_AMONG); }

static bool all_text(const langsmith_compare *c) {
  for (size_t i = 0; i < c->count; i++)
    if (c->values[i].value.kind != SQ_STRING) return false;
  return true;
}

/* A thread's id may stand in the metadata, under any of three keys: we keep it as session_id, whoever recorded it. So a
   pair that names such a key and a text is true of the session_id too. NULL where it is no such pair, or never true. */
static const langsmith_compare *thread_of(const langsmith *l, const langsmith_pairs *together) {
  if (!l->vocabulary->threads || together->count != 2 || together->items->field->family != LANGSMITH_METADATA) return NULL;
  const langsmith_compare *key = &together->items[0], *value = &together->items[1];
  if (about_key(value)) key = value, value = &together->items[0];
  bool pair = about_key(key) && !about_key(value) && chooses(key) && chooses(value);
  return pair && has_thread_key(key) && value->count > 0 && all_text(value) ? value : NULL;
}

static sq_node *build_together(langsmith *l, const langsmith_pairs *together) {
  sq_kids kids = {0};
  const langsmith_compare *first = together->items, *thread = thread_of(l, together);
  for (size_t i = 0; i < together->count; i++) {
    sq_node *leaf = langsmith_leaf(l, &together->items[i]);
    if (together->items[i].negative) leaf = sq_build_not(l->builder, leaf);
    if (!sq_kids_add(l->builder, &kids, leaf)) return NULL;
  }
  sq_node *inside = sq_build_many(l->builder, SQ_N_AND, &kids);
  sq_node *entry = sq_build_entry(l->builder, langsmith_map(first->field->family), inside, first->place);
  if (!thread) return entry;
  return sq_build_or(l->builder, entry,
                     sq_build_compare(l->builder, SQ_F_SESSION_ID, NULL, 0, thread->op, thread->values, thread->count, 0, thread->place));
}

bool langsmith_add_pairs(langsmith *l, const langsmith_pairs *pairs, sq_kids *kids) {
  plan p = plan_of(pairs);
  langsmith_pairs together = {0};
  for (size_t i = 0; i < pairs->count; i++) {
    const langsmith_compare *c = &pairs->items[i];
    if (!is_together(&p, c)) {
      if (!sq_kids_add(l->builder, kids, langsmith_lone(l, c))) return false;
      continue;
    }
    if (!sq_arena_grow(l->builder->arena, &together.items, together.count, &together.capacity, sizeof *together.items))
      return sq_fail_memory(l->builder->error);
    together.items[together.count++] = *c;
  }
  return together.count == 0 || sq_kids_add(l->builder, kids, build_together(l, &together));
}
