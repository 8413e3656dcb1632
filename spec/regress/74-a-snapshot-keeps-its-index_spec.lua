--- A snapshot that the column index had answered lost it when another made a new one.
local core = require "sessionquery.core"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("also when the file is replaced", function()
  local path = vm.path()
  local db = assert(sq.open(path))
  for i = 1, 20 do assert(db:add { request_id = "r" .. i, session_id = "s", created_at = i }) end
  assert(db:seal())
  local query = assert(core.build { source = "sessions" })
  local columns = assert(core.open(path, { engine = "columns" }))
  local snapshot = assert(columns:snapshot())
  assert.equal(20, assert(core.rows(snapshot, query)):read(1).total_requests)
  assert(db:delete { request = "r1" })
  assert(db:reindex())
  assert.equal(19, assert(core.rows(columns, query)):read(1).total_requests)
  assert.equal(20, assert(core.rows(snapshot, query)):read(1).total_requests)
  snapshot:close()
  columns:close()
  db:close()
  vm.remove(path)
end)
