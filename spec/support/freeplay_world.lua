--- Data for Freeplay's searches, and a plain evaluator of its filters: what a filter means, said a second time and
--- without the compiler, for ASCII text.
local core = require "sessionquery.core"

local world = {}

local T = 1717200000 -- 2024-06-01 00:00:00

--- t… are trace rows, c… completions; in order of recording.
world.rows = {
  { request_id = "t1", session_id = "s1", run_type = "chain", name = "planner", created_at = T, latency_ms = 5000, cost_usd = 1,
    request_body = '{"question":"What is the Weather-report for Oslo?","k.x y":"deep"}', response_body = '{"answer":"Umbrella needed","n":42}',
    properties = { customer = "Gold Corp", tier = 2, vip = true }, scores = { Quality = 5, Verdict = "very good" },
    feedback = { { key = "rating", score = 4, source = "human", created_at = T + 10 }, { key = "mood", value = "quite happy", created_at = T + 11 } } },
  { request_id = "c1", session_id = "s1", parent_id = "t1", trace_id = "t1", created_at = T + 1, latency_ms = 450, cost_usd = 0.01,
    model = "gpt-4o", provider = "openai", environment = "production", prompt_name = "weather", prompt_id = "p-1", prompt_version = "3",
    review_status = "open", assignee = "ann", api_key_name = "key-a", insight_names = { "Slow tools", "Loud" }, insight_ids = { "i1", "i2" },
    prompt_tokens = 10, completion_tokens = 5, review_queue_id = "q1", test_run_id = "run-1",
    request_body = '{"messages":[{"role":"user","content":"and today?"}],"topic":"the weather in Oslo","Os Platform":"Linux 6","n":7,"deep":{"a":"b"}}',
    response_body = "Error: not found. A free plan", properties = { customer = "Gold Corp" },
    scores = { Quality = 4, ["Response Quality"] = 4, Parseable = "no", Good = true, Half = 0.5, Digits = "4" },
    feedback = { { key = "note", comment = "Please re-check this", source = "bob", created_at = T + 86400 },
      { key = "rating", score = 5, comment = "a Nice answer", created_at = T + 20 } } },
  { request_id = "c2", session_id = "s1", trace_id = "t1", created_at = T + 2.5, latency_ms = 1500, cost_usd = 0.02, model = "claude-3-opus",
    provider = "anthropic", environment = "prod", test_run_id = "run-2", request_body = "no document", response_body = '{"text":"freeplay"}',
    scores = { Quality = 2 } },
  { request_id = "t2", session_id = "s2", run_type = "chain", name = "writer", created_at = T + 100, properties = { customer = "Silver" }, scores = { Quality = 1 } },
  { request_id = "t3", session_id = "s2", run_type = "tool", name = "search", parent_id = "t2", trace_id = "t2", created_at = T + 101, scores = { Quality = 5 } },
  { request_id = "c3", session_id = "s2", run_type = "embedding", parent_id = "t2", trace_id = "t2", created_at = T + 102, latency_ms = 20, cost_usd = 0.001,
    model = "gpt-4o", prompt_tokens = 100 },
  { request_id = "c4", session_id = "s2", parent_id = "c3", trace_id = "t2", created_at = T + 103, model = "gpt-4o", environment = "prod",
    response_body = '["free","lunch"]' },
  { request_id = "t4", session_id = "s3", run_type = "chain", name = "lonely", created_at = T + 200, request_body = '{"question":"free weather"}' },
  { request_id = "c5", session_id = "s4", created_at = T + 300 },
  { request_id = "c6", created_at = T + 400, model = "gpt-4o" }, -- of no session
  { request_id = "c7", session_id = "s5", parent_id = "gone", trace_id = "t2", created_at = T + 500, model = "o3" },
}

--- The sessions' own maps.
world.sessions = { s1 = { tier = "gold plan", n = 5 }, s3 = { tier = "gold" } }

