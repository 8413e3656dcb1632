/* Numbers, times, samples and sums. */
#include "test.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

#include "base/number.h"
#include "base/time.h"
#include "session/sample.h"
#include "session/sum.h"

static void decimals(void) {
  static const struct {
    const char *text;
    int scale;
    int64_t floor, rounded;
    bool exact;
    int overflow;
  } cases[] = {
      {"0", 0, 0, 0, true, 0},
      {"-0", 9, 0, 0, true, 0},
      {"12", 0, 12, 12, true, 0},
      {"12.5", 0, 12, 13, false, 0},
      {"-12.5", 0, -13, -13, false, 0},
      {"-12.4", 0, -13, -12, false, 0},
      {"12.50", 1, 125, 125, true, 0},
      {"0.0000000015", 9, 1, 2, false, 0},
      {"0.00043456", 9, 434560, 434560, true, 0},
      {"4.3456000000000007e-4", 9, 434560, 434560, false, 0},
      {"1e3", 0, 1000, 1000, true, 0},
      {"1e-3", 3, 1, 1, true, 0},
      {"1.5E+2", 0, 150, 150, true, 0},
      {"9223372036854775807", 0, INT64_MAX, INT64_MAX, true, 0},
      {"9223372036854775807.5", 0, INT64_MAX, INT64_MAX, false, 0},
      {"9223372036854775808", 0, INT64_MAX, INT64_MAX, true, 1},
      {"-9223372036854775809", 0, INT64_MIN, INT64_MIN, true, -1},
      {"1e999999999999", 0, INT64_MAX, INT64_MAX, true, 1},
      {"-1e400", 0, INT64_MIN, INT64_MIN, true, -1},
      {"1e-999999999999", 9, 0, 0, false, 0},
      {"0e999999999999", 9, 0, 0, true, 0},
      {"0.5", 0, 0, 1, false, 0},
      {"0.49999", 0, 0, 0, false, 0},
      {"0.05", 0, 0, 0, false, 0},
      {"-0.5", 0, -1, -1, false, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    sq_scaled got;
    CHECK(sq_decimal_scale(cases[i].text, strlen(cases[i].text), cases[i].scale, &got), "%s", cases[i].text);
    CHECK(got.floor == cases[i].floor && got.rounded == cases[i].rounded && got.overflow == cases[i].overflow &&
              (got.overflow || got.exact == cases[i].exact),
          "%s: floor %lld rounded %lld exact %d overflow %d", cases[i].text, (long long)got.floor, (long long)got.rounded,
          got.exact, got.overflow);
  }
  static const char *const wrong[] = {"", "-", "+1", "01", "1.", ".5", "1e", "1e+", "0x1", "1 ", "--1", "1.5.5", "NaN", "1e5.5"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) CHECK(!sq_number_valid(wrong[i], strlen(wrong[i])), "%s", wrong[i]);
}

static void doubles(void) {
  static const double values[] = {0,      1,        -1,      0.1,     0.3,      1e21,    1.5e-7, 123456789.125, 9007199254740991.0,
                                  5e-324, 1.7e308,  0.1 + 0.2, 1e15,  1e16,     1e22,    1e23,   -2.5,          1775802351.873744};
  char text[32];
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    size_t length = sq_number_format(values[i], text);
    CHECK(length == strlen(text) && sq_number_parse(text, length) == values[i], "%.17g as %s", values[i], text);
    CHECK(sq_number_valid(text, length), "%s", text);
  }
  CHECK(strcmp((sq_number_format(1.0, text), text), "1") == 0, "%s", text);
  CHECK(strcmp((sq_number_format(0.1, text), text), "0.1") == 0, "%s", text);
  CHECK(isnan(sq_number_parse("x", 1)), "not a number");
  CHECK(isinf(sq_number_parse("1e400", 5)), "too large");
  /* more digits than any double needs, in both parts */
  char long_number[1200];
  memset(long_number, '1', 1100);
  CHECK(isinf(sq_number_parse(long_number, 1100)), "1100 digits");
  CHECK(sq_number_parse(long_number, 300) == strtod("1.1111111111111111111e299", NULL), "300 digits");
  long_number[1] = '.';
  CHECK(sq_number_parse(long_number, 1100) == 1.1111111111111111111, "1100 digits behind the point");
  static const struct {
    int64_t value;
    int scale;
    const char *text;
  } decimals[] = {{430560, 9, "0.00043056"}, {0, 9, "0"}, {-5, 9, "-0.000000005"}, {INT64_MIN, 9, "-9223372036.854775808"}, {1500000000, 9, "1.5"}};
  for (size_t i = 0; i < sizeof decimals / sizeof *decimals; i++) {
    sq_decimal_format(decimals[i].value, decimals[i].scale, text);
    CHECK(strcmp(text, decimals[i].text) == 0, "%s, not %s", text, decimals[i].text);
  }
}

