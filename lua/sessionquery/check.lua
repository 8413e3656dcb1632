--- Checks of arguments: a caller's mistake raises at the caller's line.
local core = require "sessionquery.core"

local check = {}

--- How far a public function is above the check: its own caller is where the mistake is.
local CALLER = 3

local hints = { cdata = " (an int64 is given as tonumber(x), or as text)" }

--- An argument of one of these types: Lua's type names, and "id", which is text without a NUL byte.
---@param value any
---@param wanted string type names, divided by "|"
---@param what string the argument, as the message names it
---@param more? integer further levels between
function check.type(value, wanted, what, more)
  local found = type(value)
  for name in wanted:gmatch "[^|]+" do
    if name == found then return value end
    if name == "id" and found == "string" then
      if not value:find("\0", 1, true) then return value end
      error(what .. " holds a NUL byte", CALLER + (more or 0))
    end
  end
  local names = wanted:gsub("|", " or "):gsub("id", "string")
  error(("%s: expected %s, got %s%s"):format(what, names, found, hints[found] or ""), CALLER + (more or 0))
end

--- A whole number from `least` to `most`.
---@param value any
---@param least integer
---@param most? integer
---@param what string
---@param more? integer
function check.whole(value, least, most, what, more)
  local is_number = type(value) == "number"
  if is_number and value == math.floor(value) and value >= least and value <= (most or 2 ^ 53) then return value end
  local range = most and ("from %d to %d"):format(least, most) or ("from %d"):format(least)
  local got = is_number and tostring(value) or "a " .. type(value) .. (hints[type(value)] or "")
  error(("%s: expected a whole number %s, got %s"):format(what, range, got), CALLER + (more or 0))
end

--- One of some words.
---@param value any
---@param choices string[] two or more
---@param what string
---@param more? integer
function check.choice(value, choices, what, more)
  for _, choice in ipairs(choices) do
    if value == choice then return value end
  end
  local names = table.concat(choices, ", ", 1, #choices - 1) .. " or " .. choices[#choices]
  error(("%s is %s, not '%s'"):format(what, names, tostring(value)), CALLER + (more or 0))
end

--- A list: a table whose keys are 1 to n and no others. Metamethods are not asked. Gives n.
---@param value any
---@param what string
---@param more? integer
---@return integer
function check.list(value, what, more)
  more = more or 0
  if type(value) ~= "table" then error(("%s: expected a list, got %s"):format(what, type(value)), CALLER + more) end
  local count, last = 0, 0
  for key in next, value do
    if type(key) ~= "number" or key ~= math.floor(key) or key < 1 then
      error(("%s: expected a list, got a table with the key %s"):format(what, tostring(key)), CALLER + more)
    end
    count, last = count + 1, math.max(last, key)
  end
  if count ~= last then
    error(("%s: expected a list, got a table with %d of the keys 1 to %d"):format(what, count, last), CALLER + more)
  end
  return count
end

--- A Lua value as JSON text; nil, message and detail when data cannot be written. An int64 of LuaJIT's, which
--- is the caller's mistake, raises.
---@param value any
---@param what string
---@param more? integer
---@param strict? boolean text must be UTF-8 without NUL; otherwise it is repaired where it is recorded
---@return string?
---@return string? message
---@return table? detail
function check.json(value, what, more, strict)
  local text, message, detail = core.encode(value, strict)
  if text then return text end
  if detail.code == "cdata" then error(what .. ": " .. message, CALLER + (more or 0)) end
  return nil, message, detail
end

--- ", did you mean 'NAME'?" for the known name nearest to a wrong one, or "".
---@param name string
---@param known table<string, any>
function check.hint(name, known)
  local names = {}
  for candidate in pairs(known) do names[#names + 1] = tostring(candidate) end
  table.sort(names)
  local near = core.nearest(name, names)
  return near and (", did you mean '%s'?"):format(near) or ""
end

--- A table whose keys are all known; each known name has its type names.
---@param options table?
---@param known table<string, string>
---@param what string
---@param more? integer
function check.options(options, known, what, more)
  if options == nil then return {} end
  more = more or 0
  check.type(options, "table", what, more + 1)
  for name, value in pairs(options) do
    local wanted = known[name]
    if not wanted then
      error(("%s: unknown option '%s'%s"):format(what, tostring(name), check.hint(tostring(name), known)), CALLER + more)
    end
    check.type(value, wanted, ("%s: %s"):format(what, name), more + 1)
  end
  return options
end

return check
