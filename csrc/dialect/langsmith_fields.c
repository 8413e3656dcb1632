/* LangSmith's words: the fields of a run, those of a project, and the functions. */
#include "dialect/langsmith.h"

static const langsmith_field run_fields[] = {
    {.name = "id", .field = SQ_F_REQUEST_ID, .class = LANGSMITH_OF_TEXT},
    {.name = "name", .field = SQ_F_NAME, .class = LANGSMITH_OF_TEXT},
    {.name = "run_type", .field = SQ_F_RUN_TYPE, .class = LANGSMITH_OF_TEXT},
    {.name = "status", .field = SQ_F_OUTCOME, .class = LANGSMITH_OF_STATUS},
    {.name = "start_time", .field = SQ_F_CREATED_AT, .class = LANGSMITH_OF_TIMES},
    {.name = "end_time", .field = SQ_F_ENDED_AT, .class = LANGSMITH_OF_TIMES},
    {.name = "latency", .field = SQ_F_LATENCY_MS, .class = LANGSMITH_OF_SECONDS, .digits = 3},
    {.name = "is_root", .field = SQ_F_PARENT_ID, .class = LANGSMITH_OF_BOOLEANS},
    {.name = "trace_id", .field = SQ_F_TRACE_ID, .class = LANGSMITH_OF_TEXT},
    {.name = "parent_run_id", .field = SQ_F_PARENT_ID, .class = LANGSMITH_OF_TEXT},
    {.name = "session_id", .field = SQ_F_PROJECT_ID, .class = LANGSMITH_OF_TEXT},
    {.name = "thread_id", .field = SQ_F_SESSION_ID, .class = LANGSMITH_OF_TEXT},
    {.name = "tags", .field = SQ_F_TAGS, .class = LANGSMITH_OF_LISTS},
    {.name = "error", .field = SQ_F_ERROR, .class = LANGSMITH_OF_TEXT, .ours = true},
    {.name = "total_tokens", .field = SQ_F_TOTAL_TOKENS, .class = LANGSMITH_OF_NUMBERS, .ours = true},
    {.name = "prompt_tokens", .field = SQ_F_PROMPT_TOKENS, .class = LANGSMITH_OF_NUMBERS},
    {.name = "completion_tokens", .field = SQ_F_COMPLETION_TOKENS, .class = LANGSMITH_OF_NUMBERS},
    {.name = "total_cost", .field = SQ_F_COST_USD, .class = LANGSMITH_OF_NUMBERS},
    {.name = "model", .field = SQ_F_MODEL, .class = LANGSMITH_OF_TEXT},
    {.name = "inputs", .field = SQ_F_REQUEST_BODY, .class = LANGSMITH_OF_TEXT},
    {.name = "outputs", .field = SQ_F_RESPONSE_BODY, .class = LANGSMITH_OF_TEXT},
    {.name = "execution_order", .field = SQ_F_EXECUTION_ORDER, .class = LANGSMITH_OF_NUMBERS, .ours = true},
    {.name = "metadata", .field = SQ_F_PROPERTIES, .class = LANGSMITH_OF_MAPS},
    {.name = "metadata_key", .field = SQ_F_ENTRY_KEY, .class = LANGSMITH_OF_TEXT, .family = LANGSMITH_METADATA},
    {.name = "metadata_value", .field = SQ_F_ENTRY_VALUE, .class = LANGSMITH_OF_ANY, .family = LANGSMITH_METADATA},
    {.name = "input_key", .field = SQ_F_ENTRY_KEY, .class = LANGSMITH_OF_TEXT, .family = LANGSMITH_INPUT},
    {.name = "input_value", .field = SQ_F_ENTRY_VALUE, .class = LANGSMITH_OF_ANY, .family = LANGSMITH_INPUT},
    {.name = "output_key", .field = SQ_F_ENTRY_KEY, .class = LANGSMITH_OF_TEXT, .family = LANGSMITH_OUTPUT},
    {.name = "output_value", .field = SQ_F_ENTRY_VALUE, .class = LANGSMITH_OF_ANY, .family = LANGSMITH_OUTPUT},
    {.name = "feedback_key", .field = SQ_F_ENTRY_KEY, .class = LANGSMITH_OF_TEXT, .family = LANGSMITH_FEEDBACK},
    {.name = "feedback_score", .field = SQ_F_ENTRY_SCORE, .class = LANGSMITH_OF_ANY, .family = LANGSMITH_FEEDBACK},
    {.name = "feedback_value", .field = SQ_F_ENTRY_VALUE, .class = LANGSMITH_OF_ANY, .family = LANGSMITH_FEEDBACK},
    {.name = NULL},
};

