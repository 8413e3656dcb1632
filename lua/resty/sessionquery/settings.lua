--- What `setup` was told, once, in init_by_lua: every worker is forked with it.
local check = require "sessionquery.check"

local settings = {
  path = nil,
  pool = "sessionquery", -- name of the thread pool that answers questions
  calls_pool = "sessionquery_calls", -- and of what calls wait for: their records, keys and budgets; the other one where there is none
  dict = nil, -- ngx.shared.DICT of the counters
  budgets = nil, -- ngx.shared.DICT of the budgets; dict unless told
  timeout_ms = 5000, -- of what a job of the recorder, of keys or of budgets does in the store
  queue = 10000, -- records that wait, in each worker
  queue_bytes = 64 * 1024 * 1024, -- of them
  batch = 500, -- records in one transaction
  batch_bytes = 4 * 1024 * 1024,
  flush_s = 0.2, -- from the first record that waits to its transaction
  exit_s = 3, -- what a worker that ends may take to store what waits
  key_cache_s = 60, -- how long a worker believes what it knows about a key
  organization = nil,
  project = nil,
  prices = nil,
  capture = nil, -- what sessionquery.capture is told in all locations
}

local known = {
  path = "id", pool = "string", calls_pool = "string", dict = "string", budgets = "string", timeout_ms = "number",
  queue = "number", queue_bytes = "number", batch = "number", batch_bytes = "number",
  flush_s = "number", exit_s = "number", key_cache_s = "number",
  organization = "id", project = "id", prices = "table|string", capture = "table",
}

local function shared(name)
  return ngx.shared[name] or error(("setup: there is no lua_shared_dict '%s'"):format(name), 4)
end

local made = {
  capture = function(options)
    require("sessionquery.capture").settings(options)
    return options
  end,
  dict = shared,
  budgets = shared,
  prices = function(source)
    local prices, message = require("sessionquery.prices").load(source)
    return prices or error("setup: prices: " .. tostring(message), 4)
  end,
}

--- Takes options over. What is wrong with them raises, at the caller of `setup`.
function settings.take(options)
  check.options(options, known, "setup", 1)
  if not options.path then error("setup: path, the store's file, is missing", 3) end
  if options.path == ":memory:" then error("setup: workers and their threads share a store by its file, not in memory", 3) end
  for name, value in pairs(options) do
    if type(value) == "number" and not (value > 0 and value <= 2 ^ 31) then
      error(("setup: %s: expected a number above 0, got %s"):format(name, tostring(value)), 3)
    end
    settings[name] = made[name] and made[name](value) or value
  end
end

--- Where the settings are needed: raises where nobody called `setup`.
function settings.path_or_raise(what)
  return settings.path or error(what .. ': call require("resty.sessionquery").setup{ path = … } in init_by_lua first', 3)
end

return settings
