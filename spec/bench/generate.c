/* Writes the calls that the benches ask about: generate ROWS SEED json|csv. The same ones for the same arguments.

   Thirty days of calls in the order in which they arrive. Sessions begin at a steady rate, before the first day
   too, and have 1..200 calls by a Zipf law, 8 in the mean; what lies beyond the last row is cut, so the newest
   minutes look like all others. Most sessions last minutes, a tenth pauses for hours, a few last weeks. One row in
   a hundred arrives up to six hours late. One value in twenty is absent.

   A simulation: a heap of the sessions that go on, ordered by their next call, and a heap of the rows that are
   late, ordered by their arrival. Both stay small, however many rows there are. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000) /* times are microseconds */
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
#define BEGIN (INT64_C(1788220800) * SECOND) /* 2026-09-01 */

enum { LONGEST = 200, MEAN = 8, SIZES = 65536, CURVE = 4096, NAMES = 2000, FEATURES = 200 };
enum { LONGEST_ROW = 2048, BUFFER = 1 << 16 };

static void die(const char *message) {
  fprintf(stderr, "generate: %s\n", message);
  exit(1);
}

/* ------------------------------------------------------------------------------------------------- chance */

static uint64_t state;

static uint64_t draw(void) { /* splitmix64 */
  uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

/* 0 <= result < n */
static uint32_t below(uint32_t n) { return (uint32_t)((draw() >> 32) * n >> 32); }

static int64_t between(int64_t low, int64_t high) { return low + (int64_t)(draw() % (uint64_t)(high - low)); }

static double curve[CURVE]; /* e^z for z over -3.46..3.46 */
static uint8_t sizes[SIZES];
static double mean_size;

/* About log-normal: the sum of four numbers is about normal. */
static double spread(double median, double sigma) {
  uint64_t r = draw();
  uint32_t sum = (uint32_t)(r & 0xffff) + (uint32_t)(r >> 16 & 0xffff) + (uint32_t)(r >> 32 & 0xffff) + (uint32_t)(r >> 48);
  double at = ((double)(sum >> 6) - CURVE / 2) * sigma + CURVE / 2;
  int index = at < 0 ? 0 : at >= CURVE ? CURVE - 1 : (int)at;
  return median * curve[index];
}

static double zipf_mean(double s) {
  double weight = 0, sum = 0;
  for (int k = 1; k <= LONGEST; k++) {
    weight += pow(k, -s);
    sum += pow(k, 1 - s);
  }
  return sum / weight;
}

static double zipf_exponent(void) {
  double low = 0.5, high = 4;
  for (int i = 0; i < 60; i++) {
    double middle = (low + high) / 2;
    if (zipf_mean(middle) > MEAN) low = middle;
    else high = middle;
  }
  return low;
}

static void fill_tables(void) {
  for (int i = 0; i < CURVE; i++) curve[i] = exp(((double)i / CURVE - 0.5) * 6.9282);
  double s = zipf_exponent(), weight = 0, sum = 0;
  for (int k = 1; k <= LONGEST; k++) weight += pow(k, -s);
  int k = 0;
  for (int i = 0; i < SIZES; i++) {
    while (k < LONGEST && sum <= (i + 0.5) / SIZES) sum += pow(++k, -s) / weight;
    sizes[i] = (uint8_t)k;
    mean_size += (double)k / SIZES;
  }
}

/* ------------------------------------------------------------------------------------------------- values */

/* share: of 256; latency: typical milliseconds; input, output: nano-dollars for a token */
static const struct {
  const char *name, *provider;
  int share, latency, input, output;
} models[] = {
    {"gpt-4o", "OPENAI", 60, 1400, 2500, 10000},
    {"gpt-4o-mini", "OPENAI", 44, 700, 150, 600},
    {"claude-sonnet-4", "ANTHROPIC", 32, 1800, 3000, 15000},
    {"gemini-2.5-flash", "GOOGLE", 22, 600, 300, 2500},
    {"gpt-4.1", "OPENAI", 16, 1300, 2000, 8000},
    {"claude-3-5-haiku", "ANTHROPIC", 14, 650, 800, 4000},
    {"o3", "OPENAI", 11, 6000, 2000, 8000},
    {"gemini-2.5-pro", "GOOGLE", 9, 3200, 1250, 10000},
    {"gpt-4.1-mini", "OPENAI", 8, 650, 400, 1600},
    {"o4-mini", "OPENAI", 7, 3500, 1100, 4400},
    {"claude-opus-4", "ANTHROPIC", 6, 3000, 15000, 75000},
    {"deepseek-chat", "DEEPSEEK", 5, 1500, 270, 1100},
    {"llama-3.3-70b", "GROQ", 4, 400, 590, 790},
    {"mistral-large", "MISTRAL", 4, 1200, 2000, 6000},
    {"gpt-4.1-nano", "OPENAI", 3, 400, 100, 400},
    {"deepseek-reasoner", "DEEPSEEK", 3, 7000, 550, 2190},
    {"qwen-2.5-72b", "TOGETHER", 2, 1100, 900, 900},
    {"mixtral-8x7b", "TOGETHER", 2, 700, 600, 600},
    {"command-r-plus", "COHERE", 2, 1300, 2500, 10000},
    {"gpt-4-turbo", "OPENAI", 2, 2600, 10000, 30000},
};
enum { MODELS = sizeof models / sizeof *models };

static const char *const organizations[] = {"acme", "globex", "initech"};
static const char *const projects[] = {"default", "agents"};
static const char *const environments[] = {"prod", "staging", "dev"};
static const char *const plans[] = {"free", "pro", "team", "enterprise"};
static const char *const errors[] = {"rate limit exceeded", "upstream timed out", "context length exceeded", "overloaded"};

static const char *const firsts[] = {
    "urgent",  "daily",  "weekly", "new",    "old",     "open",    "first",  "second", "late",   "early",  "partial",
    "whole",   "manual", "guided", "public", "private", "trial",   "draft",  "final",  "shared", "mobile", "desktop",
    "european", "global", "local",  "quick",  "long",    "silent", "bulk",   "single", "second-level", "custom"};
static const char *const seconds[] = {
    "refund",   "order",    "invoice",  "shipment", "return",   "booking",  "ticket",   "password", "account",  "billing",
    "report",   "summary",  "search",   "review",   "survey",   "meeting",  "calendar", "contract", "quote",    "lead",
    "campaign", "article",  "outline",  "headline", "caption",  "image",    "video",    "podcast",  "lesson",   "quiz",
    "exam",     "homework", "recipe",   "menu",     "travel",   "hotel",    "flight",   "visa",     "tax",      "payroll",
    "budget",   "forecast", "audit",    "claim",    "policy",   "triage",   "symptom",  "dosage",   "referral", "incident",
    "alert",    "deploy",   "rollback", "commit",   "refactor", "test",     "schema",   "query",    "pipeline", "dataset",
    "label",    "prompt",   "chat"};
enum { FIRSTS = sizeof firsts / sizeof *firsts, SECONDS = sizeof seconds / sizeof *seconds };

typedef struct word {
  char text[46];
  uint8_t length;
} word;

static word names[NAMES];
static uint8_t model_of[256];

/* Every other name has a capital, so that who searches must fold case. */
static void fill_names(void) {
  for (int i = 0; i < NAMES; i++) {
    int length = snprintf(names[i].text, sizeof names[i].text, "%s %s", firsts[i % FIRSTS], seconds[i / FIRSTS % SECONDS]);
    char *second = strchr(names[i].text, ' ') + 1;
    if (i % 2) *second = (char)(*second - 'a' + 'A');
    names[i].length = (uint8_t)length;
  }
}

static void fill_models(void) {
  int at = 0;
  for (int m = 0; m < MODELS; m++)
    for (int i = 0; i < models[m].share && at < 256; i++) model_of[at++] = (uint8_t)m;
}

/* ------------------------------------------------------------------------------------------------- rows */

typedef struct uuid {
  uint64_t high, low;
} uuid;

typedef enum absent {
  NO_NAME = 1 << 0, NO_USER = 1 << 1, NO_MODEL = 1 << 2, NO_LATENCY = 1 << 3, NO_FIRST_TOKEN = 1 << 4,
  NO_STATUS = 1 << 5, NO_PROMPT_TOKENS = 1 << 6, NO_COMPLETION_TOKENS = 1 << 7, NO_COST = 1 << 8,
  NO_STREAMED = 1 << 9, NO_FEATURE = 1 << 10, NO_QUALITY = 1 << 11
} absent;
enum { ABSENTS = 12 };

typedef struct row {
  int64_t key; /* arrival: what the heap of late rows is ordered by */
  int64_t created_at, cost;
  uuid request, session;
  uint32_t absent, user;
  int32_t latency, first_token, status, prompt_tokens, completion_tokens;
  uint16_t name;
  uint8_t organization, project, model, feature, environment, error, quality; /* error: 0, or 1 + which */
  bool streamed;
} row;

typedef enum pace { MINUTES, HOURS, WEEKS } pace;

typedef struct session {
  int64_t key; /* its next call: what the heap of sessions is ordered by */
  int64_t gap; /* of WEEKS: between two calls, about */
  uuid id;
  uint32_t user;
  uint16_t name;
  uint8_t left, pace, organization, project, model, feature, environment;
} session;

static uint32_t users;

static uuid draw_uuid(void) {
  uuid id = {draw(), draw()};
  id.high = (id.high & ~UINT64_C(0xf000)) | 0x4000;
  id.low = (id.low & ~(UINT64_C(3) << 62)) | UINT64_C(1) << 63;
  return id;
}

static uint32_t draw_absent(void) {
  uint32_t mask = 0;
  for (int i = 0; i < ABSENTS; i += 4) {
    uint64_t r = draw();
    for (int j = 0; j < 4; j++) mask |= (uint32_t)((r >> 16 * j & 0xffff) < 65536 / 20) << (i + j);
  }
  return mask;
}

static void draw_status(row *r) {
  static const struct {
    uint32_t below;
    int32_t status;
  } statuses[] = {{950, 200}, {970, 429}, {985, 500}, {990, 400}, {994, -1}, {997, -2}, {1000, -3}};
  uint32_t at = below(1000), i = 0;
  while (at >= statuses[i].below) i++;
  r->status = statuses[i].status;
  bool tells = r->status >= 400 ? below(10) < 6 : below(500) == 0;
  r->error = tells ? (uint8_t)(1 + below(4)) : 0;
}

static void draw_numbers(row *r) {
  r->latency = (int32_t)spread(models[r->model].latency, 0.8) + 5;
  r->first_token = (int32_t)((double)r->latency * (0.1 + below(400) / 1000.0));
  r->prompt_tokens = (int32_t)spread(900, 1.1) + 1;
  r->completion_tokens = (int32_t)spread(220, 1.0) + 1;
  r->cost = (int64_t)r->prompt_tokens * models[r->model].input + (int64_t)r->completion_tokens * models[r->model].output;
  r->quality = (uint8_t)below(101);
}

/* What the session's next call is like. A few are by another user, and now and then a session gets another name. */
static void draw_row(session *s, row *r) {
  if (below(200) == 0) s->name = (uint16_t)below(NAMES);
  uint64_t chance = draw();
  *r = (row){.key = s->key,
             .created_at = s->key,
             .request = draw_uuid(),
             .session = s->id,
             .absent = draw_absent(),
             .user = (chance & 63) == 0 ? below(users) : s->user,
             .name = s->name,
             .organization = s->organization,
             .project = s->project,
             .model = (chance >> 8 & 7) == 0 ? model_of[chance >> 16 & 255] : s->model,
             .feature = (chance >> 24 & 15) == 0 ? (uint8_t)below(FEATURES) : s->feature,
             .environment = s->environment,
             .streamed = (chance >> 32 & 7) < 5};
  draw_status(r);
  draw_numbers(r);
}

static int64_t draw_gap(const session *s) {
  if (s->pace == WEEKS) return s->gap / 2 + between(0, s->gap);
  if (s->pace == HOURS && below(4) == 0) return between(HOUR / 2, 3 * HOUR);
  return SECOND / 2 + (int64_t)(spread(12, 0.9) * SECOND);
}

static pace draw_pace(void) {
  uint32_t at = below(100);
  return at < 2 ? WEEKS : at < 12 ? HOURS : MINUTES;
}

static session draw_session(int64_t start, pace p) {
  session s = {.key = start, .id = draw_uuid(), .pace = (uint8_t)p, .left = sizes[draw() >> 48]};
  uint32_t a = below(256), b = below(users);
  s.gap = between(3 * DAY, 21 * DAY) / s.left;
  s.user = (uint32_t)((uint64_t)b * (b / 2 + users / 2) / users); /* the first ones come more often */
  s.name = (uint16_t)below(NAMES);
  s.organization = (uint8_t)((a >= 150) + (a >= 230));
  s.project = (uint8_t)(below(10) < 3);
  s.model = model_of[below(256)];
  s.feature = (uint8_t)below(FEATURES);
  uint32_t e = below(100);
  s.environment = (uint8_t)((e >= 80) + (e >= 95));
  return s;
}

/* ------------------------------------------------------------------------------------------------- heaps */

/* Two heaps of the same shape, of items that begin with their key. */
#define HEAP(type)                                                                        \
  static struct {                                                                         \
    type *items;                                                                          \
    size_t count, room;                                                                   \
  } type##_heap;                                                                          \
  static void type##_sink(type item) {                                                    \
    type *items = type##_heap.items;                                                      \
    size_t at = 0, count = type##_heap.count;                                             \
    for (size_t child; (child = 2 * at + 1) < count; at = child) {                        \
      if (child + 1 < count && items[child + 1].key < items[child].key) child++;          \
      if (items[child].key >= item.key) break;                                            \
      items[at] = items[child];                                                           \
    }                                                                                     \
    items[at] = item;                                                                     \
  }                                                                                       \
  static void type##_push(type item) {                                                    \
    if (type##_heap.count == type##_heap.room) {                                          \
      type##_heap.room = type##_heap.room ? 2 * type##_heap.room : 1024;                  \
      type##_heap.items = realloc(type##_heap.items, type##_heap.room * sizeof(type));    \
      if (!type##_heap.items) die("out of memory");                                       \
    }                                                                                     \
    type *items = type##_heap.items;                                                      \
    size_t at = type##_heap.count++;                                                      \
    for (; at > 0 && items[(at - 1) / 2].key > item.key; at = (at - 1) / 2) items[at] = items[(at - 1) / 2]; \
    items[at] = item;                                                                     \
  }                                                                                       \
  static void type##_pop(void) {                                                          \
    if (--type##_heap.count > 0) type##_sink(type##_heap.items[type##_heap.count]);       \
  }

