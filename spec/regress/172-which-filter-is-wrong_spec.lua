--- POST /runs/query, /runs/stats and /runs/group take several filters, and said neither which of them was wrong nor at
--- which byte, as GET /sessions does.
local core = require "sessionquery.core"
local http = require "sessionquery.http"
local langsmith = require "spec.support.langsmith"
local sq = require "sessionquery"

local db, app

before_each(function()
  db = assert(sq.open ":memory:")
  app = http.app { db = db }
end)
after_each(function() db:close() end)

local P = core.project_id("", "p")

local function of(name)
  return { session_id = name == "group" and P or nil, group_by = name == "group" and "conversation" or nil }
end

for _, case in ipairs {
  { "/runs/query", "filter" }, { "/runs/query", "search_filter" }, { "/runs/query", "trace_filter" }, { "/runs/query", "tree_filter" },
  { "/runs/stats", "filter" }, { "/runs/stats", "tree_filter" }, { "/runs/group", "filter" },
} do
  local path, name = case[1], case[2]
  it(("%s names %s and the place in it"):format(path, name), function()
    local body = of(path:match "[^/]*$")
    body[name] = 'and(eq(name, "x"), eq(nme, "y"))'
    local status, answer = langsmith.ask(app, "POST", path, nil, body)
    assert.equal(400, status)
    assert.equal(name .. ": langsmith: unknown field 'nme', did you mean 'name'? (byte 22)", answer.detail:match "^[^\n]*")
  end)
end
