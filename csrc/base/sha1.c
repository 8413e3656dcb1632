#include "base/sha1.h"

#include <string.h>

#include "base/big_endian.h"

#define BLOCK 64

static uint32_t rotate(uint32_t value, int by) { return value << by | value >> (32 - by); }

/* The function of the round and what is added to it: of each twenty rounds another. */
static uint32_t mix(int round, uint32_t b, uint32_t c, uint32_t d) {
  if (round < 20) return ((b & c) | (~b & d)) + 0x5A827999;
  if (round < 40) return (b ^ c ^ d) + 0x6ED9EBA1;
  if (round < 60) return ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDC;
  return (b ^ c ^ d) + 0xCA62C1D6;
}

static void absorb(uint32_t state[5], const uint8_t block[BLOCK]) {
  uint32_t w[80], v[5];
  for (int i = 0; i < 16; i++) w[i] = sq_big_endian(block + 4 * i);
  for (int i = 16; i < 80; i++) w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  memcpy(v, state, sizeof v);
  for (int i = 0; i < 80; i++) {
    uint32_t next = rotate(v[0], 5) + mix(i, v[1], v[2], v[3]) + v[4] + w[i];
    memmove(v + 1, v, 4 * sizeof *v);
    v[0] = next;
    v[2] = rotate(v[2], 30);
  }
  for (int i = 0; i < 5; i++) state[i] += v[i];
}

void sq_sha1_begin(sq_sha1 *sha) { *sha = (sq_sha1){.state = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0}}; }

void sq_sha1_add(sq_sha1 *sha, const void *bytes, size_t size) {
  const uint8_t *from = bytes;
  while (size) {
    size_t filled = sha->size % BLOCK, part = size < BLOCK - filled ? size : BLOCK - filled;
    memcpy(sha->block + filled, from, part);
    sha->size += part;
    from += part;
    size -= part;
    if (filled + part == BLOCK) absorb(sha->state, sha->block);
  }
}

void sq_sha1_end(sq_sha1 *sha, uint8_t out[SQ_SHA1_SIZE]) {
  static const uint8_t padding[BLOCK] = {0x80};
  uint8_t bits[8];
  sq_write_big_endian(sha->size * 8, 8, bits);
  size_t filled = sha->size % BLOCK;
  sq_sha1_add(sha, padding, (filled < 56 ? 56 : 120) - filled); /* a bit, zeros, and the length: whole blocks */
  sq_sha1_add(sha, bits, sizeof bits);
  for (int i = 0; i < 5; i++) sq_write_big_endian(sha->state[i], 4, out + 4 * i);
}
