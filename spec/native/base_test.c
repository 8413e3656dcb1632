/* The rooms without domain words: numbers, times, UTF-8, patterns, JSON, hashes. */
#include "test.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/number.h"
#include "base/pattern.h"
#include "base/time.h"
#include "base/repair.h"
#include "base/sha1.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "base/uuid.h"
#include "session/sample.h"
#include "session/sum.h"

/* ------------------------------------------------------------------------------------------------ numbers */

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

static void repairs_json(void) {
  static const struct {
    const char *json, *wanted;
  } cases[] = {
      {"\"a\"", "\"a\""},
      {"\"\\u0000\"", "\"\\ufffd\""},
      {"\"\\\\u0000\"", "\"\\\\u0000\""},
      {"\"\\ud83d\\ude00\\ud83d\"", "\"\\ud83d\\ude00\\ufffd\""},
      {"\"\\ud83d\\ud83d\\ude00\\ude00\"", "\"\\ufffd\\ud83d\\ude00\\ufffd\""},
      {"\"\\uDC00x\\ud83\"", "\"\\ufffdx\\ud83\""},
      {"\"\xFF\\ud800", "\"\xEF\xBF\xBD\\ufffd"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *json = cases[i].json;
    size_t length = strlen(json);
    sq_text room = {0};
    sq_error error = {.code = SQ_OK};
    bool repaired;
    CHECK(sq_json_repair(&json, &length, &room, &repaired, &error), "%s", cases[i].json);
    CHECK(length == strlen(cases[i].wanted) && memcmp(json, cases[i].wanted, length) == 0, "%s: %.*s", cases[i].json, (int)length, json);
    CHECK(repaired == (strcmp(cases[i].json, cases[i].wanted) != 0), "%s", cases[i].json);
    sq_text_free(&room);
  }
}

/* -------------------------------------------------------------------------------------------------- times */

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

/* ----------------------------------------------------------------------------------------------- characters */

static void characters(void) {
  static const struct {
    const char *from;
    size_t length;
    const char *to;
  } cases[] = {
      {"plain ascii, longer than eight", 30, "plain ascii, longer than eight"},
      {"\xC3\xA9", 2, "\xC3\xA9"},
      {"a\xFFz", 3, "a\xEF\xBF\xBDz"},
      {"\xC3", 1, "\xEF\xBF\xBD"},
      {"\xE2\x82", 2, "\xEF\xBF\xBD"},             /* a truncated sequence is one replacement */
      {"\xF0\x9F\x98 x", 5, "\xEF\xBF\xBD x"},
      {"\xC0\x80", 2, "\xEF\xBF\xBD\xEF\xBF\xBD"}, /* overlong: each byte */
      {"\xED\xA0\x80", 3, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, /* a surrogate */
      {"\xF4\x90\x80\x80", 4, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"a\0b", 3, "a\xEF\xBF\xBD" "b"},
      {"", 0, ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    sq_text out = {0};
    sq_utf8_repair(&out, cases[i].from, cases[i].length);
    const char *got = out.data ? out.data : "";
    CHECK(strcmp(got, cases[i].to) == 0, "case %zu: %s", i, got);
    CHECK(sq_utf8_valid_prefix(got, strlen(got)) == strlen(got), "case %zu", i);
    sq_text_free(&out);
  }
  int wrong = 0;
  for (uint32_t point = 0; point <= 0x10FFFF; point++) {
    char bytes[4];
    uint32_t back;
    if (point >= 0xD800 && point <= 0xDFFF) continue;
    size_t size = sq_utf8_encode(point, bytes);
    wrong += sq_utf8_decode(bytes, size, &back) != size || back != point;
  }
  CHECK(wrong == 0, "%d code points", wrong);
  sq_shown shown = sq_show("a\nb\x1b[31m\xFF", 9);
  CHECK(strcmp(shown.text, "a?b?[31m?") == 0, "%s", shown.text);
}

static bool matches(const char *text, const char *source, bool folded) {
  sq_pattern pattern;
  sq_text scratch = {0};
  if (folded) sq_fold(&scratch, text, strlen(text));
  bool found = sq_pattern_compile(&pattern, source, strlen(source), folded) &&
               sq_pattern_matches(&pattern, folded && scratch.data ? scratch.data : folded ? "" : text, folded ? scratch.length : strlen(text), NULL);
  sq_pattern_free(&pattern);
  sq_text_free(&scratch);
  return found;
}

static void patterns(void) {
  static const struct {
    const char *text, *pattern;
    bool like, ilike;
  } cases[] = {
      {"", "", true, true},          {"", "%", true, true},           {"a", "", false, false},     {"abc", "a%", true, true},
      {"abc", "%c", true, true},     {"abc", "%b%", true, true},      {"abc", "a_c", true, true},  {"abc", "A%", false, true},
      {"a%c", "a\\%c", true, true},  {"abc", "a\\%c", false, false},  {"\xC3\xA9t\xC3\xA9", "_t_", true, true},
      {"\xC3\x89", "\xC3\xA9", false, true}, {"aaab", "%ab", true, true}, {"abab", "%ab%ab", true, true},
      {"ab", "%ab%ab", false, false}, {"mississippi", "%iss%ip%i", true, true}, {"\xE2\x84\xAA", "k", false, true},
      {"a\\b", "a\\\\b", true, true}, {"abc", "abc%%", true, true},   {"abc", "_%_%_", true, true}, {"ab", "_%_%_", false, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    CHECK(matches(cases[i].text, cases[i].pattern, false) == cases[i].like, "%s like %s", cases[i].text, cases[i].pattern);
    CHECK(matches(cases[i].text, cases[i].pattern, true) == cases[i].ilike, "%s ilike %s", cases[i].text, cases[i].pattern);
  }
  CHECK(sq_pattern_check("a\\b", 3) == 1, "a wrong escape has its place");
  CHECK(sq_pattern_check("ab\\", 3) == 2, "a backslash at the end");
  CHECK(sq_pattern_check("\\%\\_\\\\", 6) == 6, "right escapes");
  char many[2001];
  memset(many, 'a', 2000);
  many[2000] = '\0';
  CHECK(!matches(many, "%a%a%a%a%a%a%a%a%a%ab", false), "many runs end in time");
}

/* --------------------------------------------------------------------------------------------------- JSON */

static void json_texts(void) {
  static const char *const right[] = {"0",    "-1.5e3", "true",  "null", "\"a\"", "[]", "{}", " [1, 2 ,{\"a\":[]}] ", "\"\\u00e9\\ud83d\\ude00\"", "{\"\":0}"};
  static const char *const wrong[] = {"",        "01",       "1.",         "+1",      ".5",          "nul",      "tru",      "[1,]",
                                      "{\"a\":1,}", "{a:1}", "'a'",        "\"a",     "\"\\x41\"",   "\"\\u12\"", "\"\\ud800\"", "\"\\udc00x\"",
                                      "\"\t\"",  "[1] 2",    "[1 2]",      "{\"a\" 1}", "\"\\u0000\"", "\"\xFF\"", "\xEF\xBB\xBF{}", "NaN",
                                      "Infinity", "[",       "{\"a\":",    "]",       "//\n1",       "\"\xED\xA0\x80\""};
  for (size_t k = 0; k < 2; k++) {
    size_t count = k ? sizeof wrong / sizeof *wrong : sizeof right / sizeof *right;
    for (size_t i = 0; i < count; i++) {
      const char *text = k ? wrong[i] : right[i];
      sq_json reader;
      sq_token token;
      sq_json_begin(&reader, text, strlen(text));
      while ((token = sq_json_next(&reader)) > SQ_TOKEN_END) continue;
      CHECK((token == SQ_TOKEN_ERROR) == (k == 1), "%s", text);
      CHECK(k == 0 || (reader.error && reader.at >= text && reader.at <= text + strlen(text)), "%s: a place", text);
    }
  }
  char deep[300];
  memset(deep, '[', sizeof deep);
  sq_json reader;
  sq_json_begin(&reader, deep, sizeof deep);
  sq_token token;
  while ((token = sq_json_next(&reader)) > SQ_TOKEN_END) continue;
  CHECK(token == SQ_TOKEN_ERROR && reader.code == SQ_E_LIMIT, "too deep");
}

static void json_readables(void) {
  static const struct {
    const char *json, *wanted;
  } cases[] = {
      {"", ""}, {"plain \\n text", "plain \\n text"}, {"{\"a\":1}", "{\"a\":1}"}, {"{\"a\":\"x\\ny\"}", "{\"a\":\"x\ny\"}"},
      {"\"\\u00e9\\ud83d\\ude00\\\\n\\\"\"", "\"\xC3\xA9\xF0\x9F\x98\x80\\n\"\""}, {"[\"\\t\\t\", \"b\\/\"]", "[\"\t\t\", \"b/\"]"},
      {"{\"a\":\"x\\ny\"", "{\"a\":\"x\\ny\""}, {"\"\\u0000\"", "\"\\u0000\""}, {"\\", "\\"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    sq_text room = {0};
    size_t length = strlen(cases[i].json);
    const char *readable = sq_json_readable(cases[i].json, &length, &room);
    CHECK(readable && length == strlen(cases[i].wanted) && memcmp(readable, cases[i].wanted, length) == 0, "%s: %.*s", cases[i].json, (int)length, readable);
    CHECK((readable == cases[i].json) == (strcmp(cases[i].json, cases[i].wanted) == 0), "%s", cases[i].json);
    sq_text_free(&room);
  }
}

static void json_pointers(void) {
  static const struct {
    const char *text;
    size_t offset;
    const char *pointer;
  } cases[] = {
      {"{\"a\":1}", 5, "/a"},          {"{\"a\":1}", 1, "/a"},           {"{\"a\":[10,20]}", 9, "/a/1"},
      {"[[1],{\"b\":2}]", 10, "/1/b"}, {"{\"a/b~c\":1}", 9, "/a~1b~0c"}, {"5", 0, ""},
      {"[1,2,3]", 5, "/2"},            {"{\"a\":{},\"b\":3}", 12, "/b"}, {"{\"a\":{\"x\":1},\"b\":[{\"c\":9}]}", 23, "/b/0/c"},
      {"{\"\\u0061\":1}", 10, "/a"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char pointer[64];
    sq_json_pointer(cases[i].text, strlen(cases[i].text), cases[i].offset, pointer, sizeof pointer);
    CHECK(strcmp(pointer, cases[i].pointer) == 0, "%s at %zu: %s", cases[i].text, cases[i].offset, pointer);
  }
}

static void json_members(void) {
  const char *text = "{\"a\":1,\"b\":{\"a\":2},\"\\u0063\":\"x\",\"a\":3}";
  sq_json reader;
  CHECK(sq_json_member(&reader, text, strlen(text), "a", 1) == SQ_TOKEN_NUMBER && *reader.token == '3', "the last one counts");
  CHECK(sq_json_member(&reader, text, strlen(text), "c", 1) == SQ_TOKEN_STRING && *reader.token == 'x', "an escaped key");
  CHECK(sq_json_member(&reader, text, strlen(text), "b", 1) == SQ_TOKEN_OBJECT, "an object");
  CHECK(sq_json_member(&reader, text, strlen(text), "d", 1) == SQ_TOKEN_END, "none");
  CHECK(sq_json_member(&reader, "[1]", 3, "d", 1) == SQ_TOKEN_END, "no object");
  sq_text out = {0};
  sq_json_write_string(&out, "a\"\\\n\x01\xFF\xC3\xA9", 8);
  CHECK(strcmp(out.data, "\"a\\\"\\\\\\n\\u0001\xEF\xBF\xBD\xC3\xA9\"") == 0, "%s", out.data);
  sq_text_free(&out);
}

/* --------------------------------------------------------------------------------------------------- others */

static void hashes(void) {
  uint64_t key[2] = {0x0706050403020100u, 0x0F0E0D0C0B0A0908u}, out[2];
  char bytes[16];
  for (int i = 0; i < 16; i++) bytes[i] = (char)i;
  sq_siphash(key, bytes, 0, out); /* the reference implementation's vectors for 0 and 15 bytes */
  CHECK(out[0] == 0xE6A825BA047F81A3u && out[1] == 0x930255C71472F66Du, "%016llx %016llx", (unsigned long long)out[0], (unsigned long long)out[1]);
  sq_siphash(key, bytes, 15, out);
  CHECK(out[0] == 0x11A8B03399E99354u && out[1] == 0xD9C3CF970FEC087Eu, "%016llx %016llx", (unsigned long long)out[0], (unsigned long long)out[1]);
  char first[37], second[37];
  CHECK(sq_uuid_make(first) && sq_uuid_make(second), "random");
  CHECK(strlen(first) == 36 && first[14] == '7' && strchr("89ab", first[19]) && strcmp(first, second) != 0, "%s", first);
  sq_line_id((uint64_t[2]){1, 2}, 1, "x", 1, first);
  sq_line_id((uint64_t[2]){1, 2}, 2, "x", 1, second);
  CHECK(first[14] == '8' && strcmp(first, second) != 0, "%s", first);
}

static void nearest_names(void) {
  static const char *const known[] = {"latency_ms", "cost_usd", "model", "created_at", "status"};
  static const struct {
    const char *name, *nearest;
  } cases[] = {{"latncy_ms", "latency_ms"}, {"latency", "latency_ms"}, {"cost", "cost_usd"}, {"Model", "model"},
               {"moedl", "model"},          {"creatd_at", "created_at"}, {"zzzzz", NULL},     {"", NULL}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    sq_nearest search = {cases[i].name, strlen(cases[i].name), NULL, 0};
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) sq_nearest_offer(&search, known[k]);
    bool same = search.best ? cases[i].nearest && strcmp(search.best, cases[i].nearest) == 0 : cases[i].nearest == NULL;
    CHECK(same, "%s: %s", cases[i].name, search.best ? search.best : "none");
  }
}

/* Of NIST: FIPS 180-4's examples and its million; the lengths around the end of a block, by another implementation. */
static void sha256(void) {
  static const struct {
    const char *piece;
    size_t times;
    const char *hex;
  } cases[] = {
      {"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu", 1,
       "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
      {"a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
      {"x", 55, "d5e285683cd4efc02d021a5c62014694958901005d6f71e89e0989fac77e4072"},
      {"x", 56, "04c26261370ee7541549d16dee320c723e3fd14671e66a099afe0a377c16888e"},
      {"x", 63, "75220b47218278e656f2013bb8f0c455a25eaf01e86c64924e9d48d89776d6f2"},
      {"x", 64, "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c"},
      {"x", 65, "9537c5fdf120482f7d58d25e9ed583f52c02b4e304ea814db1633ad565aed7e9"},
      {"x", 119, "000b48d4edf0fa7bee3c6236ecd2785baa5db4eeb8bb54341b029e0d9fa5fb0c"},
      {"x", 120, "13f05a0b594787f5ecd315edc96141bd3243203d1b7d4f0836f37308b276ba98"},
      {"x", 128, "24da1b81d0b16df6428eee73c69fcb2a93c76bc6df706f0c6670fe6bfe800464"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t length = strlen(cases[i].piece), size = length * cases[i].times;
    char *text = malloc(size + 1), hex[2 * SQ_SHA256_SIZE + 1];
    uint8_t hash[SQ_SHA256_SIZE];
    for (size_t k = 0; text && k < cases[i].times; k++) memcpy(text + k * length, cases[i].piece, length);
    if (text) sq_sha256(text, size, hash);
    for (int k = 0; k < SQ_SHA256_SIZE; k++) snprintf(hex + 2 * k, 3, "%02x", hash[k]);
    CHECK(text && strcmp(hex, cases[i].hex) == 0, "%.20s × %zu: %s", cases[i].piece, cases[i].times, hex);
    free(text);
  }
  uint8_t a[SQ_SHA256_SIZE], b[SQ_SHA256_SIZE];
  sq_sha256("a", 1, a);
  sq_sha256("a", 1, b);
  CHECK(sq_sha256_equal(a, b), "the same");
  for (int i = 0; i < 8 * SQ_SHA256_SIZE; i++) {
    b[i / 8] ^= (uint8_t)(1 << i % 8);
    CHECK(!sq_sha256_equal(a, b), "bit %d differs", i);
    b[i / 8] ^= (uint8_t)(1 << i % 8);
  }
}

/* Of FIPS 180-4 and RFC 3174; the lengths around the end of a block, by another implementation. In pieces of every length. */
static void sha1(void) {
  static const struct {
    const char *piece;
    size_t times;
    const char *hex;
  } cases[] = {
      {"", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
      {"abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
      {"a", 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
      {"0123456701234567012345670123456701234567012345670123456701234567", 10, "dea356a2cddd90c7a7ecedc5ebb563934f460452"},
      {"x", 55, "cef734ba81a024479e09eb5a75b6ddae62e6abf1"},
      {"x", 56, "901305367c259952f4e7af8323f480d59f81335b"},
      {"x", 63, "0ddc4e0cccd9a12850deb5abb0853a4425559fec"},
      {"x", 64, "bb2fa3ee7afb9f54c6dfb5d021f14b1ffe40c163"},
      {"x", 65, "78c741ddc482e4cdf8c474a0876347a0905b6233"},
      {"x", 119, "4300320394f7ee239bcdce7d3b8bcee173a0cd5c"},
      {"x", 120, "ceb2821639c4b6dcb10bce0e522ca2e608ce056d"},
      {"x", 128, "150fa3fbdc899bd0b8f95a9fb6027f564d953762"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t length = strlen(cases[i].piece), size = length * cases[i].times;
    char *text = malloc(size + 1), hex[2 * SQ_SHA1_SIZE + 1];
    uint8_t hash[SQ_SHA1_SIZE];
    for (size_t k = 0; text && k < cases[i].times; k++) memcpy(text + k * length, cases[i].piece, length);
    for (size_t piece = size > 1000 ? 4096 : 1; text && piece <= size + 1 && piece < 10000; piece++) {
      sq_sha1 sha;
      sq_sha1_begin(&sha);
      for (size_t at = 0; at < size; at += piece) sq_sha1_add(&sha, text + at, size - at < piece ? size - at : piece);
      sq_sha1_end(&sha, hash);
      for (int k = 0; k < SQ_SHA1_SIZE; k++) snprintf(hex + 2 * k, 3, "%02x", hash[k]);
      CHECK(strcmp(hex, cases[i].hex) == 0, "%.20s × %zu, by %zu: %s", cases[i].piece, cases[i].times, piece, hex);
      if (size > 1000) piece += 1000;
    }
    free(text);
  }
}

static void uuids(void) {
  static const char *const wrong[] = {"", "6ba7b811-9dad-11d1-80b4-00c04fd430c", "6ba7b811-9dad-11d1-80b4-00c04fd430c88",
                                      "6ba7b8119dad11d180b400c04fd430c8aaaa", "6ba7b811_9dad-11d1-80b4-00c04fd430c8",
                                      "6ba7b811-9dad-11d1-80b4-00c04fd430g8", "6ba7b81-19dad-11d1-80b4-00c04fd430c8"};
  uint8_t bytes[SQ_UUID_SIZE];
  char text[SQ_UUID_LENGTH + 1];
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) CHECK(!sq_uuid_read(wrong[i], strlen(wrong[i]), bytes), "'%s'", wrong[i]);
  CHECK(sq_uuid_read("6BA7B811-9dad-11D1-80b4-00c04FD430c8", SQ_UUID_LENGTH, bytes), "either case");
  CHECK(memcmp(bytes, sq_uuid_of_urls, sizeof bytes) == 0, "bytes in order");
  sq_uuid_write(bytes, text);
  CHECK(strcmp(text, "6ba7b811-9dad-11d1-80b4-00c04fd430c8") == 0, "%s", text);
  sq_uuid_of_name(sq_uuid_of_urls, "http://www.example.com/", 23, bytes);
  sq_uuid_write(bytes, text);
  CHECK(strcmp(text, "fcde3c85-2270-590f-9e7c-ee003d65e0e2") == 0, "%s", text);
}

/* By Python's uuid.uuid5. */
static void project_ids(void) {
  static const struct {
    const char *organization, *name, *tenant, *project;
  } cases[] = {
      {"", "default", "1b4db7eb-4057-5ddf-91e0-36dec72071f5", "2c0cd2b4-4331-54c4-95cc-781ec23264cd"},
      {"acme", "shop", "7efecc64-b5ed-5dbf-b379-90a0ffcfe6df", "7794ddb3-d7c4-5c15-a016-d18734dae249"},
      {"https://example.com/ü", "", "a17f7a1d-6bb5-51a9-9d32-f9d2fdeec8b6", "90792164-b660-5908-9a42-d7f87938acdf"},
      {"2ED6657D-E927-568B-95E1-2665A8AEA6A2", "größe", "2ed6657d-e927-568b-95e1-2665a8aea6a2", "ce431062-090d-5357-9bf9-30b8ad29180a"},
      {"2ed6657de927568b95e12665a8aea6a2", "default", "d40982ee-bc2d-54d1-ae6c-8d60b31d7d5d", "8aa82a24-8318-553e-a5ed-4ef8ae450a28"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *organization = cases[i].organization, *name = cases[i].name;
    char tenant[37], project[37];
    sq_tenant_id(organization, strlen(organization), tenant);
    sq_project_id(organization, strlen(organization), name, strlen(name), project);
    CHECK(strcmp(tenant, cases[i].tenant) == 0, "'%s': %s", organization, tenant);
    CHECK(strcmp(project, cases[i].project) == 0, "'%s', '%s': %s", organization, name, project);
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

/* The marks of the outermost level, whatever the pieces. */
static void skims(void) {
  static const char text[] = "\"a\\\"]\":[1,{\"b\":\",\\\\\"}],\"c\" : \"]\"}, more";
  static const size_t wanted[] = {5, 22, 25, 31, 32}; /* quote, comma, quote, quote, bracket */
  for (size_t cut = 0; cut < sizeof text; cut++) {
    sq_skim state = {.depth = 1};
    size_t found = 0, at = 0, ends[] = {cut, sizeof text - 1};
    for (size_t piece = 0; piece < 2; piece++) {
      while (at < ends[piece] && state.depth > 0) {
        at += sq_json_skim(&state, text + at, ends[piece] - at);
        if (at == ends[piece]) break;
        CHECK(found < 5 && at == wanted[found], "cut %zu: mark %zu at %zu", cut, found, at);
        found++;
        at++;
      }
    }
    CHECK(found == 5 && state.depth == 0, "cut %zu: %zu marks", cut, found);
  }
  sq_skim state = {.depth = 1};
  CHECK(sq_json_skim(&state, "", 0) == 0 && state.depth == 1, "nothing");
}

int main(void) {
  skims();
  compares();
  repairs_json();
  decimals();
  doubles();
  foreign_locale();
  times();
  calendar();
  characters();
  patterns();
  json_texts();
  json_readables();
  json_pointers();
  json_members();
  hashes();
  nearest_names();
  samples();
  sha256();
  sha1();
  uuids();
  project_ids();
  return report();
}
