--- A store as version 3 of the schema wrote it, before it had projects: brought to this version with all that was in it.
--- spec/support/stores holds its two files; it was made by
---
---   for i = 1, 40 do
---     db:add { request_id = "r" .. i, organization_id = i % 3 == 0 and "o" or "", project = "p" .. i % 2,
---       session_id = "s" .. i % 7, created_at = 1700000000 + i, latency_ms = i, model = "m" .. i % 3,
---       properties = { env = "e" .. i % 2 }, trace_id = "t" .. i % 5, tags = { "t" .. i % 4 },
---       error = i % 10 == 0 and "broken" or nil, request_body = i % 4 == 0 and "body " .. i or nil, cost_usd = i / 1000 }
---     if i == 30 then db:seal() end
---   end
---   db:feedback { request_id = "r1", key = "k", score = 1, comment = "c" }
---   local where = { organization = "", project = "p1" }
---   db:session("s1", where):feedback { key = "own", score = 2 }
---   db:tag("s1", "tagged", where)
---   db:session("s1", where):set { k = "v" }
---   db:update { request_id = "r2", project = "p0", model = "changed" }
---   keys.create(db, { organization = "o" })
local core = require "sessionquery.core"
local keys = require "sessionquery.keys"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local path

before_each(function()
  path = vm.path()
  for _, suffix in ipairs { "", "-columns" } do
    local output, status = vm.shell(("gzip -dc spec/support/stores/version3.db%s.gz >%s%s"):format(suffix, path, suffix))
    assert.equal(0, status, output)
  end
end)

after_each(function() vm.remove(path) end)

local function wanted(i)
  local error, second = i % 10 == 0, i == 2
  return {
    request_id = "r" .. i, organization_id = i % 3 == 0 and "o" or "", project = "p" .. i % 2, session_id = "s" .. i % 7,
    created_at = 1700000000 + i, latency_ms = i, model = second and "changed" or "m" .. i % 3, properties = { env = "e" .. i % 2 },
    trace_id = "t" .. i % 5, tags = { "t" .. i % 4 }, error = error and "broken" or nil, cost_usd = i / 1000, cost_source = "recorded",
    request_body = i % 4 == 0 and "body " .. i or nil, run_type = "llm", cached = false, assets = {}, scores = i == 1 and { k = 1 } or {}, extra = {},
    insight_names = {}, insight_ids = {}, outcome = error and "error" or "success", ended_at = 1700000000 + i + i / 1000,
  }
end

local function check_rows(db, what)
  local rows = assert(db:requests { bodies = true }:order_by "created_at":all())
  assert.equal(40, #rows, what)
  for i, row in ipairs(rows) do assert.same(wanted(i), row, what) end
end

it("a reader says that a writer must open it first", function()
  local reader, message, detail = sq.open(path, { readonly = true })
  assert.is_nil(reader)
  assert.equal("version", detail.code)
  assert(message:find("version 3: open it writable once, so that it is brought to 4", 1, true), message)
end)

it("brings everything along", function()
  assert.same({ 3, 4 }, { sq.migrate(path) })
  assert.same({ 4, 4 }, { sq.migrate(path) })
  local db = assert(sq.open(path))
  for _, state in ipairs { "as it was sealed", "changed", "sealed again", "made anew" } do
    if state == "changed" then assert(db:update { request_id = "r5", project = "p1", execution_order = 3, insight_names = { "i" } }) end
    if state == "sealed again" then assert(db:seal()) end
    if state == "made anew" then assert(db:reindex()) end
    if state == "as it was sealed" then check_rows(db, state) end
    assert.equal(40, assert(db:check()), state)
    local changed = state == "as it was sealed" and 0 or 1
    for _, engine in ipairs { "auto", "sql" } do
      local asked = assert(sq.open(path, { readonly = true, engine = engine }))
      local function count(filter) return assert(asked:requests():where(filter):count()) end
      assert.equal(changed, count "execution_order = 3", state)
      assert.equal(40 - changed, count "execution_order is absent", state)
      assert.equal(changed, count "insight_names has 'i'", state)
      assert.equal(40, count "test_run_id is absent and review_queue_id is absent and insight_ids is absent", state)
      assert.equal(4, count "outcome = 'error'", state)
      assert.equal(36, count "outcome = 'success'", state)
      assert.equal(7, assert(asked:requests():where(sq.field.project_id:eq(core.project_id("o", "p1"))):count()), state)
      assert.equal(1, count "entry(feedback, comment = 'c')", state)
      local session = assert(asked:sessions():where "session_id = 's1' and project = 'p1' and organization_id = ''":first())
      assert.same({ { "tagged" }, { k = "v" }, 2 }, { session.tags, session.metadata, session.own_feedback_stats.own.avg }, state)
      asked:close()
    end
    -- what has been in the index all the time is answered by it
    local columns = assert(sq.open(path, { readonly = true, engine = "columns" }))
    assert.equal(14, assert(columns:requests():where "model = 'm1'":count()), state)
    assert.equal(assert(db:sessions():count()), assert(columns:sessions():count()), state)
    columns:close()
  end
  db:close()
end)

it("has projects, and holds updates", function()
  local db = assert(sq.open(path))
  assert.same({ { organization = "o", rights = { "query" } } }, (function()
    local list = assert(keys.list(db))
    for _, key in ipairs(list) do key.id, key.created_at = nil, nil end
    return list
  end)())
  local counts = {}
  for i, project in ipairs(assert(db:projects {})) do counts[i] = project.organization_id .. "/" .. project.name .. " " .. project.requests end
  assert.same({ "/p0 14", "/p1 13", "o/p0 6", "o/p1 7" }, counts)
  assert(db:update_project(core.project_id("o", "p1"), { name = "renamed" }))
  assert(db:update({ request_id = "later", model = "held" }, { hold = true }))
  assert(db:add { request_id = "later", created_at = 1 })
  assert.equal("held", assert(db:requests():where "request_id = 'later'":first()).model)
  assert.equal(7, assert(db:requests():where "project = 'renamed'":count()))
  assert.equal(41, assert(db:check()))
  db:close()
end)

it("is brought once by several who open it at once", function()
  local child = vm.write(vm.path "opener.lua", [[
    local db = assert(require("sessionquery").open(arg[1]))
    assert(db:add { request_id = "of-" .. arg[2], created_at = 1 })
    print(db:requests():count() >= 41, db:stats().schema_version)
    db:close()]])
  local output, status = vm.shell(("for n in 1 2 3 4; do %s %s %s $n & done; wait"):format(vm.command, child, path))
  assert.same({ ("true\t4\n"):rep(4), 0 }, { output, status })
  local db = assert(sq.open(path))
  assert.equal(44, assert(db:check()))
  db:close()
  os.remove(child)
end)
