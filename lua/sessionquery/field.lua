--- Fields as values: `f.latency_ms:gt(2000)`, `f.properties.env:eq "prod"`, `f.session.total_cost_usd`.
local check = require "sessionquery.check"
local core = require "sessionquery.core"

--- A field that can be compared. Comparisons give filters. It cannot be changed.
---@class sessionquery.Field
local Field = {}
Field.__index = Field

--- A map: index it by a key, or call it with one that is also a method's name.
---@class sessionquery.Map
---@field has fun(self: sessionquery.Map, key: string): sessionquery.Filter
---@field present fun(self: sessionquery.Map): sessionquery.Filter
---@field absent fun(self: sessionquery.Map): sessionquery.Filter
---@field [string] sessionquery.Field
---@overload fun(key: string): sessionquery.Field
local Map = {}

-- What a field or map is: its canonical name, and the member of a map. Kept apart, so that a map has no key
-- that cannot be asked, and nobody renames a field that all share.
local names = setmetatable({}, { __mode = "k" })
local keys = setmetatable({}, { __mode = "k" })

local function compare(field, operator, values)
  if not names[field] then error(("%s: expected a field (call it as field:%s(…))"):format(operator, operator), 3) end
  local filter, message = core.compare(names[field], keys[field], operator, values)
  if not filter then error(message, 3) end
  return filter
end

local function one_value(operator)
  return function(self, value, ...)
    if select("#", ...) > 0 then error(operator .. ": expected one value", 2) end
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
--- Its words stand in the text next to each other and in order, whatever their case and what lies between them.
---@type fun(self: sessionquery.Field, words: string): sessionquery.Filter
Field.phrase = one_value "phrase"
--- A list has this element; a map has this key.
---@type fun(self: sessionquery.Field, text: string): sessionquery.Filter
Field.has = one_value "has"

--- Both ends included.
---@param low any
---@param high any
---@return sessionquery.Filter
function Field:between(low, high, ...)
  if select("#", ...) > 0 then error("between: expected two values", 2) end
  if low == nil or high == nil then error("between: two values, a lower and an upper end", 2) end
  return (compare(self, "between", { low, high }))
end

--- One of a list of values.
---@param values any[]
---@return sessionquery.Filter
function Field:among(values)
  check.list(values, "among")
  return (compare(self, "among", values))
end

--- It has a value; of a map or list, it is not empty.
---@return sessionquery.Filter
function Field:present() return (compare(self, "present", {})) end

--- It has none.
---@return sessionquery.Filter
function Field:absent() return (compare(self, "absent", {})) end

function Field:__tostring()
  local key = keys[self]
  return key and ("%s.%q"):format(names[self], key) or names[self]
end

function Field:__newindex() error(("the field %s cannot be changed"):format(tostring(self)), 2) end

--- `f.properties:eq(…)` asks for the key "eq" and calls it.
function Field:__call()
  local name = names[self]
  error(keys[self] and ("%s is a map: name one of its keys, as in f.%s.KEY"):format(name, name) or name .. " is no function", 2)
end

local function make(name, key, kind)
  local field = setmetatable({}, kind or Field)
  names[field], keys[field] = name, key
  return field
end

local map_methods = { has = Field.has, present = Field.present, absent = Field.absent }

local function member(map, key)
  if type(key) ~= "string" then error("a map's key is text, not a " .. type(key), 3) end
  return make(names[map], key)
end

function Map.__index(map, key) return map_methods[key] or member(map, key) end

function Map.__call(map, key)
  local field = member(map, key)
  return field
end

--- A body: text, and a document whose members are asked about by name. `field "like"` is the member with the name of
--- a method.
---@class sessionquery.Document: sessionquery.Field
---@field [string] sessionquery.Field
---@overload fun(key: string): sessionquery.Field
local Document = {}

local text_methods = {}
for name, method in pairs(Field) do
  if not name:find "^__" then text_methods[name] = method end
end

function Document.__index(document, key) return text_methods[key] or member(document, key) end

Document.__call = Map.__call
Document.__newindex = Field.__newindex
Document.__tostring = Field.__tostring

Map.__newindex = Field.__newindex
Map.__tostring = Field.__tostring

local function refuse_change() error("fields cannot be set", 2) end

local function namespace(prefix)
  local known = {}
  return setmetatable({}, {
    __index = function(_, name)
      if known[name] then return known[name] end
      if type(name) ~= "string" then error("a field's name is text, not a " .. type(name), 2) end
      local row, message = core.field(prefix .. name)
      if not row then error(message, 2) end
      known[name] = make(row.name, nil, row.type == "map" and Map or row.members and Document or Field)
      return known[name]
    end,
    __newindex = refuse_change,
  })
end

local session, entry = namespace "session.", namespace "entry."
local request = namespace ""

local fields = {}

--- `sq.field`: by name, with `session` and `entry` holding the fields of these.
---@class sessionquery.Fields
---@field session table<string, sessionquery.Field|sessionquery.Map>
---@field entry table<string, sessionquery.Field>
---@field properties sessionquery.Map
---@field scores sessionquery.Map
---@field extra sessionquery.Map
---@field request_body sessionquery.Document
---@field response_body sessionquery.Document
---@field [string] sessionquery.Field
fields.all = setmetatable({}, {
  __index = function(_, name)
    if name == "session" then return session end
    if name == "entry" then return entry end
    local ok, field = pcall(function() return request[name] end)
    if not ok then error((tostring(field):gsub("^.-:%d+: ", "")), 2) end
    return field
  end,
  __newindex = refuse_change,
})

--- "model", "properties.env", "properties" of a field or map; nil of anything else.
---@param field any
---@return string?
function fields.path(field)
  local key = keys[field]
  return key and names[field] .. "." .. key or names[field]
end

return fields
