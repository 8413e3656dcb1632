/* One session over all its fragments: what is shown of it, and what needs its rows. */
#include "exec/run.h"

#include <stdlib.h>

#include "base/json.h"

bool sq_whole_open(sq_run *run, uint32_t code, uint32_t block, uint32_t fragment, sq_whole *out) {
  *out = (sq_whole){.code = code, .number = ++run->wholes, .one = {block, fragment}, .count = 1};
  if (block != UINT32_MAX) return true;
  int64_t count = sq_view_fragments(run->view, code, &out->refs, run->error);
  if (count < 0) return false;
  out->count = (size_t)count;
  return true;
}

void sq_whole_close(sq_whole *whole) {
  free(whole->refs);
  whole->refs = NULL;
}

static const sq_fragment_ref *refs_of(const sq_whole *whole) { return whole->refs ? whole->refs : &whole->one; }

/* --------------------------------------------------------------------------------- fragment by fragment */

/* The rows of one fragment that pass. */
typedef struct part {
  sq_state *state;
  uint32_t fragment, first, count;
  bool measured;
  uint32_t at;          /* of its rows among those of the session, when they were asked for; of no use else */
  const uint32_t *rows; /* NULL when it is measured and nobody asked for rows: they are `count` from `first` on */
} part;

/* Takes a fragment that has rows that pass. */
typedef bool part_taker(sq_run *run, const part *part, void *taker);

/* The rows so far stay when there must be room for more. */
static uint32_t *more_rows(sq_run *run, size_t used, size_t more) {
  sq_room *room = &run->rooms[SQ_ROOM_WHOLE];
  size_t wanted = (used + more) * sizeof(uint32_t);
  if (wanted > room->size || !room->data) {
    void *data = realloc(room->data, 2 * wanted + 256);
    if (!data) {
      sq_fail_memory(run->error);
      return NULL;
    }
    *room = (sq_room){data, 2 * wanted + 256};
  }
  return (uint32_t *)room->data + used;
}

/* The fragment's rows go behind the `*used` that are there. */
static bool find_part(sq_run *run, sq_state *state, uint32_t fragment, bool rows_too, size_t *used, part *out) {
  int64_t first = 0, last = 0;
  sq_column_integer(&state->starts, fragment, &first);
  sq_column_integer(&state->starts, fragment + 1, &last);
  *out = (part){state, fragment, (uint32_t)first, (uint32_t)(last - first), sq_state_is_measured(run, state, fragment), UINT32_MAX, NULL};
  if (out->measured && !rows_too && (state->all_scope || sq_state_in_scope(run, state, out->first))) return true;
  uint32_t *rows = more_rows(run, *used, out->count);
  int64_t count = rows ? sq_state_fragment_rows(run, state, fragment, rows) : -1;
  out->at = (uint32_t)*used;
  out->count = (uint32_t)count;
  *used += count > 0 ? (size_t)count : 0;
  return count >= 0;
}

/* The parts of a session are asked for many times: they stay until those of another are. */
static bool find_parts(sq_run *run, const sq_whole *whole, bool rows_too) {
  if (run->parts_of == whole->number && (run->parts_have_rows || !rows_too)) return true;
  part *parts = sq_run_room(run, SQ_ROOM_PARTS, whole->count * sizeof *parts + 1);
  size_t used = 0;
  run->parts_of = 0;
  run->parts = 0;
  if (!parts) return false;
  for (size_t i = 0; i < whole->count; i++) {
    const sq_fragment_ref *ref = &refs_of(whole)[i];
    sq_state *state = sq_run_state(run, ref->block);
    if (!state || (!state->empty && !find_part(run, state, ref->fragment, rows_too, &used, &parts[run->parts]))) return false;
    run->parts += !state->empty && parts[run->parts].count > 0;
  }
  for (size_t i = 0; i < run->parts; i++)
    if (parts[i].at != UINT32_MAX) parts[i].rows = (uint32_t *)run->rooms[SQ_ROOM_WHOLE].data + parts[i].at;
  run->parts_of = whole->number;
  run->parts_have_rows = rows_too;
  return true;
}

