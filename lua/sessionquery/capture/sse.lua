--- Server-sent events, read from chunks that are cut anywhere (HTML standard, 9.2): lines end by LF, CR or CRLF,
--- a byte order mark may stand first, data may have several lines, and comments and unknown fields say nothing.
--- Unlike a browser we also read an event whose closing blank line never came.
---
--- The reader only looks, unless it holds: then the bytes of an event are given out when it is known whether
--- on_event takes it out of the stream. All other bytes stay as they are.
local buffer = require "sessionquery.capture.buffer"

local find, sub, byte, concat = string.find, string.sub, string.byte, table.concat
local NEVER = math.huge
local MARK = "\239\187\191"

---@class sessionquery.capture.Events
---@field on_event fun(name: string?, data: string): boolean? true takes the event out, when the reader holds
---@field most integer bytes of an event's data; a longer event is not read
---@field too_long integer how many were longer
local Events = {}
Events.__index = Events

local function new(options)
  return setmetatable({
    on_event = options.on_event,
    most = options.most,
    too_long = 0,
    line = buffer.new(), -- the beginning of a line, or of a mark
    cut_line = false, -- that line is longer than `most`
    at_start = true,
    after_cr = false, -- an LF that comes now belongs to the CR before it
    name = nil,
    data = nil, -- of the event: a text, or a list of lines
    bytes = 0, -- of data
    held = options.hold and buffer.new() or nil, -- the beginning of an event, not given out yet
    passing = false, -- the event is too long to be held
    ended = "event", -- what the last end of a line ended: "line", "event", or "dropped", an event that was taken out
  }, Events)
end

local SPARE = 16 -- bytes of a line besides its data: the field's name

