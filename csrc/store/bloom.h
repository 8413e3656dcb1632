/* A blocked Bloom filter: whether a hash may be among those added. One cache line is looked at. */
#ifndef SQ_STORE_BLOOM_H
#define SQ_STORE_BLOOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sq_bloom {
  uint64_t *bits;  /* blocks of 8 words */
  size_t blocks;
  size_t capacity; /* hashes it is made for: 20 bits each; of others about one in three thousand is taken for one of them */
  size_t count;
} sq_bloom;

/* False when memory ended. */
bool sq_bloom_make(sq_bloom *bloom, size_t capacity);
void sq_bloom_add(sq_bloom *bloom, uint64_t hash);
bool sq_bloom_may_have(const sq_bloom *bloom, uint64_t hash);
void sq_bloom_free(sq_bloom *bloom);

#endif