static bool each_part(sq_run *run, const sq_whole *whole, bool rows_too, part_taker *take, void *taker) {
  if (!find_parts(run, whole, rows_too)) return false;
  const part *parts = run->rooms[SQ_ROOM_PARTS].data;
  for (size_t i = 0; i < run->parts; i++)
    if (!take(run, &parts[i], taker)) return false;
  return true;
}

/* --------------------------------------------------------------------------------------------------- slots */

typedef struct slots_taker {
  sq_slot_set set;
  int64_t *out;
} slots_taker;

static bool take_slots(sq_run *run, const part *p, void *taker) {
  const slots_taker *t = taker;
  for (sq_slot_set left = t->set & SQ_MEASURES; left; left &= left - 1) {
    unsigned slot = (unsigned)__builtin_ctz(left);
    int64_t value = SQ_ABSENT;
    if (p->measured) {
      const sq_column *column = sq_state_measure(run, p->state, (sq_measure)slot);
      if (!column) return false;
      sq_column_integer(column, p->fragment, &value);
      run->exec->traffic.bytes += 64;
    } else {
      int64_t *values = sq_run_room(run, SQ_ROOM_WHOLE_VALUES, p->count * sizeof *values);
      if (!values || !sq_slot_rows(run, p->state, slot, p->rows, p->count, values)) return false;
      value = sq_slot_reduce(slot, values, p->count);
    }
    t->out[slot] = sq_slot_merge(slot, t->out[slot], value);
  }
  run->exec->traffic.fragments += p->measured;
  return true;
}

/* The scratch keeps what it has when it grows. */
static int64_t *grow_sample(sq_run *run, size_t count) {
  sq_room *room = &run->rooms[SQ_ROOM_SAMPLE];
  if (count * sizeof(int64_t) <= room->size) return room->data;
  size_t wanted = 2 * count * sizeof(int64_t) + 256;
  void *data = realloc(room->data, wanted);
  if (!data) {
    sq_fail_memory(run->error);
    return NULL;
  }
  *room = (sq_room){data, wanted};
  return data;
}

typedef struct sample_taker {
  unsigned slot;
  size_t count;
} sample_taker;

static bool take_sample(sq_run *run, const part *p, void *taker) {
  sample_taker *t = taker;
  int64_t *sample = grow_sample(run, t->count + p->count);
  if (!sample || !sq_slot_rows(run, p->state, t->slot, p->rows, p->count, sample + t->count)) return false;
  t->count += p->count;
  return true;
}

/* The slots of all percentiles of the same values, of which `slot` is the first that is asked for. */
static sq_slot_set slots_beside(sq_slot_set set, unsigned slot) {
  sq_slot_set beside = 0;
  for (unsigned other = slot; other < SQ_SLOTS; other++)
    if (set >> other & 1 && sq_quantile_source(other) == sq_quantile_source(slot)) beside |= UINT32_C(1) << other;
  return beside;
}

bool sq_whole_slots(sq_run *run, const sq_whole *whole, sq_slot_set set, int64_t *out) {
  for (unsigned slot = 0; slot < SQ_SLOTS; slot++) out[slot] = SQ_ABSENT;
  slots_taker taker = {set, out};
  if (set & SQ_MEASURES && !each_part(run, whole, (set & ~SQ_MEASURES) != 0, take_slots, &taker)) return false;
  for (sq_slot_set left = set & ~SQ_MEASURES; left;) {
    sample_taker sample = {(unsigned)__builtin_ctz(left), 0};
    sq_slot_set same = slots_beside(left, sample.slot);
    if (!each_part(run, whole, true, take_sample, &sample)) return false;
    sq_quantiles_of(run->rooms[SQ_ROOM_SAMPLE].data, (uint32_t)sample.count, same, out);
    left &= ~same;
  }
  return true;
}

