--- One call that passes through: what its request says, what its answer tells, and the record of both.
local answer = require "sessionquery.capture.answer"
local bodies = require "sessionquery.capture.bodies"
local headers = require "sessionquery.capture.headers"
local request = require "sessionquery.capture.request"
local routes = require "sessionquery.capture.routes"
local target = require "sessionquery.capture.target"
local usage = require "sessionquery.capture.usage"

local UPSTREAM_BROKE_OFF, CLIENT_LEFT = -1, -3

---@class sessionquery.capture.Call
---@field api string? "openai.chat" and so on; nil: a path of no API that we know
---@field provider string?
---@field model string? as the request names it
---@field streamed boolean the request asks for a stream
---@field clear string[] names of the headers that the upstream must not get
---@field body string? what the upstream gets instead of the client's body
---@field accept_encoding string? what the upstream gets instead of the client's Accept-Encoding
---@field fields table of the record, as the headers tell them; the host may add its own
local Call = {}
Call.__index = Call

local function count(settings, name) settings.counts[name] = (settings.counts[name] or 0) + 1 end

--- What the body says, and whether the upstream gets another one.
local function read_body(self, given, body)
  if headers.get(given.headers, "content-encoding") then
    count(self.settings, "unread_request_encoding")
    return
  end
  if not bodies.is_text(headers.get(given.headers, "content-type")) then return end
  if self.settings.request_bytes > 0 and not self.omit.request then
    self.request_body = bodies.cut(body, self.settings.request_bytes, #body)
  end
  local said = self.reader and request.read(body)
  if not said then return end
  self.model = self.model or said.model
  self.streamed = self.streamed or said.stream
  if self.settings.force_usage and self.reader.can_force_usage then self.body = request.ask_usage(body, said) end
end

--- The call of a request.
---@param given table as capture.request takes it, with headers
---@param settings table
local function new(given, settings)
  local self = setmetatable({ settings = settings, fields = {} }, Call)
  local path = given.path:match "^[^?]*"
  local model, streams
  if (given.method or "POST") == "POST" then self.reader, model, streams = routes.find(path) end
  self.api = self.reader and self.reader.name
  self.provider = settings.provider or routes.provider(self.reader, given.host)
  self.model, self.streamed = model, streams == true
  self.target_url = target.url(given.scheme, given.host, given.path, given.query)
  self.clear, self.omit = headers.read(given.headers, self.fields)
  self.started = given.now or settings.clock and settings.clock()
  if given.body and given.body ~= "" then read_body(self, given, given.body) end
  self.accept_encoding = self.body and "identity" or settings.accept_encoding or nil
  return self
end

local function note_first_token(self)
  local clock = self.settings.clock
  if clock and self.started then self.first_token_ms = (clock() - self.started) * 1000 end
end

--- The answer's status and headers are there. True when its length may change on the way to the client.
---@param status integer?
---@param answer_headers table<string, string|string[]> by lower-case names
---@return boolean
function Call:headers(status, answer_headers)
  self.answer = answer.new {
    api = self.reader,
    settings = self.settings,
    status = status or 200,
    headers = answer_headers or {},
    streams = self.streamed,
    strip = self.body ~= nil,
    keep = not self.omit.response,
    on_content = function() note_first_token(self) end,
  }
  return self.answer.strip
end

--- A part of the answer's body passes. Gives what the client gets of it: the same string, unless force_usage takes
--- the extra event out. Never raises: what goes wrong in reading is counted.
---@param chunk string?
---@param eof boolean?
---@return string
function Call:feed(chunk, eof)
  if not self.answer then self:headers() end
  local read, out = self.answer, chunk or ""
  if out ~= "" then
    local held = read:held()
    local ran, bytes = pcall(read.feed, read, out)
    if ran then
      out = bytes
    else
      out = held .. out
      read:give_up "unread_failed"
    end
  end
  if eof then out = out .. self:finish() end
  return out
end

--- The end of reading: at eof, or when the call is over without one.
function Call:finish()
  if self.finished then return "" end
  self.finished = true
  local read = self.answer
  if not read then return "" end
  local held = read:held()
  local ran, rest = pcall(read.finish, read)
  if ran then return rest end
  read:give_up "unread_failed"
  return held
end

local function whole(number)
  number = tonumber(number)
  if number and number >= 0 and number < 2 ^ 53 then return math.floor(number + 0.5) end
end

--- -3 when the client left, -1 when the upstream broke off, else HTTP's.
local function status_of(self, how)
  local status = whole(how.status) or self.answer and self.answer.status
  if how.aborted then return CLIENT_LEFT end
  if how.upstream_failed then return UPSTREAM_BROKE_OFF end
  local good = status and status >= 200 and status < 300 and status ~= 204
  local read = self.answer
  if good and read and not read.whole and (read.streamed or read.bytes > 0) then return UPSTREAM_BROKE_OFF end
  return status
end

local function fill_times(self, record, how)
  local latency = whole(how.latency_ms)
  if not latency and how.now and self.started then latency = whole((how.now - self.started) * 1000) end
  record.created_at = self.started or how.now and how.now - (latency or 0) / 1000 or os.time()
  record.latency_ms = latency
  if latency then record.responded_at = record.created_at + latency / 1000 end
  local first = whole(self.first_token_ms)
  record.time_to_first_token_ms = first and latency and math.min(first, latency) or first -- two clocks may differ by one
end

local function fill_answer(record, read, reader)
  local seen = read.seen
  if seen.model then record.model = seen.model end
  if reader then usage.fill(record, seen.told, reader.names) end
  record.error = seen.error
  record.streamed = record.streamed or read.streamed
  record.response_body = read:body()
end

--- A copy that the hook may change at will.
local function copy(record)
  local other = {}
  for name, value in pairs(record) do other[name] = value end
  if record.properties then
    other.properties = {}
    for name, value in pairs(record.properties) do other.properties[name] = value end
  end
  return other
end

--- The operator's hook has the last word: its record, or none. When it fails no body is recorded.
local function redacted(self, record)
  local hook = self.settings.redact
  if not hook then return record end
  local ran, changed = pcall(hook, copy(record))
  if ran and changed == nil then
    count(self.settings, "redacted")
    return nil
  end
  if ran and type(changed) == "table" then return changed end
  count(self.settings, "redact_failed")
  record.request_body, record.response_body = nil, nil
  return record
end

--- The record of the call, as db:add takes it; nil when the redaction hook wants none.
---@param how { now: number?, latency_ms: number?, status: integer?, aborted: boolean?, upstream_failed: boolean? }
---@return table?
function Call:record(how)
  how = how or {}
  self:finish()
  local record = copy(self.fields)
  record.provider, record.model, record.target_url = self.provider, self.model, self.target_url
  record.run_type = self.reader and self.reader.run_type
  record.streamed = self.streamed
  record.request_body = self.request_body
  if self.answer then fill_answer(record, self.answer, self.reader) end
  record.status = status_of(self, how)
  fill_times(self, record, how)
  return redacted(self, record)
end

return { new = new }
