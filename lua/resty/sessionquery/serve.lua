--- The session API: `serve{…}` in content_by_lua.
local body = require "resty.sessionquery.body"
local complain = require "resty.sessionquery.complain"
local counters = require "resty.sessionquery.counters"
local pack = require "sessionquery.http.pack"
local settings = require "resty.sessionquery.settings"
local threads = require "resty.sessionquery.threads"
local vendors = require "sessionquery.http.vendors"

local MOST_HEADERS = 200
local OWN = { mode = true } -- options that are not the application's

local modes = { thread = threads.run, loop = threads.run_here }

local function options_of(options)
  local own = {}
  for name, value in pairs(options) do
    if not OWN[name] then own[name] = value end
  end
  own.path = own.path or settings.path_or_raise "serve"
  return pack.write(own)
end

--- By lower-case names; where one stands several times, a list. Nil where there are too many.
local function headers_of_request()
  local headers, why = ngx.req.get_headers(MOST_HEADERS)
  if why == "truncated" then return nil end
  return headers
end

--- Conditions that nginx would decide by itself, also where the application did: a POST with If-None-Match: * is no 304.
local conditions = { "If-None-Match", "If-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Range" }

--- Raw path and query: nginx's own $uri is decoded and merged, and an id may hold a slash.
local function target_of_request()
  local path, query = ngx.var.request_uri:match "^([^?]*)%??(.*)$"
  return path, ngx.var.is_args == "?" and query or nil
end

--- An answer that never reached the application.
local function refuse(options, status, message)
  local headers = { ["content-type"] = "application/json", ["cache-control"] = "no-store" }
  if status == 503 then headers["retry-after"] = "1" end
  return status, headers, vendors.refusal((target_of_request()), options.prefix, status, message)
end

local function request_of_client()
  local headers = headers_of_request()
  if not headers then return nil end
  local path, query = target_of_request()
  local text, file = body.read()
  for _, name in ipairs(conditions) do ngx.req.clear_header(name) end
  return {
    method = ngx.req.get_method(), path = path, query = query, headers = headers,
    body = text, body_file = file, remote = ngx.var.remote_addr,
    samples = path:find "/metrics$" and counters.samples() or nil,
  }
end

local function answer(options)
  local mode = options.mode or "thread"
  local run = modes[mode] or error(("serve: mode is thread or loop, not '%s'"):format(tostring(mode)), 3)
  local own = options_of(options)
  local request = request_of_client()
  if not request then return refuse(options, 431, ("more than %d header fields"):format(MOST_HEADERS)) end
  local ok, status, headers, text, problem
  if not (threads.starved and mode == "thread") then ok, status, headers, text, problem = run("answer", own, pack.write(request)) end
  if problem then complain("a request failed", problem) end
  if ok then return status, headers, text end
  if ok == nil then
    counters.add "refused_busy"
    return refuse(options, 503, "all threads are busy, try again soon")
  end
  complain("a request failed", status)
  return refuse(options, 500, "internal error")
end

--- Answers the request.
---@param options table of sessionquery.http.app (path: of the store, setup's unless told), and mode = "thread" or "loop"
return function(options)
  local started = ngx.now()
  local status, headers, text = answer(options or {})
  ngx.update_time()
  counters.add "queries"
  counters.add("query_seconds", ngx.now() - started)
  ngx.status = status
  for name, value in pairs(headers) do ngx.header[name] = value end
  if text and text ~= "" then ngx.print(text) end
  return ngx.exit(ngx.OK)
end
