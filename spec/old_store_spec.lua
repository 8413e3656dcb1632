--- A store that sessionquery 0.1 made, of schema version 3: 32 requests, 24 of them sealed in a segment that does not
--- know the fields which came later (spec/support/stores/version3.tar.gz).
local engines = require "spec.support.engines"
local sq = require "sessionquery"
local vm = require "spec.support.vm"
local f = sq.field

local too_old = "a segment was made before a field came into the catalogue"

--- The store in a folder of its own.
local function unpacked()
  local folder = vm.path()
  local output, status = vm.shell(("mkdir -p %s && env -u LD_PRELOAD -u ASAN_OPTIONS tar xzf spec/support/stores/version3.tar.gz -C %s"):format(folder, folder))
  assert.equal(0, status, output)
  return folder .. "/store.db", function() vm.shell("rm -rf " .. folder) end
end

local function count(db, where) return assert(db:requests():where(where):count()) end

--- Asked of the columns alone, it must be refused for the segment's age; else it is answered.
local function asks(path, where, wanted)
  local db = assert(sq.open(path, { engine = "columns" }))
  local got, message = db:requests():where(where):count()
  assert.is_nil(got)
  assert(message:find(too_old, 1, true), message)
  db:close()
  db = assert(sq.open(path))
  assert.equal(wanted, count(db, where))
  assert(db:requests():where(where):explain():find(too_old, 1, true))
  db:close()
end

describe("a store of schema version 3", function()
  it("is not opened read-only before it was migrated, and keeps what is in it", function()
    local path, remove = unpacked()
    local reader, message, detail = sq.open(path, { readonly = true })
    assert.is_nil(reader)
    assert.equal("version", detail.code, message)
    assert.same({ 3, 4 }, { sq.migrate(path) })
    local db = assert(sq.open(path, { readonly = true }))
    assert.equal(32, assert(db:requests():count()))
    assert.equal(32, assert(db:check()))
    assert.equal(1, assert(db:stats()).segments)
    db:close()
    remove()
  end)

  it("answers about its own fields from the segment that it has", function()
    local path, remove = unpacked()
    local db = assert(sq.open(path, { engine = "columns" }))
    assert.equal(12, count(db, "latency_ms > 1500"))
    assert.equal(1, count(db, "model = 'late'"))
    assert.equal(16, count(db, "tags has 'even'"))
    assert.equal(5, assert(db:sessions():count()) + 1)
    assert.equal(10, count(db, "properties.env = 'prod'"))
    db:close()
    remove()
  end)

  it("takes no new field of the segment for absent: SQL answers, and says why", function()
    local path, remove = unpacked()
    local db = assert(sq.open(path, { seal = "manual" }))
    assert.equal(1, assert(db:update { request_id = "r2", execution_order = 7, insight_names = { "slow" } })) -- sealed
    assert.equal(1, assert(db:update { request_id = "r30", test_run_id = "t" })) -- not sealed
    assert(db:add { request_id = "new", created_at = 1700001000, execution_order = 8, review_queue_id = "q" })
    db:close()
    asks(path, f.execution_order:present(), 2)
    asks(path, f.execution_order:eq(7), 1)
    asks(path, f.execution_order:absent(), 31)
    asks(path, f.insight_names:has "slow", 1)
    asks(path, f.insight_ids:present(), 0)
    asks(path, sq.any { f.test_run_id:eq "t", f.review_queue_id:eq "q" }, 2)
    remove()
  end)

  it("has the new fields in new segments, while the old one is there", function()
    local path, remove = unpacked()
    local db = engines.open(path, { seal = "manual" }, { segment_rows = 24 }) -- the old one is full, and stays
    for i = 1, 45 do assert(db:add { request_id = "n" .. i, created_at = 1700001000 + i, test_run_id = i <= 5 and "t" .. i % 2 or nil }) end
    assert(db:seal())
    assert(assert(db:stats()).segments > 1)
    db:close()
    asks(path, f.test_run_id:eq "t1", 3)
    asks(path, f.test_run_id:absent(), 72)
    db = assert(sq.open(path))
    local groups = {}
    for row in db:group_by("test_run_id"):each() do groups[row.id or "none"] = row.total_requests end
    assert.same({ none = 72, t0 = 2, t1 = 3 }, groups)
    assert.equal("t1", assert(db:requests():order_by "-test_run_id":first()).test_run_id)
    db:close()
    remove()
  end)

  it("answers all of it from columns once it is indexed anew", function()
    local path, remove = unpacked()
    local db = assert(sq.open(path))
    assert(db:update { request_id = "r2", execution_order = 7 })
    assert(db:reindex())
    db:close()
    db = assert(sq.open(path, { engine = "columns" }))
    assert.equal(1, count(db, f.execution_order:eq(7)))
    assert.equal(31, count(db, f.execution_order:absent()))
    assert.equal(0, count(db, f.insight_names:present()))
    db:close()
    remove()
  end)

  it("has computed fields, and keeps members of records that had their names", function()
    local path, remove = unpacked()
    local db = assert(sq.open(path))
    assert.equal(7, count(db, "outcome = 'pending'"))
    assert.equal(6, count(db, "outcome = 'error'"))
    assert.equal(19, count(db, "outcome = 'success'"))
    assert.equal(1, count(db, "ended_at = 1700000002.2"))
    assert.equal(1, count(db, "extra.outcome = 'resolved'"))
    assert.equal(7, count(db, "session_metadata.tier = 'gold'"))
    assert.equal(8, count(db, "request_body.topic = 't1'"))
    assert.equal(5, count(db, "enclosing(properties.env = 'prod') and run_type = 'llm' and session_id = 's1' or enclosed(request_id = 'r4')"))
    db:close()
    remove()
  end)
end)
