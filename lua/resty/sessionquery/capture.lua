--- The recorder, in the places where nginx lets one look: `request` in access_by_lua, `headers` in
--- header_filter_by_lua (only force_usage needs it), `response` in body_filter_by_lua, `record` in log_by_lua.
--- What a call is, sessionquery.capture knows. Whatever goes wrong here is logged, and the call goes on.
local answer = require "resty.sessionquery.answer"
local body = require "resty.sessionquery.body"
local budget = require "resty.sessionquery.budget"
local calls = require "sessionquery.capture"
local check = require "sessionquery.check"
local complain = require "resty.sessionquery.complain"
local core = require "sessionquery.core"
local counters = require "resty.sessionquery.counters"
local recorder = require "resty.sessionquery.recorder"
local settings = require "resty.sessionquery.settings"
local states = require "resty.sessionquery.state"
local tenant = require "resty.sessionquery.tenant"
local header_of = require("sessionquery.capture.headers").get

local capture = {}

local known = {
  organization = "id", project = "id", keys = "string", provider = "string", force_usage = "boolean", upstream = "string",
}

local keys_choices = { optional = true, required = true }

local CLIENT_GONE = 499 -- nginx's status where the client left before the answer began

--- Runs a step of the recorder. Nil where it raised.
local function guarded(state, step, ...)
  local ok, result = pcall(step, ...)
  if ok then return result end
  state.broken = true
  complain("a call is not recorded", result)
end

local made = {} -- settings of sessionquery.capture, by what a location says about them
local counts = {} -- what could not be read, and why
local cost_seen -- of the record that the redaction hook sees

--- How many calls the price table did not know the model of, as far as this one may be among them.
local function unknown_of(model)
  local unknown = settings.prices.unknown
  return (unknown[model] or 0) + (unknown["(others)"] or 0)
end

--- Fills the cost where the record brings none.
local function fill_cost(record)
  if not settings.prices then return end
  local before = record.model and unknown_of(record.model)
  settings.prices:fill(record)
  if before and unknown_of(record.model) > before then counters.add "unknown_model" end
end

--- The hook sees the cost, and a budget has it whatever the hook does.
local function with_cost(hook)
  return hook and function(record)
    fill_cost(record)
    cost_seen = record.cost_usd
    return hook(record)
  end
end

local function settings_of(options)
  local name = ("%s %s"):format(tostring(options.force_usage), tostring(options.provider))
  if made[name] then return made[name] end
  local own = { clock = ngx.now, counts = counts }
  for key, value in pairs(settings.capture or {}) do own[key] = value end
  for _, key in ipairs { "force_usage", "provider" } do
    if options[key] ~= nil then own[key] = options[key] end
  end
  own.redact = with_cost(own.redact)
  made[name] = calls.settings(own)
  return made[name]
end

local function begin_call(options, headers)
  local scheme, host = (options.upstream or ""):match "^(%a+)://([^/]+)"
  local text = body.text()
  return calls.request {
    method = ngx.req.get_method(), path = ngx.var.request_uri, headers = headers, body = text,
    scheme = scheme or ngx.var.scheme, host = host or ngx.var.host, now = ngx.now(), settings = settings_of(options),
  }
end

--- A header's text as it will be stored, in UTF-8: by that a budget finds again what its subject has spent.
local function stored(text)
  if not text or core.encode(text, true) then return text end
  return core.decode("[" .. core.encode(text) .. "]")[1]
end

--- In access_by_lua: reads the request, and takes our headers out of it. May end it, with 401, 403 or 503, for its key.
--- Where nginx redirects a request whose upstream failed, the call stays what it was.
---@class sessionquery.CaptureOptions
---@field organization? string whose the calls are that bring no key of ours
---@field project? string of them
---@field keys? "optional"|"required" required: calls without a key of ours are refused
---@field upstream? string where they go, as "https://api.openai.com": for target_url, and to tell the provider
---@field provider? string who answers, where neither upstream nor path tell
---@field force_usage? boolean asks OpenAI's streams for their usage, and takes the extra event out again

