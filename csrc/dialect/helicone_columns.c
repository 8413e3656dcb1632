/* The columns of Helicone's tables, of both contracts: what they are of ours, and how they depart from it. */
#include "dialect/helicone.h"

#include <string.h>

#define TEXT HELICONE_TEXT
#define NUMBER HELICONE_NUMBER
#define TIME HELICONE_TIME
#define BOOLEAN HELICONE_BOOLEAN
#define SEARCH HELICONE_SEARCH
#define EXACT HELICONE_EXACT
#define BLANK HELICONE_BLANK
#define PLAIN (HELICONE_BLANK | HELICONE_EMPTY_WORD | HELICONE_NULL_WORD)
#define LIST (HELICONE_BLANK | HELICONE_EMPTY_WORD)
#define NOT_FALSE HELICONE_NOT_FALSE
#define ZERO HELICONE_ZERO
#define SCORE HELICONE_SCORE
#define SCORE_KEY HELICONE_SCORE_KEY

const helicone_column helicone_request_columns[] = {
    {"country_code", SQ_F_COUNTRY_CODE, TEXT, PLAIN},
    {"latency", SQ_F_LATENCY_MS, NUMBER, 0},
    {"cost", SQ_F_COST_USD, NUMBER, 0},
    {"provider", SQ_F_PROVIDER, TEXT, PLAIN},
    {"time_to_first_token", SQ_F_TIME_TO_FIRST_TOKEN_MS, NUMBER, 0},
    {"status", SQ_F_STATUS, NUMBER, 0},
    {"request_created_at", SQ_F_CREATED_AT, TIME, 0},
    {"response_created_at", SQ_F_RESPONDED_AT, TIME, 0},
    {"model", SQ_F_MODEL, TEXT, PLAIN},
    {"user_id", SQ_F_USER_ID, TEXT, PLAIN},
    {"organization_id", SQ_F_ORGANIZATION_ID, TEXT, PLAIN},
    {"node_id", SQ_F_NODE_ID, TEXT, PLAIN},
    {"job_id", SQ_F_JOB_ID, TEXT, PLAIN},
    {"threat", SQ_F_THREAT, BOOLEAN, 0},
    {"request_id", SQ_F_REQUEST_ID, TEXT, PLAIN},
    {"prompt_tokens", SQ_F_PROMPT_TOKENS, NUMBER, 0},
    {"completion_tokens", SQ_F_COMPLETION_TOKENS, NUMBER, 0},
    {"prompt_cache_read_tokens", SQ_F_PROMPT_CACHE_READ_TOKENS, NUMBER, 0},
    {"prompt_cache_write_tokens", SQ_F_PROMPT_CACHE_WRITE_TOKENS, NUMBER, 0},
    {"total_tokens", SQ_F_TOTAL_TOKENS, NUMBER, 0},
    {"target_url", SQ_F_TARGET_URL, TEXT, PLAIN},
    {"property_key", SQ_F_PROPERTIES, EXACT, 0},
    {"scores_column", SQ_F_ENTRY_KEY, TEXT, SCORE_KEY},
    {"request_body", SQ_F_REQUEST_BODY, SEARCH, 0},
    {"response_body", SQ_F_RESPONSE_BODY, SEARCH, 0},
    {"cache_enabled", SQ_F_CACHE_ENABLED, BOOLEAN, NOT_FALSE},
    {"cache_reference_id", SQ_F_CACHE_REFERENCE_ID, TEXT, PLAIN},
    {"cached", SQ_F_CACHED, BOOLEAN, 0},
    {"assets", SQ_F_ASSETS, TEXT, LIST},
    {HELICONE_FEEDBACK_KEY, SQ_F_SCORES, BOOLEAN, SCORE},
    {"prompt_id", SQ_F_PROMPT_ID, TEXT, PLAIN},
    {"prompt_version", SQ_F_PROMPT_VERSION, TEXT, PLAIN},
    {"request_referrer", SQ_F_REQUEST_REFERRER, TEXT, PLAIN},
    {"is_passthrough_billing", SQ_F_IS_PASSTHROUGH_BILLING, BOOLEAN, NOT_FALSE},
    {.name = NULL},
};

