--- Freeplay's search API as an HTTP client sees it, whoever serves; `start` is as in http_cases.lua.
local client = require "spec.support.freeplay_http_cases.client"

local cases = { prefix = client.prefix }

--- The cases, with what busted gives to a spec file: { describe =, it =, setup =, teardown = }.
function cases.describe(start, busted)
  for _, part in ipairs { "items", "refusals", "projects", "children", "contents" } do
    require("spec.support.freeplay_http_cases." .. part)(start, busted)
  end
end

return cases
