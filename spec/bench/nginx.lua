--- The gateway under load, in real nginx with two workers (`make bench-nginx`). The load generator runs on the same
--- cores, so rates are to be read beside one another.
---   BENCH_SECONDS=5   of each load
---   BENCH_CALLS=100000  recorded while workers are killed at random
---   BENCH_SOAK=60     seconds of load over which the workers' memory is watched: what grows with the store grows as fast
---   BENCH_DELAY_MS=0  that the provider takes for each part of an answer in it: a steady gateway has more of them
---   BENCH_DATA=FILE   calls to ask about, as `sessionquery import` takes them with BENCH_MAP=FILE; else made-up ones
local core = require "sessionquery.core"
local nginx = require "spec.support.nginx"
local socket = require "socket"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local function setting(name, default) return tonumber(os.getenv(name) or default) end

local SECONDS, CALLS, SOAK = setting("BENCH_SECONDS", 5), setting("BENCH_CALLS", 100000), setting("BENCH_SOAK", 60)
local DELAY_MS = setting("BENCH_DELAY_MS", 0)
local CHAT = "/v1/chat/completions"
local FIFTY = core.encode { search = "", timeFilter = { startTimeUnixMs = 0, endTimeUnixMs = 4e12 }, timezoneDifference = 0, filter = "all", limit = 50 }
local CALL = core.encode { model = "gpt-4o-mini", messages = { { role = "user", content = ("What is a session? "):rep(20) } } }

