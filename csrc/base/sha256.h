/* SHA-256 (FIPS 180-4), of a text that is there as a whole. */
#ifndef SQ_BASE_SHA256_H
#define SQ_BASE_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SQ_SHA256_SIZE 32

void sq_sha256(const void *bytes, size_t size, uint8_t out[SQ_SHA256_SIZE]);
/* Whether they are equal, in a time that does not tell where they differ. */
bool sq_sha256_equal(const uint8_t a[SQ_SHA256_SIZE], const uint8_t b[SQ_SHA256_SIZE]);

#endif
