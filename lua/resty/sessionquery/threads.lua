--- Jobs in nginx's thread pool, so that the event loop never waits for the store. The number of Lua VMs
--- (lua_worker_thread_vm_pool_size) says how many run at once; one more is refused at once: "busy".
local settings = require "resty.sessionquery.settings"

local threads = {
  --- The recorder found no VM free: queries are refused until it has had one, or a busy gateway would answer
  --- questions and lose records.
  starved = false,
}

local JOB = "sessionquery.http.job"
local BUSY = "no available Lua vm"
local LONG = 3600 -- seconds; longer than any job

local run_worker_thread = ngx.run_worker_thread -- luacheck: ignore 143 (it does not know of it)
local missing = {} -- pools that this nginx does not have

--- What calls wait for does not stand in line behind questions, which may take seconds.
local function pool_of(func)
  if func == "answer" or missing[settings.calls_pool] then return settings.pool end
  return settings.calls_pool
end

--- Does without a pool from now on. What calls wait for has the other one then; without that, all jobs run here.
local function miss(pool, why)
  if pool == settings.pool and not missing[pool] then
    ngx.log(ngx.WARN, "sessionquery: ", why, ": jobs run in the event loop, and others wait for them. ",
      "Add 'thread_pool ", pool, " threads=4;' to the configuration")
  end
  missing[pool] = true
end

--- Runs a job in the worker itself.
---@return boolean? ok
function threads.run_here(func, ...) return pcall(require(JOB)[func], ...) end

local function wait_long() ngx.sleep(LONG) end

local function finish(guard, pool, func, arguments, ok, first, ...)
  ngx.thread.kill(guard)
  if ok then return true, first, ... end
  if first == BUSY then return nil, "busy" end
  if not tostring(first):find "^thread pool .* not found" then return false, first end
  miss(pool, first)
  return threads.run(func, unpack(arguments, 1, arguments.n))
end

--- Runs a job in a thread. Yields. A worker that is told to end while only a thread works for it would end at
--- once, and its client would get nothing: a sleeping light thread keeps it alive until the job is done.
---@param func string name of a function in sessionquery.http.job
---@param ... any its arguments: text, numbers, booleans
---@return boolean? ok true; false: it raised; nil: no VM is free
---@return any ... what the job returned; or the message
function threads.run(func, ...)
  local pool = pool_of(func)
  if not run_worker_thread then miss(settings.pool, "this nginx has no ngx.run_worker_thread") end
  if not run_worker_thread or missing[pool] then return threads.run_here(func, ...) end
  local guard = ngx.thread.spawn(wait_long)
  return finish(guard, pool, func, { n = select("#", ...), ... }, run_worker_thread(pool, JOB, "in_thread", func, ...))
end

return threads
