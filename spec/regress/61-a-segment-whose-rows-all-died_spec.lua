--- A segment that was sealed again when all of its rows were dead took the others with it: beyond the end of a list.
local core = require "sessionquery.core"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("the others stay, in their order", function()
  local path = vm.path()
  local store = assert(core.open(path, { manual_seal = true, segment_rows = 10 }))
  for block = 0, 5 do
    local lines = {}
    for i = 1, 10 do
      lines[i] = ('{"request_id":"r%d-%d","session_id":"s%d","created_at":%d,"user_id":"u%d"}'):format(block, i, i + 3 * block, i, block)
    end
    assert(store:ingest(table.concat(lines, "\n"), {}))
    assert(store:seal())
  end
  for block = 1, 4, 3 do
    for i = 1, 10 do assert.equal(1, assert(store:delete { request = ("r%d-%d"):format(block, i) }).requests) end
  end
  assert(store:seal())
  assert(store:ingest('{"request_id":"r1-1","session_id":"s4","created_at":1}', {}))
  assert(store:seal())
  assert.equal(41, assert(store:check()))
  store:close()
  local sql, columns = assert(sq.open(path, { engine = "sql" })), assert(sq.open(path, { engine = "columns" }))
  assert.equal(assert(sql:sessions():json()), assert(columns:sessions():json()))
  sql:close()
  columns:close()
  vm.remove(path)
end)