HEAP(session)
HEAP(row)

static int64_t session_next(void) { return session_heap.count ? session_heap.items[0].key : INT64_MAX; }
static int64_t row_next(void) { return row_heap.count ? row_heap.items[0].key : INT64_MAX; }

/* ------------------------------------------------------------------------------------------------- writing */

static char buffer[BUFFER + LONGEST_ROW], *out = buffer;

static void flush(void) {
  if (fwrite(buffer, 1, (size_t)(out - buffer), stdout) != (size_t)(out - buffer)) die("cannot write");
  out = buffer;
}

#define PUT(literal) (memcpy(out, literal, sizeof literal - 1), out += sizeof literal - 1)

static void put_text(const char *text) {
  size_t length = strlen(text);
  memcpy(out, text, length);
  out += length;
}

static void put_name(uint16_t name) {
  memcpy(out, names[name].text, sizeof names[name].text); /* a fixed size is quicker; what is too much is overwritten */
  out += names[name].length;
}

static void put_digits(uint64_t value, int digits) {
  for (int i = digits - 1; i >= 0; i--, value /= 10) out[i] = (char)('0' + value % 10);
  out += digits;
}

static void put_integer(int64_t value) {
  if (value < 0) *out++ = '-';
  uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
  int digits = 1;
  for (uint64_t more = rest; more >= 10; more /= 10) digits++;
  put_digits(rest, digits);
}

