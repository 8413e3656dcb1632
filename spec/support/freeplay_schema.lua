--- The answers of Freeplay's search API as its OpenAPI has them, as JSON Schema (support/schema.lua). Ids are text: their
--- format is left out, since ids that are no UUIDs pass through.
local text, integer, number, boolean, null = { type = "string" }, { type = "integer" }, { type = "number" }, { type = "boolean" }, { type = "null" }

local function any(...) return { anyOf = { ... } } end
local function or_null(schema) return any(schema, null) end
local function list(schema) return { type = "array", items = schema } end
local function map(schema) return { type = "object", additionalProperties = schema } end
local function ref(name) return { ["$ref"] = "#/components/schemas/" .. name } end

--- An object of these members, all of which must be there, but for the `optional` ones.
local function object(members, optional)
  local required = {}
  for name in pairs(members) do required[#required + 1] = name end
  local all = {}
  for name, schema in pairs(members) do all[name] = schema end
  for name, schema in pairs(optional or {}) do all[name] = schema end
  return { type = "object", properties = all, required = required }
end

local plain = any(text, number, integer, boolean)
local child = { children = list(any(ref "CompletionSearchInfoWithChildren", ref "TraceSearchInfoWithChildren")) }

local function message(role, content) return object({ content = content }, { role = { type = "string", const = role } }) end
local function page_of(item) return object { data = list(ref(item)), pagination = ref "PaginationInfo" } end

local blocks = any(text, list(map(any(ref "JSONValue")))) -- the extract leaves the blocks open

local schemas = {
  PaginationInfo = object { page = integer, page_size = integer, has_next = boolean },
  SessionMetadataInfo = object { start_time = or_null(text), end_time = or_null(text) },
  UsageInfo = object { prompt_tokens = integer, completion_tokens = integer },
  TraceMetadataInfo = object { agent_name = or_null(text), start_time = or_null(text), end_time = or_null(text), assignee = or_null(text) },
  CompletionMetadataInfo = object {
    environment = or_null(text), start_time = or_null(text), end_time = or_null(text), model = or_null(text), provider = or_null(text),
    prompt_template = or_null(map(text)), prompt_template_version_id = or_null(text), assignee = or_null(text),
    prompt_version_name = or_null(text), prompt_version_description = or_null(text),
  },
  AutoEvaluationInfo = object {
    name = text, auto_score = any(integer, text, null), auto_explanation = or_null(text), manual_score = any(integer, text, null),
  },
  HumanLabelInfo = object { name = text, manual_score = any(integer, text, null) },
  EvaluationResultsInfo = object {
    auto_evaluations = map(ref "AutoEvaluationInfo"), human_labels = map(ref "HumanLabelInfo"), client_evaluations = map(any(boolean, number)),
  },
  InputVariable = any(text, integer, boolean, number, map(ref "InputVariable"), list(ref "InputVariable")),
  JSONValue = any(boolean, integer, number, text, map(ref "JSONValue"), list(ref "JSONValue"), null),
  UserMessage = message("user", blocks),
  SystemMessage = message("system", text),
  AssistantMessage = message("assistant", blocks),
}

local members = {
  SessionSearchInfo = {
    session_id = text, review_queue_id = or_null(text), session_metadata = ref "SessionMetadataInfo", usage = ref "UsageInfo",
    custom_metadata = or_null(map(plain)), test_run_id = or_null(text),
  },
  TraceSearchInfo = {
    session_id = text, trace_id = text, review_queue_id = or_null(text), trace_metadata = or_null(ref "TraceMetadataInfo"),
    custom_metadata = or_null(map(plain)), customer_feedback = or_null(map(plain)), input = or_null(ref "JSONValue"),
    output = or_null(ref "JSONValue"), evaluation_results = ref "EvaluationResultsInfo",
  },
  CompletionSearchInfo = {
    completion_id = text, session_id = text, review_queue_id = or_null(text), evaluation_results = ref "EvaluationResultsInfo",
    completion_metadata = ref "CompletionMetadataInfo", customer_feedback = map(plain), usage = ref "UsageInfo",
    messages = list(any(ref "UserMessage", ref "SystemMessage", ref "AssistantMessage")), input_variables = map(ref "InputVariable"),
  },
}

for _, what in ipairs { "Session", "Trace", "Completion" } do
  local item = what .. "SearchInfo"
  schemas[item] = object(members[item])
  schemas[item .. "WithChildren"] = object(members[item], child)
  schemas[what .. "SearchResponse"] = page_of(item)
  schemas[what .. "SearchResponseWithChildren"] = page_of(item .. "WithChildren")
end

local documents = {}
for name in pairs(schemas) do documents[name] = { components = { schemas = schemas }, ["$ref"] = "#/components/schemas/" .. name } end

--- By name: a schema with all that it refers to.
return documents
