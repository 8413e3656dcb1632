--- Talks with a worker: JSON commands, a line each, into a named pipe; JSON answers, a line each, from its output.
--- A worker greets when it is ready.
local core = require "sessionquery.core"

local Worker = {}
Worker.__index = Worker

local dialogue = {}
local count = 0

function dialogue.start(command, folder)
  count = count + 1
  local fifo = ("%sworker-%d.fifo"):format(folder, count)
  os.remove(fifo)
  assert(os.execute("mkfifo " .. fifo))
  local output = assert(io.popen(("exec %s <%s"):format(command, fifo)))
  local worker = setmetatable({ command = command, output = output, input = assert(io.open(fifo, "w")) }, Worker)
  os.remove(fifo) -- both ends are open
  worker.input:setvbuf "line"
  worker.greeting = worker:read()
  return worker
end

function Worker:read()
  local line = self.output:read "l"
  if not line then error(self.command .. ": ended without an answer", 0) end
  local answer = assert(core.decode(line))
  if answer.error then error(("%s: %s"):format(self.command, answer.error), 0) end
  return answer
end

function Worker:ask(command)
  self.input:write(assert(core.encode(command)), "\n")
  return self:read()
end

--- It is told, for it would not see the end: workers that were started later hold its pipe open too.
function Worker:close()
  self.input:write '{"quit":true}\n'
  self.input:close()
  self.output:close()
end

return dialogue
