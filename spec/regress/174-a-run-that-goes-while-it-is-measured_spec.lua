--- What a batch of runs has stored was answered with 404 when one of them was deleted, or its project renamed, before the
--- batch had given it the time between its start and an end that came first; and the others went without that time. A
--- client that lost its answer there and posted again left the run without it for good.
local core = require "sessionquery.core"
local http = require "sessionquery.http"
local langsmith = require "spec.support.langsmith"
local sq = require "sessionquery"

local GONE, STAYS = "00000001-0000-4000-8000-000000000000", "00000002-0000-4000-8000-000000000000"

local db, app

before_each(function()
  db = assert(sq.open ":memory:")
  app = http.app { db = db }
end)
after_each(function() db:close() end)

local function begun(id)
  return { id = id, name = "n", run_type = "llm", start_time = "2026-11-20T10:00:00Z", session_name = "p", inputs = {} }
end
local function ended(id) return { id = id, trace_id = id, end_time = "2026-11-20T10:00:01.500Z", outputs = {} } end

local function latency(id)
  local row = assert(db:requests():where(sq.field.request_id:eq(id)):first())
  return row.latency_ms
end

--- Does something when runs are measured: before the first update that is not one of a client's.
local function before_measuring(act)
  local update = db.update
  db.update = function(self, records, options)
    if not options and act then
      act()
      act = nil
    end
    return update(self, records, options)
  end
end

it("takes the batch when a run is deleted meanwhile, and measures the others", function()
  before_measuring(function() assert(db:delete { request = GONE }) end)
  local body = { post = { begun(GONE), begun(STAYS) }, patch = { ended(GONE), ended(STAYS) } }
  local status, answer = langsmith.ask(app, "POST", "/runs/batch", nil, body)
  assert.same({ 202, {} }, { status, answer })
  assert.equal(1500, latency(STAYS))
  assert.equal(1, db:requests():count())
end)

it("takes the batch when the project is renamed meanwhile", function()
  before_measuring(function() assert(db:update_project(core.project_id("", "p"), { name = "q" })) end)
  local status = langsmith.ask(app, "POST", "/runs/batch", nil, { post = { begun(STAYS) }, patch = { ended(STAYS) } })
  assert.equal(202, status)
end)

it("measures what was stored, but not measured, when it is posted again", function()
  assert.equal(202, (langsmith.ask(app, "PATCH", "/runs/" .. STAYS, nil, ended(STAYS))))
  assert(db:add { request_id = STAYS, project = "p", run_type = "llm", created_at = "2026-11-20T10:00:00Z", status = -2 })
  assert.is_nil(latency(STAYS))
  assert.equal(202, (langsmith.ask(app, "POST", "/runs", nil, begun(STAYS))))
  assert.equal(1500, latency(STAYS))
end)
