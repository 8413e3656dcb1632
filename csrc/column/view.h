/* Putting views together: sealed segments, segments in memory, and which of their rows no longer count. */
#ifndef SQ_COLUMN_VIEW_H
#define SQ_COLUMN_VIEW_H

#include "column/build.h"
#include "column/file.h"
#include "column/names.h"
#include "column/open.h"

/* --- segments with owners: counted references. */

/* Takes the bytes over, whether it succeeds or not. */
sq_segment *sq_segment_own(sq_text *bytes, sq_error *error);
/* Maps a part of a file; `offset` is a multiple of the page size. */
sq_segment *sq_segment_map(int file, uint64_t offset, uint64_t size, sq_error *error);
sq_segment *sq_segment_retain(sq_segment *segment);
/* sq_segment_close (build.h) lets one reference go. */

/* --- rows that no longer count. Immutable, counted references. */

typedef struct sq_marks sq_marks;
/* Marks the rows with these seqs (ascending). NULL after an error. */
sq_marks *sq_marks_make(const sq_segment *segment, const int64_t *seqs, size_t count, sq_error *error);
sq_marks *sq_marks_retain(sq_marks *marks);
void sq_marks_release(sq_marks *marks);
uint32_t sq_marks_count(const sq_marks *marks);
const uint64_t *sq_marks_dead(const sq_marks *marks);
const uint64_t *sq_marks_dirty(const sq_marks *marks);

/* --- what is sealed: the segments of the file and who their sessions are. Immutable, counted references. */

typedef struct sq_sealed sq_sealed;
/* Retains the segments. `sessions`: their codes are below it. NULL after an error. */
sq_sealed *sq_sealed_make(sq_segment *const *segments, size_t count, uint32_t sessions, sq_error *error);
/* Takes the descriptor over: of the file that the segments are mapped from, which reaches to `end` at least. */
void sq_sealed_hold(sq_sealed *sealed, int file, const sq_file_identity *identity, uint64_t end);
/* Why its file is not what it was, so that the maps are not to be read: NULL: it is. */
const char *sq_sealed_differs(const sq_sealed *sealed);
sq_sealed *sq_sealed_retain(sq_sealed *sealed);
void sq_sealed_release(sq_sealed *sealed);
size_t sq_sealed_count(const sq_sealed *sealed);
sq_segment *sq_sealed_segment(const sq_sealed *sealed, size_t index);
uint32_t sq_sealed_sessions(const sq_sealed *sealed);
/* The code of a session that is sealed. 1: found, 0: not, -1: an error. */
int sq_sealed_find(const sq_sealed *sealed, const sq_session_name *session, uint32_t *code, sq_error *error);

/* The name of a sealed code. */
bool sq_sealed_name(const sq_sealed *sealed, uint32_t code, sq_session_name *out, sq_error *error);
/* A bit for each code, whole pages of them: the session may have more than one fragment. They live as long as the
   sealed. NULL after an error. */
const uint64_t *sq_sealed_scattered(sq_sealed *sealed, sq_error *error);
/* By field. */
const sq_fact *sq_sealed_facts(const sq_sealed *sealed);
/* The fragments of a session, with room for `more` behind them, for free(). The count, -1 after an error. */
int64_t sq_sealed_fragments(sq_sealed *sealed, uint32_t code, size_t more, sq_fragment_ref **refs, sq_error *error);

/* --- views */

/* Retains all it is given. `marks`: one for each sealed segment, then for each in memory, each may be NULL.
   NULL after an error. */
sq_view *sq_view_make(sq_sealed *sealed, sq_segment *const *in_memory, size_t count, sq_marks *const *marks, sq_names *names, sq_error *error);
void sq_view_free(const sq_view *view);

#endif
