--- A window of sessions walked the index of sessions instead, and each batch of each() began at the start.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("the plan begins where the rows begin", function()
  local path = vm.path()
  local db = assert(sq.open(path))
  local plan = db:sessions():window("2026-01-01", "2026-01-02"):explain()
  assert(plan:find("SEARCH r USING INDEX request_by_time (created_at_us>? AND created_at_us<?)", 1, true), plan)
  plan = db:sessions():window("2026-01-01", nil):explain()
  assert(plan:find("SEARCH r USING INDEX request_by_time (created_at_us>?)", 1, true), plan)
  plan = db:sessions():explain()
  assert(plan:find("  SCAN r\n", 1, true) and not plan:find("count(DISTINCT", 1, true), plan)
  assert(db:add { { created_at = 1 }, { created_at = 2 } })
  local page = assert(db:requests():limit(1):page())
  plan = db:requests():limit(1):after(page.next):explain()
  assert(plan:find("SEARCH r USING INDEX request_by_time (created_at_us<?)", 1, true), plan)
  assert.equal(1, select(2, plan:gsub("SEARCH r ", "")), plan)
  plan = db:sessions():where("session.id = 'x'"):explain()
  assert(plan:find("SEARCH r USING INDEX request_by_session (session_id=?)", 1, true), plan)
  db:close()
  db = assert(sq.open(path, { organization = "o", project = "p" }))
  plan = db:requests():limit(50):explain()
  assert(plan:find("SEARCH r USING INDEX request_by_owner (organization_id=? AND project=?)", 1, true), plan)
  assert(not plan:find "FOR ORDER BY\n", plan)
  assert(db:add { { created_at = 1 }, { created_at = 2 } })
  page = assert(db:requests():limit(1):page())
  plan = db:requests():limit(1):after(page.next):explain()
  assert(plan:find("request_by_owner (organization_id=? AND project=? AND created_at_us<?)", 1, true), plan)
  db:close()
end)

it("a session or trace is looked up by its own index, whoever asks", function()
  local path = vm.path()
  assert(sq.open(path)):close()
  for _, options in ipairs { {}, { organization = "o" }, { organization = "o", project = "p" }, { readonly = true } } do
    local db = assert(sq.open(path, options))
    if not options.readonly then assert(db:add { request_id = "r", session_id = "s", created_at = 1 }) end
    for query, index in pairs {
      [db:requests():where("session_id = 's'")] = "request_by_session",
      [db:requests():where("trace_id = 't'")] = "request_by_trace",
      [db:requests():where("request_id = 'r' and organization_id = 'o' and project = 'p'")] = "request_by_id",
      [db:sessions():where("session.id = 's'")] = "request_by_session",
      [db:requests():where("session_id = 's' and organization_id = 'o' and project = 'p'")] = "request_by_session",
    } do
      local plan = query:explain()
      assert(plan:find("SEARCH r USING INDEX " .. index .. " (", 1, true), plan)
    end
    db:close()
  end
end)
