/* SHA-1 (FIPS 180-4), for names that others made of it; nothing here trusts it. */
#ifndef SQ_BASE_SHA1_H
#define SQ_BASE_SHA1_H

#include <stddef.h>
#include <stdint.h>

#define SQ_SHA1_SIZE 20

/* A text that comes in pieces. */
typedef struct sq_sha1 {
  uint32_t state[5];
  uint64_t size;
  uint8_t block[64]; /* the last size % 64 bytes */
} sq_sha1;

void sq_sha1_begin(sq_sha1 *sha);
void sq_sha1_add(sq_sha1 *sha, const void *bytes, size_t size);
void sq_sha1_end(sq_sha1 *sha, uint8_t out[SQ_SHA1_SIZE]);

#endif
