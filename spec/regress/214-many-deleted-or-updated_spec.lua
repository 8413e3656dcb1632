--- After a deletion or updates of more requests than are read anew in memory, no query was answered by the columns until
--- as many new requests had come as a segment has.
local core = require "sessionquery.core"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("is answered by the columns", function()
  local SEGMENTS, ROWS, path = 5, 65536, vm.path()

  local function ingest(store, segment, options, more)
    local list = {}
    for i = 1, ROWS do list[i] = ('{"request_id":"%d-%d","created_at":%d%s}'):format(segment, i, segment * 1000, more) end
    assert(store:ingest(table.concat(list, "\n"), options))
  end

  local store = assert(core.open(path, { relaxed = true }))
  for segment = 1, SEGMENTS do ingest(store, segment, {}, "") end
  local db = assert(sq.open(path))
  assert.equal(SEGMENTS, assert(db:stats()).segments)
  for segment = 1, SEGMENTS do ingest(store, segment, { on_conflict = "update" }, ',"user_id":"u"') end
  store:close()
  assert.equal("columns", assert(db:group_by("user_id"):explain()):match "^engine: ([^\n]*)")
  assert.equal(SEGMENTS * ROWS, db:requests():where("user_id = 'u'"):count())
  assert.equal((SEGMENTS - 1) * ROWS + 1, (assert(db:delete { before = SEGMENTS * 1000 }).requests + assert(db:delete { request = SEGMENTS .. "-1" }).requests))
  assert.equal("columns", assert(db:group_by("user_id"):explain()):match "^engine: ([^\n]*)")
  assert.equal(ROWS - 1, db:requests():count())
  assert.equal(ROWS - 1, assert(db:check()))
  db:close()
  vm.remove(path)
end)
