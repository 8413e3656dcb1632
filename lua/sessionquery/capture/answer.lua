--- Reads an answer as it passes: inflates it where it came compressed, divides it into events or members, and
--- gives those to the provider's reader that may tell something. Bounded in memory whatever comes; what cannot
--- be read is counted and passes like the rest.
local bodies = require "sessionquery.capture.bodies"
local buffer = require "sessionquery.capture.buffer"
local core = require "sessionquery.core"
local headers = require "sessionquery.capture.headers"
local json_split = require "sessionquery.capture.json_split"
local sse = require "sessionquery.capture.sse"

local LONGEST_ERROR = 2000 -- bytes
local LONGEST_PLAIN_ERROR = 300 -- of an answer that is no JSON

---@class sessionquery.capture.Answer
---@field seen { told: table, model: string?, content: boolean, finished: boolean, error: string? }
---@field streamed boolean it came as events
local Answer = {}
Answer.__index = Answer

local inflaters = { gzip = "gzip", ["x-gzip"] = "gzip", deflate = "deflate" }

local function count(self, name)
  local counts = self.settings.counts
  counts[name] = (counts[name] or 0) + 1
end

--- The text of an error, in the shapes in which the providers and their likes tell it.
local function error_text(event, failed)
  local told = event.error
  if type(told) == "table" then told = told.message or told.type or told.status end
  if type(told) ~= "string" and failed then told = event.message end
  if type(told) ~= "string" and failed then told = event.detail end
  if type(told) == "string" and told ~= "" then return (bodies.head(told, LONGEST_ERROR)) end
end

--- Decodes an event and gives it to the provider's reader.
local function read_event(self, text)
  local event = core.decode(text)
  if event == nil then count(self, "unread_syntax") end
  if type(event) ~= "table" then return false end
  local seen, had_content = self.seen, self.seen.content
  local extra = self.api.read(seen, event)
  local told = error_text(event, self.status >= 400)
  if told then seen.error, seen.finished = told, true end
  if seen.content and not had_content and self.on_content then self.on_content() end
  return extra
end

local function event_reader(self)
  return sse.new {
    most = self.settings.max_event,
    hold = self.strip,
    on_event = function(name, data)
      if self.api.wants(self.seen, name, data) then return read_event(self, data) end
    end,
  }
end

--- A whole answer has its members read together at its end; an array has its elements read as they come.
local function item_reader(self)
  return json_split.new {
    most = self.settings.max_event,
    wanted = self.api.members,
    on_item = function(text, _, key)
      if key == nil then
        read_event(self, text)
      else
        self.found[key] = text
      end
    end,
  }
end

local function choose_reader(self)
  self.events, self.items = nil, nil
  if not self.api or not self.readable then return end
  if self.streamed then self.events = event_reader(self) else self.items = item_reader(self) end
end

--- A reader of the answer to a call.
---@param options table api: of the provider, or nil; settings; status, headers; streams: the call asked for a stream;
---  strip: the extra event is taken out; keep: the body may be kept; on_content: called at the first content
local function new(options)
  local self = setmetatable({
    api = options.api,
    settings = options.settings,
    status = options.status,
    on_content = options.on_content,
    seen = { told = {}, content = false, finished = false },
    found = {}, -- members of a whole answer
    bytes = 0,
    head = options.keep and options.settings.response_bytes > 0 and buffer.new() or nil,
    streamed = false,
    strip = false,
    blank = "", -- white space before what was not declared
    readable = true, -- nothing has gone wrong so far
  }, Answer)
  local all = options.headers
  local kind, encoding = headers.get(all, "content-type"), headers.get(all, "content-encoding")
  encoding = encoding and encoding:lower():gsub("%s", "")
  if encoding == "identity" then encoding = nil end
  if not bodies.is_text(kind) then self.head = nil end
  if encoding then
    local format = inflaters[encoding]
    self.inflater = format and core.inflater(format, self.settings.max_inflated, self.settings.max_ratio) or nil
    if not self.inflater then
      self:give_up "unread_encoding"
      self.head = nil
    end
  end
  kind = kind and kind:lower() or ""
  if self.status >= 400 and kind:find("text/plain", 1, true) then self.plain = buffer.new() end
  self.streamed = kind:find("event-stream", 1, true) ~= nil
  -- A stream that was asked for and is not declared as one shows in its first byte.
  self.undeclared = not self.streamed and options.streams and self.status < 300 and not kind:find("json", 1, true)
  self.streamed = self.streamed or self.undeclared
  -- Where events are compressed none can be taken out.
  self.strip = options.strip and self.streamed and not encoding and self.status < 300
  choose_reader(self)
  return self
