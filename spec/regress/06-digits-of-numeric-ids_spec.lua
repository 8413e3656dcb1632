--- An id that came as a JSON number beyond 2^53 went through a double: different sessions became one.
local sq = require "sessionquery"

it("numbers where text is wanted keep their digits", function()
  local db = assert(sq.open ":memory:")
  local lines = {
    '{"request_id":10000000000000001,"created_at":1,"session_id":20240101000000000001,"user_id":-12345678901234567}',
    '{"request_id":10000000000000000,"created_at":2,"session_id":20240101000000000002,"user_id":1.50,"tags":[1190483274923847691]}',
    '{"request_id":1e400,"created_at":3}',
  }
  local at = 0
  local sum = assert(db:import(function()
    at = at + 1
    return lines[at]
  end))
  assert.same({ 2, 1 }, { sum.added, sum.failed })
  assert(sum.errors[1].message:find "request_id is beyond all numbers", sum.errors[1].message)
  local rows = assert(db:requests():order_by("created_at"):all())
  assert.same({ "10000000000000001", "20240101000000000001", "-12345678901234567" },
    { rows[1].request_id, rows[1].session_id, rows[1].user_id })
  assert.same({ "10000000000000000", "20240101000000000002", "1.5", "1190483274923847691" },
    { rows[2].request_id, rows[2].session_id, rows[2].user_id, rows[2].tags[1] })
  db:close()
end)
