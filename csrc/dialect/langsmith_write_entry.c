/* Entries as pairs: the inside of an ENTRY as an OR of ANDs, each an and() of conditions on key and value. */
#include "dialect/langsmith_write.h"

#define MOST 64 /* conjunctions */

/* A comparison, or a choice, or NOT of it. */
typedef struct part {
  const sq_node *leaf;
  bool negated;
} part;

typedef struct conjunction {
  part *items;
  size_t count;
} conjunction;

typedef struct disjunction {
  conjunction *items;
  size_t count;
} disjunction;

/* ------------------------------------------------------------------------------------- the disjunctive form */

static bool take(langsmith_writer *lw, size_t count, size_t size, void *items_pointer) {
  void *items = sq_arena_take(lw->w->arena, (count + 1) * size);
  memcpy(items_pointer, &items, sizeof items);
  return items || sq_fail_memory(lw->w->error);
}

static bool expand_leaf(langsmith_writer *lw, const sq_node *leaf, bool negated, disjunction *out) {
  if (!take(lw, 1, sizeof *out->items, &out->items) || !take(lw, 1, sizeof(part), &out->items->items)) return false;
  out->items->items[0] = (part){leaf, negated};
  out->items->count = out->count = 1;
  return true;
}

/* Each of the one with each of the other. */
static bool multiply(langsmith_writer *lw, const disjunction *a, const disjunction *b, disjunction *out) {
  out->count = 0;
  if (!take(lw, a->count * b->count, sizeof *out->items, &out->items)) return false;
  for (size_t i = 0; i < a->count; i++)
    for (size_t j = 0; j < b->count; j++) {
      const conjunction *x = &a->items[i], *y = &b->items[j];
      conjunction *both = &out->items[out->count++];
      if (!take(lw, x->count + y->count, sizeof *both->items, &both->items)) return false;
      if (x->count) memcpy(both->items, x->items, x->count * sizeof *x->items);
      if (y->count) memcpy(both->items + x->count, y->items, y->count * sizeof *y->items);
      both->count = x->count + y->count;
    }
  return true;
}

static bool append(langsmith_writer *lw, const disjunction *a, const disjunction *b, disjunction *out) {
  if (!take(lw, a->count + b->count, sizeof *out->items, &out->items)) return false;
  if (a->count) memcpy(out->items, a->items, a->count * sizeof *a->items);
  if (b->count) memcpy(out->items + a->count, b->items, b->count * sizeof *b->items);
  out->count = a->count + b->count;
  return true;
}

/* False when memory ended, or it would be too long: then `out` has more than MOST. */
static bool expand(langsmith_writer *lw, const sq_node *node, bool negated, disjunction *out) {
  if (node->kind == SQ_N_NOT) return expand(lw, node->kids[0], !negated, out);
  if (sq_is_leaf(node) || (!negated && langsmith_is_choice(node))) return expand_leaf(lw, node, negated, out);
  bool all = negated ? node->kind == SQ_N_OR || node->kind == SQ_N_FALSE : node->kind == SQ_N_AND || node->kind == SQ_N_TRUE;
  *out = (disjunction){.count = all}; /* true is one conjunction of nothing, false none at all */
  if (!take(lw, 1, sizeof *out->items, &out->items)) return false;
  for (uint32_t i = 0; i < node->count; i++) {
    disjunction kid, sum;
    if (!expand(lw, node->kids[i], negated, &kid)) return false;
    if (all ? out->count * kid.count > MOST : out->count + kid.count > MOST) return false;
    if (!(all ? multiply : append)(lw, out, &kid, &sum)) return false;
    *out = sum;
  }
  return true;
}

/* ------------------------------------------------------------------------------------------------ conditions */

static const sq_node *asked(const sq_node *leaf) { return langsmith_is_choice(leaf) && leaf->kind == SQ_N_OR ? leaf->kids[0] : leaf; }
static bool about_key(const part *p) { return asked(p->leaf)->field == SQ_F_ENTRY_KEY; }

static const langsmith_field *field_of(const langsmith_vocabulary *v, langsmith_family family, sq_field member) {
  for (const langsmith_field *field = v->fields; field->name; field++)
    if (field->family == family && field->field == member) return field;
  return NULL;
}

langsmith_family langsmith_family_of(const langsmith_vocabulary *v, sq_field map) {
  for (const langsmith_field *field = v->fields; field->name; field++)
    if (field->family && langsmith_map(field->family) == map) return field->family;
  return LANGSMITH_ALONE;
}

static bool is_text_choice(const sq_node *leaf) {
  if (leaf->kind != SQ_N_COMPARE || (leaf->op != SQ_OP_EQ && leaf->op != SQ_OP_AMONG) || leaf->flags) return false;
  for (uint32_t i = 0; i < leaf->count; i++)
    if (leaf->values[i].value.kind != SQ_STRING) return false;
  return true;
}

static bool has_thread_key(const sq_node *leaf) {
  for (uint32_t i = 0; i < leaf->count; i++)
    if (langsmith_is_thread_key(&leaf->values[i].value)) return true;
  return false;
}

/* As langsmith_pairs.c reads two conditions. */
static const sq_node *thread_values(const sq_node *key, const sq_node *value) {
  if (key->field != SQ_F_ENTRY_KEY) {
    const sq_node *first = key;
    key = value;
    value = first;
  }
  bool pair = key->field == SQ_F_ENTRY_KEY && value->field == SQ_F_ENTRY_VALUE && is_text_choice(key) && is_text_choice(value);
  return pair && has_thread_key(key) ? value : NULL;
}