static void put_uuid(uuid id) {
  static const char hex[] = "0123456789abcdef";
  for (int i = 0; i < 32; i++) {
    if (i == 8 || i == 12 || i == 16 || i == 20) *out++ = '-';
    *out++ = hex[(i < 16 ? id.high >> (60 - 4 * i) : id.low >> (124 - 4 * i)) & 15];
  }
}

static void put_feature(uint8_t feature) {
  PUT("feature-");
  put_digits(feature, 3);
}

static void put_user(uint32_t user) {
  PUT("user_");
  put_integer(user);
}

static void put_quality(uint8_t quality) {
  *out++ = (char)('0' + quality / 100);
  *out++ = '.';
  put_digits(quality % 100, 2);
}

/* The civil date of a day since 1970, kept from row to row: most are of the same one. */
static void put_date(int64_t day) {
  static int64_t known = -1;
  static char text[11];
  if (day != known) {
    int64_t z = day + 719468, era = z / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153, month = mp < 10 ? mp + 3 : mp - 9;
    unsigned year = (unsigned)(yoe + era * 400 + (month <= 2)) % 10000;
    snprintf(text, sizeof text, "%04u-%02u-%02u", year, (unsigned)month % 100, (unsigned)(doy - (153 * mp + 2) / 5 + 1) % 100);
    known = day;
  }
  memcpy(out, text, 10);
  out += 10;
}

