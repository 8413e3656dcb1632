--- A window of sessions walked the index of sessions instead, and each batch of each() began at the start.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("the plan begins where the rows begin", function()
  local path = vm.path()
  local db = assert(sq.open(path))
  local plan = db:sessions():window("2026-01-01", "2026-01-02"):explain()
  assert(plan:find("SEARCH r USING INDEX request_by_time (created_at_us>? AND created_at_us<?)", 1, true), plan)
  assert(db:add { { created_at = 1 }, { created_at = 2 } })
  local page = assert(db:requests():limit(1):page())
  plan = db:requests():limit(1):after(page.next):explain()
  assert(plan:find("SEARCH r USING INDEX request_by_time (created_at_us<?)", 1, true), plan)
  plan = db:sessions():where("session.id = 'x'"):explain()
  assert(plan:find("SEARCH r USING INDEX request_by_session (session_id=?)", 1, true), plan)
  db:close()
  db = assert(sq.open(path, { organization = "o", project = "p" }))
  plan = db:requests():limit(50):explain()
  assert(plan:find("SEARCH r USING INDEX request_by_owner (organization_id=? AND project=?)", 1, true), plan)
  assert(not plan:find "FOR ORDER BY\n", plan)
  db:close()
end)
