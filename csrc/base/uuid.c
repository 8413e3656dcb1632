#include "base/uuid.h"

#include <string.h>

#include "base/sha1.h"

const uint8_t sq_uuid_of_urls[SQ_UUID_SIZE] = {0x6B, 0xA7, 0xB8, 0x11, 0x9D, 0xAD, 0x11, 0xD1, 0x80, 0xB4, 0x00, 0xC0, 0x4F, 0xD4, 0x30, 0xC8};

/* Before which bytes a hyphen stands. */
static bool is_divided(int byte) { return byte == 4 || byte == 6 || byte == 8 || byte == 10; }

static int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = (char)(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool sq_uuid_read(const char *text, size_t length, uint8_t out[SQ_UUID_SIZE]) {
  if (length != SQ_UUID_LENGTH) return false;
  for (int i = 0; i < SQ_UUID_SIZE; i++) {
    if (is_divided(i) && *text++ != '-') return false;
    int high = digit_of(text[0]), low = digit_of(text[1]);
    if (high < 0 || low < 0) return false;
    out[i] = (uint8_t)(high << 4 | low);
    text += 2;
  }
  return true;
}

void sq_uuid_write(const uint8_t uuid[SQ_UUID_SIZE], char out[SQ_UUID_LENGTH + 1]) {
  static const char digits[] = "0123456789abcdef";
  for (int i = 0; i < SQ_UUID_SIZE; i++) {
    if (is_divided(i)) *out++ = '-';
    *out++ = digits[uuid[i] >> 4];
    *out++ = digits[uuid[i] & 15];
  }
  *out = '\0';
}

void sq_uuid_of_name(const uint8_t space[SQ_UUID_SIZE], const char *name, size_t length, uint8_t out[SQ_UUID_SIZE]) {
  sq_sha1 sha;
  uint8_t hash[SQ_SHA1_SIZE];
  sq_sha1_begin(&sha);
  sq_sha1_add(&sha, space, SQ_UUID_SIZE);
  sq_sha1_add(&sha, name, length);
  sq_sha1_end(&sha, hash);
  memcpy(out, hash, SQ_UUID_SIZE);
  out[6] = (uint8_t)((out[6] & 0x0F) | 0x50); /* version */
  out[8] = (uint8_t)((out[8] & 0x3F) | 0x80); /* variant */
}
