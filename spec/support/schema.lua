--- JSON Schema, as much of it as the vendors' contracts use: type, enum, const, properties, required, additionalProperties,
--- items, minItems, maxItems, minimum, maximum, minLength, maxLength, pattern (a Lua pattern), format (uuid, date-time),
--- anyOf, oneOf, allOf, $ref into the document. A keyword that is not known is an error: it would prove nothing.
local core = require "sessionquery.core"

local schema = {}

local function is_object(value) return type(value) == "table" and core.encode(value):sub(1, 1) == "{" end

local types = {
  ["null"] = function(value) return value == core.null end,
  boolean = function(value) return type(value) == "boolean" end,
  string = function(value) return type(value) == "string" end,
  number = function(value) return type(value) == "number" end,
  integer = function(value) return type(value) == "number" and value == math.floor(value) end,
  object = is_object,
  array = function(value) return type(value) == "table" and not is_object(value) end,
}

local formats = {
  uuid = function(text) return text:find "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$" end,
  ["date-time"] = function(text)
    return text:find "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.?%d*Z$" or text:find "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.?%d*[+-]%d%d:%d%d$"
  end,
}

local function list_of(value) return type(value) == "table" and value or { value } end

local check

--- Which of several schemas hold.
local function count(document, options, value, where)
  local holding, last = 0, nil
  for _, option in ipairs(options) do
    local wrong = check(document, option, value, where)
    if not wrong then holding = holding + 1 end
    last = wrong or last
  end
  return holding, last
end

--- By keyword: what is wrong with a value (nil: nothing), given what stands behind the keyword and the whole schema.
local keywords = {}

function keywords.type(_, wanted, value, where)
  for _, name in ipairs(list_of(wanted)) do
    if assert(types[name], name)(value) then return nil end
  end
  return ("%s is %s, not %s"):format(where, core.encode(value), table.concat(list_of(wanted), " or "))
end

function keywords.enum(_, options, value, where)
  for _, option in ipairs(options) do
    if option == value then return nil end
  end
  return ("%s is %s, none of those that it may be"):format(where, core.encode(value))
end

function keywords.const(_, wanted, value, where)
  if value ~= wanted then return ("%s is %s, not %s"):format(where, core.encode(value), core.encode(wanted)) end
end

function keywords.required(_, names, value, where)
  for _, name in ipairs(is_object(value) and names or {}) do
    if value[name] == nil then return ("%s has no '%s'"):format(where, name) end
  end
end

function keywords.properties(document, properties, value, where)
  for name, wanted in pairs(is_object(value) and properties or {}) do
    if value[name] ~= nil then
      local wrong = check(document, wanted, value[name], where .. "/" .. name)
      if wrong then return wrong end
    end
  end
end

function keywords.additionalProperties(document, wanted, value, where, whole)
  for name, member in pairs(is_object(value) and value or {}) do
    if not (whole.properties and whole.properties[name] ~= nil) then
      if wanted == false then return ("%s has '%s', which is not known"):format(where, name) end
      local wrong = wanted ~= true and check(document, wanted, member, where .. "/" .. name)
      if wrong then return wrong end
    end
  end
end

function keywords.items(document, wanted, value, where)
  for i, item in ipairs(types.array(value) and value or {}) do
    local wrong = check(document, wanted, item, where .. "/" .. i - 1)
    if wrong then return wrong end
  end
end

--- A bound of a number, or of a length.
local function bound(measure, holds)
  return function(_, limit, value, where)
    local size = measure(value)
    if size and not holds(size, limit) then return ("%s is %s, beyond %s"):format(where, core.encode(value), limit) end
  end
end

local function number_of(value) return type(value) == "number" and value end
local function length_of(value) return type(value) == "string" and #value:gsub("[\128-\191]", "") end
local function size_of(value) return types.array(value) and #value end
local function at_least(size, limit) return size >= limit end
local function at_most(size, limit) return size <= limit end

keywords.minimum, keywords.maximum = bound(number_of, at_least), bound(number_of, at_most)
keywords.minLength, keywords.maxLength = bound(length_of, at_least), bound(length_of, at_most)
keywords.minItems, keywords.maxItems = bound(size_of, at_least), bound(size_of, at_most)

function keywords.pattern(_, pattern, value, where)
  if type(value) == "string" and not value:find(pattern) then return ("%s is %s, not like %s"):format(where, core.encode(value), pattern) end
end

function keywords.format(_, name, value, where)
  if type(value) == "string" and not assert(formats[name], name)(value) then return ("%s is %s, no %s"):format(where, core.encode(value), name) end
end

function keywords.anyOf(document, options, value, where)
  local holding, last = count(document, options, value, where)
  if holding == 0 then return last end
end

function keywords.oneOf(document, options, value, where)
  local holding, last = count(document, options, value, where)
  if holding ~= 1 then return holding == 0 and last or ("%s is of %d kinds"):format(where, holding) end
end

function keywords.allOf(document, parts, value, where)
  local _, last = count(document, parts, value, where)
  return last
end

keywords["$ref"] = function(document, reference, value, where)
  local target = document
  for name in reference:match("^#(.*)$"):gmatch "[^/]+" do target = assert(target[name], reference) end
  return check(document, target, value, where)
end

local says_nothing = { title = true, description = true, default = true, example = true, examples = true, ["$defs"] = true, components = true }

function check(document, wanted, value, where)
  if wanted == true then return nil end
  for name, argument in pairs(wanted) do
    if not says_nothing[name] then
      local wrong = assert(keywords[name], "unknown keyword " .. name)(document, argument, value, where, wanted)
      if wrong then return wrong end
    end
  end
end

--- What is wrong with a decoded JSON value (core.null for null); nil: nothing.
---@param document table the schema
---@param value any
---@return string?
function schema.check(document, value) return (check(document, document, value, "#")) end

return schema
