--- The recorder's core: looks at an LLM call that passes through a proxy and makes a record of it. It knows no
--- framework; whoever has the request, the answer's headers and its chunks can feed it.
---
---   local call = capture.request { path = …, headers = …, body = …, host = …, settings = settings }
---   -- to the upstream: without the headers call.clear, with call.body and call.accept_encoding where they are set
---   call:headers(status, headers)
---   out = call:feed(chunk, eof)
---   db:add(call:record { latency_ms = …, aborted = … })
local call = require "sessionquery.capture.call"
local check = require "sessionquery.check"
local make_settings = require "sessionquery.capture.settings"

local capture = {}

--- Settings, checked; a table of them that is given to many requests is checked once.
---@class sessionquery.capture.Settings
---@field provider? string who answers, where neither host nor path tell
---@field force_usage? boolean asks OpenAI's streams for their usage, and takes the extra event out again. The chunks
---  then hold "usage":null, as the provider sends them when asked; all other bytes are those of a call that did not ask
---@field accept_encoding? string|false what the upstream is asked for; "identity" by default
---@field request_bytes? integer of the request's body are kept (65536; 0: none)
---@field response_bytes? integer of the answer's body are kept (65536; 0: none)
---@field redact? fun(record: table): table? sees each record before it is stored; nil: it is not stored
---@field clock? fun(): number seconds; without it there is no time to the first token
---@field max_event? integer bytes of an event, or of a member of a JSON answer, that are read (1 MiB)
---@field max_inflated? integer bytes to which a compressed answer is read (256 MiB)
---@field max_ratio? integer of these to those that came (200), beyond the first MiB
---@field counts? table is counted in: unread_encoding, unread_request_encoding, unread_compressed (damaged, or too
---  much), unread_long, unread_syntax, unread_failed, redacted, redact_failed

--- Settings with their defaults, and `counts`.
---@param options sessionquery.capture.Settings?
function capture.settings(options)
  local settings = make_settings(options) -- no tail call: errors count the levels
  return settings
end

local request_known = {
  method = "string", path = "string", query = "string", headers = "table", body = "string", host = "string",
  scheme = "string", now = "number", settings = "table",
}

local plain = make_settings {}

---@class sessionquery.capture.Request
---@field path string as the upstream gets it, with or without a query
---@field method? string POST by default; of other methods nothing is read
---@field query? string
---@field headers? table<string, string|string[]> by lower-case names
---@field body? string
---@field host? string of the upstream
---@field scheme? string https by default
---@field now? number when the call began, in seconds
---@field settings? sessionquery.capture.Settings

--- The call of a request.
---@param request sessionquery.capture.Request
---@return sessionquery.capture.Call
function capture.request(request)
  check.type(request, "table", "request")
  check.options(request, request_known, "request")
  check.type(request.path, "string", "request: path")
  local settings = request.settings and make_settings(request.settings) or plain
  if not request.headers then
    local copy = { headers = {} }
    for name, value in pairs(request) do copy[name] = value end
    request = copy
  end
  return call.new(request, settings)
end

--- Milliseconds of nginx's $upstream_response_time: the sum of its list, since the retries of a call are one call;
--- nil when it holds no time.
---@param text string? "0.120, 1.004 : 0.300"; "-" where nothing was answered
---@return integer?
function capture.milliseconds(text)
  local sum
  for seconds in (text or ""):gmatch "%d+%.?%d*" do sum = (sum or 0) + tonumber(seconds) end
  return sum and math.floor(sum * 1000 + 0.5)
end

return capture
