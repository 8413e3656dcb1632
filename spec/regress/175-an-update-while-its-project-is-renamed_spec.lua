--- An update looked up the project of its run, and was stored under that name. When the project was renamed between the two,
--- it was answered with 202, and waited under the old name for ever.
local core = require "sessionquery.core"
local http = require "sessionquery.http"
local langsmith = require "spec.support.langsmith"
local sq = require "sessionquery"

local RUN, OTHER = "00000001-0000-4000-8000-000000000000", "00000002-0000-4000-8000-000000000000"

local db, app

before_each(function()
  db = assert(sq.open ":memory:")
  app = http.app { db = db }
  for _, id in ipairs { RUN, OTHER } do
    local begun = { id = id, name = "n", run_type = "llm", start_time = "2026-11-20T10:00:00Z", session_name = "p", inputs = {} }
    assert.equal(202, (langsmith.ask(app, "POST", "/runs", nil, begun)))
  end
end)
after_each(function() db:close() end)

--- Renames the project before each of the first updates.
local function rename_before(times)
  local update, count = db.update, 0
  db.update = function(self, records, options)
    count = count + 1
    if count <= times then
      local project = assert(db:projects { id = core.project_id("", "p") })[1]
      assert(db:update_project(project.id, { name = "p" .. count }))
    end
    return update(self, records, options)
  end
end

local function ended(id) return { id = id, trace_id = id, session_name = "p", end_time = "2026-11-20T10:00:01.500Z", outputs = {} } end

for _, times in ipairs { 1, 2 } do
  it(("follows the runs of a project that is renamed %d times"):format(times), function()
    rename_before(times)
    assert.equal(202, (langsmith.ask(app, "POST", "/runs/batch", nil, { patch = { ended(RUN), ended(OTHER) } })))
    for _, id in ipairs { RUN, OTHER } do
      local row = assert(db:requests():where(sq.field.request_id:eq(id)):select({ "outcome", "latency_ms" }):first())
      assert.same({ "success", 1500 }, { row.outcome, row.latency_ms })
    end
  end)
end

it("asks the client to come again where it does not end", function()
  rename_before(100)
  assert.equal(503, (langsmith.ask(app, "POST", "/runs/batch", nil, { patch = { ended(RUN) } })))
end)

it("tells a wrong update once beside others that are followed", function()
  rename_before(1)
  local wrong = ended(OTHER)
  wrong.end_time = "1960-01-01T00:00:00Z"
  local status, answer = langsmith.ask(app, "POST", "/runs/batch", nil, { patch = { ended(RUN), wrong } })
  assert.same({ 422, 1 }, { status, #answer.detail })
  assert.equal("success", assert(db:requests():where(sq.field.request_id:eq(RUN)):select({ "outcome" }):first()).outcome)
end)
