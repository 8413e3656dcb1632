/* The tree as an expression: (and (gt latency_ms 2000) (eq properties."Os Platform" "linux")). */
#include <string.h>

#include "base/json.h"
#include "base/time.h"
#include "ir/ir.h"

bool sq_is_plain_key(const char *key, size_t length) {
  for (size_t i = 0; i < length; i++) {
    char c = key[i];
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (i > 0 && (c == '-' || (c >= '0' && c <= '9')));
    if (!plain) return false;
  }
  return length > 0;
}

void sq_dump_field(sq_text *out, const sq_node *node) {
  if (node->field == SQ_F_NONE) {
    sq_text_append(out, node->name, node->name_length);
    return;
  }
  sq_text_put(out, sq_field_get(node->field)->name);
  if (!node->name) return;
  sq_text_byte(out, '.');
  if (sq_is_plain_key(node->name, node->name_length)) sq_text_append(out, node->name, node->name_length);
  else sq_json_write_string(out, node->name, node->name_length);
}

static void dump_integer(sq_text *out, sq_type type, int64_t value) {
  char room[48];
  if (type == SQ_T_TIME) sq_text_append(out, room, sq_time_format(value, 0, -1, room));
  else if (type == SQ_T_MONEY) sq_text_append(out, room, sq_decimal_format(value, 9, room));
  else sq_json_write_integer(out, value);
}

static void dump_value(sq_text *out, sq_type type, const sq_value *value) {
  switch (value->kind) {
    case SQ_NULL: sq_text_put(out, "null"); break;
    case SQ_BOOLEAN: sq_text_put(out, value->boolean ? "true" : "false"); break;
    case SQ_INTEGER: dump_integer(out, type, value->integer); break;
    case SQ_REAL: sq_json_write_real(out, value->real); break;
    case SQ_NUMBER: sq_text_append(out, value->text, value->length); break;
    default: sq_json_write_string(out, value->text, value->length);
  }
}

static void dump_subject(sq_text *out, const sq_node *node) {
  if (node->flags & SQ_AS_TEXT) sq_text_put(out, "(text ");
  if (node->flags & SQ_OR_ZERO) sq_text_put(out, "(or-zero ");
  sq_dump_field(out, node);
  if (node->flags) sq_text_byte(out, ')');
}

void sq_dump(sq_text *out, const sq_node *node) {
  if (node->kind == SQ_N_TRUE || node->kind == SQ_N_FALSE) {
    sq_text_put(out, sq_node_name(node->kind));
    return;
  }
  sq_text_byte(out, '(');
  sq_text_put(out, node->kind == SQ_N_COMPARE ? sq_op_get(node->op)->name : sq_node_name(node->kind));
  if (node->kind == SQ_N_COMPARE) {
    sq_text_byte(out, ' ');
    dump_subject(out, node);
    for (uint32_t i = 0; i < node->count; i++) {
      sq_text_byte(out, ' ');
      dump_value(out, node->field == SQ_F_NONE ? SQ_T_TEXT : sq_field_get(node->field)->type, &node->values[i].value);
    }
  } else {
    if (node->kind == SQ_N_ENTRY) sq_text_format(out, " %s", sq_field_get(node->field)->name);
    for (uint32_t i = 0; i < node->count; i++) {
      sq_text_byte(out, ' ');
      sq_dump(out, node->kids[i]);
    }
  }
  sq_text_byte(out, ')');
}

void sq_dump_split(sq_text *out, const sq_split *split) {
  bool rows = split->rows->kind != SQ_N_TRUE, keep = split->keep->kind != SQ_N_TRUE;
  if (rows) {
    sq_text_put(out, "rows ");
    sq_dump(out, split->rows);
  }
  if (keep) {
    sq_text_put(out, rows ? " keep " : "keep ");
    sq_dump(out, split->keep);
  }
  if (!rows && !keep) sq_text_put(out, "all");
}
