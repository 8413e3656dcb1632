#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#define ALIGNMENT _Alignof(max_align_t)
#define BLOCK_SIZE ((size_t)16 * 1024)

struct sq_arena_block {
  sq_arena_block *next;
  size_t size;
  _Alignas(max_align_t) char bytes[];
};

static void *libc_resize(void *state, void *block, size_t old_size, size_t new_size) {
  (void)state, (void)old_size;
  if (new_size == 0) {
    free(block);
    return NULL;
  }
  return realloc(block, new_size);
}

const sq_allocator sq_libc_allocator = {libc_resize, NULL};

void sq_arena_begin(sq_arena *arena, const sq_allocator *allocator, void *lent, size_t size) {
  *arena = (sq_arena){.allocator = sq_allocator_or_libc(allocator)};
  if (lent) {
    size_t skip = -(uintptr_t)lent % ALIGNMENT;
    arena->at = (char *)lent + skip;
    arena->end = (char *)lent + size;
  }
}

static size_t next_size(sq_arena *arena) {
  if (arena->next == 0 || arena->next >= BLOCK_SIZE) return BLOCK_SIZE;
  size_t size = arena->next;
  arena->next *= 2;
  return size;
}

static bool add_block(sq_arena *arena, size_t size) {
  size_t next = next_size(arena), whole = sizeof(sq_arena_block) + (size > next ? size : next);
  sq_arena_block *block = sq_resize(arena->allocator, NULL, 0, whole);
  if (!block) return false;
  block->next = arena->blocks;
  block->size = whole;
  arena->blocks = block;
  arena->at = block->bytes;
  arena->end = (char *)block + whole;
  return true;
}

void *sq_arena_take(sq_arena *arena, size_t size) {
  if (size > SIZE_MAX / 2) return NULL;
  size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
  if ((size_t)(arena->end - arena->at) < size && !add_block(arena, size)) return NULL;
  void *taken = arena->at;
  arena->at += size;
  return memset(taken, 0, size);
}

char *sq_arena_copy(sq_arena *arena, const char *text, size_t length) {
  char *copy = sq_arena_take(arena, length + 1);
  if (copy && length) memcpy(copy, text, length);
  return copy;
}

void sq_arena_end(sq_arena *arena) {
  while (arena->blocks) {
    sq_arena_block *block = arena->blocks;
    arena->blocks = block->next;
    sq_resize(arena->allocator, block, block->size, 0);
  }
  arena->at = arena->end = NULL;
}

bool sq_arena_grow(sq_arena *arena, void *items_pointer, size_t count, size_t *capacity, size_t item_size) {
  if (count < *capacity) return true;
  size_t wanted = *capacity ? *capacity * 2 : 8;
  void *items = sq_arena_take(arena, wanted * item_size), *old;
  if (!items) return false;
  memcpy(&old, items_pointer, sizeof old);
  if (count) memcpy(items, old, count * item_size);
  memcpy(items_pointer, &items, sizeof items);
  *capacity = wanted;
  return true;
}
