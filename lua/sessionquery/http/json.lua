--- What a decoded JSON value is: Lua has one kind of table for objects and lists. An empty one is told by what it is
--- written as.
local core = require "sessionquery.core"

local json = {}

---@param value any
---@return boolean
function json.is_list(value)
  return type(value) == "table" and (value[1] ~= nil or (next(value) == nil and core.encode(value) == "[]"))
end

---@param value any
---@return boolean
function json.is_object(value) return type(value) == "table" and not json.is_list(value) end

--- A value to be written: JSON's null where there is none.
---@param value any
---@return any
function json.or_null(value)
  if value == nil then return core.null end
  return value
end

return json
