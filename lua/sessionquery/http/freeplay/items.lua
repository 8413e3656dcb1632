--- Rows as the items of Freeplay's answers, each as JSON text: a session, a completion (run_type llm or embedding), a
--- trace (any other request).
---
--- What stands where:
---   ids             request_id is completion_id or trace_id; a request without a session has the session_id ""
---   session         start_time session.created_at, end_time the greatest end, usage the sums over its completions,
---                   custom_metadata the session's own map; review_queue_id and test_run_id of its latest row that has one
---   custom_metadata of a trace: properties
---   input, output   of a trace: request_body and response_body, as JSON or, where they are none, as text
---   messages, input_variables: see messages.lua
---   prompt          prompt_template {id, name} of prompt_id and prompt_name; prompt_version is the
---                   prompt_template_version_id when it is a UUID, else the prompt_version_name
---   feedback        of source "human": human_labels; of "auto", "model" or "evaluator": auto_evaluations with the comment
---                   as explanation, and a person's label of the same key as manual_score; notes: nowhere; all other:
---                   customer_feedback, the score, else the value, else the comment. The newest of a key counts
---   scores          that are no feedback's: numbers and booleans client_evaluations, text auto_evaluations
local core = require "sessionquery.core"
local json = require "sessionquery.http.json"
local messages = require "sessionquery.http.freeplay.messages"

local items = {}

--- What a query of requests selects for items.
items.fields = {
  "request_id", "session_id", "trace_id", "parent_id", "name", "run_type", "created_at", "ended_at", "environment", "model", "provider",
  "prompt_id", "prompt_name", "prompt_version", "prompt_tokens", "completion_tokens", "assignee", "review_queue_id",
  "test_run_id", "properties", "scores", "feedback", "request_body", "response_body",
}

local NOTE = "note"
local automatic = { auto = true, model = true, evaluator = true }
local completion_types = { llm = true, embedding = true }

---@param row table
---@return boolean
function items.is_completion(row) return completion_types[row.run_type] == true end

local function time(seconds) return seconds and core.iso(seconds) or core.null end

--- A value of the schema's plain kinds: text, number or boolean.
local function plain(value)
  if type(value) ~= "table" then return value end
  return (assert(core.encode(value)))
end

--- A score of the schema's labels: an integer or text, or null.
local function label(value)
  if value == nil or value == core.null then return core.null end
  if type(value) == "string" or (type(value) == "number" and value == math.floor(value)) then return value end
  return (assert(core.encode(value)))
end

local function first(...)
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    if value ~= nil and value ~= core.null then return value end
  end
end

--- The newest feedback of each key and kind: human, automatic, customer.
local function sort_feedback(feedback)
  local kinds = { human = {}, automatic = {}, customer = {} }
  for _, said in ipairs(feedback or {}) do
    local source = (first(said.source) or ""):lower()
    local kind = kinds[source == "human" and "human" or automatic[source] and "automatic" or "customer"]
    local known = kind[said.key]
    if said.key ~= NOTE and (not known or core.seconds(said.created_at) >= core.seconds(known.created_at)) then kind[said.key] = said end
  end
  return kinds
end

local function evaluations(row, feedback)
  local made = { auto_evaluations = {}, human_labels = {}, client_evaluations = {} }
  local scored = {}
  for key, said in pairs(feedback.human) do
    made.human_labels[key] = { name = key, manual_score = label(first(said.score, said.value)) }
  end
  local function automatically(key, score, explanation)
    local human = made.human_labels[key]
    made.auto_evaluations[key] = {
      name = key, auto_score = label(score), auto_explanation = json.or_null(explanation),
      manual_score = human and human.manual_score or core.null,
    }
  end
  for key, said in pairs(feedback.automatic) do automatically(key, first(said.score, said.value), first(said.comment)) end
  for _, said in ipairs(row.feedback or {}) do
    if first(said.score) ~= nil then scored[said.key] = true end
  end
  for key, score in pairs(row.scores or {}) do
    if not scored[key] then
      if type(score) == "number" or type(score) == "boolean" then
        made.client_evaluations[key] = score
      else
        automatically(key, plain(score))
      end
    end
  end
  return made
