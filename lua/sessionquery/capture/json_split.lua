--- The items of a JSON array or object, one by one, from chunks that are cut anywhere: an answer of many
--- megabytes is never kept, only the members that are wanted of it, and of an array one element at a time.
---
--- It divides and does not check: an item is what stands between two commas of the outermost level. Whoever
--- takes an item decodes it, and finds there what is wrong.
local buffer = require "sessionquery.capture.buffer"
local core = require "sessionquery.core"

local find, sub, byte, match = string.find, string.sub, string.byte, string.match
local skim = core.skim
local QUOTE, COMMA = 34, 44
local OUTERMOST = 4 -- the state of core.skim behind the first bracket
local LONGEST_KEY = 256 -- bytes; no key that anybody wants is longer

---@class sessionquery.capture.Items
---@field kind "array"|"object"|nil what it is, once that has shown; nil for anything else
---@field over boolean it came to its end
---@field opens integer? where its bracket stands
---@field closes integer? where the bracket stands that closes it
---@field wrong boolean it is neither
---@field too_long integer items that were longer than `most`
local Items = {}
Items.__index = Items

--- on_item(text, from, key, key_bytes): an element, or the whole `"key": value` of a member; from: its place, from
--- 1; key_bytes: how far the key reaches into the text.
--- wanted: the keys that are; nil: all. most: bytes of an item; a longer one is left out and counted.
---@param options { on_item: function, most: integer, wanted?: table<string, boolean> }
local function new(options)
  return setmetatable({
    on_item = options.on_item,
    wanted = options.wanted, -- keys; nil: all
    most = options.most,
    too_long = 0,
    over = false,
    wrong = false,
    state = nil, -- of core.skim, once there was a bracket
    item = buffer.new(), -- the beginning of an item
    keep = true, -- the item is wanted, as far as is known
    key = nil, -- of this member
    key_bytes = nil,
    read = 0, -- bytes of earlier chunks
  }, Items)
end

--- Adds a part of an item, while it is wanted.
local function keep(self, text, from, last)
  if not self.keep or last < from then return end
  if self.item.bytes + last - from + 1 > self.most then
    self.keep = false
    self.too_long = self.too_long + 1
    self.item:take()
    return
  end
  self.item:add(sub(text, from, last))
end

--- An item is whole; its last byte is `last` of the chunk.
local function end_item(self, last)
  local text, key, key_bytes, wanted = self.item:take(), self.key, self.key_bytes, self.keep
  self.key, self.key_bytes, self.keep = nil, nil, true
  if self.kind == "object" and not key then return end
  if wanted and find(text, "%S") then self.on_item(text, self.read + last - #text + 1, key, key_bytes) end
end

--- The first string of a member is its key.
local function take_key(self)
  local text = match(self.item:peek(), '^%s*(".*")$')
  local key = text and #text <= LONGEST_KEY and sub(text, 2, -2) or ""
  if find(key, "\\", 1, true) then
    local list = core.decode("[" .. text .. "]")
    key = list and list[1] or ""
  end
  self.key, self.key_bytes = key, self.item.bytes
  if self.wanted and not self.wanted[key] then
    self.keep = false
    self.item:take()
  end
end

--- A mark of the outermost level. The place where the next item, or what there is more of this one, begins.
local function take_mark(self, chunk, at, from)
  local mark = byte(chunk, at)
  if mark == QUOTE then
    if self.kind ~= "object" or self.key then return from end
    keep(self, chunk, from, at)
    take_key(self)
    return at + 1
  end
  keep(self, chunk, from, at - 1)
  end_item(self, at - 1)
  if mark ~= COMMA then self.over, self.closes = true, self.read + at end
  return at + 1
end

--- The outermost bracket, behind white space and a byte order mark. The place behind it, or nil.
local function begin(self, chunk)
  local at = find(chunk, "[^%s\239\187\191]")
  if not at then return nil end
  local mark = byte(chunk, at)
  self.kind = mark == 91 and "array" or mark == 123 and "object" or nil
  self.wrong = self.kind == nil
  self.state, self.opens = OUTERMOST, self.read + at
  return at + 1
end

--- Reads on.
---@param chunk string
function Items:feed(chunk)
  if self.over or self.wrong then return end
  local at = 1
  if not self.state then at = begin(self, chunk) end
  if not at or self.wrong then
    self.read = self.read + #chunk
    return
  end
  local from = at -- of the item, or of its part in this chunk
  while not self.over do
    at, self.state = skim(chunk, at, self.state)
    if not at then break end
    from = take_mark(self, chunk, at, from)
    at = at + 1
  end
  if not self.over then keep(self, chunk, from, #chunk) end
  self.read = self.read + #chunk
end

return { new = new }