static void put_time(int64_t time) {
  uint64_t second = (uint64_t)(time % DAY) / SECOND;
  put_date(time / DAY);
  *out++ = 'T';
  put_digits(second / 3600, 2);
  *out++ = ':';
  put_digits(second / 60 % 60, 2);
  *out++ = ':';
  put_digits(second % 60, 2);
  *out++ = '.';
  put_digits((uint64_t)(time % SECOND), 6);
  *out++ = 'Z';
}

static void put_money(int64_t nano) {
  put_integer(nano / 1000000000);
  *out++ = '.';
  put_digits((uint64_t)(nano % 1000000000), 9);
}

#define HAS(mask) (!(r->absent & (mask)))
#define NUMBER_MEMBER(mask, name, value) \
  if (HAS(mask)) PUT(",\"" name "\":"), put_integer(value)

static void put_json_head(const row *r) {
  PUT("{\"request_id\":\"");
  put_uuid(r->request);
  PUT("\",\"organization_id\":\"");
  put_text(organizations[r->organization]);
  PUT("\",\"project\":\"");
  put_text(projects[r->project]);
  PUT("\",\"session_id\":\"");
  put_uuid(r->session);
  if (HAS(NO_NAME)) PUT("\",\"session_name\":\""), put_name(r->name);
  if (HAS(NO_USER)) PUT("\",\"user_id\":\""), put_user(r->user);
  if (HAS(NO_MODEL)) PUT("\",\"model\":\""), put_text(models[r->model].name);
  PUT("\",\"provider\":\"");
  put_text(models[r->model].provider);
  if (r->error) PUT("\",\"error\":\""), put_text(errors[r->error - 1]);
  PUT("\",\"created_at\":\"");
  put_time(r->created_at);
  PUT("\"");
}