const sq_node *langsmith_thread_values(const sq_node *entry) {
  if (entry->kind != SQ_N_ENTRY || entry->field != SQ_F_PROPERTIES) return NULL;
  const sq_node *inside = entry->kids[0];
  bool two = inside->kind == SQ_N_AND && inside->count == 2;
  return two ? thread_values(inside->kids[0], inside->kids[1]) : NULL;
}

/* neq(key, null) holds of every entry. It stands where a negative condition on the value wants a positive key beside it,
   where a pair must not be one about threads, and where nothing else is asked. */
static bool wants_guard(const langsmith_writer *lw, langsmith_family family, const conjunction *all, bool thread) {
  bool positive_key = false, negative_value = false;
  for (size_t i = 0; i < all->count; i++) {
    const part *p = &all->items[i];
    if (about_key(p)) positive_key = positive_key || !p->negated;
    else negative_value = negative_value || p->negated;
  }
  bool may_be_thread = lw->vocabulary->threads && family == LANGSMITH_METADATA && all->count == 2 && !negative_value && positive_key;
  bool is_thread = may_be_thread && thread_values(all->items[0].leaf, all->items[1].leaf);
  return all->count == 0 || (negative_value && !positive_key) || (is_thread && !thread);
}

static void write_part(langsmith_writer *lw, langsmith_family family, const part *p) {
  const sq_node *leaf = asked(p->leaf);
  const langsmith_field *field = field_of(lw->vocabulary, family, leaf->field);
  if (!field) sq_unsaid(lw->w, leaf, "LangSmith asks about key and value of an entry, and about score of feedback");
  else if (about_key(p) && p->negated)
    sq_unsaid(lw->w, leaf, "LangSmith cannot ask for an entry with another key: neq on %s asks that none has this one", field->name);
  else langsmith_put_calls(lw, p->leaf, field, p->negated);
}

static void write_conjunction(langsmith_writer *lw, langsmith_family family, const conjunction *all, bool thread, langsmith_around around) {
  bool guard = wants_guard(lw, family, all, thread);
  bool single = all->count + guard == 1 && (guard || !(all->items->leaf->kind == SQ_N_COMPARE && all->items->leaf->op == SQ_OP_BETWEEN));
  bool wrapped = around == LANGSMITH_OTHERS || (around == LANGSMITH_NOTHING && !single);
  if (wrapped) langsmith_put(lw, "and(");
  if (guard) sq_text_format(lw->w->out, "neq(%s, null)", field_of(lw->vocabulary, family, SQ_F_ENTRY_KEY)->name);
  for (size_t i = 0; i < all->count; i++) {
    if (i || guard) langsmith_put(lw, ", ");
    write_part(lw, family, &all->items[i]);
  }
  if (wrapped) langsmith_put(lw, ")");
}

static void write_disjunction(langsmith_writer *lw, langsmith_family family, const disjunction *any, bool thread, langsmith_around around) {
  if (any->count == 0) {
    langsmith_put(lw, "in(id, [])");
    return;
  }
  if (any->count == 1) {
    write_conjunction(lw, family, &any->items[0], thread, around);
    return;
  }
  for (size_t i = 0; i < any->count; i++) {
    langsmith_put(lw, i ? ", " : "or(");
    write_conjunction(lw, family, &any->items[i], thread, LANGSMITH_NOTHING);
  }
  langsmith_put(lw, ")");
}

static bool is_denial(const disjunction *any) {
  if (any->count != 1 || any->items->count != 1 || any->items->items->negated) return false;
  const sq_node *leaf = any->items->items->leaf;
  bool one = leaf->kind == SQ_N_COMPARE && (leaf->op == SQ_OP_EQ || leaf->op == SQ_OP_LIKE || leaf->op == SQ_OP_PRESENT);
  return one && !(leaf->flags & SQ_AS_TEXT);
}

bool langsmith_is_plain_denial(langsmith_writer *lw, const sq_node *entry) {
  disjunction any;
  return expand(lw, entry->kids[0], false, &any) && is_denial(&any);
}

void langsmith_write_entry(langsmith_writer *lw, const sq_node *entry, bool negated, bool thread, langsmith_around around) {
  langsmith_family family = langsmith_family_of(lw->vocabulary, entry->field);
  disjunction any;
  if (!family) {
    sq_unsaid(lw->w, entry, "LangSmith does not ask about entries of %s", sq_field_get(entry->field)->name);
    return;
  }
  if (!expand(lw, entry->kids[0], false, &any)) {
    sq_unsaid(lw->w, entry, "as pairs of key and value it would be too long");
    return;
  }
  if (negated && is_denial(&any)) {
    if (around == LANGSMITH_OTHERS) langsmith_put(lw, "and(");
    const sq_node *leaf = any.items->items->leaf;
    const langsmith_field *field = field_of(lw->vocabulary, family, leaf->field);
    if (field) langsmith_put_calls(lw, leaf, field, true);
    else write_part(lw, family, any.items->items);
    if (around == LANGSMITH_OTHERS) langsmith_put(lw, ")");
    return;
  }
  if (negated) langsmith_put(lw, "not(");
  write_disjunction(lw, family, &any, thread, negated ? LANGSMITH_NOTHING : around);
  if (negated) langsmith_put(lw, ")");
}
