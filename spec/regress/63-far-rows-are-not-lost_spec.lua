--- A changed row of long ago and a new one did not fit into one block in memory (they were 2^24 rows apart): the
--- columns lost the new one.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("an old row that was changed does not hide the new ones", function()
  local path = vm.path()
  os.remove(path .. "-columns")
  local db = assert(sq.open(path))
  assert(db:add { request_id = "old", session_id = "s", created_at = 1 })
  vm.shell(("sqlite3 %s \"INSERT INTO request(seq, request_id, organization_id, project, run_type, created_at_us, session_id)"
    .. " VALUES (20000000, 'far', '', 'default', 'llm', 2000000, 's')\""):format(path))
  assert(db:seal())
  assert(db:update { request_id = "old", model = "changed" })
  assert(db:add { request_id = "new", session_id = "s", created_at = 3 })
  local columns = assert(sq.open(path, { engine = "columns" }))
  assert.equal(3, assert(columns:sessions():first()).total_requests)
  assert.equal(3, assert(db:check()))
  columns:close()
  assert(db:seal())
  assert.equal(3, assert(db:check()))
  db:close()
  vm.remove(path)
  os.remove(path .. "-columns")
end)