---@param options? sessionquery.CaptureOptions
function capture.request(options)
  settings.path_or_raise "capture.request"
  options = check.options(options, known, "capture.request")
  if options.keys and not keys_choices[options.keys] then
    error(('capture.request: keys is "optional" or "required", not \'%s\''):format(options.keys), 2)
  end
  if states.get() then return end
  local headers = ngx.req.get_headers(0)
  local owner, refused = tenant.of(headers["helicone-auth"], options)
  if not owner then return answer.refuse(refused.status, refused.kind, refused.message, nil, refused.retry_after) end
  local state = {
    organization = owner.organization, project = owner.project, key_id = owner.key_id,
    session_id = stored(header_of(headers, "helicone-session-id")), user_id = stored(header_of(headers, "helicone-user-id")),
    tickets = {}, -- of budgets that let it in
    started = ngx.now(),
  }
  states.keep(state)
  local call = guarded(state, begin_call, options, headers)
  if not call then return end
  state.call = call
  -- what is neither an API's path nor sent with a body, as a list of models, is passed on and is no call
  state.unrecorded = not call.api and ngx.req.get_method() ~= "POST"
  for _, name in ipairs(call.clear) do ngx.req.clear_header(name) end
  if call.accept_encoding then ngx.req.set_header("Accept-Encoding", call.accept_encoding) end
  if call.body then ngx.req.set_body_data(call.body) end
end

local function begin_answer(state)
  if state.answered then return end
  state.answered = true
  return guarded(state, state.call.headers, state.call, ngx.status, ngx.resp.get_headers(0))
end

local function state_of_call()
  local state = states.get()
  if state and state.call and not state.refused and not state.broken then return state end
end

--- In header_filter_by_lua: an answer from which an event is taken out has another length.
function capture.headers()
  local state = state_of_call()
  if not state then return end
  if begin_answer(state) then ngx.header["Content-Length"] = nil end
end

--- In body_filter_by_lua: reads the answer as it passes.
function capture.response()
  local state = state_of_call()
  if not state then return end
  begin_answer(state)
  local chunk, eof = ngx.arg[1], ngx.arg[2]
  local given = guarded(state, state.call.feed, state.call, chunk, eof)
  if given and given ~= chunk then ngx.arg[1] = given end
  if eof then state.complete = true end
end

-- ------------------------------------------------------------------------------------------------- the log phase

--- Milliseconds that all upstreams took together; where there was none, since the call began.
local function latency_ms(state)
  local sum = calls.milliseconds(ngx.var.upstream_response_time)
  if sum then return sum end
  ngx.update_time()
  return (ngx.now() - state.started) * 1000
end

local bodiless = { [204] = true, [304] = true }

--- Whether the client got all that it was to get: to its end, as far as we looked on. A page in the answer's place may
--- come from a location that does not let us.
local function is_complete(state)
  return state.complete or bodiless[ngx.status] or ngx.req.get_method() == "HEAD" or not state.answered and states.is_redirected(state)
end

--- Whether no upstream sent a header, so that the answer is one of nginx's own.
local function is_unanswered()
  local header_times = ngx.var.upstream_header_time
  return header_times ~= nil and header_times:sub(-1) == "-"
end

--- How the call ended: whether the client left, and whether the upstream gave no whole answer. Where bytes were sent,
--- the status tells neither; nginx completes a request whose upstream broke off, and not one whose client left.
local function how_it_ended(state)
  local complete = is_complete(state)
  if ngx.status == CLIENT_GONE then return true, false end
  if not complete then
    local upstream_broke = ngx.var.request_completion == "OK"
    return not upstream_broke, upstream_broke
  end
  return false, state.unanswered
end

--- nginx's own id of the request, in the form of a UUID: unique, and the same however often a batch is stored.
local function made_id()
  return (ngx.var.request_id:gsub("^(%x%x%x%x%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(%x%x%x%x)", "%1-%2-%3-%4-"))
end

local function record_of(state)
  state.unanswered = is_unanswered()
  local aborted, upstream_failed = how_it_ended(state)
  state.aborted = aborted
  local record = state.call:record {
    now = ngx.now(), latency_ms = latency_ms(state), status = ngx.status, aborted = aborted, upstream_failed = upstream_failed,
  }
  if not record then return nil end
  if not cost_seen then
    fill_cost(record)
    cost_seen = record.cost_usd
  end
  state.has_given_id = record.request_id ~= nil
  record.request_id = record.request_id or made_id()
  record.organization_id, record.project, record.api_key_name = state.organization, state.project, state.key_id
  return record
end

local function tell_counts()
  for name, count in pairs(counts) do
    counters.add(name, count)
    counts[name] = nil
  end
end

--- In log_by_lua: settles the call's budgets and puts it into the queue.
function capture.record()
  local state = states.get()
  if not state or state.refused then return end
  cost_seen = nil
  local record = state.call and not state.broken and guarded(state, record_of, state)
  budget.settle(state, cost_seen)
  if record and not state.unrecorded then recorder.push(record, state.has_given_id) end
  if next(counts) then tell_counts() end
end

return capture
