--- Freeplay's search API as a function: what every client sees (support/freeplay_http_cases.lua), under each engine.
local application = require "spec.support.application"
local cases = require "spec.support.freeplay_http_cases"

--- The same, and the operator is told of no trouble.
local function starter(engine)
  local start = application.starter(engine, cases.prefix)
  return function(options)
    local server = start(options)
    local send = server.send
    function server.send(request)
      local answer = send(request)
      assert(not answer.problem, answer.problem)
      return answer
    end
    return server
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
