--- The vendors whose APIs are answered. Each has routes, an envelope for errors, and knows whose envelope a path without a
--- route has: the first that wants it.
local path = require "sessionquery.http.path"

local vendors = {
  require "sessionquery.http.freeplay",
  require "sessionquery.http.langsmith",
  require "sessionquery.http.helicone", -- wants all that is nobody else's
}

--- Whose envelope a path has.
---@param segments string[]
---@return table vendor
function vendors.of(segments)
  for _, vendor in ipairs(vendors) do
    if vendor.owns(segments) then return vendor end
  end
end

--- The body of an answer that a server gives by itself, before an application is asked.
---@param raw string path, as it came
---@param prefix string? where the application is mounted
---@param status integer
---@param message string
---@return string
function vendors.refusal(raw, prefix, status, message)
  local segments, _, _, before = path.split(raw, prefix or "")
  return vendors.of(segments or before or {}).error(status, message)
end

return vendors
