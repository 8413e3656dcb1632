--- A row whose seq plain SQL had put behind the last one was none of the column index's.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("is known as others are", function()
  local path = vm.path()
  local db = assert(sq.open(path))
  for i = 1, 20 do assert(db:add { request_id = "r" .. i, session_id = "s", created_at = i }) end
  assert(db:seal())
  for _, sql in ipairs { "UPDATE request SET seq = 30 WHERE seq = 20", "UPDATE request SET seq = 20 WHERE seq = 30",
    "UPDATE request SET seq = seq + 100 WHERE seq > 15" } do
    assert.equal("", (vm.shell(("sqlite3 %s '%s'"):format(path, sql))))
    assert.equal(20, assert(db:check()))
    assert.equal(20, assert(db:sessions():first()).total_requests)
  end
  assert(db:add { request_id = "r20", session_id = "s", created_at = 20 }) -- in the place of the one that was moved
  assert(db:seal())
  assert.equal(20, assert(db:check()))
  db:close()
  vm.remove(path)
end)
