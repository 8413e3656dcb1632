--- The values of a feedback key were counted by a hash of the set's address, and the set was moved when the
--- fifth key came.
local sq = require "sessionquery"

it("values are counted, however many keys there are", function()
  local db = assert(sq.open ":memory:")
  for round = 1, 3 do
    assert(db:add { request_id = "r" .. round, session_id = "s", created_at = round })
    for key = 1, 40 do
      assert(db:feedback { request_id = "r" .. round, key = "k" .. key, value = "v" .. key % 3, created_at = round })
    end
  end
  local stats = assert(db:sessions():first()).feedback_stats
  for key = 1, 40 do
    assert.same({ n = 3, values = { ["v" .. key % 3] = 3 } }, { n = stats["k" .. key].n, values = stats["k" .. key].values })
  end
  db:close()
end)
