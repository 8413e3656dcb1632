/* Sealing: rows from SQLite into segments of the index's file, and the manifest that names them. */
#ifndef SQ_STORE_SEAL_H
#define SQ_STORE_SEAL_H

#include "store/ids.h"

/* One run of it. */
typedef struct sq_sealing {
  sq_store *store;
  sq_error *error;
  sq_manifest state;   /* as the work began; the publication finds it so, or is given up */
  sq_manifest next;    /* as it will be */
  int file;            /* locked; -1: none */
  int guard;           /* the file that a new one is to replace: its lock keeps others from sealing meanwhile; -1: none */
  sq_text path, made;  /* the file's name; of a new file its name until it is published */
  bool copies;         /* the segments are the same, in a new file */
  bool anew;           /* all segments before are dropped */
  sq_sealed *sealed;   /* the segments so far */
  sq_manifest_row *rows; /* to be added to the manifest */
  size_t count, capacity;
  int64_t *changes;    /* of each: changes up to this number are in it */
  sq_seqs shed;        /* codes of sessions that the segment to go names, and no other needs: if it still does, it names them again */
  sq_hashes hashes;    /* of the last row's request ids, until they are written */
  int64_t first_key;   /* of the hashes that were written before they are told of; 0: none */
  int64_t replaced;    /* number of the segment that goes, 0: none */
  bool skipped;        /* another is at it */
  bool given_up;       /* the manifest was changed by another meanwhile */
} sq_sealing;

/* Reads the manifest, opens and locks the file; where there is none that fits, begins a new one. `anew`: in any case. */
bool sq_sealing_begin(sq_sealing *sealing, sq_store *store, bool anew, sq_error *error);
/* Builds and appends the next segment: of the rows behind the last one, if there are as many as `least`. `*more`:
   whether there was one. */
bool sq_sealing_next(sq_sealing *sealing, uint32_t least, bool *more);
/* Builds a segment again, with `more` rows behind it (the last one only). */
bool sq_sealing_again(sq_sealing *sealing, const sq_manifest_row *row, bool more);
/* Whether more than half of the file is of segments that are no more. */
bool sq_sealing_is_wasteful(const sq_sealing *sealing);
/* Copies the segments that there are to a new file, as they are; to be published. */
bool sq_sealing_copy(sq_sealing *sealing);
/* Makes what was built so far everybody's. */
bool sq_sealing_publish(sq_sealing *sealing);
void sq_sealing_end(sq_sealing *sealing);

#endif