static void put_json(const row *r) {
  put_json_head(r);
  NUMBER_MEMBER(NO_LATENCY, "latency_ms", r->latency);
  NUMBER_MEMBER(NO_FIRST_TOKEN, "time_to_first_token_ms", r->first_token);
  NUMBER_MEMBER(NO_STATUS, "status", r->status);
  NUMBER_MEMBER(NO_PROMPT_TOKENS, "prompt_tokens", r->prompt_tokens);
  NUMBER_MEMBER(NO_COMPLETION_TOKENS, "completion_tokens", r->completion_tokens);
  if (HAS(NO_COST)) PUT(",\"cost_usd\":"), put_money(r->cost);
  if (HAS(NO_STREAMED)) PUT(",\"streamed\":"), put_text(r->streamed ? "true" : "false");
  PUT(",\"properties\":{");
  if (HAS(NO_FEATURE)) PUT("\"feature\":\""), put_feature(r->feature), PUT("\",");
  PUT("\"env\":\"");
  put_text(environments[r->environment]);
  PUT("\",\"plan\":\"");
  put_text(plans[r->user % 4]);
  PUT("\"}");
  if (HAS(NO_QUALITY)) PUT(",\"scores\":{\"quality\":"), put_quality(r->quality), PUT("}");
  PUT("}\n");
}

static const char csv_head[] =
    "request_id,organization_id,project,session_id,session_name,user_id,model,provider,error,created_at,latency_ms,"
    "time_to_first_token_ms,status,prompt_tokens,completion_tokens,cost,streamed,feature,env,plan,quality\n";

#define NUMBER_COLUMN(mask, value) \
  if (HAS(mask)) put_integer(value); \
  *out++ = ','

