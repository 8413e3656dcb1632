/* How fast this machine reads memory just now: bandwidth [MEGABYTES [PASSES]] prints the median of the passes in
   GB/s. One thread, from start to end, of a buffer too large for most caches: the bound of any scan. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LANES = 8, MOST_PASSES = 101 };

static volatile uint64_t sink; /* without it the compiler drops the reading */

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Several sums at once, for one alone would wait for each addition. */
static uint64_t read_all(const uint64_t *words, size_t count) {
  uint64_t sums[LANES] = {0}, all = 0;
  for (size_t i = 0; i + LANES <= count; i += LANES)
    for (size_t lane = 0; lane < LANES; lane++) sums[lane] += words[i + lane];
  for (size_t lane = 0; lane < LANES; lane++) all += sums[lane];
  return all;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int count, char **arguments) {
  size_t bytes = (size_t)(count > 1 ? atoi(arguments[1]) : 400) << 20;
  int passes = count > 2 ? atoi(arguments[2]) : 7;
  if (bytes == 0 || passes < 1 || passes > MOST_PASSES) return 2;
  uint64_t *words = malloc(bytes);
  if (!words) return 1;
  memset(words, 1, bytes); /* all pages are there */
  double rates[MOST_PASSES];
  for (int i = 0; i < passes; i++) {
    double start = now();
    sink = read_all(words, bytes / sizeof *words);
    rates[i] = (double)bytes / (now() - start) / 1e9;
  }
  qsort(rates, (size_t)passes, sizeof *rates, by_size);
  printf("%.2f\n", rates[passes / 2]);
  free(words);
  return 0;
}
