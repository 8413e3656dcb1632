--- A segment with as many rows as one may have, sealed again, left one without rows beside it, each time.
local index = require "spec.support.index"
local core = require "sessionquery.core"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("stays one", function()
  local path = vm.path()
  local store, ROWS = assert(core.open(path, { manual_seal = true, relaxed = true })), 65536
  assert(store:ingest(index.lines(1, ROWS), {}))
  assert(store:seal())
  for round = 1, 3 do
    assert(store:ingest(index.lines(1, ROWS / 4, (',"user_id":"u%d"'):format(round)), { on_conflict = "update" }))
    assert(store:seal())
    assert.equal(1, index.stats(path).segments)
  end
  store:close()
  local db = assert(sq.open(path))
  assert.equal(ROWS / 4, db:requests():where("user_id = 'u3'"):count())
  assert.equal(ROWS, assert(db:check()))
  db:close()
  vm.remove(path)
end)
