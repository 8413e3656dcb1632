--- Feedback was made at a time in microseconds, and modified at one in whole seconds: before it was made.
local core = require "sessionquery.core"
local http = require "sessionquery.http"
local langsmith = require "spec.support.langsmith"
local sq = require "sessionquery"

local RUN = "00000001-0000-4000-8000-000000000000"

local db, app

before_each(function()
  db = assert(sq.open ":memory:")
  assert(db:add { request_id = RUN, created_at = 1700000000 })
  app = http.app { db = db }
end)
after_each(function() db:close() end)

local function seconds(text) return (assert(core.seconds(text))) end

it("was made when it was first modified", function()
  local status, answer = langsmith.ask(app, "POST", "/feedback", nil, { run_id = RUN, key = "k", score = 1 })
  assert.equal(200, status)
  assert.equal(answer.created_at, answer.modified_at)
end)

it("is changed no earlier than it was made", function()
  for _ = 1, 3 do
    local _, made = langsmith.ask(app, "POST", "/feedback", nil, { run_id = RUN, key = "k", score = 1 })
    local status, changed = langsmith.ask(app, "PATCH", "/feedback/" .. made.id, nil, { score = 0 })
    assert.equal(200, status)
    assert.is_true(seconds(changed.modified_at) >= seconds(changed.created_at))
  end
end)

it("is changed now, whenever it was made", function()
  local _, made = langsmith.ask(app, "POST", "/feedback", nil, { run_id = RUN, key = "k", score = 1, created_at = "2020-01-01T00:00:00Z" })
  local began = os.time()
  local _, changed = langsmith.ask(app, "PATCH", "/feedback/" .. made.id, nil, { score = 0 })
  assert.equal("2020-01-01T00:00:00Z", changed.created_at)
  assert.is_true(seconds(changed.modified_at) >= began)
end)
