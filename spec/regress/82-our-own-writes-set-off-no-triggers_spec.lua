--- Statements that were prepared without triggers were prepared again with them, since switching triggers on expires
--- what was prepared before. Each row of feedback looked for its request among all of them: 140 ms among a million.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local path, db

local function noted()
  return vm.shell(("sqlite3 %s 'SELECT group_concat(seq) FROM change'"):format(path))
end

before_each(function()
  path = vm.path()
  db = assert(sq.open(path))
  assert(db:add { { request_id = "a", created_at = 1, request_body = "b" }, { request_id = "b", created_at = 2 } })
  assert.equal("\n", (noted()))
end)

after_each(function()
  db:close()
  vm.remove(path)
end)

it("each change is noted once", function()
  assert(db:feedback { request_id = "b", key = "k", score = 1 })
  assert.equal("2\n", (noted()))
  assert(db:add { { request_id = "a", created_at = 3 } }) -- in the place of the first
  assert.equal("2,1\n", (noted()))
  assert(db:update { request_id = "b", model = "m" })
  assert.equal("2,1,2\n", (noted()))
  assert(db:delete { request = "b" })
  assert.equal("2,1,2,2\n", (noted()))
  assert.equal("0|0\n", (vm.shell(("sqlite3 %s 'SELECT (SELECT count(*) FROM body), (SELECT count(*) FROM feedback)'"):format(path))))
end)

it("other's changes are noted by the triggers", function()
  vm.shell(("sqlite3 %s 'UPDATE request SET model = 1 WHERE seq = 2; DELETE FROM request WHERE seq = 1'"):format(path))
  assert.equal("2,1\n", (noted()))
end)
