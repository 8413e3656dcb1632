--- sessionquery in nginx (OpenResty, or nginx with its Lua module): records the calls of language models that pass
--- through, holds sessions to budgets, and answers questions about sessions. See examples/nginx.conf.
---
--- This module and those beneath it are the only ones that know of ngx.
local answer = require "resty.sessionquery.answer"
local budget = require "resty.sessionquery.budget"
local capture = require "resty.sessionquery.capture"
local counters = require "resty.sessionquery.counters"
local recorder = require "resty.sessionquery.recorder"
local serve = require "resty.sessionquery.serve"
local settings = require "resty.sessionquery.settings"

local gateway = {
  _VERSION = require("sessionquery.core").version,
  capture = { request = capture.request, headers = capture.headers, response = capture.response },
  record = capture.record,
  budget = budget.check,
  serve = serve,
  error_page = answer.error_page,
  counters = counters.samples,
}

---@class sessionquery.GatewayOptions
---@field path string the store's file
---@field dict? string name of a lua_shared_dict, for the counters of all workers together
---@field budgets? string name of another, for budgets: when it is full, what was used longest ago leaves it
---@field pool? string name of the thread_pool that answers questions, "sessionquery" unless told
---@field calls_pool? string of another, in which calls are stored and their keys and budgets read, so that they do not stand
---  in line behind questions: "sessionquery_calls" unless told; `pool` where there is none of this name
---@field prices? table|string of sessionquery.prices: fills the cost of a call
---@field capture? sessionquery.capture.Settings what is kept of a call, and how it is read, in all locations
---@field organization? string whose the calls are that bring no key of ours
---@field project? string of them
---@field queue? integer calls that wait to be stored in each worker, at most: 10,000 unless told; more are dropped, and counted
---@field queue_bytes? integer of them: 64 MiB unless told
---@field batch? integer calls in one transaction: 500 unless told
---@field flush_s? number seconds from the first call that waits to its transaction: 0.2 unless told
---@field exit_s? number seconds that a worker which ends may take to store what waits: 3 unless told
---@field timeout_ms? integer of each job in the store: 5,000 unless told
---@field key_cache_s? number seconds that a worker remembers a key: 60 unless told

--- Says what the store is: once, in init_by_lua. It opens nothing: a store is opened after the workers are forked.
---@param options sessionquery.GatewayOptions
function gateway.setup(options) settings.take(options) end

--- In exit_worker_by_lua: stores what waits.
function gateway.exit_worker() recorder.exit() end

return gateway