/* --------------------------------------------------------------------------------------------------- texts */

bool sq_run_copy(sq_run *run, sq_value *out, sq_kind kind, const char *text, size_t length) {
  char *copy = sq_arena_copy(&run->row, text, length);
  if (!copy) return sq_fail_memory(run->error);
  *out = (sq_value){.kind = kind, .length = (uint32_t)length, .text = copy};
  return true;
}

static bool give_text(sq_run *run, sq_text *text, bool any, sq_value *out) {
  *out = (sq_value){.kind = SQ_NULL};
  bool good = sq_text_whole(text, run->error) && (!any || sq_run_copy(run, out, SQ_JSON, text->data, text->length));
  sq_text_free(text);
  return good;
}

/* Sorted JSON array of a set; NULL value when it is empty. */
static bool give_list(sq_run *run, sq_distinct *set, sq_value *out) {
  sq_text text = {0};
  if (set->count) sq_distinct_write(set, &text);
  return give_text(run, &text, set->count > 0, out);
}

bool sq_run_statistics(sq_run *run, sq_statistics *statistics, sq_value *out) {
  sq_text text = {0};
  if (statistics->count) sq_statistics_write(statistics, &text);
  return give_text(run, &text, statistics->count > 0, out);
}

/* ---------------------------------------------------------------------------------------------- the name */

/* -1, 0, 1; after an error 0. */
static int compare_rows(sq_run *run, sq_field field, sq_state *state, uint32_t row, const sq_latest *old) {
  const sq_column *mine = sq_state_field(run, state, field), *its = sq_state_field(run, old->state, field);
  char room[2][37];
  size_t length[2] = {0, 0};
  const char *a = mine ? sq_column_text(mine, row, room[0], &length[0]) : NULL;
  const char *b = its ? sq_column_text(its, old->row, room[1], &length[1]) : NULL;
  return a && b ? sq_compare_bytes(a, length[0], b, length[1]) : 0;
}

static bool is_later(sq_run *run, const sq_latest *old, sq_state *state, uint32_t row, int64_t time) {
  if (!old->state || time != old->time) return !old->state || time > old->time;
  int way = compare_rows(run, SQ_F_REQUEST_ID, state, row, old);
  return (way ? way : compare_rows(run, SQ_F_PROJECT, state, row, old)) > 0;
}

void sq_latest_take(sq_run *run, sq_latest *latest, sq_state *state, uint32_t row) {
  int64_t time = 0;
  sq_column_integer(&state->times, row, &time);
  if (is_later(run, latest, state, row, time)) *latest = (sq_latest){state, row, time};
}

bool sq_latest_name(sq_run *run, const sq_latest *latest, sq_value *out) {
  char room[37];
  size_t length = 0;
  const char *text = "";
  if (latest->state) {
    const sq_column *names = sq_state_field(run, latest->state, SQ_F_SESSION_NAME);
    text = names ? sq_column_text(names, latest->row, room, &length) : NULL;
  }
  return sq_run_copy(run, out, SQ_STRING, text ? text : "", length);
}

static bool take_named(sq_run *run, const part *p, sq_latest *latest) {
  const sq_column *named = sq_state_named(run, p->state);
  int64_t offset;
  if (named && sq_column_integer(named, p->fragment, &offset)) sq_latest_take(run, latest, p->state, p->first + (uint32_t)offset);
  return run->error->code == SQ_OK;
}

static bool take_latest(sq_run *run, const part *p, void *taker) {
  if (p->measured) return take_named(run, p, taker);
  const sq_column *names = sq_state_field(run, p->state, SQ_F_SESSION_NAME);
  if (!names) return false;
  uint32_t i = p->count;
  while (i > 0 && !sq_column_has(names, p->rows[i - 1])) i--;
  if (i > 0) sq_latest_take(run, taker, p->state, p->rows[i - 1]);
  return run->error->code == SQ_OK;
}

