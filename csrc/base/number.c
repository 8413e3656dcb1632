#include "base/number.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A JSON number, taken apart: digits without leading zeros, value = 0.DIGITS × 10^point. */
typedef struct decimal {
  bool negative;
  const char *whole, *fraction; /* runs of digits in the text */
  size_t whole_length, fraction_length;
  int64_t exponent;
} decimal;

static bool digit(char c) { return c >= '0' && c <= '9'; }

static const char *skip_digits(const char *at, const char *end) {
  while (at < end && digit(*at)) at++;
  return at;
}

static bool take_exponent(const char *at, const char *end, int64_t *out) {
  bool negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) at++;
  if (at == end || skip_digits(at, end) != end) return false;
  int64_t value = 0;
  for (; at < end; at++)
    if (value < 1000000000) value = value * 10 + (*at - '0'); /* beyond this, only the size counts */
  *out = negative ? -value : value;
  return true;
}

static bool take_apart(const char *text, size_t length, decimal *out) {
  const char *at = text, *end = text + length;
  *out = (decimal){.negative = at < end && *at == '-'};
  if (out->negative) at++;
  out->whole = at;
  at = skip_digits(at, end);
  out->whole_length = (size_t)(at - out->whole);
  if (out->whole_length == 0 || (out->whole_length > 1 && *out->whole == '0')) return false;
  if (at < end && *at == '.') {
    out->fraction = ++at;
    at = skip_digits(at, end);
    out->fraction_length = (size_t)(at - out->fraction);
    if (out->fraction_length == 0) return false;
  }
  if (at < end && (*at == 'e' || *at == 'E')) return take_exponent(at + 1, end, &out->exponent);
  return at == end;
}

bool sq_number_valid(const char *text, size_t length) {
  decimal parts;
  return take_apart(text, length, &parts);
}

bool sq_number_is_digits(const char *text, size_t length) {
  decimal parts;
  return take_apart(text, length, &parts) && (size_t)(parts.whole - text) + parts.whole_length == length;
}

static char digit_at(const decimal *parts, size_t index) {
  return index < parts->whole_length ? parts->whole[index] : parts->fraction[index - parts->whole_length];
}

/* The significant digits: those from the first to the last that is not 0. `point`: value = 0.DIGITS × 10^point. */
typedef struct significant {
  size_t first, end;
  int64_t point;
} significant;

static significant significant_of(const decimal *parts) {
  size_t end = parts->whole_length + parts->fraction_length, first = 0;
  while (first < end && digit_at(parts, first) == '0') first++;
  while (end > first && digit_at(parts, end - 1) == '0') end--;
  return (significant){first, end, parts->exponent + (int64_t)parts->whole_length - (int64_t)first};
}

static int compare_magnitudes(const decimal *a, const decimal *b) {
  significant x = significant_of(a), y = significant_of(b);
  bool zero_x = x.first == x.end, zero_y = y.first == y.end;
  if (zero_x || zero_y) return zero_y - zero_x;
  if (x.point != y.point) return x.point > y.point ? 1 : -1;
  for (; x.first < x.end && y.first < y.end; x.first++, y.first++) {
    int difference = digit_at(a, x.first) - digit_at(b, y.first);
    if (difference) return difference > 0 ? 1 : -1;
  }
  return (x.first < x.end) - (y.first < y.end);
}

int sq_decimal_compare(const char *a, size_t a_length, const char *b, size_t b_length) {
  decimal x, y;
  if (!take_apart(a, a_length, &x) || !take_apart(b, b_length, &y)) return 0;
  int magnitudes = compare_magnitudes(&x, &y);
  if (x.negative == y.negative) return x.negative ? -magnitudes : magnitudes;
  decimal zero = {.whole = "0", .whole_length = 1};
  bool both_zero = compare_magnitudes(&x, &zero) == 0 && compare_magnitudes(&y, &zero) == 0;
  return both_zero ? 0 : x.negative ? -1 : 1;
}

static void saturate(const decimal *parts, sq_scaled *out) {
  out->overflow = parts->negative ? -1 : 1;
  out->floor = out->rounded = parts->negative ? INT64_MIN : INT64_MAX;
}

bool sq_decimal_scale(const char *text, size_t length, int scale, sq_scaled *out) {
  decimal parts;
  if (!take_apart(text, length, &parts)) return false;
  *out = (sq_scaled){.exact = true};
  size_t count = parts.whole_length + parts.fraction_length, first = 0;
  while (first < count && digit_at(&parts, first) == '0') first++;
  if (first == count) return true; /* zero, whatever its exponent */

  /* the digits before index `point` are the integer part */
  int64_t point = (int64_t)parts.whole_length + parts.exponent + scale;
  uint64_t magnitude = 0;
  for (int64_t i = (int64_t)first; i < point; i++) {
    unsigned next = i < (int64_t)count ? (unsigned)(digit_at(&parts, (size_t)i) - '0') : 0;
    if (magnitude > ((uint64_t)INT64_MAX - next) / 10) {
      saturate(&parts, out);
      return true;
    }
    magnitude = magnitude * 10 + next;
  }
  int64_t rest = point > (int64_t)first ? point : (int64_t)first; /* first digit that may be left over */
  bool half = rest == point && rest < (int64_t)count && digit_at(&parts, (size_t)rest) >= '5';
  for (int64_t i = rest; i < (int64_t)count && out->exact; i++) out->exact = digit_at(&parts, (size_t)i) == '0';

  int64_t value = (int64_t)magnitude;
  int64_t away = half && value < INT64_MAX ? value + 1 : value;
  out->rounded = parts.negative ? -away : away;
  out->floor = parts.negative ? -value - (out->exact ? 0 : 1) : value;
  return true;
}

