--- Plain SQL that put feedback in the place of another (INSERT OR REPLACE fires no trigger of the deleted row) left
--- the scores of the request that lost it in the column index.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("is known of at the request that had it and at the one that has it", function()
  local path = vm.path()
  local db = assert(sq.open(path))
  for i = 1, 3 do assert(db:add { request_id = "r" .. i, session_id = "s" .. i, created_at = i, scores = { quality = i } }) end
  assert(db:feedback { request_id = "r1", key = "stars", score = 5 })
  assert(db:seal())
  local rich = assert(sq.filter("where", "scores.stars > 4"))
  assert.equal("s1", assert(db:sessions():where(rich):first()).id)
  vm.shell(("sqlite3 %s \"INSERT OR REPLACE INTO feedback(id, organization_id, project, request_id, session_id, key, score, value, comment, source, created_at_us)"
    .. " SELECT id, organization_id, project, 'r2', session_id, key, score, value, comment, source, created_at_us FROM feedback WHERE key = 'stars'\""):format(path))
  assert.equal("s2", assert(db:sessions():where(rich):first()).id)
  assert.equal(1, assert(db:sessions():where(rich):count()))
  assert.equal(3, assert(db:check()))
  db:close()
  vm.remove(path)
end)
