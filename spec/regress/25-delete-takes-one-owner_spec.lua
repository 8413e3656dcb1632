--- A handle for all organizations deleted a session of one, and with it the tags of another's of the same id.
local sq = require "sessionquery"

it("what is deleted belongs to one organization and project", function()
  local db = assert(sq.open ":memory:")
  local b = { organization = "B", project = "default" }
  assert(db:add { { request_id = "1", organization_id = "B", session_id = "s", created_at = 1 } })
  assert(db:tag("s", "kept", b))
  assert(db:feedback { session_id = "s", key = "k", score = 1, organization = "B" })
  assert.equal(1, assert(db:delete { request = "1" }).requests)
  assert(db:add { { request_id = "2", organization_id = "A", session_id = "s", created_at = 2 } })
  local counts, message, detail = db:delete { session = "s" }
  assert.is_nil(counts)
  assert.equal("ambiguous", detail.code, message)
  assert.equal(1, assert(db:delete { session = "s", organization = "A" }).requests)
  -- what is left of it can still be deleted by its id
  counts = assert(db:delete { session = "s" })
  assert.same({ 0, 1, 1 }, { counts.requests, counts.tags, counts.feedback })
  assert.equal(0, assert(db:delete { session = "s" }).tags)
  db:close()
end)

it("a project's name must be that of one organization", function()
  local db = assert(sq.open ":memory:")
  assert(db:add { { request_id = "1", organization_id = "A", project = "p", session_id = "s", created_at = 1 } })
  assert(db:add { { request_id = "1", organization_id = "B", project = "p", session_id = "s", created_at = 1 } })
  assert(db:tag("s", "t", { organization = "B" }))
  assert(db:delete { request = "1", organization = "B" })
  local counts, message, detail = db:delete { project = "p" }
  assert.is_nil(counts)
  assert.equal("ambiguous", detail.code, message)
  db:close()
end)
