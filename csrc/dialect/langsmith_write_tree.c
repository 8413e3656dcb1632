/* A whole filter in LangSmith's language: the tree's nodes, and comparisons of fields and members. */
#include "base/json.h"
#include "dialect/langsmith_write.h"

static void put(langsmith_writer *lw, const char *text) { langsmith_put(lw, text); }

static void write_node(langsmith_writer *lw, const sq_node *node);

/* ------------------------------------------------------------------------------------------------ comparisons */

static const langsmith_field *field_of(const langsmith_vocabulary *v, const sq_node *leaf) {
  for (const langsmith_field *field = v->fields; field->name; field++) {
    bool asks = field->field == leaf->field && !field->family && !(field->class & (LANGSMITH_OF_BOOLEANS | LANGSMITH_OF_MAPS));
    bool same_key = !field->key ? !leaf->name : leaf->name && sq_same_text(field->key, leaf->name, leaf->name_length);
    if (asks && same_key) return field;
  }
  return NULL;
}

static bool is_member(const sq_node *leaf) { return leaf->field == SQ_F_PROPERTIES && leaf->name; }

/* NOT of it is one call: neq, notlike, eq with null. */
static bool is_denied_by_name(const sq_node *leaf, const langsmith_field *field) {
  if (leaf->op == SQ_OP_PRESENT) return true;
  if (field->class == LANGSMITH_OF_LISTS || leaf->flags) return false;
  return leaf->op == SQ_OP_EQ || leaf->op == SQ_OP_LIKE || leaf->op == SQ_OP_ILIKE || leaf->op == SQ_OP_CONTAINS;
}

static void write_list_leaf(langsmith_writer *lw, const sq_node *leaf, const langsmith_field *field) {
  if (leaf->op == SQ_OP_PRESENT) { /* neq is not for lists */
    sq_text_format(lw->w->out, "not(eq(%s, null))", field->name);
  } else if (leaf->op == SQ_OP_EQ) {
    sq_text_format(lw->w->out, "has(%s, ", field->name);
    sq_json_write_string(lw->w->out, leaf->values[0].value.text, leaf->values[0].value.length);
    put(lw, ")");
  } else if (leaf->op == SQ_OP_BETWEEN) {
    sq_unsaid(lw->w, leaf, "LangSmith does not order %s", field->name);
  } else {
    langsmith_put_calls(lw, leaf, field, false);
  }
}

static void write_plain(langsmith_writer *lw, const sq_node *leaf, const langsmith_field *field) {
  bool two = leaf->op == SQ_OP_BETWEEN && field->class != LANGSMITH_OF_LISTS;
  if (two) put(lw, "and(");
  if (field->class == LANGSMITH_OF_LISTS) write_list_leaf(lw, leaf, field);
  else langsmith_put_calls(lw, leaf, field, false);
  if (two) put(lw, ")");
}

static bool is_root_question(const langsmith_writer *lw, const sq_node *leaf) {
  return leaf->field == SQ_F_PARENT_ID && leaf->op == SQ_OP_PRESENT && lw->vocabulary == &langsmith_runs;
}

/* ------------------------------------------------------------------------------------------ members of metadata */

static bool is_thread_member(const langsmith_writer *lw, const sq_node *leaf) {
  const sq_value key = {.kind = SQ_STRING, .length = leaf->name_length, .text = leaf->name};
  return lw->vocabulary->threads && is_member(leaf) && leaf->kind == SQ_N_COMPARE && leaf->op == SQ_OP_EQ && !leaf->flags &&
         leaf->values[0].value.kind == SQ_STRING && langsmith_is_thread_key(&key);
}

/* In single quotes where nothing needs an escape. */
static void put_object(langsmith_writer *lw, const char *object, size_t length) {
  if (memchr(object, '\'', length) || memchr(object, '\\', length)) sq_json_write_string(lw->w->out, object, length);
  else sq_text_format(lw->w->out, "'%.*s'", (int)length, object);
}