static bool name_of(sq_run *run, const sq_whole *whole, sq_value *out) {
  sq_latest latest = {0};
  return each_part(run, whole, false, take_latest, &latest) && sq_latest_name(run, &latest, out);
}

/* --------------------------------------------------------------------------------------------- distinct sets */

static bool add_element(sq_distinct *set, const sq_json *reader) {
  if (!reader->escaped) return sq_distinct_add(set, reader->token, reader->length);
  char *plain = malloc(reader->length + 1);
  bool added = plain && sq_distinct_add(set, plain, sq_json_unescape(reader->token, reader->length, plain));
  free(plain);
  return added;
}

bool sq_distinct_add_list(sq_distinct *set, const char *json, size_t length) {
  sq_json reader;
  sq_json_begin(&reader, json, length);
  if (sq_json_next(&reader) != SQ_TOKEN_ARRAY) return true;
  while (sq_json_next(&reader) == SQ_TOKEN_STRING)
    if (!add_element(set, &reader)) return false;
  return true;
}

typedef struct distinct_taker {
  sq_field source;
  bool lists;
  sq_distinct set;
} distinct_taker;

#define NOTED_ENTRIES 4096

/* Whether an entry is met again; of large dictionaries only when it comes twice in a row. */
typedef struct noted {
  bool bits_too;
  uint32_t before;
  uint64_t bits[NOTED_ENTRIES / 64];
} noted;

static void note_none(noted *n, uint32_t entries) {
  n->before = UINT32_MAX;
  n->bits_too = entries <= NOTED_ENTRIES;
  if (n->bits_too) memset(n->bits, 0, (entries + 63) / 64 * sizeof *n->bits);
}

static bool note(noted *n, uint32_t entry) {
  bool again = entry == n->before || (n->bits_too && n->bits[entry >> 6] >> (entry & 63) & 1);
  n->before = entry;
  if (n->bits_too) n->bits[entry >> 6] |= UINT64_C(1) << (entry & 63);
  return again;
}

static bool take_distinct(sq_run *run, const part *p, void *taker) {
  distinct_taker *t = taker;
  const sq_column *column = sq_state_field(run, p->state, t->source);
  uint32_t entry;
  noted met;
  if (!column) return false;
  note_none(&met, column->dictionary.count);
  for (uint32_t i = 0; i < p->count; i++) {
    char room[37];
    size_t length;
    if (!sq_column_entry(column, p->rows[i], &entry) || note(&met, entry)) continue;
    const char *text = sq_dictionary_text(&column->dictionary, entry, room, &length);
    bool added = t->lists ? sq_distinct_add_list(&t->set, text, length) : sq_distinct_add(&t->set, text, length);
    if (!added) return sq_fail_memory(run->error);
  }
  return true;
}

static bool distinct_of(sq_run *run, const sq_whole *whole, sq_field source, bool lists, sq_value *out) {
  distinct_taker taker = {.source = source, .lists = lists};
  bool good = each_part(run, whole, true, take_distinct, &taker) && give_list(run, &taker.set, out);
  sq_distinct_free(&taker.set);
  return good;
}

/* ------------------------------------------------------------------------------------------------ feedback */

bool sq_add_feedback(sq_run *run, sq_state *state, const uint32_t *rows, uint32_t count, sq_statistics *into) {
  const sq_lookups *lookups = run->exec->lookups;
  static const sq_field fields[3] = {SQ_F_ORGANIZATION_ID, SQ_F_PROJECT, SQ_F_REQUEST_ID};
  const sq_column *columns[3];
  for (size_t k = 0; k < 3; k++)
    if (!(columns[k] = sq_state_field(run, state, fields[k]))) return false;
  for (uint32_t i = 0; i < count; i++) {
    char room[3][37];
    const char *texts[3];
    size_t lengths[3];
    for (size_t k = 0; k < 3; k++)
      if (!(texts[k] = sq_column_text(columns[k], rows[i], room[k], &lengths[k]))) return sq_fail(run->error, SQ_E_STORE, "a request without a key");
    if (!lookups->feedback(lookups->state, texts[0], lengths[0], texts[1], lengths[1], texts[2], lengths[2], into, run->error)) return false;
  }
  return true;
}

