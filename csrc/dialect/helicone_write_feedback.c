/* One entry of feedback as one leaf of Helicone's legacy table: all that is asked of it must stand in that leaf, each column
   once, and in it each operator once. Two bounds that became one operator (id >= 2.5 is id > 2) get spellings apart. */
#include "base/number.h"
#include "base/time.h"
#include "dialect/helicone.h"
#include "dialect/write.h"

#define LEAST "-1e30" /* beyond all integers */
#define GREATEST "1e30"
#define BETWEEN_MICROS "\"1970-01-01T00:00:00.0000005Z\"" /* no time is equal to it */

/* One way to say a condition. */
typedef struct spelling {
  helicone_operation operation;
  bool half; /* the value and a half of its last digit: bind takes >= of it for > of the value */
} spelling;

enum { SPELLINGS = 5, CONDITIONS = 24 };

typedef struct condition {
  const helicone_column *column;
  const sq_node *leaf;
  spelling spellings[SPELLINGS];
  unsigned count, chosen;
} condition;

typedef struct feedback {
  condition items[CONDITIONS];
  unsigned count;
} feedback;

/* ------------------------------------------------------------------------------------------------- spellings */

static void spell(condition *c, const char *name, const char *constant) {
  c->spellings[c->count++].operation = (helicone_operation){.name = name, .constant = constant};
}

static void spell_operation(condition *c, const helicone_operation *operation) {
  static const char *const looser[][2] = {{"gt", "gte"}, {"lte", "lt"}};
  c->spellings[c->count++].operation = *operation;
  for (size_t i = 0; i < sizeof looser / sizeof *looser; i++) {
    if (operation->constant || strcmp(operation->name, looser[i][0]) != 0) continue;
    c->spellings[c->count] = (spelling){*operation, true};
    c->spellings[c->count++].operation.name = looser[i][1];
  }
}

static void spell_always(condition *c) {
  spell(c, "gte", LEAST);
  spell(c, "gt", LEAST);
  spell(c, "lte", GREATEST);
  spell(c, "lt", GREATEST);
}

static void spell_never(condition *c) {
  bool time = c->column->class == HELICONE_TIME;
  spell(c, "equals", time ? BETWEEN_MICROS : "0.5");
  if (time) return;
  spell(c, "gt", GREATEST);
  spell(c, "gte", GREATEST);
  spell(c, "lt", LEAST);
  spell(c, "lte", LEAST);
}

/* ------------------------------------------------------------------------------------------------ conditions */

static condition *add(feedback *f, const char *column, const sq_node *leaf) {
  if (f->count == CONDITIONS) return NULL;
  condition *c = &f->items[f->count++];
  *c = (condition){.column = helicone_find_column(helicone_feedback_columns, column), .leaf = leaf};
  return c;
}

static bool add_sayings(feedback *f, const char *column, const sq_node *leaf, const helicone_saying *saying) {
  for (unsigned i = 0; i < saying->count; i++) {
    condition *c = add(f, column, leaf);
    if (!c) return false;
    spell_operation(c, &saying->operations[i]);
  }
  return true;
}

static bool add_constant(feedback *f, const char *column, const sq_node *leaf, bool negated) {
  condition *c = add(f, column, leaf);
  if (!c || (negated && c->column->class == HELICONE_TIME)) return false;
  if (negated) spell(c, "not-equals", "0.5");
  else if (leaf->kind == SQ_N_FALSE) spell_never(c);
  else spell_always(c);
  return true;
}

static bool add_rating(feedback *f, const sq_node *pair) {
  condition *c = add(f, "rating", pair);
  if (c) spell(c, "equals", pair->kids[0]->values[0].value.boolean ? "true" : "false");
  return c != NULL;
}

static bool add_member(feedback *f, const sq_node *node) {
  bool negated = node->kind == SQ_N_NOT;
  const sq_node *leaf = negated ? node->kids[0] : node;
  if (leaf->kind == SQ_N_OR && leaf->count == 2 && !negated && helicone_is_score_pair(leaf->kids[0], leaf->kids[1], SQ_F_ENTRY_SCORE)) return add_rating(f, leaf);
  const char *column = leaf->field == SQ_F_ENTRY_CREATED_AT ? "created_at" : "id";
  helicone_saying saying = {0};
  if (leaf->kind == SQ_N_FALSE) return add_constant(f, column, leaf, negated);
  if (leaf->kind != SQ_N_COMPARE || (leaf->field != SQ_F_ENTRY_ID && leaf->field != SQ_F_ENTRY_CREATED_AT)) return false;
  if (leaf->op == SQ_OP_PRESENT && leaf->field == SQ_F_ENTRY_ID && !negated) return add_constant(f, column, leaf, false);
  return leaf->op != SQ_OP_AMONG && helicone_say_column(helicone_find_column(helicone_feedback_columns, column), leaf, negated, &saying) &&
         !saying.either && add_sayings(f, column, leaf, &saying);
}

