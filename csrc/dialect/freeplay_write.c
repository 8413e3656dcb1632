/* A tree as Freeplay's filter. The exact inverse of freeplay.c; besides, among is an OR of equals, a present member one
   that contains "", and an AND or OR of what is asked of one trace row is one of fields of the trace. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "dialect/freeplay.h"

static void write_node(sq_writer *w, const sq_node *node, bool in_trace, unsigned depth);

static bool is_text(const sq_value *value, const char *text) {
  return value->kind == SQ_STRING && sq_same_text(text, value->text, value->length);
}

static bool is_number(const sq_value *value) { return value->kind == SQ_STRING && sq_number_valid(value->text, value->length); }

/* ---------------------------------------------------------------------------------------------------- leaves */

static void begin_leaf(sq_writer *w, const freeplay_field *field, const char *key, size_t key_length, sq_op op) {
  sq_text name = {.allocator = w->out->allocator};
  sq_text_put(&name, field->name);
  if (field->keyed) {
    sq_text_byte(&name, '.');
    sq_text_append(&name, key, key_length);
  }
  if (name.failed) w->out->failed = true;
  const freeplay_operator *operator = freeplay_operators;
  while (operator->op != op) operator++;
  sq_text_put(w->out, "{\"field\":");
  sq_json_write_string(w->out, name.data ? name.data : "", name.length);
  sq_text_format(w->out, ",\"op\":\"%s\",\"value\":", operator->name);
  sq_text_free(&name);
}

/* As Freeplay writes times: "2026-11-20 10:00:00". */
static void write_time(sq_writer *w, const sq_node *leaf, int64_t micros) {
  sq_text time = {.allocator = w->out->allocator};
  if (!sq_write_time(&time, micros)) {
    sq_unsaid(w, leaf, SQ_NO_SUCH_YEAR);
  } else if (time.data) {
    *strchr(time.data, 'T') = ' ';
    sq_json_write_string(w->out, time.data, time.length - 1); /* without the Z */
  }
  if (time.failed) w->out->failed = true;
  sq_text_free(&time);
}

static void write_value(sq_writer *w, const freeplay_field *field, const sq_node *leaf, uint32_t which) {
  const sq_value *value = &leaf->values[which].value;
  if (value->kind == SQ_STRING) sq_json_write_string(w->out, value->text, value->length);
  else if (value->kind == SQ_REAL) sq_write_real(w->out, value->real);
  else if (sq_field_get(leaf->field)->type == SQ_T_TIME) write_time(w, leaf, value->integer);
  else sq_write_scaled(w->out, value->integer, field->kind == FREEPLAY_SECONDS ? 3 : 9);
}

static void write_comparison(sq_writer *w, const freeplay_field *field, const char *key, size_t key_length, const sq_node *leaf) {
  begin_leaf(w, field, key, key_length, leaf->op);
  if (leaf->op == SQ_OP_BETWEEN) sq_text_byte(w->out, '[');
  write_value(w, field, leaf, 0);
  if (leaf->op == SQ_OP_BETWEEN) {
    sq_text_byte(w->out, ',');
    write_value(w, field, leaf, 1);
    sq_text_byte(w->out, ']');
  }
  sq_text_byte(w->out, '}');
}

/* A comparison of the same field with a value of the dialect's own making. */
static void write_made(sq_writer *w, const freeplay_field *field, const sq_node *leaf, sq_op op, const char *json) {
  begin_leaf(w, field, leaf->name, leaf->name_length, op);
  sq_text_put(w->out, json);
  sq_text_byte(w->out, '}');
}