/* has(metadata, '{"key": value}') */
static void write_has(langsmith_writer *lw, const sq_node *leaf) {
  sq_text object = {.allocator = lw->w->arena->allocator};
  sq_writer inside = *lw->w;
  inside.out = &object;
  sq_text_put(&object, "{");
  sq_json_write_string(&object, leaf->name, leaf->name_length);
  sq_text_put(&object, ": ");
  sq_write_json(&inside, leaf, 0);
  sq_text_put(&object, "}");
  put(lw, "has(metadata, ");
  put_object(lw, object.data ? object.data : "", object.length);
  put(lw, ")");
  if (object.failed) sq_fail_memory(lw->w->error);
  sq_text_free(&object);
}

/* As a pair. A thread's key would be one about the session_id too, but for what stands before it. */
static void write_pair(langsmith_writer *lw, const sq_node *leaf) {
  const langsmith_field *value = langsmith_field_named(lw->vocabulary, "metadata_value", strlen("metadata_value"));
  const sq_value key = {.kind = SQ_STRING, .length = leaf->name_length, .text = leaf->name};
  bool guard = lw->vocabulary->threads && langsmith_is_thread_key(&key);
  put(lw, guard ? "and(neq(metadata_key, null), eq(metadata_key, " : "and(eq(metadata_key, ");
  sq_json_write_string(lw->w->out, leaf->name, leaf->name_length);
  put(lw, "), ");
  langsmith_put_calls(lw, leaf, value, false);
  put(lw, ")");
}

static void write_member(langsmith_writer *lw, const sq_node *leaf, bool thread) {
  bool plain = leaf->op == SQ_OP_EQ && leaf->kind == SQ_N_COMPARE && !leaf->flags;
  if (leaf->kind == SQ_N_COMPARE && leaf->op == SQ_OP_PRESENT) {
    put(lw, "exists(metadata, ");
    sq_json_write_string(lw->w->out, leaf->name, leaf->name_length);
    put(lw, ")");
  } else if (plain && (thread || !is_thread_member(lw, leaf))) {
    write_has(lw, leaf);
  } else {
    write_pair(lw, leaf);
  }
}

/* ------------------------------------------------------------------------------------------------------ leaves */

static bool check_leaf(langsmith_writer *lw, const sq_node *leaf, const langsmith_field *field) {
  if (leaf->level == SQ_LEVEL_ENTRY) return false; /* a fragment's: that was said already */
  if (leaf->level & SQ_LEVEL_SESSION) sq_unsaid(lw->w, leaf, "LangSmith's filters are about one run");
  else if (leaf->field == SQ_F_PROPERTIES && leaf->kind == SQ_N_COMPARE && !leaf->name) return true; /* whether there is metadata */
  else if (!field && !is_member(leaf)) sq_unsaid(lw->w, leaf, "LangSmith has no such field");
  else return true;
  return false;
}

static void write_leaf(langsmith_writer *lw, const sq_node *leaf, bool negated) {
  const langsmith_field *field = field_of(lw->vocabulary, leaf);
  bool never = leaf->kind == SQ_N_FALSE;
  if (never && leaf->level == SQ_LEVEL_REQUEST) { /* what can never be is never so for any field */
    bool has_in = field && field->class != LANGSMITH_OF_MAPS;
    sq_text_format(lw->w->out, negated ? "not(in(%s, []))" : "in(%s, [])", has_in ? field->name : "id");
    return;
  }
  if (!check_leaf(lw, leaf, field)) return;
  if (is_root_question(lw, leaf)) {
    put(lw, negated ? "eq(is_root, true)" : "eq(is_root, false)");
  } else if (leaf->field == SQ_F_PROPERTIES && !leaf->name) {
    put(lw, negated ? "eq(metadata_key, null)" : "neq(metadata_key, null)");
  } else if (field && negated && is_denied_by_name(leaf, field)) {
    langsmith_put_calls(lw, leaf, field, true);
  } else {
    if (negated) put(lw, "not(");
    if (field) write_plain(lw, leaf, field);
    else write_member(lw, leaf, false);
    if (negated) put(lw, ")");
  }
}

