/* The bytes of a segment. Little-endian; offsets count from the segment's first byte, which lies at a multiple of
   64; so does each part, and every number at a multiple of its size.

     header      struct sq_segment_header
     directory   header.parts × struct sq_part, at header.directory
     names       UTF-8, at header.names: canonical field names and keys of maps that parts point to
     parts       of each: codes (count × width bytes, and 8 of zeros), offsets ((entries + 1) × 4 bytes), texts
     end         header.size bytes in all

   A part is a column: of the rows (a field, or a member of a map), of the fragments, or of the sessions that have
   their names here. Its checksum (CRC32C) is over its codes, offsets and texts with what lies between. The
   directory's is over header (without the two checksums), directory and names: who reads them may be sure that
   they are as they were written, and checks the bounds all the same.

   Codes of columns, dictionaries, absent values: see segment.h.

   Sessions are named in the segment where they came up first, under codes that stay theirs for as long as the file
   lives. The table of sessions is a hash table of 32-bit slots: 16 bits of the hash's upper part (65,535 stands
   for 65,534 as well), 16 bits of the session's number in this segment; all ones: free. */
#ifndef SQ_COLUMN_FORMAT_H
#define SQ_COLUMN_FORMAT_H

#include "column/segment.h"

#define SQ_SEGMENT_MAGIC "SQSEGMT1"
#define SQ_FORMAT_ALIGNMENT 64
#define SQ_FREE_SLOT UINT32_MAX

typedef enum sq_part_kind {
  SQ_PART_FIELD = 1,      /* of rows: the field called `name`, of the map's member `key` if there is one */
  SQ_PART_SEQ,            /* of rows: request.seq */
  SQ_PART_START,          /* of fragments and one more: the first row */
  SQ_PART_CODE,           /* of fragments: the session's code */
  SQ_PART_NAMED,          /* of fragments: the latest row with a session_name, from the first row */
  SQ_PART_MEASURE,        /* of fragments: the measure called `name` */
  SQ_PART_NAMED_CODE,     /* of the sessions named here: the code, ascending */
  SQ_PART_NAMED_ORGANIZATION, /* entry in the dictionary of organization_id, and so on */
  SQ_PART_NAMED_PROJECT,
  SQ_PART_NAMED_ID,
  SQ_PART_SLOTS,          /* the table of sessions: count slots of 4 bytes */
} sq_part_kind;

typedef struct sq_segment_header {
  char magic[8];
  uint32_t parts, rows, session_rows, fragments;
  uint64_t size, directory, names, names_size;
  uint64_t id;          /* random: which segment this is */
  uint64_t hash_key[2]; /* of the table of sessions */
  int64_t first_seq, last_seq;
  int64_t first_time, last_time;
  uint32_t named;       /* sessions that have their names here */
  uint32_t checksum;    /* of the directory */
} sq_segment_header;

typedef struct sq_part {
  uint32_t kind, name, name_length, key, key_length; /* name and key: offsets in the names */
  uint8_t encoding, width, has_absent, uuid;
  uint32_t count, entries;
  int64_t base, scale, min, max;
  uint64_t magnitude; /* of integers: the sum of their absolute values; UINT64_MAX: that or more */
  uint64_t codes, offsets, texts, texts_size, end;
  uint32_t checksum;
  uint32_t lacks_members; /* of a map: it has more keys than have columns, so that none has */
} sq_part;

/* The session's place in the table of sessions. */
uint64_t sq_session_hash(const uint64_t key[2], const char *organization, size_t organization_length, const char *project,
                         size_t project_length, const char *id, size_t id_length);

/* What of the hash stands in a slot. */
static inline uint32_t sq_slot_tag(uint64_t hash) {
  uint32_t tag = (uint32_t)(hash >> 48);
  return tag == 0xFFFF ? 0xFFFE : tag;
}

/* The name of a measure in the file. */
const char *sq_measure_name(sq_measure measure);

/* 36 characters of a lower-case UUID into 16 bytes; false when the text is none. */
bool sq_uuid_pack(const char *text, size_t length, unsigned char out[16]);
void sq_uuid_unpack(const unsigned char bytes[16], char out[37]);

#endif