/* What never holds, said so that its field is kept. */
static void write_impossible(sq_writer *w, const freeplay_field *field, const sq_node *leaf) {
  static const char *const ranges[] = {
      [FREEPLAY_NUMBER] = "[1,0]", [FREEPLAY_SECONDS] = "[1,0]", [FREEPLAY_TIME] = "[\"1970-01-02 00:00:00\",\"1970-01-01 00:00:00\"]",
      [FREEPLAY_NOTE] = NULL};
  const char *range = field ? ranges[field->kind] : NULL;
  if (range) write_made(w, field, leaf, SQ_OP_BETWEEN, range);
  else if (field && field->kind == FREEPLAY_SCORE) write_made(w, field, leaf, SQ_OP_EQ, "1.00000000000000000001"); /* no double's decimal */
  else sq_text_put(w->out, "{\"or\":[]}");
}

/* The field has a value: what every value satisfies. */
static void write_present(sq_writer *w, const freeplay_field *field, const sq_node *leaf) {
  bool number = field->kind == FREEPLAY_NUMBER || field->kind == FREEPLAY_SECONDS;
  if (sq_field_get(leaf->field)->always) sq_text_put(w->out, "{}");
  else if (number) write_made(w, field, leaf, SQ_OP_LT, "1e30");
  else if (field->operators & FREEPLAY_OP(PHRASE)) write_made(w, field, leaf, SQ_OP_PHRASE, "\"\"");
  else sq_unsaid(w, leaf, "Freeplay cannot ask whether %s is there", field->name);
}

/* Why the value cannot stand in a comparison of the field; NULL: it can. */
static const char *objection(const freeplay_field *field, const sq_node *leaf, const sq_value *value) {
  bool as_text = leaf->flags & SQ_AS_TEXT, boolean = is_text(value, "true") || is_text(value, "false");
  if (value->kind == SQ_BOOLEAN) return "Freeplay's values are text and numbers";
  if (leaf->op == SQ_OP_PHRASE) return !field->keyed || as_text || sq_same_as_text(leaf) ? NULL : "Freeplay looks for words in numbers and booleans too";
  if (field->kind != FREEPLAY_SCORE) return NULL;
  if (is_number(value)) return "Freeplay takes text that is a number as one";
  if (value->kind != SQ_STRING) return NULL;
  if (leaf->op != SQ_OP_EQ && leaf->op != SQ_OP_AMONG) return "Freeplay orders numbers only";
  return boolean && !as_text ? "Freeplay takes it for the boolean, too" : NULL;
}

static bool can_say(sq_writer *w, const freeplay_field *field, const sq_node *leaf) {
  for (uint32_t i = 0; i < leaf->count; i++) {
    const char *why = objection(field, leaf, &leaf->values[i].value);
    if (!why) continue;
    sq_unsaid(w, leaf, "%s", why);
    return false;
  }
  return true;
}

static void write_choices(sq_writer *w, const freeplay_field *field, const sq_node *leaf) {
  if (leaf->count > 1) sq_text_put(w->out, "{\"or\":[");
  for (uint32_t i = 0; i < leaf->count; i++) {
    sq_node one = *leaf;
    one.op = SQ_OP_EQ;
    one.values = &leaf->values[i];
    one.count = 1;
    if (i) sq_text_byte(w->out, ',');
    write_comparison(w, field, leaf->name, leaf->name_length, &one);
  }
  if (leaf->count > 1) sq_text_put(w->out, "]}");
}

static const freeplay_field *find_field(const sq_node *leaf, bool in_trace) {
  for (const freeplay_field *field = freeplay_fields; field->name; field++)
    if (field->field == leaf->field && field->of_trace == in_trace && field->keyed == (leaf->name != NULL) &&
        field->kind != FREEPLAY_NOTE && field->kind != FREEPLAY_TRACE_ID)
      return field;
  return NULL;
}

static void write_leaf(sq_writer *w, const sq_node *leaf, bool in_trace) {
  const freeplay_field *field = find_field(leaf, in_trace);
  if (leaf->kind == SQ_N_FALSE) {
    write_impossible(w, field, leaf);
  } else if (!field) {
    sq_unsaid(w, leaf, in_trace ? "Freeplay has no such field of a trace" : "Freeplay has no such field");
  } else if (leaf->op == SQ_OP_PRESENT) {
    write_present(w, field, leaf);
  } else if (leaf->op == SQ_OP_AMONG) {
    if (can_say(w, field, leaf)) write_choices(w, field, leaf);
  } else if (leaf->op >= SQ_OP_COUNT || !(field->operators >> leaf->op & 1)) {
    sq_unsaid(w, leaf, "Freeplay's %s has no such operator", field->name);
  } else if (can_say(w, field, leaf)) {
    write_comparison(w, field, leaf->name, leaf->name_length, leaf);
  }
}

