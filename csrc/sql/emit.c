/* The tree walk: conditions as SQL. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "sql/sql.h"

#define MANY 64  /* from here on the values of an `among` go into one parameter */
#define STEEP 12 /* an AND, OR or NOT of more brackets is a chain: databases bound the depth of brackets */
#define WIDE 256 /* from here on an AND or OR is opaque to the planner, which takes quadratic time for its members */

/* Where the walk is. */
typedef struct walk {
  sq_sql *sql;
  const char *alias;   /* of the row */
  sq_field entries;    /* the map whose entry is asked about, or SQ_F_NONE */
  unsigned traces;     /* how many root and in_trace stand around */
  unsigned quantified; /* SOME and EVERY met so far */
  bool scalar_key;     /* of the groups: its text is asked about */
} walk;

static void put(sq_sql *sql, const char *text) { sq_text_put(&sql->text, text); }

/* --------------------------------------------------------------------------------------------- templates */

void sq_emit_parameter(sq_sql *sql, const sq_value *value) {
  if (!sq_arena_grow(sql->arena, &sql->values, sql->count, &sql->capacity, sizeof *value)) {
    sq_fail_memory(sql->error);
    return;
  }
  sql->values[sql->count++] = *value;
  sql->target->parameter(sql, sql->count);
}

static void emit_text_parameter(sq_sql *sql, const char *text, size_t length) {
  sq_emit_parameter(sql, &(sq_value){.kind = SQ_STRING, .length = (uint32_t)length, .text = text});
}

/* What fills a template's holes. */
typedef struct holes {
  const char *alias;
  void (*subject)(const struct holes *holes);
  sq_sql *sql;
  const sq_node *node;
  walk *walk;
  const char *text;        /* subject_text */
  sq_field field;          /* subject_field */
  const sq_operand *operands; /* of a comparison, or else */
  const sq_value *values;
  int number;
} holes;

static void expand(sq_sql *sql, const char *template, const holes *h) {
  size_t used = 0;
  while (*template) {
    size_t plain = strcspn(template, "@#$%");
    sq_text_append(&sql->text, template, plain);
    template += plain;
    switch (*template) {
      case '@': h->subject(h); break;
      case '#': sq_emit_parameter(sql, h->operands ? &h->operands[used++].value : &h->values[used++]); break;
      case '$': sq_emit_column(sql, h->alias, ""); break;
      case '%': sq_text_format(&sql->text, "%d", h->number); break;
      default: return;
    }
    template++;
  }
}

static void subject_text(const holes *h) { put(h->sql, h->text); }
static void subject_field(const holes *h) { sq_emit_field(h->sql, h->field, h->alias, false); }

void sq_emit_template(sq_sql *sql, const char *template, const char *alias, sq_field subject, int number) {
  expand(sql, template, &(holes){.alias = alias, .subject = subject_field, .sql = sql, .field = subject, .number = number});
}

void sq_emit_values(sq_sql *sql, const char *template, const char *alias, sq_field subject, const sq_value *values) {
  expand(sql, template, &(holes){.alias = alias, .subject = subject_field, .sql = sql, .field = subject, .values = values});
}

void sq_emit_column(sq_sql *sql, const char *alias, const char *column) {
  put(sql, alias);
  sq_text_byte(&sql->text, '.');
  put(sql, column);
}

void sq_emit_field(sq_sql *sql, sq_field field, const char *alias, bool recorded) {
  const sq_field_row *row = sq_field_get(field);
  const char *expression = sql->target->field[field] ? sql->target->field[field] : row->sql;
  bool bare = !expression || (recorded && row->home == SQ_HOME_ROW);
  if (bare) sq_emit_column(sql, alias, row->column);
  else expand(sql, expression, &(holes){.alias = alias, .sql = sql});
}

void sq_emit_scope(sq_sql *sql, const char *alias) {
  const struct {
    const char *value, *column;
  } parts[] = {{sql->scope->organization, "organization_id"}, {sql->scope->project, "project"}};
  for (size_t i = 0; i < 2; i++) {
    if (!parts[i].value) continue;
    sq_text_format(&sql->text, "%s.%s = ", alias, parts[i].column);
    emit_text_parameter(sql, parts[i].value, strlen(parts[i].value));
    put(sql, " AND ");
  }
}

