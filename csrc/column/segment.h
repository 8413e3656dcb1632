/* Segments: up to 65,536 requests as columns, sorted by (session, created_at, request_id), read-only. One lies in
   the file of the index or in memory (the rows not sealed yet); readers see no difference.

   Rows [0, session_rows) belong to sessions, the rest to none. The rows of one session are next to each other:
   a fragment of it. Sessions have codes: numbers that are the same in all segments of a view. */
#ifndef SQ_COLUMN_SEGMENT_H
#define SQ_COLUMN_SEGMENT_H

#include <string.h>

#include "base/text.h"
#include "catalog/catalog.h"

#define SQ_SEGMENT_ROWS 65536

typedef enum sq_measure {
#define MEASURE(id, name, merge) SQ_M_##id,
#include "column/measures.def"
  SQ_M_COUNT_OF
} sq_measure;

typedef enum sq_encoding {
  SQ_ENC_ABSENT,  /* no row has a value */
  SQ_ENC_INTEGER, /* value = base + scale × code */
  SQ_ENC_TEXT,    /* code is an index into the dictionary, which is sorted by bytes */
  SQ_ENC_DIRECT,  /* row i has the dictionary's entry i; it is not sorted; no value is absent */
} sq_encoding;

/* Texts, each once. Of a UUID dictionary each is 16 bytes for the 36 of a lower-case UUID. */
typedef struct sq_dictionary {
  uint32_t count;
  bool uuid;
  const uint32_t *offsets; /* count + 1 of them, into bytes; NULL for UUIDs */
  const char *bytes;
} sq_dictionary;

/* One column. Codes are unsigned, little-endian, `width` bytes wide: 0 (all are 0), 1, 2, 3, 4, 5, 6 or 8; 8
   bytes behind the last are readable. An absent value is the greatest code of the width, where has_absent. A
   boolean is an integer. The scalars of a map's member are a dictionary of JSON texts, numbers among them in
   their shortest form (sq_number_format), texts as sq_json_write_string escapes them, so that equal scalars are
   equal texts; lists of JSON arrays. */
typedef struct sq_column {
  sq_encoding encoding;
  unsigned width;
  bool has_absent;
  uint32_t count; /* of rows, or fragments */
  int64_t base, scale;
  int64_t min, max; /* INTEGER: of the values that are there */
  const unsigned char *codes;
  sq_dictionary dictionary;
} sq_column;

static inline uint64_t sq_absent_code(unsigned width) { return width == 0 || width == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * width)) - 1; }

static inline uint64_t sq_column_code(const sq_column *column, uint32_t row) {
  uint64_t code;
  switch (column->width) {
    case 0: return 0;
    case 1: return column->codes[row];
    case 2: return (uint64_t)column->codes[2 * row] | (uint64_t)column->codes[2 * row + 1] << 8;
    default:
      memcpy(&code, column->codes + (size_t)column->width * row, sizeof code);
      return code & sq_absent_code(column->width);
  }
}

/* Whether the row has a value. */
static inline bool sq_column_has(const sq_column *column, uint32_t row) {
  if (column->encoding == SQ_ENC_ABSENT) return false;
  return !column->has_absent || sq_column_code(column, row) != sq_absent_code(column->width);
}

/* The value of an INTEGER column; false when it is absent. */
static inline bool sq_column_integer(const sq_column *column, uint32_t row, int64_t *out) {
  if (column->encoding != SQ_ENC_INTEGER) return false;
  uint64_t code = sq_column_code(column, row);
  if (column->has_absent && code == sq_absent_code(column->width)) return false;
  *out = (int64_t)((uint64_t)column->base + (uint64_t)column->scale * code);
  return true;
}

/* The dictionary's entry of a row of a TEXT or DIRECT column; false when it is absent. */
static inline bool sq_column_entry(const sq_column *column, uint32_t row, uint32_t *entry) {
  if (column->encoding == SQ_ENC_DIRECT) {
    *entry = row;
    return true;
  }
  if (column->encoding != SQ_ENC_TEXT) return false;
  uint64_t code = sq_column_code(column, row);
  *entry = (uint32_t)code;
  return !column->has_absent || code != sq_absent_code(column->width);
}

