--- Values that a world's rows and groups have: what random filters take their literals from.
local fields = require "spec.support.naive.fields"

local sample = {}

local function sorted_keys(map)
  local list = {}
  for key in pairs(map) do list[#list + 1] = key end
  table.sort(list)
  return list
end

--- Adds a value; the elements of a list.
local function put(list, value)
  if type(value) ~= "table" then
    list[#list + 1] = value
  else
    for _, element in ipairs(value) do list[#list + 1] = element end
  end
end

--- The values of a field, or of a map's key, kept in `store` until the world changes.
local function values_of(store, name, key, each)
  local id = key and name .. "\0" .. key or name
  if not store[id] then
    store[id] = {}
    each(function(value) put(store[id], value) end)
  end
  return store[id]
end

local function entries_of(world, map)
  local list = {}
  if map == "feedback" then return world.feedback end
  local function take(members)
    for _, key in ipairs(sorted_keys(members or {})) do list[#list + 1] = { key = key, value = members[key] } end
  end
  if map == "session.metadata" then
    for _, id in ipairs(sorted_keys(world.sessions)) do take(world.sessions[id].metadata) end
  elseif fields.is_document[map] then
    for _, row in ipairs(world.rows) do
      for _, entry in ipairs(fields.entries(row, map, world)) do list[#list + 1] = entry end
    end
  else
    for _, row in ipairs(world.rows) do take(fields.value(row, map, world)) end
  end
  return list
end

local function pick(rng, list)
  if #list > 0 then return rng.pick(list) end
end

--- What is kept of a world until it changes.
function sample.new() return { rows = {}, entries = {}, sessions = {} } end

--- What `random` draws from: the world's rows, and these groups (rows as the evaluator gives them).
function sample.of(world, groups)
  world.samples = world.samples or sample.new()
  local of_groups = {}
  local data = {}

  function data.value(rng, name, key)
    local session = name:match "^session%.(.*)"
    if session then
      return pick(rng, values_of(of_groups, session, key, function(add)
        for _, group in ipairs(groups) do
          local value = group[session]
          if key ~= nil then value = value and value[key] end
          add(value)
        end
      end))
    end
    return pick(rng, values_of(world.samples.rows, name, key, function(add)
      for _, row in ipairs(world.rows) do add(fields.member(row, name, key, world)) end
    end))
  end

  function data.entry(rng, map, name)
    local known = world.samples.entries
    known[map] = known[map] or entries_of(world, map)
    local entry = pick(rng, known[map])
    return entry and entry[name]
  end

  return data
end

return sample