--- Adds the data to a handle of one organization and project.
function world.fill(db)
  assert(db:add(world.rows))
  for id, map in pairs(world.sessions) do assert(db:session(id):set(map)) end
end

-- --------------------------------------------------------------------------------------------- the evaluator

local by_id = {}
for _, row in ipairs(world.rows) do by_id[row.request_id] = row end

function world.is_completion(row) return row.run_type == nil or row.run_type == "llm" or row.run_type == "embedding" end

--- The nearest trace row around a row.
function world.trace_of(row)
  local at = row
  while at and world.is_completion(at) do at = at.parent_id and by_id[at.parent_id] end
  if at then return at end
  local trace = row.trace_id and by_id[row.trace_id]
  return trace and not world.is_completion(trace) and trace or nil
end

local function tokens(text)
  local found = {}
  for token in tostring(text):lower():gmatch "%w+" do found[#found + 1] = token end
  return found
end

local function phrase(text, needle)
  if text == nil then return false end
  local hay, wanted = tokens(text), tokens(needle)
  if #wanted == 0 then return true end
  for start = 0, #hay - #wanted do
    local all = true
    for i = 1, #wanted do all = all and hay[start + i] == wanted[i] end
    if all then return true end
  end
  return false
end

local function member(document, key)
  local whole = document and core.decode(document)
  if type(whole) ~= "table" then return nil end
  local value = whole[key]
  if value == nil or value == core.null then return nil end
  return type(value) == "table" and core.encode(value) or value
end

local function in_list(list, text)
  for _, item in ipairs(list or {}) do if item == text then return true end end
  return false
end

--- A row's score: the newest feedback with one goes before what was recorded.
local function score(row, key)
  local found = (row.scores or {})[key]
  for _, said in ipairs(row.feedback or {}) do
    if said.key == key and said.score ~= nil then found = said.score end
  end
  return found
end

local comparisons = {
  eq = function(a, b) return a == b end,
  gt = function(a, b) return a > b end, gte = function(a, b) return a >= b end,
  lt = function(a, b) return a < b end, lte = function(a, b) return a <= b end,
}

local function numeric(a, op, value)
  if type(a) ~= "number" then return false end
  if op == "between" then return a >= tonumber(value[1]) and a <= tonumber(value[2]) end
  return comparisons[op](a, tonumber(value))
end

local function scored(row, key, op, value)
  local found = score(row, key)
  if op == "contains" then return phrase(found, value) end
  local number = op == "between" or tonumber(value) ~= nil
  if number then return numeric(found, op, value) end
  return tostring(found) == value and type(found) ~= "number"
end

local function told(row, key, value)
  for _, said in ipairs(row.feedback or {}) do
    if said.key == key and (phrase(said.value, value) or phrase(said.score, value) or phrase(said.comment, value)) then return true end
  end
  return false
end

local function seconds(text) return (assert(core.seconds(text))) end

local function at_time(time, op, value)
  if op == "between" then return time >= seconds(value[1]) and time <= seconds(value[2]) end
  return comparisons[op](time, seconds(value))
end

local exact = {
  environment = "environment", prompt_template = "prompt_name", prompt_template_id = "prompt_id", prompt_version = "prompt_version",
  completion_id = "request_id", model = "model", provider = "provider", review_status = "review_status", api_key = "api_key_name", assignee = "assignee",
}

--- What is asked of the completion's own row: (row, key, op, value).
local of_completion = {
  cost = function(row, _, op, value) return numeric(row.cost_usd, op, value) end,
  latency = function(row, _, op, value) return numeric(row.latency_ms and row.latency_ms / 1000, op, value) end,
  insight_name = function(row, _, _, value) return in_list(row.insight_names, value) end,
  insight_id = function(row, _, _, value) return in_list(row.insight_ids, value) end,
  completion_output = function(row, _, _, value) return phrase(row.response_body, value) end,
  completion_inputs = function(row, key, _, value) return phrase(member(row.request_body, key), value) end,
  completion_feedback = function(row, key, _, value) return told(row, key, value) end,
  completion_evaluation_results = scored, completion_client_evaluation_results = scored,
  evaluation_notes = function(row, key, op, value)
    for _, said in ipairs(row.feedback or {}) do
      if said.key == "note" then
        if key == "content" and phrase(said.comment, value) then return true end
        if key == "author" and said.source == value then return true end
        if key == "created_at" and at_time(said.created_at, op, value) then return true end
      end
    end
    return false
  end,
}
for name, field in pairs(exact) do of_completion[name] = function(row, _, _, value) return row[field] == value end end

local of_trace = {
  agent_name = function(row, _, _, value) return row.name == value end,
  trace_input = function(row, key, _, value) return phrase(member(row.request_body, key), value) end,
  trace_output = function(row, key, _, value) return phrase(member(row.response_body, key), value) end,
  trace_feedback = function(row, key, _, value) return told(row, key, value) end,
  trace_custom_metadata = function(row, key, _, value) return phrase((row.properties or {})[key], value) end,
  trace_evaluation_results = scored, trace_client_eval_results = scored,
}
of_trace.trace_agent_name = of_trace.agent_name

local function leaf(filter, row, completion, trace)
  local name, key = filter.field:match "^([^.]*)%.(.*)$"
  name = name or filter.field
  local op, value = filter.op, filter.value
  if name == "start_time" then return at_time(row.created_at, op, value) end
  if name == "session_id" then return row.session_id == value end
  if name == "session_custom_metadata" then return phrase((world.sessions[row.session_id] or {})[key], value) end
  if name == "trace_id" then return (completion and completion.trace_id == value) or (trace and trace.request_id == value) or false end
  if of_trace[name] then return trace ~= nil and of_trace[name](trace, key, op, value) end
  return completion ~= nil and assert(of_completion[name], name)(completion, key, op, value)
end

local function holds(filter, row, completion, trace)
  if filter["not"] then return not holds(filter["not"], row, completion, trace) end
  for _, word in ipairs { "and", "or" } do
    local list = filter[word]
    if list then
      for _, part in ipairs(list) do
        if holds(part, row, completion, trace) == (word == "or") then return word == "or" end
      end
      return word == "and"
    end
  end
  return not filter.field or leaf(filter, row, completion, trace)
end

--- Whether a completion, or a trace row as one without a completion, satisfies the filter.
function world.satisfies(filter, row)
  if world.is_completion(row) then return holds(filter, row, row, world.trace_of(row)) end
  return holds(filter, row, nil, row)
end

--- The completions around which the row is the nearest trace row.
local function inside(trace)
  local found = {}
  for _, row in ipairs(world.rows) do
    if world.is_completion(row) and world.trace_of(row) == trace then found[#found + 1] = row end
  end
  return found
end

--- What the three searches find: ids, newest first.
function world.search(filter)
  local completions, traces, sessions, newest = {}, {}, {}, {}
  for i = #world.rows, 1, -1 do
    local row = world.rows[i]
    local found = world.satisfies(filter, row)
    if world.is_completion(row) then
      if found then completions[#completions + 1] = row.request_id end
    else
      local around = inside(row)
      local bare = #around == 0
      local some = bare and found
      for _, completion in ipairs(around) do some = some or world.satisfies(filter, completion) end
      if some then traces[#traces + 1] = row.request_id end
      found = bare and found
    end
    if row.session_id then newest[row.session_id] = math.min(newest[row.session_id] or math.huge, row.created_at) end
    if found and row.session_id then sessions[row.session_id] = true end
  end
  local ids = {}
  for id in pairs(sessions) do ids[#ids + 1] = id end
  table.sort(ids, function(a, b)
    if newest[a] ~= newest[b] then return newest[a] > newest[b] end
    return a < b
  end)
  return { completions = completions, traces = traces, sessions = ids }
end

return world
