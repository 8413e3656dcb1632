--- A window of sessions walked the index of sessions instead, and each batch of each() began at the start. Since
--- then ids and sessions have no index in SQLite: the columns look them up, whatever SQL would have to scan.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("the plan begins where the rows begin", function()
  local path = vm.path()
  local db = assert(sq.open(path, { engine = "sql" }))
  local plan = db:sessions():window("2026-01-01", "2026-01-02"):explain()
  assert(plan:find("SEARCH r USING INDEX request_by_time (created_at_us>? AND created_at_us<?)", 1, true), plan)
  plan = db:sessions():window("2026-01-01", nil):explain()
  assert(plan:find("SEARCH r USING INDEX request_by_time (created_at_us>?)", 1, true), plan)
  plan = db:sessions():explain()
  assert(plan:find("  SCAN r\n", 1, true) and not plan:find("count(DISTINCT", 1, true), plan)
  plan = db:requests():limit(50):explain()
  assert(plan:find("SCAN r USING INDEX request_by_time\n", 1, true), plan)
  assert(db:add { { created_at = 1 }, { created_at = 2 } })
  local page = assert(db:requests():limit(1):page())
  plan = db:requests():limit(1):after(page.next):explain()
  assert(plan:find("SEARCH r USING INDEX request_by_time (created_at_us<?)", 1, true), plan)
  assert.equal(1, select(2, plan:gsub("SEARCH r ", "")), plan)
  db:close()
  db = assert(sq.open(path, { engine = "sql", organization = "o", project = "p" }))
  plan = db:sessions():window("2026-01-01", "2026-01-02"):explain()
  assert(plan:find("SEARCH r USING INDEX request_by_time (created_at_us>? AND created_at_us<?)", 1, true), plan)
  assert(db:add { { created_at = 1 }, { created_at = 2 } })
  page = assert(db:requests():limit(1):page())
  plan = db:requests():limit(1):after(page.next):explain()
  assert(plan:find("SEARCH r USING INDEX request_by_time (created_at_us<?)", 1, true), plan)
  db:close()
  vm.remove(path)
end)

it("what SQL gives, the columns give: a trace has an index of its own, ids and sessions have the columns", function()
  local path = vm.path()
  assert(sq.open(path)):close()
  for _, options in ipairs { {}, { organization = "o" }, { organization = "o", project = "p" }, { readonly = true } } do
    local db = assert(sq.open(path, options))
    options.engine = "sql"
    local sql = assert(sq.open(path, options))
    if not options.readonly then assert(db:add { request_id = "r", session_id = "s", trace_id = "t", created_at = 1 }) end
    local plan = sql:requests():where("trace_id = 't'"):explain()
    assert(plan:find("SEARCH r USING INDEX request_by_trace (trace_id=?)", 1, true), plan)
    for _, filter in ipairs { "session_id = 's'", "trace_id = 't'", "request_id = 'r'", "request_id = 'r' and organization_id = 'o'" } do
      plan = db:requests():where(filter):limit(5):explain()
      assert(plan:find "^engine: columns\n", plan)
      assert.same(assert(sql:requests():where(filter):limit(5):all()), assert(db:requests():where(filter):limit(5):all()))
    end
    plan = db:sessions():where("session.id = 's'"):explain()
    assert(plan:find "^engine: columns\n", plan)
    sql:close()
    db:close()
  end
  vm.remove(path)
end)
