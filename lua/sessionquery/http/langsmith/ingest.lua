--- Runs on their way in: POST /runs, PATCH /runs/{id}, POST /runs/batch {"post": […], "patch": […]}, and the same as a form,
--- POST /runs/multipart.
---
--- The client retries what was not answered, or with 429 or 5xx, and sends an update before, behind or together with what
--- it updates. So a run that is there is merged with, never replaced, and an update of a run that is not there waits for
--- it. Of a batch, what is good is stored also where something else in it is wrong; the answer (422, which is not retried)
--- names each run that was left out. What is stored is durable when the answer comes: 202.
local core = require "sessionquery.core"
local info = require "sessionquery.http.langsmith.info"
local multipart = require "sessionquery.http.langsmith.multipart"
local record = require "sessionquery.http.langsmith.record"
local read = require "sessionquery.http.langsmith.read"
local sq = require "sessionquery"

local f = sq.field

local ingest = {}

local DEFAULT_PROJECT = "default"
local DEEPEST_CHILD = 64

-- ----------------------------------------------------------------------------------------------- one ingestion

--- What is gathered of one request: runs that are new, updates, and what is wrong.
---@class sessionquery.langsmith.Batch
local Batch = {}
Batch.__index = Batch

local function begin(call)
  local organization, project = call.core:scope()
  return setmetatable({
    call = call, organization = organization or "", default = project or DEFAULT_PROJECT,
    posts = {}, patches = {}, faults = {}, projects = {}, by_id = {},
  }, Batch)
end

