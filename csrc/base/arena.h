/* Memory that is let go all at once. One compile, one arena. */
#ifndef SQ_BASE_ARENA_H
#define SQ_BASE_ARENA_H

#include "sessionquery.h"

typedef struct sq_arena_block sq_arena_block;

typedef struct sq_arena {
  const sq_allocator *allocator;
  sq_arena_block *blocks;
  char *at, *end;
  size_t next; /* bytes of the next block, twice as many of the one behind it, up to a limit; 0: as many as that */
} sq_arena;

/* The allocator that NULL stands for: the C library's. */
extern const sq_allocator sq_libc_allocator;

static inline const sq_allocator *sq_allocator_or_libc(const sq_allocator *allocator) {
  return allocator ? allocator : &sq_libc_allocator;
}

static inline void *sq_resize(const sq_allocator *allocator, void *block, size_t old_size, size_t new_size) {
  return allocator->resize(allocator->state, block, old_size, new_size);
}

/* Starts with `size` bytes that the caller lends (on its stack, say), so that small work allocates nothing. */
void sq_arena_begin(sq_arena *arena, const sq_allocator *allocator, void *lent, size_t size);
/* Zeroed and aligned for any type; NULL when memory ended. */
void *sq_arena_take(sq_arena *arena, size_t size);
/* A terminated copy. */
char *sq_arena_copy(sq_arena *arena, const char *text, size_t length);
void sq_arena_end(sq_arena *arena);

/* Makes room for one more item in an array that lives in the arena (the old array stays behind). */
bool sq_arena_grow(sq_arena *arena, void *items_pointer, size_t count, size_t *capacity, size_t item_size);

#endif
