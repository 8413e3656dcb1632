/* SipHash-2-4 with 128 bits (Aumasson and Bernstein, 2012): what stands for a text. */
#ifndef SQ_BASE_HASH_H
#define SQ_BASE_HASH_H

#include "sessionquery.h"

void sq_siphash(const uint64_t key[2], const char *bytes, size_t length, uint64_t out[2]);

#endif
