--- Freeplay's search API as a function: what every client sees (support/freeplay_http_cases.lua), under each engine.
local cases = require "spec.support.freeplay_http_cases"
local http = require "sessionquery.http"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local function starter(engine)
  return function(options)
    local path = vm.path "freeplay_http.db"
    local db = assert(sq.open(path))
    local whole = { path = path, prefix = cases.prefix, engine = engine }
    for name, value in pairs(options) do whole[name] = value end
    local app = http.app(whole)
    local function send(request)
      request.remote = "127.0.0.1"
      local status, headers, body, problem = app:handle(request)
      assert(not problem, problem)
      local lower = {}
      for name, value in pairs(headers) do lower[name:lower()] = value end
      return { status = status, headers = lower, body = body }
    end
    return { db = db, send = send, close = function()
      app:close()
      db:close()
      vm.remove(path)
    end }
  end
end

for _, engine in ipairs { "auto", "sql" } do
  describe("Freeplay's search, engine " .. engine .. ":", function()
    cases.describe(starter(engine), { describe = describe, it = it, setup = setup, teardown = teardown })
  end)
end

describe("A page of Freeplay's", function()
  local core = require "sessionquery.core"

  it("is asked of the store in one query for its items and one for their rows, however many they are", function()
    local server = starter "auto" {}
    local records = {}
    for i = 1, 60 do
      for j = 1, 3 do
        records[#records + 1] = { request_id = ("r%d-%d"):format(i, j), session_id = "s" .. i, created_at = i * 10 + j, run_type = j == 1 and "chain" or nil,
          parent_id = j > 1 and ("r%d-1"):format(i) or nil, test_run_id = "t" }
      end
    end
    assert(server.db:add(records))
    for i = 1, 60 do assert(server.db:session("s" .. i):set { n = i }) end
    local rows, count = core.rows, 0
    core.rows = function(...) -- luacheck: ignore 122
      count = count + 1
      return rows(...)
    end
    local asked = {}
    for _, what in ipairs { "sessions", "traces", "completions" } do
      for _, query in ipairs { "page_size=50", "page_size=50&include_children=true" } do
        count = 0
        local answer = server.send { method = "POST", path = cases.prefix .. "/api/v2/projects/default/search/" .. what, query = query,
          headers = { ["content-type"] = "application/json" }, body = '{"filters":{}}' }
        assert.equal(200, answer.status, answer.body)
        asked[#asked + 1] = count
      end
    end
    core.rows = rows -- luacheck: ignore 122
    assert.same({ 2, 2, 1, 2, 1, 2 }, asked)
    server.close()
  end)
end)
