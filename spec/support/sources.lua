--- Random source texts of each dialect: what its readers make that trees of `where` do not reach. `random` says which.
local core = require "sessionquery.core"
local contract = require "spec.support.helicone_contract"
local random = require "spec.support.random"

local sources = {}

local texts = { "a", "gpt-4o", "o3", "u1", "boom", "prod", "É", "é", "it's", 'say "hi"', "x\\y", "a%b", "a_b", "1", "0.5", "true", "null",
  "__empty__", "", "\240\159\152\128", "line\nbreak" }
local patterns = { "%", "a%", "%b", "gpt-%", "_", "a\\%b", "%\\\\%", "", "É%" }

--- The members of a table, in an order that every VM has.
local function sorted(map)
  local list = {}
  for key in pairs(map) do list[#list + 1] = key end
  table.sort(list)
  return list
end

-- ----------------------------------------------------------------------------------------------------- where

function sources.where(rng, data)
  local kind = rng.int(1, 10)
  local depth = rng.pick { 0, 1, 1, 2, 2, 3 }
  if kind <= 7 then return random.to_where(random.request_tree(rng, depth, false, data)) end
  if kind <= 8 then return random.to_where(random.session_tree(rng, depth, true, data)) end
  return random.to_where(random.mixed_tree(rng, depth, true, data))
end

-- -------------------------------------------------------------------------------------------------- helicone

local numbers = { "0", "1", "2", "5", "100", "200", "450", "500", "-1", "-2", "2.5", "0.001", "0.000000001", "1500", "1e30", "-1e30", "1e2" }

local helicone_value = {}
function helicone_value.number(rng) return rng.pick(numbers) end
function helicone_value.time(rng) return core.encode(random.time_text(random.micros(rng)) .. "Z") end
function helicone_value.boolean(rng) return rng.pick { "true", "false" } end
function helicone_value.text(rng, operator) return core.encode(rng.pick(operator:find "like" and patterns or texts)) end

local function kind_of(column, operators)
  if #operators == 1 and operators[1] == "equals" and column ~= "property_key" then return "boolean" end
  if column:find "created_at$" then return "time" end
  for _, operator in ipairs(operators) do
    if operator == "gt" then return "number" end
  end
  return "text"
end

--- {operator: value}, mostly of one operator.
local function helicone_column(rng, column, operators)
  local list, used = {}, {}
  for _ = 1, rng.chance(80) and 1 or 2 do
    local operator = rng.pick(operators)
    if not used[operator] then
      used[operator] = true
      list[#list + 1] = ("%q:%s"):format(operator, helicone_value[kind_of(column, operators)](rng, operator))
    end
  end
  return "{" .. table.concat(list, ",") .. "}"
end

local tables = sorted(contract.columns)

local function helicone_leaf(rng)
  if rng.chance(25) then
    local member = rng.pick(contract.members)
    local key = rng.pick { "env", "Os Platform", "n", "flag", "Helicone-Session-Id", "Helicone-Session-Name", 'a"b' }
    local inner = ("{%s:%s}"):format(core.encode(key), helicone_column(rng, "text", contract.member_operators))
    for i = #member, 1, -1 do inner = ('{"%s":%s}'):format(member[i], inner) end
    return inner
  end
  local name = rng.chance(60) and "request_response_rmt" or rng.pick(tables)
  local columns, list = sorted(contract.columns[name]), {}
  local first = rng.int(1, #columns)
  for i = first, math.min(#columns, first + (rng.chance(80) and 0 or 1)) do
    list[#list + 1] = ('"%s":%s'):format(columns[i], helicone_column(rng, columns[i], contract.columns[name][columns[i]]))
  end
  return ('{"%s":{%s}}'):format(name, table.concat(list, ","))
end

local function helicone_node(rng, depth)
  if depth == 0 or rng.chance(30) then return helicone_leaf(rng) end
  return ('{"left":%s,"operator":"%s","right":%s}'):format(helicone_node(rng, depth - 1), rng.pick { "and", "or" },
    helicone_node(rng, depth - 1))
end

function sources.helicone(rng)
  if rng.chance(1) then return rng.pick { '"all"', "{}" } end
  return helicone_node(rng, rng.pick { 0, 0, 1, 1, 2, 3 })
end

--- The dialects that there are sources of.
sources.dialects = { "where", "helicone" }

return sources