/* -------------------------------------------------------------------------------------------------- feedback */

static bool is_compare(const sq_node *node, sq_field field, sq_op op) {
  return node->kind == SQ_N_COMPARE && node->field == field && node->op == op;
}

/* One text looked for in value, score and comment: the comparison of the comment; else NULL. */
static const sq_node *searched_everywhere(const sq_node *node) {
  if (node->kind != SQ_N_OR || node->count != 3) return NULL;
  const sq_node *comment = node->kids[2];
  bool right = is_compare(node->kids[0], SQ_F_ENTRY_VALUE, SQ_OP_PHRASE) && (node->kids[0]->flags & SQ_AS_TEXT) &&
               is_compare(node->kids[1], SQ_F_ENTRY_SCORE, SQ_OP_PHRASE) && (node->kids[1]->flags & SQ_AS_TEXT) &&
               is_compare(comment, SQ_F_ENTRY_COMMENT, SQ_OP_PHRASE);
  for (uint32_t i = 0; right && i < 2; i++) {
    const sq_value *a = &node->kids[i]->values[0].value, *b = &comment->values[0].value;
    right = sq_compare_bytes(a->text, a->length, b->text, b->length) == 0;
  }
  return right ? comment : NULL;
}

static const freeplay_field *find_note(const sq_node *asked) {
  for (const freeplay_field *field = freeplay_fields; field->name; field++)
    if (field->kind == FREEPLAY_NOTE && asked->kind == SQ_N_COMPARE && asked->field == field->field && field->operators >> asked->op & 1)
      return field;
  return NULL;
}

static void write_entry(sq_writer *w, const sq_node *entry, bool in_trace) {
  const sq_node *both = entry->kids[0], *member = sq_entry_as_member(w, entry);
  if (member) {
    w->origin = entry;
    write_leaf(w, member, in_trace);
    w->origin = NULL;
    return;
  }
  bool keyed = entry->field == SQ_F_FEEDBACK && both->kind == SQ_N_AND && both->count == 2 &&
               is_compare(both->kids[0], SQ_F_ENTRY_KEY, SQ_OP_EQ);
  if (!keyed) {
    sq_unsaid(w, entry, "Freeplay asks about one key of feedback, and for words in it");
    return;
  }
  const sq_value *key = &both->kids[0]->values[0].value;
  const freeplay_field *note = !in_trace && is_text(key, FREEPLAY_NOTE_KEY) ? find_note(both->kids[1]) : NULL;
  const sq_node *words = searched_everywhere(both->kids[1]);
  if (note) {
    write_comparison(w, note, NULL, 0, both->kids[1]);
  } else if (words && key->length > 0) {
    const freeplay_field *field = freeplay_fields;
    while (field->field != SQ_F_FEEDBACK || field->of_trace != in_trace) field++;
    write_comparison(w, field, key->text, key->length, words);
  } else {
    sq_unsaid(w, entry, "Freeplay looks for words in all of a feedback, and for content, author and time of a note");
  }
}

/* --------------------------------------------------------------------------------------------------- the tree */

/* Whether `row` is enclosing(request_id = the text that `trace_id` is compared with): both together are Freeplay's trace_id. */
static bool are_halves(const sq_node *trace_id, const sq_node *row) {
  const sq_node *id = row->kind == SQ_N_ENCLOSING ? row->kids[0] : row;
  if (id == row || !is_compare(id, SQ_F_REQUEST_ID, SQ_OP_EQ) || !is_compare(trace_id, SQ_F_TRACE_ID, SQ_OP_EQ)) return false;
  const sq_value *a = &trace_id->values[0].value, *b = &id->values[0].value;
  return sq_compare_bytes(a->text, a->length, b->text, b->length) == 0;
}