/* --------------------------------------------------------------------------------------------------- and, or */

static const sq_node *entry_of(const sq_node *node) {
  const sq_node *kid = node->kind == SQ_N_NOT ? node->kids[0] : node;
  return kid->kind == SQ_N_ENTRY ? kid : NULL;
}

/* How many conditions an and() has about each family, and how many of them are denials. */
typedef struct tally {
  uint32_t count[LANGSMITH_FAMILIES], denials[LANGSMITH_FAMILIES];
} tally;

/* The family of which a member becomes a condition. What becomes not(…) is of none. */
static langsmith_family family_of(langsmith_writer *lw, const sq_node *member) {
  const sq_node *entry = entry_of(member);
  if (!entry || (member->kind == SQ_N_NOT && !langsmith_is_plain_denial(lw, entry))) return LANGSMITH_ALONE;
  return langsmith_family_of(lw->vocabulary, entry->field);
}

static tally tally_of(langsmith_writer *lw, const sq_node *all) {
  tally t = {{0}, {0}};
  for (uint32_t i = 0; i < all->count; i++) {
    langsmith_family family = family_of(lw, all->kids[i]);
    t.count[family]++;
    t.denials[family] += all->kids[i]->kind == SQ_N_NOT;
  }
  return t;
}

/* The members from here on may stand in the and() itself, without one of their own: where the entry is the only one of
   its family, or all of them are denials, which stand alone anyway. The reader puts families behind all else, in their
   order; so only an end of the members that is in this order stays where it is. */
static uint32_t first_inside(langsmith_writer *lw, const sq_node *all) {
  tally t = tally_of(lw, all);
  langsmith_family next = LANGSMITH_FAMILIES;
  uint32_t first = all->count;
  while (first > 0) {
    langsmith_family family = family_of(lw, all->kids[first - 1]);
    bool apart = family && (t.count[family] == 1 || t.count[family] == t.denials[family]);
    if (!apart || family > next) break;
    next = family;
    first--;
  }
  return first;
}

static void write_and(langsmith_writer *lw, const sq_node *node) {
  uint32_t inside = first_inside(lw, node);
  put(lw, "and(");
  for (uint32_t i = 0; i < node->count; i++) {
    const sq_node *kid = node->kids[i], *entry = entry_of(kid);
    if (i) put(lw, ", ");
    if (entry) langsmith_write_entry(lw, entry, kid->kind == SQ_N_NOT, false, i < inside ? LANGSMITH_OTHERS : LANGSMITH_ITSELF);
    else write_node(lw, kid);
  }
  put(lw, ")");
}

static bool same_choice(const sq_node *values, const sq_node *session) {
  if (session->kind != SQ_N_COMPARE || session->field != SQ_F_SESSION_ID || session->op != values->op || session->flags || session->count != values->count) return false;
  for (uint32_t i = 0; i < values->count; i++) {
    const sq_value *a = &values->values[i].value, *b = &session->values[i].value;
    if (a->length != b->length || memcmp(a->text, b->text, a->length) != 0) return false;
  }
  return true;
}

/* A pair about a thread and, behind it, the session_id that it is about too: one condition. */
static bool is_thread(const langsmith_writer *lw, const sq_node *node, uint32_t i) {
  const sq_node *kid = node->kids[i];
  if (!lw->vocabulary->threads || i + 1 == node->count) return false;
  const sq_node *values = is_thread_member(lw, kid) ? kid : langsmith_thread_values(kid);
  return values && same_choice(values, node->kids[i + 1]);
}

static bool is_phrase(const sq_node *node, sq_field field) {
  return node->kind == SQ_N_COMPARE && node->op == SQ_OP_PHRASE && node->field == field && !node->name && !node->flags;
}

