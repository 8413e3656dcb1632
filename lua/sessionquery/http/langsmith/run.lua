--- A stored request as the run that LangSmith's clients know. Documents and maps go from the store to the answer as
--- they were written: a run is put together of texts.
local core = require "sessionquery.core"
local record = require "sessionquery.http.langsmith.record"
local statistics = require "sessionquery.http.langsmith.statistics"

local run = {}

local PREVIEW = 150 -- bytes

-- ------------------------------------------------------------------------------------------------- values

--- A member of the row's `extra`, as text.
local function kept(row, name)
  row.kept = row.kept or core.split(row.raw.extra or "{}")
  return row.kept[name] or "null"
end

local function plain(row, name)
  local text = row.raw[name]
  if text == nil or text == "null" then return nil end
  return core.decode(text)
end

local function quoted(text) return text and assert(core.encode(text)) or "null" end

--- The id of its trace: of a run that is alone, or whose trace nobody has told, the nearest that is known.
local function trace_of(row) return plain(row, "trace_id") or plain(row, "parent_id") or plain(row, "request_id") end

local function dotted_of(row)
  return plain(row, "dotted_order") or record.segment(core.seconds(plain(row, "created_at")), plain(row, "request_id"))
end

--- The ids above it, from the root down to its parent.
local function ancestors_of(row)
  local parent = plain(row, "parent_id")
  if not parent then return "[]" end
  local ids = record.ids_of(plain(row, "dotted_order"))
  if not ids or #ids < 2 then return core.encode { parent } end
  ids[#ids] = nil
  return core.encode(ids)
end

--- A document that is no object is shown as a member of one, since clients expect one.
local function document(name, member)
  return function(row)
    local text = plain(row, name)
    if not text then return "null" end
    local parts, kind = core.split(text)
    if parts and kind == "object" then return text end
    if not parts and core.decode(text) == nil then text = quoted(text) end
    return ('{"%s":%s}'):format(member, text)
  end
end

--- The beginning of a document, whole characters of it.
local function preview(name)
  return function(row)
    local text = plain(row, name)
    if not text or #text <= PREVIEW then return quoted(text) end
    local stop = PREVIEW
    while stop > 0 and (text:byte(stop + 1) or 0) >= 0x80 and text:byte(stop + 1) < 0xC0 do stop = stop - 1 end
    return quoted(text:sub(1, stop))
  end
end

--- The run's `extra`: what has no field of ours, and its metadata.
local function extra_of(row)
  local members = { '"metadata":' .. (row.raw.properties or "{}") }
  kept(row, "")
  for name, text in pairs(row.kept) do
    local own = name:match "^extra%.(.+)$"
    if own then members[#members + 1] = quoted(own) .. ":" .. text end
  end
  return "{" .. table.concat(members, ",") .. "}"
end

local function first_token_of(row)
  local milliseconds = plain(row, "time_to_first_token_ms")
  return milliseconds and quoted(core.iso(core.seconds(plain(row, "created_at")) + milliseconds / 1000)) or "null"
end

local function escape(text)
  return (text:gsub("[^%w%-._~]", function(char) return ("%%%02X"):format(char:byte()) end))
end

local function path_of(row)
  return quoted(("/o/%s/projects/p/%s/r/%s?trace_id=%s&start_time=%s"):format(core.tenant_id(row.organization), plain(row, "project_id"),
    escape(plain(row, "request_id")), escape(trace_of(row)), escape(plain(row, "created_at"))))
end

local function list_of(name)
  return function(row) return row.raw[name] or "[]" end
end

local function raw(name)
  return function(row) return row.raw[name] or "null" end
end

local function count(name)
  return function(row) return row.raw[name] ~= "null" and row.raw[name] or "0" end
end

--- Dollars as decimal text.
local function cost(name)
  return function(row)
    local dollars = plain(row, name)
    return dollars and quoted(statistics.money(dollars)) or "null"
  end
end

local function null() return "null" end

local function of_extra(name)
  return function(row) return kept(row, name) end
end

-- ------------------------------------------------------------------------------------------------- members

--- What a run has: the columns that it takes, and its text. `always`: whatever is selected.
local members = {
  id = { { "request_id" }, raw "request_id", always = true },
  name = { { "name" }, function(row) return row.raw.name ~= "null" and row.raw.name or '""' end, always = true },
  run_type = { { "run_type" }, raw "run_type", always = true },
  status = { { "outcome" }, raw "outcome", always = true },
  session_id = { { "project_id" }, raw "project_id", always = true },
  trace_id = { { "trace_id", "parent_id", "request_id" }, function(row) return quoted(trace_of(row)) end, always = true },
  dotted_order = { { "dotted_order", "created_at", "request_id" }, function(row) return quoted(dotted_of(row)) end, always = true },
  parent_run_id = { { "parent_id" }, raw "parent_id", always = true },
  parent_run_ids = { { "parent_id", "dotted_order" }, ancestors_of },
  start_time = { { "created_at" }, raw "created_at" },
  end_time = { { "ended_at" }, raw "ended_at" },
  error = { { "error" }, raw "error" },
  inputs = { { "request_body" }, document("request_body", "input") },
  outputs = { { "response_body" }, document("response_body", "output") },
  inputs_preview = { { "request_body" }, preview "request_body" },
  outputs_preview = { { "response_body" }, preview "response_body" },
  extra = { { "properties", "extra" }, extra_of },
  events = { { "extra" }, function(row) return kept(row, "events") ~= "null" and kept(row, "events") or "[]" end },
  serialized = { { "extra" }, of_extra "serialized" },
  reference_example_id = { { "extra" }, of_extra "reference_example_id" },
  manifest_id = { { "extra" }, of_extra "manifest_id" },
  tags = { { "tags" }, list_of "tags" },
  thread_id = { { "session_id" }, raw "session_id" },
  execution_order = { { "execution_order" }, raw "execution_order" },
  total_tokens = { { "total_tokens" }, count "total_tokens" },
  prompt_tokens = { { "prompt_tokens" }, count "prompt_tokens" },
  completion_tokens = { { "completion_tokens" }, count "completion_tokens" },
  total_cost = { { "cost_usd" }, cost "cost_usd" },
  prompt_cost = { { "prompt_cost_usd" }, cost "prompt_cost_usd" },
  completion_cost = { { "completion_cost_usd" }, cost "completion_cost_usd" },
  first_token_time = { { "time_to_first_token_ms", "created_at" }, first_token_of },
  feedback_stats = { {}, function(row) return row.feedback or "{}" end },
  app_path = { { "request_id", "trace_id", "parent_id", "created_at", "project_id" }, path_of },
}

-- Of the hosted service's own doing: there, and null.
for name in ([[
  child_run_ids direct_child_run_ids inputs_s3_urls outputs_s3_urls s3_urls manifest manifest_s3_id in_dataset share_token trace_tier
  trace_first_received_at ttl_seconds trace_upgrade last_queued_at price_model_id reference_dataset_id prompt_token_details
  completion_token_details prompt_cost_details completion_cost_details messages thread_evaluation_time trace_min_start_time
  trace_max_start_time ]]):gmatch "%S+" do
  members[name] = { {}, null }
end

run.members = members

-- What the columns of a row's `extra` are called in a run, when they are no member above.
local function others(row, out)
  kept(row, "")
  for name, text in pairs(row.kept) do
    if not members[name] and name:sub(1, 6) ~= "extra." then out[#out + 1] = quoted(name) .. ":" .. text end
  end
end

--- The names of a selection, those that are always there included; nil selects all.
local function names_of(selected)
  local names, seen = {}, {}
  local function add(name)
    if not seen[name] then names[#names + 1] = name end
    seen[name] = true
  end
  for name, member in pairs(members) do
    if member.always or not selected then add(name) end
  end
  for _, name in ipairs(selected or {}) do add(name) end
  return names
end

--- Adds the columns of members, each once; whether bodies are among them.
local function add_columns(columns, names, columns_of)
  local seen, bodies = {}, false
  for _, column in ipairs(columns) do seen[column] = true end
  for _, name in ipairs(names) do
    for _, column in ipairs(columns_of(name)) do
      if not seen[column] then columns[#columns + 1] = column end
      seen[column] = true
      bodies = bodies or column:find "_body$" ~= nil
    end
  end
  return columns, bodies
end

--- What is to be asked of the store for a selection.
---@param selected? string[] names of members; nil: all
---@return string[] columns
---@return boolean bodies
function run.columns(selected)
  return add_columns({}, names_of(selected), function(name) return members[name][1] end)
end

---@class sessionquery.langsmith.Row
---@field raw table<string, string> members of the row as texts
---@field organization string
---@field feedback? string what feedback on it says, as text

--- A run as JSON text.
---@param row sessionquery.langsmith.Row
---@param selected? string[]
---@return string
function run.write(row, selected)
  local out = {}
  for _, name in ipairs(names_of(selected)) do out[#out + 1] = ('"%s":%s'):format(name, members[name][2](row)) end
  if not selected then others(row, out) end
  return "{" .. table.concat(out, ",") .. "}"
end

-- ------------------------------------------------------------------------------------- the newer form of runs

local function upper(name)
  return function(row)
    local text = plain(row, name)
    return text and quoted(text:upper()) or "null"
  end
end

local function latency_of(row)
  local milliseconds = plain(row, "latency_ms")
  return milliseconds and core.encode(milliseconds / 1000) or "null"
end

--- By the names of `selects`: the member's name in the answer, its columns and its text.
local newer = {
  RUN_TYPE = { "run_type", { "run_type" }, upper "run_type" },
  STATUS = { "status", { "outcome" }, upper "outcome" },
  PROJECT_ID = { "project_id", { "project_id" }, raw "project_id" },
  LATENCY_SECONDS = { "latency_seconds", { "latency_ms" }, latency_of },
  IS_ROOT = { "is_root", { "parent_id" }, function(row) return tostring(row.raw.parent_id == "null") end },
  METADATA = { "metadata", { "properties" }, function(row) return row.raw.properties or "{}" end },
  ERROR_PREVIEW = { "error_preview", { "error" }, preview "error" },
  MANIFEST = { "manifest", { "extra" }, of_extra "serialized" },
  TOTAL_TOKENS = { "total_tokens", { "total_tokens" }, raw "total_tokens" },
  PROMPT_TOKENS = { "prompt_tokens", { "prompt_tokens" }, raw "prompt_tokens" },
  COMPLETION_TOKENS = { "completion_tokens", { "completion_tokens" }, raw "completion_tokens" },
  TOTAL_COST = { "total_cost", { "cost_usd" }, raw "cost_usd" },
  PROMPT_COST = { "prompt_cost", { "prompt_cost_usd" }, raw "prompt_cost_usd" },
  COMPLETION_COST = { "completion_cost", { "completion_cost_usd" }, raw "completion_cost_usd" },
}
for name in ([[
  ID NAME START_TIME END_TIME FIRST_TOKEN_TIME ERROR EXTRA EVENTS INPUTS INPUTS_PREVIEW OUTPUTS OUTPUTS_PREVIEW PARENT_RUN_IDS TRACE_ID
  THREAD_ID DOTTED_ORDER REFERENCE_EXAMPLE_ID TAGS APP_PATH FEEDBACK_STATS ]]):gmatch "%S+" do
  local member = members[name:lower()]
  newer[name] = { name:lower(), member[1], member[2] }
end
for name in ([[
  REFERENCE_DATASET_ID PROMPT_TOKEN_DETAILS COMPLETION_TOKEN_DETAILS PROMPT_COST_DETAILS COMPLETION_COST_DETAILS PRICE_MODEL_ID
  ATTACHMENTS THREAD_EVALUATION_TIME IS_IN_DATASET LAST_QUEUED_AT SHARE_URL LS_USER_ID ]]):gmatch "%S+" do
  newer[name] = { name:lower(), {}, null }
end

run.newer = newer

--- The columns of the newer form.
---@param selects string[]
---@return string[] columns
---@return boolean bodies
function run.newer_columns(selects)
  return add_columns({ "request_id" }, selects, function(name) return newer[name][2] end)
end

--- A run in the newer form: its id, and what is selected.
---@param row sessionquery.langsmith.Row
---@param selects string[]
---@return string
function run.write_newer(row, selects)
  local out, seen = { '"id":' .. row.raw.request_id }, { ID = true }
  for _, name in ipairs(selects) do
    if not seen[name] then out[#out + 1] = ('"%s":%s'):format(newer[name][1], newer[name][3](row)) end
    seen[name] = true
  end
  return "{" .. table.concat(out, ",") .. "}"
end

return run
