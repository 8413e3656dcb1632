--- Fields as values: `f.latency_ms:gt(2000)`, `f.properties.env:eq "prod"`, `f.session.total_cost_usd`.
local core = require "sessionquery.core"

--- A field that can be compared. Comparisons give filters.
---@class sessionquery.Field
---@field package _name string canonical name
---@field package _key string? member of a map
local Field = {}
Field.__index = Field

--- A map: index it by a key, or call it with one that is also a method's name.
---@class sessionquery.Map
local Map = {}

local function compare(field, operator, values)
  local filter, message = core.compare(rawget(field, "_name"), rawget(field, "_key"), operator, values)
  if not filter then error(message, 3) end
  return filter
end

local function one_value(operator)
  return function(self, value)
    if value == nil then
      error(("%s: nil is no value; sq.null asks for absence, as :absent() does"):format(operator), 2)
    end
    return (compare(self, operator, { value }))
  end
end

--- Values: text, numbers, booleans, for times RFC 3339 text or seconds, sq.null with eq and ne.
---@type fun(self: sessionquery.Field, value: any): sessionquery.Filter
Field.eq = one_value "eq"
---@type fun(self: sessionquery.Field, value: any): sessionquery.Filter
Field.ne = one_value "ne"
---@type fun(self: sessionquery.Field, value: any): sessionquery.Filter
Field.gt = one_value "gt"
---@type fun(self: sessionquery.Field, value: any): sessionquery.Filter
Field.gte = one_value "gte"
---@type fun(self: sessionquery.Field, value: any): sessionquery.Filter
Field.lt = one_value "lt"
---@type fun(self: sessionquery.Field, value: any): sessionquery.Filter
Field.lte = one_value "lte"
--- `%` any run, `_` one character, `\` before these and itself.
---@type fun(self: sessionquery.Field, pattern: string): sessionquery.Filter
Field.like = one_value "like"
--- As like, case-insensitive.
---@type fun(self: sessionquery.Field, pattern: string): sessionquery.Filter
Field.ilike = one_value "ilike"
--- Substring, case-insensitive, no wildcards.
---@type fun(self: sessionquery.Field, text: string): sessionquery.Filter
Field.contains = one_value "contains"
--- A list has this element; a map has this key.
---@type fun(self: sessionquery.Field, text: string): sessionquery.Filter
Field.has = one_value "has"

--- Both ends included.
---@param low any
---@param high any
---@return sessionquery.Filter
function Field:between(low, high)
  if low == nil or high == nil then error("between: two values, a lower and an upper end", 2) end
  return (compare(self, "between", { low, high }))
end

--- One of a list of values.
---@param values any[]
---@return sessionquery.Filter
function Field:among(values)
  if type(values) ~= "table" then error("among: expected a list of values, got " .. type(values), 2) end
  return (compare(self, "among", values))
end

---@return sessionquery.Filter
function Field:present() return (compare(self, "present", {})) end

---@return sessionquery.Filter
function Field:absent() return (compare(self, "absent", {})) end

function Field:__tostring()
  local name, key = rawget(self, "_name"), rawget(self, "_key")
  return key and ("%s.%q"):format(name, key) or name
end

local function make(name, key) return setmetatable({ _name = name, _key = key }, Field) end

local map_methods = { has = Field.has, present = Field.present, absent = Field.absent }

function Map.__index(map, key)
  if map_methods[key] then return map_methods[key] end
  if type(key) ~= "string" then error("a map's key is text, not a " .. type(key), 2) end
  return make(rawget(map, "_name"), key)
end

function Map.__call(map, key)
  if type(key) ~= "string" then error("a map's key is text, not a " .. type(key), 2) end
  return make(rawget(map, "_name"), key)
end

Map.__tostring = Field.__tostring

local function namespace(prefix)
  local known = {}
  return setmetatable({}, {
    __index = function(_, name)
      if known[name] then return known[name] end
      if type(name) ~= "string" then error("a field's name is text, not a " .. type(name), 2) end
      local row, message = core.field(prefix .. name)
      if not row then error(message, 2) end
      local field = row.type == "map" and setmetatable({ _name = row.name }, Map) or make(row.name)
      known[name] = field
      return field
    end,
    __newindex = function() error("fields cannot be set", 2) end,
  })
end

local session, entry = namespace "session.", namespace "entry."
local request = namespace ""

--- `sq.field`: by name, with `session` and `entry` holding the fields of these.
return setmetatable({}, {
  __index = function(_, name)
    if name == "session" then return session end
    if name == "entry" then return entry end
    local ok, field = pcall(function() return request[name] end)
    if not ok then error((tostring(field):gsub("^.-:%d+: ", "")), 2) end
    return field
  end,
  __newindex = function() error("fields cannot be set", 2) end,
})