/* -------------------------------------------------------------------------------------------- the subject */

static bool is_document(sq_field field) { return sq_field_get(field)->home == SQ_HOME_BODY; }

static sq_scalar_view view_of(const sq_node *node) {
  if (node->op == SQ_OP_PRESENT) return SQ_VIEW_TYPE;
  if (node->flags & SQ_AS_TEXT && !is_document(node->field)) return SQ_VIEW_AS_TEXT;
  if (node->flags & SQ_AS_TEXT) return node->op == SQ_OP_PHRASE ? SQ_VIEW_READABLE : SQ_VIEW_AS_JSON;
  sq_kind kind = node->values[0].value.kind;
  return kind == SQ_REAL ? SQ_VIEW_NUMBER : kind == SQ_BOOLEAN ? SQ_VIEW_BOOLEAN : SQ_VIEW_STRING;
}

static void put_session_column(walk *w, const sq_node *node) {
  const sq_field_row *row = sq_field_get(node->field);
  if (node->field == SQ_F_SESSION_KEY) put(w->sql, w->scalar_key ? w->sql->target->text_of_key : "s.k1");
  else if (sq_aggregate_stage(row->aggregate) == SQ_STAGE_OWN) sq_emit_template(w->sql, w->sql->target->aggregate[row->aggregate], "s", SQ_F_NONE, 0);
  else sq_emit_column(w->sql, "s", sq_field_short_name(node->field));
}

static const char *const *entry_members(const walk *w) {
  const sq_sql_target *target = w->sql->target;
  if (w->entries == SQ_F_FEEDBACK) return target->feedback_member;
  return is_document(w->entries) ? target->document_entry_member : target->entry_member;
}

/* The field's own expression. */
static void put_field(walk *w, const sq_node *node) {
  switch (sq_field_get(node->field)->level) {
    case SQ_LEVEL_REQUEST: sq_emit_field(w->sql, node->field, w->alias, false); break;
    case SQ_LEVEL_SESSION: put_session_column(w, node); break;
    case SQ_LEVEL_ENTRY: put(w->sql, entry_members(w)[node->field]);
  }
}

static void subject_of_field(const holes *h) { put_field(h->walk, h->node); }

/* The arguments of a view: the map and the key, or the scalar itself. */
static void subject_of_view(const holes *h) {
  const sq_node *node = h->node;
  if (!node->name) {
    put_field(h->walk, node);
    return;
  }
  const sq_value key = {.kind = SQ_STRING, .length = node->name_length, .text = node->name};
  holes inner = *h;
  inner.subject = subject_of_field;
  inner.operands = NULL;
  inner.values = &key;
  expand(h->sql, is_document(node->field) ? h->sql->target->document_member : h->sql->target->member, &inner);
}

static void subject_of_compare(const holes *h) {
  holes inner = *h;
  inner.subject = subject_of_field;
  if (sq_seen_type(h->node) == SQ_T_SCALAR) {
    inner.subject = subject_of_view;
    expand(h->sql, h->sql->target->view[view_of(h->node)], &inner);
  } else if (h->node->flags & SQ_OR_ZERO) {
    expand(h->sql, h->sql->target->or_zero, &inner);
  } else {
    subject_of_field(&inner);
  }
}

/* ------------------------------------------------------------------------------------------- comparisons */

/* All values as one JSON array. Real numbers keep their shortest form, so the same double comes back. */
static void put_many(sq_sql *sql, const sq_node *node, const holes *h) {
  sq_text array = {.allocator = sql->arena->allocator};
  for (uint32_t i = 0; i < node->count; i++) {
    const sq_value *value = &node->values[i].value;
    sq_text_byte(&array, i ? ',' : '[');
    if (value->kind == SQ_STRING) sq_json_write_string(&array, value->text, value->length);
    else if (value->kind == SQ_INTEGER) sq_json_write_integer(&array, value->integer);
    else if (value->kind == SQ_REAL) sq_json_write_real(&array, value->real);
    else sq_json_write_integer(&array, value->boolean);
  }
  sq_text_byte(&array, ']');
  char *copy = array.failed ? NULL : sq_arena_copy(sql->arena, array.data, array.length);
  const sq_value whole = {.kind = SQ_STRING, .length = (uint32_t)array.length, .text = copy};
  sq_text_free(&array);
  if (!copy) {
    sq_fail_memory(sql->error);
    return;
  }
  holes many = *h;
  many.operands = NULL;
  many.values = &whole;
  expand(sql, sql->target->among_many, &many);
}

