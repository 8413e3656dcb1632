#include "column/format.h"

#include "base/hash.h"

static int digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

static bool is_dash(size_t at) { return at == 8 || at == 13 || at == 18 || at == 23; }

bool sq_uuid_pack(const char *text, size_t length, unsigned char out[16]) {
  if (length != 36) return false;
  size_t used = 0;
  for (size_t at = 0; at < 36; at += 2) {
    if (is_dash(at) && text[at++] != '-') return false;
    int high = digit(text[at]), low = digit(text[at + 1]);
    if (high < 0 || low < 0) return false;
    out[used++] = (unsigned char)(high << 4 | low);
  }
  return used == 16;
}

void sq_uuid_unpack(const unsigned char bytes[16], char out[37]) {
  static const char digits[] = "0123456789abcdef";
  char *at = out;
  for (size_t i = 0; i < 16; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
    *at++ = digits[bytes[i] >> 4];
    *at++ = digits[bytes[i] & 15];
  }
  *at = '\0';
}

uint64_t sq_session_hash(const uint64_t key[2], const char *organization, size_t organization_length, const char *project,
                         size_t project_length, const char *id, size_t id_length) {
  uint64_t outer[2], owner[2];
  sq_siphash(key, organization, organization_length, owner);
  owner[1] = owner[0] ^ organization_length;
  sq_siphash(owner, project, project_length, outer);
  outer[1] = outer[0] ^ project_length;
  sq_siphash(outer, id, id_length, owner);
  return owner[0];
}

const char *sq_measure_name(sq_measure measure) {
  static const char *const names[] = {
#define MEASURE(id, name, merge) #id,
#include "column/measures.def"
  };
  return names[measure];
}
