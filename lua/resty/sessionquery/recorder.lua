--- The queue of this worker, and the one timer that drains it, in batches, through the thread pool. A record has a
--- request_id before it is put here, so that a batch that is stored twice is stored once.
local core = require "sessionquery.core"
local complain = require "resty.sessionquery.complain"
local counters = require "resty.sessionquery.counters"
local queues = require "sessionquery.queue"
local settings = require "resty.sessionquery.settings"
local threads = require "resty.sessionquery.threads"

local recorder = {}

local SOON = 0.05 -- seconds until a thread is asked for again, where none was free

local queue -- of this worker
local armed = false -- the timer is set, or its handler at work

local arm

--- What became of a batch: the counts, and how long to wait before the next one; nil when it is to be tried now.
local function settle(batch, ok, stored, failed, why)
  threads.starved = ok == nil
  if ok and stored then
    queue:done()
    counters.add("flushed", #batch - failed)
    if failed > 0 then
      counters.add("failed", failed)
      complain("records are refused by the store", failed, ", ", why)
    end
    return nil
  end
  if threads.starved then
    queue:release()
    return SOON
  end
  queue:failed()
  counters.add "retries"
  complain("records wait", tostring(ok and failed or stored))
  return queue:delay()
end

--- Stores a batch by one of the ways of `threads`. What `settle` says; false where none waits.
local function store_next(run, timeout_ms)
  local batch, new = queue:take(settings.batch, settings.batch_bytes)
  if not batch then return false end
  threads.starved = false -- while it works it has what it wants: a VM
  return settle(batch, run("record", settings.path, table.concat(batch, "\n"), new, timeout_ms))
end

local function drain_all()
  local delay
  repeat delay = store_next(threads.run, settings.timeout_ms) until delay ~= nil
  return delay or nil
end

--- The timer's handler. A worker that ends calls it early, once, and stores the rest in `exit`.
local function drain(is_early)
  local ok, delay = pcall(drain_all)
  armed = false
  if not ok then
    queue:failed()
    complain("records wait", tostring(delay))
    delay = queue:delay()
  end
  if queue.count > 0 and not is_early then arm(delay or 0) end
end

function arm(delay)
  if armed then return end
  -- refused where the worker ends, and where too many timers run: the next record tries again
  armed = ngx.timer.at(delay, drain) and true or false
end

--- Takes a record. It neither waits nor reads or writes a file: for the log phase.
---@param record table with request_id
---@param known? boolean its id is not one that was drawn for it: such a call may be stored already
---@return boolean taken
function recorder.push(record, known)
  queue = queue or queues.new { count = settings.queue, bytes = settings.queue_bytes }
  counters.add "recorded"
  local line, message = core.encode(record)
  if not line then
    counters.add "failed"
    complain("a call is not recorded", message)
    return false
  end
  if not queue:push(line, known) then
    counters.add "dropped"
    complain("calls are dropped", "the queue is full: ", settings.queue, " of them, or ", settings.queue_bytes, " bytes")
    return false
  end
  arm(settings.flush_s)
  return true
end

--- Stores what waits, in the event loop, since nothing else is left there: for exit_worker_by_lua.
function recorder.exit()
  if not queue or queue.count == 0 then return end
  ngx.update_time()
  local deadline = ngx.now() + settings.exit_s
  queue:failed() -- what a thread had when the worker began to end
  while queue.count > 0 and ngx.now() < deadline do
    if store_next(threads.run_here, math.ceil(settings.exit_s * 1000)) then break end
    ngx.update_time()
  end
  if queue.count == 0 then return end
  ngx.log(ngx.ERR, "sessionquery: ", queue.count, " records are lost: they could not be stored before the worker ended")
  counters.add("dropped", queue.count)
end

return recorder
