--- An application of sessionquery.http over a store of its own, asked as the cases of support/*http_cases.lua ask: without
--- a server between.
local http = require "sessionquery.http"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local application = {}

--- A sender to an application; headers of its answers by lower-case names.
function application.sender(app)
  return function(request)
    local whole = { remote = "127.0.0.1" }
    for name, value in pairs(request) do whole[name] = value end
    local status, headers, body, problem = app:handle(whole)
    local lower = {}
    for name, value in pairs(headers) do lower[name:lower()] = value end
    return { status = status, headers = lower, body = body, problem = problem }
  end
end

--- What starts one: a function of the application's options.
---@param engine "auto"|"sql"
---@param prefix string
function application.starter(engine, prefix)
  return function(options)
    local path = vm.path "http.db"
    local db = assert(sq.open(path))
    local whole = { path = path, prefix = prefix, engine = engine }
    for name, value in pairs(options) do whole[name] = value end
    local app = http.app(whole)
    return { db = db, send = application.sender(app), app = app, path = path, close = function()
      app:close()
      db:close()
      vm.remove(path)
    end }
  end
end

return application