const helicone_column helicone_session_columns[] = {
    {"session_session_id", SQ_F_SESSION_KEY, TEXT, PLAIN},
    {"session_session_name", SQ_F_SESSION_LABEL, TEXT, PLAIN},
    {"session_total_cost", SQ_F_SESSION_COST, NUMBER, ZERO},
    {"session_total_tokens", SQ_F_SESSION_TOKENS, NUMBER, ZERO},
    {"session_prompt_tokens", SQ_F_SESSION_PROMPT_TOKENS, NUMBER, ZERO},
    {"session_completion_tokens", SQ_F_SESSION_COMPLETION_TOKENS, NUMBER, ZERO},
    {"session_total_requests", SQ_F_SESSION_REQUESTS, NUMBER, 0},
    {"session_created_at", SQ_F_SESSION_CREATED_AT, TIME, 0},
    {"session_latest_request_created_at", SQ_F_SESSION_LATEST, TIME, 0},
    {"session_tag", SQ_F_SESSION_TAGS, TEXT, LIST},
    {"total_cost", SQ_F_SESSION_COST, NUMBER, ZERO},     /* legacy */
    {"total_tokens", SQ_F_SESSION_TOKENS, NUMBER, ZERO}, /* legacy */
    {.name = NULL},
};

const helicone_column helicone_legacy_response_columns[] = {
    {"body_tokens", SQ_F_TOTAL_TOKENS, NUMBER, 0},
    {"body_model", SQ_F_MODEL, TEXT, PLAIN},
    {"body_completion", SQ_F_RESPONSE_BODY, TEXT, PLAIN},
    {"status", SQ_F_STATUS, NUMBER, 0},
    {"model", SQ_F_MODEL, TEXT, PLAIN},
    {.name = NULL},
};

const helicone_column helicone_legacy_request_columns[] = {
    {"prompt", SQ_F_REQUEST_BODY, TEXT, PLAIN},
    {"created_at", SQ_F_CREATED_AT, TIME, 0},
    {"user_id", SQ_F_USER_ID, TEXT, PLAIN},
    {"auth_hash", SQ_F_NONE, TEXT, 0}, /* not recorded */
    {"org_id", SQ_F_ORGANIZATION_ID, TEXT, PLAIN},
    {"id", SQ_F_REQUEST_ID, TEXT, PLAIN},
    {"node_id", SQ_F_NODE_ID, TEXT, PLAIN},
    {"model", SQ_F_MODEL, TEXT, PLAIN},
    {"modelOverride", SQ_F_NONE, TEXT, 0}, /* not recorded */
    {"path", SQ_F_TARGET_URL, TEXT, PLAIN},
    {"prompt_id", SQ_F_PROMPT_ID, TEXT, PLAIN},
    {.name = NULL},
};

const helicone_column helicone_feedback_columns[] = {
    {"id", SQ_F_ENTRY_ID, NUMBER, 0},
    {"created_at", SQ_F_ENTRY_CREATED_AT, TIME, 0},
    {"rating", SQ_F_ENTRY_SCORE, BOOLEAN, SCORE},
    {"response_id", SQ_F_REQUEST_ID, TEXT, PLAIN},
    {.name = NULL},
};

const helicone_column helicone_legacy_search_columns[] = {
    {"request_body_vector", SQ_F_REQUEST_BODY, SEARCH, 0},
    {"response_body_vector", SQ_F_RESPONSE_BODY, SEARCH, 0},
    {.name = NULL},
};

const helicone_column helicone_legacy_cache_columns[] = {
    {"organization_id", SQ_F_ORGANIZATION_ID, TEXT, PLAIN},
    {"request_id", SQ_F_REQUEST_ID, TEXT, PLAIN},
    {"latency", SQ_F_LATENCY_MS, NUMBER, 0},
    {"completion_tokens", SQ_F_COMPLETION_TOKENS, NUMBER, 0},
    {"prompt_tokens", SQ_F_PROMPT_TOKENS, NUMBER, 0},
    {"created_at", SQ_F_CREATED_AT, TIME, 0},
    {.name = NULL},
};

/* Columns that hold one column for each key. */
const helicone_column helicone_property_member = {"properties", SQ_F_PROPERTIES, TEXT, BLANK};
const helicone_column helicone_score_member = {"scores", SQ_F_SCORES, TEXT, 0};
/* Keys of properties that are recorded as fields. */
const helicone_column helicone_named_properties[] = {
    {"Helicone-Session-Id", SQ_F_SESSION_ID, TEXT, BLANK},
    {"Helicone-Session-Name", SQ_F_SESSION_NAME, TEXT, BLANK},
    {"Helicone-Session-Path", SQ_F_SESSION_PATH, TEXT, BLANK},
    {"Helicone-Session-Feedback", SQ_F_SESSION_RATING, TEXT, BLANK},
    {.name = NULL},
};

const helicone_column *helicone_find_column(const helicone_column *columns, const char *name) {
  for (; columns->name; columns++)
    if (strcmp(columns->name, name) == 0) return columns;
  return NULL;
}
