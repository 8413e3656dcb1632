#include "base/time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

static int64_t read_clock(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * SQ_MICROS_PER_SECOND + now.tv_nsec / 1000;
}
int64_t sq_time_now(void) { return read_clock(CLOCK_REALTIME); }
int64_t sq_time_monotonic(void) { return read_clock(CLOCK_MONOTONIC); }

static int64_t floor_divide(int64_t value, int64_t by) { return value / by - (value % by < 0); }

/* Days since 1970-01-01 of a civil date and back; years begin in March, so that the leap day is last. */
static int64_t days_from_civil(int64_t year, int month, int day) {
  year -= month <= 2;
  int64_t era = floor_divide(year, 400), of_era = year - era * 400;
  int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void civil_from_days(int64_t days, int64_t *year, int *month, int *day) {
  days += 719468;
  int64_t era = floor_divide(days, 146097), of_era = days - era * 146097;
  int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  int64_t of_year = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;
  *day = (int)(of_year - (153 * m + 2) / 5 + 1);
  *month = (int)(m < 10 ? m + 3 : m - 9);
  *year = y + era * 400 + (*month <= 2);
}

static int days_in_month(int64_t year, int month) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return days[month - 1] + (month == 2 && leap);
}

typedef struct cursor {
  const char *at, *end;
} cursor;

static bool take_digits(cursor *c, int count, int *out) {
  *out = 0;
  for (; count > 0; count--, c->at++) {
    if (c->at == c->end || *c->at < '0' || *c->at > '9') return false;
    *out = *out * 10 + (*c->at - '0');
  }
  return true;
}

static bool take(cursor *c, const char *any_of) {
  if (c->at == c->end || !sq_one_of(any_of, *c->at)) return false;
  c->at++;
  return true;
}

static bool take_date(cursor *c, int64_t *days) {
  int year, month, day;
  if (!take_digits(c, 4, &year) || !take(c, "-") || !take_digits(c, 2, &month) || !take(c, "-") ||
      !take_digits(c, 2, &day) || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
    return false;
  *days = days_from_civil(year, month, day);
  return true;
}

/* Digits after the point: microseconds, and whether something is left below them. */
static bool take_fraction(cursor *c, sq_scaled *out) {
  int64_t unit = SQ_MICROS_PER_SECOND / 10;
  const char *first = c->at;
  for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++, unit /= 10) {
    if (unit == 0) out->exact = out->exact && *c->at == '0';
    out->floor += unit * (*c->at - '0');
  }
  bool half = c->at - first > 6 && first[6] >= '5';
  out->rounded = out->floor + half;
  return c->at > first;
}

/* Seconds east of UTC of "Z", "+05:30", "+0530", "+05". */
static bool take_zone(cursor *c, int64_t *seconds) {
  *seconds = 0;
  if (take(c, "Zz")) return true;
  int sign = c->at < c->end && *c->at == '-' ? -1 : 1, hours, minutes = 0;
  if (!take(c, "+-") || !take_digits(c, 2, &hours)) return false;
  if (c->at < c->end && (take(c, ":"), !take_digits(c, 2, &minutes))) return false;
  if (hours > 24 || minutes > 59) return false;
  *seconds = sign * (hours * 3600 + minutes * 60);
  return true;
}

static bool take_clock(cursor *c, int64_t *seconds, sq_scaled *fraction) {
  int hour, minute, second = 0;
  if (!take_digits(c, 2, &hour) || !take(c, ":") || !take_digits(c, 2, &minute)) return false;
  if (take(c, ":")) {
    if (!take_digits(c, 2, &second)) return false;
    if (take(c, ".,") && !take_fraction(c, fraction)) return false;
  }
  if (hour > 23 || minute > 59 || second > 60) return false; /* 60: a leap second is the next minute's 0 */
  *seconds = hour * 3600 + minute * 60 + second;
  return true;
}

