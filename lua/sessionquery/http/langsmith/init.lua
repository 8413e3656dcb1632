--- LangSmith's API, as far as its own client (npm `langsmith`) needs it: projects, runs, feedback. All of it stands under
--- `/` and under `/api/v1`, since clients are configured with either.
---
--- What the client of 0.10.11 sends, and what it takes of the answer (any 2xx is success; 408, 425, 429, 500, 502, 503, 504
--- are sent again, four times; the JSON is never compressed):
---
---     before its first batch       GET /info                      batch_ingest_config.size_limit, .size_limit_bytes
---     createRun, updateRun         POST /runs, PATCH /runs/{id}   nothing; without trace_id and dotted_order one by one,
---     traceable, RunTree           POST /runs/batch               else in batches, an update merged into its run where
---                                                                 both wait; POST /runs/multipart where it saw no /info
---     readRun                      GET /runs/{id}                 the run; its children by POST /runs/query {trace}
---     getRunUrl                    GET /runs/{id}                 app_path
---     listRuns, listThreads,       POST /runs/query               {runs, cursors: {next}}, again with {cursor} until
---     readThread                                                  next is null
---     runs.query, runs.retrieve    POST /api/v2/runs/query, …     {items, next_cursor}; "" ends it
---     getRunStats                  POST /runs/stats               the object
---     listGroupRuns                POST /runs/group               {groups, total}, by offset
---     createFeedback               GET /info, POST /feedback      nothing: it makes the id itself
---     readFeedback, updateFeedback, deleteFeedback                GET, PATCH, DELETE /feedback/{id}
---     listFeedback                 GET /feedback?run=…&offset=…   a list; one of less than 100 ends it
---     createProject, readProject, hasProject, listProjects, updateProject, deleteProject: see projects.lua
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

local at = {} -- routes by path: one path's methods may be of several parts

local function take(routes)
  for _, given in ipairs(routes or {}) do
    local known = at[given[1]]
    if not known then
      known = {}
      at[given[1]] = known
      langsmith.routes[#langsmith.routes + 1] = known
    end
    for name, value in pairs(given) do known[name] = value end
  end
end

--- Takes in routes that stand under both prefixes, and those that say themselves where they stand.
local function join(part)
  take(part.routes)
  for _, given in ipairs(part.routes) do
    local prefixed = {}
    for name, value in pairs(given) do prefixed[name] = value end
    prefixed[1] = "api/v1/" .. given[1]
    take { prefixed }
  end
  take(part.own_routes)
end

join(require "sessionquery.http.langsmith.projects")
join(require "sessionquery.http.langsmith.info")
join(require "sessionquery.http.langsmith.ingest")
join(require "sessionquery.http.langsmith.query")
join(require "sessionquery.http.langsmith.run_stats")
join(require "sessionquery.http.langsmith.threads")
join(require "sessionquery.http.langsmith.feedback")

return langsmith