/* A project as a record: what it is stands in its fields and in extra, its statistics in scores: durations and
   last_run_start_time as numbers of seconds, costs as numbers. */
#define STATISTIC(called, of) {.name = called, .field = SQ_F_SCORES, .key = called, .class = of}
static const langsmith_field project_fields[] = {
    {.name = "id", .field = SQ_F_REQUEST_ID, .class = LANGSMITH_OF_TEXT},
    {.name = "name", .field = SQ_F_NAME, .class = LANGSMITH_OF_TEXT},
    {.name = "start_time", .field = SQ_F_CREATED_AT, .class = LANGSMITH_OF_TIMES},
    {.name = "end_time", .field = SQ_F_RESPONDED_AT, .class = LANGSMITH_OF_TIMES},
    {.name = "description", .field = SQ_F_EXTRA, .key = "description", .class = LANGSMITH_OF_TEXT},
    {.name = "reference_dataset_id", .field = SQ_F_EXTRA, .key = "reference_dataset_id", .class = LANGSMITH_OF_TEXT},
    {.name = "tags", .field = SQ_F_TAGS, .class = LANGSMITH_OF_LISTS},
    {.name = "metadata", .field = SQ_F_PROPERTIES, .class = LANGSMITH_OF_MAPS},
    {.name = "metadata_key", .field = SQ_F_ENTRY_KEY, .class = LANGSMITH_OF_TEXT, .family = LANGSMITH_METADATA},
    {.name = "metadata_value", .field = SQ_F_ENTRY_VALUE, .class = LANGSMITH_OF_ANY, .family = LANGSMITH_METADATA},
    STATISTIC("run_count", LANGSMITH_OF_NUMBERS),
    STATISTIC("latency_p50", LANGSMITH_OF_SECONDS),
    STATISTIC("latency_p99", LANGSMITH_OF_SECONDS),
    STATISTIC("first_token_p50", LANGSMITH_OF_SECONDS),
    STATISTIC("first_token_p99", LANGSMITH_OF_SECONDS),
    STATISTIC("total_tokens", LANGSMITH_OF_NUMBERS),
    STATISTIC("prompt_tokens", LANGSMITH_OF_NUMBERS),
    STATISTIC("completion_tokens", LANGSMITH_OF_NUMBERS),
    STATISTIC("total_cost", LANGSMITH_OF_NUMBERS),
    STATISTIC("prompt_cost", LANGSMITH_OF_NUMBERS),
    STATISTIC("completion_cost", LANGSMITH_OF_NUMBERS),
    STATISTIC("error_rate", LANGSMITH_OF_NUMBERS),
    STATISTIC("streaming_rate", LANGSMITH_OF_NUMBERS),
    STATISTIC("last_run_start_time", LANGSMITH_OF_TIMES),
    {.name = NULL},
};
#undef STATISTIC

const langsmith_vocabulary langsmith_runs = {run_fields, {SQ_F_REQUEST_BODY, SQ_F_RESPONSE_BODY}, true};
const langsmith_vocabulary langsmith_projects = {project_fields, {SQ_F_NONE, SQ_F_NONE}, false};

const langsmith_field *langsmith_field_named(const langsmith_vocabulary *vocabulary, const char *name, size_t length) {
  for (const langsmith_field *field = vocabulary->fields; field->name; field++)
    if (sq_same_text(field->name, name, length)) return field;
  return NULL;
}

