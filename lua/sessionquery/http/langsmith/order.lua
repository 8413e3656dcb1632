--- The order of projects: by a column of their own or a statistic, what is absent last, ties by id.
local order = {}

--- By the parameter's value, which statistic it is; of others the project's own member.
local statistic_of = {
  last_run_start_time = "last_run_start_time", latency_p50 = "latency_p50", latency_p99 = "latency_p99",
  error_rate = "error_rate", runs_count = "run_count",
}
local member_of = { name = "name", start_time = "started_at" }

--- What can be ordered by, as the contract lists it.
order.options = { "name", "start_time", "last_run_start_time", "latency_p50", "latency_p99", "error_rate", "feedback", "runs_count" }

--- The statistics that an order needs.
---@param wanted table values of the parameters
---@return string[]
function order.statistics(wanted)
  if wanted.sort_by == "feedback" then
    return { wanted.sort_by_feedback_source == "session" and "session_feedback_stats" or "feedback_stats" }
  end
  return { statistic_of[wanted.sort_by] }
end

local function value_of(project, wanted, computed)
  local by = wanted.sort_by
  if by == "feedback" then return computed:score(wanted.sort_by_feedback_key, wanted.sort_by_feedback_source or "run", project) end
  if member_of[by] then return project[member_of[by]] end
  return computed:value(statistic_of[by], project)
end

--- Sorts the projects.
---@param projects table[]
---@param wanted table values of the parameters
---@param computed sessionquery.http.langsmith.Statistics with what the order needs
function order.sort(projects, wanted, computed)
  local values = {}
  for _, project in ipairs(projects) do values[project] = value_of(project, wanted, computed) end
  table.sort(projects, function(a, b)
    local x, y = values[a], values[b]
    if x == y then return a.id < b.id end
    if x == nil or y == nil then return y == nil end
    if wanted.sort_by_desc then return x > y end
    return x < y
  end)
end

return order
