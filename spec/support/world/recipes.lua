--- What a world's rows are made of: for each field a recipe of its own: absent everywhere, the same everywhere, of few
--- values, of many, wide, as UUIDs; so that columns of all kinds come about.
local core = require "sessionquery.core"
local fields = require "spec.support.naive.fields"
local random = require "spec.support.random"

local recipes = {}

local ABSENT = {} -- where a choice may be absent

local function number_text(rng, digits)
  local list = {}
  for i = 1, digits do list[i] = ("%x"):format(rng.int(0, 15)) end
  return table.concat(list)
end

function recipes.uuid(rng)
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
  text = recipes.uuid,
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
function recipes.entry_value(rng, key)
  if key == "deep" then return rng.pick { { a = 1 }, "flat", 5, { "x", "y" } } end
  return rng.pick(random.scalars)
end

local function some_map(rng, most)
  local made = {}
  for _ = 1, rng.int(0, most) do
    local key = rng.pick(random.keys)
    made[key] = recipes.entry_value(rng, key)
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
    fields.documents[text] = { members = is_object and value or {}, entries = entries }
    return text
  end
end

local makers = { text = scalar_recipe, integer = scalar_recipe, money = scalar_recipe, boolean = boolean_recipe, list = list_recipe }

--- The fields that a record has, but for the ones that have to be made together.
recipes.recorded = {}
do
  local apart = { request_id = true, organization_id = true, project = true, session_id = true, created_at = true, responded_at = true }
  for _, field in ipairs(core.fields()) do
    if field.level == "request" and field.recorded and not apart[field.name] and field.type ~= "records" then table.insert(recipes.recorded, field) end
  end
end

local function sessions_recipe(rng, count)
  local ids, named = {}, { "s1", "s2", "S1", "é", "s3", "a'b" }
  for i = 1, rng.pick { 3, 6, 20, math.ceil(count / 3), math.ceil(count / 3), math.ceil(count / 2) } do
    ids[i] = named[i] or (rng.chance(50) and recipes.uuid(rng) or "session " .. i)
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

--- A recipe for `count` rows.
function recipes.new(rng, count)
  local recipe = { crowded = count > 200 and rng.chance(25), values = {} }
  recipe.organizations = rng.pick { { "" }, { "", "org2" }, { "org2", "", "Org3" } }
  recipe.projects = rng.pick { { "default" }, { "default", "p2" }, { "default", "p2", "é" } }
  recipe.session = sessions_recipe(rng, count)
  recipe.time = time_recipe(rng)
  recipe.uuids = rng.chance(30)
  for _, field in ipairs(recipes.recorded) do
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

--- A value of a recorded field, or nil.
function recipes.value(rng, recipe, name)
  local value = recipe.values[name](rng)
  if value ~= ABSENT then return value end
end

return recipes
