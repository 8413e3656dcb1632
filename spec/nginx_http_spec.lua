--- The session API over HTTP, from real nginx with two workers; and questions that take long. nginx runs LuaJIT whatever runs
--- this file, so once, beside luajit, is enough.
local vm = require "spec.support.vm"
if vm.name ~= "luajit" then return end

local cases = require "spec.support.http_cases"
local core = require "sessionquery.core"
local freeplay_cases = require "spec.support.freeplay_http_cases"
local gateway = require "spec.support.gateway"
local nginx = require "spec.support.nginx"
local socket = require "socket"
local sq = require "sessionquery"

local CHAT, chat, stored, start, counters, assert_clean =
  gateway.CHAT, gateway.chat, gateway.stored, gateway.start, gateway.counters, gateway.assert_clean
local f = sq.field

-- ------------------------------------------------------------------------------------------------- the session API

--- A table of text, numbers and booleans as Lua.
local function literal(value)
  if type(value) == "string" then return ("%q"):format(value) end
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for name, member in pairs(value) do parts[#parts + 1] = ("[%s] = %s"):format(literal(name), literal(member)) end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

--- Starts a server whose questions are answered in threads, or in the event loop.
local function starter_of(mode)
  return function(options)
    local whole = { prefix = cases.prefix, mode = mode }
    for name, value in pairs(options) do whole[name] = value end
    local server = start { locations = ("    location %s { content_by_lua_block { gateway.serve %s } }"):format(cases.prefix, literal(whole)) }
    local db = assert(sq.open(server.db))
    return {
      db = db,
      send = function(request)
        local status, headers, body = nginx.parse(server:say(nginx.raw(request)), request.method == "HEAD")
        return { status = status, headers = headers, body = body }
      end,
      close = function()
        db:close()
        server:stop()
        assert_clean(server)
      end,
    }
  end
end

local busted = { describe = describe, it = it, setup = setup, teardown = teardown }

for _, mode in ipairs { "thread", "loop" } do
  describe("over HTTP, mode " .. mode .. ":", function() cases.describe(starter_of(mode), busted) end)
end

describe("Freeplay's search over HTTP:", function() freeplay_cases.describe(starter_of "thread", busted) end)

describe("a gateway with slow questions", function()
  local server
  local ROWS, BLOCK = 80000, 10000
  local question = core.encode { search = "", timeFilter = { startTimeUnixMs = 0, endTimeUnixMs = 4e12 }, timezoneDifference = 0, filter = "all" }

  setup(function()
    -- one worker with two VMs; SQL, which takes its time for this
    server = start {
      replace = { ["worker_processes 2"] = "worker_processes 1", ["vm_pool_size 8"] = "vm_pool_size 2",
        ["location ~ ^/v1/session(/|$) { content_by_lua_block { gateway.serve() } }"] =
          "location ~ ^/v1/session(/|$) { content_by_lua_block { gateway.serve { engine = 'sql' } } }" },
    }
    local db = assert(sq.open(server.db, { durable = false }))
    for block = 0, ROWS / BLOCK - 1 do
      local records = {}
      for i = 1, BLOCK do
        records[i] = { session_id = "s" .. i * 31 % 9973 .. "-" .. block, created_at = 1700000000 + i, model = "m", cost_usd = 0.001, latency_ms = i % 999 }
      end
      assert(db:add(records))
    end
    db:close()
  end)
  teardown(function()
    server:stop()
    assert_clean(server)
  end)

  --- Asks at once, several times; what came, when all is there.
  local function ask_at_once(count)
    local pipes = {}
    for i = 1, count do
      pipes[i] = io.popen(("curl -s -o /dev/null -w '%%{http_code} %%{size_download} %%header{retry-after}' -H 'Content-Type: application/json' -d '%s' http://127.0.0.1:%d/v1/session/query")
        :format(question, server.port))
    end
    return function()
      local answers = {}
      for i, pipe in ipairs(pipes) do
        local status, bytes = pipe:read "*a":match "^(%d+) (%d+)"
        answers[i] = { status = tonumber(status), bytes = tonumber(bytes) }
        pipe:close()
      end
      return answers
    end
  end

  it("answers others meanwhile, and refuses one question more than it has VMs for", function()
    local finish = ask_at_once(6)
    socket.sleep(0.1)
    local began = socket.gettime()
    for _ = 1, 20 do assert.are.equal(200, (server:ask { path = "/hello" })) end
    assert.is_true(socket.gettime() - began < 0.3)
    local counts = {}
    for _, answer in ipairs(finish()) do counts[answer.status] = (counts[answer.status] or 0) + 1 end
    assert.is_true(counts[200] >= 2, server:log())
    assert.are.equal(6, counts[200] + (counts[503] or 0))
    assert.is_true((counts[503] or 0) >= 1)
    assert.are.equal(counts[503], counters(server).refused_busy)
  end)

  it("ends no question by a reload", function()
    local finish = ask_at_once(1)
    socket.sleep(0.15)
    server:signal "HUP"
    local answer = finish()[1]
    assert.are.equal(200, answer.status)
    assert.is_true(answer.bytes > 10000)
  end)

  it("records calls although no VM is free for long: questions wait for that", function()
    local finish = ask_at_once(2)
    socket.sleep(0.1)
    server:ask { path = CHAT, body = chat, headers = { ["Helicone-Session-Id"] = "in between" } }
    for _ = 1, 3 do
      finish()
      finish = ask_at_once(4)
    end
    finish()
    assert.are.equal(1, #stored(server, f.session_id:eq "in between"))
  end)
end)