/* Kid number `i` is a comparison of trace_id whose other half is among the kids: mostly it is the next one. */
static bool is_trace_id(const sq_node *any, uint32_t i) {
  const sq_node *kid = any->kids[i];
  if (!is_compare(kid, SQ_F_TRACE_ID, SQ_OP_EQ)) return false;
  bool found = i + 1 < any->count && are_halves(kid, any->kids[i + 1]);
  for (uint32_t j = 0; !found && j < any->count; j++) found = are_halves(kid, any->kids[j]);
  return found;
}

/* Kid number `i` is what such a comparison says, too. */
static bool is_other_half(const sq_node *any, uint32_t i) {
  const sq_node *kid = any->kids[i];
  if (kid->kind != SQ_N_ENCLOSING) return false;
  bool found = i > 0 && are_halves(any->kids[i - 1], kid);
  for (uint32_t j = 0; !found && j < any->count; j++) found = are_halves(any->kids[j], kid);
  return found;
}

static void write_trace_id(sq_writer *w, const sq_node *leaf) {
  const freeplay_field *field = freeplay_fields;
  while (field->kind != FREEPLAY_TRACE_ID) field++;
  write_comparison(w, field, NULL, 0, leaf);
}

static void write_many(sq_writer *w, const sq_node *node, bool in_trace, unsigned depth) {
  bool or = node->kind == SQ_N_OR && !in_trace;
  uint32_t written = 0, items = 0;
  for (uint32_t i = 0; i < node->count; i++) items += !(or && is_other_half(node, i));
  if (items > 1) sq_text_format(w->out, "{\"%s\":[", sq_node_name(node->kind));
  for (uint32_t i = 0; i < node->count; i++) {
    if (or && is_other_half(node, i)) continue;
    if (written++) sq_text_byte(w->out, ',');
    if (or && is_trace_id(node, i)) write_trace_id(w, node->kids[i]);
    else write_node(w, node->kids[i], in_trace, depth + 2);
  }
  if (items > 1) sq_text_put(w->out, "]}");
}

static void write_node(sq_writer *w, const sq_node *node, bool in_trace, unsigned depth) {
  if (depth > SQ_JSON_DEPTH - 4) {
    sq_unsaid(w, node, "it stands too deep for a JSON text");
    return;
  }
  switch (node->kind) {
    case SQ_N_COMPARE: write_leaf(w, node, in_trace); break;
    case SQ_N_AND:
    case SQ_N_OR: write_many(w, node, in_trace, depth); break;
    case SQ_N_ENTRY: write_entry(w, node, in_trace); break;
    case SQ_N_FALSE:
      if (node->level == SQ_LEVEL_SESSION) sq_unsaid(w, node, "Freeplay's filters are about requests");
      else if (node->level) write_leaf(w, node, in_trace);
      else sq_text_put(w->out, "{\"or\":[]}");
      break;
    case SQ_N_TRUE:
    case SQ_N_NOT:
      if (in_trace) {
        sq_unsaid(w, node, "Freeplay's not is true where there is no trace, too");
      } else {
        sq_text_put(w->out, node->kind == SQ_N_TRUE ? "{" : "{\"not\":");
        if (node->kind == SQ_N_NOT) write_node(w, node->kids[0], false, depth + 1);
        sq_text_byte(w->out, '}');
      }
      break;
    case SQ_N_ENCLOSING:
      if (!in_trace) {
        write_node(w, node->kids[0], true, depth);
        break;
      } /* falls through */
    default: sq_unsaid(w, node, "Freeplay asks about a completion and its trace, not for %s(…)", sq_node_name(node->kind));
  }
}

bool sq_freeplay_write(sq_writer *w, const sq_node *tree) {
  write_node(w, tree, false, 0);
  return sq_text_whole(w->out, w->error);
}
