--- What the gateway counts, for GET /metrics: in the shared dictionary, where all workers' counts meet and outlive
--- a worker that is killed; without one, in each worker for itself.
---
--- What becomes of calls is counted for each worker: recorded, flushed, dropped, failed. The rest waits in its queue;
--- or, when the worker is gone, it is lost. So at every moment, whoever was killed between two steps, recorded =
--- flushed + dropped + failed + lost + queue.
local ffi = require "ffi"
local settings = require "resty.sessionquery.settings"

local counters = {}

ffi.cdef "int kill(int pid, int signal);"
local EPERM = 1

local PREFIX = "sessionquery:" -- of our keys in the dictionary, which others may use too

local described = {
  { "recorded", "counter", "calls taken into a queue, or that found it full" },
  { "flushed", "counter", "calls stored" },
  { "dropped", "counter", "calls given up: the queue was full, or the time to end was up" },
  { "failed", "counter", "calls that the store refused for what is in them" },
  { "lost", "counter", "calls that waited in workers that were killed, at most" },
  { "retries", "counter", "batches that could not be stored, and were tried again" },
  { "refused_budget", "counter", "calls refused over a budget" },
  { "refused_key", "counter", "calls refused for their key" },
  { "refused_busy", "counter", "queries refused while no thread was free" },
  { "budget_unknown", "counter", "calls whose budget's counts could not be had" },
  { "budget_evictions", "counter", "counts pushed out of the shared dictionary" },
  { "unknown_model", "counter", "calls without a cost, since no price is known for their model" },
  { "unread_encoding", "counter", "answers in an encoding that is not read" },
  { "unread_request_encoding", "counter", "requests in an encoding that is not read" },
  { "unread_compressed", "counter", "compressed answers that are damaged, or too much" },
  { "unread_long", "counter", "answers with an event that is too long to be read" },
  { "unread_syntax", "counter", "answers that are not what they say they are" },
  { "unread_failed", "counter", "answers at which reading failed" },
  { "redacted", "counter", "calls that the redaction hook took out" },
  { "redact_failed", "counter", "calls at which the redaction hook failed: stored without bodies" },
  { "queries", "counter", "requests that the session API answered" },
  { "query_seconds", "counter", "seconds they took together, waiting for a thread included" },
}

local of_calls = { "recorded", "flushed", "dropped", "failed" }
local is_of_calls = {}
for _, name in ipairs(of_calls) do is_of_calls[name] = true end

local here = {} -- counts of this worker, where there is no dictionary
local slot -- the beginning of this worker's keys in the dictionary
local gone = {} -- what workers that are gone have left, by their number: it changes no more

local function slot_name(number) return ("%sworker:%d:"):format(PREFIX, number) end

local function key_of(name)
  if not is_of_calls[name] then return PREFIX .. name end
  if not slot then
    slot = slot_name(settings.dict:incr(PREFIX .. "workers", 1, 0))
    settings.dict:set(slot .. "pid", ngx.worker.pid())
  end
  return slot .. name
end

--- Adds to a count.
---@param name string
---@param more? number 1 unless told
function counters.add(name, more)
  if settings.dict then
    settings.dict:incr(key_of(name), more or 1, 0)
  else
    here[name] = (here[name] or 0) + (more or 1)
  end
end

local function is_alive(pid) return ffi.C.kill(pid, 0) == 0 or ffi.errno() == EPERM end

--- What a worker counted of calls, and what it has not brought to an end: queue, or lost.
local function read_slot(number)
  local name, counts = slot_name(number), {}
  local pid = settings.dict:get(name .. "pid")
  local alive = pid and is_alive(pid) -- before its counts: of one that is gone they are the last ones
  -- recorded is read last, so that no more seems to have ended than had come
  for i = #of_calls, 1, -1 do counts[of_calls[i]] = settings.dict:get(name .. of_calls[i]) or 0 end
  local left = counts.recorded - counts.flushed - counts.dropped - counts.failed
  counts[alive and "queue" or "lost"] = left
  if not alive then gone[number] = counts end
  return counts
end

local function add_up(sums, counts)
  for name, count in pairs(counts) do sums[name] = (sums[name] or 0) + count end
end

--- All counts by name.
local function read_all()
  local sums = {}
  if not settings.dict then
    add_up(sums, here)
    sums.queue = (sums.recorded or 0) - (sums.flushed or 0) - (sums.dropped or 0) - (sums.failed or 0)
    return sums
  end
  for i = 1, settings.dict:get(PREFIX .. "workers") or 0 do add_up(sums, gone[i] or read_slot(i)) end
  for _, row in ipairs(described) do
    sums[row[1]] = sums[row[1]] or settings.dict:get(PREFIX .. row[1])
  end
  return sums
end

--- All counts, for sessionquery.http.metrics.
---@return { name: string, help: string, type: string, value: number }[]
function counters.samples()
  local sums = read_all()
  local list = { { name = "sessionquery_queue", type = "gauge", help = "calls that wait to be stored", value = sums.queue or 0 } }
  for _, row in ipairs(described) do
    local name, kind, help = row[1], row[2], row[3]
    list[#list + 1] = { name = ("sessionquery_%s_total"):format(name), type = kind, help = help, value = sums[name] or 0 }
  end
  return list
end

return counters
