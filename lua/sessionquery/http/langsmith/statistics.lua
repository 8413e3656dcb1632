--- What the runs of projects amount to. Each source below is one query over all projects in question, whatever their
--- number; it is asked only for the statistics that are wanted of it, and once.
local core = require "sessionquery.core"
local facets = require "sessionquery.http.langsmith.facets"
local filters = require "sessionquery.filter"
local sq = require "sessionquery"

local f = sq.field

local MANY = 10 -- projects, of which all feedback is read
local MOST_NAMED = 200 -- projects; more are not named in a query, which then runs over all there are

local statistics = {}

-- --------------------------------------------------------------------------------------------- what comes whence

local function seconds(milliseconds) return milliseconds / 1000 end

local function rate(row) return row.total_requests > 0 and row.errors / row.total_requests or nil end

--- Feedback as LangSmith shows it: avg is null where nothing was scored.
local function feedback(stats)
  local shown = {}
  for key, said in pairs(stats or {}) do shown[key] = { n = said.n, avg = said.avg or core.null, values = said.values or {} } end
  return shown
end

--- US dollars as plain decimal text, to the nano-dollar.
---@param dollars number
---@return string
function statistics.money(dollars)
  local whole, fraction = ("%.9f"):format(dollars):match "^(.-)%.(%d*)$"
  fraction = fraction:gsub("0+$", "")
  return fraction == "" and whole or whole .. "." .. fraction
end

