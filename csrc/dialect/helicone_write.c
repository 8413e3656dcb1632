/* Filters as Helicone's JSON. A leaf names one column with one operator, since Helicone itself looks at no more, and
   branches join two; long ANDs and ORs become balanced trees of them. There is no NOT: it is brought to the leaves,
   which is right within one level only. */
#include "base/json.h"
#include "dialect/helicone.h"
#include "dialect/write.h"

static void put(sq_writer *w, const char *text) { sq_text_put(w->out, text); }

static void write_node(sq_writer *w, const sq_node *node, bool negated);

/* ----------------------------------------------------------------------------------------------- one leaf */

static void put_exact_pattern(sq_writer *w, const char *text, size_t length) {
  const sq_value pattern = sq_as_pattern(w, &(sq_value){.kind = SQ_STRING, .length = (uint32_t)length, .text = text}, false);
  sq_json_write_string(w->out, pattern.text, pattern.length);
}

void helicone_put_operation(sq_writer *w, const sq_node *node, const helicone_operation *operation) {
  sq_json_write_string(w->out, operation->name, strlen(operation->name));
  put(w, ":");
  if (operation->constant) put(w, operation->constant);
  else if (!operation->text) sq_write_json(w, node, operation->which);
  else if (operation->is_exact) put_exact_pattern(w, operation->text, operation->length);
  else sq_json_write_string(w->out, operation->text, operation->length);
}

static void put_leaf(sq_writer *w, const sq_node *node, const helicone_saying *saying, size_t which) {
  sq_text_format(w->out, "{\"%s\":{", saying->table);
  if (saying->group) sq_text_format(w->out, "\"%s\":{", saying->group);
  sq_json_write_string(w->out, saying->column, saying->column_length);
  put(w, ":{");
  helicone_put_operation(w, node, &saying->operations[which]);
  put(w, saying->group ? "}}}}" : "}}}");
}

static void put_operator(sq_writer *w, bool either) { put(w, either ? ",\"operator\":\"or\",\"right\":" : ",\"operator\":\"and\",\"right\":"); }

static void put_saying(sq_writer *w, const sq_node *node, const helicone_saying *saying) {
  if (saying->count == 2) put(w, "{\"left\":");
  put_leaf(w, node, saying, 0);
  if (saying->count < 2) return;
  put_operator(w, saying->either);
  put_leaf(w, node, saying, 1);
  put(w, "}");
}

/* ------------------------------------------------------------------------------------------- one comparison */

/* A part of the tree, or its negation, which need not stand in the tree. */
static void unsaid(sq_writer *w, const sq_node *part, bool negated, const char *why) {
  sq_node *kids[] = {(sq_node *)(uintptr_t)part};
  sq_unsaid(w, negated ? &(sq_node){.kind = SQ_N_NOT, .level = part->level, .count = 1, .kids = kids} : part, "%s", why);
}

/* The comparison with one of its choices. */
static sq_node equal_to(const sq_node *among, uint32_t which) {
  sq_node node = *among;
  node.op = SQ_OP_EQ;
  node.count = 1;
  node.values += which;
  return node;
}

static bool say_choices(const sq_node *among, bool negated, helicone_saying *out) {
  for (uint32_t i = 0; i < among->count; i++) {
    sq_node choice = equal_to(among, i);
    if (!helicone_say(&choice, negated, out)) return false;
  }
  return true;
}

static void put_choices(sq_writer *w, const sq_node *among, bool negated, uint32_t from, uint32_t to) {
  if (to - from > 1) {
    uint32_t middle = from + (to - from) / 2;
    put(w, "{\"left\":");
    put_choices(w, among, negated, from, middle);
    put_operator(w, !negated);
    put_choices(w, among, negated, middle, to);
    put(w, "}");
    return;
  }
  helicone_saying saying;
  sq_node choice = equal_to(among, from);
  if (helicone_say(&choice, negated, &saying)) put_saying(w, &choice, &saying);
}

