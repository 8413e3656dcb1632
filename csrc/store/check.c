/* The column index against the rows. */
#include <stdlib.h>

#include "store/index.h"

typedef struct checking {
  sq_store *store;
  const sq_view *view;
  sq_error *error;
} checking;

static bool differs(checking *c, const char *what, int64_t seq) {
  return sq_fail(c->error, SQ_E_STORE, "the column index is wrong: %s of the request with seq %lld is not as in its row: reindex", what, (long long)seq);
}

static uint32_t code_of(void *state, const sq_session_name *session, bool *is_named_here, sq_error *error) {
  const checking *c = state;
  uint32_t code = SQ_NO_CODE;
  char *owner = malloc(session->organization_length + session->project_length + 2); /* terminated */
  *is_named_here = false;
  if (!owner) sq_fail_memory(error);
  if (!owner) return SQ_NO_CODE;
  char *project = owner + session->organization_length + 1;
  memcpy(owner, session->organization, session->organization_length);
  owner[session->organization_length] = '\0';
  memcpy(project, session->project, session->project_length);
  project[session->project_length] = '\0';
  bool found = sq_view_find(c->view, owner, project, session->id, session->id_length, &code, error);
  free(owner);
  if (found && code == SQ_NO_CODE) sq_fail(error, SQ_E_STORE, "the column index is wrong: it does not know a session that has requests: reindex");
  return found ? code : SQ_NO_CODE;
}

/* --------------------------------------------------------------------------------------------- one column */

static bool same_text(const sq_column *a, uint32_t a_row, const sq_column *b, uint32_t b_row) {
  uint32_t a_entry = 0, b_entry = 0;
  bool a_has = sq_column_entry(a, a_row, &a_entry), b_has = sq_column_entry(b, b_row, &b_entry);
  if (!a_has || !b_has) return a_has == b_has;
  char a_room[37], b_room[37];
  size_t a_length, b_length;
  const char *x = sq_dictionary_text(&a->dictionary, a_entry, a_room, &a_length), *y = sq_dictionary_text(&b->dictionary, b_entry, b_room, &b_length);
  return sq_compare_bytes(x, a_length, y, b_length) == 0;
}

static bool same_integer(const sq_column *a, uint32_t a_row, const sq_column *b, uint32_t b_row) {
  int64_t x = 0, y = 0;
  bool a_has = sq_column_integer(a, a_row, &x), b_has = sq_column_integer(b, b_row, &y);
  return a_has == b_has && x == y;
}

static bool is_integers(const sq_column *column) { return column->encoding == SQ_ENC_INTEGER; }

static bool same_value(const sq_column *a, uint32_t a_row, const sq_column *b, uint32_t b_row) {
  return is_integers(a) || is_integers(b) ? same_integer(a, a_row, b, b_row) : same_text(a, a_row, b, b_row);
}

/* The rows of `fresh` are the live ones of the block, in the same order. */
static bool compare_column(checking *c, const sq_block *block, const sq_segment *fresh, const sq_part_key *part) {
  sq_column old, new, seqs;
  int64_t seq = 0;
  bool known = sq_segment_column(block->segment, part->field, part->key, part->key_length, &old, c->error);
  if (!known && c->error->code == SQ_OK) return true; /* not kept in this segment: queries ask SQL */
  if (!known || !sq_segment_column(fresh, part->field, part->key, part->key_length, &new, c->error) || !sq_segment_seqs(fresh, &seqs, c->error)) return false;
  uint32_t at = 0;
  for (uint32_t row = 0; row < block->rows; row++) {
    if (block->dead && block->dead[row >> 6] >> (row & 63) & 1) continue;
    if (at >= new.count || !same_value(&old, row, &new, at)) {
      sq_column_integer(&seqs, at < new.count ? at : 0, &seq);
      return differs(c, part->name, seq);
    }
    at++;
  }
  return at == new.count || sq_fail(c->error, SQ_E_STORE, "the column index is wrong: a segment lacks rows: reindex");
}

static bool compare_parts(checking *c, const sq_block *block, const sq_segment *fresh) {
  sq_part_key part;
  const sq_segment *both[] = {fresh, block->segment}; /* a key may be in one of them only */
  for (size_t k = 0; k < 2; k++)
    for (uint32_t i = 0; sq_segment_part(both[k], i, &part); i++)
      if (part.field != SQ_F_NONE && !compare_column(c, block, fresh, &part)) return false;
  return true;
}

