--- Runs on their way out: POST /runs/query {session, filter, …, cursor} gives {runs, cursors: {next}}, GET /runs/{id} one run.
--- The newer form of the same: POST /api/v2/runs/query {project_ids, …} gives {items, next_cursor}, GET /api/v2/runs/{id}.
local conditions = require "sessionquery.http.langsmith.conditions"
local core = require "sessionquery.core"
local read = require "sessionquery.http.langsmith.read"
local run = require "sessionquery.http.langsmith.run"
local sq = require "sessionquery"

local f = sq.field

local query = {}

local MOST = 100
local DAY_S = 86400

-- ------------------------------------------------------------------------------------------------------ rows

--- What feedback says of runs, by their places.
local function feedback_of(call, rows)
  local ids = {}
  for i, row in ipairs(rows) do ids[i] = (core.decode(row.raw.request_id)) end
  if #ids == 0 then return true end
  local text, message, detail = call.core:request_feedback((assert(core.encode(ids))))
  if not text then return nil, message, detail end
  local found = {}
  for _, part in ipairs((assert(core.split(text)))) do
    local said = core.split(part)
    found[table.concat({ (core.decode(said[1])), (core.decode(said[2])), (core.decode(said[3])) }, "\0")] = said[4]
  end
  for i, row in ipairs(rows) do row.feedback = found[table.concat({ row.organization, row.project, ids[i] }, "\0")] end
  return true
end

--- The rows of a page, taken apart, and the next one's cursor; nil, message, detail otherwise.
local function rows_of(call, asked, wants_feedback)
  local text, cursor, detail = asked:page_json()
  if not text then return nil, cursor, detail end
  local organization, project = call.core:scope()
  local rows = {}
  for i, part in ipairs((assert(core.split(text)))) do
    local raw = core.split(part)
    rows[i] = {
      raw = raw,
      organization = organization or core.decode(raw.organization_id), project = project or core.decode(raw.project),
    }
  end
  if wants_feedback then
    local done, message, more = feedback_of(call, rows)
    if not done then return nil, message, more end
  end
  return rows, cursor
end

local function has(selected, name)
  if not selected then return true end
  for _, one in ipairs(selected) do
    if one == name then return true end
  end
  return false
end

--- Requests that pass filters, with the columns that runs are made of.
local function asked_of(call, list, columns, bodies) return call.db:requests({ bodies = bodies }):where(sq.all(list)):select(columns) end

-- -------------------------------------------------------------------------------------------- POST /runs/query

local function list_runs(call)
  local reader, status, body = read.body(call)
  if not reader then return status, body end
  local finish = conditions.read(reader)
  local selected = reader:names("select", run.members)
  local limit, cursor = reader:integer("limit", 1) or MOST, reader:text "cursor"
  local order = reader:choice("order", { "asc", "desc" })
  -- how the hosted service pages and searches is its own affair
  reader:accept("skip_pagination", "skip_prev_cursor", "use_experimental_search")
  local refused, text = reader:refusal(call)
  if refused then return refused, text end
  if limit > MOST then return call:refuse(400, ("limit is at most %d"):format(MOST)) end
  local list
  list, status, body = finish(call)
  if not list then return status, body end
  local columns, bodies = run.columns(selected)
  local asked = asked_of(call, list, columns, bodies):order_by(order == "asc" and "created_at" or "-created_at"):limit(limit):after(cursor)
  local rows, next_cursor, detail = rows_of(call, asked, has(selected, "feedback_stats"))
  if not rows then return call:fail(next_cursor, detail) end
  for i, row in ipairs(rows) do rows[i] = run.write(row, selected) end
  local following = next_cursor and core.encode(next_cursor) or "null"
  return 200, ('{"runs":[%s],"cursors":{"next":%s,"prev":null}}'):format(table.concat(rows, ","), following)
end

-- --------------------------------------------------------------------------------------------- GET /runs/{id}

--- The filters that hold for the one run of an id; nil and the answer where there is none, or where there are several.
local function find(call, id, project_id)
  id = read.to_uuid(id) or id
  local target = { request_id = id }
  if project_id then
    local projects, message, detail = call.db:projects { id = project_id }
    if not projects then return nil, call:fail(message, detail) end
    if not projects[1] then return nil, call:refuse(404, "Run not found") end
    target.organization, target.project = projects[1].organization_id, projects[1].name
  end
  local organization, project, detail = call.core:resolve(target)
  if organization then return { f.request_id:eq(id), f.organization_id:eq(organization), f.project:eq(project) } end
  if detail.code == "not_found" then return nil, call:refuse(404, "Run not found") end
  return nil, call:fail(project, detail)
end

local function get_one(call, project_id, columns, bodies, wants_feedback)
  local list, status, body = find(call, call.params.id, project_id)
  if not list then return nil, status, body end
  local rows, message, detail = rows_of(call, asked_of(call, list, columns, bodies):limit(1), wants_feedback)
  if not rows then return nil, call:fail(message, detail) end
  if not rows[1] then return nil, call:refuse(404, "Run not found") end
  return rows[1]
end