/* A word in one of the fields that search looks through. */
static bool is_search(const langsmith_writer *lw, const sq_node *node, uint32_t i) {
  const sq_field *searched = lw->vocabulary->searched;
  if (searched[0] == SQ_F_NONE || i + 1 == node->count) return false;
  const sq_node *a = node->kids[i], *b = node->kids[i + 1];
  if (!is_phrase(a, searched[0]) || !is_phrase(b, searched[1])) return false;
  const sq_value *x = &a->values[0].value, *y = &b->values[0].value;
  return x->length == y->length && memcmp(x->text, y->text, x->length) == 0 && langsmith_has_word(x);
}

/* Writes a member of an or(), and how many nodes it was. */
static uint32_t write_alternative(langsmith_writer *lw, const sq_node *node, uint32_t i) {
  const sq_node *kid = node->kids[i];
  bool thread = is_thread(lw, node, i), search = is_search(lw, node, i);
  if (thread && is_member(kid)) write_member(lw, kid, true);
  else if (thread) langsmith_write_entry(lw, kid, false, true, LANGSMITH_NOTHING);
  else if (!search) write_node(lw, kid);
  if (search) {
    put(lw, "search(");
    langsmith_put_phrase(lw, &kid->values[0].value);
    put(lw, ")");
  }
  return thread || search ? 2 : 1;
}

static void write_or(langsmith_writer *lw, const sq_node *node) {
  bool whole = node->count == 2 && (is_thread(lw, node, 0) || is_search(lw, node, 0)); /* one condition in all */
  if (!whole) put(lw, "or(");
  for (uint32_t i = 0; i < node->count;) {
    if (i) put(lw, ", ");
    i += write_alternative(lw, node, i);
  }
  if (!whole) put(lw, ")");
}

/* --------------------------------------------------------------------------------------------------- the tree */

static const char *why_not(sq_node_kind kind) {
  switch (kind) {
    case SQ_N_ROOT: return "LangSmith asks about the root in trace_filter, beside the filter";
    case SQ_N_IN_TRACE: return "LangSmith asks about the trace in tree_filter, beside the filter";
    case SQ_N_SOME:
    case SQ_N_EVERY: return "LangSmith's filters are about one run";
    default: return "LangSmith cannot ask about the runs around a run";
  }
}

static void write_not(langsmith_writer *lw, const sq_node *kid) {
  if (sq_is_leaf(kid)) {
    write_leaf(lw, kid, true);
  } else if (kid->kind == SQ_N_ENTRY) {
    langsmith_write_entry(lw, kid, true, false, LANGSMITH_NOTHING);
  } else {
    put(lw, "not(");
    write_node(lw, kid);
    put(lw, ")");
  }
}

static void write_node(langsmith_writer *lw, const sq_node *node) {
  switch (node->kind) {
    case SQ_N_TRUE: put(lw, "has(metadata, '{}')"); break; /* of all pairs of none */
    case SQ_N_FALSE:
      if (sq_is_leaf(node)) write_leaf(lw, node, false);
      else put(lw, "not(has(metadata, '{}'))");
      break;
    case SQ_N_AND: write_and(lw, node); break;
    case SQ_N_OR: write_or(lw, node); break;
    case SQ_N_NOT: write_not(lw, node->kids[0]); break;
    case SQ_N_COMPARE: write_leaf(lw, node, false); break;
    case SQ_N_ENTRY: langsmith_write_entry(lw, node, false, false, LANGSMITH_NOTHING); break;
    default: sq_unsaid(lw->w, node, "%s", why_not(node->kind));
  }
}

static bool write_tree(sq_writer *w, const langsmith_vocabulary *vocabulary, const sq_node *tree) {
  langsmith_writer lw = {w, vocabulary};
  write_node(&lw, tree);
  return w->error->code == SQ_OK;
}

bool sq_langsmith_write(sq_writer *w, const sq_node *tree) { return write_tree(w, &langsmith_runs, tree); }
bool sq_langsmith_projects_write(sq_writer *w, const sq_node *tree) { return write_tree(w, &langsmith_projects, tree); }
