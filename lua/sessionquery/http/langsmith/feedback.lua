--- Feedback on runs and on projects: POST and GET /feedback; GET, PATCH, DELETE /feedback/{id}.
---
--- The client makes the ids (UUIDs), and posts again what was not answered: the same id says the same feedback anew.
--- Feedback that came in another way has no UUID: it is shown under one that is made of its row's number.
local core = require "sessionquery.core"
local read = require "sessionquery.http.langsmith.read"

local feedback = {}

local MOST = 100
local NULL = core.null

-- ------------------------------------------------------------------------------------------------------- ids

local ROW = "00000000-0000-8000-8000-"

--- The id of feedback that was never given one.
local function id_of_row(row) return ROW .. ("%012x"):format(row) end

--- What to look for: by a UUID, or by the number of a row.
local function target_of(id)
  if id:sub(1, #ROW) == ROW then return { row = tonumber(id:sub(#ROW + 1), 16) } end
  return { uuid = id }
end

-- --------------------------------------------------------------------------------------------------- answers

local kept = { "correction", "trace_id", "comparative_experiment_id", "feedback_group_id", "feedback_config", "modified_at", "start_time" }

--- A row as the client knows it.
local function shape(row)
  local extra = row.extra ~= NULL and row.extra or {}
  local source = extra.feedback_source
  local shown = {
    id = row.uuid ~= NULL and row.uuid or id_of_row(row.row),
    created_at = row.created_at, modified_at = row.created_at,
    run_id = row.request_id, session_id = row.project_id,
    key = row.key, score = row.score, value = row.value, comment = row.comment,
    correction = NULL, trace_id = NULL, comparative_experiment_id = NULL, feedback_group_id = NULL,
    feedback_source = source or { type = row.source == NULL and "api" or row.source, metadata = {} },
  }
  for _, name in ipairs(kept) do
    if extra[name] ~= nil then shown[name] = extra[name] end
  end
  return shown
end

--- Rows of the store; nil and the answer where it says no.
local function list(call, wanted)
  local text, message, detail = call.core:list_feedback(wanted)
  if not text then return nil, call:fail(message, detail) end
  return (assert(core.decode(text)))
end

--- The one feedback of an id; nil and the answer where there is none.
local function find(call, id)
  local uuid = read.to_uuid(id)
  if not uuid then
    return nil, call:refuse(422, "a UUID is wanted", { loc = { "path", "feedback_id" }, type = "uuid_parsing" })
  end
  local rows, status, body = list(call, target_of(uuid))
  if not rows then return nil, status, body end
  if not rows[1] then return nil, call:refuse(404, "Feedback not found") end
  return rows[1]
end

local function answer(shown) return 200, (assert(core.encode(shown))) end

-- --------------------------------------------------------------------------------------------------- writing

--- A score: a number or a boolean.
local function score_of(reader)
  local score = reader:raw "score"
  if score == nil or type(score) == "number" or type(score) == "boolean" then return score end
  reader:fault("score", "a number or a boolean is wanted", "float_parsing")
end

local function correction_of(reader)
  local correction = reader:raw "correction"
  if correction == nil or type(correction) == "string" or type(correction) == "table" then return correction end
  reader:fault("correction", "an object or text is wanted")
end

--- When feedback is changed. The clock here is one of whole seconds: never before it was made.
local function changed_at(row) return (assert(core.iso(math.max(os.time(), assert(core.seconds(row.created_at)))))) end

--- What a body says, as the store takes it, and what it is about.
local function read_new(reader)
  local said = { key = reader:text "key", score = score_of(reader), value = reader:raw "value", comment = reader:text "comment" }
  if not said.key or said.key == "" then reader:fault("key", "is required", "missing") end
  local about = { id = reader:uuid "id", run_id = reader:text "run_id", session_id = reader:uuid "session_id" }
  about.run_id = read.to_uuid(about.run_id) or about.run_id
  if not about.run_id and not about.session_id then reader:fault("run_id", "run_id or session_id is required", "missing") end
  local extra = {
    correction = correction_of(reader), trace_id = reader:uuid "trace_id", feedback_source = reader:object "feedback_source",
    comparative_experiment_id = reader:uuid "comparative_experiment_id", feedback_group_id = reader:uuid "feedback_group_id",
    feedback_config = reader:raw "feedbackConfig" or reader:raw "feedback_config",
    start_time = reader:raw "start_time",
  }
  local source = extra.feedback_source
  said.source = source and type(source.type) == "string" and source.type or "api"
  said.created_at = reader:time "created_at"
  -- how long the hosted service keeps a trace is none of ours; what it sets itself is set here
  reader:accept("extend_trace_retention", "modified_at")
  said.extra = extra
  return said, about
end

--- The project that a body names; nil and the answer where there is none.
local function project_of(call, id)
  if not id then return {} end
  local projects, message, detail = call.db:projects { id = id }
  if not projects then return nil, call:fail(message, detail) end
  if not projects[1] then return nil, call:refuse(404, "Project not found") end
  return projects[1]
end

--- Says anew what is there under that id already; nil and the answer where it is about something else.
local function say_anew(call, said, about, project)
  local rows, status, body = list(call, { uuid = about.id })
  if not rows then return nil, status, body end
  local known = rows[1]
  if not known then return false end
  local same = known.request_id == (about.run_id or NULL) and (not project.id or known.project_id == project.id)
  if not same then return nil, call:refuse(409, "there is feedback of this id on another run") end
  said.created_at = nil
  said.extra.modified_at = changed_at(known)
  local done, message, detail = call.core:change_feedback(known.row, (assert(core.encode(said))))
  if not done then return nil, call:fail(message, detail) end
  return true
end

local function create(call)
  local reader, status, body = read.body(call)
  if not reader then return status, body end
  local said, about = read_new(reader)
  local refused, text = reader:refusal(call)
  if refused then return refused, text end
  local project
  project, status, body = project_of(call, about.session_id)
  if not project then return status, body end
  local known
  if about.id then
    known, status, body = say_anew(call, said, about, project)
    if known == nil then return status, body end
  end
  said.uuid = about.id or core.uuid()
  if not known then
    local target = { request_id = about.run_id, organization = project.organization_id, project = project.name }
    local id, message, detail = call.core:feedback(target, (assert(core.encode(said))))
    if not id and detail.code == "not_found" then return call:refuse(404, "Run not found") end
    if not id then return call:fail(message, detail) end
  end
  local rows
  rows, status, body = list(call, { uuid = said.uuid })
  if not rows then return status, body end
  return answer(shape(rows[1]))
end

local function update(call)
  local row, status, body = find(call, call.params.id)
  if not row then return status, body end
  local reader
  reader, status, body = read.body(call)
  if not reader then return status, body end
  local changes = { score = score_of(reader), value = reader:raw "value", comment = reader:text "comment" }
  local correction, config = correction_of(reader), reader:raw "feedback_config"
  local refused, text = reader:refusal(call)
  if refused then return refused, text end
  local said = { key = row.key, score = row.score, value = row.value, comment = row.comment, source = row.source }
  for name, value in pairs(changes) do said[name] = value end
  said.extra = row.extra ~= NULL and row.extra or {}
  said.extra.correction = correction or said.extra.correction
  said.extra.feedback_config = config or said.extra.feedback_config
  said.extra.modified_at = changed_at(row)
  local done, message, detail = call.core:change_feedback(row.row, (assert(core.encode(said))))
  if not done then return call:fail(message, detail) end
  row, status, body = find(call, call.params.id)
  if not row then return status, body end
  return answer(shape(row))
end

local function delete(call)
  local row, status, body = find(call, call.params.id)
  if not row then return status, body end
  local done, message, detail = call.core:remove_feedback(row.row)
  if not done then return call:fail(message, detail) end
  return answer { message = "Feedback deleted" }
end

-- --------------------------------------------------------------------------------------------------- reading

local function get(call)
  local arguments = read.arguments(call)
  arguments:accept "include_user_names"
  local refused, text = arguments:refusal(call)
  if refused then return refused, text end
  local row, status, body = find(call, call.params.id)
  if not row then return status, body end
  return answer(shape(row))
end

--- Names and organizations of projects, as the store takes them.
local function pairs_of(call, ids)
  local projects, message, detail = call.db:projects { ids = ids }
  if not projects then return nil, call:fail(message, detail) end
  local named = {}
  for i, project in ipairs(projects) do named[i] = { project.organization_id, project.name } end
  return #named > 0 and core.encode(named) or "[]"
end

local function micros(seconds) return seconds and math.floor(seconds * 1e6 + 0.5) end

local function list_all(call)
  local reader = read.arguments(call)
  local runs, keys, sources, sessions = reader:texts "run", reader:texts "key", reader:texts "source", reader:uuids "session"
  local level = reader:choice("level", { "run", "session" })
  local wanted = {
    has_comment = reader:boolean "has_comment", has_score = reader:boolean "has_score",
    from_us = micros(reader:time "min_created_at"), to_us = micros(reader:time "max_created_at"),
    limit = reader:integer("limit", 1, MOST) or MOST, offset = reader:integer("offset", 0) or 0,
  }
  reader:accept "include_user_names"
  local refused, text = reader:refusal(call)
  if refused then return refused, text end
  if runs then
    for i, run in ipairs(runs) do runs[i] = read.to_uuid(run) or run end
    wanted.requests = core.encode(runs)
  end
  wanted.keys, wanted.sources = keys and core.encode(keys), sources and core.encode(sources)
  if level then wanted.on_request = level == "run" end
  if sessions then
    local status, body
    wanted.projects, status, body = pairs_of(call, sessions)
    if not wanted.projects then return status, body end
  end
  local rows, status, body = list(call, wanted)
  if not rows then return status, body end
  if #rows == 0 then return 200, "[]" end
  for i, row in ipairs(rows) do rows[i] = shape(row) end
  return answer(rows)
end

local QUERY, RECORD = "query", "record"

feedback.routes = {
  { "feedback", GET = { list_all, QUERY }, POST = { create, RECORD } },
  { "feedback/{id}", GET = { get, QUERY }, PATCH = { update, RECORD }, DELETE = { delete, RECORD } },
}

return feedback
