--- Rows that were not sealed lay in many pieces in memory; a deletion left each so small that all were put together
--- into one, which takes no more than a segment's rows: the others were not answered.
local core = require "sessionquery.core"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("keeps all rows when many pieces are put together", function()
  local path = vm.path()
  local store = assert(core.open(path, { manual_seal = true, relaxed = true }))
  local db = assert(sq.open(path, { seal = "manual", engine = "columns" }))
  local PIECES, ROWS = 32, 4200
  for piece = 1, PIECES do
    local list = {}
    for i = 1, ROWS do
      list[i] = ('{"request_id":"r%d-%d","session_id":"s%d","created_at":%d,"user_id":"%s"}'):format(piece, i, i % 10, piece * ROWS + i, i % 4 == 0 and "gone" or "here")
    end
    assert(store:ingest(table.concat(list, "\n"), {}))
    assert.equal(piece * ROWS, db:requests():count())
  end
  assert(store:delete { user = "gone" })
  assert.equal(PIECES * ROWS * 3 / 4, db:requests():count())
  assert.equal(PIECES * ROWS * 3 / 4, assert(db:check()))
  db:close()
  store:close()
  vm.remove(path)
end)
