--- What the specs of the gateway share: calls, what is stored of them, and examples/nginx.conf with locations of the
--- specs' own.
local core = require "sessionquery.core"
local nginx = require "spec.support.nginx"
local sq = require "sessionquery"
local vm = require "spec.support.vm"
local assert = require "luassert"

local gateway = {}

gateway.CHAT = "/v1/chat/completions"

function gateway.body_of(model, more)
  local body = { model = model, messages = { { role = "user", content = "What is a session?" } } }
  for name, value in pairs(more or {}) do body[name] = value end
  return body
end

gateway.chat = gateway.body_of "gpt-4o-mini"

local counter = 0

--- A fresh id: of a call, a session, a user.
function gateway.fresh(what)
  counter = counter + 1
  return ("%s-%d"):format(what, counter)
end

--- What the store holds of a query, once it holds `count` rows.
function gateway.stored(server, filter, count)
  local rows
  server:wait(function()
    local db = sq.open(server.db, { readonly = true })
    if not db then return false end
    rows = assert(db:requests { bodies = true }:where(filter):limit(2000):all())
    db:close()
    return #rows >= (count or 1)
  end, 5)
  return rows
end

--- Sends a call and gives its record.
function gateway.recorded(server, request, options)
  local id = gateway.fresh "call"
  request.headers = request.headers or {}
  request.headers["Helicone-Request-Id"] = id
  local status, headers, body, whole = server:ask(request, options)
  local rows = gateway.stored(server, sq.field.request_id:eq(id))
  assert.are.equal(1, #rows, server:log())
  return rows[1], status, headers, body, whole
end

--- Locations that the example lacks.
local more_locations = [[
    location = /counters { content_by_lua_block { ngx.print(require("sessionquery.core").encode(gateway.counters())) } }
    location = /hello { return 200 "hello"; }
    location /file/ {
      client_body_in_file_only clean;
      access_by_lua_block { gateway.capture.request() }
      body_filter_by_lua_block { gateway.capture.response() }
      log_by_lua_block { gateway.record() }
      proxy_pass http://provider/;
      proxy_http_version 1.1;
    }
    location /slow/ {
      client_body_timeout 500ms;
      access_by_lua_block { gateway.capture.request() }
      log_by_lua_block { gateway.record() }
      proxy_pass http://provider/;
    }
    location /echo/ {
      access_by_lua_block { gateway.capture.request { upstream = "https://api.groq.com" } }
      content_by_lua_block { ngx.print(require("sessionquery.core").encode(ngx.req.get_headers())) }
      body_filter_by_lua_block { gateway.capture.response() }
      log_by_lua_block { gateway.record() }
    }
    location /dead/ {
      access_by_lua_block { gateway.capture.request() }
      body_filter_by_lua_block { gateway.capture.response() }
      log_by_lua_block { gateway.record() }
      proxy_pass http://127.0.0.1:1/;
    }
    location /retry/ {
      access_by_lua_block { gateway.capture.request() }
      body_filter_by_lua_block { gateway.capture.response() }
      log_by_lua_block { gateway.record() }
      proxy_pass http://flaky/;
      proxy_next_upstream error non_idempotent;
    }
    location /budgets/tiny/ {
      access_by_lua_block { gateway.capture.request() gateway.budget { by = "user", max_requests = 5, dict = "tiny" } }
      log_by_lua_block { gateway.record() }
      proxy_pass http://provider/;
    }
    location /budgets/closed/ {
      access_by_lua_block { gateway.capture.request() gateway.budget { by = "user", max_requests = 5, fail = "closed" } }
      proxy_pass http://provider/;
    }
    location /keyed/ {
      access_by_lua_block { gateway.capture.request { keys = "required", organization = ngx.var.arg_org } }
      body_filter_by_lua_block { gateway.capture.response() }
      log_by_lua_block { gateway.record() }
      proxy_pass http://provider/;
      proxy_http_version 1.1;
    }
    location /budgets/requests/ {
      access_by_lua_block { gateway.capture.request() gateway.budget { by = "user", max_requests = 20, window = "week" } }
      body_filter_by_lua_block { gateway.capture.response() }
      log_by_lua_block { gateway.record() }
      proxy_pass http://provider/;
      proxy_http_version 1.1;
    }
    location /budgets/cost/ {
      access_by_lua_block { gateway.capture.request() gateway.budget { by = "user", max_cost_usd = 0.001, window = "week", without = "refuse" } }
      body_filter_by_lua_block { gateway.capture.response() }
      log_by_lua_block { gateway.record() }
      proxy_pass http://provider/;
      proxy_http_version 1.1;
    }
    location /budgets/reserved/ {
      access_by_lua_block {
        gateway.capture.request()
        gateway.budget { by = "session", max_requests = 1000, window = "week" }
        gateway.budget { by = "user", max_cost_usd = 0.001, window = "week", reserve_usd = 0.0001 }
      }
      body_filter_by_lua_block { gateway.capture.response() }
      log_by_lua_block { gateway.record() }
      proxy_pass http://provider/;
      proxy_http_version 1.1;
    }
]]

--- Of two servers, one is not there: nginx asks both, now and then.
local more_http = [[
  lua_shared_dict tiny 12k;
  upstream flaky { server 127.0.0.1:1 max_fails=0; server 127.0.0.1:UPSTREAM max_fails=0; }
]]

function gateway.start(options)
  options = options or {}
  options.http = more_http
  options.locations = more_locations .. (options.locations or "")
  return nginx.start(options)
end

--- The counters by name, without prefix and suffix.
function gateway.counters(server)
  local _, _, body = server:ask { path = "/counters" }
  local counts = {}
  for _, sample in ipairs(core.decode(body)) do
    counts[sample.name:gsub("^sessionquery_", ""):gsub("_total$", "")] = sample.value
  end
  return counts
end

--- Every call is somewhere: stored, given up, lost, or waiting.
function gateway.assert_balance(counts)
  assert.are.equal(counts.recorded, counts.flushed + counts.dropped + counts.failed + counts.lost + counts.queue)
end

--- No error of ours, and no crash, stands in the log.
function gateway.assert_clean(server)
  for line in server:log():gmatch "[^\n]+" do
    assert.is_nil(line:match "lua entry thread aborted" or line:match "exited on signal" or line:match "%[alert%]", line)
  end
end

--- What wrk says of a load: requests, and how many failed.
function gateway.load(server, options)
  local script = vm.write(server.folder .. "/" .. gateway.fresh "load" .. ".lua", options.script or "")
  local output = vm.shell(("wrk -t2 -c%d -d%s -s %s %s http://127.0.0.1:%d%s"):format(options.connections or 8,
    options.time or "1s", script, options.flags or "", server.port, options.path))
  local failed = tonumber(output:match "Non%-2xx or 3xx responses: (%d+)" or 0)
  local connect, read, write, timeout = output:match "Socket errors: connect (%d+), read (%d+), write (%d+), timeout (%d+)"
  local broken = connect and connect + read + write + timeout or 0
  return { requests = tonumber(output:match "(%d+) requests in") or 0, failed = failed, broken = broken, output = output }
end

return gateway
