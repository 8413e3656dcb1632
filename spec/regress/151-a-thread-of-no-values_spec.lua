-- A pair about a thread is about the session_id too; one without values was read so as well, and grew by a part that never
-- holds each time that it was written and read.
local sq = require "sessionquery"

it("reads a pair that never holds as that alone", function()
  local filter = assert(sq.filter("langsmith", [[and(in(metadata_value, []), eq(metadata_key, "session_id"))]]))
  assert.equal('(entry properties (and false (eq entry.key "session_id")))', filter:dump "tree")
  assert.equal(filter:dump "tree", assert(sq.filter("langsmith", (assert(filter:to "langsmith")))):dump "tree")
end)
