--- A project as LangSmith's answers show it; it calls it a session.
local core = require "sessionquery.core"
local json = require "sessionquery.http.json"
local sq = require "sessionquery"
local statistics = require "sessionquery.http.langsmith.statistics"

local session = {}

local function time_or_null(value) return value and sq.iso(value) or core.null end

--- When it began: as given, else with its first run, else when it was made.
---@param project table
---@return number seconds
function session.started_at(project) return project.start_time or project.first_request_at or project.created_at end

--- Without statistics, but for the time of its newest root run.
---@param project table
---@param computed sessionquery.http.langsmith.Statistics with last_run_start_time_live
---@return table
function session.bare(project, computed)
  return {
    id = project.id,
    tenant_id = core.tenant_id(project.organization_id),
    name = project.name,
    start_time = sq.iso(session.started_at(project)),
    end_time = time_or_null(project.end_time),
    description = json.or_null(project.description),
    default_dataset_id = json.or_null(project.default_dataset_id),
    reference_dataset_id = json.or_null(project.reference_dataset_id),
    trace_tier = json.or_null(project.trace_tier),
    extra = project.extra or {},
    last_run_start_time_live = computed:show("last_run_start_time_live", project),
  }
end

--- With statistics: those that are selected, null for the others.
---@param project table
---@param computed sessionquery.http.langsmith.Statistics
---@param selected table<string, boolean>
---@param test_run_number integer?
---@return table
function session.whole(project, computed, selected, test_run_number)
  local shown = session.bare(project, computed)
  shown.test_run_number = json.or_null(test_run_number)
  for _, name in ipairs(statistics.shown) do
    shown[name] = selected[name] and computed:show(name, project) or core.null
  end
  return shown
end

return session
