#include "base/hash.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/time.h"

typedef struct state {
  uint64_t v0, v1, v2, v3;
} state;

static uint64_t rotate(uint64_t value, int by) { return value << by | value >> (64 - by); }

static void rounds(state *s, int count) {
  while (count-- > 0) {
    s->v0 += s->v1, s->v1 = rotate(s->v1, 13) ^ s->v0, s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3, s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3, s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1, s->v1 = rotate(s->v1, 17) ^ s->v2, s->v2 = rotate(s->v2, 32);
  }
}

static void absorb(state *s, uint64_t word) {
  s->v3 ^= word;
  rounds(s, 2);
  s->v0 ^= word;
}

static uint64_t little_endian(const char *bytes, size_t count) {
  uint64_t word = 0;
  for (size_t i = 0; i < count; i++) word |= (uint64_t)(unsigned char)bytes[i] << (8 * i);
  return word;
}

void sq_siphash(const uint64_t key[2], const char *bytes, size_t length, uint64_t out[2]) {
  state s = {key[0] ^ 0x736F6D6570736575u, key[1] ^ 0x646F72616E646F6Du ^ 0xEE,
             key[0] ^ 0x6C7967656E657261u, key[1] ^ 0x7465646279746573u};
  size_t whole = length & ~(size_t)7;
  for (size_t i = 0; i < whole; i += 8) absorb(&s, little_endian(bytes + i, 8));
  absorb(&s, little_endian(bytes + whole, length - whole) | (uint64_t)length << 56);
  s.v2 ^= 0xEE;
  rounds(&s, 4);
  out[0] = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
  s.v1 ^= 0xDD;
  rounds(&s, 4);
  out[1] = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

void sq_identity(const char *text, size_t length, uint64_t out[2]) {
  static const uint64_t key[2] = {0x73657373696F6E71u, 0x7565727920696420u}; /* fixed: ids must not change */
  sq_siphash(key, text, length, out);
}

static void format_uuid(uint64_t high, uint64_t low, char out[37]) {
  snprintf(out, 37, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32), (unsigned)(high >> 16 & 0xFFFF),
           (unsigned)(high & 0xFFFF), (unsigned)(low >> 48), (unsigned long long)(low & 0xFFFFFFFFFFFFu));
}

static uint64_t with_variant(uint64_t low) { return (low & 0x3FFFFFFFFFFFFFFFu) | 0x8000000000000000u; }

/* A UUID of version 8: made by rules of our own. */
void sq_line_id(const uint64_t identity[2], int64_t number, const char *line, size_t length, char out[37]) {
  const uint64_t key[2] = {identity[0] ^ (uint64_t)number, identity[1]};
  uint64_t bits[2];
  sq_siphash(key, line, length, bits);
  format_uuid((bits[0] & ~(uint64_t)0xF000) | 0x8000, with_variant(bits[1]), out);
}

bool sq_uuid_make(char out[37]) {
  uint64_t random[2];
  if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) return false;
  uint64_t milliseconds = (uint64_t)(sq_time_now() / 1000);
  format_uuid(milliseconds << 16 | 0x7000 | (random[0] & 0xFFF), with_variant(random[1]), out);
  return true;
}
