--- Reads the members of a JSON body, or the arguments of a query string, one by one, and gathers what is wrong with them
--- as FastAPI tells it. What nobody has asked for is wrong too: nothing that a client says is passed over in silence.
local check = require "sessionquery.check"
local core = require "sessionquery.core"

local read = {}

---@class sessionquery.langsmith.Reader
---@field faults table[]
local Reader = {}
Reader.__index = Reader

local function new(values, place, of_query)
  return setmetatable({ _values = values, _place = place, _of_query = of_query, _asked = {}, faults = {} }, Reader)
end

--- The members of an object that is decoded already.
---@param members table
---@param place string[] where it stands: { "body" }
---@return sessionquery.langsmith.Reader
function read.members(members, place) return new(members, place, false) end

--- The body of a call as an object; nil and the answer where it is none.
---@param call table
---@return sessionquery.langsmith.Reader?
---@return integer? status
---@return string? body
function read.body(call)
  local value, message, detail = core.decode(call.body, true)
  if value == nil then return nil, call:fail(message, detail) end
  if not read.is_object(value) then
    return nil, call:refuse(422, "an object is wanted", { loc = { "body" }, type = "dict_type" })
  end
  return new(value, { "body" }, false)
end

--- The arguments of a call.
---@param call table
---@return sessionquery.langsmith.Reader
function read.arguments(call) return new(call.arguments, { "query" }, true) end

--- Whether a decoded value is an object. One that is empty is told from an empty list by what it is written as.
function read.is_object(value)
  return type(value) == "table" and value[1] == nil and (next(value) ~= nil or core.encode(value) == "{}")
end

function read.is_list(value)
  return type(value) == "table" and (value[1] ~= nil or (next(value) == nil and core.encode(value) == "[]"))
end

local HEX = "%x"
local UUID = "^" .. HEX:rep(8) .. "%-" .. HEX:rep(4) .. "%-" .. HEX:rep(4) .. "%-" .. HEX:rep(4) .. "%-" .. HEX:rep(12) .. "$"

--- A UUID in lower case; nil where the text is none.
---@param text any
---@return string?
function read.to_uuid(text) return type(text) == "string" and text:find(UUID) and text:lower() or nil end

-- Above it, a number is of milliseconds: as seconds it would be a day of the year 2603.
local MOST_SECONDS = 2e10

--- A time in seconds: of RFC 3339 text (without a zone it is UTC), or of a number of milliseconds or seconds. nil where it
--- is none.
---@param value any
---@return number?
function read.to_seconds(value)
  if type(value) == "number" then return math.abs(value) > MOST_SECONDS and value / 1000 or value end
  if type(value) ~= "string" then return nil end
  local seconds = core.seconds(value)
  return seconds
end

