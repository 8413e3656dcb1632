#include "store/format.h"

#include <string.h>


/* Helicone's export and its ClickHouse rows. What is not here goes to extra. */
static const sq_member helicone[] = {
    {"request_id", SQ_MEMBER_FIELD, SQ_F_REQUEST_ID},
    {"request_created_at", SQ_MEMBER_FIELD, SQ_F_CREATED_AT},
    {"response_created_at", SQ_MEMBER_FIELD, SQ_F_RESPONDED_AT},
    {"request_user_id", SQ_MEMBER_FIELD, SQ_F_USER_ID},
    {"user_id", SQ_MEMBER_FALLBACK, SQ_F_USER_ID},
    {"response_status", SQ_MEMBER_FIELD, SQ_F_STATUS},
    {"status", SQ_MEMBER_FALLBACK, SQ_F_STATUS},
    {"latency", SQ_MEMBER_FIELD, SQ_F_LATENCY_MS},
    {"delay_ms", SQ_MEMBER_FALLBACK, SQ_F_LATENCY_MS},
    {"time_to_first_token", SQ_MEMBER_FIELD, SQ_F_TIME_TO_FIRST_TOKEN_MS},
    {"cost", SQ_MEMBER_FIELD, SQ_F_COST_USD},
    {"costUSD", SQ_MEMBER_FALLBACK, SQ_F_COST_USD},
    {"cost_source", SQ_MEMBER_FIELD, SQ_F_COST_SOURCE}, /* not Helicone's: what computes costs on import says so */
    {"provider", SQ_MEMBER_FIELD, SQ_F_PROVIDER},
    {"model", SQ_MEMBER_FIELD, SQ_F_MODEL},
    {"response_model", SQ_MEMBER_FALLBACK, SQ_F_MODEL},
    {"request_model", SQ_MEMBER_FALLBACK, SQ_F_MODEL},
    {"prompt_tokens", SQ_MEMBER_FIELD, SQ_F_PROMPT_TOKENS},
    {"completion_tokens", SQ_MEMBER_FIELD, SQ_F_COMPLETION_TOKENS},
    {"total_tokens", SQ_MEMBER_FIELD, SQ_F_TOTAL_TOKENS},
    {"prompt_cache_read_tokens", SQ_MEMBER_FIELD, SQ_F_PROMPT_CACHE_READ_TOKENS},
    {"prompt_cache_write_tokens", SQ_MEMBER_FIELD, SQ_F_PROMPT_CACHE_WRITE_TOKENS},
    {"request_properties", SQ_MEMBER_PROPERTIES, SQ_F_PROPERTIES},
    {"properties", SQ_MEMBER_PROPERTIES, SQ_F_PROPERTIES},
    {"scores", SQ_MEMBER_FIELD, SQ_F_SCORES},
    {"request_body", SQ_MEMBER_FIELD, SQ_F_REQUEST_BODY},
    {"response_body", SQ_MEMBER_FIELD, SQ_F_RESPONSE_BODY},
    {"country_code", SQ_MEMBER_FIELD, SQ_F_COUNTRY_CODE},
    {"node_id", SQ_MEMBER_FIELD, SQ_F_NODE_ID},
    {"job_id", SQ_MEMBER_FIELD, SQ_F_JOB_ID},
    {"target_url", SQ_MEMBER_FIELD, SQ_F_TARGET_URL},
    {"request_path", SQ_MEMBER_FALLBACK, SQ_F_TARGET_URL},
    {"prompt_id", SQ_MEMBER_FIELD, SQ_F_PROMPT_ID},
    {"prompt_version", SQ_MEMBER_FIELD, SQ_F_PROMPT_VERSION},
    {"request_referrer", SQ_MEMBER_FIELD, SQ_F_REQUEST_REFERRER},
    {"threat", SQ_MEMBER_FIELD, SQ_F_THREAT},
    {"cache_enabled", SQ_MEMBER_FIELD, SQ_F_CACHE_ENABLED},
    {"cache_reference_id", SQ_MEMBER_FIELD, SQ_F_CACHE_REFERENCE_ID},
    {"is_passthrough_billing", SQ_MEMBER_FIELD, SQ_F_IS_PASSTHROUGH_BILLING},
    {"assets", SQ_MEMBER_FIELD, SQ_F_ASSETS},
    {"asset_ids", SQ_MEMBER_FALLBACK, SQ_F_ASSETS},
    {"organization_id", SQ_MEMBER_FIELD, SQ_F_ORGANIZATION_ID},
    {"project", SQ_MEMBER_FIELD, SQ_F_PROJECT},
};

static const struct {
  const char *name;
  sq_field field;
} helicone_properties[] = {
    {"Helicone-Session-Id", SQ_F_SESSION_ID},
    {"Helicone-Session-Name", SQ_F_SESSION_NAME},
    {"Helicone-Session-Path", SQ_F_SESSION_PATH},
};

sq_field sq_helicone_property(const char *name, size_t length) {
  for (size_t i = 0; i < sizeof helicone_properties / sizeof *helicone_properties; i++)
    if (strlen(helicone_properties[i].name) == length && memcmp(helicone_properties[i].name, name, length) == 0)
      return helicone_properties[i].field;
  return SQ_F_NONE;
}

static size_t slot_of(const char *name, size_t length) {
  uint32_t hash = 2166136261u; /* FNV-1a */
  for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)name[i]) * 16777619u;
  return (hash ^ hash >> 15) & (SQ_FORMAT_SLOTS - 1);
}

static void add(sq_format *format, const sq_member *member) {
  size_t slot = slot_of(member->name, strlen(member->name));
  while (format->slots[slot]) slot = (slot + 1) & (SQ_FORMAT_SLOTS - 1);
  format->slots[slot] = member;
}

static void add_canonical(sq_format *format) {
  for (int i = SQ_F_NONE + 1; i < SQ_F_COUNT; i++) {
    const sq_field_row *row = sq_field_get((sq_field)i);
    if (row->level != SQ_LEVEL_REQUEST) continue;
    sq_member_kind kind = i == SQ_F_FEEDBACK ? SQ_MEMBER_FEEDBACK : row->home == SQ_HOME_NONE ? SQ_MEMBER_DERIVED : SQ_MEMBER_FIELD;
    format->canonical[i] = (sq_member){row->name, kind, (sq_field)i};
    add(format, &format->canonical[i]);
  }
}

bool sq_format_begin(sq_format *format, const char *name, sq_error *error) {
  *format = (sq_format){.slots = {0}};
  if (!name || strcmp(name, "canonical") == 0) {
    add_canonical(format);
  } else if (strcmp(name, "helicone") == 0) {
    for (size_t i = 0; i < sizeof helicone / sizeof *helicone; i++) add(format, &helicone[i]);
  } else {
    sq_nearest search = {name, strlen(name), NULL, 0};
    sq_nearest_offer(&search, "canonical");
    sq_nearest_offer(&search, "helicone");
    sq_fail(error, SQ_E_UNKNOWN, "unknown format '%s'", sq_show(name, strlen(name)).text);
    if (search.best) sq_error_append(error, ", did you mean '%s'?", search.best);
    else sq_error_append(error, ": there are canonical and helicone");
    return false;
  }
  return true;
}

const sq_member *sq_format_find(const sq_format *format, const char *name, size_t length) {
  const sq_member *member;
  for (size_t slot = slot_of(name, length); (member = format->slots[slot]); slot = (slot + 1) & (SQ_FORMAT_SLOTS - 1))
    if (strlen(member->name) == length && memcmp(member->name, name, length) == 0) return member;
  return NULL;
}