function Batch:fault(place, name, message, kind)
  local loc = {}
  for i, part in ipairs(place) do loc[i] = part end
  loc[#loc + 1] = name
  self.faults[#self.faults + 1] = { loc = loc, msg = message, type = kind or "value_error" }
end

--- What the store says that is no run's fault: it ends the request.
local function fail(message, detail) error({ message = message, detail = detail }, 0) end

--- The project of a run: { organization_id, name }; nil where its id is of none.
function Batch:project(run)
  if not run.session_id then
    return { organization_id = self.organization, name = run.session_name ~= "" and run.session_name or self.default }
  end
  local known = self.projects[run.session_id]
  if known == nil then
    local list, message, detail = self.call.db:projects { id = run.session_id }
    if not list then fail(message, detail) end
    known = list[1] or false
    self.projects[run.session_id] = known
  end
  return known or nil
end

--- Whose a run is that is there: organization, project; nil where there is none. More than one of that id: "ambiguous".
function Batch:owner(target)
  local organization, project, detail = self.call.core:resolve(target)
  if organization then return organization, project end
  if detail.code == "not_found" or detail.code == "forbidden" then return nil end -- the store says so when it is stored
  if detail.code == "ambiguous" then return nil, "ambiguous" end
  fail(project, detail)
end

-- -------------------------------------------------------------------------------------------------- new runs

--- The trace of a run that does not name it: its parent's, in this batch or in the store.
function Batch:relate(result)
  if result.trace_id and result.dotted_order then return end
  local parent = result.parent_id and self.by_id[result.parent_id]
  if result.parent_id and not parent then
    local query = self.call.db:requests():where(f.request_id:eq(result.parent_id)):where(f.project:eq(result.project))
      :where(f.organization_id:eq(result.organization_id))
    local message, detail
    parent, message, detail = query:select({ "trace_id", "dotted_order" }):first()
    if message then fail(message, detail) end
  end
  if result.parent_id and not parent then return end
  result.trace_id = result.trace_id or (parent and parent.trace_id) or (not parent and result.request_id or nil)
  local above = parent and parent.dotted_order
  if not result.dotted_order and (above or not parent) then
    result.dotted_order = (above and above .. "." or "") .. record.segment(result.created_at, result.request_id)
  end
end

--- Runs within a run, as clients before 2024 post them; nil where they are no list.
function Batch:children(text, place)
  local list, kind = core.split(text)
  if kind ~= "array" then return self:fault(place, "child_runs", "a list is wanted", "list_type") end
  if #list > 0 and #place > DEEPEST_CHILD then return self:fault(place, "child_runs", "runs are nested too deep") end
  return list
end

--- The place of a run within another.
local function below(place, number)
  local deeper = {}
  for i, part in ipairs(place) do deeper[i] = part end
  deeper[#deeper + 1], deeper[#deeper + 2] = "child_runs", number - 1
  return deeper
end

--- Takes one new run in, and those that are posted within it.
---@param text string
---@param place (string|integer)[]
---@param parent? table the record that it is posted within
function Batch:post(text, place, parent)
  local run, faults = record.read(text, place)
  for _, fault in ipairs(faults) do self.faults[#self.faults + 1] = fault end
  if not run or #faults > 0 then return end
  local result = run.record
  if not result.run_type then return self:fault(place, "run_type", "is required", "missing") end
  local within = {}
  if run.children then within = self:children(run.children, place) end
  if not within then return end
  local project
  if parent and not run.session_id and not run.session_name then
    project = { organization_id = parent.organization_id, name = parent.project }
  else
    project = self:project(run)
  end
  if not project then return self:fault(place, "session_id", "there is no such project") end
  result.organization_id, result.project = project.organization_id, project.name
  result.request_id = result.request_id or core.uuid()
  result.created_at = result.created_at or os.time()
  if parent then result.parent_id = result.parent_id or parent.request_id end
  if not result.parent_id then result.execution_order = result.execution_order or 1 end
  self:relate(result)
  self.by_id[result.request_id] = result
  self.posts[#self.posts + 1] = { record = result, place = place }
  for i, inner in ipairs(within) do self:post(inner, below(place, i), result) end
end

--- A run without an end is pending, unless it is there: then its update may have come already. It is measured in both
--- cases: whoever posted it before may have been stopped there.
function Batch:set_pending(item)
  local result = item.record
  if result.status then return end
  item.is_begun = true
  local target = { request_id = result.request_id, project = result.project, organization = result.organization_id }
  if self:owner(target) then return end
  result.status = record.PENDING
end

-- --------------------------------------------------------------------------------------------------- updates

--- What an update cannot say without the run that it is of: times since its start.
function Batch:complete(run, result)
  local wants = (result.responded_at and not result.latency_ms) or run.token_at
  if not wants or result.created_at then return end
  local row, message, detail = self.call.db:requests():where(f.request_id:eq(result.request_id))
    :where(f.project:eq(result.project)):where(f.organization_id:eq(result.organization_id)):select({ "created_at" }):first()
  if message then fail(message, detail) end
  if not row then return end
  if result.responded_at then result.latency_ms = record.milliseconds(row.created_at, result.responded_at) end
  if run.token_at then result.time_to_first_token_ms = record.milliseconds(row.created_at, run.token_at) end
end

--- Takes one update in. It belongs to the run of that id, wherever that is; the project that it names counts where there
--- are several of them, and where there is none yet.
---@param text string
---@param place (string|integer)[]
---@param id? string the path's, which counts
function Batch:patch(text, place, id)
  local run, faults = record.read(text, place)
  for _, fault in ipairs(faults) do self.faults[#self.faults + 1] = fault end
  if not run or #faults > 0 then return end
  local result = run.record
  result.request_id = id or result.request_id
  if not result.request_id then return self:fault(place, "id", "is required", "missing") end
  local project = (run.session_id or run.session_name) and self:project(run) or nil
  if run.session_id and not project then return self:fault(place, "session_id", "there is no such project") end
  local organization, name = self:owner { request_id = result.request_id }
  if name == "ambiguous" and project then
    organization, name = self:owner { request_id = result.request_id, project = project.name, organization = project.organization_id }
  end
  if name == "ambiguous" then return self:fault(place, "session_name", "several projects have a run of this id: name one", "missing") end
  if organization then
    result.organization_id, result.project = organization, name
    self:complete(run, result)
  elseif project then
    result.organization_id, result.project = project.organization_id, project.name
  end
  self.patches[#self.patches + 1] = { record = result, place = place, is_known = organization ~= nil }
end

-- -------------------------------------------------------------------------------------------------- storing

-- What our fields are called in a run, where the names differ.
local theirs = {
  request_id = "id", created_at = "start_time", responded_at = "end_time", parent_id = "parent_run_id", request_body = "inputs",
  response_body = "outputs", properties = "extra", project = "session_name", organization_id = "session_id",
}

--- Stores items in one transaction; where one is wrong, those beside it in two, and so on.
function Batch:store(items, write)
  if #items == 0 then return end
  local list = {}
  for i, item in ipairs(items) do list[i] = item.record end
  local done, message, detail = write(list)
  if done then return end
  if not detail.record then fail(message, detail) end
  if #items == 1 then
    local name = (detail.pointer or ""):match "^/([^/]+)"
    items[1].is_refused = true
    return self:fault(items[1].place, name and theirs[name] or name, message)
  end
  local middle = math.floor(#items / 2)
  local first, second = {}, {}
  for i, item in ipairs(items) do
    local half = i <= middle and first or second
    half[#half + 1] = item
  end
  self:store(first, write)
  self:store(second, write)
end

--- Updates that give the runs of a query the time between their start and their end.
local function times_of(query)
  local rows, message, detail = query:all()
  if not rows then return nil, message, detail end
  local updates = {}
  for i, row in ipairs(rows) do
    updates[i] = { organization_id = row.organization_id, project = row.project, request_id = row.request_id,
      latency_ms = record.milliseconds(row.created_at, row.responded_at) }
  end
  return updates
end

-- How often runs are looked for again that were deleted, or went to another project, since they were found.
local TRIES = 4

--- Stores updates. Those of runs that are not there wait for them. Runs that were there, and whose project was renamed
--- since, are followed: their updates would wait under its old name for ever.
---@param items table[]
---@param tries integer
function Batch:store_patches(items, tries)
  local waiting = 0
  self:store(items, function(list)
    local count, held, detail = self.call.db:update(list, { hold = true })
    if count then waiting = waiting + held end
    return count, held, detail
  end)
  if waiting == 0 then return end
  local moved = {}
  for _, item in ipairs(items) do
    local organization, name
    if item.is_known and not item.is_refused then organization, name = self:owner { request_id = item.record.request_id } end
    if organization and (organization ~= item.record.organization_id or name ~= item.record.project) then
      item.record.organization_id, item.record.project = organization, name
      moved[#moved + 1] = item
    end
  end
  if #moved == 0 then return end
  if tries == 0 then fail("the projects of these runs are being renamed", { code = "busy" }) end
  self:store_patches(moved, tries - 1)
end

--- Gives runs whose end came before them the time between.
function Batch:measure()
  local ids, from, to = {}, math.huge, -math.huge
  for _, item in ipairs(self.posts) do
    if item.is_begun then
      ids[#ids + 1] = item.record.request_id
      from, to = math.min(from, item.record.created_at), math.max(to, item.record.created_at)
    end
  end
  if #ids == 0 then return end
  local late = self.call.db:requests():window(from, to + 1):where(f.request_id:among(ids))
    :where(f.responded_at:present()):where(f.latency_ms:absent())
    :select({ "request_id", "created_at", "responded_at" }):limit(#ids)
  local done, message, detail
  for _ = 1, TRIES do
    local updates
    updates, message, detail = times_of(late)
    if not updates then fail(message, detail) end
    if #updates == 0 then return end
    done, message, detail = self.call.db:update(updates)
    if done then return end
    if detail.code ~= "not_found" then fail(message, detail) end
  end
  fail(message, { code = "busy" })
end

local STORED = "{}"

function Batch:finish()
  local db = self.call.db
  for _, item in ipairs(self.posts) do self:set_pending(item) end
  local whole = #self.posts + #self.patches + #self.faults
  self:store(self.posts, function(list) return db:add(list, { on_conflict = "update" }) end)
  self:store_patches(self.patches, TRIES)
  self:measure()
  if #self.faults == 0 then return 202, STORED end
  local message = ("%d of %d runs were refused, the others are stored"):format(#self.faults, whole)
  if whole == 1 then message = self.faults[1].msg end
  return self.call:refuse(422, message, { faults = self.faults })
end

--- Takes a request in; what the store says ends it.
local function run(call, gather)
  local batch = begin(call)
  local done, status, body = pcall(function()
    local refused, text = gather(batch)
    if refused then return refused, text end
    return batch:finish()
  end)
  if done then return status, body end
  if type(status) ~= "table" then error(status, 0) end
  return call:fail(status.message, status.detail)
end

-- --------------------------------------------------------------------------------------------------- handlers

local function create(call)
  return run(call, function(batch) batch:post(call.body, { "body" }) end)
end

local function update(call)
  local id = read.to_uuid(call.params.id) or call.params.id
  return run(call, function(batch) batch:patch(call.body, { "body" }, id) end)
end

--- The elements of a batch's list; nil and the answer where it is none.
local function list_of(call, parts, name)
  local text = parts[name]
  if text == nil or text == "null" then return {} end
  local list, kind = core.split(text)
  if kind == "array" then return list end
  return nil, call:refuse(422, "a list is wanted", { loc = { "body", name }, type = "list_type" })
end

local function create_batch(call)
  local parts, kind, detail = core.split(call.body)
  if not parts then return call:fail(kind, detail) end
  if kind ~= "object" then return call:refuse(422, "an object is wanted", { type = "dict_type" }) end
  local lists = {}
  for _, name in ipairs { "post", "patch" } do
    local list, status, body = list_of(call, parts, name)
    if not list then return status, body end
    lists[name], parts[name] = list, nil
  end
  local other = next(parts)
  if other then return call:refuse(422, "is not known here", { loc = { "body", other }, type = "extra_forbidden" }) end
  return run(call, function(batch)
    for i, text in ipairs(lists.post) do batch:post(text, { "body", "post", i - 1 }) end
    for i, text in ipairs(lists.patch) do batch:patch(text, { "body", "patch", i - 1 }) end
  end)
end

--- The same as parts of a form. Files that belong to runs are not kept, which is said.
local function create_multipart(call)
  local boundary = multipart.boundary(call.request.headers["content-type"])
  if not boundary then return call:refuse(422, "the Content-Type names no boundary", { loc = { "header", "content-type" } }) end
  local parts, message = multipart.parts(call.body, boundary)
  if not parts then return call:refuse(422, message, { loc = { "body" } }) end
  local form = multipart.runs(parts)
  return run(call, function(batch)
    for _, one in ipairs(form.post) do batch:post(one.text, { "body", "post." .. one.id }) end
    for _, one in ipairs(form.patch) do batch:patch(one.text, { "body", "patch." .. one.id }) end
    for _, name in ipairs(form.unknown) do
      batch:fault({ "body" }, name, name:find "^attachment%." and "attachments are not kept" or "is no part of a run that is here")
    end
  end)
end

local RECORD, MOST = "record", info.MOST_BYTES

ingest.routes = {
  { "runs", POST = { create, RECORD, max_body = MOST } },
  { "runs/batch", POST = { create_batch, RECORD, max_body = MOST } },
  { "runs/multipart", POST = { create_multipart, RECORD, max_body = MOST, kind = "multipart/form-data" } },
  { "runs/{id}", PATCH = { update, RECORD, max_body = MOST } },
}

return ingest
