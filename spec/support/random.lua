--- Random data and random filters: small pools, so that things meet; absent values everywhere. The same seed
--- gives the same on every VM.
local sq = require "sessionquery"

local random = {}

-- --------------------------------------------------------------------------------------------- the generator

--- Minimal standard generator (Park and Miller): exact in doubles.
function random.new(seed)
  local state = seed % 2147483646 + 1
  local rng = {}
  function rng.int(low, high)
    state = state * 16807 % 2147483647
    return low + state % (high - low + 1)
  end
  function rng.chance(percent) return rng.int(1, 100) <= percent end
  function rng.pick(list) return list[rng.int(1, #list)] end
  return rng
end

-- --------------------------------------------------------------------------------------------------- values

local BASE = 1775800000 -- seconds

local texts = { "", "a", "A", "ab", "a%b", "a_b", "É", "é", "Яна", "яна", "x\\y", "null", "true", "1", "İ", "it's", 'say "hi"' }
local keys = { "env", "Os Platform", "n", "flag", "has", "a.b" }
local scalars = { "prod", "dev", "1", "true", "É", "", 1, 2, 0.5, -3, true, false }
local models = { "gpt-4o", "gpt-4", "o3", "claude", "" }
local users = { "u1", "u2", "Ü3", "" }

local function micros(rng) return (BASE + rng.int(0, 40) * 100) * 1000000 + rng.pick { 0, 0, 0, 1, 999999, 500000 } end

local function time_text(value)
  local seconds = math.floor(value / 1000000)
  return os.date("!%Y-%m-%dT%H:%M:%S", seconds) .. (".%06d"):format(value - seconds * 1000000)
end

--- A decimal with a half below the scale, or none: value is on the scale, text is what stands in source.
local function decimal(rng, integer, digits)
  local half = rng.chance(15)
  local magnitude = math.abs(integer)
  local scale = 10 ^ digits
  local text = ("%d"):format(math.floor(magnitude / scale))
  local fraction = digits > 0 and ("%0" .. digits .. "d"):format(magnitude % scale) or ""
  if half then fraction = fraction .. "5" end
  if fraction ~= "" then text = text .. "." .. fraction end
  local value = magnitude + (half and 0.5 or 0)
  if integer < 0 then return -value, "-" .. text end
  return value, text
end

local literal = {}

local function quote(text) return "'" .. text:gsub("'", "''") .. "'" end

local function text_literal(value) return { kind = "text", value = value, source = quote(value), api = value } end

function literal.text(rng, pool) return text_literal(rng.pick(pool or texts)) end

function literal.integer(rng)
  if rng.chance(3) then return { kind = "number", value = 1e30, source = "1e30", api = 1e30 } end
  if rng.chance(3) then return { kind = "number", value = -1e30, source = "-1e30", api = -1e30 } end
  local value, source = decimal(rng, rng.pick { 0, 1, 100, 200, 450, 500, 2000, -1, -2, 90 }, 0)
  return { kind = "number", value = value, source = source, api = tonumber(source) }
end

function literal.money(rng)
  local value, source = decimal(rng, rng.pick { 0, 1, 2, 1500, 4200000, 500000000, 1000000000, -5 }, 9)
  return { kind = "number", value = value, source = source, api = tonumber(source) }
end

function literal.time(rng)
  local value = micros(rng)
  local half = rng.chance(10)
  local text = time_text(value) .. (half and "5Z" or "Z")
  if half then return { kind = "number", value = value + 0.5, source = quote(text), api = text } end
  if rng.chance(50) then return { kind = "number", value = value, source = text, api = value / 1000000 } end
  return { kind = "number", value = value, source = quote(text), api = text }
end

function literal.boolean(rng)
  local value = rng.chance(50)
  return { kind = "boolean", value = value, source = tostring(value), api = value }
end

function literal.real(rng)
  local value = rng.pick { 0, 0.5, 1, 0.25, 100, 450, 333.25, 1000.001, 12345 }
  return { kind = "number", value = value, source = ("%.17g"):format(value), api = value }
end

function literal.scalar(rng)
  local value = rng.pick(scalars)
  if type(value) == "string" then return text_literal(value) end
  return { kind = type(value), value = value, source = tostring(value), api = value }
end

local patterns = { "%", "a%", "%b", "_", "a_b", "a\\%b", "a\\_b", "%\\\\%", "", "É", "é%", "%Я%", "gpt-%", "%o%", "u_" }

-- --------------------------------------------------------------------------------------------------- fields

--- What can be asked of a request: name, type, pool of texts.
local request_fields = {
  { "request_id", "text" }, { "organization_id", "text" }, { "project", "text" }, { "session_id", "text" },
  { "session_name", "text" }, { "trace_id", "text" }, { "parent_id", "text" }, { "run_type", "text" },
  { "error", "text" }, { "provider", "text" }, { "model", "text" }, { "user_id", "text" }, { "cost_source", "text" },
  { "cache_reference_id", "text" }, { "request_body", "text" }, { "response_body", "text" },
  { "created_at", "time" }, { "responded_at", "time" },
  { "latency_ms", "integer" }, { "time_to_first_token_ms", "integer" }, { "status", "integer" },
  { "prompt_tokens", "integer" }, { "completion_tokens", "integer" }, { "total_tokens", "integer" },
  { "prompt_cache_read_tokens", "integer" }, { "prompt_cache_write_tokens", "integer" },
  { "cost_usd", "money" }, { "prompt_cost_usd", "money" }, { "completion_cost_usd", "money" },
  { "threat", "boolean" }, { "cached", "boolean" }, { "streamed", "boolean" }, { "cache_enabled", "boolean" },
  { "tags", "list" }, { "assets", "list" },
  { "properties", "map" }, { "properties", "map" }, { "scores", "map" }, { "scores", "map" },
}

local session_fields = {
  { "session.id", "text" }, { "session.name", "text" },
  { "session.created_at", "time" }, { "session.latest_request_created_at", "time" },
  { "session.duration_ms", "real" }, { "session.total_requests", "count" }, { "session.total_sessions", "count" },
  { "session.total_cost_usd", "money" }, { "session.prompt_cost_usd", "money" }, { "session.completion_cost_usd", "money" },
  { "session.prompt_tokens", "integer" }, { "session.completion_tokens", "integer" }, { "session.total_tokens", "integer" },
  { "session.prompt_cache_read_tokens", "integer" }, { "session.prompt_cache_write_tokens", "integer" },
  { "session.avg_latency_ms", "real" }, { "session.latency_p50_ms", "integer" }, { "session.latency_p90_ms", "integer" },
  { "session.latency_p95_ms", "integer" }, { "session.latency_p99_ms", "integer" },
  { "session.first_token_p50_ms", "integer" }, { "session.first_token_p99_ms", "integer" },
  { "session.errors", "count" }, { "session.error_rate", "real" }, { "session.streaming_rate", "real" },
  { "session.unknown_usage", "count" },
  { "session.user_ids", "list" }, { "session.models", "list" }, { "session.request_tags", "list" },
  { "session.tags", "list", own = true }, { "session.metadata", "map", own = true },
}

function literal.count(rng)
  local value = rng.int(0, 6)
  return { kind = "number", value = value, source = tostring(value), api = value }
end

local pools = {
  request_id = { "r1", "r12", "r7" }, organization_id = { "", "org2" }, project = { "default", "p2" },
  session_id = { "s1", "s2", "S1", "é" }, session_name = { "plan", "Plan B", "" }, trace_id = { "t1", "t2" },
  parent_id = { "r1", "r2" }, run_type = { "llm", "chain", "tool", "embedding" }, model = models, user_id = users,
  cost_source = { "recorded" }, cache_reference_id = { "00000000-0000-0000-0000-000000000000", "c1" },
  ["session.id"] = { "s1", "s2", "S1", "é", "s" }, ["session.name"] = { "plan", "Plan B", "" },
}

local orders = { "eq", "ne", "gt", "gte", "lt", "lte", "between", "among", "present", "absent" }
local operators = {
  text = { "eq", "ne", "gt", "gte", "lt", "lte", "between", "among", "like", "ilike", "contains", "present", "absent", "eq", "among" },
  integer = orders, money = orders, time = orders, real = orders, count = orders,
  boolean = { "eq", "ne", "among", "present", "absent" },
  list = { "eq", "ne", "gt", "lte", "between", "among", "like", "ilike", "contains", "has", "present", "absent" },
  scalar = { "eq", "ne", "gt", "gte", "lt", "lte", "between", "among", "like", "ilike", "contains", "present", "absent" },
  map = { "has", "present", "absent" },
}

-- -------------------------------------------------------------------------------------------------- filters

local ordered_only = { gt = true, gte = true, lt = true, lte = true, between = true }
local textual = { like = true, ilike = true, contains = true, has = true }

local function literals_for(rng, kind, op, pool)
  if op == "present" or op == "absent" then return {} end
  if op == "like" or op == "ilike" then return { text_literal(rng.pick(patterns)) } end
  if textual[op] then return { literal.text(rng, pool) } end
  local make = literal[kind == "list" and "text" or kind]
  local count = op == "between" and 2 or op == "among" and (rng.chance(5) and 80 or rng.int(0, 4)) or 1
  local list = {}
  for i = 1, count do
    repeat list[i] = make(rng, pool) until not (ordered_only[op] and list[i].kind == "boolean")
    if op == "between" and i == 2 and list[2].kind ~= list[1].kind then list[2] = list[1] end
  end
  return list
end

local function comparison(rng, fields, prefix)
  local field = rng.pick(fields)
  local name, kind, key = field[1], field[2], nil
  if kind == "map" and rng.chance(90) then
    kind, key = "scalar", rng.pick(keys)
  end
  local op = rng.pick(operators[kind])
  local pool = pools[name] or (kind == "map" and keys) or nil
  return { "is", (prefix or "") .. name, key, op, literals_for(rng, kind, op, pool) }
end

local entry_fields = { { "key", "text" }, { "value", "scalar" } }
local feedback_fields = {
  { "key", "text" }, { "value", "scalar" }, { "score", "scalar" }, { "comment", "text" }, { "source", "text" },
  { "created_at", "time" }, { "id", "count" },
}

local function entry_tree(rng, fields, depth)
  if depth == 0 or rng.chance(40) then
    local is = comparison(rng, fields, "entry.")
    if is[2] == "entry.key" and is[4] ~= "present" and is[4] ~= "absent" and is[4] ~= "like" and is[4] ~= "ilike" then
      for i in ipairs(is[5]) do is[5][i] = text_literal(rng.pick(keys)) end
    end
    return is
  end
  local kind = rng.pick { "and", "or", "not" }
  if kind == "not" then return { "not", entry_tree(rng, fields, depth - 1) } end
  return { kind, entry_tree(rng, fields, depth - 1), entry_tree(rng, fields, depth - 1) }
end

--- A spine of alternating kinds, with a leaf or two at each vertebra: too steep for brackets in SQL.
local function steep(rng, leaf)
  local tree = leaf()
  for level = 1, rng.int(5, 12) do
    local whole = { level % 2 == 0 and "and" or "or", leaf() }
    if rng.chance(30) then whole[3] = leaf() end
    table.insert(whole, rng.int(2, #whole + 1), tree)
    tree = rng.chance(30) and { "not", whole } or whole
  end
  return tree
end

local function combine(rng, depth, leaf)
  if depth >= 2 and rng.chance(8) then return steep(rng, leaf) end
  if depth == 0 or rng.chance(25) then return leaf() end
  local kind = rng.pick { "and", "or", "and", "or", "not" }
  if kind == "not" then return { "not", combine(rng, depth - 1, leaf) } end
  local tree = { kind }
  for i = 2, rng.int(2, 4) do tree[i] = combine(rng, depth - 1, leaf) end
  return tree
end

--- A tree of request fields.
function random.request_tree(rng, depth, plain)
  return combine(rng, depth, function()
    if rng.chance(3) then return { rng.pick { "true", "false" } } end
    if not plain and rng.chance(8) then return { rng.pick { "root", "in_trace" }, random.request_tree(rng, 1, true) } end
    if not plain and rng.chance(10) then
      local map = rng.pick { "properties", "scores", "feedback" }
      return { "entry", map, entry_tree(rng, map == "feedback" and feedback_fields or entry_fields, 2) }
    end
    return comparison(rng, request_fields)
  end)
end

--- A tree of session fields, SOME and EVERY. `own`: with what a session alone has.
function random.session_tree(rng, depth, own)
  return combine(rng, depth, function()
    if rng.chance(25) then return { rng.pick { "some", "every" }, random.request_tree(rng, 1) } end
    while true do
      local is = comparison(rng, session_fields)
      local belongs = is[2] == "session.id" or is[2] == "session.tags" or is[2] == "session.metadata"
      if own or not belongs then return is end
    end
  end)
end

--- Both levels in one tree.
function random.mixed_tree(rng, depth, own)
  return combine(rng, depth, function()
    if rng.chance(50) then return random.request_tree(rng, 0) end
    return random.session_tree(rng, 0, own)
  end)
end

-- ------------------------------------------------------------------------------------------------ rendering

local symbols = { eq = "=", ne = "!=", gt = ">", gte = ">=", lt = "<", lte = "<=" }

local function name_source(field, key)
  if field:find "^entry%." then return (field:gsub("^entry%.", "")) end
  if key == nil then return field end
  if key:find "^[%a_][%w_]*$" then return field .. "." .. key end
  return field .. '."' .. key:gsub('"', '""') .. '"'
end

local function is_source(tree)
  local name, op, values = name_source(tree[2], tree[3]), tree[4], tree[5]
  if op == "present" or op == "absent" then return name .. " is " .. op end
  if symbols[op] then return ("%s %s %s"):format(name, symbols[op], values[1].source) end
  if op == "between" then return ("%s between %s and %s"):format(name, values[1].source, values[2].source) end
  if op ~= "among" then return ("%s %s %s"):format(name, op, values[1].source) end
  local list = {}
  for i, value in ipairs(values) do list[i] = value.source end
  return ("%s in (%s)"):format(name, table.concat(list, ", "))
end

--- The tree in the `where` language, every part in brackets.
function random.to_where(tree)
  local kind = tree[1]
  if kind == "true" or kind == "false" then return kind end
  if kind == "is" then return is_source(tree) end
  if kind == "entry" then return ("entry(%s, %s)"):format(tree[2], random.to_where(tree[3])) end
  if kind == "not" then return "not (" .. random.to_where(tree[2]) .. ")" end
  if kind ~= "and" and kind ~= "or" then return kind .. "(" .. random.to_where(tree[2]) .. ")" end
  local parts = {}
  for i = 2, #tree do parts[#parts + 1] = random.to_where(tree[i]) end
  return "(" .. table.concat(parts, " " .. kind .. " ") .. ")"
end

local function field_of(name, key)
  local field = sq.field
  local session, entry = name:match "^session%.(.*)", name:match "^entry%.(.*)"
  if session then field = field.session[session] elseif entry then field = field.entry[entry] else field = field[name] end
  if key ~= nil then return field(key) end
  return field
end

local function is_built(tree)
  local field, op, values = field_of(tree[2], tree[3]), tree[4], tree[5]
  if op == "between" then return field:between(values[1].api, values[2].api) end
  if op == "among" then
    local list = {}
    for i, value in ipairs(values) do list[i] = value.api end
    return field:among(list)
  end
  if op == "present" then return field:present() end
  if op == "absent" then return field:absent() end
  return field[op](field, values[1].api)
end

local unary = { ["not"] = sq.negate, some = sq.some_request, every = sq.every_request, root = sq.root, in_trace = sq.in_trace }

--- The tree by the builder's calls.
function random.to_filter(tree)
  local kind = tree[1]
  if kind == "true" then return sq.all {} end
  if kind == "false" then return sq.any {} end
  if kind == "is" then return is_built(tree) end
  if kind == "entry" then return sq.entry(tree[2], random.to_filter(tree[3])) end
  if unary[kind] then return unary[kind](random.to_filter(tree[2])) end
  local parts = {}
  for i = 2, #tree do parts[#parts + 1] = random.to_filter(tree[i]) end
  return (kind == "and" and sq.all or sq.any)(parts)
end

-- --------------------------------------------------------------------------------------------------- worlds

local function maybe(rng, percent, value)
  if rng.chance(percent) then return value end
end

local function map(rng, count)
  local made = {}
  for _ = 1, rng.int(0, count) do made[rng.pick(keys)] = rng.pick(scalars) end
  return made
end

local function list(rng)
  local made = {}
  for i = 1, rng.int(0, 3) do made[i] = rng.pick { "x", "y", "É", "", "a%b" } end
  return made
end

local ids = { "org2", "", "" }

--- A request as the evaluator has it.
local function row(rng, number)
  local cost = function() return maybe(rng, 70, rng.pick { 0, 1, 2, 1500, 4200000, 500000000, 1000000000, -5 }) end
  local tokens = function() return maybe(rng, 70, rng.pick { 0, 1, 100, 200, 450, 2000 }) end
  return {
    request_id = "r" .. number,
    organization_id = rng.pick(ids),
    project = rng.pick { "default", "default", "p2" },
    session_id = maybe(rng, 85, rng.pick { "s1", "s2", "s3", "S1", "é" }),
    session_name = maybe(rng, 60, rng.pick { "plan", "Plan B", "É" }),
    trace_id = maybe(rng, 60, rng.pick { "t1", "t2", "t3", "t4" }),
    parent_id = maybe(rng, 60, "r" .. rng.int(1, 9)),
    run_type = rng.pick { "llm", "llm", "llm", "embedding", "chain", "tool" },
    created_at = micros(rng),
    responded_at = maybe(rng, 50, micros(rng)),
    latency_ms = maybe(rng, 80, rng.pick { 0, 1, 100, 200, 450, 500, 2000, 90 }),
    time_to_first_token_ms = maybe(rng, 50, rng.pick { 0, 1, 90, 100 }),
    status = maybe(rng, 80, rng.pick { 200, 200, 404, 500, -1, -2, -3 }),
    error = maybe(rng, 20, rng.pick { "boom", "É", "a%b" }),
    provider = maybe(rng, 70, rng.pick(texts)),
    model = maybe(rng, 80, rng.pick(models)),
    user_id = maybe(rng, 70, rng.pick(users)),
    cache_reference_id = maybe(rng, 40, rng.pick { "00000000-0000-0000-0000-000000000000", "c1", "" }),
    threat = maybe(rng, 50, rng.chance(50)),
    streamed = maybe(rng, 60, rng.chance(50)),
    cache_enabled = maybe(rng, 50, rng.chance(50)),
    prompt_tokens = tokens(),
    completion_tokens = tokens(),
    total_tokens = maybe(rng, 30, rng.int(0, 3000)),
    prompt_cache_read_tokens = tokens(),
    prompt_cache_write_tokens = tokens(),
    cost_usd = cost(),
    prompt_cost_usd = cost(),
    completion_cost_usd = cost(),
    request_body = maybe(rng, 50, rng.pick(texts)),
    response_body = maybe(rng, 50, rng.pick(texts)),
    tags = maybe(rng, 60, list(rng)),
    assets = maybe(rng, 30, list(rng)),
    properties = maybe(rng, 80, map(rng, 4)),
    scores = maybe(rng, 50, map(rng, 3)),
  }
end

--- The same as a record to add.
local function record(made)
  local copy = {}
  for name, value in pairs(made) do copy[name] = value end
  copy.created_at = time_text(made.created_at) .. "Z"
  copy.responded_at = made.responded_at and made.responded_at / 1000000
  for _, name in ipairs { "cost_usd", "prompt_cost_usd", "completion_cost_usd" } do copy[name] = made[name] and made[name] / 1e9 end
  return copy
end

local function add_feedback(rng, db, world)
  for _ = 1, rng.int(0, 12) do
    local about = rng.pick(world.rows)
    local entry = { key = rng.pick(keys), score = maybe(rng, 70, rng.pick(scalars)), value = maybe(rng, 50, rng.pick(scalars)),
      comment = maybe(rng, 40, rng.pick(texts)), source = maybe(rng, 40, rng.pick(texts)), created_at = micros(rng) }
    local of_session = rng.chance(25) and about.session_id ~= nil
    assert(db:feedback {
      request_id = not of_session and about.request_id or nil, session_id = of_session and about.session_id or nil,
      organization = about.organization_id, project = about.project,
      key = entry.key, score = entry.score, value = entry.value, comment = entry.comment, source = entry.source,
      created_at = time_text(entry.created_at) .. "Z",
    })
    if of_session then
      local own = world.sessions[about.organization_id .. "\0" .. about.project .. "\0" .. about.session_id]
      table.insert(own.feedback, entry)
    else
      entry.row = about
    end
    table.insert(world.feedback, entry)
  end
end

local function add_session_parts(rng, db, world)
  for _, about in ipairs(world.rows) do
    local id = about.session_id and about.organization_id .. "\0" .. about.project .. "\0" .. about.session_id
    if id and not world.sessions[id] then
      local own = { feedback = {}, metadata = {} }
      world.sessions[id] = own
      local where = { organization = about.organization_id, project = about.project }
      if rng.chance(50) then
        own.tags = { "a%b", "x" }
        for _, tag in ipairs { "x", "a%b", "x" } do assert(db:tag(about.session_id, tag, where)) end
      end
      if rng.chance(50) then
        own.metadata = map(rng, 3)
        assert(db:session(about.session_id, where):set(own.metadata))
      end
    end
  end
end

--- A store of random requests and the same as the evaluator has it: { rows, feedback, sessions }.
function random.world(rng, count)
  local db = assert(sq.open ":memory:")
  local world, records = { rows = {}, feedback = {}, sessions = {} }, {}
  for i = 1, count do
    world.rows[i] = row(rng, i)
    records[i] = record(world.rows[i])
    if world.rows[i].cost_usd then world.rows[i].cost_source = "recorded" end
  end
  assert(db:add(records))
  add_session_parts(rng, db, world)
  add_feedback(rng, db, world)
  return db, world
end

return random
