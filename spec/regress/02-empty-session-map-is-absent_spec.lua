--- Setting no key, or clearing the last one, left an empty object behind that counted as present.
local sq = require "sessionquery"

it("a session's map without keys is absent", function()
  local db = assert(sq.open ":memory:")
  assert(db:add { request_id = "r", session_id = "s", created_at = 1 })
  local session = assert(db:session "s")
  assert(session:set {})
  assert.equal(0, assert(db:sessions():where "session.metadata is present":count()))
  assert(session:set { a = 1 })
  assert.equal(1, assert(db:sessions():where "session.metadata is present":count()))
  assert(session:set { a = sq.null })
  assert.equal(0, assert(db:sessions():where "session.metadata is present":count()))
  db:close()
end)
