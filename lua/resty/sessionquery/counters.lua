--- What the gateway counts, for GET /metrics: in the shared dictionary, where all workers' counts meet and outlive
--- a worker that is killed; without one, in each worker for itself.
---
--- At every moment recorded = flushed + dropped + failed + lost + what waits in the queues.
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

local here = {} -- counts of this worker, where there is no dictionary
local waiting = 0 -- lines in this worker's queue
local slot -- of this worker in the dictionary

--- Adds to a count.
---@param name string
---@param more? number 1 unless told
function counters.add(name, more)
  if settings.dict then
    settings.dict:incr(PREFIX .. name, more or 1, 0)
  else
    here[name] = (here[name] or 0) + (more or 1)
  end
end

local function my_slot()
  slot = slot or settings.dict:incr(PREFIX .. "workers", 1, 0)
  return slot
end

--- Tells how many records wait in this worker.
function counters.waiting(count)
  waiting = count
  if not settings.dict then return end
  local mine = my_slot()
  if count > 0 then settings.dict:set(PREFIX .. "queue:" .. mine, ("%d %d"):format(ngx.worker.pid(), count)) end
  if count == 0 then settings.dict:delete(PREFIX .. "queue:" .. mine) end
end

local function is_alive(pid) return ffi.C.kill(pid, 0) == 0 or ffi.errno() == EPERM end

--- What waits in all workers' queues. What waited in one that is gone is lost, and counted once: by who buries it.
function counters.in_queues()
  local dict = settings.dict
  if not dict then return waiting end
  local sum = 0
  for i = 1, dict:get(PREFIX .. "workers") or 0 do
    local name = PREFIX .. "queue:" .. i
    local pid, count = (dict:get(name) or ""):match "^(%d+) (%d+)$"
    if pid and is_alive(tonumber(pid)) then
      sum = sum + count
    elseif pid and dict:add(PREFIX .. "buried:" .. i, true) then
      counters.add("lost", tonumber(count))
      dict:delete(name)
    end
  end
  return sum
end

--- All counts, for sessionquery.http.metrics.
---@return { name: string, help: string, type: string, value: number }[]
function counters.samples()
  local list = { { name = "sessionquery_queue", type = "gauge", help = "calls that wait to be stored", value = counters.in_queues() } }
  for _, row in ipairs(described) do
    local name, kind, help = row[1], row[2], row[3]
    local value = settings.dict and settings.dict:get(PREFIX .. name) or here[name] or 0
    list[#list + 1] = { name = ("sessionquery_%s_total"):format(name), type = kind, help = help, value = value }
  end
  return list
end

return counters
