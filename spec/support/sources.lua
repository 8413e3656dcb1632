--- Random source texts of each dialect.
local core = require "sessionquery.core"
local contract = require "spec.support.helicone_contract"
local random = require "spec.support.random"

local sources = {}

local texts = { "a", "gpt-4o", "o3", "u1", "boom", "prod", "É", "é", "it's", 'say "hi"', "x\\y", "a%b", "a_b", "1", "0.5", "true", "null",
  "__empty__", "", "\240\159\152\128", "line\nbreak" }
local patterns = { "%", "a%", "%b", "gpt-%", "_", "a\\%b", "%\\\\%", "", "É%" }

--- The members of a table, in an order that every VM has.
local function sorted(map)
  local list = {}
  for key in pairs(map) do list[#list + 1] = key end
  table.sort(list)
  return list
end

-- ----------------------------------------------------------------------------------------------------- where

function sources.where(rng, data)
  local kind = rng.int(1, 10)
  local depth = rng.pick { 0, 1, 1, 2, 2, 3 }
  if kind <= 7 then return random.to_where(random.request_tree(rng, depth, false, data)) end
  if kind <= 8 then return random.to_where(random.session_tree(rng, depth, true, data)) end
  return random.to_where(random.mixed_tree(rng, depth, true, data))
end

-- -------------------------------------------------------------------------------------------------- helicone

local numbers = { "0", "1", "2", "5", "100", "200", "450", "500", "-1", "-2", "2.5", "0.001", "0.000000001", "1500", "1e30", "-1e30", "1e2" }

local helicone_value = {}
function helicone_value.number(rng) return rng.pick(numbers) end
function helicone_value.time(rng) return core.encode(random.time_text(random.micros(rng)) .. "Z") end
function helicone_value.boolean(rng) return rng.pick { "true", "false" } end
function helicone_value.text(rng, operator) return core.encode(rng.pick(operator:find "like" and patterns or texts)) end

local function kind_of(column, operators)
  if #operators == 1 and operators[1] == "equals" and column ~= "property_key" then return "boolean" end
  if column:find "created_at$" then return "time" end
  for _, operator in ipairs(operators) do
    if operator == "gt" then return "number" end
  end
  return "text"
end

--- {operator: value}, mostly of one operator.
local function helicone_column(rng, column, operators)
  local list, used = {}, {}
  for _ = 1, rng.chance(80) and 1 or 2 do
    local operator = rng.pick(operators)
    if not used[operator] then
      used[operator] = true
      list[#list + 1] = ("%q:%s"):format(operator, helicone_value[kind_of(column, operators)](rng, operator))
    end
  end
  return "{" .. table.concat(list, ",") .. "}"
end

local tables = sorted(contract.columns)

--- What the other vendors have, too, and requests differ in.
local common = {
  { "model", "equals", function(rng) return core.encode(rng.pick { "gpt-4o", "o3", "a", "" }) end },
  { "latency", "gt", function(rng) return rng.pick { "0", "500", "1000" } end },
  { "cost", "lte", function(rng) return rng.pick { "0.5", "0.0000015", "1" } end },
  { "request_created_at", "gte", helicone_value.time },
}

local function helicone_leaf(rng)
  if rng.chance(15) then
    local it = rng.pick(common)
    return ('{"request_response_rmt":{"%s":{"%s":%s}}}'):format(it[1], it[2], it[3](rng))
  end
  if rng.chance(25) then
    local member = rng.pick(contract.members)
    local key = rng.pick { "env", "Os Platform", "n", "flag", "Helicone-Session-Id", "Helicone-Session-Name", 'a"b' }
    local inner = ("{%s:%s}"):format(core.encode(key), helicone_column(rng, "text", contract.member_operators))
    for i = #member, 1, -1 do inner = ('{"%s":%s}'):format(member[i], inner) end
    return inner
  end
  local name = rng.chance(60) and "request_response_rmt" or rng.pick(tables)
  local columns, list = sorted(contract.columns[name]), {}
  local first = rng.int(1, #columns)
  for i = first, math.min(#columns, first + (rng.chance(80) and 0 or 1)) do
    list[#list + 1] = ('"%s":%s'):format(columns[i], helicone_column(rng, columns[i], contract.columns[name][columns[i]]))
  end
  return ('{"%s":{%s}}'):format(name, table.concat(list, ","))
end

local function helicone_node(rng, depth)
  if depth == 0 or rng.chance(30) then return helicone_leaf(rng) end
  return ('{"left":%s,"operator":"%s","right":%s}'):format(helicone_node(rng, depth - 1), rng.pick { "and", "or" },
    helicone_node(rng, depth - 1))
end

function sources.helicone(rng)
  if rng.chance(1) then return rng.pick { '"all"', "{}" } end
  return helicone_node(rng, rng.pick { 0, 0, 1, 1, 2, 3 })
end

-- ------------------------------------------------------------------------------------------------- langsmith

local words = { "a", "ab", "É", "common", "plan", "prod", "say hi", "it's", "1", "true", "gpt-4o", "two  words" }
local phrases = { "?", "", "a", "common words", "it's", "1", "say hi", "prod", "gpt-4o" }

local langsmith_value = {}
function langsmith_value.text(rng)
  local text = core.encode(rng.pick(texts))
  return rng.chance(20) and "'" .. text:sub(2, -2):gsub('\\"', '"'):gsub("'", "\\'") .. "'" or text
end
function langsmith_value.status(rng) return rng.pick { '"success"', '"error"', '"pending"' } end
function langsmith_value.number(rng) return rng.pick(numbers) end
function langsmith_value.seconds(rng) return rng.pick { "0", "1", "0.5", "2", "1e2", "0.0005", '"2s"', '"1.5s"', '"500ms"', '"1ms"' } end
function langsmith_value.time(rng) return rng.chance(20) and '"2026-04-10"' or helicone_value.time(rng) end
function langsmith_value.any(rng)
  local value = rng.pick(random.scalars)
  return core.encode(value)
end
langsmith_value.list = langsmith_value.text

local langsmith_fields = {
  { "id", "text" }, { "name", "text" }, { "run_type", "text" }, { "trace_id", "text" }, { "parent_run_id", "text" }, { "session_id", "text" },
  { "thread_id", "text" }, { "model", "text" }, { "error", "text" }, { "inputs", "text" }, { "outputs", "text" }, { "status", "status" },
  { "total_tokens", "number" }, { "prompt_tokens", "number" }, { "completion_tokens", "number" }, { "total_cost", "number" },
  { "execution_order", "number" }, { "latency", "seconds" }, { "latency", "seconds" }, { "start_time", "time" }, { "start_time", "time" },
  { "end_time", "time" }, { "tags", "list" }, { "tags", "list" },
}
local langsmith_families = {
  { { "metadata_key", "key" }, { "metadata_value", "any" } }, { { "input_key", "key" }, { "input_value", "any" } },
  { { "output_key", "key" }, { "output_value", "any" } }, { { "feedback_key", "key" }, { "feedback_score", "any" }, { "feedback_value", "any" } },
}

function langsmith_value.key(rng) return core.encode(rng.chance(10) and rng.pick { "session_id", "thread_id" } or rng.pick(random.keys)) end

local function langsmith_compare(rng, name, kind)
  if rng.chance(10) and name ~= "tags" then return ("%s(%s, null)"):format(rng.pick { "eq", "neq" }, name) end
  if kind ~= "number" and kind ~= "seconds" and kind ~= "time" and rng.chance(20) then
    local negative = name ~= "tags" and rng.chance(30)
    return ("%s(%s, %s)"):format(negative and "notlike" or "like", name, core.encode(rng.pick(patterns)))
  end
  if rng.chance(15) then
    local list = {}
    for i = 1, rng.int(0, 3) do list[i] = langsmith_value[kind](rng) end
    return ("in(%s, [%s])"):format(name, table.concat(list, ", "))
  end
  local ops = kind == "list" and { "eq" } or kind == "any" and { "eq", "eq", "neq" } or { "eq", "eq", "neq", "gt", "gte", "lt", "lte" }
  local value = langsmith_value[kind](rng)
  if kind == "any" and value:find "^[%d-]" and rng.chance(50) then ops = { "gt", "gte", "lt", "lte" } end
  return ("%s(%s, %s)"):format(rng.pick(ops), rng.chance(10) and '"' .. name .. '"' or name, value)
end

local function langsmith_leaf(rng)
  local kind = rng.int(1, 20)
  if kind <= 10 then
    local field = rng.pick(langsmith_fields)
    return langsmith_compare(rng, field[1], field[2])
  end
  if kind <= 15 then
    local family, list = rng.pick { 1, 1, 1, 2, 3, 4, 4 }, {}
    for i = 1, rng.int(1, 3) do
      local field = rng.pick(langsmith_families[family])
      list[i] = langsmith_compare(rng, field[1], field[2])
    end
    return #list == 1 and rng.chance(50) and list[1] or "and(" .. table.concat(list, ", ") .. ")"
  end
  if kind == 16 then return ("eq(is_root, %s)"):format(rng.pick { "true", "false" }) end
  if kind == 17 then return ("has(tags, %s)"):format(core.encode(rng.pick(texts))) end
  if kind == 18 then return ("has(metadata, '{%s: %s}')"):format(core.encode(rng.pick(random.keys)), core.encode(rng.pick { "prod", "1", 1, true })) end
  if kind == 19 then return ("exists(metadata, %s)"):format(langsmith_value.key(rng)) end
  return rng.chance(50) and ("search(%s)"):format(core.encode(rng.pick(words))) or
    ("search(%s, %s)"):format(rng.pick { "inputs", "outputs", "name", "tags", "error" }, core.encode(rng.pick(words)))
end

local function langsmith_node(rng, depth)
  if depth == 0 or rng.chance(25) then return langsmith_leaf(rng) end
  local kind, list = rng.pick { "and", "or", "and", "or", "not" }, {}
  for i = 1, kind == "not" and 1 or rng.int(1, 3) do list[i] = langsmith_node(rng, depth - 1) end
  return ("%s(%s)"):format(kind, table.concat(list, rng.pick { ",", ", " }))
end

function sources.langsmith(rng) return langsmith_node(rng, rng.pick { 0, 1, 1, 2, 3 }) end

-- -------------------------------------------------------------------------------------------------- freeplay

local freeplay_fields = {
  { "cost", "number" }, { "latency", "number" }, { "start_time", "time" }, { "environment", "text" }, { "prompt_template", "text" },
  { "prompt_template_id", "text" }, { "prompt_version", "text" }, { "completion_id", "text" }, { "trace_id", "text" }, { "session_id", "text" },
  { "model", "text" }, { "model", "text" }, { "provider", "text" }, { "review_status", "text" }, { "agent_name", "text" }, { "trace_agent_name", "text" },
  { "api_key", "text" }, { "assignee", "text" }, { "insight_name", "text" }, { "insight_id", "text" }, { "completion_output", "words" },
  { "completion_inputs", "words", true }, { "trace_input", "words", true }, { "trace_output", "words", true }, { "completion_feedback", "words", true },
  { "trace_feedback", "words", true }, { "session_custom_metadata", "words", true }, { "trace_custom_metadata", "words", true },
  { "completion_evaluation_results", "score", true }, { "completion_client_evaluation_results", "score", true },
  { "trace_evaluation_results", "score", true }, { "trace_client_eval_results", "score", true }, { "completion_evaluation_results", "words", true },
  { "evaluation_notes.content", "words" }, { "evaluation_notes.author", "text" }, { "evaluation_notes.created_at", "note time" },
}

local function freeplay_time(rng) return core.encode((random.time_text(random.micros(rng)):gsub("T", " "))) end

local freeplay_value = {
  number = function(rng) return rng.pick(numbers) end,
  score = function(rng) return rng.pick { "1", "2", "0.5", "-3", '"1"', '"0.5"', "1e2" } end,
  time = freeplay_time,
  ["note time"] = freeplay_time,
  text = function(rng) return core.encode(rng.pick(texts)) end,
  words = function(rng) return core.encode(rng.pick(phrases)) end,
}

local function freeplay_leaf(rng)
  local field = rng.pick(freeplay_fields)
  local name, kind, keyed = field[1], field[2], field[3]
  local ops = { "eq", "gt", "gte", "lt", "lte", "between" }
  if kind == "text" then ops = { "eq" } elseif kind == "words" then ops = { "contains" } elseif kind == "note time" then ops = { "gt", "gte", "lt", "lte" } end
  local op, value = rng.pick(ops), freeplay_value[kind](rng)
  if op == "between" then value = ("[%s,%s]"):format(value, freeplay_value[kind](rng)) end
  if kind == "score" and op == "eq" and rng.chance(40) then value = core.encode(rng.pick { "prod", "true", "false", "dev", "É", "" }) end
  return ('{"field":%s,"op":"%s","value":%s}'):format(core.encode(keyed and name .. "." .. rng.pick(random.keys) or name), op, value)
end

local function freeplay_node(rng, depth)
  if rng.chance(2) then return "{}" end
  if depth == 0 or rng.chance(30) then return freeplay_leaf(rng) end
  if rng.chance(20) then return ('{"not":%s}'):format(freeplay_node(rng, depth - 1)) end
  local list = {}
  for i = 1, rng.int(rng.chance(3) and 0 or 1, 3) do list[i] = freeplay_node(rng, depth - 1) end
  return ('{"%s":[%s]}'):format(rng.pick { "and", "or" }, table.concat(list, ","))
end

function sources.freeplay(rng)
  local filter = freeplay_node(rng, rng.pick { 0, 1, 1, 2, 3 })
  return rng.chance(30) and ('{"filters":%s}'):format(filter) or filter
end

--- Requests that random ones are not: traces with completions in them, documents as bodies, notes.
function sources.furnish(rng, db)
  local records = {}
  for trace = 1, 8 do
    local root = "trace " .. trace
    for i = 1, rng.int(1, 5) do
      local first = i == 1
      local id = first and root or ("%s/%d"):format(root, i)
      local function maybe(value) if rng.chance(60) then return value end end
      records[#records + 1] = {
        request_id = id, trace_id = root, parent_id = not first and rng.pick { root, ("%s/%d"):format(root, 2) } or nil,
        run_type = first and rng.pick { "chain", "tool" } or rng.pick { "llm", "llm", "chain", "embedding" }, session_id = "s" .. rng.int(1, 4),
        name = maybe(rng.pick(texts)), created_at = random.micros(rng) / 1e6, latency_ms = maybe(rng.pick { 0, 1, 500, 1000, 1500, 2000 }),
        model = maybe(rng.pick(texts)), environment = maybe(rng.pick(texts)), status = maybe(rng.pick { 200, 500, -2 }), error = maybe(rng.pick { "", "boom" }),
        execution_order = maybe(rng.int(0, 5)), insight_names = { maybe(rng.pick(texts)) }, cost_usd = maybe(rng.pick { 0, 1, 0.001 }),
        request_body = maybe(core.encode { [rng.pick(random.keys)] = rng.pick(random.scalars), [rng.pick(random.keys)] = { rng.pick(words), { env = rng.pick(words) } } }),
        response_body = maybe(rng.pick { core.encode { [rng.pick(random.keys)] = rng.pick(words) }, rng.pick(words), "common words" }),
        properties = { [rng.pick(random.keys)] = rng.pick(random.scalars), [rng.pick { "thread_id", "env" }] = rng.pick(texts) },
        scores = { [rng.pick(random.keys)] = rng.pick(random.scalars) },
        feedback = { { key = rng.pick { "note", "env", "helicone-score-feedback" }, score = maybe(rng.pick(random.scalars)), comment = maybe(rng.pick(words)),
          source = maybe(rng.pick(texts)), created_at = random.micros(rng) / 1e6 } },
      }
    end
  end
  assert(db:add(records))
end

--- The dialects that there are sources of.
sources.dialects = { "where", "helicone", "langsmith", "freeplay" }

return sources