--- By name: the source, the columns that it takes there, the value made of the row (default: the column's), and how it is
--- shown (default: as it is). `otherwise` is the value of a project without a row.
local known = {
  run_count = { "roots", { "total_requests" }, otherwise = 0 },
  latency_p50 = { "roots", { "latency_p50_ms" }, unit = seconds },
  latency_p99 = { "roots", { "latency_p99_ms" }, unit = seconds },
  first_token_p50 = { "roots", { "first_token_p50_ms" }, unit = seconds },
  first_token_p99 = { "roots", { "first_token_p99_ms" }, unit = seconds },
  last_run_start_time = { "roots", { "latest_request_created_at" }, show = sq.iso },
  error_rate = { "finished", { "errors", "total_requests" }, value = rate },
  streaming_rate = { "finished", { "streaming_rate" } },
  total_tokens = { "usage", { "total_tokens" } },
  prompt_tokens = { "usage", { "prompt_tokens" } },
  completion_tokens = { "usage", { "completion_tokens" } },
  total_cost = { "usage", { "total_cost_usd" }, show = statistics.money },
  prompt_cost = { "usage", { "prompt_cost_usd" }, show = statistics.money },
  completion_cost = { "usage", { "completion_cost_usd" }, show = statistics.money },
  feedback_stats = { "feedback", { "feedback_stats" }, value = function(row) return feedback(row.feedback_stats) end, otherwise = {} },
  session_feedback_stats = { "own", {}, value = function(row) return feedback(row.session_feedback_stats) end, otherwise = {} },
  run_facets = { "facets", {} },
  last_run_start_time_live = { "live", { "latest_request_created_at" }, show = sq.iso },
}

--- What stats_select may name: those that are answered, and the vendor's others, which say nothing here.
statistics.selectable = {}
for name in pairs(known) do
  if name ~= "last_run_start_time_live" then statistics.selectable[#statistics.selectable + 1] = name end
end
for name in ([[
  latency_avg median_tokens completion_tokens_p50 prompt_tokens_p50 tokens_p99 completion_tokens_p99 prompt_tokens_p99
  thread_feedback_stats cost_p50 cost_p99 all_run_stats all_token_stats group_count prompt_token_details
  completion_token_details prompt_cost_details completion_cost_details ]]):gmatch "%S+" do
  statistics.selectable[#statistics.selectable + 1] = name
end
table.sort(statistics.selectable)

--- The statistics that a project shows.
statistics.shown = {
  "run_count", "latency_p50", "latency_p99", "first_token_p50", "first_token_p99", "total_tokens", "prompt_tokens", "completion_tokens",
  "total_cost", "prompt_cost", "completion_cost", "last_run_start_time", "feedback_stats", "session_feedback_stats", "run_facets",
  "error_rate", "streaming_rate",
}

-- ---------------------------------------------------------------------------------------------------- computing

---@class sessionquery.http.langsmith.Statistics
---@field package _runs sessionquery.Filter[] which runs statistics run over
local Statistics = {}
Statistics.__index = Statistics

--- Begins with nothing computed.
---@param call table whose store is asked
---@param runs sessionquery.Filter[] which runs statistics run over
---@return sessionquery.http.langsmith.Statistics
function statistics.new(call, runs)
  return setmetatable({ _call = call, _runs = runs, _rows = {}, _asked = {} }, Statistics)
end

local ROOT = f.parent_id:absent()
local FINISHED = f.outcome:ne "pending"

--- What rows of a source must be, beside those of the statistics' filter.
local sources = {
  roots = { ROOT },
  finished = { ROOT, FINISHED },
  usage = {},
  live = { ROOT, of_all = true }, -- whatever the filter
}

--- Tells how many projects there are in all: where statistics of all of them are wanted, none has to be named.
---@param count integer
function Statistics:of_all(count) self._all = count end

--- The rows of these projects: those that are named, or all.
local function of_projects(self, projects)
  if #projects > MOST_NAMED or #projects == self._all then return nil end
  local names = {}
  for i, project in ipairs(projects) do names[i] = project.name end
  return f.project:among(names)
end

--- The conditions of a source's query; none: all rows.
local function conditions(self, source, projects)
  local list = {}
  for _, filter in ipairs(source) do list[#list + 1] = filter end
  if not source.of_all then
    for _, filter in ipairs(self._runs) do list[#list + 1] = filter end
  end
  list[#list + 1] = of_projects(self, projects)
  return list
end

--- Puts a row with its project. A handle of one organization does not say which.
local function by_project(projects)
  local found = {}
  for _, project in ipairs(projects) do
    found[project.organization_id .. "\0" .. project.name] = project
    found[project.name] = project
  end
  return function(organization, name) return found[organization and organization .. "\0" .. name or name] end
end

--- One query of groups: rows by project.
local function ask_groups(self, source, projects, columns)
  local list = conditions(self, source, projects)
  local rows, message, detail = self._call.db:group_by("project"):select(columns):where(sq.all(list)):all()
  if not rows then return nil, message, detail end
  local found, of = {}, by_project(projects)
  for _, row in ipairs(rows) do
    local project = of(row.organization_id, row.project)
    if project then found[project] = row end
  end
  return found
end

--- Feedback summed up by project, in rows as the others: on projects as a whole, or on all their runs.
local function read_feedback(self, projects, column, of_runs)
  local only = #projects == 1 and { organization = projects[1].organization_id, project = projects[1].name }
  local text, message, detail = self._call.core:project_feedback(only or {}, of_runs)
  if not text then return nil, message, detail end
  local found, of = {}, by_project(projects)
  for _, row in ipairs((assert(core.decode(text)))) do
    local project = of(row[1], row[2])
    if project then found[project] = { [column] = row[3] } end
  end
  return found
end

local function ask_own(self, projects)
  local found, message, detail = read_feedback(self, projects, "session_feedback_stats", false)
  return found, message, detail
end

--- Of all runs of many projects, from the feedback, which is less than runs; else run by run.
local function ask_feedback(self, projects, columns)
  local found, message, detail
  if #self._runs == 0 and #projects >= MANY then
    found, message, detail = read_feedback(self, projects, "feedback_stats", true)
  else
    found, message, detail = ask_groups(self, {}, projects, columns)
  end
  return found, message, detail
end

local function ask_facets(self, projects)
  local found, message, detail = facets.of(self._call, projects, sq.all(conditions(self, {}, projects)), by_project(projects))
  return found, message, detail
end

local apart = { own = ask_own, feedback = ask_feedback, facets = ask_facets }

--- Computes statistics of projects, those of which are not there yet. Once asked, a source is not asked again: the first
--- to ask names all projects of which the others' are some.
---@param names string[]
---@param projects table[]
---@return true? done
---@return string? message
---@return table? detail
function Statistics:compute(names, projects)
  local columns, order = {}, {}
  for _, name in ipairs(names) do
    local source = known[name][1]
    if not columns[source] then
      columns[source] = {}
      order[#order + 1] = source
    end
    for _, column in ipairs(known[name][2]) do table.insert(columns[source], column) end
  end
  for _, source in ipairs(order) do
    local asked = source .. " " .. table.concat(columns[source], " ")
    if not self._asked[asked] and #projects > 0 then
      local rows, message, detail
      if apart[source] then
        rows, message, detail = apart[source](self, projects, columns[source])
      else
        rows, message, detail = ask_groups(self, sources[source], projects, columns[source])
      end
      if not rows then return nil, message, detail end
      local of_source = self._rows[source] or {}
      self._rows[source] = of_source
      for project, row in pairs(rows) do
        local whole = of_source[project] or {}
        of_source[project] = whole
        for column, value in pairs(row) do whole[column] = value end
      end
      self._asked[asked] = true
    end
  end
  return true
end

--- A computed statistic as a number or text to compare; nil where there is none.
---@param name string
---@param project table
---@return any
function Statistics:value(name, project)
  local statistic = known[name]
  local row = (self._rows[statistic[1]] or {})[project]
  if not row then return statistic.otherwise end
  if statistic.value then return statistic.value(row) end
  local value = row[statistic[2][1] or name]
  if value ~= nil and statistic.unit then value = statistic.unit(value) end
  return value
end

--- The same as the answer has it: null where there is none.
---@param name string
---@param project table
---@return any
function Statistics:show(name, project)
  local value, show = self:value(name, project), known[name].show
  if value == nil then return core.null end
  return show and show(value) or value
end

--- Mean score of a key of feedback.
---@param key string
---@param of "run"|"session"
---@param project table
---@return number?
function Statistics:score(key, of, project)
  local said = self:value(of == "session" and "session_feedback_stats" or "feedback_stats", project)[key]
  if said and said.avg ~= core.null then return said.avg end
end

--- The filters that say which runs statistics run over.
---@param since string? RFC 3339
---@param source string? in LangSmith's language of runs
---@return sessionquery.Filter[]? filters
---@return string? message
---@return table? detail
function statistics.runs(since, source)
  local list = {}
  if since then list[1] = f.created_at:gte(since) end
  if source then
    local filter, message, detail = filters.compile("langsmith", source)
    if not filter then return nil, message, detail end
    list[#list + 1] = filter
  end
  return list
end

return statistics