--- Notes what is wrong with a member.
---@param name string|string[]
---@param message string
---@param kind? string
function Reader:fault(name, message, kind)
  local loc = {}
  for i, part in ipairs(self._place) do loc[i] = part end
  for _, part in ipairs(type(name) == "table" and name or { name }) do loc[#loc + 1] = part end
  self.faults[#self.faults + 1] = { loc = loc, msg = message, type = kind or "value_error" }
end

--- A member as it came; nil where it is absent or null. Of an argument that stands several times, a list.
function Reader:raw(name)
  self._asked[name] = true
  local value = self._values[name]
  if value == nil or value == core.null then return nil end
  if self._of_query then
    if #value > 1 then
      self:fault(name, "stands twice")
      return nil
    end
    return value[1]
  end
  return value
end

--- Asks for members that are taken as they come, whatever they say.
---@param ... string
function Reader:accept(...)
  for i = 1, select("#", ...) do self._asked[select(i, ...)] = true end
end

--- Makes a method that reads one value: `convert` gives what a value says, or nil where it is not `what`.
local function one(what, kind, convert)
  return function(self, name, ...)
    local value = self:raw(name)
    if value == nil then return nil end
    local result = convert(value, self._of_query, ...)
    if result == nil then self:fault(name, what .. " is wanted", kind) end
    return result
  end
end

--- The same of a list: of one value too, as clients leave the brackets away.
local function many(what, kind, convert)
  return function(self, name, ...)
    self._asked[name] = true
    local value = self._values[name]
    if value == nil or value == core.null then return nil end
    if not read.is_list(value) then value = { value } end
    local list = {}
    for i, item in ipairs(value) do
      list[i] = convert(item, self._of_query, ...)
      if list[i] == nil then
        self:fault({ name, i - 1 }, what .. " is wanted", kind)
        return nil
      end
    end
    return list
  end
end

local function to_text(value) return type(value) == "string" and value or nil end

local booleans = { ["true"] = true, ["false"] = false, ["1"] = true, ["0"] = false }

local function to_boolean(value, of_query)
  if of_query then return booleans[value:lower()] end
  if type(value) == "boolean" then return value end
  return nil
end

local function to_integer(value, of_query, least, most)
  local number = value
  if of_query then number = value:find "^-?%d+$" and #value < 16 and tonumber(value) or nil end
  if type(number) ~= "number" or number ~= math.floor(number) then return nil end
  if (least and number < least) or (most and number > most) then return nil end
  return number
end

local function to_choice(value, _, choices) return type(value) == "string" and choices[value] and value or nil end

Reader.text = one("text", "string_type", to_text)
Reader.texts = many("text", "string_type", to_text)
Reader.boolean = one("true or false", "bool_parsing", to_boolean)
Reader.uuid = one("a UUID", "uuid_parsing", read.to_uuid)
Reader.uuids = many("a UUID", "uuid_parsing", read.to_uuid)
Reader.time = one("a time", "datetime_parsing", read.to_seconds)
Reader.object = one("an object", "dict_type", function(value) return read.is_object(value) and value or nil end)

--- A whole number from `least` to `most`.
---@param name string
---@param least? integer
---@param most? integer
---@return integer?
function Reader:integer(name, least, most)
  local value = self:raw(name)
  if value == nil then return nil end
  local number = to_integer(value, self._of_query, least, most)
  if number then return number end
  local range = most and (" from %d to %d"):format(least, most) or least and (" from %d"):format(least) or ""
  self:fault(name, ("a whole number%s is wanted"):format(range), "int_parsing")
end

local function names_of(choices)
  local names = {}
  for name in pairs(choices) do names[#names + 1] = name end
  table.sort(names)
  return table.concat(names, ", ")
end

--- One of the names of a set; nil where it is absent.
---@param name string
---@param choices table<string, any>
---@return string?
function Reader:choice(name, choices)
  local value = self:raw(name)
  if value == nil then return nil end
  if to_choice(value, nil, choices) then return value end
  self:fault(name, "one of these is wanted: " .. names_of(choices), "enum")
end

--- Names of a set, as a list; nil where there is none.
---@param name string
---@param choices table<string, any>
---@return string[]?
function Reader:choices(name, choices)
  local list = self:texts(name)
  for i, value in ipairs(list or {}) do
    if not choices[value] then
      self:fault({ name, i - 1 }, ("unknown name '%s'%s"):format(value, check.hint(value, choices)), "enum")
    end
  end
  return list
end

--- The answer to what was wrong, what nobody has asked for included; nil where all is right.
---@param call table
---@return integer? status
---@return string? body
function Reader:refusal(call)
  local unknown = {}
  for name in pairs(self._values) do
    if not self._asked[name] then unknown[#unknown + 1] = tostring(name) end
  end
  table.sort(unknown)
  for _, name in ipairs(unknown) do self:fault(name, "is not known here" .. check.hint(name, self._asked), "extra_forbidden") end
  if #self.faults == 0 then return nil end
  return call:refuse(422, self.faults[1].msg, { faults = self.faults })
end

return read
