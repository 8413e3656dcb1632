--- POST /runs/group {session_id, group_by: "conversation", …}: the threads of a project, newest first. A thread is what the
--- runs are that carry its id in their metadata; it is counted in its root runs, one for each turn, which `filter` and the
--- window are about. Its tokens and costs are those of all runs in the traces of these.
local conditions = require "sessionquery.http.langsmith.conditions"
local core = require "sessionquery.core"
local json = require "sessionquery.http.json"
local read = require "sessionquery.http.langsmith.read"
local sq = require "sessionquery"
local statistics = require "sessionquery.http.langsmith.statistics"

local f = sq.field

local threads = {}

local MOST = 100
local PAGE = 4000 -- rows, and traces, that are asked for at once

local function seconds(milliseconds) return milliseconds and milliseconds / 1000 or core.null end

--- Their roots, page after page, oldest first: the traces and whose they are, and the first and the last of each thread.
local function roots_of(call, roots, ids)
  local found = { traces = {}, thread_of = {}, first = {}, last = {} }
  local query = call.db:requests():where(roots):where(f.session_id:among(ids)):order_by("created_at")
    :select({ "request_id", "trace_id", "session_id", "error" }):limit(PAGE)
  while query do
    local page, message, detail = query:page()
    if not page then return nil, message, detail end
    for _, row in ipairs(page) do
      local thread, trace = row.session_id, row.trace_id
      if trace and not found.thread_of[trace] then found.traces[#found.traces + 1] = trace end
      if trace then found.thread_of[trace] = thread end
      found.first[thread], found.last[thread] = found.first[thread] or row, row
    end
    query = page.next and query:after(page.next)
  end
  return found
end

--- The inputs of the first roots and the outputs of the last ones, by the ids of these.
local function documents_of(call, project, found)
  local ids = {}
  for _, rows in ipairs { found.first, found.last } do
    for _, row in pairs(rows) do ids[#ids + 1] = row.request_id end
  end
  local rows, message, detail = call.db:requests({ bodies = true }):where(project):where(f.request_id:among(ids))
    :select({ "request_id", "request_body", "response_body" }):limit(#ids):all()
  if not rows then return nil, message, detail end
  local documents = {}
  for _, row in ipairs(rows) do documents[row.request_id] = row end
  return documents
end

--- What the runs of these threads' traces took, by thread.
local function totals_of(call, project, found)
  local totals = {}
  for first = 1, #found.traces, PAGE do
    local some = {}
    for i = first, math.min(first + PAGE - 1, #found.traces) do some[#some + 1] = found.traces[i] end
    local rows, message, detail = call.db:group_by("trace_id"):where(project):where(f.trace_id:among(some))
      :select({ "total_tokens", "total_cost_usd" }):limit(#some):all()
    if not rows then return nil, message, detail end
    for _, row in ipairs(rows) do
      local thread = found.thread_of[row.trace_id]
      local sum = totals[thread] or { tokens = 0 }
      sum.tokens = sum.tokens + (row.total_tokens or 0)
      if row.total_cost_usd then sum.cost = (sum.cost or 0) + row.total_cost_usd end
      totals[thread] = sum
    end
  end
  return totals
end

local function shape(row, usage, first, last, failed)
  local stats = {}
  for key, said in pairs(row.feedback_stats or {}) do
    stats[key] = { n = said.n, avg = said.avg or core.null, values = said.values or {} }
  end
  return {
    group_key = row.id, filter = ("eq(thread_id, %s)"):format((assert(core.encode(row.id)))), count = row.total_requests,
    total_tokens = usage and usage.tokens or 0,
    total_cost = usage and usage.cost and statistics.money(usage.cost) or core.null,
    min_start_time = sq.iso(row.created_at), max_start_time = sq.iso(row.latest_request_created_at),
    latency_p50 = seconds(row.latency_p50_ms), latency_p99 = seconds(row.latency_p99_ms), feedback_stats = stats,
    first_inputs = json.or_null(first.request_body), last_outputs = json.or_null(last.response_body), last_error = json.or_null(failed),
  }
end

--- The threads of a page as they are shown; nil, message, detail otherwise.
local function show(call, rows, roots, project)
  if #rows == 0 then return core.decode "[]" end
  local ids = {}
  for i, row in ipairs(rows) do ids[i] = row.id end
  local found, message, detail = roots_of(call, roots, ids)
  if not found then return nil, message, detail end
  local documents
  documents, message, detail = documents_of(call, project, found)
  if not documents then return nil, message, detail end
  local totals
  totals, message, detail = totals_of(call, project, found)
  if not totals then return nil, message, detail end
  local shown = {}
  for i, row in ipairs(rows) do
    local first, last = found.first[row.id] or {}, found.last[row.id] or {}
    shown[i] = shape(row, totals[row.id], documents[first.request_id] or {}, documents[last.request_id] or {}, last.error)
  end
  return shown
end

local function group(call)
  local reader, status, body = read.body(call)
  if not reader then return status, body end
  local session, filter = reader:uuid "session_id", reader:text "filter"
  local from, to = reader:time "start_time", reader:time "end_time"
  local limit, offset = reader:integer("limit", 1) or MOST, reader:integer("offset", 0) or 0
  if not session then reader:fault("session_id", "is required", "missing") end
  if not reader:choice("group_by", { "conversation" }) then reader:fault("group_by", "is required", "missing") end
  local refused, text = reader:refusal(call)
  if refused then return refused, text end
  if limit > MOST then return call:refuse(400, ("limit is at most %d"):format(MOST)) end
  local project
  project, status, body = conditions.of_projects(call, { session })
  if not project then return status, body end
  local list = { project, f.parent_id:absent() }
  if from then list[#list + 1] = f.created_at:gte(from) end
  if to then list[#list + 1] = f.created_at:lt(to) end
  if filter then
    local compiled
    compiled, status, body = conditions.compile(call, "filter", filter)
    if not compiled then return status, body end
    list[#list + 1] = compiled
  end
  local roots = sq.all(list)
  local query = call.db:sessions():where(roots):order_by "-latest_request_created_at"
  local total, message, detail = query:count()
  if not total then return call:fail(message, detail) end
  local rows
  rows, message, detail = query:offset(offset):limit(limit):all()
  if not rows then return call:fail(message, detail) end
  local shown
  shown, message, detail = show(call, rows, roots, project)
  if not shown then return call:fail(message, detail) end
  return 200, (assert(core.encode { groups = shown, total = total }))
end

threads.routes = { { "runs/group", POST = { group, "query" } } }

return threads