local function get_run(call)
  local reader = read.arguments(call)
  local project_id = reader:uuid "session_id"
  -- where the hosted service looks, and what it leaves away
  reader:accept("start_time", "exclude_s3_stored_attributes", "exclude_serialized", "include_messages")
  local refused, text = reader:refusal(call)
  if refused then return refused, text end
  local columns, bodies = run.columns(nil)
  local row, status, body = get_one(call, project_id, columns, bodies, true)
  if not row then return status, body end
  return 200, run.write(row, nil)
end

-- --------------------------------------------------------------------------------------------- the newer form

--- Page after page asks for the same time, though each one says "until now": the cursor carries it.
local function pack_cursor(from, to, cursor) return cursor and ("%.0f.%.0f.%s"):format(from * 1e6, to * 1e6, cursor) or "" end

local function unpack_cursor(text)
  local from, to, cursor = text:match "^(%d+)%.(%d+)%.(.*)$"
  if not from then return nil end
  return tonumber(from) / 1e6, tonumber(to) / 1e6, cursor
end

local LOWER = {}
for _, name in ipairs { "tool", "chain", "llm", "retriever", "embedding", "prompt", "parser" } do LOWER[name:upper()] = name end
local RUN_TYPES = {}
for name in pairs(LOWER) do RUN_TYPES[#RUN_TYPES + 1] = name end
table.sort(RUN_TYPES)

--- What the newer members say, by the older names.
local function translate(reader)
  local kind = reader:choice("run_type", RUN_TYPES)
  return {
    session = reader:uuids "project_ids", id = reader:texts "ids", trace = reader:text "trace_id",
    error = reader:boolean "has_error", is_root = reader:boolean "is_root", run_type = kind and LOWER[kind],
    filter = reader:text "filter", trace_filter = reader:text "trace_filter", tree_filter = reader:text "tree_filter",
    reference_example = reader:uuids "reference_examples",
  }
end

--- The ids of the projects that stand against a dataset.
local function projects_of_dataset(call, dataset)
  local projects, message, detail = call.db:projects {}
  if not projects then return nil, call:fail(message, detail) end
  local ids = {}
  for _, project in ipairs(projects) do
    if project.reference_dataset_id == dataset then ids[#ids + 1] = project.id end
  end
  return #ids > 0 and ids or core.decode "[]"
end

local function read_newer(call)
  local reader, status, body = read.body(call)
  if not reader then return nil, status, body end
  local said, dataset = translate(reader), reader:uuid "reference_dataset_id"
  local asked = {
    selects = reader:names("selects", run.newer) or {}, limit = reader:integer("page_size", 1, MOST) or MOST,
    from = reader:time "min_start_time", to = reader:time "max_start_time", cursor = reader:text "cursor",
  }
  if (said.session == nil) == (dataset == nil) then
    reader:fault("project_ids", "project_ids or reference_dataset_id, one of them", "missing")
  end
  local refused, text = reader:refusal(call)
  if refused then return nil, refused, text end
  if dataset then
    said.session, status, body = projects_of_dataset(call, dataset)
    if not said.session then return nil, status, body end
  end
  asked.finish = conditions.read(read.members(said, { "body" }))
  return asked
end

local function list_newer(call)
  local asked, status, body = read_newer(call)
  if not asked then return status, body end
  local from, to, cursor = asked.from or os.time() - DAY_S, asked.to or os.time() + 1, nil
  if asked.cursor and asked.cursor ~= "" then
    from, to, cursor = unpack_cursor(asked.cursor)
    if not from then return call:refuse(400, "the cursor is damaged") end
  end
  local list
  list, status, body = asked.finish(call)
  if not list then return status, body end
  list[#list + 1], list[#list + 2] = f.created_at:gte(from), f.created_at:lt(to)
  local columns, bodies = run.newer_columns(asked.selects)
  local request = asked_of(call, list, columns, bodies):order_by("-created_at"):limit(asked.limit):after(cursor)
  local rows, next_cursor, detail = rows_of(call, request, has(asked.selects, "FEEDBACK_STATS"))
  if not rows then return call:fail(next_cursor, detail) end
  for i, row in ipairs(rows) do rows[i] = run.write_newer(row, asked.selects) end
  local following = core.encode(pack_cursor(from, to, next_cursor))
  return 200, ('{"items":[%s],"next_cursor":%s}'):format(table.concat(rows, ","), following)
end

local function get_newer(call)
  local reader = read.arguments(call)
  local project_id, selects = reader:uuid "project_id", reader:names("selects", run.newer) or {}
  if not project_id then reader:fault("project_id", "is required", "missing") end
  reader:accept "start_time"
  local refused, text = reader:refusal(call)
  if refused then return refused, text end
  local columns, bodies = run.newer_columns(selects)
  local row, status, body = get_one(call, project_id, columns, bodies, has(selects, "FEEDBACK_STATS"))
  if not row then return status, body end
  return 200, run.write_newer(row, selects)
end

local QUERY = "query"

query.routes = {
  { "runs/query", POST = { list_runs, QUERY } },
  { "runs/{id}", GET = { get_run, QUERY } },
}

--- Those that stand in one place only.
query.own_routes = {
  { "api/v2/runs/query", POST = { list_newer, QUERY } },
  { "api/v2/runs/{id}", GET = { get_newer, QUERY } },
}

return query
