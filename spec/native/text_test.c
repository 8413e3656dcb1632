/* Text: UTF-8, patterns, JSON, names that are near. */
#include "test.h"

#include "base/json.h"
#include "base/pattern.h"
#include "base/repair.h"
#include "base/utf8.h"

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
  repairs_json();
  characters();
  patterns();
  json_texts();
  json_readables();
  json_pointers();
  json_members();
  nearest_names();
  return report();
}