end

--- Reads no further. What was seen so far stays; what is held is the caller's to give out, who asks before.
function Answer:give_up(why)
  if not self.readable then return end
  self.readable = false
  self.events, self.items, self.blank = nil, nil, ""
  if self.inflater then
    self.inflater:close()
    self.inflater = nil
  end
  count(self, why)
end

local MOST_BLANK = 256 -- bytes of white space before the first byte that tells

--- The first byte of what was not declared: JSON begins with a bracket, events never do. Gives all text so far, or
--- nil while it does not tell.
local function look_at(self, text)
  text = self.blank .. text
  local first = text:sub(1, MOST_BLANK):match "%S"
  if not first and #text < MOST_BLANK then
    self.blank = text
    return nil
  end
  self.undeclared, self.blank = false, ""
  if first == "{" or first == "[" then
    self.streamed = false
    choose_reader(self)
  end
  return text
end

--- Adds to the kept beginning of a text. Four bytes more than are wanted tell where the last character begins.
local function keep_head(head, text, most)
  most = most + 4
  if head.bytes < most then head:add(#text > most and text:sub(1, most) or text) end
end

--- A piece of the answer's text. Gives the bytes that go on.
local function read_text(self, text)
  self.bytes = self.bytes + #text
  if self.head then keep_head(self.head, text, self.settings.response_bytes) end
  local given = text
  if self.undeclared then
    text = look_at(self, text)
    if not text then return self.strip and "" or given end
  end
  if self.events then
    local out = self.events:feed(text)
    return self.strip and out or given
  end
  if self.items then
    self.items:feed(text)
    if self.plain then keep_head(self.plain, text, LONGEST_PLAIN_ERROR) end
  end
  return self.strip and text or given
end

local function read_compressed(self, bytes)
  local at = 1
  while true do
    local text, next_at = self.inflater:read(bytes, at)
    if not text then
      self:give_up "unread_compressed"
      return bytes
    end
    if text == "" then return bytes end
    read_text(self, text)
    at = next_at
  end
end

--- Reads a chunk, and gives the bytes that go on: the chunk itself, unless events are taken out.
---@param chunk string
---@return string
function Answer:feed(chunk)
  if self.inflater then return read_compressed(self, chunk) end
  if not self.readable then
    self.bytes = self.bytes + #chunk
    return chunk
  end
  return read_text(self, chunk)
end

--- The members that were found, as one object.
local function read_members(self)
  local list = {}
  for _, text in pairs(self.found) do list[#list + 1] = text end
  if self.items.kind == "object" and #list > 0 then read_event(self, "{" .. table.concat(list, ",") .. "}") end
end

local function note_long(self, reader)
  if reader.too_long > 0 then count(self, "unread_long") end
  return reader.too_long == 0
end

--- The end of what comes. Gives the bytes that were held back.
---@return string
function Answer:finish()
  local rest = self.strip and self.blank or ""
  self.blank = ""
  if self.events then
    rest = rest .. self.events:finish()
    self.whole = not note_long(self, self.events) or self.seen.finished
  elseif self.items then
    read_members(self)
    note_long(self, self.items)
    local plain = self.items.wrong and self.plain and bodies.head(self.plain:peek(), LONGEST_PLAIN_ERROR)
    if plain and plain ~= "" then self.seen.error = plain end
    self.whole = self.items.over or self.items.wrong
  else
    self.whole = true
  end
  self.events, self.items = nil, nil
  if self.inflater then
    self.inflater:close()
    self.inflater = nil
  end
  return rest
end

--- Bytes that came and were not given out yet.
function Answer:held()
  if not self.strip then return "" end
  return self.blank .. (self.events and self.events.held:peek() or "")
end

--- The kept beginning of the answer, or nil.
function Answer:body()
  if not self.head or self.bytes == 0 then return nil end
  return bodies.cut(self.head:peek(), self.settings.response_bytes, self.bytes)
end

return { new = new }
