--- `total_tokens between 500 and 1` can never hold. Folding it away before levels were given made the rest of
--- an OR about requests only, which then trimmed the sessions instead of keeping them.
local sq = require "sessionquery"

it("an impossible session comparison leaves an OR mixed", function()
  local filter = assert(sq.filter("where", "latency_ms > 5 or session.total_tokens between 500 and 1"))
  assert.equal("keep (some (gt latency_ms 5))", filter:dump())
  local f = sq.field
  local built = sq.any { f.latency_ms:gt(5), f.session.total_tokens:between(500, 1) }
  assert.equal(filter:dump(), built:dump())
end)
