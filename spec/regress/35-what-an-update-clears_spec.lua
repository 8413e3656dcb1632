--- An update that cleared the only body left an empty row of bodies, and one that cleared the cost its source.
local sq = require "sessionquery"

it("nothing is left of what was cleared", function()
  local db = assert(sq.open ":memory:")
  assert(db:add { request_id = "r", created_at = 1, request_body = "b", cost_usd = 1 })
  assert.equal("recorded", assert(db:requests():first()).cost_source)
  assert(db:update { request_id = "r", request_body = sq.null, cost_usd = sq.null })
  assert.equal(0, assert(db:stats()).bodies)
  assert.is_nil(assert(db:requests():first()).cost_source)
  db:close()
end)