static bool take_feedback(sq_run *run, const part *p, void *taker) { return sq_add_feedback(run, p->state, p->rows, p->count, taker); }

static bool feedback_of(sq_run *run, const sq_whole *whole, sq_value *out) {
  const sq_lookups *lookups = run->exec->lookups;
  sq_statistics statistics = {0};
  *out = (sq_value){.kind = SQ_NULL};
  if (!lookups || !lookups->feedback) return true;
  bool good = each_part(run, whole, true, take_feedback, &statistics) && sq_run_statistics(run, &statistics, out);
  sq_statistics_free(&statistics);
  return good;
}

static bool own_of(sq_run *run, const sq_whole *whole, sq_field field, sq_value *out) {
  const sq_lookups *lookups = run->exec->lookups;
  sq_session_name name;
  sq_text text = {0};
  *out = (sq_value){.kind = SQ_NULL};
  if (!lookups || !lookups->own) return true;
  if (!sq_view_session(run->view, whole->code, &name, run->error)) return false;
  if (!lookups->own(lookups->state, field, &name, &text, run->error)) {
    sq_text_free(&text);
    return false;
  }
  bool given = give_text(run, &text, text.length > 0, out);
  if (out->kind == SQ_JSON && sq_field_get(field)->type == SQ_T_TEXT) out->kind = SQ_STRING;
  return given;
}

/* ------------------------------------------------------------------------------------------------ any of them */

static bool id_of(sq_run *run, const sq_whole *whole, sq_value *out) {
  sq_session_name name;
  return sq_view_session(run->view, whole->code, &name, run->error) && sq_run_copy(run, out, SQ_STRING, name.id, name.id_length);
}

bool sq_whole_value(sq_run *run, const sq_whole *whole, sq_field field, sq_value *out) {
  const sq_field_row *row = sq_field_get(field);
  switch (row->aggregate) {
    case SQ_A_KEY: return id_of(run, whole, out);
    case SQ_A_LATEST: return name_of(run, whole, out);
    case SQ_A_SESSIONS: *out = (sq_value){.kind = SQ_INTEGER, .integer = 1}; return true;
    case SQ_A_DISTINCT: return distinct_of(run, whole, row->source, false, out);
    case SQ_A_DISTINCT_ELEMENTS: return distinct_of(run, whole, row->source, true, out);
    case SQ_A_FEEDBACK: return feedback_of(run, whole, out);
    default: return own_of(run, whole, field, out);
  }
}

/* ---------------------------------------------------------------------------------------------- some and every */

typedef struct quantified_taker {
  unsigned number;
  bool any, failed; /* some row satisfies it; some does not */
} quantified_taker;

static bool take_quantified(sq_run *run, const part *p, void *taker) {
  quantified_taker *t = taker;
  if (!sq_state_quantify(run, p->state, t->number)) return false;
  const uint64_t *bits = p->state->quantified[t->number];
  for (uint32_t i = 0; i < p->count; i++) {
    bool set = bits[p->rows[i] >> 6] >> (p->rows[i] & 63) & 1;
    t->any |= set;
    t->failed |= !set;
  }
  return true;
}

int sq_whole_quantified(sq_run *run, const sq_whole *whole, unsigned number) {
  quantified_taker taker = {.number = number};
  if (!each_part(run, whole, true, take_quantified, &taker)) return -1;
  return run->quantified[number].node->kind == SQ_N_SOME ? taker.any : !taker.failed;
}