/* A host program may have set a locale whose decimal point is a comma. */
static void foreign_locale(void) {
  static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"};
  char text[32];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (setlocale(LC_NUMERIC, names[i])) break;
  sq_number_format(0.1 + 0.2, text);
  CHECK(strchr(text, ',') == NULL && strchr(text, '.') != NULL, "%s", text);
  CHECK(sq_number_parse("0.30000000000000004", 19) == 0.1 + 0.2, "parse");
  setlocale(LC_NUMERIC, "C");
}

static void compares(void) {
  /* each is greater than all before it */
  static const char *const rising[] = {"-1e400", "-10", "-9.99", "-1", "-1e-1", "-1e-400", "0", "1e-400", "0.0999999999999999999999", "0.1",
                                       "0.1000000000000000000001", "1", "1.00000000000000000000000001", "9", "10", "99", "1e2", "1e400"};
  static const char *const same[][2] = {{"0", "-0"}, {"0", "0e5"}, {"1", "1.0"}, {"10", "1e1"}, {"0.001", "1e-3"}, {"120", "0.12e3"}, {"-0", "-0.0"}};
  size_t count = sizeof rising / sizeof *rising;
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < count; j++) {
      int order = sq_decimal_compare(rising[i], strlen(rising[i]), rising[j], strlen(rising[j]));
      CHECK(order == (i > j) - (i < j), "%s and %s: %d", rising[i], rising[j], order);
    }
  for (size_t i = 0; i < sizeof same / sizeof *same; i++)
    CHECK(sq_decimal_compare(same[i][0], strlen(same[i][0]), same[i][1], strlen(same[i][1])) == 0, "%s", same[i][0]);
}

