--- Fields of a request that nobody records: what they are computed from, and what becomes of them in a record.
local core = require "sessionquery.core"
local sq = require "sessionquery"

local function memory() return assert(sq.open ":memory:") end

local function add(db, fields)
  local record = { request_id = "r", created_at = 100 }
  for name, value in pairs(fields) do record[name] = value end
  assert(db:add(record))
  return assert(db:requests():first())
end

describe("outcome", function()
  local cases = {
    { {}, "pending" },
    { { status = 200 }, "pending" },
    { { responded_at = 101 }, "success" },
    { { latency_ms = 0 }, "success" },
    { { status = 399, latency_ms = 5 }, "success" },
    { { status = 400, latency_ms = 5 }, "error" },
    { { status = 503 }, "error" },
    { { status = -1 }, "error" },
    { { status = -3, latency_ms = 5 }, "error" },
    { { status = -2 }, "pending" },
    { { status = -2, latency_ms = 5, responded_at = 101 }, "pending" },
    { { error = "boom" }, "error" },
    { { error = "boom", status = -2 }, "error" },
    { { error = "", latency_ms = 5 }, "success" },
  }
  for i, case in ipairs(cases) do
    it(("is %s in case %d, and errors are what sessions count"):format(case[2], i), function()
      local db = memory()
      case[1].session_id = "s"
      assert.equal(case[2], add(db, case[1]).outcome)
      for _, outcome in ipairs { "pending", "success", "error" } do
        assert.equal(outcome == case[2] and 1 or 0, assert(db:requests():where(sq.field.outcome:eq(outcome)):count()), outcome)
      end
      assert.equal(case[2] == "error" and 1 or 0, assert(db:sessions():first()).errors)
      db:close()
    end)
  end
end)

describe("ended_at", function()
  local cases = {
    { {}, nil },
    { { responded_at = 101.5 }, 101.5 },
    { { latency_ms = 1500 }, 101.5 },
    { { responded_at = 102, latency_ms = 1500 }, 102 },
  }
  for i, case in ipairs(cases) do
    it(("is right in case %d"):format(i), function()
      local db = memory()
      assert.equal(case[2], add(db, case[1]).ended_at)
      local present = sq.field.ended_at:present()
      assert.equal(case[2] and 1 or 0, assert(db:requests():where(present):count()))
      if case[2] then assert.equal(1, assert(db:requests():where(sq.field.ended_at:eq(case[2])):count())) end
      db:close()
    end)
  end
end)

describe("a record with computed fields", function()
  it("is taken as it was read, and has them no second time", function()
    local db = memory()
    for _, fields in ipairs { {}, { latency_ms = 1500 }, { responded_at = 101.123, error = "x" }, { status = -2 } } do
      local row = add(db, fields)
      assert(db:add(row))
      assert.same(row, assert(db:requests():first()))
      assert.equal(1, assert(db:update(row)))
      assert.same(row, assert(db:requests():first()))
      row.ended_at = row.ended_at and sq.iso(row.ended_at)
      assert(db:add(row))
      assert.same({}, assert(db:requests():first()).extra)
    end
    db:close()
  end)

  it("keeps as its own what has the name and says something else", function()
    local db = memory()
    local row = add(db, { latency_ms = 1500, outcome = "resolved", ended_at = "late", project_id = "p", session_metadata = { a = 1 } })
    assert.equal("success", row.outcome)
    assert.equal(101.5, row.ended_at)
    assert.same({ outcome = "resolved", ended_at = "late", project_id = "p", session_metadata = { a = 1 } }, row.extra)
    assert.equal(1, assert(db:requests():where "extra.outcome = 'resolved'":count()))
    db:close()
  end)
end)

describe("session_metadata", function()
  it("is the own map of the request's session, seen from the request", function()
    local db = memory()
    assert(db:add {
      { request_id = "a", session_id = "s", created_at = 1 },
      { request_id = "b", session_id = "s", created_at = 2, project = "other" },
      { request_id = "c", created_at = 3 },
    })
    assert(db:session("s", { project = "default" }):set { tier = "gold", n = 2 })
    for where, count in pairs {
      ["session_metadata.tier = 'gold'"] = 1,
      ["session_metadata.n > 1"] = 1,
      ["session_metadata.tier is absent"] = 2,
      ["session_metadata is present"] = 1,
      ["session_metadata has 'n'"] = 1,
      ["entry(session_metadata, key = 'tier' and value like 'g%')"] = 1,
    } do
      assert.equal(count, assert(db:requests():where(where):count()), where)
    end
    db:close()
  end)
end)

describe("project_id", function()
  it("is the one it was given, else the one of its names", function()
    local db = memory()
    assert(db:add { { request_id = "a", created_at = 1 }, { request_id = "b", created_at = 2, project = "p", organization_id = "o" } })
    local query = db:requests():select { "request_id", "project_id", "session_metadata" }:order_by "created_at"
    local rows = assert(query:all())
    assert.equal(core.project_id("", "default"), rows[1].project_id)
    assert.equal(core.project_id("o", "p"), rows[2].project_id)
    assert.same({}, rows[2].session_metadata)
    assert.equal("b", assert(db:requests():where(sq.field.project_id:eq(rows[2].project_id)):all())[1].request_id)
    assert.equal(2, assert(db:group_by("project_id"):count()))
    db:close()
  end)
end)

describe("feedback", function()
  it("stands in the rows of those who name it, as it was given", function()
    local db = memory()
    assert(db:add { { request_id = "a", created_at = 1 }, { request_id = "b", created_at = 2 } })
    assert(db:feedback { request_id = "a", key = "k", score = 0.5, value = { of = "it" }, source = "human", created_at = 3 })
    assert(db:feedback { request_id = "a", key = "k", comment = "c", created_at = 4 })
    local rows = assert(db:requests():select { "request_id", "feedback" }:order_by "created_at":all())
    assert.same({ { key = "k", score = 0.5, value = { of = "it" }, source = "human", created_at = "1970-01-01T00:00:03Z" },
      { key = "k", comment = "c", created_at = "1970-01-01T00:00:04Z" } }, rows[1].feedback)
    assert.same({}, rows[2].feedback)
    assert.is_nil(assert(db:requests():all())[1].feedback)
    db:close()
  end)
end)

describe("the fields of issue 5", function()
  it("are recorded, asked about, and merged", function()
    local db = memory()
    add(db, { insight_names = { "slow", "Loud" }, insight_ids = { "i1" }, execution_order = 2, test_run_id = "t", review_queue_id = "q" })
    for _, where in ipairs {
      "insight_names has 'slow'", "insight_names ilike 'loud'", "insight_ids = 'i1'", "execution_order between 1 and 2",
      "test_run_id = 't'", "review_queue_id contains 'Q'",
    } do
      assert.equal(1, assert(db:requests():where(where):count()), where)
    end
    assert.equal(1, assert(db:update { request_id = "r", insight_names = sq.null, execution_order = 3 }))
    local row = assert(db:requests():first())
    assert.same({}, row.insight_names)
    assert.equal(3, row.execution_order)
    assert.equal("q", row.review_queue_id)
    db:close()
  end)
end)