/* `origin`: the part of the tree that the comparison stands for. */
static void write_compare(sq_writer *w, const sq_node *node, bool negated, const sq_node *origin) {
  bool among = node->op == SQ_OP_AMONG;
  helicone_saying saying, other;
  bool said = among ? say_choices(node, negated, &saying) : helicone_say(node, negated, &saying);
  if (!said) {
    bool only_negated = negated && (among ? say_choices(node, false, &other) : helicone_say(node, false, &other));
    unsaid(w, origin, only_negated, saying.why);
  } else if (among) {
    put_choices(w, node, negated, 0, node->count);
  } else {
    put_saying(w, node, &saying);
  }
}

/* What can never hold, of the level it has. */
static void write_never(sq_writer *w, const sq_node *node, bool negated) {
  put(w, node->level == SQ_LEVEL_SESSION ? "{\"sessions_request_response_rmt\":{\"session_total_requests\":{\""
                                         : "{\"request_response_rmt\":{\"latency\":{\"");
  put(w, negated ? "not-equals\":0.5}}}" : "equals\":0.5}}}");
}

/* ------------------------------------------------------------------------------------------- two as one leaf */

typedef struct item {
  const sq_node *node, *second; /* second: says one thing together with the first, or NULL */
} item;

static const sq_node *without_not(const sq_node *node) { return node->kind == SQ_N_NOT ? node->kids[0] : node; }

/* absent or "" in an OR; present and not "" in an AND */
static bool is_blank_pair(sq_node_kind kind, const sq_node *first, const sq_node *second) {
  const sq_node *present = without_not(first), *empty = without_not(second);
  if ((first->kind == SQ_N_NOT) != (kind == SQ_N_OR) || (second->kind == SQ_N_NOT) != (kind == SQ_N_AND)) return false;
  helicone_saying saying;
  return present->kind == SQ_N_COMPARE && present->op == SQ_OP_PRESENT && empty->kind == SQ_N_COMPARE && empty->op == SQ_OP_EQ &&
         empty->values[0].value.kind == SQ_STRING && empty->values[0].value.length == 0 && helicone_same_subject(present, empty) &&
         helicone_say_blank(present, false, &saying);
}

static bool is_feedback_score(sq_node_kind kind, const sq_node *first, const sq_node *second) {
  return kind == SQ_N_OR && helicone_is_score_pair(first, second, SQ_F_SCORES) && sq_same_text(HELICONE_FEEDBACK_KEY, first->name, first->name_length);
}

/* ------------------------------------------------------------------------------------------------- feedback */

/* The id of the request stands in the same leaf: without it, an entry of nothing but the key has no column. */
static bool say_request_id(const sq_node *node, helicone_saying *out) {
  const sq_node *leaf = without_not(node);
  bool negated = node->kind == SQ_N_NOT;
  *out = (helicone_saying){0};
  if (leaf->kind == SQ_N_OR && leaf->count == 2 && is_blank_pair(SQ_N_OR, leaf->kids[0], leaf->kids[1]) && leaf->kids[1]->field == SQ_F_REQUEST_ID)
    return helicone_say_blank(leaf->kids[1], negated, out);
  return leaf->kind == SQ_N_COMPARE && leaf->field == SQ_F_REQUEST_ID && leaf->op != SQ_OP_AMONG &&
         helicone_say_column(helicone_find_column(helicone_feedback_columns, "response_id"), leaf, negated, out);
}

static bool is_request_pair(sq_node_kind kind, const sq_node *first, const sq_node *second) {
  helicone_saying saying;
  return kind == SQ_N_AND && helicone_is_any_feedback(first) && say_request_id(second, &saying);
}

static void write_request_pair(sq_writer *w, const sq_node *second) {
  helicone_saying saying;
  if (!say_request_id(second, &saying)) return;
  put(w, "{\"feedback\":{\"response_id\":{");
  helicone_put_operation(w, without_not(second), &saying.operations[0]);
  put(w, "}}}");
}

static void write_feedback(sq_writer *w, const sq_node *entry, bool negated) {
  if (negated) unsaid(w, entry, true, "Helicone cannot say that no feedback is like that");
  else if (!helicone_write_feedback(w, entry)) unsaid(w, entry, false, "Helicone asks of one " HELICONE_FEEDBACK_KEY " at once for its id, time and rating");
}

