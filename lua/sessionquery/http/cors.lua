--- Which pages of other origins a browser lets read the answers: none, but for those that are named.
local check = require "sessionquery.check"

local cors = {}

local HEADERS = "Authorization, Content-Type, If-None-Match, X-API-Key, X-Tenant-Id"
local MAX_AGE_S = 600

--- The set of origins that an option names.
---@param option string|string[]|nil "https://…", a list of them, or "*"
---@return table<string, true>?
function cors.origins(option)
  if option == nil then return nil end
  local list = type(option) == "table" and option or { option }
  local set = {}
  for i = 1, check.list(list, "http.app: cors", 1) do
    local origin = list[i]
    if origin ~= "*" and not (type(origin) == "string" and origin:find "^%l[%l%d+.-]*://[^/%s]+$") then
      error(("http.app: cors: '%s' is no origin such as https://example.org"):format(tostring(origin)), 3)
    end
    set[origin] = true
  end
  return set
end

--- Whether a request of this origin may be read.
---@param origins table<string, true>?
---@param origin string?
function cors.allows(origins, origin) return origins and origin and (origins["*"] or origins[origin:lower()]) end

--- Adds what an answer tells the browser.
function cors.mark(origins, origin, headers)
  if not origins then return end
  headers["Vary"] = headers["Vary"] and headers["Vary"] .. ", Origin" or "Origin"
  if not cors.allows(origins, origin) then return end
  headers["Access-Control-Allow-Origin"] = origins["*"] and "*" or origin
  headers["Access-Control-Expose-Headers"] = "ETag, Retry-After, WWW-Authenticate"
end

--- Answers OPTIONS where other origins are let in: status and headers, 403 to an origin that is not
--- named; nil where it is a method like any other.
---@param methods string those of the route, "GET, HEAD, POST"
function cors.preflight(origins, headers, methods)
  if not origins then return nil end
  local asked = headers["access-control-request-method"]
  if not asked then return 204, { Allow = methods .. ", OPTIONS" } end
  if not cors.allows(origins, headers.origin) then return 403 end
  return 204, {
    Allow = methods .. ", OPTIONS",
    ["Access-Control-Allow-Methods"] = methods,
    ["Access-Control-Allow-Headers"] = HEADERS,
    ["Access-Control-Max-Age"] = ("%d"):format(MAX_AGE_S),
  }
end

return cors
