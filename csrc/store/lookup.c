#include "store/lookup.h"

#include <stdlib.h>

#include "base/json.h"
#include "store/ids.h"

static bool write_seqs(const sq_seqs *seqs, sq_lookup *out, sq_error *error) {
  for (size_t i = 0; i < seqs->count; i++) {
    sq_text_byte(&out->seqs, i ? ',' : '[');
    sq_json_write_integer(&out->seqs, seqs->items[i]);
  }
  sq_text_put(&out->seqs, seqs->count ? "]" : "[]");
  out->known = true;
  return sq_text_whole(&out->seqs, error);
}

bool sq_lookup_request(sq_store *store, const char *request_id, sq_lookup *out, sq_error *error) {
  const sq_value id = {.kind = SQ_STRING, .length = (uint32_t)strlen(request_id), .text = request_id};
  sq_seqs seqs = {0};
  bool good = sq_ids_find(store, &id, NULL, NULL, NULL, &seqs, error) && write_seqs(&seqs, out, error);
  free(seqs.items);
  return good;
}

/* ------------------------------------------------------------------------------------------------ sessions */

static bool add_rows(const sq_block *block, uint32_t start, uint32_t stop, sq_seqs *out, sq_error *error) {
  sq_column seqs;
  int64_t seq;
  if (!sq_segment_seqs(block->segment, &seqs, error)) return false;
  for (uint32_t row = start; row < stop; row++) {
    bool dead = block->dead && block->dead[row >> 6] >> (row & 63) & 1;
    if (!dead && sq_column_integer(&seqs, row, &seq) && !sq_seqs_add(out, seq, error)) return false;
  }
  return true;
}

static bool find_in_block(const sq_block *block, const char *id, size_t length, sq_seqs *out, sq_error *error) {
  sq_column sessions, starts;
  bool same = false;
  uint32_t entry;
  int64_t start, stop;
  if (!sq_segment_column(block->segment, SQ_F_SESSION_ID, NULL, 0, &sessions, error)) return false;
  uint32_t wanted = sessions.encoding == SQ_ENC_TEXT ? sq_dictionary_seek(&sessions.dictionary, id, length, &same) : 0;
  if (!same) return true;
  if (!sq_segment_starts(block->segment, &starts, error)) return false;
  for (uint32_t i = 0; i < block->fragments; i++) { /* several owners may have a session of this id */
    if (!sq_column_integer(&starts, i, &start) || !sq_column_entry(&sessions, (uint32_t)start, &entry) || entry != wanted) continue;
    if (!sq_column_integer(&starts, i + 1, &stop) || !add_rows(block, (uint32_t)start, (uint32_t)stop, out, error)) return false;
  }
  return true;
}

/* An index that is damaged is as good as none. */
bool sq_lookup_session(sq_store *store, const char *session_id, sq_lookup *out, sq_error *error) {
  const char *why;
  sq_error inner = {.code = SQ_OK};
  sq_seqs seqs = {0};
  sq_version *version = sq_version_take(store, &why, &inner);
  bool good = version != NULL;
  for (size_t i = 0; good && i < sq_version_view(version)->count; i++)
    good = find_in_block(&sq_version_view(version)->blocks[i], session_id, strlen(session_id), &seqs, &inner);
  sq_version_release(version);
  if (!good && (inner.code == SQ_E_NO_MEMORY || inner.code == SQ_E_TIMEOUT)) *error = inner;
  bool written = error->code == SQ_OK && (!good || write_seqs(&seqs, out, error));
  free(seqs.items);
  return written;
}

void sq_lookup_free(sq_lookup *lookup) { sq_text_free(&lookup->seqs); }