static void write_entry(sq_writer *w, const sq_node *entry, bool negated) {
  const sq_node *member = sq_entry_as_member(w, entry), *inside = entry->kids[0];
  if (entry->field == SQ_F_FEEDBACK) write_feedback(w, entry, negated);
  else if (member) write_compare(w, member, negated, entry);
  else if (entry->field == SQ_F_SCORES && inside->kind == SQ_N_COMPARE && inside->field == SQ_F_ENTRY_KEY) write_compare(w, inside, negated, entry);
  else unsaid(w, entry, false, "Helicone cannot ask about one entry of a map");
}

/* ------------------------------------------------------------------------------------------------- the tree */

static void write_pair(sq_writer *w, sq_node_kind kind, const item *it) {
  helicone_saying saying;
  if (is_feedback_score(kind, it->node, it->second)) {
    sq_text_format(w->out, "{\"request_response_rmt\":{\"" HELICONE_FEEDBACK_KEY "\":{\"equals\":%s}}}", it->node->values[0].value.boolean ? "true" : "false");
  } else if (is_blank_pair(kind, it->node, it->second)) {
    helicone_say_blank(without_not(it->node), kind == SQ_N_AND, &saying);
    put_saying(w, it->node, &saying);
  } else {
    write_request_pair(w, it->second);
  }
}

/* A negated pair of an OR is one of an AND, and the other way round; it has the other operator then. */
static void write_negated_pair(sq_writer *w, const item *it) {
  helicone_saying saying;
  bool was_or = it->node->kind == SQ_N_NOT;
  helicone_say_blank(without_not(it->node), was_or, &saying);
  put_saying(w, it->node, &saying);
}

static bool is_pair(sq_node_kind kind, const sq_node *first, const sq_node *second, bool negated) {
  return is_blank_pair(kind, first, second) || (!negated && (is_feedback_score(kind, first, second) || is_request_pair(kind, first, second)));
}

static void write_items(sq_writer *w, sq_node_kind kind, const item *items, size_t count, bool negated) {
  if (count > 1) {
    put(w, "{\"left\":");
    write_items(w, kind, items, count / 2, negated);
    put_operator(w, (kind == SQ_N_OR) != negated);
    write_items(w, kind, items + count / 2, count - count / 2, negated);
    put(w, "}");
  } else if (items->second && negated) {
    write_negated_pair(w, items);
  } else if (items->second) {
    write_pair(w, kind, items);
  } else {
    write_node(w, items->node, negated);
  }
}

static void write_many(sq_writer *w, const sq_node *node, bool negated) {
  item *items = sq_arena_take(w->arena, node->count * sizeof *items);
  size_t count = 0;
  if (!items) {
    sq_fail_memory(w->error);
    return;
  }
  for (uint32_t i = 0; i < node->count; i++, count++) {
    items[count].node = node->kids[i];
    if (i + 1 < node->count && is_pair(node->kind, node->kids[i], node->kids[i + 1], negated)) items[count].second = node->kids[++i];
  }
  write_items(w, node->kind, items, count, negated);
}

static void write_not(sq_writer *w, const sq_node *kid, bool negated) {
  bool mixed = (kid->level & SQ_LEVEL_REQUEST) && (kid->level & SQ_LEVEL_SESSION);
  if (mixed) unsaid(w, kid, true, "Helicone has no not, and this one is about requests and sessions at once");
  else write_node(w, kid, !negated);
}

static void write_node(sq_writer *w, const sq_node *node, bool negated) {
  switch (node->kind) {
    case SQ_N_TRUE: put(w, "\"all\""); break;
    case SQ_N_FALSE: write_never(w, node, negated); break;
    case SQ_N_AND:
    case SQ_N_OR: write_many(w, node, negated); break;
    case SQ_N_NOT: write_not(w, node->kids[0], negated); break;
    case SQ_N_ENTRY: write_entry(w, node, negated); break;
    case SQ_N_COMPARE: write_compare(w, node, negated, node); break;
    default: unsaid(w, node, false, "Helicone asks about the request itself, or about its session's totals");
  }
}

bool sq_helicone_write(sq_writer *w, const sq_node *tree) {
  write_node(w, tree, false);
  return w->error->code == SQ_OK;
}
