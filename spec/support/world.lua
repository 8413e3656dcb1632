--- Random stores, and the same as the evaluator has them: { rows, feedback, sessions, recipe }. What is changed
--- in one is changed in the other.
---
--- Each world has a recipe of its own for each field: absent everywhere, the same everywhere, of few values, of
--- many, wide, as UUIDs; so that columns of all kinds come about.
local core = require "sessionquery.core"
local naive = require "spec.support.naive"
local random = require "spec.support.random"
local sq = require "sessionquery"

local worlds = {}

-- --------------------------------------------------------------------------------------------------- recipes

local ABSENT = {} -- where a choice may be absent

local function number_text(rng, digits)
  local list = {}
  for i = 1, digits do list[i] = ("%x"):format(rng.int(0, 15)) end
  return table.concat(list)
end

local function uuid(rng)
  return ("%s-%s-%s-%s-%s"):format(number_text(rng, 8), number_text(rng, 4), number_text(rng, 4), number_text(rng, 4), number_text(rng, 12))
end

local long = ("common "):rep(30)

local pools = {
  session_name = { "plan", "Plan B", "É", long .. "a", long .. "b" },
  error = { "boom", "É", "a%b", "timeout" },
  model = { "gpt-4o", "gpt-4", "o3", "claude", "" },
  user_id = { "u1", "u2", "Ü3", "", "u4", "u5" },
  cost_source = { "computed", "recorded" },
  cache_reference_id = { "00000000-0000-0000-0000-000000000000", "c1", "" },
  status = { 200, 200, 200, 404, 500, -1, -2, -3 },
  run_type = { "llm", "llm", "llm", "embedding", "chain", "tool" },
  environment = { "prod", "staging", "dev" },
}

local several = {
  text = { "", "a", "A", "ab", "a%b", "É", "é", "Яна", "x\\y", "it's", long .. "x", "ẞ", "Σ" },
  integer = { 0, 1, 100, 200, 450, 500, 2000, 90 },
  money = { 0, 1, 2, 1500, 4200000, 500000000, 1000000000, -5 },
}

local many = {
  text = function(rng) return rng.chance(50) and "v" .. rng.int(1, 400) or ("%s/%d"):format(rng.pick(several.text), rng.int(1, 99)) end,
  integer = function(rng) return rng.int(0, 70000) end,
  money = function(rng) return rng.int(0, 2000000000) end,
}

local wide = {
  text = uuid,
  integer = function(rng) return rng.pick { 0, 1, 4294967296 * rng.int(0, 900) + rng.int(0, 2000000000) } end,
  money = function(rng) return rng.pick { -1, 1, 1000 } * 1000000 * rng.int(0, 100000) end,
}

--- A function that makes values of a field, or absent ones.
local function scalar_recipe(rng, name, type)
  local absent, way = rng.pick { 0, 10, 10, 30, 50, 90 }, rng.int(1, 100)
  local pool = pools[name] or several[type]
  local make
  if way <= 6 then
    absent = 100
  elseif way <= 14 then
    local constant = rng.pick(pool)
    make = function() return constant end
  elseif way <= 32 and not pools[name] then
    make = many[type]
  elseif way <= 44 and not pools[name] then
    make = wide[type]
  else
    make = function(r) return r.pick(pool) end
  end
  return function(r)
    if r.chance(absent) then return nil end
    return make(r)
  end
end

local function boolean_recipe(rng)
  local absent, share = rng.pick { 0, 20, 50, 100 }, rng.pick { 0, 30, 50, 50, 100 }
  return function(r)
    if r.chance(absent) then return nil end
    return r.chance(share)
  end
end

local function list_recipe(rng)
  local absent = rng.pick { 20, 40, 90 }
  return function(r)
    if r.chance(absent) then return nil end
    local made = {}
    for i = 1, r.int(0, 3) do made[i] = r.pick { "x", "y", "É", "", "a%b" } end
    return #made > 0 and made or nil
  end
end

--- A value of a map: nested ones stand under one key only, since they cannot be grouped by.
local function entry_value(rng, key)
  if key == "deep" then return rng.pick { { a = 1 }, "flat", 5, { "x", "y" } } end
  return rng.pick(random.scalars)
end

local function some_map(rng, most)
  local made = {}
  for _ = 1, rng.int(0, most) do
    local key = rng.pick(random.keys)
    made[key] = entry_value(rng, key)
  end
  return made
