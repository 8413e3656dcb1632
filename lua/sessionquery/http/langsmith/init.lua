--- LangSmith's API, as far as its own client (npm `langsmith`) needs it: projects, runs, feedback. All of it stands under
--- `/` and under `/api/v1`, since clients are configured with either.
local core = require "sessionquery.core"

local langsmith = { routes = {} }

--- What is wrong with a request, as FastAPI tells it, where it is a member or an argument: a list of places. Else one text.
---@param status integer
---@param message string
---@param detail? { faults?: table[], loc?: string[], type?: string }
---@return string
function langsmith.error(status, message, detail)
  local told = message
  if status == 422 then
    detail = detail or {}
    told = detail.faults or { { loc = detail.loc or { "body" }, msg = message, type = detail.type or "value_error" } }
  end
  return (assert(core.encode { detail = told }))
end

local first_segments = { sessions = true, runs = true, feedback = true, info = true }

--- Whether a path without a route is one that LangSmith's clients ask for.
---@param segments string[]
---@return boolean
function langsmith.owns(segments)
  if segments[1] ~= "api" then return first_segments[segments[1]] == true end
  return segments[2] == "v1" or (segments[2] == "v2" and first_segments[segments[3]] == true)
end

--- Takes in routes whose paths stand under both prefixes, and those that say where they stand.
local function join(part)
  for _, given in ipairs(part.routes) do
    local both = {}
    for name, value in pairs(given) do both[name] = value end
    both[1] = "api/v1/" .. given[1]
    langsmith.routes[#langsmith.routes + 1] = given
    langsmith.routes[#langsmith.routes + 1] = both
  end
  for _, given in ipairs(part.own_routes or {}) do langsmith.routes[#langsmith.routes + 1] = given end
end

join(require "sessionquery.http.langsmith.projects")
join(require "sessionquery.http.langsmith.info")
join(require "sessionquery.http.langsmith.feedback")

return langsmith
