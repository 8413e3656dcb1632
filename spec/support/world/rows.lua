--- Rows of a world, and the same as records to add.
local random = require "spec.support.random"
local recipes = require "spec.support.world.recipes"

local rows = {}

--- What an identity is known by in a world.
function rows.name_of(made) return #made.organization_id .. made.organization_id .. #made.project .. made.project .. made.request_id end

--- A request of an identity, as the evaluator has it.
function rows.dress(rng, world, made)
  local recipe = world.recipe
  for _, field in ipairs(recipes.recorded) do
    made[field.name] = recipes.value(rng, recipe, field.name)
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
function rows.identity(rng, world)
  local number = #world.rows + 1
  while true do
    local made = {
      request_id = world.recipe.uuids and recipes.uuid(rng) or "r" .. math.ceil(number / rng.pick { 1, 1, 2 }),
      organization_id = rng.pick(world.recipe.organizations),
      project = rng.pick(world.recipe.projects),
    }
    if not world.names[rows.name_of(made)] then
      world.names[rows.name_of(made)] = true
      return made
    end
    number = number + 1
  end
end

local money = { cost_usd = true, prompt_cost_usd = true, completion_cost_usd = true }

--- A value of a field as it is given to the library.
function rows.recorded_value(name, value)
  if name == "created_at" then return random.time_text(value) .. "Z" end
  if name == "responded_at" then return value / 1000000 end
  if money[name] then return value / 1e9 end
  return value
end

--- The same as a record to add.
function rows.record(made)
  local copy = {}
  for name, value in pairs(made) do copy[name] = rows.recorded_value(name, value) end
  return copy
end

return rows
