--- What a request has, as the evaluator sees it: recorded fields, derived ones, members and entries; and the rows and the
--- feedback around it. A world is { rows, feedback, sessions } (support/world.lua).
local core = require "sessionquery.core"

local fields = {}

local function named(row, id) return row.organization_id .. "\0" .. row.project .. "\0" .. id end
local function trace_of(row) return named(row, row.trace_id) end

--- Whether its tokens and costs count as usage.
function fields.is_completion(row) return row.run_type == "llm" or row.run_type == "embedding" end

--- The trace row that a row is, or that is the nearest around it; nil where there is none.
local function trace_row_of(row, by_id)
  local at, met = row, {}
  while at and fields.is_completion(at) and not met[at] do
    met[at] = true
    at = at.parent_id and by_id[named(row, at.parent_id)]
  end
  if at and not fields.is_completion(at) then return at end
  at = row.trace_id and by_id[trace_of(row)]
  return at and not fields.is_completion(at) and at or nil
end

--- The rows of each trace and the feedback on each row; whoever changes the world takes it away.
local function index_of(world)
  if world.index then return world.index end
  local index = { traces = {}, feedback = {}, scores = {}, by_id = {}, enclosing = {}, enclosed = {} }
  for _, row in ipairs(world.rows) do
    local trace = row.trace_id and trace_of(row)
    if trace then
      index.traces[trace] = index.traces[trace] or {}
      table.insert(index.traces[trace], row)
    end
  end
  for _, row in ipairs(world.rows) do index.by_id[named(row, row.request_id)] = row end
  for _, row in ipairs(world.rows) do
    local around = trace_row_of(row, index.by_id)
    index.enclosing[row] = around
    if around and around ~= row then
      index.enclosed[around] = index.enclosed[around] or {}
      table.insert(index.enclosed[around], row)
    end
  end
  for _, entry in ipairs(world.feedback) do
    index.feedback[entry.row] = index.feedback[entry.row] or {}
    table.insert(index.feedback[entry.row], entry)
  end
  world.index = index
  return index
end

local none = {}

function fields.feedback(row, world) return index_of(world).feedback[row] or none end

--- The recorded scores under the newest feedback of each key.
local function scores_of(row, world)
  local known = index_of(world).scores[row]
  if known then return known end
  local scores, newest = {}, {}
  for key, value in pairs(row.scores or none) do scores[key] = value end
  for _, entry in ipairs(fields.feedback(row, world)) do
    if entry.score ~= nil then
      local last = newest[entry.key]
      if not last or entry.created_at > last.created_at or (entry.created_at == last.created_at and entry.id > last.id) then
        newest[entry.key] = entry
        scores[entry.key] = entry.score
      end
    end
  end
  index_of(world).scores[row] = scores
  return scores
end

local derived = {}

function derived.cached(row)
  return row.cache_reference_id ~= nil and row.cache_reference_id ~= "00000000-0000-0000-0000-000000000000"
end

function derived.total_tokens(row)
  if row.total_tokens then return row.total_tokens end
  if row.prompt_tokens or row.completion_tokens then return (row.prompt_tokens or 0) + (row.completion_tokens or 0) end
end

derived.scores = scores_of

function fields.in_error(row)
  return row.error ~= nil or (row.status ~= nil and (row.status >= 400 or (row.status < 0 and row.status ~= -2)))
end

function derived.outcome(row)
  if fields.in_error(row) then return "error" end
  local ended = row.responded_at ~= nil or row.latency_ms ~= nil
  return (row.status == -2 or not ended) and "pending" or "success"
end

function derived.ended_at(row)
  if row.responded_at or not row.latency_ms then return row.responded_at end
  return row.created_at + row.latency_ms * 1000
end

--- No project of these worlds was given an id.
local project_ids = {}

function derived.project_id(row)
  local owner = row.organization_id .. "\0" .. row.project
  project_ids[owner] = project_ids[owner] or core.project_id(row.organization_id, row.project)
  return project_ids[owner]
end

function derived.session_metadata(row, world)
  local own = row.session_id and world.sessions[row.organization_id .. "\0" .. row.project .. "\0" .. row.session_id]
  local map = own and own.metadata
  return map and next(map) ~= nil and map or nil
end

function fields.value(row, field, world)
  if derived[field] then return derived[field](row, world) end
  return row[field]
end

--- What the texts are that were made as documents: { members, entries }. All others have neither.
fields.documents = {}

fields.is_document = { request_body = true, response_body = true }

local no_document = { members = {}, entries = {} }

local function document_of(text) return text and fields.documents[text] or no_document end

--- A field, or the member of a map or document.
function fields.member(row, field, key, world)
  local value = fields.value(row, field, world)
  if key == nil then return value end
  if fields.is_document[field] then return document_of(value).members[key] end
  return value and value[key]
end

--- The rows of its trace, itself among them; none without a trace.
function fields.trace(row, world)
  return row.trace_id ~= nil and index_of(world).traces[trace_of(row)] or none
end

--- The trace row that it is, or that is the nearest around it; nil where there is none.
function fields.enclosing(row, world) return index_of(world).enclosing[row] end

--- The rows that it encloses.
function fields.enclosed(row, world) return index_of(world).enclosed[row] or none end

--- A map as entries.
function fields.members_of(map)
  local entries = {}
  for key, value in pairs(map or none) do entries[#entries + 1] = { key = key, value = value } end
  return entries
end

--- The entries of a map or document, or of the row's feedback, as tables of what can be asked.
function fields.entries(row, map, world)
  if map == "feedback" then return fields.feedback(row, world) end
  if fields.is_document[map] then return document_of(fields.value(row, map, world)).entries end
  return fields.members_of(fields.value(row, map, world))
end

return fields