static void put_among(sq_sql *sql, const sq_node *node, const holes *h) {
  h->subject(h);
  put(sql, " IN (");
  for (uint32_t i = 0; i < node->count; i++) {
    if (i) put(sql, ", ");
    sq_emit_parameter(sql, &node->values[i].value);
  }
  put(sql, ")");
}

static void put_operator(sq_sql *sql, const sq_node *node, const holes *h) {
  bool document = sq_field_get(node->field)->home == SQ_HOME_BODY && !node->name;
  if (node->op == SQ_OP_PHRASE && document) expand(sql, sql->target->document_phrase, h);
  else if (node->op == SQ_OP_AMONG && node->count >= MANY) put_many(sql, node, h);
  else if (node->op == SQ_OP_AMONG) put_among(sql, node, h);
  else expand(sql, sql->target->compare[node->op], h);
}

/* Of a whole body: a member's text may have other words than the JSON that it is written in. */
static bool asks_for_words(const sq_sql *sql, const sq_node *node) {
  return node->op == SQ_OP_PHRASE && sq_field_get(node->field)->home == SQ_HOME_BODY && !node->name && sql->words && sql->target->may_have_words &&
         sql->words->helps(sql->words->state, &node->values[0].value);
}

static void walk_compare(walk *w, const sq_node *node) {
  sq_sql *sql = w->sql;
  holes h = {.alias = w->alias, .subject = subject_of_compare, .sql = sql, .node = node, .walk = w, .operands = node->values};
  bool of_element = sq_field_get(node->field)->type == SQ_T_LIST && node->op != SQ_OP_PRESENT;
  if (asks_for_words(sql, node)) {
    put(sql, "(");
    expand(sql, sql->target->may_have_words, &h);
    put(sql, " AND ");
    put_operator(sql, node, &h);
    put(sql, ")");
    return;
  }
  if (!of_element) {
    put_operator(sql, node, &h);
    return;
  }
  h.subject = subject_of_field;
  expand(sql, sql->target->any_element, &h);
  h.subject = subject_text;
  h.text = sql->target->element;
  put_operator(sql, node, &h);
  put(sql, sql->target->any_close);
}

/* ---------------------------------------------------------------------------------------------- the tree */

static void walk_node(walk *w, const sq_node *node);

/* Balanced, so that a thousand members nest ten deep: databases bound the depth of expressions. */
static void walk_many(walk *w, const sq_node *node, uint32_t from, uint32_t to) {
  if (to - from == 1) {
    walk_node(w, node->kids[from]);
    return;
  }
  uint32_t middle = from + (to - from) / 2;
  put(w->sql, "(");
  walk_many(w, node, from, middle);
  put(w->sql, node->kind == SQ_N_AND ? " AND " : " OR ");
  walk_many(w, node, middle, to);
  put(w->sql, ")");
}

static void subject_of_many(const holes *h) { walk_many(h->walk, h->node, 0, h->node->count); }

static void walk_wide(walk *w, const sq_node *node) {
  expand(w->sql, w->sql->target->opaque, &(holes){.subject = subject_of_many, .sql = w->sql, .node = node, .walk = w});
}

static void subject_of_node(const holes *h) { walk_node(h->walk, h->node); }

static void put_negated(walk *w, const sq_node *node) {
  expand(w->sql, w->sql->target->negate, &(holes){.subject = subject_of_node, .sql = w->sql, .node = node, .walk = w});
}

static void walk_not(walk *w, const sq_node *node) {
  const sq_node *kid = node->kids[0];
  if (kid->kind == SQ_N_COMPARE && kid->op == SQ_OP_PRESENT) { /* plainer, and it can use an index */
    holes h = {.alias = w->alias, .subject = subject_of_compare, .sql = w->sql, .node = kid, .walk = w};
    expand(w->sql, w->sql->target->compare[SQ_OP_ABSENT], &h);
    return;
  }
  put_negated(w, kid);
}

