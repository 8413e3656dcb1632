--- The query string of a request: names and values, each decoded once.
local core = require "sessionquery.core"

local arguments = {}

local MOST = 1000

--- What an encoded name or value says; nil and why when it says nothing.
local function decode(text)
  if text:gsub("%%%x%x", ""):find("%", 1, true) then return nil, "a percent sign without two hexadecimal digits" end
  local decoded = text:gsub("+", " "):gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end)
  if decoded:find("\0", 1, true) then return nil, "U+0000" end
  if not core.encode(decoded, true) then return nil, "invalid UTF-8" end
  return decoded
end

--- The values of each name, in the order in which they came; a name without "=" has the value "".
---@param query string? as it came, without the question mark
---@return table<string, string[]>? arguments nil when something is wrong with it
---@return string? message
function arguments.read(query)
  local found, count = {}, 0
  for part in (query or ""):gmatch "[^&]+" do
    count = count + 1
    if count > MOST then return nil, ("the query string: more than %d values"):format(MOST) end
    local name, why = decode(part:match "^[^=]*")
    local value
    if name then value, why = decode(part:match "=(.*)$" or "") end
    if not value then return nil, ("the query string: %s in '%s'"):format(why, part:sub(1, 40):gsub("[^ -~]", "?")) end
    local values = found[name] or {}
    values[#values + 1] = value
    found[name] = values
  end
  return found
end

return arguments
