/* Numbers with the greatest byte first, as hashes read and write them. */
#ifndef SQ_BASE_BIG_ENDIAN_H
#define SQ_BASE_BIG_ENDIAN_H

#include <stdint.h>

static inline uint32_t sq_big_endian(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static inline void sq_write_big_endian(uint64_t value, int size, uint8_t *out) {
  for (int i = 0; i < size; i++) out[i] = (uint8_t)(value >> 8 * (size - 1 - i));
}

#endif
