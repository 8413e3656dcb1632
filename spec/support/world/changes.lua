--- Changes of a store, and of its world in the same way.
local random = require "spec.support.random"
local recipes = require "spec.support.world.recipes"
local rows = require "spec.support.world.rows"
local sq = require "sessionquery"

local function session_key(made) return made.session_id and made.organization_id .. "\0" .. made.project .. "\0" .. made.session_id end

--- What the session has of its own.
local function own_of(world, made)
  local key = session_key(made)
  world.sessions[key] = world.sessions[key] or { feedback = {}, metadata = {} }
  return world.sessions[key]
end

local function where(made) return { organization = made.organization_id, project = made.project } end

--- Each with the arguments rng, db, world and a row of it.
local changes = {}

local function merged(rng, old)
  local map, given = {}, {}
  for key, value in pairs(old or {}) do map[key] = value end
  for _ = 1, rng.int(1, 3) do
    local key = rng.pick(random.keys)
    local value = recipes.entry_value(rng, key)
    if rng.chance(35) then value = nil end
    map[key], given[key] = value, value == nil and sq.null or value
  end
  return next(map) ~= nil and map or nil, given
end

local function update_field(rng, world, made, given)
  local field = rng.pick(recipes.recorded)
  local name = field.name
  if given[name] ~= nil then return end
  if field.type == "map" and not rng.chance(15) then
    made[name], given[name] = merged(rng, made[name])
    return
  end
  local value = recipes.value(rng, world.recipe, name)
  if rng.chance(25) and name ~= "run_type" then value = nil end
  if field.type == "map" then value = nil end -- a map that is given is merged
  made[name] = value
  given[name] = value == nil and sq.null or rows.recorded_value(name, value)
end

--- Fields set and cleared; moved to another session or time.
function changes.update(rng, db, world, made)
  local given = { request_id = made.request_id, organization_id = made.organization_id, project = made.project }
  for _ = 1, rng.int(1, 5) do update_field(rng, world, made, given) end
  if given.cost_usd ~= nil and given.cost_source == nil then made.cost_source = made.cost_usd and "recorded" or nil end
  if rng.chance(40) then
    made.session_id = world.recipe.session(rng)
    given.session_id = made.session_id or sq.null
  end
  if rng.chance(25) then
    made.created_at = made.created_at + rng.int(-100, 100) * 1000000
    given.created_at = rows.recorded_value("created_at", made.created_at)
  end
  assert(db:update(given))
end

function changes.add_again(rng, db, world, made)
  for name in pairs(made) do
    if name ~= "request_id" and name ~= "organization_id" and name ~= "project" then made[name] = nil end
  end
  assert(db:add(rows.record(rows.dress(rng, world, made))))
end

function changes.feedback(rng, db, world, made)
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

function changes.tag(rng, db, world, made)
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

function changes.describe(rng, db, world, made)
  if not made.session_id then return end
  local own = own_of(world, made)
  local given
  own.metadata, given = merged(rng, own.metadata)
  own.metadata = own.metadata or {}
  assert(db:session(made.session_id, where(made)):set(given))
end

--- Takes out of the world what a condition holds of, with the feedback on it; how many.
local function forget(world, goes)
  local left, feedback, gone = {}, {}, {}
  for _, made in ipairs(world.rows) do
    if goes(made) then
      gone[made] = true
      world.names[rows.name_of(made)] = nil
    else
      left[#left + 1] = made
    end
  end
  for _, entry in ipairs(world.feedback) do
    if not gone[entry.row] then feedback[#feedback + 1] = entry end
  end
  local count = #world.rows - #left
  world.rows, world.feedback = left, feedback
  return count
end

local function delete(db, world, what, goes)
  local counts = assert(db:delete(what))
  local wanted = forget(world, goes)
  if counts.requests ~= wanted then error(("deleted %d rows, not %d"):format(counts.requests, wanted), 0) end
end

local function same_owner(made, other) return made.organization_id == other.organization_id and made.project == other.project end

function changes.delete_request(_, db, world, made)
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

function changes.delete_session(_, db, world, made)
  local function goes(row) return same_owner(row, made) and row.session_id == made.session_id end
  if not made.session_id or not few(world, goes) then return end
  delete(db, world, { session = made.session_id, organization = made.organization_id, project = made.project }, goes)
  world.sessions[session_key(made)] = nil
end

function changes.delete_user(_, db, world, made)
  local user = made.user_id
  local function goes(row) return row.user_id == user end
  if user and user ~= "" and few(world, goes) then delete(db, world, { user = user }, goes) end
end

function changes.delete_before(rng, db, world)
  local times = {}
  for i, row in ipairs(world.rows) do times[i] = row.created_at end
  table.sort(times)
  local before = times[rng.int(1, math.ceil(#times / 20))]
  delete(db, world, { before = random.time_text(before) .. "Z" }, function(row) return row.created_at < before end)
end

function changes.delete_project(_, db, world, made)
  local function goes(row) return same_owner(row, made) end
  if not few(world, goes) then return end
  delete(db, world, { organization = made.organization_id, project = made.project }, goes)
  local start = made.organization_id .. "\0" .. made.project .. "\0"
  for key in pairs(world.sessions) do
    if key:sub(1, #start) == start then world.sessions[key] = nil end
  end
end

--- Some rows that came one after the other, so that a small segment may die as a whole.
function changes.run_of_rows(rng, db, world)
  local first, run = rng.int(1, #world.rows), {}
  for i = first, math.min(#world.rows, first + rng.int(1, math.ceil(#world.rows / 8))) do run[#run + 1] = world.rows[i] end
  local what = rng.pick { changes.add_again, changes.delete_request, changes.delete_request }
  for _, made in ipairs(run) do what(rng, db, world, made) end
end

--- Each with how often it comes, in percent.
local often = {
  { 43, changes.update }, { 20, changes.add_again }, { 15, changes.feedback }, { 4, changes.tag }, { 4, changes.describe },
  { 6, changes.delete_request }, { 2, changes.delete_session }, { 1, changes.delete_user }, { 2, changes.delete_before },
  { 1, changes.delete_project }, { 2, changes.run_of_rows },
}

--- One change of one row, or of some.
function changes.any(rng, db, world)
  local at = rng.int(1, 100)
  for _, one in ipairs(often) do
    at = at - one[1]
    if at <= 0 then return one[2](rng, db, world, rng.pick(world.rows)) end
  end
end

return changes
