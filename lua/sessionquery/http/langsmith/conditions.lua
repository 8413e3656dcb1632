--- Which runs a question is about: the members that the bodies of /runs/query, /runs/stats and /runs/group share, as
--- filters. All of them hold at once; null is as absent. A window is from <= start_time < to.
local core = require "sessionquery.core"
local record = require "sessionquery.http.langsmith.record"
local read = require "sessionquery.http.langsmith.read"
local sq = require "sessionquery"

local f = sq.field

local conditions = {}

local NOTHING = sq.any {}

local SOURCES = { "current", "historical", "lite", "root_lite", "runs_feedbacks_rmt_wide" }

--- The projects of these ids as a filter, and as a list; nil and the answer where the store says no.
---@param call table
---@param ids string[]
---@return sessionquery.Filter?
---@return table[]|integer projects or the status
---@return string? body
function conditions.of_projects(call, ids)
  local projects, message, detail = call.db:projects { ids = ids }
  if not projects then return nil, call:fail(message, detail) end
  local parts = {}
  for i, project in ipairs(projects) do
    parts[i] = sq.all { f.organization_id:eq(project.organization_id), f.project:eq(project.name) }
  end
  return #parts > 0 and sq.any(parts) or NOTHING, projects
end

--- The answer to a filter that does not compile: which one, what is wrong, and where.
---@param call table
---@param name string the parameter's or member's
---@param message string
---@param detail table?
---@return integer status
---@return string body
function conditions.refuse(call, name, message, detail)
  local place = detail and detail.offset and (" (byte %d)"):format(detail.offset) or ""
  local first, rest = message:match "^([^\n]*)(.*)$"
  return call:fail(name .. ": " .. first .. place .. rest, detail)
end

--- A filter in LangSmith's language; nil and the answer where it is none.
---@param call table
---@param name string the member's
---@param source string
---@return sessionquery.Filter?
---@return integer? status
---@return string? body
function conditions.compile(call, name, source)
  local filter, message, detail = sq.filter("langsmith", source)
  if not filter then return nil, conditions.refuse(call, name, message, detail) end
  return filter
end

local function add_ids(reader, list)
  local ids, trace, parent = reader:texts "id", reader:text "trace", reader:text "parent_run"
  if ids then
    for i, id in ipairs(ids) do ids[i] = read.to_uuid(id) or id end
    list[#list + 1] = #ids > 0 and f.request_id:among(ids) or NOTHING
  end
  if trace then list[#list + 1] = f.trace_id:eq(read.to_uuid(trace) or trace) end
  if parent then list[#list + 1] = f.parent_id:eq(read.to_uuid(parent) or parent) end
end

--- What one member each says.
local function add_plain(reader, list)
  local kind, is_root, failed = reader:choice("run_type", record.RUN_TYPES), reader:boolean "is_root", reader:boolean "error"
  local order, examples = reader:integer "execution_order", reader:uuids "reference_example"
  local from, to = reader:time "start_time", reader:time "end_time"
  if kind then list[#list + 1] = f.run_type:eq(kind) end
  if is_root ~= nil then list[#list + 1] = is_root and f.parent_id:absent() or f.parent_id:present() end
  if failed ~= nil then list[#list + 1] = failed and f.outcome:eq "error" or f.outcome:ne "error" end
  if order then list[#list + 1] = f.execution_order:eq(order) end
  if examples then
    list[#list + 1] = #examples > 0 and f.extra.reference_example_id:among(examples) or NOTHING
  end
  if from then list[#list + 1] = f.created_at:gte(from) end
  if to then list[#list + 1] = f.created_at:lt(to) end
  reader:choice("data_source_type", SOURCES) -- tables of the hosted service: all of ours is one
end

--- The filters in LangSmith's own language, each about another run of the trace.
local scopes = {
  { "filter", function(filter) return filter end },
  { "search_filter", function(filter) return filter end },
  { "trace_filter", sq.root },
  { "tree_filter", sq.in_trace },
}

local function add_sources(call, list, sources)
  for _, scope in ipairs(scopes) do
    local source = sources[scope[1]]
    if source then
      local filter, status, body = conditions.compile(call, scope[1], source)
      if not filter then return status, body end
      list[#list + 1] = scope[2](filter)
    end
  end
end

--- Reads the members, and gives what makes the filters of them once the whole body is known to be right.
---@param reader sessionquery.langsmith.Reader
---@return fun(call: table): sessionquery.Filter[]?, integer?, string? finish
function conditions.read(reader)
  local list, sources = {}, {}
  add_ids(reader, list)
  add_plain(reader, list)
  local sessions, words = reader:uuids "session", reader:text "query"
  for _, scope in ipairs(scopes) do sources[scope[1]] = reader:text(scope[1]) end
  return function(call)
    if sessions then
      local filter, status, body = conditions.of_projects(call, sessions)
      if not filter then return nil, status, body end
      list[#list + 1] = filter
    end
    if words and words ~= "" then
      local filter, status, body = conditions.compile(call, "query", ("search(%s)"):format((assert(core.encode(words)))))
      if not filter then return nil, status, body end
      list[#list + 1] = filter
    end
    local status, body = add_sources(call, list, sources)
    if status then return nil, status, body end
    return list
  end
end

return conditions