static void times(void) {
  static const struct {
    const char *text;
    int64_t micros;
    bool exact;
  } cases[] = {
      {"1970-01-01", 0, true},
      {"1970-01-01T00:00:00Z", 0, true},
      {"2026-04-10T06:25:51.873744Z", 1775802351873744, true},
      {"2026-04-10 06:25:51.873", 1775802351873000, true},
      {"2026-04-10T06:25:51.8737449Z", 1775802351873744, false},
      {"2026-04-10T06:25:51.8737440Z", 1775802351873744, true},
      {"2026-04-10T11:55:51+05:30", 1775802351000000, true},
      {"2026-04-10T11:55:51+0530", 1775802351000000, true},
      {"2026-04-09t23:25:51-07", 1775802351000000, true},
      {"2024-02-29", 1709164800000000, true},
      {"2016-12-31T23:59:60Z", 1483228800000000, true},
      {"1969-12-31T23:59:59Z", -1000000, true},
      {"0000-03-01", -62162035200000000, true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    sq_scaled got;
    CHECK(sq_time_read(cases[i].text, strlen(cases[i].text), &got), "%s", cases[i].text);
    CHECK(got.floor == cases[i].micros && got.exact == cases[i].exact, "%s: %lld", cases[i].text, (long long)got.floor);
  }
  static const char *const wrong[] = {"",           "2026",        "2026-13-01",  "2026-02-29",          "2026-04-31",
                                      "2026-1-1",   "2026-04-10T", "2026-04-10T25:00", "2026-04-10T10:60", "2026-04-10T10:00:00.",
                                      "2026-04-10T10:00:00ZZ", "2026-04-10X10:00", "10/04/2026", "2026-04-10T10:00:00+25:00"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    sq_scaled ignored;
    CHECK(!sq_time_read(wrong[i], strlen(wrong[i]), &ignored), "%s", wrong[i]);
  }
  sq_scaled ignored;
  CHECK(!sq_time_read("2026-04-10\0" "06:25", 16, &ignored), "a NUL for the T");
  char text[48];
  sq_time_format(1775802351873744, 330, 3, text);
  CHECK(strcmp(text, "2026-04-10T11:55:51.873+05:30") == 0, "%s", text);
  sq_time_format(1775802351000000, -1440, -1, text);
  CHECK(strcmp(text, "2026-04-09T06:25:51-24:00") == 0, "%s", text);
  sq_time_format(-1, 0, -1, text);
  CHECK(strcmp(text, "1969-12-31T23:59:59.999999Z") == 0, "%s", text);
}

/* Every day of 400 years reads back, and buckets begin where they should. */
static void calendar(void) {
  char text[48];
  int wrong = 0;
  for (int64_t day = -146097; day < 146097; day++) {
    sq_scaled back;
    size_t length = sq_time_format(day * SQ_MICROS_PER_DAY, 0, 0, text);
    wrong += !sq_time_read(text, length, &back) || back.floor != day * SQ_MICROS_PER_DAY;
  }
  CHECK(wrong == 0, "%d days", wrong);
  int64_t moment = 1775802351873744; /* Friday 2026-04-10 06:25:51 UTC */
  static const struct {
    sq_bucket bucket;
    int offset;
    const char *start;
  } cases[] = {{SQ_HOUR, 0, "2026-04-10T06:00:00Z"},   {SQ_HOUR, 30, "2026-04-10T05:30:00Z"},  {SQ_DAY, 0, "2026-04-10T00:00:00Z"},
               {SQ_DAY, -420, "2026-04-09T07:00:00Z"}, {SQ_WEEK, 0, "2026-04-06T00:00:00Z"},   {SQ_MONTH, 0, "2026-04-01T00:00:00Z"},
               {SQ_MONTH, 60, "2026-03-31T23:00:00Z"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    sq_time_format(sq_bucket_start(moment, cases[i].bucket, cases[i].offset), 0, 0, text);
    CHECK(strcmp(text, cases[i].start) == 0, "%s, not %s", text, cases[i].start);
  }
}

static int ascending(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static void samples(void) {
  unsigned state = 7;
  for (int round = 0; round < 300; round++) {
    sq_sample sample = {0};
    int64_t sorted[200];
    size_t count = 1 + (size_t)round % 200;
    for (size_t i = 0; i < count; i++) {
      state = state * 1103515245u + 12345u;
      sorted[i] = (int64_t)(state >> 16) % (round % 3 ? 10 : 1000) - 5;
      sq_sample_add(&sample, sorted[i]);
    }
    qsort(sorted, count, sizeof *sorted, ascending);
    static const int permilles[] = {500, 900, 950, 990, 0, 1000};
    for (size_t p = 0; p < 6; p++) {
      size_t rank = ((size_t)permilles[p] * count + 999) / 1000;
      CHECK(sq_sample_quantile(&sample, permilles[p]) == sorted[rank ? rank - 1 : 0], "p%d of %zu", permilles[p], count);
    }
    sq_sample_free(&sample);
  }
  sq_sum sum = {0};
  for (int i = 0; i < 5; i++) sq_sum_add(&sum, INT64_MAX);
  CHECK(sq_sum_total(&sum) == INT64_MAX, "clamped");
  CHECK(sq_sum_average(&sum) == (double)INT64_MAX, "the average is not");
  for (int i = 0; i < 5; i++) sq_sum_add(&sum, INT64_MIN);
  CHECK(sq_sum_total(&sum) == -5, "%lld: nothing was lost", (long long)sq_sum_total(&sum));
}

int main(void) {
  compares();
  decimals();
  doubles();
  foreign_locale();
  times();
  calendar();
  samples();
  return report();
}
