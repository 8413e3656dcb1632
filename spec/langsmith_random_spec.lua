--- Random LangSmith filters over random runs, against an evaluator that reads the rules about pairs as they are written
--- down; and each of them written back. LANGSMITH_CASES: how many; LANGSMITH_SEED: which.
local core = require "sessionquery.core"
local random = require "spec.support.random"
local sq = require "sessionquery"

local CASES = tonumber(os.getenv "LANGSMITH_CASES") or 1500
local rng = random.new(tonumber(os.getenv "LANGSMITH_SEED") or 20261121)

-- ------------------------------------------------------------------------------------------------------- runs

local texts = { "a", "ab", "b", "1", "true", "T1" }
local scalars = { "a", "ab", "1", "true", "T1", 1, 2, 0.5, true, false }
local keys = { "a", "b", "thread_id", "conversation_id", "a.b" }
local words = { "alpha", "beta", "gamma" }

local function maybe(percent, value)
  if rng.chance(percent) then return value end
end

local function some_of(list, most)
  local taken = {}
  for _ = 1, rng.int(0, most) do taken[#taken + 1] = rng.pick(list) end
  return taken
end

local function some_map()
  local map = {}
  for _ = 1, rng.int(0, 3) do map[rng.pick(keys)] = rng.pick(scalars) end
  return map
end

--- A document, and its entries: names joined with dots, places in arrays left out.
local function some_document()
  local entries, items = {}, {}
  for i = 1, rng.int(1, 3) do
    local value = rng.pick(scalars)
    items[i] = { b = value }
    entries[i] = { key = "a.b", value = value }
  end
  local text = table.concat(some_of(words, 3), rng.pick { " ", "\n", "-" })
  local document = { a = items, note = text, b = rng.pick(scalars) }
  entries[#entries + 1] = { key = "note", value = text }
  entries[#entries + 1] = { key = "b", value = document.b }
  return document, entries
end

local function some_feedback()
  local list = {}
  for i = 1, rng.int(1, 2) do list[i] = { key = rng.pick(keys), score = maybe(70, rng.pick(scalars)), value = maybe(50, rng.pick(scalars)) } end
  return list
end

local function entries_of(map)
  local entries = {}
  for key, value in pairs(map) do entries[#entries + 1] = { key = key, value = value } end
  return entries
end

--- A record, and what LangSmith's fields see of it.
local function some_run(number)
  local inputs, input_entries = some_document()
  local metadata, tags, parent = some_map(), some_of(texts, 2), maybe(40, "r1")
  local record = {
    request_id = "r" .. number, created_at = rng.int(1, 5), name = maybe(80, rng.pick(texts)), session_id = maybe(60, rng.pick(texts)),
    latency_ms = maybe(70, rng.int(0, 4) * 500), error = maybe(20, rng.pick(texts)), tags = #tags > 0 and tags or nil, properties = metadata,
    parent_id = parent, request_body = inputs, feedback = maybe(70, some_feedback()),
  }
  local seen = {
    id = record.request_id, name = record.name, thread_id = record.session_id, error = record.error, start_time = record.created_at,
    latency = record.latency_ms and record.latency_ms / 1000, is_root = parent == nil,
    status = record.error and "error" or record.latency_ms and "success" or "pending",
    tags = #tags > 0 and tags or nil, body = core.encode(inputs):gsub("\\n", " "):lower(),
    metadata = entries_of(metadata), input = input_entries, feedback = record.feedback or {},
  }
  return record, seen
end

-- ---------------------------------------------------------------------------------------------------- filters

local function quoted(text) return rng.chance(80) and core.encode(text) or "'" .. text .. "'" end
local function literal(value) return type(value) == "string" and quoted(value) or core.encode(value) end

local function list_of(pool)
  local list = some_of(pool, 3)
  local shown = {}
  for i, value in ipairs(list) do shown[i] = literal(value) end
  return list, "[" .. table.concat(shown, ", ") .. "]"
end

local patterns = { "a%", "%b", "%", "_", "1%", "%u%" }
local orders = { "gt", "gte", "lt", "lte" }

--- eq, neq, …: a node and its source. `kinds`: what the values are, for their order.
local function comparison(field, pool, ordered, pattern)
  local node = { field = field, op = rng.pick { "eq", "eq", "neq", "in", ordered and rng.pick(orders) or "eq", pattern and rng.pick { "like", "notlike" } or "neq", "null" } }
  local shown
  if node.op == "null" then
    node.op, node.null, shown = rng.pick { "eq", "neq" }, true, "null"
  elseif node.op == "in" then
    node.values, shown = list_of(pool)
  elseif node.op == "like" or node.op == "notlike" then
    node.value = rng.pick(patterns)
    shown = quoted(node.value)
  else
    repeat node.value = rng.pick(pool) until type(node.value) ~= "boolean" or node.op == "eq" or node.op == "neq"
    shown = literal(node.value)
  end
  node.source = ("%s(%s, %s)"):format(node.op, rng.chance(90) and field or quoted(field), shown)
  return node
end

local simple = {
  function() return comparison("name", texts, true, true) end,
  function() return comparison("thread_id", texts, true, true) end,
  function() return comparison("error", texts, true, true) end,
  function() return comparison("id", { "r1", "r2", "r33" }, true, true) end,
  function() return comparison("status", { "success", "error", "pending" }, false, true) end,
  function() return comparison("latency", { 0, 0.5, 1, 1.5, 2, 0.25 }, true, false) end,
  function()
    local node = { field = "is_root", op = rng.pick { "eq", "neq" }, value = rng.chance(50) }
    node.source = ("%s(is_root, %s)"):format(node.op, tostring(node.value))
    return node
  end,
  function()
    local node = { field = "tags", op = "has", value = rng.pick(texts) }
    node.source = ("has(tags, %s)"):format(quoted(node.value))
    return node
  end,
  function()
    local node = { op = "search", words = some_of(words, 2) }
    node.words[#node.words + 1] = rng.pick(words)
    node.source = ("search(%s)"):format(quoted(table.concat(node.words, " ")))
    return node
  end,
  function()
    local node = { op = "has_pairs", pairs = some_map() }
    node.source = ("has(metadata, '%s')"):format(core.encode(node.pairs))
    return node
  end,
  function()
    local node = { op = "exists", key = rng.pick(keys) }
    node.source = ("exists(metadata, %s)"):format(quoted(node.key))
    return node
  end,
}

local members = { metadata = { "key", "value" }, input = { "key", "value" }, feedback = { "key", "score", "value" } }

local function of_family(family)
  local member = rng.pick(members[family])
  local node = comparison(family .. "_" .. member, member == "key" and keys or scalars, true, true)
  node.family, node.member = family, member
  return node
end

local function condition(depth)
  if depth == 0 or rng.chance(40) then return rng.chance(40) and rng.pick(simple)() or of_family(rng.pick { "metadata", "metadata", "input", "feedback" }) end
  local node = { op = rng.pick { "and", "and", "or", "not" }, kids = {} }
  local shown = {}
  for i = 1, node.op == "not" and 1 or rng.int(1, 4) do
    node.kids[i] = condition(depth - 1)
    shown[i] = node.kids[i].source
  end
  node.source = ("%s(%s)"):format(node.op, table.concat(shown, rng.pick { ",", ", ", " , " }))
  return node
end

-- --------------------------------------------------------------------------------------------- the evaluator

local function like(text, pattern)
  local lua = pattern:gsub("[%%_]", { ["%"] = "\1", ["_"] = "\2" }):gsub("\1", ".*"):gsub("\2", ".")
  return type(text) == "string" and text:find("^" .. lua .. "$") ~= nil
end

local function in_order(value, op, bound)
  if type(value) ~= type(bound) or type(value) == "boolean" then return false end
  if op == "gt" then return value > bound elseif op == "gte" then return value >= bound
  elseif op == "lt" then return value < bound else return value <= bound end
end

--- The comparison without its negation, of one value that may be absent.
local function plain(node, value)
  if value == nil then return false end
  if node.null then return true end
  if node.op == "like" or node.op == "notlike" then return like(value, node.value) end
  if node.op == "eq" or node.op == "neq" then return value == node.value end
  if node.op ~= "in" then return in_order(value, node.op, node.value) end
  for _, wanted in ipairs(node.values) do
    if value == wanted then return true end
  end
  return false
end

local function is_negative(node)
  if node.null then return node.op == "eq" end
  return node.op == "neq" or node.op == "notlike"
end

local function some_entry(run, family, holds)
  for _, entry in ipairs(run[family]) do
    if holds(entry) then return true end
  end
  return false
end

local function alone(node, run)
  local found = some_entry(run, node.family, function(entry) return plain(node, entry[node.member]) end)
  return found ~= is_negative(node)
end

local thread_keys = { session_id = true, thread_id = true, conversation_id = true }

--- A pair about a thread, which is about the session_id too: its condition on the value.
local function thread_of(together)
  if #together ~= 2 or together[1].family ~= "metadata" then return nil end
  local key, value = together[1], together[2]
  if value.member == "key" then key, value = value, key end
  if key.member ~= "key" or value.member == "key" then return nil end
  for _, node in ipairs { key, value } do
    if node.null or (node.op ~= "eq" and node.op ~= "in") then return nil end
    for _, wanted in ipairs(node.values or { node.value }) do
      if type(wanted) ~= "string" then return nil end
    end
  end
  for _, name in ipairs(key.values or { key.value }) do
    if thread_keys[name] then return value end
  end
  return nil
end

--- What the conditions of a family in one and() say together.
local function paired(conditions, run)
  local negative_key, positive_key, together = false, false, {}
  for _, node in ipairs(conditions) do
    if node.member == "key" and is_negative(node) then negative_key = true end
    if node.member == "key" and not is_negative(node) then positive_key = true end
  end
  for _, node in ipairs(conditions) do
    local joins = not is_negative(node) or positive_key
    if node.member == "key" then joins = not is_negative(node) else joins = joins and not negative_key end
    if joins then together[#together + 1] = node elseif not alone(node, run) then return false end
  end
  if #together == 0 then return true end
  local found = some_entry(run, conditions[1].family, function(entry)
    for _, node in ipairs(together) do
      if plain(node, entry[node.member]) == is_negative(node) then return false end
    end
    return true
  end)
  local thread = thread_of(together)
  return found or (thread ~= nil and plain(thread, run.thread_id))
end

local evaluate

local function all_hold(node, run)
  local families = {}
  for _, kid in ipairs(node.kids) do
    if kid.family then
      families[kid.family] = families[kid.family] or {}
      table.insert(families[kid.family], kid)
    elseif not evaluate(kid, run) then
      return false
    end
  end
  for _, conditions in pairs(families) do
    if not paired(conditions, run) then return false end
  end
  return true
end

local function has_pairs(node, run)
  for key, value in pairs(node.pairs) do
    local found = some_entry(run, "metadata", function(entry) return entry.key == key and entry.value == value end)
    if not found and not (thread_keys[key] and type(value) == "string" and run.thread_id == value) then return false end
  end
  return true
end

local special = {
  ["and"] = all_hold,
  ["or"] = function(node, run)
    for _, kid in ipairs(node.kids) do
      if evaluate(kid, run) then return true end
    end
    return false
  end,
  ["not"] = function(node, run) return not evaluate(node.kids[1], run) end,
  has = function(node, run)
    for _, tag in ipairs(run.tags or {}) do
      if tag == node.value then return true end
    end
    return false
  end,
  has_pairs = has_pairs,
  exists = function(node, run) return some_entry(run, "metadata", function(entry) return entry.key == node.key end) end,
  search = function(node, run)
    local there = {}
    for word in run.body:gmatch "%w+" do there[word] = true end
    for _, word in ipairs(node.words) do
      if not there[word] then return false end
    end
    return true
  end,
}

function evaluate(node, run)
  if special[node.op] then return special[node.op](node, run) end
  if node.family then return alone(node, run) end
  return plain(node, run[node.field]) ~= is_negative(node)
end

-- ------------------------------------------------------------------------------------------------------ the test

describe("random LangSmith filters", function()
  local db, seen = assert(sq.open ":memory:"), {}
  local records = {}
  for i = 1, 40 do records[i], seen[i] = some_run(i) end
  assert(db:add(records))

  local function found(filter)
    local ids = {}
    for row in db:requests():where(filter):select({ "request_id" }):each() do ids[#ids + 1] = row.request_id end
    table.sort(ids)
    return table.concat(ids, " ")
  end

  it("find the runs that the rules say, and are written back", function()
    local hits = 0
    for number = 1, CASES do
      local node, wanted = condition(3), {}
      for _, run in ipairs(seen) do
        if evaluate(node, run) then wanted[#wanted + 1] = run.id end
      end
      table.sort(wanted)
      if #wanted > 0 and #wanted < #seen then hits = hits + 1 end
      local what = ("case %d: %s"):format(number, node.source)
      local filter = assert(sq.filter("langsmith", node.source))
      if found(filter) ~= table.concat(wanted, " ") then assert.equal(table.concat(wanted, " "), found(filter), what) end
      local text, parts = filter:to "langsmith"
      if not text then error(what .. ": " .. core.encode(parts)) end
      local again = assert(sq.filter("langsmith", text))
      if again:dump() ~= filter:dump() then assert.equal(filter:dump(), again:dump(), what) end
    end
    assert(hits > CASES / 3, hits)
  end)
end)
