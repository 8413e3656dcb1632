#include "base/checksum.h"

#include <string.h>

#define POLYNOMIAL 0x82F63B78u /* 0x1EDC6F41, bits reversed */

/* Bit by bit through a table of 16: for processors without the instruction, and for what is left of a word. */
static uint32_t by_table(uint32_t crc, const unsigned char *bytes, size_t size) {
  uint32_t table[16];
  for (uint32_t i = 0; i < 16; i++) {
    uint32_t value = i;
    for (int bit = 0; bit < 4; bit++) value = value & 1 ? value >> 1 ^ POLYNOMIAL : value >> 1;
    table[i] = value;
  }
  for (size_t i = 0; i < size; i++) {
    crc ^= bytes[i];
    crc = crc >> 4 ^ table[crc & 15];
    crc = crc >> 4 ^ table[crc & 15];
  }
  return crc;
}

#ifdef __x86_64__
#define STRIDE 1024 /* bytes of each of three streams that run side by side: the instruction takes three cycles */

/* Multiplies the CRC by x^(8 × STRIDE): what STRIDE zero bytes behind it make of it. */
static uint32_t skip_stride(uint32_t crc, const uint32_t shift[4][256]) {
  return shift[0][crc & 255] ^ shift[1][crc >> 8 & 255] ^ shift[2][crc >> 16 & 255] ^ shift[3][crc >> 24];
}

static void make_shift(uint32_t shift[4][256]) {
  static const unsigned char zeros[STRIDE];
  uint32_t of_bit[32];
  for (int bit = 0; bit < 32; bit++) of_bit[bit] = by_table(UINT32_C(1) << bit, zeros, STRIDE);
  for (int byte = 0; byte < 4; byte++)
    for (uint32_t value = 0; value < 256; value++) {
      uint32_t sum = 0;
      for (int bit = 0; bit < 8; bit++)
        if (value >> bit & 1) sum ^= of_bit[8 * byte + bit];
      shift[byte][value] = sum;
    }
}

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const unsigned char *bytes, size_t size) {
  uint64_t word[3], a = crc;
  if (size >= 64 * 3 * STRIDE) { /* the table pays */
    uint32_t shift[4][256];
    make_shift(shift);
    for (; size >= 3 * STRIDE; bytes += 3 * STRIDE, size -= 3 * STRIDE) {
      uint64_t b = 0, c = 0;
      for (size_t i = 0; i < STRIDE; i += 8) {
        memcpy(&word[0], bytes + i, 8);
        memcpy(&word[1], bytes + STRIDE + i, 8);
        memcpy(&word[2], bytes + 2 * STRIDE + i, 8);
        a = __builtin_ia32_crc32di(a, word[0]);
        b = __builtin_ia32_crc32di(b, word[1]);
        c = __builtin_ia32_crc32di(c, word[2]);
      }
      a = skip_stride(skip_stride((uint32_t)a, shift) ^ (uint32_t)b, shift) ^ c;
    }
  }
  for (; size >= 8; bytes += 8, size -= 8) {
    memcpy(&word[0], bytes, 8);
    a = __builtin_ia32_crc32di(a, word[0]);
  }
  uint32_t rest = (uint32_t)a;
  for (; size; bytes++, size--) rest = __builtin_ia32_crc32qi(rest, *bytes);
  return rest;
}
#endif

uint32_t sq_crc32c(uint32_t before, const void *bytes, size_t size) {
#ifdef __x86_64__
  if (__builtin_cpu_supports("sse4.2")) return ~by_instruction(~before, bytes, size);
#endif
  return ~by_table(~before, bytes, size);
}