/* Up to 15 digits times a power of ten up to 22 are exact in doubles, so one operation rounds rightly. */
static bool fast_parse(const decimal *parts, double *out) {
  static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  size_t count = parts->whole_length + parts->fraction_length;
  int64_t exponent = parts->exponent - (int64_t)parts->fraction_length;
  if (count > 15 || exponent > 22 || exponent < -22) return false;
  int64_t digits = 0;
  for (size_t i = 0; i < count; i++) digits = digits * 10 + (digit_at(parts, i) - '0');
  double value = exponent < 0 ? (double)digits / powers[-exponent] : (double)digits * powers[exponent];
  *out = parts->negative ? -value : value;
  return true;
}

double sq_number_parse(const char *text, size_t length) {
  decimal parts;
  double value;
  if (!take_apart(text, length, &parts)) return NAN;
  if (fast_parse(&parts, &value)) return value;
  /* strtod wants the locale's point and a terminator; 800 digits decide any double (767 are needed) */
  char copy[900];
  size_t used = 0, dropped = 0, point = strlen(localeconv()->decimal_point);
  if (parts.negative) copy[used++] = '-';
  for (size_t i = 0; i < parts.whole_length + parts.fraction_length; i++) {
    if (i == parts.whole_length) {
      memcpy(copy + used, localeconv()->decimal_point, point);
      used += point;
    }
    if (used < 810) copy[used++] = digit_at(&parts, i);
    else if (i < parts.whole_length) dropped++;
  }
  snprintf(copy + used, sizeof copy - used, "e%lld", (long long)(parts.exponent + (int64_t)dropped));
  return strtod(copy, NULL);
}

/* A double whose value is an integer of at most SQ_SAFE_INTEGER. */
static bool is_integer(double number, int64_t *out) {
  if (!(fabs(number) <= (double)SQ_SAFE_INTEGER) || floor(number) != number) return false;
  *out = (int64_t)number;
  return true;
}

/* The fewest digits that read back as the same double, as "d.ddde±xx". */
static int shortest(double number, char out[32]) {
  int length = 0;
  for (int digits = fabs(number) < DBL_MIN ? 1 : 15; digits <= 17; digits++) { /* 15 always fit, but in subnormals */
    length = snprintf(out, 32, "%.*e", digits - 1, number);
    for (char *at = out; *at; at++)
      if (*at == localeconv()->decimal_point[0]) *at = '.';
    if (sq_number_parse(out, (size_t)length) == number) break;
  }
  return length;
}

/* In JavaScript's forms, as the clients of those APIs write numbers: 0.00001, 1e-7, 1e+21. */
size_t sq_number_format(double number, char out[32]) {
  int64_t integer;
  char scientific[32], digits[20];
  if (is_integer(number, &integer)) return (size_t)snprintf(out, 32, "%lld", (long long)integer);
  int length = shortest(number, scientific), count = 0;
  if (!isfinite(number)) return (size_t)snprintf(out, 32, "%s", scientific);
  const char *e = memchr(scientific, 'e', (size_t)length);
  for (const char *at = scientific; at < e; at++)
    if (digit(*at)) digits[count++] = *at;
  while (count > 1 && digits[count - 1] == '0') count--;
  int exponent = atoi(e + 1), used = 0;
  if (number < 0) out[used++] = '-';
  if (exponent < -6 || exponent > 20) {
    used += snprintf(out + used, 32 - (size_t)used, "%c%s%.*s", digits[0], count > 1 ? "." : "", count - 1, digits + 1);
    used += snprintf(out + used, 32 - (size_t)used, "e%+d", exponent);
  } else if (exponent < 0) {
    used += snprintf(out + used, 32 - (size_t)used, "0.%.*s%.*s", -exponent - 1, "0000000", count, digits);
  } else if (exponent + 1 >= count) {
    used += snprintf(out + used, 32 - (size_t)used, "%.*s%.*s", count, digits, exponent + 1 - count, "00000000000000000000");
  } else {
    used += snprintf(out + used, 32 - (size_t)used, "%.*s.%.*s", exponent + 1, digits, count - exponent - 1, digits + exponent + 1);
  }
  return (size_t)used;
}

size_t sq_decimal_format(int64_t value, int scale, char out[32]) {
  char digits[24];
  uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
  int count = snprintf(digits, sizeof digits, "%0*llu", scale + 1, (unsigned long long)magnitude);
  int whole = count - scale, used = 0;
  if (value < 0) out[used++] = '-';
  memcpy(out + used, digits, (size_t)whole);
  used += whole;
  while (count > whole && digits[count - 1] == '0') count--;
  if (count > whole) {
    out[used++] = '.';
    memcpy(out + used, digits + whole, (size_t)(count - whole));
    used += count - whole;
  }
  out[used] = '\0';
  return (size_t)used;
}

/* Up to 15 digits are a double's own, and from 0.0001 on none is written with an exponent. */
bool sq_number_is_shortest(const char *text, size_t length) {
  size_t from = length && text[0] == '-', digits = 0, fraction = 0;
  bool point = false;
  if (length - from > 16 || from == length) return false;
  for (size_t i = from; i < length; i++) {
    if (text[i] == '.') point = true;
    else if (text[i] < '0' || text[i] > '9') return false;
    else digits++, fraction += point;
  }
  if (digits > 15 || (from && text[from] == '0')) return false; /* -0 and its like are looked at in full */
  if (!point) return true;
  return fraction > 0 && text[length - 1] != '0' && (text[from] != '0' || fraction <= 4);
}
