--- Random stores, and the same as the evaluator has them: { rows, feedback, sessions, recipe }. What is changed
--- in one is changed in the other.
local changes = require "spec.support.world.changes"
local recipes = require "spec.support.world.recipes"
local rows = require "spec.support.world.rows"
local sq = require "sessionquery"

local worlds = {}

--- To be called when anything was changed: what was computed of the world before no longer holds.
local function changed(world)
  world.index, world.samples = nil, nil
end

--- A world without rows yet. `count`: how many are to come.
function worlds.new(rng, count)
  return { rows = {}, feedback = {}, sessions = {}, names = {}, recipe = recipes.new(rng, count) }
end

--- Adds so many rows, in batches.
function worlds.add(rng, db, world, count, batches)
  local at = 0
  for batch = 1, batches do
    local records = {}
    for _ = at + 1, batch == batches and count or math.floor(count * batch / batches) do
      local made = rows.dress(rng, world, rows.identity(rng, world))
      world.rows[#world.rows + 1] = made
      records[#records + 1] = rows.record(made)
      at = at + 1
    end
    assert(db:add(records))
    changed(world)
  end
end

--- Some feedback, tags and metadata.
function worlds.furnish(rng, db, world)
  for _ = 1, rng.int(0, 12) do changes.feedback(rng, db, world, rng.pick(world.rows)) end
  for _ = 1, rng.int(0, 6) do
    changes.tag(rng, db, world, rng.pick(world.rows))
    changes.describe(rng, db, world, rng.pick(world.rows))
  end
  changed(world)
end

--- One change of one row, or of some.
function worlds.change(rng, db, world)
  changes.any(rng, db, world)
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

--- A store in memory, and its world.
function worlds.memory(rng, count)
  local db, world = assert(sq.open ":memory:"), worlds.new(rng, count)
  worlds.add(rng, db, world, count, 1)
  worlds.furnish(rng, db, world)
  return db, world
end

return worlds
