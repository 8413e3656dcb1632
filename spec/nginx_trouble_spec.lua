--- The gateway in trouble: full queues, locked stores, reloads, workers that are killed. nginx runs LuaJIT whatever runs
--- this file, so once, beside luajit, is enough.
local vm = require "spec.support.vm"
if vm.name ~= "luajit" then return end

local core = require "sessionquery.core"
local gateway = require "spec.support.gateway"
local socket = require "socket"
local sq = require "sessionquery"

local CHAT, chat, stored, start, counters, assert_balance, assert_clean =
  gateway.CHAT, gateway.chat, gateway.stored, gateway.start, gateway.counters, gateway.assert_balance, gateway.assert_clean
local f = sq.field

describe("a gateway in trouble", function()
  local server, sent
  before_each(function() sent = 0 end)
  after_each(function()
    if server then server:stop() end
    server = nil
  end)

  local function send(count, prefix)
    for i = 1, count do
      server:ask { path = CHAT, body = chat, headers = { ["Helicone-Request-Id"] = prefix .. i, ["Helicone-Session-Id"] = prefix } }
    end
    sent = sent + count
    -- an answer has arrived before it is recorded
    assert.truthy(server:wait(function() return counters(server).recorded == sent end))
  end

  it("drops what its queue cannot hold, and counts that", function()
    server = start { setup = "queue = 5, flush_s = 1, ", replace = { ["worker_processes 2"] = "worker_processes 1" } }
    send(12, "full")
    local counts = counters(server)
    assert.are.same({ 12, 5, 7 }, { counts.recorded, counts.queue, counts.dropped })
    assert_balance(counts)
    assert.are.equal(5, #stored(server, f.session_id:eq "full", 5))
  end)

  it("tries again what the store cannot take now, and stores it once", function()
    server = start { setup = "timeout_ms = 100, " }
    send(1, "first")
    stored(server, f.session_id:eq "first")
    local writer = assert(io.popen("sqlite3 " .. server.db .. " >/dev/null", "w"))
    writer:write "BEGIN IMMEDIATE;\n"
    writer:flush()
    socket.sleep(0.1)
    send(20, "locked")
    assert.truthy(server:wait(function() return counters(server).retries > 0 end))
    assert.are.equal(20, counters(server).queue)
    writer:write "COMMIT;\n.quit\n"
    writer:close()
    assert.are.equal(20, #stored(server, f.session_id:eq "locked", 20))
    assert.truthy(server:wait(function() return counters(server).flushed == 21 end))
    assert_balance(counters(server))
    assert.truthy(server:log():find "records wait: ")
  end)

  it("passes calls on while it cannot read its store; but not those of a budget that fails closed", function()
    local db = vm.write(vm.path "garbage.db", ("this is no database. "):rep(1000))
    server = start { db = vm.shell("realpath " .. db):match "[^\n]+" }
    local user = { ["Helicone-User-Id"] = "u", ["Helicone-Session-Id"] = "s" }
    local began = socket.gettime()
    assert.are.equal(200, (server:ask { path = CHAT, body = chat, headers = user }))
    assert.are.equal(200, (server:ask { path = "/budgets/requests" .. CHAT, body = chat, headers = user }))
    local status, headers, body = server:ask { path = "/budgets/closed" .. CHAT, body = chat, headers = user }
    assert.is_true(socket.gettime() - began < 1)
    assert.are.equal(503, status)
    assert.truthy(headers["retry-after"])
    assert.are.equal("budget_unknown", core.decode(body).error.type)
    assert.are.equal(503, (server:ask { path = "/healthz" }))
    assert.truthy(server:wait(function() return counters(server).retries > 1 end))
    assert.are.equal(2, counters(server).queue)
    local _, told = server:log():gsub("records wait", "")
    assert.is_true(told <= 2, server:log()) -- the same message is told once by each worker
  end)

  it("stores what waits before it ends", function()
    server = start { setup = "flush_s = 60, " }
    send(100, "end")
    assert.are.equal(100, counters(server).queue)
    server:stop()
    assert.are.equal(100, #stored(server, f.session_id:eq "end", 100))
    assert_clean(server)
    server = nil
  end)

  it("and no longer than it is given for that", function()
    server = start { setup = "flush_s = 60, exit_s = 0.3, " }
    send(1, "first")
    local writer = assert(io.popen("sqlite3 " .. server.db .. " >/dev/null", "w"))
    server:signal "HUP" -- the first ones make the store
    stored(server, f.session_id:eq "first")
    writer:write "BEGIN IMMEDIATE;\n"
    writer:flush()
    socket.sleep(0.1)
    send(10, "end")
    local began = socket.gettime()
    server:stop()
    assert.is_true(socket.gettime() - began < 3)
    assert.truthy(server:log():find "records are lost")
    writer:close()
    server = nil
  end)

  it("leaves out a record that the store refuses, and stores those beside it", function()
    server = start { setup = "capture = { redact = function(record) if record.session_name == 'bad' then record.created_at = 'never' end return record end }, " }
    for i = 1, 10 do
      server:ask { path = CHAT, body = chat, headers = { ["Helicone-Session-Id"] = "mixed", ["Helicone-Session-Name"] = i == 4 and "bad" or "good" } }
    end
    assert.are.equal(9, #stored(server, f.session_id:eq "mixed", 9))
    server:wait(function() return counters(server).queue == 0 end)
    assert.are.equal(1, counters(server).failed)
    assert_balance(counters(server))
    assert.truthy(server:log():find "records are refused by the store: 1, ")
  end)

  it("runs its jobs in the event loop where the thread pool is missing, and warns once in each worker", function()
    server = start { replace = { ["thread_pool sessionquery threads=4;"] = "", ["thread_pool sessionquery_calls threads=2;"] = "" } }
    send(10, "loop")
    assert.are.equal(10, #stored(server, f.session_id:eq "loop", 10))
    local _, warnings = server:log():gsub("jobs run in the event loop", "")
    assert.is_true(warnings >= 1 and warnings <= 2, warnings)
    assert_clean(server)
  end)

  it("stores calls in the one pool that there is", function()
    server = start { replace = { ["thread_pool sessionquery_calls threads=2;"] = "" } }
    send(10, "one")
    assert.are.equal(10, #stored(server, f.session_id:eq "one", 10))
    assert.is_nil(server:log():find "jobs run in the event loop")
    assert_clean(server)
  end)

  it("refuses questions while the recorder finds no thread, and no longer", function()
    server = start {
      replace = { ["worker_processes 2"] = "worker_processes 1", ["thread_pool sessionquery threads=4;"] = "thread_pool sessionquery threads=8;" },
      locations = [[location = /busy { content_by_lua_block { ngx.run_worker_thread("sessionquery", "socket", "sleep", 3) } }]],
    }
    send(1, "first")
    stored(server, f.session_id:eq "first")
    local writer = assert(io.popen("sqlite3 " .. server.db .. " >/dev/null", "w"))
    writer:write "BEGIN IMMEDIATE;\n"
    writer:flush()
    local busy = {}
    for i = 1, 8 do -- each takes one of the VMs
      busy[i] = assert(socket.connect("127.0.0.1", server.port))
      busy[i]:send "GET /busy HTTP/1.1\r\nHost: x\r\n\r\n"
    end
    socket.sleep(0.1)
    send(1, "second") -- after a second: its budget waits for a thread as well
    local function ask() return (server:ask { path = "/v1/session/has-session" }) end
    assert.truthy(server:wait(function() return ask() == 503 end, 1.5))
    assert.truthy(server:wait(function() return ask() == 200 end, 4)) -- while the batch waits for the writer
    assert.are.equal(1, counters(server).queue)
    writer:write "COMMIT;\n.quit\n"
    writer:close()
    assert.are.equal(1, #stored(server, f.session_id:eq "second", 1))
    for _, client in ipairs(busy) do client:close() end
  end)

  it("stores calls while all threads that answer questions are busy", function()
    server = start {
      replace = { ["thread_pool sessionquery threads=4;"] = "thread_pool sessionquery threads=1;" },
      locations = [[location = /busy { content_by_lua_block { ngx.run_worker_thread("sessionquery", "socket", "sleep", 4) } }]],
    }
    local began, busy = socket.gettime(), {}
    for i = 1, 6 do
      busy[i] = assert(socket.connect("127.0.0.1", server.port))
      busy[i]:send "GET /busy HTTP/1.1\r\nHost: x\r\n\r\n"
    end
    send(10, "meanwhile")
    assert.are.equal(10, #stored(server, f.session_id:eq "meanwhile", 10))
    assert.is_true(socket.gettime() - began < 3)
    for _, client in ipairs(busy) do client:close() end
    assert_clean(server)
  end)

  --- Calls for some seconds, each on a connection of its own: nginx may close one that waits at any time.
  local function calls_for(seconds, meanwhile)
    local script = vm.write(server.folder .. "/calls.lua", ([[
      wrk.method = "POST"
      wrk.headers["Content-Type"], wrk.headers["Connection"] = "application/json", "close"
      wrk.body = %q]]):format(core.encode(chat)))
    local pipe = io.popen(("wrk -t2 -c8 -d%d -s %s http://127.0.0.1:%d%s"):format(seconds, script, server.port, CHAT))
    meanwhile(socket.gettime() + seconds)
    local output = pipe:read "*a"
    pipe:close()
    return { output = output, requests = tonumber(output:match "(%d+) requests in"), errors = output:match "Socket errors[^\n]+",
      refused = output:match "Non%-2xx[^\n]+" }
  end

  it("reloads under load without a failed call, and without a lost one", function()
    -- the provider here is the same nginx: it closes connections that wait while it is reloaded
    server = start { replace = { ["keepalive 16;"] = "" } }
    local said = calls_for(4, function(deadline)
      for _ = 1, 10 do
        socket.sleep(0.3)
        server:signal "HUP"
      end
      assert.is_true(socket.gettime() < deadline)
    end)
    assert.is_nil(said.errors, said.output)
    assert.is_nil(said.refused, said.output)
    assert.truthy(server:wait(function() return counters(server).queue == 0 end))
    local counts = counters(server)
    assert_balance(counts)
    assert.are.equal(0, counts.lost + counts.dropped + counts.failed)
    assert.is_true(counts.flushed >= said.requests)
    local db = assert(sq.open(server.db, { readonly = true }))
    assert.are.equal(counts.flushed, db:stats().requests)
    db:close()
    assert_clean(server)
  end)

  it("keeps all that it flushed, once, when workers are killed; and says how many it lost", function()
    server = start()
    calls_for(4, function(deadline)
      while socket.gettime() < deadline - 0.5 do
        socket.sleep(0.3)
        local workers = server:workers()
        if #workers > 0 then server:signal("KILL", workers[math.random(#workers)]) end
      end
    end)
    assert.truthy(server:wait(function() return counters(server).queue == 0 end))
    local counts = counters(server)
    assert_balance(counts)
    local db = assert(sq.open(server.db, { readonly = true }))
    local requests = db:stats().requests
    local ids = db:group_by("request_id"):count()
    db:close()
    assert.are.equal(requests, ids)
    assert.is_true(counts.lost > 0)
    -- a batch that was stored, but not yet counted, when its worker was killed
    assert.is_true(requests >= counts.flushed and requests <= counts.flushed + counts.lost,
      ("%d flushed, %d lost, %d stored"):format(counts.flushed, counts.lost, requests))
  end)
end)
