--- An update with an empty map cleared the whole map; and a row that was read could not be written again.
local sq = require "sessionquery"

it("an empty map merges nothing, null clears", function()
  local db = assert(sq.open ":memory:")
  assert(db:add { request_id = "r", created_at = 1, properties = { a = "1" }, scores = { q = 1 }, more = 5, tags = { "t" } })
  assert(db:update { request_id = "r", properties = {}, scores = {}, extra = {} })
  local row = assert(db:requests():first())
  assert.same({ { a = "1" }, { q = 1 }, { more = 5 }, { "t" } }, { row.properties, row.scores, row.extra, row.tags })
  local given
  assert(db:import(function()
    if given then return nil end
    given = true
    return '{"request_id":"r","properties":{},"tags":[]}'
  end, { on_conflict = "update" }))
  row = assert(db:requests():first())
  assert.same({ { a = "1" }, {} }, { row.properties, row.tags })
  assert(db:update { request_id = "r", properties = sq.null })
  assert.same({}, assert(db:requests():first()).properties)
  assert(db:add { request_id = "r", created_at = 1, scores = {} })
  assert.same({}, assert(db:requests():first()).scores)
  db:close()
end)

it("a row can be written again", function()
  local db = assert(sq.open ":memory:")
  assert(db:add { { request_id = "r", created_at = 1.5, cache_reference_id = "c", properties = { a = true }, tags = { "x" } },
    { request_id = "q", created_at = 2 } })
  local before = assert(db:requests({ bodies = true }):all())
  for _, row in ipairs(before) do
    assert(db:add(row))
    assert(db:update(row))
  end
  assert.same(before, assert(db:requests({ bodies = true }):all()))
  local id, message, detail = db:add { created_at = 1, cached = true }
  assert.is_nil(id)
  assert(message:find "cached is computed from cache_reference_id", message)
  assert.equal("/cached", detail.pointer)
  assert.is_nil((db:add { created_at = 1, cached = "yes" }))
  db:close()
end)
