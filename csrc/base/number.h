/* Decimal numbers as text: exact scaling to integers, and the way to and from doubles. Independent of
   the process's locale. */
#ifndef SQ_BASE_NUMBER_H
#define SQ_BASE_NUMBER_H

#include "sessionquery.h"

/* |n| <= 2^53 - 1: the integers that a double holds exactly. */
#define SQ_SAFE_INTEGER INT64_C(9007199254740991)

/* number × 10^scale, cut to an integer. */
typedef struct sq_scaled {
  int64_t floor;   /* greatest integer not above it; saturated when it overflows */
  int64_t rounded; /* nearest integer, half away from zero; saturated */
  bool exact;      /* it is an integer */
  int overflow;    /* -1, 0, 1: beyond int64 */
} sq_scaled;

/* `text` is a JSON number. False when it is not. */
bool sq_decimal_scale(const char *text, size_t length, int scale, sq_scaled *out);

/* True when `text` is of JSON's number grammar. */
bool sq_number_valid(const char *text, size_t length);

/* True of most JSON numbers that sq_number_format would write just so; false may be said of others that it would. */
bool sq_number_is_shortest(const char *text, size_t length);

/* True when a JSON number has no fraction and no exponent. */
bool sq_number_is_digits(const char *text, size_t length);

/* Which of two JSON numbers is the greater, exactly: -1, 0, 1. */
int sq_decimal_compare(const char *a, size_t a_length, const char *b, size_t b_length);

/* The integer as a decimal number with `scale` fraction digits, trailing zeros cut: 430560 at 9 is
   "0.00043056". Returns the length. */
size_t sq_decimal_format(int64_t value, int scale, char out[32]);

#endif