static bool is_key(const sq_node *node) {
  return node->kind == SQ_N_COMPARE && node->field == SQ_F_ENTRY_KEY && node->op == SQ_OP_EQ &&
         sq_same_text(HELICONE_FEEDBACK_KEY, node->values[0].value.text, node->values[0].value.length);
}

/* The key that a leaf of feedback is always about, and what its columns ask besides. */
static bool read_entry(const sq_node *entry, feedback *f) {
  const sq_node *inside = entry->kids[0];
  bool many = inside->kind == SQ_N_AND, keyed = false;
  f->count = 0;
  for (uint32_t i = 0; i < (many ? inside->count : 1); i++) {
    const sq_node *member = many ? inside->kids[i] : inside;
    bool is_first_key = !keyed && is_key(member);
    if (!is_first_key && !add_member(f, member)) return false;
    keyed = keyed || is_first_key;
  }
  return keyed;
}

static const char *name_of(const condition *c) { return c->spellings[c->chosen].operation.name; }

/* Gives each condition from `i` on a spelling that no other one of its column has. */
static bool choose(feedback *f, unsigned i) {
  if (i == f->count) return true;
  condition *c = &f->items[i];
  for (c->chosen = 0; c->chosen < c->count; c->chosen++) {
    bool taken = false;
    for (unsigned j = 0; j < i; j++) taken = taken || (f->items[j].column == c->column && strcmp(name_of(&f->items[j]), name_of(c)) == 0);
    if (!taken && choose(f, i + 1)) return true;
  }
  return false;
}

bool helicone_is_any_feedback(const sq_node *node) {
  feedback f;
  return node->kind == SQ_N_ENTRY && node->field == SQ_F_FEEDBACK && read_entry(node, &f) && f.count == 0;
}

/* ---------------------------------------------------------------------------------------------------- writing */

/* An id and a half. */
static void put_half(sq_writer *w, int64_t value) {
  if (value >= 0) sq_write_scaled(w->out, value, 0);
  else if (value == -1) sq_text_put(w->out, "-0");
  else sq_write_scaled(w->out, value + 1, 0);
  sq_text_put(w->out, ".5");
}

static void put_half_time(sq_writer *w, const sq_node *leaf, int64_t micros) {
  char room[48];
  sq_text year = {.allocator = w->out->allocator};
  if (!sq_write_time(&year, micros) && !year.failed) sq_unsaid(w, leaf, SQ_NO_SUCH_YEAR);
  size_t length = sq_time_format(micros, 0, 6, room);
  sq_text_format(w->out, "\"%.*s5Z\"", (int)length - 1, room);
  sq_text_free(&year);
}

static void put_condition(sq_writer *w, const condition *c) {
  const spelling *s = &c->spellings[c->chosen];
  if (!s->half) {
    helicone_put_operation(w, c->leaf, &s->operation);
    return;
  }
  int64_t value = c->leaf->values[s->operation.which].value.integer;
  sq_text_format(w->out, "\"%s\":", s->operation.name);
  if (c->column->class == HELICONE_TIME) put_half_time(w, c->leaf, value);
  else put_half(w, value);
}

static bool is_first_of_column(const feedback *f, unsigned i) {
  for (unsigned j = 0; j < i; j++)
    if (f->items[j].column == f->items[i].column) return false;
  return true;
}

bool helicone_write_feedback(sq_writer *w, const sq_node *entry) {
  feedback f;
  if (!read_entry(entry, &f)) return false;
  if (f.count == 0) spell_always(add(&f, "id", entry)); /* any */
  if (!choose(&f, 0)) return false;
  sq_text_put(w->out, "{\"feedback\":{");
  for (unsigned i = 0; i < f.count; i++) {
    if (!is_first_of_column(&f, i)) continue;
    sq_text_format(w->out, i ? ",\"%s\":{" : "\"%s\":{", f.items[i].column->name);
    for (unsigned j = i; j < f.count; j++) {
      if (f.items[j].column != f.items[i].column) continue;
      if (j > i) sq_text_byte(w->out, ',');
      put_condition(w, &f.items[j]);
    }
    sq_text_byte(w->out, '}');
  }
  sq_text_put(w->out, "}}");
  return true;
}
