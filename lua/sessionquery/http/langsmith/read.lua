--- Reads the members of a JSON body, or the arguments of a query string, one by one, and gathers what is wrong with them
--- as FastAPI tells it. What nobody has asked for is wrong too: nothing that a client says is passed over in silence.
local check = require "sessionquery.check"
local core = require "sessionquery.core"
local json = require "sessionquery.http.json"
local parameters = require "sessionquery.http.langsmith.parameters"

local kinds = parameters.kinds

local read = {}

---@class sessionquery.langsmith.Reader
---@field faults table[]
---@field text fun(self, name: string): string?
---@field texts fun(self, name: string): string[]?
---@field uuid fun(self, name: string): string?
---@field uuids fun(self, name: string): string[]?
---@field boolean fun(self, name: string): boolean?
---@field object fun(self, name: string): table?
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
  if not json.is_object(value) then
    return nil, call:refuse(422, "an object is wanted", { loc = { "body" }, type = "dict_type" })
  end
  return new(value, { "body" }, false)
end

--- The arguments of a call.
---@param call table
---@return sessionquery.langsmith.Reader
function read.arguments(call) return new(call.arguments, { "query" }, true) end

--- A UUID in lower case; nil where the text is none.
---@param text any
---@return string?
function read.to_uuid(text) return (kinds.uuid(text)) end

--- A time in seconds; nil where it is none.
---@param value any
---@return number?
function read.to_seconds(value)
  local text = kinds.time(value)
  return text and core.seconds(text) or nil
end

--- Whether a member is wrong already: of a list, one of its values.
local function is_told(faults, loc)
  for _, fault in ipairs(faults) do
    local same = true
    for i, part in ipairs(loc) do same = same and fault.loc[i] == part end
    if same then return true end
  end
  return false
end

--- Notes what is wrong with a member. One that is there but wrong reads as nil: it is not missing too.
---@param name string|string[]
---@param message string
---@param kind? string
function Reader:fault(name, message, kind)
  local loc = {}
  for i, part in ipairs(self._place) do loc[i] = part end
  for _, part in ipairs(type(name) == "table" and name or { name }) do loc[#loc + 1] = part end
  if kind == "missing" and is_told(self.faults, loc) then return end
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

--- Makes a method that reads one value of a kind.
local function one(kind)
  return function(self, name, parameter)
    local value = self:raw(name)
    if value == nil then return nil end
    local result, message, type_of_fault = kinds[kind](value, parameter or {})
    if result == nil then self:fault(name, message, type_of_fault) end
    return result
  end
end

--- The same of a list: of one value too, as clients leave the brackets away.
local function many(kind)
  return function(self, name, parameter)
    self._asked[name] = true
    local value = self._values[name]
    if value == nil or value == core.null then return nil end
    if not json.is_list(value) then value = { value } end
    local list = {}
    for i, item in ipairs(value) do
      local result, message, type_of_fault = kinds[kind](item, parameter or {})
      if result == nil then
        self:fault({ name, i - 1 }, message, type_of_fault)
        return nil
      end
      list[i] = result
    end
    return list
  end
end

Reader.text, Reader.texts = one "text", many "text"
Reader.uuid, Reader.uuids = one "uuid", many "uuid"
Reader.boolean, Reader.object = one "boolean", one "object"

local integer, enum, time = one "integer", one "enum", one "time"

--- A whole number from `least` to `most`.
---@param name string
---@param least? integer
---@param most? integer
---@return integer?
function Reader:integer(name, least, most) return (integer(self, name, { least = least, most = most })) end

--- One of the names of a list; nil where it is absent.
---@param name string
---@param options string[]
---@return string?
function Reader:choice(name, options) return (enum(self, name, { options = options })) end

--- A time in seconds.
---@param name string
---@return number?
function Reader:time(name)
  local text = time(self, name)
  return text and core.seconds(text) or nil
end

--- Names of a set, as a list; nil where there is none.
---@param name string
---@param known table<string, any>
---@return string[]?
function Reader:names(name, known)
  local list = self:texts(name)
  for i, value in ipairs(list or {}) do
    if not known[value] then self:fault({ name, i - 1 }, ("unknown name '%s'%s"):format(value, check.hint(value, known)), "enum") end
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