bool sq_time_read(const char *text, size_t length, sq_scaled *micros) {
  cursor c = {text, text + length};
  int64_t days, seconds = 0, zone = 0;
  *micros = (sq_scaled){.exact = true};
  if (!take_date(&c, &days)) return false;
  if (c.at < c.end) {
    if (!take(&c, "Tt ") || !take_clock(&c, &seconds, micros)) return false;
    if (c.at < c.end && !take_zone(&c, &zone)) return false;
    if (c.at < c.end) return false;
  }
  int64_t whole = days * SQ_MICROS_PER_DAY + (seconds - zone) * SQ_MICROS_PER_SECOND;
  micros->floor += whole;
  micros->rounded += whole;
  return true;
}

bool sq_time_parse(const sq_value *value, int64_t *micros, sq_error *error) {
  sq_scaled scaled;
  char number[32];
  bool read = false;
  if (value->kind == SQ_STRING) {
    read = sq_time_read(value->text, value->length, &scaled);
  } else if (value->kind == SQ_NUMBER) {
    read = sq_decimal_scale(value->text, value->length, 6, &scaled);
  } else if (value->kind == SQ_INTEGER || value->kind == SQ_REAL) {
    size_t length = value->kind == SQ_REAL ? sq_number_format(value->real, number)
                                           : (size_t)snprintf(number, 32, "%lld", (long long)value->integer);
    read = sq_decimal_scale(number, length, 6, &scaled);
  }
  if (!read || scaled.overflow)
    return sq_fail(error, SQ_E_VALUE, "not a time: give seconds as a number, or RFC 3339 text");
  *micros = scaled.rounded;
  return true;
}

static size_t format_zone(int offset_minutes, char *out, size_t room) {
  if (offset_minutes == 0) return (size_t)snprintf(out, room, "Z");
  int minutes = offset_minutes < 0 ? -offset_minutes : offset_minutes;
  return (size_t)snprintf(out, room, "%c%02d:%02d", offset_minutes < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

size_t sq_time_format(int64_t micros, int offset_minutes, int digits, char out[48]) {
  int64_t local;
  if (__builtin_add_overflow(micros, offset_minutes * SQ_MICROS_PER_MINUTE, &local)) local = micros;
  int64_t days = floor_divide(local, SQ_MICROS_PER_DAY), rest = local - days * SQ_MICROS_PER_DAY, year;
  int month, day, second = (int)(rest / SQ_MICROS_PER_SECOND), fraction = (int)(rest % SQ_MICROS_PER_SECOND);
  civil_from_days(days, &year, &month, &day);
  size_t used = (size_t)snprintf(out, 48, "%04lld-%02d-%02dT%02d:%02d:%02d", (long long)year, month, day,
                                 second / 3600, second / 60 % 60, second % 60);
  if (digits < 0) digits = fraction == 0 ? 0 : fraction % 1000 == 0 ? 3 : 6;
  if (digits == 3) used += (size_t)snprintf(out + used, 48 - used, ".%03d", fraction / 1000);
  if (digits == 6) used += (size_t)snprintf(out + used, 48 - used, ".%06d", fraction);
  return used + format_zone(offset_minutes, out + used, 48 - used);
}

static const char *const bucket_names[] = {"hour", "day", "week", "month"};

bool sq_bucket_find(const char *name, size_t length, sq_bucket *out) {
  for (int i = SQ_HOUR; i <= SQ_MONTH; i++)
    if (strlen(bucket_names[i]) == length && memcmp(bucket_names[i], name, length) == 0) {
      *out = (sq_bucket)i;
      return true;
    }
  return false;
}

int64_t sq_bucket_start(int64_t micros, sq_bucket bucket, int offset_minutes) {
  int64_t ahead = offset_minutes * SQ_MICROS_PER_MINUTE, local = micros + ahead, start;
  if (bucket == SQ_MONTH) {
    int64_t year;
    int month, day;
    civil_from_days(floor_divide(local, SQ_MICROS_PER_DAY), &year, &month, &day);
    start = days_from_civil(year, month, 1) * SQ_MICROS_PER_DAY;
  } else {
    static const int64_t widths[] = {SQ_MICROS_PER_DAY / 24, SQ_MICROS_PER_DAY, 7 * SQ_MICROS_PER_DAY};
    int64_t monday = bucket == SQ_WEEK ? 4 * SQ_MICROS_PER_DAY : 0; /* 1970-01-05 */
    start = floor_divide(local - monday, widths[bucket]) * widths[bucket] + monday;
  }
  return start - ahead;
}
