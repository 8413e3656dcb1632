--- A filter had close(), after which all queries made of it failed.
local sq = require "sessionquery"

it("a filter has no end but collection", function()
  local filter = assert(sq.filter("where", "model = 'm'"))
  assert.is_nil(filter.close)
  local db = assert(sq.open ":memory:")
  assert(db:add { created_at = 1, model = "m" })
  local query = db:requests():where(filter)
  filter = nil -- luacheck: ignore
  collectgarbage()
  assert.equal(1, assert(query:count()))
  db:close()
end)
