--- The column engine and the SQL engine against the naive evaluator, on random queries over random stores in every
--- state that a store can be in; and the laws of truth.
---
--- AGREE_CASES: how many queries (each is asked of every engine); AGREE_SEED: which ones; AGREE_WORLD: of this
--- world alone.
local core = require "sessionquery.core"
local engines = require "spec.support.engines"
local naive = require "spec.support.naive"
local random = require "spec.support.random"
local sample = require "spec.support.sample"
local sq = require "sessionquery"
local vm = require "spec.support.vm"
local worlds = require "spec.support.world"

local CASES = tonumber(os.getenv "AGREE_CASES") or 5000
local SEED = tonumber(os.getenv "AGREE_SEED") or 20261120
local ONLY = tonumber(os.getenv "AGREE_WORLD")
local IN_A_STATE = 24 -- cases of a world in one state
local STATES = 7 -- of a world, about
local MOST_FAILURES = 5

local unpack = unpack or table.unpack

-- ------------------------------------------------------------------------------------------------- counting

local counts = { fields = {}, operators = {}, states = {}, engines = {}, refusals = {}, kinds = {}, ways = {}, groups = {}, absent = {} }
local selective, asked = 0, 0

local function tick(what, name, by) counts[what][name] = (counts[what][name] or 0) + (by or 1) end

local function tick_tree(tree)
  local kind = tree[1]
  if kind == "is" then
    tick("fields", tree[2])
    tick("operators", tree[4])
    return
  end
  tick("operators", kind)
  if kind == "entry" then tick("fields", tree[2] .. " entries") end
  for i = 2, #tree do
    if type(tree[i]) == "table" then tick_tree(tree[i]) end
  end
end

