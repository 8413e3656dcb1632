--- The SQL engine against the naive evaluator, on random filters over random data; and the laws of truth.
local naive = require "spec.support.naive"
local random = require "spec.support.random"
local sq = require "sessionquery"

local CASES = tonumber(os.getenv "AGREE_CASES") or 2400
local SEED = tonumber(os.getenv "AGREE_SEED") or 20261120
local WORLDS = 24

-- ------------------------------------------------------------------------------------------ comparing rows

local money = { total_cost_usd = true, prompt_cost_usd = true, completion_cost_usd = true }
local times = { created_at = true, latest_request_created_at = true, hour = true, day = true, week = true, month = true }

--- The library's value on the evaluator's scale.
local function rescale(name, value)
  if value == nil then return nil end
  if money[name] then return math.floor(value * 1e9 + 0.5) end
  if times[name] then return math.floor(value * 1e6 + 0.5) end
  return value
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
  for name in pairs(wanted) do
    local value = rescale(name, got[name])
    if show(value) ~= show(wanted[name]) then
      return ("%s: got %s, wanted %s"):format(name, show(value), show(wanted[name]))
    end
  end
  for name in pairs(got) do
    if wanted[name] == nil then return name .. ": not expected" end
  end
end

local function compare_rows(got, wanted, what)
  for i = 1, math.max(#got, #wanted) do
    if not got[i] or not wanted[i] then
      error(("%s\nrows: got %d, wanted %d; the first that differs: %s"):format(what, #got, #wanted, show((got[i] or wanted[i]).id)), 0)
    end
    local wrong = difference(got[i], wanted[i])
    if wrong then error(("%s\nrow %d: %s"):format(what, i, wrong), 0) end
  end
end

local function request_ids(rows)
  local ids = {}
  for i, row in ipairs(rows) do ids[i] = row.organization_id .. "/" .. row.project .. "/" .. row.request_id end
  return ids
end

local function compare_requests(got, wanted, scope, what)
  for _, row in ipairs(got) do
    row.organization_id = row.organization_id or scope.organization
    row.project = row.project or scope.project
  end
  local a, b = table.concat(request_ids(got), " "), table.concat(request_ids(wanted), " ")
  if a ~= b then error(("%s\ngot    %s\nwanted %s"):format(what, a, b), 0) end
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

local session_orders = {
  "total_cost_usd", "total_requests", "name", "created_at", "latest_request_created_at", "duration_ms", "avg_latency_ms",
  "latency_p99_ms", "errors", "error_rate", "total_tokens", "id", "streaming_rate",
}

local function ordered(rng, query, orders)
  if rng.chance(40) then return query, nil end
  local name, descending = rng.pick(orders), rng.chance(50)
  return query:order_by((descending and "-" or "") .. name), { name, descending }
end

--- Pages of a random size, by cursor or by offset, make the whole.
local function paged(rng, query)
  local size, rows, by_cursor = rng.int(1, 5), {}, rng.chance(50)
  local begun = query:limit(size)
  while true do
    local page = assert(begun:page())
    for _, row in ipairs(page) do rows[#rows + 1] = row end
    if not page.next then return rows end
    begun = by_cursor and begun:after(page.next) or begun:offset(#rows)
  end
end

local function rows_of(rng, query)
  if rng.chance(20) then return paged(rng, query) end
  if rng.chance(50) then return assert(query:all()) end
  local rows = {}
  for row in query:each() do rows[#rows + 1] = row end
  return rows
end

local function session_case(rng, db, world, scope)
  local tree = rng.pick { random.request_tree, random.session_tree, random.mixed_tree, random.mixed_tree }(rng, 3, true)
  local filter, source = filter_of(tree)
  local query, by = ordered(rng, db:sessions():where(filter), session_orders)
  local wanted = naive.groups(world, scope, tree, nil, by)
  compare_rows(rows_of(rng, query), wanted, "sessions " .. source)
  assert(assert(query:count()) == #wanted, "count of sessions " .. source)
end

local request_orders = { "created_at", "latency_ms", "cost_usd", "model", "total_tokens", "streamed", "cached", "request_id", "project" }

local function request_case(rng, db, world, scope)
  local tree = random.request_tree(rng, 3)
  local filter, source = filter_of(tree)
  local query, by = ordered(rng, db:requests():where(filter), request_orders)
  local wanted = naive.requests(world, scope, tree, by)
  compare_requests(rows_of(rng, query), wanted, scope, "requests " .. source)
  assert(assert(query:count()) == #wanted, "count of requests " .. source)
end

local function key_of(rng)
  local kind = rng.int(1, 4)
  if kind == 1 then
    local unit, offset = rng.pick { "hour", "day", "week", "month" }, rng.pick { 0, 60, -330, 1440 }
    return sq[unit] { offset_minutes = offset }, { name = unit, get = function(row) return naive.bucket(row.created_at, unit, offset) end }
  end
  if kind == 2 then
    local key = rng.pick { "env", "n", "flag", "a.b", "Os Platform" }
    return "properties." .. key, { name = "properties." .. key, get = function(row) return row.properties and row.properties[key] end }
  end
  local name = rng.pick { "model", "user_id", "streamed", "cached", "project", "session_id", "provider", "threat" }
  return name, { name = name, get = function(row)
    local value = naive.value(row, name)
    return value
  end }
end

local group_orders = { "total_cost_usd", "total_requests", "total_sessions", "name", "latency_p50_ms", "error_rate" }

local function group_case(rng, db, world, scope)
  local names, keys, seen = {}, {}, {}
  for _ = 1, rng.int(1, 3) do
    local name, key = key_of(rng)
    if not seen[key.name] then
      seen[key.name] = true
      names[#names + 1], keys[#keys + 1] = name, key
    end
  end
  local tree = rng.pick { random.request_tree, random.session_tree, random.mixed_tree }(rng, 2, false)
  local filter, source = filter_of(tree)
  local orders = { keys[1].name, unpack and unpack(group_orders) or table.unpack(group_orders) }
  local query, by = ordered(rng, db:group_by((unpack or table.unpack)(names)):where(filter), orders)
  local got = rows_of(rng, query)
  for _, row in ipairs(got) do
    if times[keys[1].name] and row.id then row.id = rescale(keys[1].name, row.id) end
  end
  compare_rows(got, naive.groups(world, scope, tree, keys, by), "groups by " .. keys[1].name .. ": " .. source)
end

-- --------------------------------------------------------------------------------------------------- specs

local function with_scope(rng, db, path)
  if rng.chance(60) then return db, {} end
  local scope = { organization = rng.pick { "", "org2" }, project = rng.chance(50) and "default" or nil }
  return assert(sq.open(path, { organization = scope.organization, project = scope.project, readonly = true })), scope
end

local function each_case(seed, run)
  for w = 1, WORLDS do
    local rng = random.new(seed + w * 7919)
    local memory, world = random.world(rng, rng.int(30, 90))
    local path = os.tmpname()
    os.remove(path)
    assert(memory:backup(path))
    memory:close()
    local whole = assert(sq.open(path))
    for c = 1, math.ceil(CASES / 3 / WORLDS) do
      local db, scope = with_scope(rng, whole, path)
      local good, message = pcall(run, rng, db, world, scope)
      if not good then error(("seed %d, world %d, case %d: %s"):format(seed, w, c, tostring(message)), 0) end
      if db ~= whole then db:close() end
    end
    whole:close()
    for _, suffix in ipairs { "", "-wal", "-shm" } do os.remove(path .. suffix) end
  end
end

describe("the SQL engine and the naive evaluator agree", function()
  it("on sessions", function() each_case(SEED, session_case) end)
  it("on requests", function() each_case(SEED + 1, request_case) end)
  it("on groups", function() each_case(SEED + 2, group_case) end)
end)

describe("the laws of truth", function()
  local rng = random.new(SEED + 3)
  local db, world = random.world(rng, 80)
  local ids = {}
  for _, row in ipairs(assert(db:requests():order_by("request_id"):all())) do ids[#ids + 1] = row.request_id end

  local function found(filter)
    local set = {}
    for row in db:requests():where(filter):each() do set[row.request_id .. row.organization_id] = true end
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