/* The text of an entry: in the dictionary itself, or a UUID written into `room`. */
const char *sq_dictionary_text(const sq_dictionary *dictionary, uint32_t entry, char room[37], size_t *length);
/* The first entry of a sorted dictionary that is not below the text (count: none). `*same`: it is the text. */
uint32_t sq_dictionary_seek(const sq_dictionary *dictionary, const char *text, size_t length, bool *same);

typedef struct sq_segment sq_segment;

uint32_t sq_segment_rows(const sq_segment *segment);
uint32_t sq_segment_fragments(const sq_segment *segment);

/* The column of a request field (key: of a map's member, or NULL; of a map without key: an INTEGER column that is
   1 where the map is there). A field or key that no row has gives an ABSENT column. False: the segment does not
   know the field at all (made before it came into the catalogue, or never kept), or its bytes are damaged, which
   is then in `error`. */
bool sq_segment_column(const sq_segment *segment, sq_field field, const char *key, size_t key_length, sq_column *out, sq_error *error);

/* The fragments' measure as a column of integers. */
/* Whether it is kept: not where the sum of a session's rows leaves 64 bits. */
bool sq_segment_has_measure(const sq_segment *segment, sq_measure measure);
bool sq_segment_measure(const sq_segment *segment, sq_measure measure, sq_column *out, sq_error *error);
/* The fragments' first rows: starts[fragment], and one more, the session_rows. Ascending. */
bool sq_segment_starts(const sq_segment *segment, sq_column *out, sq_error *error);
/* The fragments' sessions: INTEGER column of codes, ascending. */
bool sq_segment_codes(const sq_segment *segment, sq_column *out, sq_error *error);
/* The fragments' latest row that has a session_name, as an offset from its first row; absent when none has. */
bool sq_segment_named(const sq_segment *segment, sq_column *out, sq_error *error);
/* Rows' seq. */
bool sq_segment_seqs(const sq_segment *segment, sq_column *out, sq_error *error);

/* A segment as a query sees it. */
typedef struct sq_block {
  const sq_segment *segment;
  const uint64_t *dead;  /* bit per row that no longer counts, or NULL */
  const uint64_t *dirty; /* bit per fragment with a dead row: its measures do not hold; or NULL */
  uint32_t rows, session_rows, fragments;
  uint32_t dead_rows;
  int64_t first_time, last_time; /* of created_at, all rows */
} sq_block;

#define SQ_NO_CODE UINT32_MAX

typedef struct sq_session_name { /* who a session is; the texts live as long as the view */
  const char *organization, *project, *id;
  size_t organization_length, project_length, id_length;
  char room[37], organization_room[37], project_room[37]; /* of those that are UUIDs */
} sq_session_name;

/* A fragment of a session. */
typedef struct sq_fragment_ref {
  uint32_t block, fragment;
} sq_fragment_ref;

/* What the segments say of a request field without a look at its column. */
typedef struct sq_fact {
  bool known;         /* by all of them */
  bool members;       /* of a map: all of them keep its members */
  __int128 greatest;  /* no sum over rows is further from 0 */
} sq_fact;

/* Bits by code in pages, so that views share those that are the same. */
#define SQ_CODES_OF_PAGE 4096
typedef const uint64_t *sq_code_page;

/* All rows of one state of a store: each row in exactly one block, alive. Immutable; many threads may read it. */
typedef struct sq_view {
  const sq_block *blocks;
  size_t count;
  uint32_t sessions; /* codes are below this */
  const sq_code_page *scattered; /* bit per code: the session may have fragments in more than one block */
  const sq_fact *facts;          /* by field */
} sq_view;

/* The names behind a code. */
bool sq_view_session(const sq_view *view, uint32_t code, sq_session_name *out, sq_error *error);
/* The code of a session, SQ_NO_CODE when there is none. */
bool sq_view_find(const sq_view *view, const char *organization, const char *project, const char *id, size_t id_length, uint32_t *code, sq_error *error);
/* The fragments of a session; `*refs` is for free(). The count, -1 after an error. */
int64_t sq_view_fragments(const sq_view *view, uint32_t code, sq_fragment_ref **refs, sq_error *error);

static inline bool sq_view_is_scattered(const sq_view *view, uint32_t code) {
  return view->scattered[code / SQ_CODES_OF_PAGE][code % SQ_CODES_OF_PAGE / 64] >> (code & 63) & 1;
}

#endif
