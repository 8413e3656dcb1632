--- The file of the column index, cut off while a handle had it mapped, ended the process at the next query.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("is found out: SQL answers until the index is made anew", function()
  local path = vm.path()
  local db = assert(sq.open(path))
  for i = 1, 200 do assert(db:add { request_id = "r" .. i, session_id = "s" .. i % 7, created_at = i }) end
  assert(db:seal())
  local answer = assert(db:sessions():json())
  assert.matches("^engine: columns", assert(db:sessions():explain()))
  vm.shell("truncate -s 4096 " .. path .. "-columns")
  assert.equal(answer, assert(db:sessions():json()))
  assert.matches("^engine: sql, by SQLite %(the column index is damaged", assert(db:sessions():explain()))
  assert.matches("damaged", assert(db:stats()).index_state)
  assert(db:reindex())
  assert.matches("^engine: columns", assert(db:sessions():explain()))
  assert.equal(answer, assert(db:sessions():json()))
  db:close()
  vm.remove(path)
end)
