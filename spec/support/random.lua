--- Random filters: of the catalogue's fields, with literals from pools or from data (see sample.lua). The same
--- seed gives the same on every VM.
local core = require "sessionquery.core"
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

random.BASE = 1775800000 -- seconds; data are of the hours after it
random.texts = { "", "a", "A", "ab", "a%b", "a_b", "É", "é", "Яна", "яна", "x\\y", "null", "true", "1", "İ", "it's", 'say "hi"' }
random.keys = { "env", "Os Platform", "n", "flag", "has", "a.b", "deep" }
random.scalars = { "prod", "dev", "1", "true", "É", "", 1, 2, 0.5, -3, true, false }

local texts, keys, scalars = random.texts, random.keys, random.scalars

function random.micros(rng) return (random.BASE + rng.int(0, 40) * 100) * 1000000 + rng.pick { 0, 0, 0, 1, 999999, 500000 } end

function random.time_text(value)
  local seconds = math.floor(value / 1000000)
  return os.date("!%Y-%m-%dT%H:%M:%S", seconds) .. (".%06d"):format(value - seconds * 1000000)
end

--- A decimal with a half below the scale, or none: value is on the scale, text is what stands in source.
local function decimal(rng, integer, digits)
  local half = rng.chance(10)
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

--- Literals of a type: of a value that the data have, or of none.
local literal = {}

local function quote(text) return "'" .. text:gsub("'", "''") .. "'" end

local function text_literal(value) return { kind = "text", value = value, source = quote(value), api = value } end

function literal.text(rng, value)
  if value and rng.chance(10) then value = rng.pick { value:upper(), value:sub(1, -2):gsub("[\192-\255][\128-\191]*$", ""), value .. "a" } end
  return text_literal(value or rng.pick(texts))
end

literal.list = literal.text

local function number_literal(rng, value, digits)
  local scaled, source = decimal(rng, value + rng.pick { 0, 0, 0, 0, 1, -1 }, digits)
  return { kind = "number", value = scaled, source = source, api = tonumber(source) }
end

function literal.integer(rng, value)
  if rng.chance(2) then return { kind = "number", value = 1e30, source = "1e30", api = 1e30 } end
  if rng.chance(2) then return { kind = "number", value = -1e30, source = "-1e30", api = -1e30 } end
  return number_literal(rng, value or rng.pick { 0, 1, 100, 200, 450, 500, 2000, -1, -2, 90 }, 0)
end

function literal.money(rng, value)
  return number_literal(rng, value or rng.pick { 0, 1, 2, 1500, 4200000, 500000000, 1000000000, -5 }, 9)
end

function literal.time(rng, value)
  value = value or random.micros(rng)
  local half = rng.chance(10)
  local text = random.time_text(value) .. (half and "5Z" or "Z")
  if half then return { kind = "number", value = value + 0.5, source = quote(text), api = text } end
  if rng.chance(50) then return { kind = "number", value = value, source = text, api = value / 1000000 } end
  return { kind = "number", value = value, source = quote(text), api = text }
end

function literal.boolean(rng, value)
  if value == nil then value = rng.chance(50) end
  return { kind = "boolean", value = value, source = tostring(value), api = value }
end

--- The shortest text that reads back as the number.
local function shortest(number)
  return core.encode(number) -- the VMs round a tie in the last digit in different ways
end

function literal.real(rng, value)
  value = value or rng.pick { 0, 0.5, 1, 0.25, 100, 450, 333.25, 1000.001, 12345 }
  return { kind = "number", value = value, source = shortest(value), api = value }
end

function literal.scalar(rng, value)
  if value == nil or type(value) == "table" then value = rng.pick(scalars) end
  if type(value) == "string" then return text_literal(value) end
  return { kind = type(value), value = value, source = type(value) == "number" and shortest(value) or tostring(value), api = value }
end

local patterns = { "%", "a%", "%b", "_", "a_b", "a\\%b", "a\\_b", "%\\\\%", "", "É", "é%", "%Я%", "gpt-%", "%o%", "u_" }