end

--- `crowded`: so many keys that not all of them can have columns.
local function map_recipe(rng, crowded)
  local absent, most = rng.pick { 10, 30, 60, 100 }, rng.pick { 1, 3, 5 }
  return function(r)
    if r.chance(absent) then return nil end
    local made = some_map(r, most)
    for _ = 1, crowded and 3 or 0 do made["key " .. r.int(1, 1000)] = r.int(1, 9) end
    return next(made) ~= nil and made or nil
  end
end

--- A random JSON value: its text, the value itself where it is a scalar, and its entries, added to `entries` under
--- the names that lead to it (nil: none does).
local function json_value(rng, depth, path, entries)
  local way = rng.int(1, 10)
  if depth == 0 or way <= 6 then
    if rng.chance(5) then return "null" end
    local value = rng.pick(random.scalars)
    if path then entries[#entries + 1] = { key = path, value = value } end
    return core.encode(value), value
  end
  local parts, gap = {}, rng.pick { "", "", " ", "\n" }
  if way <= 8 then
    for i = 1, rng.int(0, 3) do parts[i] = json_value(rng, depth - 1, path, entries) end
    return "[" .. gap .. table.concat(parts, "," .. gap) .. "]", {}
  end
  local members = {}
  for _, key in ipairs(random.keys) do
    if rng.chance(40) then
      local text, value = json_value(rng, depth - 1, path and path .. "." .. key or key, entries)
      parts[#parts + 1] = core.encode(key) .. ":" .. gap .. text
      members[key] = value
    end
  end
  return "{" .. gap .. table.concat(parts, "," .. gap) .. "}", members, true
end

--- Bodies: documents, what is nearly one, and plain text.
local function body_recipe(rng)
  local absent = rng.pick { 0, 10, 30, 90 }
  return function(r)
    if r.chance(absent) then return nil end
    if r.chance(25) then return r.pick(several.text) end
    local entries = {}
    local text, value, is_object = json_value(r, 3, nil, entries)
    if r.chance(8) then return text .. r.pick { ",", "}", " x" } end
    naive.documents[text] = { members = is_object and value or {}, entries = entries }
    return text
  end
end

local makers = { text = scalar_recipe, integer = scalar_recipe, money = scalar_recipe, boolean = boolean_recipe, list = list_recipe }

--- The fields that a record has, but for the ones that have to be made together.
local recorded = {}
do
  local apart = { request_id = true, organization_id = true, project = true, session_id = true, created_at = true, responded_at = true }
  for _, field in ipairs(core.fields()) do
    if field.level == "request" and field.recorded and not apart[field.name] and field.type ~= "records" then recorded[#recorded + 1] = field end
  end
end

local function sessions_recipe(rng, count)
  local ids, named = {}, { "s1", "s2", "S1", "é", "s3", "a'b" }
  for i = 1, rng.pick { 3, 6, 20, math.ceil(count / 3), math.ceil(count / 3), math.ceil(count / 2) } do
    ids[i] = named[i] or (rng.chance(50) and uuid(rng) or "session " .. i)
  end
  local absent = rng.pick { 0, 10, 10, 40 }
  return function(r)
    if r.chance(absent) then return nil end
    return r.pick(ids)
  end
end

local function time_recipe(rng)
  local finer, in_order, place = rng.pick { 1, 1000, 1000000 }, rng.chance(60), 0
  local far, step = rng.pick { 0, 0, 0, 3 }, rng.pick { 1, 1, 600 } -- few times: many rows have the same
  return function(r)
    if r.chance(far) then return r.pick { 34560000000000, 34560000000001, 7255439999999999 } end -- 1971 and 2199
    place = place + r.int(0, 60)
    local seconds = in_order and place + r.pick { 0, 0, 0, -200 } or r.int(0, 9000)
    local fraction = r.pick { 0, 0, 1, 999, 999999, 500000 }
    if step > 1 then return (random.BASE + seconds - seconds % step) * 1000000 end
    return (random.BASE + seconds) * 1000000 + fraction - fraction % finer
  end
end

local function recipe_of(rng, count)
  local recipe = { crowded = count > 200 and rng.chance(25), values = {} }
  recipe.organizations = rng.pick { { "" }, { "", "org2" }, { "org2", "", "Org3" } }
  recipe.projects = rng.pick { { "default" }, { "default", "p2" }, { "default", "p2", "é" } }
  recipe.session = sessions_recipe(rng, count)
  recipe.time = time_recipe(rng)
  recipe.uuids = rng.chance(30)
  for _, field in ipairs(recorded) do
    recipe.values[field.name] = field.type == "map" and map_recipe(rng, recipe.crowded) or makers[field.type](rng, field.name, field.type)
  end
  local latency = recipe.values.latency_ms
  recipe.values.latency_ms = function(r) -- the end of a call, in microseconds, is to be a number that LuaJIT has
    local value = latency(r)
    return value and value % 1000000000000
  end
  recipe.values.request_body, recipe.values.response_body = body_recipe(rng), body_recipe(rng)
  recipe.values.run_type = function(r) return r.pick(pools.run_type) end
  recipe.values.trace_id = function(r) return r.pick { "t1", "t2", "t3", "t4", "t5", ABSENT, ABSENT } end
  recipe.values.parent_id = function(r) return r.chance(60) and "r" .. r.int(1, 9) or nil end
  return recipe
end

-- ------------------------------------------------------------------------------------------------------ rows

local function name_of(made) return #made.organization_id .. made.organization_id .. #made.project .. made.project .. made.request_id end

--- A request of an identity, as the evaluator has it.
local function dress(rng, world, made)
  local recipe = world.recipe
  for _, field in ipairs(recorded) do
    local value = recipe.values[field.name](rng)
    if value == ABSENT then value = nil end
    made[field.name] = value
  end
  if rng.chance(40) and #world.rows > 0 then made.parent_id = rng.pick(world.rows).request_id end -- chains, circles too
  if rng.chance(25) and #world.rows > 0 then made.trace_id = rng.pick(world.rows).request_id end
  made.session_id = recipe.session(rng)
  made.created_at = recipe.time(rng)
  made.responded_at = rng.chance(40) and made.created_at + rng.pick { 0, 1, 1500, 2000000, -1000, 90000000 } or nil
  if made.cost_usd and not made.cost_source then made.cost_source = "recorded" end
  return made
end

--- An identity that no row has; the same request_id may stand in several projects.
local function identity(rng, world)
  local number = #world.rows + 1
  while true do
    local made = {
      request_id = world.recipe.uuids and uuid(rng) or "r" .. math.ceil(number / rng.pick { 1, 1, 2 }),
      organization_id = rng.pick(world.recipe.organizations),
      project = rng.pick(world.recipe.projects),
    }
    if not world.names[name_of(made)] then
      world.names[name_of(made)] = true
      return made
    end
    number = number + 1
  end
end

local money = { cost_usd = true, prompt_cost_usd = true, completion_cost_usd = true }

local function recorded_value(name, value)
  if name == "created_at" then return random.time_text(value) .. "Z" end
  if name == "responded_at" then return value / 1000000 end
  if money[name] then return value / 1e9 end
  return value
end

--- The same as a record to add.
local function record(made)
  local copy = {}
  for name, value in pairs(made) do copy[name] = recorded_value(name, value) end
  return copy
end

--- To be called when anything was changed: what was computed of the world before no longer holds.
local function changed(world)
  world.index, world.samples = nil, nil
end

--- Adds so many rows, in batches.
function worlds.add(rng, db, world, count, batches)
  local at = 0
  for batch = 1, batches do
    local records = {}
    for _ = at + 1, batch == batches and count or math.floor(count * batch / batches) do
      local made = dress(rng, world, identity(rng, world))
      world.rows[#world.rows + 1] = made
      records[#records + 1] = record(made)
      at = at + 1
    end
    assert(db:add(records))
    changed(world)
  end
end

-- --------------------------------------------------------------------------------------------------- changes

local function session_key(made) return made.session_id and made.organization_id .. "\0" .. made.project .. "\0" .. made.session_id end

--- What the session has of its own.
local function own_of(world, made)
  local key = session_key(made)
  world.sessions[key] = world.sessions[key] or { feedback = {}, metadata = {} }
  return world.sessions[key]
end

local function where(made) return { organization = made.organization_id, project = made.project } end

local change = {}

local function merged(rng, old)
  local map, given = {}, {}
  for key, value in pairs(old or {}) do map[key] = value end
  for _ = 1, rng.int(1, 3) do
    local key = rng.pick(random.keys)
    local value = entry_value(rng, key)
    if rng.chance(35) then value = nil end
    map[key], given[key] = value, value == nil and sq.null or value
  end
  return next(map) ~= nil and map or nil, given
end

local function update_field(rng, world, made, given)
  local field = rng.pick(recorded)
  local name = field.name
  if given[name] ~= nil then return end
  if field.type == "map" and not rng.chance(15) then
    made[name], given[name] = merged(rng, made[name])
    return
  end
  local value = world.recipe.values[name](rng)
  if rng.chance(25) and name ~= "run_type" or value == ABSENT then value = nil end
  if field.type == "map" then value = nil end -- a map that is given is merged
  made[name] = value
  given[name] = value == nil and sq.null or recorded_value(name, value)
end

--- Fields set and cleared; moved to another session or time.
function change.update(rng, db, world, made)
  local given = { request_id = made.request_id, organization_id = made.organization_id, project = made.project }
  for _ = 1, rng.int(1, 5) do update_field(rng, world, made, given) end
  if given.cost_usd ~= nil and given.cost_source == nil then made.cost_source = made.cost_usd and "recorded" or nil end
  if rng.chance(40) then
    made.session_id = world.recipe.session(rng)
    given.session_id = made.session_id or sq.null
  end
  if rng.chance(25) then
    made.created_at = made.created_at + rng.int(-100, 100) * 1000000
    given.created_at = recorded_value("created_at", made.created_at)
  end
  assert(db:update(given))
end

function change.add_again(rng, db, world, made)
  for name in pairs(made) do
    if name ~= "request_id" and name ~= "organization_id" and name ~= "project" then made[name] = nil end
  end
  assert(db:add(record(dress(rng, world, made))))
end

function change.feedback(rng, db, world, made)
  local function maybe(percent, value)
    if rng.chance(percent) then return value end
  end
  local entry = { key = rng.pick(random.keys), score = maybe(70, rng.pick(random.scalars)), value = maybe(50, rng.pick(random.scalars)),
    comment = maybe(40, rng.pick(random.texts)), source = maybe(40, rng.pick(random.texts)), created_at = random.micros(rng) }
  local of_session = rng.chance(25) and made.session_id ~= nil
  entry.id = assert(db:feedback {
    request_id = not of_session and made.request_id or nil, session_id = of_session and made.session_id or nil,
    organization = made.organization_id, project = made.project,
    key = entry.key, score = entry.score, value = entry.value, comment = entry.comment, source = entry.source,
    created_at = random.time_text(entry.created_at) .. "Z",
  })
  if of_session then
    table.insert(own_of(world, made).feedback, entry)
  else
    entry.row = made
    table.insert(world.feedback, entry)
  end
end

function change.tag(rng, db, world, made)
  if not made.session_id then return end
  local own, tag = own_of(world, made), rng.pick { "x", "a%b", "É", "y" }
  assert(db:tag(made.session_id, tag, where(made)))
  local tags = { tag }
  for _, old in ipairs(own.tags or {}) do
    if old ~= tag then tags[#tags + 1] = old end
  end
  table.sort(tags)
  own.tags = tags
end

function change.describe(rng, db, world, made)
  if not made.session_id then return end
  local own = own_of(world, made)
  local given
  own.metadata, given = merged(rng, own.metadata)
  own.metadata = own.metadata or {}
  assert(db:session(made.session_id, where(made)):set(given))
end

--- Takes out of the world what a condition holds of, with the feedback on it; how many.
local function forget(world, goes)
  local rows, feedback, gone = {}, {}, {}
  for _, made in ipairs(world.rows) do
    if goes(made) then
      gone[made] = true
      world.names[name_of(made)] = nil
    else
      rows[#rows + 1] = made
    end
  end
  for _, entry in ipairs(world.feedback) do
    if not gone[entry.row] then feedback[#feedback + 1] = entry end
  end
  local count = #world.rows - #rows
  world.rows, world.feedback = rows, feedback
  return count
end

local function delete(db, world, what, goes)
  local counts = assert(db:delete(what))
  local wanted = forget(world, goes)
  if counts.requests ~= wanted then error(("deleted %d rows, not %d"):format(counts.requests, wanted), 0) end
end

local function same_owner(made, other) return made.organization_id == other.organization_id and made.project == other.project end

function change.delete_request(_, db, world, made)
  delete(db, world, { request = made.request_id, organization = made.organization_id, project = made.project },
    function(row) return row == made end)
end

local function few(world, goes)
  local count = 0
  for _, row in ipairs(world.rows) do
    if goes(row) then count = count + 1 end
  end
  return count <= math.max(2, #world.rows / 8)
end

function change.delete_session(_, db, world, made)
  local function goes(row) return same_owner(row, made) and row.session_id == made.session_id end
  if not made.session_id or not few(world, goes) then return end
  delete(db, world, { session = made.session_id, organization = made.organization_id, project = made.project }, goes)
  world.sessions[session_key(made)] = nil
end

function change.delete_user(_, db, world, made)
  local user = made.user_id
  local function goes(row) return row.user_id == user end
  if user and user ~= "" and few(world, goes) then delete(db, world, { user = user }, goes) end
end

function change.delete_before(rng, db, world)
  local times = {}
  for i, row in ipairs(world.rows) do times[i] = row.created_at end
  table.sort(times)
  local before = times[rng.int(1, math.ceil(#times / 20))]
  delete(db, world, { before = random.time_text(before) .. "Z" }, function(row) return row.created_at < before end)
end

function change.delete_project(_, db, world, made)
  local function goes(row) return same_owner(row, made) end
  if not few(world, goes) then return end
  delete(db, world, { organization = made.organization_id, project = made.project }, goes)
  local start = made.organization_id .. "\0" .. made.project .. "\0"
  for key in pairs(world.sessions) do
    if key:sub(1, #start) == start then world.sessions[key] = nil end
  end
end

--- Some rows that came one after the other, so that a small segment may die as a whole.
function change.run_of_rows(rng, db, world)
  local first, run = rng.int(1, #world.rows), {}
  for i = first, math.min(#world.rows, first + rng.int(1, math.ceil(#world.rows / 8))) do run[#run + 1] = world.rows[i] end
  local what = rng.pick { change.add_again, change.delete_request, change.delete_request }
  for _, made in ipairs(run) do what(rng, db, world, made) end
end

--- Each with how often it comes.
local changes = {
  { 43, change.update }, { 20, change.add_again }, { 15, change.feedback }, { 4, change.tag }, { 4, change.describe },
  { 6, change.delete_request }, { 2, change.delete_session }, { 1, change.delete_user }, { 2, change.delete_before },
  { 1, change.delete_project }, { 2, change.run_of_rows },
}

--- One change of one row, or of some.
function worlds.change(rng, db, world)
  local at = rng.int(1, 100)
  for _, one in ipairs(changes) do
    at = at - one[1]
    if at <= 0 then
      one[2](rng, db, world, rng.pick(world.rows))
      break
    end
  end
  changed(world)
end

--- SQL for `sqlite3` that changes some rows behind the library's back.
function worlds.change_by_sql(rng, world)
  local lines = {}
  for _ = 1, rng.int(1, 6) do
    local made = rng.pick(world.rows)
    local latency, name = rng.int(0, 3000), rng.pick { "plan", "by hand", "É" }
    made.latency_ms, made.session_name, made.model = latency, name, nil
    lines[#lines + 1] = ("UPDATE request SET latency_ms = %d, session_name = '%s', model = NULL WHERE request_id = '%s' AND organization_id = '%s' AND project = '%s';")
      :format(latency, name, made.request_id, made.organization_id, made.project)
  end
  changed(world)
  return table.concat(lines, "\n")
end

-- ------------------------------------------------------------------------------------------------- beginning

--- A world without rows yet. `count`: how many are to come.
function worlds.new(rng, count)
  return { rows = {}, feedback = {}, sessions = {}, names = {}, recipe = recipe_of(rng, count) }
end

--- Some feedback, tags and metadata.
function worlds.furnish(rng, db, world)
  for _ = 1, rng.int(0, 12) do change.feedback(rng, db, world, rng.pick(world.rows)) end
  for _ = 1, rng.int(0, 6) do
    change.tag(rng, db, world, rng.pick(world.rows))
    change.describe(rng, db, world, rng.pick(world.rows))
  end
  changed(world)
end

--- A store in memory, and its world.
function worlds.memory(rng, count)
  local db, world = assert(sq.open ":memory:"), worlds.new(rng, count)
  worlds.add(rng, db, world, count, 1)
  worlds.furnish(rng, db, world)
  return db, world
end

return worlds