static bool compare_measures(checking *c, const sq_block *block, const sq_segment *fresh) {
  for (int i = 0; i < SQ_M_COUNT_OF && !block->dead; i++) {
    sq_column old, new;
    bool known = sq_segment_has_measure(block->segment, (sq_measure)i);
    if (known != sq_segment_has_measure(fresh, (sq_measure)i)) return sq_fail(c->error, SQ_E_STORE, "the column index is wrong: a segment lacks a measure: reindex");
    if (!known) continue;
    if (!sq_segment_measure(block->segment, (sq_measure)i, &old, c->error) || !sq_segment_measure(fresh, (sq_measure)i, &new, c->error)) return false;
    for (uint32_t f = 0; f < new.count; f++)
      if (f >= old.count || !same_integer(&old, f, &new, f)) return sq_fail(c->error, SQ_E_STORE, "the column index is wrong: a measure is not that of its rows: reindex");
  }
  return true;
}

/* ------------------------------------------------------------------------------------------------ one block */

static bool live_seqs(checking *c, const sq_block *block, sq_seqs *out) {
  sq_column seqs;
  int64_t seq;
  if (!sq_segment_seqs(block->segment, &seqs, c->error)) return false;
  for (uint32_t row = 0; row < block->rows; row++) {
    bool dead = block->dead && block->dead[row >> 6] >> (row & 63) & 1;
    if (!dead && (!sq_column_integer(&seqs, row, &seq) || !sq_seqs_add(out, seq, c->error))) return false;
  }
  size_t all = out->count;
  sq_seqs_sort(out);
  return out->count == all || sq_fail(c->error, SQ_E_STORE, "the column index is wrong: a segment has a row twice: reindex");
}

static bool build_fresh(checking *c, const sq_seqs *seqs, sq_segment **fresh) {
  static const sq_segment_identity nowhere = {0, {0, 0}};
  sq_text bytes = {0};
  size_t at = 0;
  sq_rows_builder *builder = sq_rows_builder_make(c->error);
  bool good = builder && sq_requests_pick(c->store, seqs, &at, builder, c->error) && sq_segment_write(builder, &nowhere, &(sq_coder){code_of, c}, &bytes, c->error);
  sq_rows_builder_free(builder);
  *fresh = good ? sq_segment_own(&bytes, c->error) : NULL;
  if (!good) sq_text_free(&bytes);
  return *fresh != NULL;
}

static bool check_block(checking *c, const sq_block *block) {
  sq_seqs seqs = {0};
  sq_segment *fresh = NULL;
  bool good = live_seqs(c, block, &seqs) && build_fresh(c, &seqs, &fresh);
  good = good && (sq_segment_rows(fresh) == seqs.count || sq_fail(c->error, SQ_E_STORE, "the column index is wrong: it has requests that are deleted: reindex"));
  good = good && compare_parts(c, block, fresh) && compare_measures(c, block, fresh);
  sq_segment_close(fresh);
  free(seqs.items);
  return good;
}

static bool check_view(checking *c, int64_t *rows) {
  int64_t stored;
  for (size_t i = 0; i < c->view->count; i++) {
    if (!check_block(c, &c->view->blocks[i])) return false;
    *rows += c->view->blocks[i].rows - c->view->blocks[i].dead_rows;
  }
  if (!sq_query_integer(c->store, "SELECT count(*) FROM request", &stored, c->error)) return false;
  return stored == *rows ||
         sq_fail(c->error, SQ_E_STORE, "the column index is wrong: it has %lld requests, and there are %lld: reindex", (long long)*rows, (long long)stored);
}

bool sq_store_check(sq_store *store, int64_t *rows, sq_error *error) {
  checking c = {.store = store, .error = error};
  const char *why = NULL;
  bool begun = false;
  *rows = 0;
  if (!sq_store_enter(store, error)) return false;
  sq_version *version = sq_store_begin_read(store, &begun, error) ? sq_version_take(store, &why, error) : NULL;
  if (version) c.view = sq_version_view(version);
  if (!version && why) sq_fail(error, SQ_E_STORE, "there is no column index to compare: %s", why);
  bool good = version && check_view(&c, rows);
  sq_version_release(version);
  sq_store_end_read(store, begun);
  return good;
}