end

local function customer_feedback(feedback)
  local made = {}
  for key, said in pairs(feedback.customer) do
    local value = first(said.score, said.value, said.comment)
    made[key] = value == nil or plain(value)
  end
  return made
end

local function metadata(map)
  if map == nil or next(map) == nil then return core.null end
  local made = {}
  for key, value in pairs(map) do
    if value ~= core.null then made[key] = plain(value) end
  end
  return made
end

local function is_uuid(text)
  return #text == 36 and text:find "^%x+%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x+$" ~= nil and text:sub(9, 9) == "-"
end

local function prompt_template(row)
  if not row.prompt_id and not row.prompt_name then return core.null end
  return { id = row.prompt_id, name = row.prompt_name }
end

local function completion(row)
  local feedback = sort_feedback(row.feedback)
  local told, inputs = messages.of(row.request_body, row.response_body)
  local version = row.prompt_version
  local is_id = version ~= nil and is_uuid(version)
  return {
    completion_id = row.request_id,
    session_id = row.session_id or "",
    review_queue_id = json.or_null(row.review_queue_id),
    evaluation_results = evaluations(row, feedback),
    completion_metadata = {
      environment = json.or_null(row.environment), start_time = time(row.created_at), end_time = time(row.ended_at),
      model = json.or_null(row.model), provider = json.or_null(row.provider), prompt_template = prompt_template(row),
      prompt_template_version_id = is_id and version or core.null, assignee = json.or_null(row.assignee),
      prompt_version_name = not is_id and version or core.null, prompt_version_description = core.null,
    },
    customer_feedback = customer_feedback(feedback),
    usage = { prompt_tokens = row.prompt_tokens or 0, completion_tokens = row.completion_tokens or 0 },
    messages = told,
    input_variables = inputs,
  }
end

local function document(text)
  if text == nil then return core.null end
  local value = messages.document(text)
  if value == nil then return text end
  return value
end

local function trace(row)
  local feedback = sort_feedback(row.feedback)
  return {
    session_id = row.session_id or "",
    trace_id = row.request_id,
    review_queue_id = json.or_null(row.review_queue_id),
    trace_metadata = {
      agent_name = json.or_null(row.name), start_time = time(row.created_at), end_time = time(row.ended_at),
        assignee = json.or_null(row.assignee),
    },
    custom_metadata = metadata(row.properties),
    customer_feedback = customer_feedback(feedback),
    input = document(row.request_body),
    output = document(row.response_body),
    evaluation_results = evaluations(row, feedback),
  }
end

--- A completion or trace as JSON, an object that is not empty. What stands too deep in its bodies to be written within
--- another document stands there as text.
---@param row table of a query of items.fields
---@return string
function items.of_row(row)
  local made = items.is_completion(row) and completion(row) or trace(row)
  local text = core.encode(made)
  if text then return text end
  if items.is_completion(row) then
    made.input_variables = { document = row.request_body }
  else
    made.input, made.output = json.or_null(row.request_body), json.or_null(row.response_body)
  end
  return (assert(core.encode(made)))
end

--- A session as JSON.
---@param session table a row of a query of sessions
---@param marks { review_queue_id: string?, test_run_id: string? }
---@return string
function items.of_session(session, marks)
  local end_us = math.floor(session.created_at * 1e6 + 0.5) + math.floor(session.duration_ms * 1e3 + 0.5)
  return (assert(core.encode {
    session_id = session.id,
    review_queue_id = json.or_null(marks.review_queue_id),
    session_metadata = { start_time = time(session.created_at), end_time = time(end_us / 1e6) },
    usage = { prompt_tokens = session.prompt_tokens or 0, completion_tokens = session.completion_tokens or 0 },
    custom_metadata = metadata(session.metadata),
    test_run_id = json.or_null(marks.test_run_id),
  }))
end

return items
