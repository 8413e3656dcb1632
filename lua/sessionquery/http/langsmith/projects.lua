--- LangSmith's projects, which its API calls sessions: listed with statistics, made, changed, deleted.
local conditions = require "sessionquery.http.langsmith.conditions"
local core = require "sessionquery.core"
local matching = require "sessionquery.http.langsmith.matching"
local order = require "sessionquery.http.langsmith.order"
local parameters = require "sessionquery.http.langsmith.parameters"
local session = require "sessionquery.http.langsmith.session"
local statistics = require "sessionquery.http.langsmith.statistics"

local projects = {}

-- -------------------------------------------------------------------------------------------- what may be said

local about_statistics = {
  { name = "include_stats", kind = "boolean", default = false },
  { name = "stats_select", kind = "enum", options = statistics.selectable, list = true },
  { name = "stats_start_time", kind = "time" },
  { name = "stats_filter", kind = "text" },
  { name = "use_approx_stats", kind = "boolean" }, -- exact anyway
  { name = "facets", kind = "boolean", default = false },
}

local of_list = {
  { name = "id", kind = "uuid", list = true },
  { name = "reference_dataset", kind = "uuid", list = true },
  { name = "tag_value_id", kind = "uuid", list = true },
  { name = "name", kind = "text" },
  { name = "name_contains", kind = "text" },
  { name = "reference_free", kind = "boolean" },
  { name = "dataset_version", kind = "text" },
  { name = "metadata", kind = "json_object" },
  { name = "filter", kind = "text" },
  { name = "sort_by", kind = "enum", options = order.options, default = "start_time" },
  { name = "sort_by_desc", kind = "boolean", default = true },
  { name = "sort_by_feedback_key", kind = "text" },
  { name = "sort_by_feedback_source", kind = "enum", options = { "session", "run" } },
  { name = "offset", kind = "integer", least = 0, default = 0 },
  { name = "limit", kind = "integer", least = 1, most = 100, default = 100 },
}
for _, parameter in ipairs(about_statistics) do of_list[#of_list + 1] = parameter end

local of_id = { name = "session_id", kind = "uuid" }

local of_change = {
  { name = "name", kind = "text", filled = true },
  { name = "start_time", kind = "time" },
  { name = "end_time", kind = "time" },
  { name = "description", kind = "text" },
  { name = "default_dataset_id", kind = "uuid" },
  { name = "reference_dataset_id", kind = "uuid" },
  { name = "trace_tier", kind = "enum", options = { "longlived", "shortlived" } },
  { name = "extra", kind = "object" },
  { name = "tag_value_ids", kind = "uuid", list = true },
}

local of_making = { { name = "id", kind = "uuid" } }
for _, parameter in ipairs(of_change) do of_making[#of_making + 1] = parameter end

local of_post = { { name = "upsert", kind = "boolean", default = false } }

-- ----------------------------------------------------------------------------------------------------- reading

--- Projects of the store, each with the time at which it began.
local function read_projects(call, which)
  local list, message, detail = call.db:projects(which)
  if not list then return nil, message, detail end
  for _, project in ipairs(list) do project.started_at = session.started_at(project) end
  return list
end

--- The place of a project among those of its reference dataset, in the order in which they began; nil where there is none.
local function number_of(all, project)
  if not project.reference_dataset_id then return nil end
  local number = 1
  for _, other in ipairs(all) do
    local same = other.organization_id == project.organization_id and other.reference_dataset_id == project.reference_dataset_id
    if same and (other.started_at < project.started_at or (other.started_at == project.started_at and other.id < project.id)) then
      number = number + 1
    end
  end
  return number
end

--- Numbers by project. `all` are known already where the question was not narrowed to a name or to ids.
local function numbers_of(call, page, all)
  local numbers, message, detail = {}, nil, nil
  for _, project in ipairs(page) do
    if project.reference_dataset_id then
      if not all then all, message, detail = read_projects(call, {}) end
      if not all then return nil, message, detail end
      numbers[project] = number_of(all, project)
    end
  end
  return numbers
end

--- The statistics that an answer shows, as a set.
local function selected_of(wanted)
  local selected = {}
  if wanted.include_stats then
    for _, name in ipairs(wanted.stats_select or statistics.shown) do selected[name] = true end
    selected.run_facets = selected.run_facets and wanted.facets
  end
  return selected
end

--- Computes what the answer shows of these projects, and writes them.
local function show(call, page, all, wanted, computed)
  local selected, names = selected_of(wanted), { "last_run_start_time_live" }
  for _, name in ipairs(statistics.shown) do
    if selected[name] then names[#names + 1] = name end
  end
  local done, message, detail = computed:compute(names, page)
  if not done then return nil, message, detail end
  local numbers, why, place = numbers_of(call, page, all)
  if not numbers then return nil, why, place end
  local shown = core.decode "[]"
  for i, project in ipairs(page) do shown[i] = session.whole(project, computed, selected, numbers[project]) end
  return shown
end

--- Statistics to come, over the runs that the parameters name; nil, status and body where they are wrong.
local function begin(call, wanted)
  local runs, message, detail = statistics.runs(wanted.stats_start_time, wanted.stats_filter)
  if not runs then return nil, conditions.refuse(call, "stats_filter", message, detail) end
  return statistics.new(call, runs)
end

--- Narrows the look at the store to what is named.
local function which_of(wanted)
  if wanted.name then return { name = wanted.name } end
  if wanted.id then return { ids = wanted.id } end
  return {}
end

local function list(call)
  local wanted, problems = parameters.of_query(call.arguments, of_list)
  if not wanted then return parameters.refuse(problems) end
  if wanted.sort_by == "feedback" and not wanted.sort_by_feedback_key then
    return parameters.refuse { { loc = { "query", "sort_by_feedback_key" }, msg = "Field required to sort by feedback", type = "missing" } }
  end
  local computed, status, body = begin(call, wanted)
  if not computed then return status, body end
  local filter, wrong, place = matching.filter(wanted.filter)
  if wrong then return conditions.refuse(call, "filter", wrong, place) end
  local which = which_of(wanted)
  local all, message, detail = read_projects(call, which)
  if not all then return call:fail(message, detail) end
  if next(which) == nil then computed:of_all(#all) end
  local passed
  passed, message, detail = matching.of(all, wanted, filter, computed)
  if not passed then return call:fail(message, detail) end
  local done
  done, message, detail = computed:compute(order.statistics(wanted), passed)
  if not done then return call:fail(message, detail) end
  order.sort(passed, wanted, computed)
  local page = {}
  for i = wanted.offset + 1, math.min(wanted.offset + wanted.limit, #passed) do page[#page + 1] = passed[i] end
  local shown
  shown, message, detail = show(call, page, next(which) == nil and all or nil, wanted, computed)
  if not shown then return call:fail(message, detail) end
  return 200, (assert(core.encode(shown)))
end

--- The project of the path; nil, status and body where there is none.
local function find(call)
  local id, problems = parameters.of_path(call.params.id, of_id)
  if not id then return nil, parameters.refuse(problems) end
  local found, message, detail = read_projects(call, { id = id })
  if not found then return nil, call:fail(message, detail) end
  if not found[1] then return nil, call:refuse(404, ("there is no project '%s'"):format(id)) end
  if found[2] then return nil, call:refuse(400, ("'%s' is the id of projects of several organizations"):format(id)) end
  return found[1]
end

local function get(call)
  local wanted, problems = parameters.of_query(call.arguments, about_statistics)
  if not wanted then return parameters.refuse(problems) end
  local computed, wrong_status, wrong_body = begin(call, wanted)
  if not computed then return wrong_status, wrong_body end
  local project, status, body = find(call)
  if not project then return status, body end
  local shown, message, detail = show(call, { project }, nil, wanted, computed)
  if not shown then return call:fail(message, detail) end
  return 200, (assert(core.encode(shown[1])))
end

-- ----------------------------------------------------------------------------------------------------- writing

--- The project as it is now, without statistics.
local function answer_bare(call, project)
  local computed = statistics.new(call, {})
  local done, message, detail = computed:compute({ "last_run_start_time_live" }, { project })
  if not done then return call:fail(message, detail) end
  return 200, (assert(core.encode(session.bare(project, computed))))
end

local function change(call, project, values)
  local changed, message, detail = call.db:update_project(project.id, values, { organization = project.organization_id })
  if not changed then return call:fail(message, detail) end
  return answer_bare(call, changed)
end

local function post(call)
  local asked, problems = parameters.of_query(call.arguments, of_post)
  if not asked then return parameters.refuse(problems) end
  local values, wrong = parameters.of_body(call.body, of_making)
  if not values then return parameters.refuse(wrong) end
  values.name = values.name or "default"
  local made, message, detail = call.db:create_project(values)
  if made then return answer_bare(call, made) end
  if detail.code ~= "conflict" or not asked.upsert then return call:fail(message, detail) end
  local found, why, place = read_projects(call, { name = values.name })
  if not found then return call:fail(why, place) end
  if not found[1] then return call:fail(message, detail) end -- another one has this id
  values.name, values.id = nil, nil
  return change(call, found[1], values)
end

local function patch(call)
  local project, status, body = find(call)
  if not project then return status, body end
  local values, problems = parameters.of_body(call.body, of_change)
  if not values then return parameters.refuse(problems) end
  return change(call, project, values)
end

local function delete(call)
  local project, status, body = find(call)
  if not project then return status, body end
  local deleted, message, detail = call.db:delete_project(project.id, { organization = project.organization_id })
  if not deleted then return call:fail(message, detail) end
  return 200, (assert(core.encode { message = ("Project '%s' is deleted"):format(project.name) }))
end

-- ------------------------------------------------------------------------------------------------------ routes

local QUERY, RECORD = "query", "record"

projects.routes = {
  { "sessions", GET = { list, QUERY }, POST = { post, RECORD } },
  { "sessions/{id}", GET = { get, QUERY }, PATCH = { patch, RECORD }, DELETE = { delete, RECORD } },
}

return projects
