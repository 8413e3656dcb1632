--- The sessions of which some request is asked for are found first, by a query of their own. In the statement's WHERE it had
--- less room for brackets than SQLite's parser wants, so conditions nested too deep that did not before: it stands in a WITH.
local sq = require "sessionquery"

local f = sq.field

--- and(a, or(b, and(a, … leaf))): no bracket can go.
local function deep(depth, leaf)
  local filter = leaf
  for i = 1, depth do
    filter = i % 2 == 0 and sq.all { f.model:eq("m" .. i), filter } or sq.any { f.status:eq(i), sq.negate(filter) }
  end
  return filter
end

describe("conditions on some request", function()
  local db
  setup(function()
    db = assert(sq.open(":memory:", { engine = "sql" }))
    assert(db:add { { request_id = "t", session_id = "s", run_type = "chain", created_at = 1 }, { request_id = "c", session_id = "s", parent_id = "t", created_at = 2 } })
  end)
  teardown(function() db:close() end)

  it("may nest as deep as filters may", function()
    for _, depth in ipairs { 1, 5, 10, 20, 100 } do
      assert(db:sessions():where(sq.some_request(deep(depth, f.cost_usd:gt(1)))):all())
      assert(db:sessions():where(sq.all { sq.some_request(deep(depth, f.cost_usd:gt(1))), f.session.errors:gte(0) }):count())
    end
  end)

  it("beside conditions on the rows", function()
    for _, depth in ipairs { 5, 20, 100 } do
      assert(db:sessions():where(deep(depth, f.latency_ms:gt(1))):where(sq.some_request(deep(depth, f.cost_usd:gt(1)))):all())
    end
  end)

  it("around others that look past their rows", function()
    for _, over in ipairs { sq.root, sq.in_trace, sq.enclosing, sq.enclosed } do
      local filter = deep(20, f.cost_usd:gt(1))
      for _ = 1, 3 do
        filter = deep(20, over(filter))
        assert(db:sessions():where(sq.some_request(filter)):all())
        assert(db:requests():where(filter):all())
      end
    end
  end)
end)
