#include "base/sha256.h"

#include <string.h>

#include "base/big_endian.h"

#define BLOCK 64

static uint32_t rotate(uint32_t value, int by) { return value >> by | value << (32 - by); }

/* The first 32 bits of the fractions of the cube roots of the first 64 primes. */
static const uint32_t constants[64] = {
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5, 0xD807AA98, 0x12835B01, 0x243185BE,
    0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174, 0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA,
    0x5CB0A9DC, 0x76F988DA, 0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967, 0x27B70A85,
    0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85, 0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3,
    0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070, 0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F,
    0x682E6FF3, 0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2};

static void absorb(uint32_t state[8], const uint8_t block[BLOCK]) {
  uint32_t w[64], v[8];
  for (int i = 0; i < 16; i++) w[i] = sq_big_endian(block + 4 * i);
  for (int i = 16; i < 64; i++) {
    uint32_t low = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
    uint32_t high = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + low + w[i - 7] + high;
  }
  memcpy(v, state, sizeof v);
  for (int i = 0; i < 64; i++) {
    uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]), majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
    uint32_t first = v[7] + (rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25)) + choice + constants[i] + w[i];
    uint32_t second = (rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22)) + majority;
    memmove(v + 1, v, 7 * sizeof *v);
    v[4] += first;
    v[0] = first + second;
  }
  for (int i = 0; i < 8; i++) state[i] += v[i];
}

void sq_sha256(const void *bytes, size_t size, uint8_t out[SQ_SHA256_SIZE]) {
  uint32_t state[8] = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};
  const uint8_t *at = bytes;
  size_t left = size;
  for (; left >= BLOCK; at += BLOCK, left -= BLOCK) absorb(state, at);
  uint8_t tail[2 * BLOCK] = {0}; /* what is left, a bit, zeros, and the length in bits: one block or two */
  size_t end = left + 9 <= BLOCK ? BLOCK : 2 * BLOCK;
  if (left) memcpy(tail, at, left);
  tail[left] = 0x80;
  sq_write_big_endian((uint64_t)size * 8, 8, tail + end - 8);
  for (size_t i = 0; i < end; i += BLOCK) absorb(state, tail + i);
  for (int i = 0; i < 8; i++) sq_write_big_endian(state[i], 4, out + 4 * i);
}

bool sq_sha256_equal(const uint8_t a[SQ_SHA256_SIZE], const uint8_t b[SQ_SHA256_SIZE]) {
  volatile uint8_t differs = 0; /* volatile: so that the compiler does not end the loop early */
  for (int i = 0; i < SQ_SHA256_SIZE; i++) differs = (uint8_t)(differs | (a[i] ^ b[i]));
  return differs == 0;
}
