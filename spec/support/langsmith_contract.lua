--- What LangSmith's GET /sessions answers with, as its reference has it. Beside the two keys that it requires, ours are
--- always all there, null where they say nothing.
local uuid = { type = "string", format = "uuid" }
local uuid_or_null = { type = { "string", "null" }, format = "uuid" }
local time = { type = "string", format = "date-time" }
local time_or_null = { type = { "string", "null" }, format = "date-time" }
local integer_or_null = { type = { "integer", "null" }, minimum = 0 }
local number_or_null = { type = { "number", "null" }, minimum = 0 }
local dollars_or_null = { type = { "string", "null" }, pattern = "^%d+%.?%d*$" }
local statistics = { type = { "object", "null" }, additionalProperties = {
  type = "object", required = { "n", "avg", "values" }, additionalProperties = false,
  properties = {
    n = { type = "integer", minimum = 1 }, avg = { type = { "number", "null" } },
    values = { type = "object", additionalProperties = { type = "integer", minimum = 1 } },
  },
} }

local contract = {}

--- Of POST and PATCH.
contract.bare = {
  id = uuid, tenant_id = uuid, start_time = time, end_time = time_or_null, extra = { type = "object" }, name = { type = "string" },
  description = { type = { "string", "null" } }, default_dataset_id = uuid_or_null, reference_dataset_id = uuid_or_null,
  trace_tier = { enum = { "longlived", "shortlived", require("sessionquery.core").null } }, last_run_start_time_live = time_or_null,
}

contract.whole = {
  run_count = integer_or_null, latency_p50 = number_or_null, latency_p99 = number_or_null, first_token_p50 = number_or_null,
  first_token_p99 = number_or_null, total_tokens = integer_or_null, prompt_tokens = integer_or_null, completion_tokens = integer_or_null,
  total_cost = dollars_or_null, prompt_cost = dollars_or_null, completion_cost = dollars_or_null, last_run_start_time = time_or_null,
  feedback_stats = statistics, session_feedback_stats = statistics, error_rate = { type = { "number", "null" }, minimum = 0, maximum = 1 },
  streaming_rate = { type = { "number", "null" }, minimum = 0, maximum = 1 }, test_run_number = { type = { "integer", "null" }, minimum = 1 },
  run_facets = { type = { "array", "null" }, items = {
    type = "object", required = { "key", "value", "n", "query" }, additionalProperties = false,
    properties = { key = { type = "string" }, value = {}, n = { type = "integer", minimum = 1 }, query = { type = "string" } },
  } },
}
for name, wanted in pairs(contract.bare) do contract.whole[name] = wanted end

local function object(properties)
  local names = {}
  for name in pairs(properties) do names[#names + 1] = name end
  return { type = "object", required = names, properties = properties, additionalProperties = false }
end

--- Schemas of whole answers.
contract.list = { type = "array", items = object(contract.whole), maxItems = 100 }
contract.one = object(contract.whole)
contract.changed = object(contract.bare)

--- Of 422.
contract.problems = { type = "object", required = { "detail" }, properties = { detail = { type = "array", minItems = 1, items = {
  type = "object", required = { "loc", "msg", "type" }, additionalProperties = false,
  properties = {
    loc = { type = "array", minItems = 1, items = { type = { "string", "integer" } } }, msg = { type = "string" }, type = { type = "string" },
  },
} } } }

return contract