static void put_csv_head(const row *r) {
  put_uuid(r->request);
  *out++ = ',';
  put_text(organizations[r->organization]);
  *out++ = ',';
  put_text(projects[r->project]);
  *out++ = ',';
  put_uuid(r->session);
  *out++ = ',';
  if (HAS(NO_NAME)) put_name(r->name);
  *out++ = ',';
  if (HAS(NO_USER)) put_user(r->user);
  *out++ = ',';
  if (HAS(NO_MODEL)) put_text(models[r->model].name);
  *out++ = ',';
  put_text(models[r->model].provider);
  *out++ = ',';
  if (r->error) put_text(errors[r->error - 1]);
  *out++ = ',';
}

/* Money in nano-dollars, times in microseconds. */
static void put_csv(const row *r) {
  put_csv_head(r);
  put_integer(r->created_at);
  *out++ = ',';
  NUMBER_COLUMN(NO_LATENCY, r->latency);
  NUMBER_COLUMN(NO_FIRST_TOKEN, r->first_token);
  NUMBER_COLUMN(NO_STATUS, r->status);
  NUMBER_COLUMN(NO_PROMPT_TOKENS, r->prompt_tokens);
  NUMBER_COLUMN(NO_COMPLETION_TOKENS, r->completion_tokens);
  NUMBER_COLUMN(NO_COST, r->cost);
  NUMBER_COLUMN(NO_STREAMED, r->streamed);
  if (HAS(NO_FEATURE)) put_feature(r->feature);
  *out++ = ',';
  put_text(environments[r->environment]);
  *out++ = ',';
  put_text(plans[r->user % 4]);
  *out++ = ',';
  if (HAS(NO_QUALITY)) put_quality(r->quality);
  *out++ = '\n';
}

/* ------------------------------------------------------------------------------------------------- running */

static void (*put)(const row *r) = put_json;
static int64_t rows_left;

static void write_row(const row *r) {
  put(r);
  rows_left--;
  if (out - buffer >= BUFFER) flush();
}

static int64_t later(int64_t time) {
  double part = (double)below(1000000) / 1e6;
  return time + 30 * SECOND + (int64_t)(part * part * (double)(6 * HOUR));
}

/* A call of the session whose turn it is. What lies before the first day is only there to make a steady state. */
static void take_call(void) {
  session s = session_heap.items[0];
  if (s.key >= BEGIN) {
    row r;
    draw_row(&s, &r);
    if (below(100) == 0) {
      r.key = later(r.created_at);
      row_push(r);
    } else {
      write_row(&r);
    }
  }
  if (--s.left == 0) {
    session_pop();
  } else {
    s.key += draw_gap(&s);
    session_sink(s);
  }
}

/* Only the longest ones of the weeks before the first day can reach into it. */
static void begin_session(int64_t start) {
  pace p = draw_pace();
  if (p == WEEKS || start >= BEGIN - 6 * DAY) session_push(draw_session(start, p));
}

static void simulate(void) {
  int64_t apart = (int64_t)((double)(30 * DAY) * mean_size / (double)rows_left) + 1;
  int64_t start = BEGIN - 32 * DAY;
  while (rows_left > 0) {
    int64_t call = session_next(), late = row_next();
    if (start <= call && start <= late) {
      begin_session(start);
      start += between(1, 2 * apart);
    } else if (late <= call) {
      write_row(&row_heap.items[0]);
      row_pop();
    } else {
      take_call();
    }
  }
}

int main(int count, char **arguments) {
  bool csv = count == 4 && strcmp(arguments[3], "csv") == 0;
  if (count != 4 || (!csv && strcmp(arguments[3], "json") != 0)) die("generate ROWS SEED json|csv");
  rows_left = atoll(arguments[1]);
  state = strtoull(arguments[2], NULL, 10);
  if (rows_left < 1) die("ROWS is a whole number from 1");
  users = rows_left / 200 < 100 ? 100 : (uint32_t)(rows_left / 200);
  fill_tables();
  fill_names();
  fill_models();
  if (csv) {
    put = put_csv;
    PUT(csv_head);
  }
  simulate();
  flush();
  return fflush(stdout) == 0 ? 0 : 1;
}