/* This row's trace is among the traces that have such a row. */
static void walk_trace(walk *w, const sq_node *node) {
  sq_sql *sql = w->sql;
  char alias[16];
  walk inner = *w;
  snprintf(alias, sizeof alias, "t%u", w->traces);
  inner.alias = alias;
  inner.traces++;
  sq_text_format(&sql->text, "(%s.organization_id, %s.project, %s.trace_id) IN (SELECT %s.organization_id, %s.project, %s.trace_id FROM request AS %s WHERE ",
                 w->alias, w->alias, w->alias, alias, alias, alias, alias);
  sq_emit_scope(sql, alias);
  sq_text_format(&sql->text, "%s.trace_id IS NOT NULL AND ", alias);
  if (node->kind == SQ_N_ROOT) sq_text_format(&sql->text, "%s.parent_id IS NULL AND ", alias);
  walk_node(&inner, node->kids[0]);
  put(sql, ")");
}

static void put_template(walk *w, const char *template, const char *alias) { sq_emit_template(w->sql, template, alias, SQ_F_NONE, 0); }

static void put_owner(sq_sql *sql, const char *alias) { sq_text_format(&sql->text, "%s.organization_id, %s.project, ", alias, alias); }

/* ENCLOSING: the trace row around this row is among those that satisfy it. ENCLOSED: this one is among those around
   completions that do. */
static void walk_enclosing(walk *w, const sq_node *node) {
  const sq_sql_target *target = w->sql->target;
  bool around = node->kind == SQ_N_ENCLOSING;
  char alias[16];
  walk inner = *w;
  snprintf(alias, sizeof alias, "t%u", w->traces);
  inner.alias = alias;
  inner.traces++;
  if (!around) {
    put(w->sql, "(");
    put_template(w, target->trace_row, w->alias);
    put(w->sql, " AND ");
  }
  put(w->sql, "(");
  put_owner(w->sql, w->alias);
  put_template(w, around ? target->enclosing_row : "$request_id", w->alias);
  put(w->sql, ") IN (SELECT ");
  put_owner(w->sql, alias);
  put_template(w, around ? "$request_id" : target->enclosing_completion, alias);
  sq_text_format(&w->sql->text, " FROM request AS %s WHERE ", alias);
  sq_emit_scope(w->sql, alias);
  put_template(w, around ? target->trace_row : target->completion, alias);
  put(w->sql, " AND ");
  walk_node(&inner, node->kids[0]);
  put(w->sql, around ? ")" : "))");
}

static void walk_entry(walk *w, const sq_node *node) {
  const sq_sql_target *target = w->sql->target;
  holes h = {.alias = w->alias, .subject = subject_of_field, .sql = w->sql, .node = node, .walk = w};
  bool document = is_document(node->field);
  expand(w->sql, node->field == SQ_F_FEEDBACK ? target->entry_of_feedback : document ? target->entry_of_document : target->entry_of_map, &h);
  w->entries = node->field;
  walk_node(w, node->kids[0]);
  w->entries = SQ_F_NONE;
  put(w->sql, target->entry_close);
}

/* ---------------------------------------------------------------------------------------- steep trees */

static bool is_connective(const sq_node *node) { return node->kind == SQ_N_AND || node->kind == SQ_N_OR || node->kind == SQ_N_NOT; }

/* How many brackets it opens at its deepest, as walk_many writes them; counting ends beyond `enough`. */
static unsigned count_brackets(const sq_node *node, unsigned enough) {
  if (!is_connective(node) || enough == 0) return 0;
  unsigned own = 1, most = 0;
  while (own < 32 && (UINT32_C(1) << own) < node->count) own++;
  for (uint32_t i = 0; own < enough && i < node->count; i++) {
    unsigned brackets = count_brackets(node->kids[i], enough - own);
    if (brackets > most) most = brackets;
  }
  return own + most;
}

/* Inside of root and in_trace, which nest themselves, there is less room. */
static bool is_steep(const walk *w, const sq_node *node) {
  unsigned most = STEEP >> w->traces;
  return node->kind != SQ_N_NOT && count_brackets(node, most + 1) > most;
}

static size_t count_leaves(const sq_node *node) {
  if (!is_connective(node)) return 1;
  size_t leaves = 0;
  for (uint32_t i = 0; i < node->count; i++) leaves += count_leaves(node->kids[i]);
  return leaves;
}

