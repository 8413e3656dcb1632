/* A compressed HTTP body, piece by piece as it comes. */
#include <stdlib.h>
#include <zlib.h>

#include "base/error.h"

#define FREE_BYTES (1 << 20) /* the ratio is looked at beyond so much: small bodies may be very regular */

typedef enum place { AT_START, IN_MEMBER, BEHIND } place;

struct sq_inflater {
  z_stream z;
  bool gzip;
  place place;
  bool begun;            /* z is to be ended */
  unsigned char first;   /* of "deflate", whose two forms show in the first two bytes, when one has come */
  bool has_first;
  uint64_t in, out;      /* bytes so far */
  uint64_t most;
  uint32_t ratio;
};

sq_inflater *sq_inflater_open(bool gzip, uint64_t most, uint32_t ratio, sq_error *error) {
  sq_inflater *inflater = calloc(1, sizeof *inflater);
  if (!inflater) {
    sq_fail_memory(error);
    return NULL;
  }
  inflater->gzip = gzip;
  inflater->most = most;
  inflater->ratio = ratio;
  return inflater;
}

void sq_inflater_close(sq_inflater *inflater) {
  if (!inflater) return;
  if (inflater->begun) inflateEnd(&inflater->z);
  free(inflater);
}

static bool start(sq_inflater *inflater, int window, sq_error *error) {
  if (inflateInit2(&inflater->z, window) != Z_OK) return sq_fail_memory(error);
  inflater->begun = true;
  inflater->place = IN_MEMBER;
  return true;
}

/* "deflate" is zlib's format by the standard, and the bare one by what some servers send. */
static bool start_deflate(sq_inflater *inflater, const char **input, size_t *length, sq_error *error) {
  unsigned char byte = (unsigned char)**input;
  if (!inflater->has_first) {
    inflater->has_first = true;
    inflater->first = byte;
    (*input)++;
    (*length)--;
    if (*length == 0) return true;
    byte = (unsigned char)**input;
  }
  bool zlib = (inflater->first & 0x0F) == Z_DEFLATED && (inflater->first << 8 | byte) % 31 == 0;
  return start(inflater, zlib ? MAX_WBITS : -MAX_WBITS, error);
}

/* What follows a gzip member is another one, or nothing that we know. */
static bool behind(sq_inflater *inflater, const char **input, size_t *length, sq_error *error) {
  if (inflater->gzip && (unsigned char)**input == 0x1F) {
    if (inflateReset(&inflater->z) != Z_OK) return sq_fail_memory(error);
    inflater->place = IN_MEMBER;
    return true;
  }
  *input += *length;
  *length = 0;
  return true;
}

static bool check_size(const sq_inflater *inflater, sq_error *error) {
  if (inflater->out > inflater->most) return sq_fail(error, SQ_E_LIMIT, "the body inflates to more than %llu bytes", (unsigned long long)inflater->most);
  if (inflater->out > FREE_BYTES && inflater->out / inflater->ratio > inflater->in)
    return sq_fail(error, SQ_E_LIMIT, "the body inflates to more than %u times its size", (unsigned)inflater->ratio);
  return true;
}

/* One call of zlib's; the first byte of "deflate", which was taken away to look at, goes in before. */
static bool step(sq_inflater *inflater, const char **input, size_t *length, char *out, size_t room, size_t *got, sq_error *error) {
  z_stream *z = &inflater->z;
  unsigned char kept = inflater->first;
  bool from_kept = inflater->has_first;
  z->next_in = from_kept ? &kept : (unsigned char *)*input;
  z->avail_in = from_kept ? 1 : *length < UINT32_MAX ? (unsigned)*length : UINT32_MAX;
  z->next_out = (unsigned char *)out;
  z->avail_out = (unsigned)room;
  unsigned offered = z->avail_in;
  int code = inflate(z, Z_NO_FLUSH);
  size_t taken = offered - z->avail_in;
  *got = room - z->avail_out;
  inflater->in += taken;
  inflater->out += *got;
  if (from_kept) {
    inflater->has_first = taken == 0;
  } else {
    *input += taken;
    *length -= taken;
  }
  if (code == Z_STREAM_END) inflater->place = BEHIND;
  else if (code == Z_MEM_ERROR) return sq_fail_memory(error);
  else if (code != Z_OK && code != Z_BUF_ERROR) return sq_fail(error, SQ_E_SYNTAX, "%s", z->msg ? z->msg : "damaged compressed data");
  return check_size(inflater, error);
}

bool sq_inflater_read(sq_inflater *inflater, const char **input, size_t *length, char *out, size_t room, size_t *got, sq_error *error) {
  *got = 0;
  while (*got == 0) {
    if (inflater->place == AT_START) {
      if (*length == 0) return true;
      if (!(inflater->gzip ? start(inflater, MAX_WBITS + 16, error) : start_deflate(inflater, input, length, error))) return false;
      continue;
    }
    if (inflater->place == BEHIND) {
      if (*length == 0) return true;
      if (!behind(inflater, input, length, error)) return false;
      continue;
    }
    bool kept = inflater->has_first;
    size_t before = *length;
    if (!step(inflater, input, length, out, room, got, error)) return false;
    if (*got == 0 && *length == before && !kept && inflater->place == IN_MEMBER) return true; /* it wants more */
  }
  return true;
}