local all_fields, requests_have = core.fields(), {}
local looked_up = { project_id = true, session_metadata = true } -- which rows have where they are asked for
for _, field in ipairs(all_fields) do
  if field.level == "request" and field.type ~= "records" and not looked_up[field.name] then requests_have[#requests_have + 1] = field end
end

local function tick_absent(world)
  for _, field in ipairs(requests_have) do
    local absent = 0
    for _, row in ipairs(world.rows) do
      local value = naive.value(row, field.name, world)
      if value == nil or (type(value) == "table" and next(value) == nil) then absent = absent + 1 end
    end
    tick("absent", field.name, absent)
    tick("absent", "rows")
  end
  tick("absent", "rows", #world.rows - #requests_have)
end

local function show_counts(what)
  local list = {}
  for name, count in pairs(counts[what]) do list[#list + 1] = { name, count } end
  table.sort(list, function(x, y) return x[2] > y[2] or (x[2] == y[2] and x[1] < y[1]) end)
  for i, one in ipairs(list) do list[i] = one[1] .. " " .. one[2] end
  io.write("# ", what, ": ", table.concat(list, ", "), "\n")
end

-- ------------------------------------------------------------------------------------------ comparing rows

local money = {
  total_cost_usd = true, prompt_cost_usd = true, completion_cost_usd = true, cost_usd = true,
}
local times = {
  created_at = true, latest_request_created_at = true, responded_at = true, ended_at = true, hour = true, day = true, week = true, month = true,
}

--- The library's value on the evaluator's scale.
local function rescale(name, value)
  if type(value) ~= "number" then return value end
  if money[name] then return math.floor(value * 1e9 + 0.5) end
  if times[name] then
    local seconds = math.floor(value)
    return seconds * 1000000 + math.floor((value - seconds) * 1e6 + 0.5)
  end
  return value
end

local function same(a, b)
  if a == b then return true end
  if type(a) ~= "table" or type(b) ~= "table" then return false end
  for key, value in pairs(a) do
    if not same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

local function show(value)
  if type(value) == "number" then return ("%.17g"):format(value) end
  if type(value) ~= "table" then return type(value) == "string" and ("%q"):format(value) or tostring(value) end
  local parts = {}
  for key, member in pairs(value) do parts[#parts + 1] = tostring(key) .. "=" .. show(member) end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

local function difference(got, wanted)
  for name, value in pairs(wanted) do
    local found = rescale(name, got[name])
    if not same(found, value) then return ("%s: got %s, wanted %s"):format(name, show(found), show(value)) end
  end
  for name in pairs(got) do
    if wanted[name] == nil then return name .. ": not expected" end
  end
end

local function place_of(row)
  return ("%s/%s/%s"):format(show(row.organization_id), show(row.project), show(row.request_id or row.id))
end

local function compare_rows(got, wanted)
  for i = 1, math.max(#got, #wanted) do
    if not got[i] or not wanted[i] then
      error(("rows: got %d, wanted %d; the first too many or too few: %s"):format(#got, #wanted, place_of(got[i] or wanted[i])), 0)
    end
    local wrong = difference(got[i], wanted[i])
    if wrong then error(("row %d, got %s, wanted %s: %s"):format(i, place_of(got[i]), place_of(wanted[i]), wrong), 0) end
  end
end

-- ------------------------------------------------------------------------------------------------- one case

--- The filter by either way of making it; both must have the same IR.
local function filter_of(tree)
  local source = random.to_where(tree)
  local compiled, message = sq.filter("where", source)
  if not compiled then error(source .. "\n" .. message, 0) end
  local built = random.to_filter(tree)
  if compiled:dump() ~= built:dump() then
    error(("%s\nwhere %s\nbuilt %s"):format(source, compiled:dump(), built:dump()), 0)
  end
  return compiled, source
end

local function all_of(query) return assert(query:all()) end

local function slice(list, from, to)
  local part = {}
  for i = from, math.min(to, #list) do part[#part + 1] = list[i] end
  return part
end

--- Ways to read a query: each gives a function from query to rows, and what these must be; `limited` is whether
--- all its queries have a limit.
local ways = {}

function ways.all(_, wanted) return all_of, wanted, false end

function ways.each(_, wanted)
  return function(query)
    local rows = {}
    for row in query:each() do rows[#rows + 1] = row end
    return rows
  end, wanted, true
end

function ways.first(_, wanted)
  return function(query)
    local row, message = query:first()
    if message then error(message, 0) end
    return { row }
  end, slice(wanted, 1, 1), true
end

function ways.limit(rng, wanted)
  local limit = rng.pick { 0, 1, rng.int(1, 10), rng.int(1, math.max(1, #wanted)), #wanted + 1 }
  return function(query) return all_of(query:limit(limit)) end, slice(wanted, 1, limit), true
end

function ways.offset(rng, wanted)
  local limit, offset = rng.int(1, 10), rng.int(0, #wanted + 1)
  return function(query) return all_of(query:limit(limit):offset(offset)) end, slice(wanted, offset + 1, offset + limit), true
end

ways["offset alone"] = function(rng, wanted)
  local offset = rng.int(0, #wanted + 1)
  return function(query) return all_of(query:offset(offset)) end, slice(wanted, offset + 1, #wanted), false
end

--- Pages, by cursor or by offset, make the whole.
function ways.pages(rng, wanted)
  local size, by_cursor = math.max(rng.int(1, 5), math.ceil(#wanted / 5)), rng.chance(60)
  return function(query)
    local rows, begun = {}, query:limit(size)
    while true do
      local page = assert(begun:page())
      for _, row in ipairs(page) do rows[#rows + 1] = row end
      if not page.next then return rows end
      begun = by_cursor and begun:after(page.next) or begun:offset(#rows)
    end
  end, wanted, true
end

ways["after a cursor"] = function(rng, wanted)
  local size, next_size = rng.int(1, math.max(1, #wanted)), rng.chance(50) and rng.int(1, 20) or nil
  return function(query)
    local page = assert(query:limit(size):page())
    if not page.next then return {} end
    if next_size then return all_of(query:limit(next_size):after(page.next)) end
    return all_of(query:after(page.next))
  end, slice(wanted, size + 1, size + (next_size or #wanted)), next_size ~= nil
end

local ways_of = {
  sessions = { "all", "all", "each", "first", "limit", "limit", "offset", "offset alone", "pages", "after a cursor" },
  requests = { "all", "each", "first", "limit", "limit", "limit", "offset", "offset", "offset alone", "pages", "pages", "after a cursor" },
}
ways_of.groups = ways_of.sessions

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
for _, field in ipairs(requests_have) do
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
  return name, { name = name, get = function(row) return (naive.value(row, name, world)) end }
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
  for _, field in ipairs(requests_have) do
    local value = naive.value(row, field.name, world)
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
    local rows = naive.requests(world, scope, t, by)
    for i, row in ipairs(rows) do rows[i] = request_row(row, world, scope, bodies) end
    return rows
  end }
end

function kinds.groups(rng, world, scope)
  local names, keys = keys_of(rng, world)
  tick("groups", #keys .. " keys")
  for _, key in ipairs(keys) do tick("groups", key.name) end
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
    id_of = #keys == 1 and times[keys[1].name] and keys[1].name or nil }
end

--- A query, how it is read, and what must come of it.
local function make_case(rng, world)
  local kind = rng.pick { "sessions", "requests", "groups" }
  local scope = rng.chance(60) and {} or { organization = rng.pick(world.recipe.organizations),
    project = rng.chance(50) and rng.pick(world.recipe.projects) or nil }
  local made = kinds[kind](rng, world, scope)
  local filter, source = filter_of(made.tree)
  local by, order = order_of(rng, kind, made.more)
  local window, ends = window_of(rng, world)
  local wanted = made.ask(window and { "and", made.tree, window } or made.tree, by)
  local way = rng.pick(ways_of[kind])
  local read, rows, limited = ways[way](rng, wanted)
  local case = { kind = kind, source = source, scope = scope, order = order, limited = limited, crowded = world.recipe.crowded,
    read = read, rows = rows, count = #wanted, id_of = made.id_of, keys = made.keys or "" }
  asked = asked + 1
  if made.selects then selective = selective + 1 end
  tick("kinds", kind)
  tick("ways", way)
  tick_tree(made.tree)
  function case.query(db)
    local query = made.begin(db):where(filter)
    if window then query = query:window(ends[1], ends[2]) end
    return order and query:order_by(order) or query
  end
  case.what = ("%s of %s, %s: %s\n  window %s, order %s"):format(kind, show(scope), way, source, show(ends), tostring(order))
  return case
end

--- A failure that is the column engine's right to refuse, or anything else, which is raised.
local function refused(case, engine, message)
  local reason = engine == "columns" and engines.refusal(message)
  if not reason then error(message, 0) end
  if not engines.may_refuse(case, reason) then error("refused for no reason that the question gives: " .. reason, 0) end
  tick("refusals", reason)
  tick("engines", "columns refused")
end

local function ask_count(case, engine, query)
  local count, message = query:count()
  if not count then return refused(case, engine, message) end
  if count ~= case.count then error(("count: got %d, wanted %d"):format(count, case.count), 0) end
end

local function ask(case, engine, query)
  local good, got = pcall(case.read, query)
  if not good then return refused(case, engine, (tostring(got):gsub("^%S+:%d+: ", ""))) end
  for _, row in ipairs(case.id_of and got or {}) do row.id = rescale(case.id_of, row.id) end
  compare_rows(got, case.rows)
  tick("engines", engine)
end

local failures = {}

--- Runs something of a case; a failure is noted with all that tells where it was.
local function note(case, where, run, ...)
  local good, message = pcall(run, ...)
  if good then return end
  failures[#failures + 1] = ("%s\n  %s\n  %s"):format(where, case.what, tostring(message))
  if #failures >= MOST_FAILURES then error(table.concat(failures, "\n\n"), 0) end
end

local plain_ways = { "", "", "plain_columns", "plain_kernels", "plain_columns plain_kernels" }

local function run_case(case, where, handles, plain)
  for _, engine in ipairs { "columns", "sql", "auto" } do
    local query = case.query(handles:handle(engine, case.scope, engine == "sql" and "" or plain))
    local place = ("%s, engine %s %s"):format(where, engine, plain)
    note(case, place, ask, case, engine, query)
    note(case, place, ask_count, case, engine, query)
  end
end

-- -------------------------------------------------------------------------------------------------- worlds

local function remove(path)
  vm.remove(path)
  os.remove(path .. "-columns")
end

local function state_of(w, rng, db, world, path, handles)
  local state = { w = w, rng = rng, db = db, world = world, path = path, handles = handles, kept = {} }

  --- So many cases of the store as it is now.
  function state.ask(name, count)
    assert(db:check())
    tick_absent(world)
    state.kept = {}
    for i = 1, count or IN_A_STATE do
      local case = make_case(rng, world)
      tick("states", name)
      run_case(case, ("world %d, %s, case %d"):format(w, name, i), handles, rng.pick(plain_ways))
      state.kept[#state.kept + 1] = case
    end
  end

  --- What was asked last is asked of the state in which it was asked, while that one is changed.
  function state.keep()
    local plain = rng.pick(plain_ways)
    state.snapshots, state.asked = {}, state.kept
    for _, engine in ipairs { "columns", "sql" } do state.snapshots[engine] = assert(handles:handle(engine, {}, plain)._core:snapshot()) end
  end

  function state.ask_snapshots(reindexed)
    for engine, snapshot in pairs(state.snapshots) do
      local view = setmetatable({ _core = snapshot }, getmetatable(db))
      for _, case in ipairs(state.asked) do
        case.reindexed = reindexed
        if next(case.scope) == nil then
          tick("states", "snapshot")
          note(case, ("world %d, snapshot, engine %s"):format(w, engine), ask, case, engine, case.query(view))
        end
      end
      view:close()
    end
    state.snapshots = nil
  end

  --- Changes rows, while readers go along with it.
  function state.change(count)
    for i = 1, count do
      worlds.change(rng, db, world)
      if rng.chance(30) or i % 20 == 0 then
        local handle = handles:handle("columns", {}, "")
        local rows = assert(handle:requests():count())
        if rows ~= #world.rows then error(("world %d: %d requests after a change, not %d"):format(w, rows, #world.rows), 0) end
      end
    end
  end

  return state
end

local function some_of(rng, world, percent) return math.max(1, math.ceil(#world.rows * rng.int(1, percent) / 100)) end

--- The life of a store.
local function live(state, count)
  local rng, db, world = state.rng, state.db, state.world
  local begins = rng.pick { "half sealed", "all sealed", "all sealed", "as they came" }
  local first = begins == "half sealed" and math.ceil(count / 2) or count
  worlds.add(rng, db, world, first, rng.int(1, 12))
  worlds.furnish(rng, db, world)
  if rng.chance(50) then assert(db:index_words()) end
  state.ask("in the tail")
  assert(db:seal())
  if begins == "half sealed" then
    worlds.add(rng, db, world, count - first, rng.int(1, 5))
  end
  state.ask(begins == "half sealed" and begins or state.one_segment and "one segment" or "several segments")
  state.keep()
  state.change(some_of(rng, world, 30))
  state.ask("changed")
  state.ask_snapshots()
  assert(db:seal())
  if rng.chance(50) then state.handles:close() end
  if rng.chance(30) then assert(db:index_words { anew = rng.chance(50) }) end
  state.ask("sealed again")
  state.change(some_of(rng, world, 60))
  local _, status = vm.shell(("sqlite3 %s <%s"):format(state.path, vm.write(state.path .. ".sql", worlds.change_by_sql(rng, world))))
  assert(status == 0)
  os.remove(state.path .. ".sql")
  worlds.add(rng, db, world, rng.int(1, 40), rng.int(1, 5))
  state.ask("changed again")
  if rng.chance(50) then state.keep() end
  assert(db:reindex())
  state.ask("reindexed")
  worlds.add(rng, db, world, rng.int(1, 60), rng.int(1, 3))
  if state.snapshots then state.ask_snapshots(true) end
  state.ask("more in the tail")
end

local function in_world(w, rng, count, segment_rows, run)
  local path = vm.path "agree.db"
  remove(path)
  local db = engines.open(path, { seal = rng.chance(75) and "manual" or "auto", durable = false }, { segment_rows = segment_rows, relaxed = true })
  local handles = engines.set(path)
  local state = state_of(w, rng, db, worlds.new(rng, count), path, handles)
  state.one_segment = segment_rows == 0
  run(state, count)
  handles:close()
  db:close()
  remove(path)
end

local function live_in_world(w)
  local rng = random.new(SEED + w * 7919)
  in_world(w, rng, rng.pick { rng.int(30, 90), rng.int(60, 200), rng.int(200, 400) }, rng.pick { 7, 16, 64, 0 }, live)
end

--- So many rows and sessions in a segment that engines take them in several bites.
local function live_briefly(state, count)
  worlds.add(state.rng, state.db, state.world, count, 3)
  assert(state.db:seal())
  state.change(10)
  state.ask("large", 10)
end

describe("the engines and the naive evaluator agree", function()
  it("on stores in all states", function()
    for w = 1, math.ceil(CASES / IN_A_STATE / STATES) do
      if (ONLY or w) == w then live_in_world(w) end
    end
    if CASES >= 2000 and (ONLY or 0) == 0 then in_world(0, random.new(SEED), 4200, 0, live_briefly) end
    if #failures > 0 then error(table.concat(failures, "\n\n"), 0) end
  end)

  it("and all of it was asked about", function()
    for _, what in ipairs { "kinds", "ways", "states", "engines", "refusals", "operators", "fields", "groups", "absent" } do show_counts(what) end
    io.write(("# %d cases, %d of them select neither nothing nor everything\n"):format(asked, selective))
    if asked < 2000 then return end -- too few to have met everything
    assert(selective * 2 >= asked, "too many cases select nothing or everything")
    for _, field in ipairs(all_fields) do
      assert((counts.fields[field.name] or 0) > 0 or field.type == "records", field.name .. " was never asked about")
    end
    for _, op in ipairs { "eq", "ne", "gt", "gte", "lt", "lte", "between", "among", "like", "ilike", "contains", "has", "present", "absent",
      "and", "or", "not", "some", "every", "root", "in_trace", "enclosing", "enclosed", "entry" } do
      assert((counts.operators[op] or 0) > 0, op .. " was never used")
    end
    assert(counts.engines.columns * 3 >= asked * 2, "the column engine answered too few")
  end)
end)

describe("the laws of truth", function()
  local rng = random.new(SEED + 3)
  local db, world = random.world(rng, 80)
  local ids = {}
  for _, row in ipairs(assert(db:requests():order_by("request_id"):all())) do ids[#ids + 1] = row.request_id end

  local function found(filter)
    local set = {}
    for row in db:requests():where(filter):each() do set[row.request_id .. "/" .. row.organization_id .. "/" .. row.project] = true end
    return set
  end

  it("a request filter and its negation part the requests", function()
    for _ = 1, 300 do
      local filter, source = filter_of(random.request_tree(rng, 3))
      local yes, no = found(filter), found(sq.negate(filter))
      local count = 0
      for id in pairs(yes) do
        assert(not no[id], "in both: " .. source)
        count = count + 1
      end
      for _ in pairs(no) do count = count + 1 end
      assert(count == #world.rows, ("%d of %d: %s"):format(count, #world.rows, source))
    end
  end)

  it("a session filter and its negation part the sessions", function()
    local all = assert(db:sessions():count())
    for _ = 1, 200 do
      local filter, source = filter_of(random.session_tree(rng, 3, true))
      local yes, no = assert(db:sessions():where(filter):count()), assert(db:sessions():where(sq.negate(filter)):count())
      assert(yes + no == all, ("%d and %d of %d: %s"):format(yes, no, all, source))
    end
  end)

  --- Brackets of one kind, double NOTs and constants at random places.
  local function rebracket(tree)
    local kind = tree[1]
    if rng.chance(10) then return { "not", { "not", rebracket(tree) } } end
    if rng.chance(10) then return { "and", { "true" }, rebracket(tree) } end
    if rng.chance(10) then return { "or", rebracket(tree), { "false" } } end
    if kind == "not" or kind == "some" or kind == "every" then return { kind, rebracket(tree[2]) } end
    if kind ~= "and" and kind ~= "or" then return tree end
    local parts = {}
    for i = 2, #tree do parts[#parts + 1] = rebracket(tree[i]) end
    while #parts > 1 and rng.chance(60) do
      local at = rng.int(1, #parts - 1)
      parts[at] = { kind, parts[at], parts[at + 1] }
      table.remove(parts, at + 1)
    end
    return { kind, (unpack or table.unpack)(parts) }
  end

  it("brackets of one kind, double NOTs and constants change nothing", function()
    for _ = 1, 400 do
      local tree = random.mixed_tree(rng, 3, true)
      local again = rebracket(tree)
      local a, b = random.to_filter(tree):dump(), random.to_filter(again):dump()
      assert(a == b, random.to_where(again) .. "\n" .. a .. "\n" .. b)
    end
  end)

  it("all{} is true and any{} is false", function()
    assert.equal(#ids, assert(db:requests():where(sq.all {}):count()))
    assert.equal(0, assert(db:requests():where(sq.any {}):count()))
  end)
end)
