--- A run as a client sends it, read as a record of ours. What has no field of its own stays in `extra`, under its own
--- name, and members of the run's `extra` behind "extra.": run.lua gives all of it back.
---
---     id request_id · session_name project · name, run_type, error, tags, dotted_order, execution_order: as they are
---     start_time created_at · end_time responded_at, latency_ms · parent_run_id parent_id · trace_id trace_id
---     inputs request_body · outputs response_body: documents, kept as they were written
---     extra.metadata properties, and its session_id, thread_id or conversation_id session_id
---     events: the first new_token time_to_first_token_ms, streamed · usage, model, provider: see usage.lua
---     status -2 while it has neither an end nor an error, then 200
local core = require "sessionquery.core"
local json = require "sessionquery.http.json"
local read = require "sessionquery.http.langsmith.read"
local usage = require "sessionquery.http.langsmith.usage"

local record = {}

local RUN_TYPES = { "llm", "chain", "tool", "retriever", "embedding", "prompt", "parser" }
local PENDING, ENDED, FAILED = -2, 200, 500

record.RUN_TYPES, record.PENDING = RUN_TYPES, PENDING

-- What is read into fields, or is of the transport.
local taken = {
  id = true, name = true, run_type = true, start_time = true, end_time = true, error = true, tags = true, trace_id = true,
  parent_run_id = true, dotted_order = true, execution_order = true, session_id = true, session_name = true, status = true,
  extra = true, inputs = true, outputs = true, child_runs = true,
}

--- The ids that a dotted order names, from the root to the run; nil where it is none.
---@param dotted string?
---@return string[]?
function record.ids_of(dotted)
  if not dotted then return nil end
  local ids = {}
  for segment in (dotted .. "."):gmatch "([^.]*)%." do
    ids[#ids + 1] = read.to_uuid(segment:match "^%d+T%d+Z(.+)$")
    if segment == "" or not segment:find "^%d+T%d+Z" then return nil end
  end
  return #ids > 0 and ids or nil
end

--- The segment of a dotted order that a run makes of its start and its id.
---@param start number seconds
---@param id string
---@return string
function record.segment(start, id)
  local text = assert(core.iso(start)):gsub("[-:]", "")
  local whole, fraction = text:match "^(%d+T%d+)%.?(%d*)Z$"
  return whole .. (fraction .. "000000"):sub(1, 6) .. "Z" .. id
end

--- Milliseconds from one time to a later one.
---@param from number seconds
---@param to number seconds
---@return integer
function record.milliseconds(from, to) return math.max(0, math.floor((to - from) * 1000 + 0.5)) end

--- Whether a run is streamed, and when its first token was there, by its events; nil, nil where it brings none.
local function first_token(events)
  if not json.is_list(events) then return nil end
  for _, event in ipairs(events) do
    if type(event) == "table" and event.name == "new_token" then return true, read.to_seconds(event.time) end
  end
  return false
end

--- The thread that a run's metadata names: all three names are in use.
local function thread_of(metadata)
  for _, name in ipairs { "session_id", "thread_id", "conversation_id" } do
    local value = metadata[name]
    if type(value) == "string" and value ~= "" then return value end
    if type(value) == "number" then return core.encode(value) end
  end
end

--- Document text without the line breaks between its parts: records are lines. null is none.
local function document(text)
  if text == nil or text == "null" then return nil end
  return (text:gsub("[\r\n]", " "))
end

local function read_extra(reader, result)
  local extra = reader:object "extra" or {}
  local metadata = extra.metadata
  if metadata == core.null then metadata = nil end
  if metadata ~= nil and not json.is_object(metadata) then
    reader:fault({ "extra", "metadata" }, "an object is wanted", "dict_type")
    metadata = nil
  end
  result.properties = metadata
  result.session_id = metadata and thread_of(metadata)
  for name, value in pairs(extra) do
    if name ~= "metadata" then result.extra["extra." .. name] = value end
  end
  return extra
end

local function read_relations(reader, result)
  result.trace_id, result.parent_id = reader:uuid "trace_id", reader:uuid "parent_run_id"
  result.dotted_order = reader:text "dotted_order"
  local ids = record.ids_of(result.dotted_order)
  if not ids then return end
  result.trace_id = result.trace_id or ids[1]
  result.parent_id = result.parent_id or ids[#ids - 1]
end

--- What its times, its error and its events say; the status of a run that has ended is left to them.
local function read_course(reader, members, result, found)
  result.created_at, result.responded_at = reader:time "start_time", reader:time "end_time"
  local failed = reader:raw "error"
  result.error = failed ~= nil and (type(failed) == "string" and failed or core.encode(failed)) or nil
  local status = reader:text "status"
  if status == "error" and not result.error then
    result.status = FAILED
  elseif result.responded_at or result.error then
    result.status = ENDED
  end
  local streamed, token_at = first_token(members.events)
  if streamed ~= nil or result.responded_at then result.streamed = streamed or false end
  if result.created_at and token_at then result.time_to_first_token_ms = record.milliseconds(result.created_at, token_at) end
  if result.created_at and result.responded_at then
    result.latency_ms = record.milliseconds(result.created_at, result.responded_at)
  end
  found.token_at = token_at
end

---@class sessionquery.langsmith.Run
---@field record table without organization and project
---@field session_id? string UUID of its project
---@field session_name? string name of it
---@field token_at? number seconds
---@field children? string JSON text of a list of runs, posted within it

--- Reads one run. Nothing is said of what it lacks: an update may lack everything.
---@param text string JSON
---@param place (string|integer)[] where it stands, for what is wrong with it
---@return sessionquery.langsmith.Run? run nil where it is none at all
---@return table[] faults
function record.read(text, place)
  local parts, kind = core.split(text)
  if not parts or kind ~= "object" then
    return nil, { { loc = place, msg = kind ~= "array" and kind or "an object is wanted", type = "dict_type" } }
  end
  local members = {}
  for name, part in pairs(parts) do
    if name ~= "inputs" and name ~= "outputs" and name ~= "child_runs" then members[name] = core.decode(part, true) end
  end
  local reader, found = read.members(members, place), {}
  local result = { request_id = reader:uuid "id", name = reader:text "name", run_type = reader:choice("run_type", RUN_TYPES), extra = {} }
  result.tags, result.execution_order = reader:texts "tags", reader:integer "execution_order"
  for name, value in pairs(members) do
    if not taken[name] and value ~= core.null then result.extra[name] = value end
  end
  local extra = read_extra(reader, result)
  read_relations(reader, result)
  read_course(reader, members, result, found)
  result.request_body, result.response_body = document(parts.inputs), document(parts.outputs)
  usage.read(result, result.response_body, extra)
  if next(result.extra) == nil then result.extra = nil end
  found.record, found.session_id, found.session_name = result, reader:uuid "session_id", reader:text "session_name"
  found.children = parts.child_runs ~= "null" and parts.child_runs or nil
  return found, reader.faults
end

return record
