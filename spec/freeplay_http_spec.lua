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