static unsigned count_quantified(const sq_node *node) {
  if (node->kind == SQ_N_SOME || node->kind == SQ_N_EVERY) return 1;
  unsigned quantified = 0;
  for (uint32_t i = 0; is_connective(node) && i < node->count; i++) quantified += count_quantified(node->kids[i]);
  return quantified;
}

static uint32_t heaviest_kid(const sq_node *node) {
  uint32_t heaviest = 0;
  size_t most = 0;
  for (uint32_t i = 0; i < node->count; i++) {
    size_t leaves = count_leaves(node->kids[i]);
    if (leaves <= most) continue;
    most = leaves;
    heaviest = i;
  }
  return heaviest;
}

/* One link: the kids of an AND or OR but for the one that the chain goes on with. Each of them decides the
   whole when an AND's does not hold, or an OR's does. */
static void put_link(walk *w, const sq_node *node, uint32_t onward, bool negated, unsigned *quantified) {
  unsigned met = *quantified;
  for (uint32_t i = 0; i < node->count; i++) {
    w->quantified = met;
    met += count_quantified(node->kids[i]);
    if (i == onward) {
      *quantified = w->quantified;
      continue;
    }
    put(w->sql, " WHEN ");
    if (node->kind == SQ_N_AND) put_negated(w, node->kids[i]);
    else walk_node(w, node->kids[i]);
    put(w->sql, (node->kind == SQ_N_OR) != negated ? " THEN TRUE" : " THEN FALSE");
  }
}

/* or(a, and(b, not(or(c, d)))) as CASE WHEN a THEN TRUE WHEN b is not true THEN FALSE WHEN c THEN FALSE ELSE
   d is not true END: however long, it nests no deeper. Following the heaviest kid leaves to nest at most the
   logarithm of the number of leaves. */
static void walk_steep(walk *w, const sq_node *node) {
  unsigned before = w->quantified, quantified = before;
  bool negated = false;
  const sq_node *at = node;
  put(w->sql, "CASE");
  while (is_connective(at)) {
    uint32_t onward = at->kind == SQ_N_NOT ? 0 : heaviest_kid(at);
    if (at->kind == SQ_N_NOT) negated = !negated;
    else put_link(w, at, onward, negated, &quantified);
    at = at->kids[onward];
  }
  put(w->sql, " ELSE ");
  w->quantified = quantified;
  if (negated) put_negated(w, at);
  else walk_node(w, at);
  put(w->sql, " END");
  w->quantified = before + count_quantified(node);
}

/* ------------------------------------------------------------------------------------------ the whole walk */

static void walk_connective(walk *w, const sq_node *node) {
  if (is_steep(w, node)) walk_steep(w, node);
  else if (node->kind == SQ_N_NOT) walk_not(w, node);
  else if (node->count < WIDE) walk_many(w, node, 0, node->count);
  else walk_wide(w, node);
}

static void walk_node(walk *w, const sq_node *node) {
  switch (node->kind) {
    case SQ_N_TRUE: put(w->sql, "TRUE"); break;
    case SQ_N_FALSE: put(w->sql, "FALSE"); break;
    case SQ_N_AND:
    case SQ_N_OR:
    case SQ_N_NOT: walk_connective(w, node); break;
    case SQ_N_SOME:
    case SQ_N_EVERY: sq_text_format(&w->sql->text, "s.quantified_%u", w->quantified++); break;
    case SQ_N_ROOT:
    case SQ_N_IN_TRACE: walk_trace(w, node); break;
    case SQ_N_ENCLOSING:
    case SQ_N_ENCLOSED: walk_enclosing(w, node); break;
    case SQ_N_ENTRY: walk_entry(w, node); break;
    case SQ_N_COMPARE: walk_compare(w, node); break;
  }
}

/* The members of the top AND stay apart, however steep they are: the planner looks for indexes there. */
static void walk_whole(walk *w, const sq_node *filter) {
  if (filter->kind == SQ_N_AND && filter->count < WIDE) walk_many(w, filter, 0, filter->count);
  else walk_node(w, filter);
}

void sq_emit_rows(sq_sql *sql, const sq_node *filter, const char *alias) { walk_whole(&(walk){.sql = sql, .alias = alias}, filter); }

void sq_emit_keep(sq_sql *sql, const sq_node *filter, bool scalar_key) {
  walk_whole(&(walk){.sql = sql, .alias = "s", .scalar_key = scalar_key}, filter);
}
