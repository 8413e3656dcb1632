/* The smallest test driver: CHECK counts, failures say where, main ends with `return report();`. */
#ifndef SQ_SPEC_TEST_H
#define SQ_SPEC_TEST_H

#include <stdio.h>
#include <string.h>

static int passed, failed;

#define CHECK(condition, ...) \
  do { \
    if (condition) { \
      passed++; \
    } else { \
      failed++; \
      printf("%s:%d: %s: ", __FILE__, __LINE__, #condition); \
      printf(" " __VA_ARGS__); \
      printf("\n"); \
    } \
  } while (0)

static inline int report(void) {
  printf("%d passed, %d failed\n", passed, failed);
  return failed != 0;
}

#endif
