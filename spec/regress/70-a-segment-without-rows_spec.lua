--- A segment all of whose rows are deleted was sealed again beside the old one: written behind the end of an array.
local core = require "sessionquery.core"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("takes the place of the one before it", function()
  local path = vm.path()
  local store = assert(core.open(path, { segment_rows = 50 }))
  local lines = {}
  for i = 1, 400 do lines[i] = ('{"request_id":"r%d","session_id":"s%d","created_at":%d}'):format(i, math.floor(i / 3), i) end
  assert(store:ingest(table.concat(lines, "\n"), {}))
  assert(store:seal())
  local db = assert(sq.open(path))
  for _, range in ipairs { { 101, 150 }, { 201, 400 } } do -- in the middle, and at the end
    for i = range[1], range[2] do assert(db:delete { request = "r" .. i }) end
  end
  assert(store:seal())
  assert.equal(150, assert(db:check()))
  assert.equal(0, assert(db:stats()).dead)
  assert(db:add { request_id = "new", session_id = "s40", created_at = 120 }) -- a segment without rows names it
  assert(store:seal())
  assert.equal(151, assert(db:check()))
  assert.equal(1, assert(db:session("s40"):requests():count()))
  db:close()
  vm.remove(path)
end)