local variants = [[
    location = /hello { return 200 "hello"; }
    location /loop { content_by_lua_block { gateway.serve { prefix = "/loop", mode = "loop" } } }
    location /sql { content_by_lua_block { gateway.serve { prefix = "/sql", engine = "sql" } } }
    location /sqlloop { content_by_lua_block { gateway.serve { prefix = "/sqlloop", engine = "sql", mode = "loop" } } }
    location = /counters { content_by_lua_block { ngx.print(require("sessionquery.core").encode(gateway.counters())) } }
    location /plain/ { proxy_pass http://provider/; proxy_http_version 1.1; proxy_set_header Connection ""; }
    location /recorded/ {
      access_by_lua_block { gateway.capture.request() }
      body_filter_by_lua_block { gateway.capture.response() }
      log_by_lua_block { gateway.record() }
      proxy_pass http://provider/; proxy_http_version 1.1; proxy_set_header Connection "";
    }
    location /budget/ {
      access_by_lua_block { gateway.capture.request() gateway.budget { by = "session", max_cost_usd = 1000000 } }
      body_filter_by_lua_block { gateway.capture.response() }
      log_by_lua_block { gateway.record() }
      proxy_pass http://provider/; proxy_http_version 1.1; proxy_set_header Connection "";
    }
    location = /constant { return 200 '{"id":"x","model":"gpt-4o-mini","choices":[{"message":{"content":"hello"}}],"usage":{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10}}'; }
]]

local function start(options)
  options.locations = variants
  return nginx.start(options)
end

local function counters(server)
  local _, _, body = server:ask { path = "/counters" }
  local counts = {}
  for _, sample in ipairs(core.decode(body)) do counts[sample.name:gsub("^sessionquery_", ""):gsub("_total$", "")] = sample.value end
  return counts
end

--- A script for wrk that posts a body; some header that differs from call to call.
local function post(server, body, more)
  return vm.write(server.folder .. "/post.lua", ([[
    local n = 0
    wrk.method, wrk.body = "POST", %q
    wrk.headers["Content-Type"] = "application/json"
    %s
    request = function()
      n = n + 1
      wrk.headers["Helicone-Session-Id"] = "s" .. n %% 1000
      return wrk.format()
    end]]):format(body, more or ""))
end

local scale = { us = 0.001, ms = 1, s = 1000, m = 60000 }
local function milliseconds(text)
  local number, unit = (text or ""):match "([%d.]+)(%a+)"
  return number and number * scale[unit] or 0 / 0
end

--- What wrk says: requests a second, mean and 99th percentile in milliseconds, and what failed.
local function wrk(server, path, options)
  local output = vm.shell(("wrk -t1 -c%d -d%ds --latency %s http://127.0.0.1:%d%s"):format(options.connections or 16,
    options.seconds or SECONDS, options.script and "-s " .. options.script or "", server.port, path))
  return {
    rate = tonumber(output:match "Requests/sec:%s*([%d.]+)") or 0,
    mean = milliseconds(output:match "Latency%s+(%S+)"),
    p99 = milliseconds(output:match "99%%%s+(%S+)"),
    failed = (output:match "Non%-2xx[^\n]+" or "") .. (output:match "Socket errors[^\n]+" or ""),
  }
end

local function show(what, said)
  print(("  %-46s %8.0f/s   mean %7.2f ms   p99 %7.2f ms   %s"):format(what, said.rate, said.mean, said.p99, said.failed))
end

local function fill(path, count)
  local db = assert(sq.open(path, { durable = false }))
  local data, map = os.getenv "BENCH_DATA", os.getenv "BENCH_MAP"
  if data then
    assert(db:import(data, { map = map and dofile(map) or nil }))
  else
    for block = 0, count / 10000 - 1 do
      local records = {}
      for i = 1, 10000 do
        local n = block * 10000 + i
        records[i] = { session_id = "s" .. math.floor(n / 10), session_name = "talk " .. n % 7, created_at = 1700000000 + n, model = "gpt-4o-mini",
          user_id = "u" .. n % 100, latency_ms = n % 999, prompt_tokens = n % 2000, completion_tokens = n % 300, cost_usd = n % 100 / 1000 }
      end
      assert(db:add(records))
    end
  end
  assert(db:seal())
  local stats = db:stats()
  db:close()
  print(("  store: %d calls in %d sessions"):format(stats.requests, stats.sessions))
end

local function reading()
  print "reading: the newest 50 sessions as JSON, 8 connections"
  local server = start {}
  fill(server.db, 300000)
  local script = post(server, FIFTY)
  show("nginx's own 'return 200'", wrk(server, "/hello", { connections = 8 }))
  for _, mode in ipairs { "", "/loop" } do
    wrk(server, mode .. "/v1/session/query", { script = script, connections = 8, seconds = 1 })
    show(mode == "" and "thread" or "loop", wrk(server, mode .. "/v1/session/query", { script = script, connections = 8 }))
  end
  print "  /hello while six clients ask slow questions (SQL), 16 connections"
  local alone = wrk(server, "/hello", {})
  show("alone", alone)
  for _, mode in ipairs { "sql", "sqlloop" } do
    local slow = io.popen(("wrk -t1 -c6 -d%ds --timeout 60s -s %s http://127.0.0.1:%d/%s/v1/session/query"):format(SECONDS + 2, script, server.port, mode))
    socket.sleep(1)
    local said = wrk(server, "/hello", {})
    slow:read "*a"
    slow:close()
    show(mode == "sql" and "in threads" or "in the loop", said)
  end
  server:stop()
end

local function recording()
  print "a proxied call, 16 connections"
  local server = start {}
  local script = post(server, CALL)
  for _, path in ipairs { "/plain", "/recorded", "/budget" } do
    wrk(server, path .. CHAT, { script = script, seconds = 2 })
    show(path:sub(2), wrk(server, path .. CHAT, { script = script }))
    server:wait(function() return counters(server).queue == 0 end, 30)
  end
  print "the same, one connection: what it adds to one call"
  for _, path in ipairs { "/plain", "/recorded", "/budget" } do
    show(path:sub(2), wrk(server, path .. CHAT, { script = script, connections = 1 }))
    server:wait(function() return counters(server).queue == 0 end, 30)
  end
  local counts = counters(server)
  print(("  recorded %d, flushed %d, dropped %d, failed %d"):format(counts.recorded, counts.flushed, counts.dropped, counts.failed))
  server:stop()
end

local function killing()
  print(("%d calls while workers are killed at random"):format(CALLS))
  local server = start {}
  local script = post(server, CALL)
  local kills, began = 0, socket.gettime()
  local pid = vm.shell(("wrk -t1 -c16 -d3600s -s %s http://127.0.0.1:%d/recorded%s >/dev/null 2>&1 & echo $!"):format(script, server.port, CHAT)):match "%d+"
  repeat
    socket.sleep(0.2 + math.random())
    local workers = server:workers()
    if #workers > 0 then
      server:signal("KILL", workers[math.random(#workers)])
      kills = kills + 1
    end
    local ok, counts = pcall(counters, server)
  until ok and counts.recorded >= CALLS
  server:signal("INT", pid)
  server:wait(function() return counters(server).queue == 0 end, 30)
  local counts = counters(server)
  local db = assert(sq.open(server.db, { readonly = true }))
  local stored, ids = db:stats().requests, db:group_by("request_id"):count()
  db:close()
  print(("  %d kills in %.0f s: recorded %d = flushed %d + dropped %d + failed %d + lost %d; stored %d, distinct %d: %s"):format(kills,
    socket.gettime() - began, counts.recorded, counts.flushed, counts.dropped, counts.failed, counts.lost, stored, ids,
    stored == ids and stored >= counts.flushed and stored <= counts.flushed + counts.lost and "right" or "WRONG"))
  server:stop()
end

local MARK = 30 -- seconds between looks at the memory

--- Megabytes of both workers: their own, and pages of files that they map, as the store's column index, which grows with it.
local function resident(server)
  local own, mapped = 0, 0
  for _, pid in ipairs(server:workers()) do
    local status = vm.shell("cat /proc/" .. pid .. "/status")
    own = own + (status:match "RssAnon:%s*(%d+)" or 0)
    mapped = mapped + (status:match "RssFile:%s*(%d+)" or 0)
  end
  return ("%.0f+%.0f"):format(own / 1024, mapped / 1024)
end

local function soak()
  print(("memory over %d s: recorded calls with budgets, and questions"):format(SOAK))
  local server = start {}
  fill(server.db, 100000)
  local call, ask = post(server, CALL), vm.write(server.folder .. "/ask.lua", vm.read(post(server, FIFTY)))
  vm.write(call, vm.read(post(server, CALL)))
  -- a steady load makes the Lua VMs of the pools one by one, whenever chance wants one more at once: all of them now
  local crowd = io.popen(("wrk -t1 -c64 -d10s -s %s http://127.0.0.1:%d/v1/session/query"):format(ask, server.port))
  wrk(server, "/recorded" .. CHAT, { script = call, connections = 64, seconds = 10 })
  crowd:read "*a"
  crowd:close()
  print("  MB once all threads have worked: " .. resident(server))
  local loads = {
    io.popen(("wrk -t1 -c8 -d%ds -s %s 'http://127.0.0.1:%d/budget%s?delay_ms=%d'"):format(SOAK, call, server.port, CHAT, DELAY_MS)),
    io.popen(("wrk -t1 -c2 -d%ds -s %s http://127.0.0.1:%d/v1/session/query"):format(SOAK, ask, server.port)),
  }
  local began, marks = socket.gettime(), {}
  repeat
    socket.sleep(math.min(MARK, SOAK / 12))
    marks[#marks + 1] = resident(server)
  until socket.gettime() - began > SOAK - MARK / 2
  for _, load in ipairs(loads) do
    local output = load:read "*a"
    print("  " .. output:match "[^\n]+requests in[^\n]+" .. (output:match "Non%-2xx[^\n]+" or ""))
    load:close()
  end
  print("  MB of both workers, their own + of files: " .. table.concat(marks, " "))
  server:stop()
end

local parts = { reading = reading, recording = recording, killing = killing, soak = soak }
for _, name in ipairs(#arg > 0 and arg or { "reading", "recording", "killing", "soak" }) do parts[name]() end