--- One field. `from` to `last` are a line without its end.
local function read_line(self, text, from, last)
  local first = byte(text, from)
  if first == 100 then -- d
    if sub(text, from, from + 4) == "data:" then
      from = from + (byte(text, from + 5) == 32 and 6 or 5)
    elseif last - from == 3 and sub(text, from, last) == "data" then
      from = last + 1
    else
      return
    end
    self.bytes = self.bytes + last - from + 2
    if self.bytes > self.most + 1 then
      self.data = ""
    elseif self.data == nil then
      self.data = sub(text, from, last)
    else
      if type(self.data) == "string" then self.data = { self.data } end
      self.data[#self.data + 1] = sub(text, from, last)
    end
  elseif first == 101 and last - from < self.most + SPARE and sub(text, from, from + 5) == "event:" then -- e
    self.name = sub(text, from + (byte(text, from + 6) == 32 and 7 or 6), last)
  end
end

--- The blank line: tells of the event, and gives whether it is to be taken out.
local function end_event(self)
  local name, data, bytes, passing = self.name, self.data, self.bytes, self.passing
  self.name, self.data, self.bytes, self.passing = nil, nil, 0, false
  if bytes > self.most + 1 then
    self.too_long = self.too_long + 1
    return false
  end
  if not data then return false end
  if type(data) == "table" then data = concat(data, "\n") end
  return self.on_event(name, data) == true and not passing
end

--- Lines may go on over chunks. Of one that is longer than the bound only its beginning is kept.
local function keep_line(self, text, from, last)
  if self.line.bytes + last - from + 1 > self.most + SPARE then
    self.cut_line = true
    last = self.line.bytes < SPARE and math.min(last, from + SPARE) or from - 1
  end
  if last >= from then self.line:add(sub(text, from, last)) end
end

--- A line from `from` to `last`, whose beginning may be kept: what its end ends.
local function take_line(self, text, from, last)
  local line = self.line
  if line.bytes > 0 or self.cut_line then
    keep_line(self, text, from, last)
    text = line:take()
    if self.cut_line then
      self.cut_line = false
      if sub(text, 1, 5) == "data:" then self.data, self.bytes = "", self.most + 2 end
      return "line"
    end
    from, last = 1, #text
  end
  if last < from then return end_event(self) and "dropped" or "event" end
  read_line(self, text, from, last)
  return "line"
end

--- Bytes to give out when the reader holds: those up to the current event, whose bytes are kept.
local function hold_rest(self, out, chunk, kept_from, event_from)
  if event_from > kept_from then out[#out + 1] = sub(chunk, kept_from, event_from - 1) end
  if event_from <= #chunk then self.held:add(sub(chunk, event_from)) end
  if self.passing or self.held.bytes > self.most then
    self.passing = true
    out[#out + 1] = self.held:take()
  end
end

--- Where the lines begin: an LF may come first whose CR stood at the end of the last chunk.
local function lines_begin(self, chunk)
  if self.after_cr then
    self.after_cr = false
    if byte(chunk, 1) == 10 then return 2 end
  end
  return 1
end

--- Reads all lines that end in this chunk, and calls on_end(stop, how) for each event.
local function read_lines(self, chunk, at, on_end)
  local lf, cr = find(chunk, "\n", at, true) or NEVER, find(chunk, "\r", at, true) or NEVER
  while true do
    local stop = lf < cr and lf or cr
    if stop == NEVER then break end
    local last = stop - 1
    if stop == cr then
      if lf == cr + 1 then stop = lf else self.after_cr = stop == #chunk end
      cr = find(chunk, "\r", stop + 1, true) or NEVER
    end
    if lf <= stop then lf = find(chunk, "\n", stop + 1, true) or NEVER end
    self.ended = take_line(self, chunk, at, last)
    at = stop + 1
    if on_end and self.ended ~= "line" then on_end(stop, self.ended) end
  end
  if at <= #chunk then keep_line(self, chunk, at, #chunk) end
end

--- Waits for the three bytes of a mark, if they may come. Then gives the text behind it, and the mark or "".
local function skip_mark(self, chunk)
  local line = self.line
  line:add(chunk)
  local text = line:take()
  if #text < #MARK and sub(MARK, 1, #text) == text then
    line:add(text)
    return nil, ""
  end
  self.at_start = false
  if sub(text, 1, 3) == MARK then return sub(text, 4), MARK end
  return text, ""
end

--- As feed, where bytes may be taken out.
local function feed_held(self, chunk, at)
  local out, held = {}, self.held
  -- An LF of the last chunk's CR goes where that went.
  local kept_from = at == 2 and self.ended == "dropped" and 2 or 1
  local event_from = self.ended == "line" and 1 or at
  read_lines(self, chunk, at, function(stop, how)
    if how == "dropped" then
      if event_from > kept_from then out[#out + 1] = sub(chunk, kept_from, event_from - 1) end
      held:take()
      kept_from = stop + 1
    elseif held.bytes > 0 then
      out[#out + 1] = held:take()
    end
    event_from = stop + 1
  end)
  if #out == 0 and held.bytes == 0 and kept_from == 1 and event_from > #chunk then return chunk end
  hold_rest(self, out, chunk, kept_from, event_from)
  return concat(out)
end

--- Reads on. Gives the bytes that may go on: the chunk itself, unless the reader holds.
---@param chunk string
---@return string
function Events:feed(chunk)
  if chunk == "" then return chunk end
  local text, mark = chunk, ""
  if self.at_start then
    text, mark = skip_mark(self, chunk)
    if not text then return self.held and "" or chunk end
  end
  local at = lines_begin(self, text)
  if self.held then
    local out = feed_held(self, text, at)
    return mark == "" and out or mark .. out
  end
  read_lines(self, text, at)
  return chunk
end

--- The stream's end: reads what has no end of its own. Gives the bytes that were held.
---@return string
function Events:finish()
  if self.at_start then return self.held and self.line:take() or "" end -- a part of a mark
  if self.line.bytes > 0 or self.cut_line then take_line(self, "", 1, 0) end
  local drop = end_event(self)
  if not self.held then return "" end
  local rest = self.held:take()
  return drop and "" or rest
end

return { new = new }