sq_field langsmith_map(langsmith_family family) {
  static const sq_field maps[LANGSMITH_FAMILIES] = {
      [LANGSMITH_METADATA] = SQ_F_PROPERTIES, [LANGSMITH_INPUT] = SQ_F_REQUEST_BODY,
      [LANGSMITH_OUTPUT] = SQ_F_RESPONSE_BODY, [LANGSMITH_FEEDBACK] = SQ_F_FEEDBACK};
  return maps[family];
}

bool langsmith_is_thread_key(const sq_value *key) {
  static const char *const keys[] = {"session_id", "thread_id", "conversation_id"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (sq_same_text(keys[i], key->text, key->length)) return true;
  return false;
}

#define TEXTS (LANGSMITH_OF_TEXT | LANGSMITH_OF_STATUS)
#define ORDERED (TEXTS | LANGSMITH_OF_NUMBERS | LANGSMITH_OF_SECONDS | LANGSMITH_OF_TIMES | LANGSMITH_OF_ANY)
#define ONE "a field and a value"

const langsmith_function langsmith_functions[] = {
    {.name = "eq", .usage = ONE, .least = 2, .most = 2, .shape = LANGSMITH_COMPARE, .op = SQ_OP_EQ, .classes = ORDERED | LANGSMITH_OF_BOOLEANS | LANGSMITH_OF_LISTS},
    {.name = "neq", .usage = ONE, .least = 2, .most = 2, .shape = LANGSMITH_COMPARE, .op = SQ_OP_EQ, .negative = true, .classes = ORDERED | LANGSMITH_OF_BOOLEANS},
    {.name = "gt", .usage = ONE, .least = 2, .most = 2, .shape = LANGSMITH_COMPARE, .op = SQ_OP_GT, .classes = ORDERED},
    {.name = "gte", .usage = ONE, .least = 2, .most = 2, .shape = LANGSMITH_COMPARE, .op = SQ_OP_GTE, .classes = ORDERED},
    {.name = "lt", .usage = ONE, .least = 2, .most = 2, .shape = LANGSMITH_COMPARE, .op = SQ_OP_LT, .classes = ORDERED},
    {.name = "lte", .usage = ONE, .least = 2, .most = 2, .shape = LANGSMITH_COMPARE, .op = SQ_OP_LTE, .classes = ORDERED},
    {.name = "in", .usage = "a field and a list", .least = 2, .most = 2, .shape = LANGSMITH_COMPARE, .op = SQ_OP_AMONG, .classes = ORDERED | LANGSMITH_OF_LISTS},
    {.name = "like", .usage = "a field and a pattern", .least = 2, .most = 2, .shape = LANGSMITH_COMPARE, .op = SQ_OP_LIKE, .classes = TEXTS | LANGSMITH_OF_ANY | LANGSMITH_OF_LISTS},
    {.name = "notlike", .usage = "a field and a pattern", .least = 2, .most = 2, .shape = LANGSMITH_COMPARE, .op = SQ_OP_LIKE, .negative = true, .classes = TEXTS | LANGSMITH_OF_ANY},
    {.name = "has", .usage = "tags and a tag, or metadata and a JSON object", .least = 2, .most = 2, .shape = LANGSMITH_HAS, .classes = LANGSMITH_OF_LISTS | LANGSMITH_OF_MAPS},
    {.name = "exists", .usage = "metadata and a key", .least = 2, .most = 2, .shape = LANGSMITH_EXISTS, .classes = LANGSMITH_OF_MAPS, .ours = true},
    {.name = "search", .usage = "words, or a field and words", .least = 1, .most = 2, .shape = LANGSMITH_SEARCH, .classes = TEXTS | LANGSMITH_OF_LISTS},
    {.name = "and", .usage = "conditions", .least = 1, .most = SIZE_MAX, .shape = LANGSMITH_AND},
    {.name = "or", .usage = "conditions", .least = 1, .most = SIZE_MAX, .shape = LANGSMITH_OR},
    {.name = "not", .usage = "a condition", .least = 1, .most = 1, .shape = LANGSMITH_NOT, .ours = true},
    {.name = NULL},
};
