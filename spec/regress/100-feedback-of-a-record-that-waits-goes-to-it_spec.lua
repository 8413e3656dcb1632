--- A record whose id was in the same call already took another place of the group that is inserted at once; what it
--- brought along of feedback went to the record that had been there: to the first of the group.
local sq = require "sessionquery"

it("a record that stands twice in a call keeps its own feedback", function()
  local db = assert(sq.open ":memory:")
  assert(db:add {
    { request_id = "a", created_at = 1 },
    { request_id = "b", created_at = 1 },
    { request_id = "b", created_at = 2, feedback = { { key = "k", score = 1 } } },
  })
  local scores = {}
  for r in db:requests():each() do scores[r.request_id] = r.scores.k or "none" end
  assert.same({ a = "none", b = 1 }, scores)
  db:close()
end)
