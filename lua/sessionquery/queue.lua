--- Records that wait to be stored: a bounded first-in-first-out list of JSON lines, bounded in number and in
--- bytes. What is taken stays counted until it is acknowledged; what could not be stored is given back, to its
--- old place. It knows no clock and no store: who drains it asks `delay` how long to wait.
local queue = {}

---@class sessionquery.Queue
---@field count integer lines that wait, those taken and not yet acknowledged included
---@field bytes integer of them
---@field failures integer attempts in a row that failed
local Queue = {}
Queue.__index = Queue

local FIRST_DELAY, LONGEST_DELAY = 0.1, 10 -- seconds between attempts: doubled from one to the next

--- An empty queue: `queue.new{ count = 10000, bytes = 64 * 1024 * 1024 }`.
---@param limits { count: integer, bytes: integer } what waits at most
---@return sessionquery.Queue
function queue.new(limits)
  return setmetatable({
    limits = limits, lines = {}, first = 1, last = 0, taken = 0, count = 0, bytes = 0, failures = 0,
    known = {}, -- of the lines: may be stored already
  }, Queue)
end

--- Puts a line at the end. False where the queue is full: the line is not in it.
---@param line string
---@param known? boolean it may be stored already
---@return boolean
function Queue:push(line, known)
  if self.count >= self.limits.count or self.bytes + #line > self.limits.bytes then return false end
  self.last = self.last + 1
  self.lines[self.last], self.known[self.last] = line, known
  self.count, self.bytes = self.count + 1, self.bytes + #line
  return true
end

--- The oldest lines: up to `most` of them, and of `bytes` together, but one at least. Nil where none waits, or
--- while others are taken. They stay in the queue until `done`.
---@param most integer
---@param bytes integer
---@return string[]?
---@return boolean new none of them can be stored already
function Queue:take(most, bytes)
  if self.taken > 0 or self.count == 0 then return nil, false end
  local batch, size, new = {}, 0, true
  for at = self.first, math.min(self.last, self.first + most - 1) do
    local line = self.lines[at]
    size = size + #line
    if size > bytes and #batch > 0 then break end
    batch[#batch + 1] = line
    new = new and not self.known[at]
  end
  self.taken = #batch
  return batch, new
end

--- The lines that were taken are stored, or are given up: they leave.
function Queue:done()
  for at = self.first, self.first + self.taken - 1 do
    self.bytes = self.bytes - #self.lines[at]
    self.lines[at], self.known[at] = nil, nil
  end
  self.first, self.count = self.first + self.taken, self.count - self.taken
  self.taken, self.failures = 0, 0
  if self.count == 0 then self.first, self.last = 1, 0 end
end

--- The lines that were taken are not known to be stored: they wait again, before all others.
function Queue:failed()
  for at = self.first, self.first + self.taken - 1 do self.known[at] = true end
  self.taken, self.failures = 0, self.failures + 1
end

--- The lines that were taken were not tried: they wait again, before all others.
function Queue:release() self.taken = 0 end

--- Seconds to wait before the next attempt; 0 after one that succeeded.
---@return number
function Queue:delay()
  if self.failures == 0 then return 0 end
  return math.min(FIRST_DELAY * 2 ^ (self.failures - 1), LONGEST_DELAY)
end

return queue