local function points_of(text)
  local points = {}
  for point in text:gmatch "[%z\1-\127\194-\244][\128-\191]*" do points[#points + 1] = point end
  return points
end

local other_case = { ["É"] = "é", ["é"] = "É", ["Я"] = "я", ["я"] = "Я" }

--- A pattern or part that some value has.
local function part_of(rng, value, op)
  local points, out = points_of(value), {}
  local from = rng.chance(40) and 1 or rng.int(1, math.max(1, #points))
  local to = rng.chance(40) and #points or math.min(#points, rng.int(from, from + 3))
  local pattern, folds = op ~= "contains" and op ~= "phrase", op ~= "like"
  for i = from, to do
    local point = points[i]
    if folds and rng.chance(30) then point = other_case[point] or (rng.chance(50) and point:upper() or point:lower()) end
    if pattern and rng.chance(10) then point = "_" elseif pattern and point:find "^[%%_\\]$" then point = "\\" .. point end
    out[#out + 1] = point
  end
  local text = table.concat(out)
  if not pattern then return text end
  return ((from > 1 or rng.chance(10)) and "%" or "") .. text .. ((to < #points or rng.chance(10)) and "%" or "")
end

-- --------------------------------------------------------------------------------------------------- fields

local operators = {}
do
  local ordered = { "eq", "ne", "gt", "gte", "lt", "lte", "between", "among", "present", "absent" }
  local textual = { "eq", "ne", "gt", "gte", "lt", "lte", "between", "among", "like", "ilike", "contains", "phrase", "present", "absent" }
  local of_list = { "has", "has" }
  for i, op in ipairs(textual) do of_list[i + 2] = op end
  operators.integer, operators.money, operators.time, operators.real = ordered, ordered, ordered, ordered
  operators.text, operators.scalar, operators.list = textual, textual, of_list
  operators.boolean = { "eq", "ne", "among", "present", "absent" }
  operators.map = { "has", "present", "absent" }
  operators.statistics = { "present", "absent" }
end

--- The catalogue's fields of a level: { name, type }; those that are asked about more often stand in it again.
local function fields_of(level, often)
  local list = {}
  for _, field in ipairs(core.fields()) do
    if field.level == level and operators[field.type] then
      for _ = 1, often[field.name] or 1 do list[#list + 1] = { field.name, field.type } end
    end
  end
  return list
end

local request_fields = fields_of("request", {
  created_at = 4, responded_at = 3, latency_ms = 5, time_to_first_token_ms = 3, status = 4, total_tokens = 4, prompt_tokens = 3,
  completion_tokens = 2, cost_usd = 4, prompt_cost_usd = 2, completion_cost_usd = 2, prompt_cache_read_tokens = 2,
  prompt_cache_write_tokens = 2, model = 4, user_id = 3, session_id = 3, error = 3, provider = 2, run_type = 3, trace_id = 2,
  request_id = 2, cached = 4, streamed = 3, threat = 2, cache_reference_id = 2, tags = 5, assets = 2, properties = 10, scores = 6, extra = 2, outcome = 4, ended_at = 4, session_metadata = 2,
  request_body = 3, response_body = 2,
})
local all_session_fields = fields_of("session", {
  ["session.total_cost_usd"] = 3, ["session.total_requests"] = 3, ["session.total_tokens"] = 2, ["session.duration_ms"] = 3,
  ["session.created_at"] = 3, ["session.latest_request_created_at"] = 3, ["session.errors"] = 2, ["session.name"] = 3,
  ["session.id"] = 2, ["session.user_ids"] = 2, ["session.models"] = 2, ["session.request_tags"] = 2,
})
local own_names = { ["session.id"] = true, ["session.tags"] = true, ["session.metadata"] = true, ["session.own_feedback_stats"] = true,
  ["session.rating"] = true }
local group_fields, text_group_fields = {}, { { "session.id", "text" }, { "session.id", "text" } }
for _, field in ipairs(all_session_fields) do
  if not own_names[field[1]] then
    group_fields[#group_fields + 1] = field
    text_group_fields[#text_group_fields + 1] = field
  end
end

-- -------------------------------------------------------------------------------------------------- filters

local ordered_only = { gt = true, gte = true, lt = true, lte = true, between = true }
local textual = { like = true, ilike = true, contains = true, phrase = true }

local function textual_literal(rng, op, value)
  if type(value) == "string" then return text_literal(part_of(rng, value, op)) end
  return text_literal(rng.pick((op == "contains" or op == "phrase") and texts or patterns))
end

local function literals_for(rng, kind, op, value_of)
  if op == "present" or op == "absent" then return {} end
  if textual[op] then return { textual_literal(rng, op, value_of()) } end
  if op == "has" then return { text_literal(value_of() or rng.pick(kind == "map" and keys or texts)) } end
  local make = literal[kind]
  local count = op == "between" and 2 or op == "among" and (rng.chance(3) and 80 or rng.int(0, 4)) or 1
  local list = {}
  for i = 1, count do
    repeat list[i] = make(rng, value_of()) until not (ordered_only[op] and list[i].kind == "boolean")
  end
  if op == "between" then
    if list[1].kind ~= list[2].kind then list[2] = list[1] end
    if rng.chance(85) and list[1].value > list[2].value then list[1], list[2] = list[2], list[1] end
  end
  return list
end

--- One comparison. `data` (or nil): what values there are, see sample.lua.
local function comparison(rng, fields, data)
  local field = rng.pick(fields)
  local name, kind, key = field[1], field[2], nil
  local function value_of()
    if data and rng.chance(92) then return data.value(rng, name, key) end
  end
  if (kind == "map" and rng.chance(85)) or (name:find "_body$" and rng.chance(50)) then
    kind, key = "scalar", rng.pick(keys)
  end
  local op = rng.pick(operators[kind])
  if (op == "present" or op == "absent") and rng.chance(30) then op = rng.pick(operators[kind]) end
  if op == "has" and kind == "map" then
    return { "is", name, nil, op, { text_literal(rng.pick(keys)) } }
  end
  return { "is", name, key, op, literals_for(rng, kind, op, value_of) }
end

local entry_fields = { { "entry.key", "text" }, { "entry.value", "scalar" } }
local feedback_fields = {
  { "entry.key", "text" }, { "entry.value", "scalar" }, { "entry.score", "scalar" }, { "entry.comment", "text" },
  { "entry.source", "text" }, { "entry.created_at", "time" }, { "entry.id", "integer" },
}

--- What an entry may be compared with: the values of its map's, or of feedback.
local function entries_in(data, map)
  return data and { value = function(rng, name) return data.entry(rng, map, (name:gsub("^entry%.", ""))) end }
end

local function entry_tree(rng, fields, depth, data)
  if depth == 0 or rng.chance(40) then return comparison(rng, fields, data) end
  local kind = rng.pick { "and", "or", "not" }
  if kind == "not" then return { "not", entry_tree(rng, fields, depth - 1, data) } end
  return { kind, entry_tree(rng, fields, depth - 1, data), entry_tree(rng, fields, depth - 1, data) }
end

local function entry_of(rng, map, data)
  return { "entry", map, entry_tree(rng, map == "feedback" and feedback_fields or entry_fields, 2, entries_in(data, map)) }
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
  if depth >= 2 and rng.chance(6) then return steep(rng, leaf) end
  if depth == 0 or rng.chance(30) then return leaf() end
  local kind = rng.pick { "and", "or", "and", "or", "not" }
  if kind == "not" then return { "not", combine(rng, depth - 1, leaf) } end
  local tree = { kind }
  for i = 2, rng.int(2, 4) do tree[i] = combine(rng, depth - 1, leaf) end
  return tree
end

--- A tree of request fields. `plain`: about one request alone.
function random.request_tree(rng, depth, plain, data)
  return combine(rng, depth, function()
    if rng.chance(2) then return { rng.pick { "true", "false" } } end
    if not plain and rng.chance(4) then return { rng.pick { "root", "in_trace", "enclosing", "enclosed" }, random.request_tree(rng, 1, true, data) } end
    if not plain and rng.chance(3) then return entry_of(rng, rng.pick { "properties", "scores", "extra", "feedback", "session_metadata", "request_body", "response_body" }, data) end
    return comparison(rng, request_fields, data)
  end)
end

--- A tree of session fields, SOME and EVERY. `own`: true with what a session alone has, "id" for groups by one text.
function random.session_tree(rng, depth, own, data)
  local fields = own == "id" and text_group_fields or own and all_session_fields or group_fields
  return combine(rng, depth, function()
    if rng.chance(25) then return { rng.pick { "some", "every" }, random.request_tree(rng, 1, nil, data) } end
    if own == true and rng.chance(2) then return entry_of(rng, "session.metadata", data) end
    return comparison(rng, fields, data)
  end)
end

--- Both levels in one tree.
function random.mixed_tree(rng, depth, own, data)
  return combine(rng, depth, function()
    if rng.chance(50) then return random.request_tree(rng, 0, nil, data) end
    return random.session_tree(rng, 0, own, data)
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

local unary = { ["not"] = sq.negate, some = sq.some_request, every = sq.every_request, root = sq.root, in_trace = sq.in_trace,
  enclosing = sq.enclosing, enclosed = sq.enclosed }

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

--- The filter by either way of making it; both must have the same IR.
function random.filter(tree)
  local source = random.to_where(tree)
  local compiled, message = sq.filter("where", source)
  if not compiled then error(source .. "\n" .. message, 0) end
  local built = random.to_filter(tree)
  if compiled:dump() ~= built:dump() then
    error(("%s\nwhere %s\nbuilt %s"):format(source, compiled:dump(), built:dump()), 0)
  end
  return compiled, source
end

--- A store in memory of random requests, and the same as the evaluator has it.
function random.world(rng, count) return require("spec.support.world").memory(rng, count) end

return random
