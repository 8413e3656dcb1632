--- Random queries over a world: how each is asked of a store, how its answer is read, and what that must be.
local core = require "sessionquery.core"
local fields = require "spec.support.naive.fields"
local naive = require "spec.support.naive"
local random = require "spec.support.random"
local rows = require "spec.support.agree.rows"
local sample = require "spec.support.sample"
local sq = require "sessionquery"
local tally = require "spec.support.agree.tally"
local ways = require "spec.support.agree.ways"

local unpack = unpack or table.unpack

local questions = {}

local all_fields = core.fields()

--- The fields that requests have.
questions.request_fields = {}
local looked_up = { project_id = true, session_metadata = true } -- which rows have where they are asked for
for _, field in ipairs(all_fields) do
  if field.level == "request" and field.type ~= "records" and not looked_up[field.name] then table.insert(questions.request_fields, field) end
end

--- A window of some part of the data, as a tree of its own; the ends as the query takes them.
local function window_of(rng, world)
  if rng.chance(70) then return end
  local ends, tree = {}, { "and" }
  for i, op in ipairs { "gte", "lt" } do
    if rng.chance(75) then
      local value = rng.pick(world.rows).created_at
      ends[i] = rng.chance(50) and value / 1000000 or random.time_text(value) .. "Z"
      tree[#tree + 1] = { "is", "created_at", nil, op, { { kind = "number", value = value } } }
    end
  end
  return tree, ends
end

local function orders_of(levels)
  local orderable = { text = true, integer = true, real = true, time = true, money = true, boolean = true }
  local list = {}
  for _, field in ipairs(all_fields) do
    local of_page = field.name == "session.rating" -- looked up for the sessions of a page only
    if field.level == levels and orderable[field.type] and not of_page then list[#list + 1] = (field.name:gsub("^session%.", "")) end
  end
  return list
end

local orders = { sessions = orders_of "session", requests = orders_of "request", groups = {} }
for i, name in ipairs(orders.sessions) do orders.groups[i] = name end
for i, name in ipairs(orders.groups) do
  if name == "id" then table.remove(orders.groups, i) end
end

local by_time = { sessions = { "latest_request_created_at", "created_at" }, requests = { "created_at" }, groups = { "latest_request_created_at" } }

--- The order of a case, as the evaluator has it and as the query takes it. By time more often, since that may end
--- early.
local function order_of(rng, kind, more)
  if rng.chance(25) then return nil end
  local names = rng.chance(20) and by_time[kind] or more and rng.chance(30) and more or orders[kind]
  local name, descending = rng.pick(names), rng.chance(50)
  return { name, descending }, (descending and "-" or "") .. name
end

local group_texts, is_text = {}, {}
for _, field in ipairs(questions.request_fields) do
  is_text[field.name] = field.type == "text"
  if (field.type == "text" or field.type == "boolean") and not field.name:find "_body$" then group_texts[#group_texts + 1] = field.name end
end

local function key_of(rng, world)
  local kind = rng.int(1, 10)
  if kind <= 3 then
    local unit, offset = rng.pick { "hour", "day", "week", "month" }, rng.pick { 0, 60, -330, 1440 }
    return sq[unit] { offset_minutes = offset }, { name = unit, get = function(row) return naive.bucket(row.created_at, unit, offset) end }
  end
  if kind <= 5 then
    local key = rng.pick { "env", "n", "flag", "a.b", "Os Platform", "nobody's" }
    return "properties." .. key, { name = "properties." .. key, get = function(row) return row.properties and row.properties[key] end }
  end
  local name = kind <= 8 and rng.pick { "model", "user_id", "streamed", "cached", "project", "session_id", "provider", "run_type" } or rng.pick(group_texts)
  return name, { name = name, get = function(row) return (fields.value(row, name, world)) end }
end

local function keys_of(rng, world)
  local names, keys, seen = {}, {}, {}
  for _ = 1, rng.int(1, 3) do
    local name, key = key_of(rng, world)
    if not seen[key.name] then
      seen[key.name] = true
      names[#names + 1], keys[#keys + 1] = name, key
    end
  end
  return names, keys
end

local everything = { "true" }

--- Whether the filter takes neither nothing nor everything: some rows or groups are there, and some are not.
local function selects(wanted, whole)
  if #wanted == 0 then return false end
  if #wanted < #whole then return true end
  for i, row in ipairs(wanted) do
    if row.total_requests ~= whole[i].total_requests then return true end
  end
  return false
end

--- A tree of a random kind, mostly one that selects; and whether it does. `ask` answers a tree, `whole` is its
--- answer to everything.
local function tree_of(rng, makers, ask, whole)
  local tree, does
  for _ = 1, rng.chance(80) and 4 or 1 do
    tree = rng.pick(makers)()
    does = selects(ask(tree), whole)
    if does then break end
  end
  return tree, does
end

local function depth(rng) return rng.pick { 0, 1, 1, 2, 2, 3 } end

--- What requests() gives of a row.
local function request_row(row, world, scope, bodies)
  local given = {}
  for _, field in ipairs(questions.request_fields) do
    local value = fields.value(row, field.name, world)
    if value == nil and (field.type == "list" or field.type == "map") then value = {} end
    if bodies or not field.name:find "_body$" then given[field.name] = value end
  end
  if scope.organization then given.organization_id = nil end
  if scope.project then given.project = nil end
  return given
end

local kinds = {}

function kinds.sessions(rng, world, scope)
  local name = (scope.organization or "\1") .. "\0" .. (scope.project or "\1")
  world.samples = world.samples or sample.new()
  local whole = world.samples.sessions[name] or naive.groups(world, scope, everything)
  world.samples.sessions[name] = whole
  local data = sample.of(world, whole)
  local function make(maker) return function() return maker(rng, depth(rng), true, data) end end
  local function request() return random.request_tree(rng, depth(rng), nil, data) end
  local makers = { request, make(random.session_tree), make(random.session_tree), make(random.mixed_tree), make(random.mixed_tree) }
  local tree, does = tree_of(rng, makers, function(t) return naive.groups(world, scope, t, nil, nil, true) end, whole)
  return { tree = tree, selects = does, begin = function(db) return db:sessions() end,
    ask = function(t, by) return naive.groups(world, scope, t, nil, by) end }
end

function kinds.requests(rng, world, scope)
  local bodies = rng.chance(15)
  local whole = naive.requests(world, scope, everything)
  local data = sample.of(world, {})
  local tree, does = tree_of(rng, { function() return random.request_tree(rng, depth(rng), nil, data) end },
    function(t) return naive.requests(world, scope, t) end, whole)
  return { tree = tree, selects = does, begin = function(db) return db:requests { bodies = bodies } end, ask = function(t, by)
    local list = naive.requests(world, scope, t, by)
    for i, row in ipairs(list) do list[i] = request_row(row, world, scope, bodies) end
    return list
  end }
end

function kinds.groups(rng, world, scope)
  local names, keys = keys_of(rng, world)
  tally.tick("groups", #keys .. " keys")
  for _, key in ipairs(keys) do tally.tick("groups", key.name) end
  local whole = naive.groups(world, scope, everything, keys)
  local data = sample.of(world, whole)
  local by_text = #keys == 1 and is_text[keys[1].name] and "id"
  local function make(maker) return function() return maker(rng, depth(rng), by_text, data) end end
  local function request() return random.request_tree(rng, depth(rng), nil, data) end
  local tree, does = tree_of(rng, { request, make(random.session_tree), make(random.mixed_tree) },
    function(t) return naive.groups(world, scope, t, keys, nil, true) end, whole)
  local more, all = { keys[1].name, keys[#keys].name, #keys == 1 and "id" or nil }, {}
  for i, key in ipairs(keys) do all[i] = key.name end
  return { tree = tree, selects = does, more = more, keys = table.concat(all, " "), begin = function(db) return db:group_by(unpack(names)) end,
    ask = function(t, by) return naive.groups(world, scope, t, keys, by) end,
    id_of = #keys == 1 and rows.times[keys[1].name] and keys[1].name or nil }
end

--- A query, how it is read, and what must come of it.
function questions.make(rng, world)
  local kind = rng.pick { "sessions", "requests", "groups" }
  local scope = rng.chance(60) and {} or { organization = rng.pick(world.recipe.organizations),
    project = rng.chance(50) and rng.pick(world.recipe.projects) or nil }
  local made = kinds[kind](rng, world, scope)
  local filter, source = random.filter(made.tree)
  local by, order = order_of(rng, kind, made.more)
  local window, ends = window_of(rng, world)
  local wanted = made.ask(window and { "and", made.tree, window } or made.tree, by)
  local way, read, expected, limited = ways.pick(rng, kind, wanted)
  local case = { kind = kind, source = source, scope = scope, order = order, limited = limited, crowded = world.recipe.crowded,
    read = read, rows = expected, count = #wanted, id_of = made.id_of, keys = made.keys or "" }
  tally.asked = tally.asked + 1
  if made.selects then tally.selective = tally.selective + 1 end
  tally.tick("kinds", kind)
  tally.tick("ways", way)
  tally.tree(made.tree)
  function case.query(db)
    local query = made.begin(db):where(filter)
    if window then query = query:window(ends[1], ends[2]) end
    return order and query:order_by(order) or query
  end
  case.what = ("%s of %s, %s: %s\n  window %s, order %s"):format(kind, rows.show(scope), way, source, rows.show(ends), tostring(order))
  return case
end

return questions
