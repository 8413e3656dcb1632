#include "exec/uuids.h"

#define TEXT_LENGTH 36

static const char form[] = "00000000-0000-0000-0000-000000000000";

static int digit_of(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

static bool take_digits(sq_uuid_needle *needle, const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    int digit = digit_of(text[i]);
    if (digit < 0 && text[i] != '-') return false;
    if (digit >= 0 && needle->count < 32) needle->digits[needle->count++] = (unsigned char)digit;
  }
  return true;
}

static bool fits_at(const char *text, size_t length, size_t place) {
  for (size_t i = 0; i < length; i++)
    if ((text[i] == '-') != (form[place + i] == '-')) return false;
  return true;
}

bool sq_uuid_needle_make(sq_uuid_needle *needle, const char *text, size_t length) {
  *needle = (sq_uuid_needle){.count = 0};
  if (length > TEXT_LENGTH || !take_digits(needle, text, length)) return false;
  unsigned digit = 0; /* the one that stands at `place` or next behind it */
  for (size_t place = 0; place + length <= TEXT_LENGTH; place++) {
    if (fits_at(text, length, place)) needle->starts |= UINT32_C(1) << (digit < 32 ? digit : 31);
    digit += form[place] != '-';
  }
  return needle->starts != 0;
}
