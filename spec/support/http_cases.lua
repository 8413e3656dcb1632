--- What an HTTP client sees, whoever serves: cases for a function that sends a request. `start(options)` gives
--- { send = function(request) → { status =, headers = by lower-case name, body = }, db = a handle on the same store,
--- close = function }. Options: those of http.app that concern what is answered (cors, organization, project, max_body).
--- A request is { method =, path = still encoded, query =, headers =, body = }; the prefix is `cases.prefix`.
local client = require "spec.support.http_cases.client"

local cases = { prefix = client.prefix }

--- Describes all cases.
---@param start fun(options: table): table
---@param busted table with describe, it, setup and teardown, which busted gives to spec files only
function cases.describe(start, busted)
  for _, part in ipairs { "endpoints", "errors", "protocol", "tenants" } do require("spec.support.http_cases." .. part)(start, busted) end
end

return cases
