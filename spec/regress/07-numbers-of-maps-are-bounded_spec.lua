--- Maps took any number, and then compared and gave back rounded ones.
local sq = require "sessionquery"

it("maps are as strict on numbers as fields are", function()
  local db = assert(sq.open ":memory:")
  for _, map in ipairs { '"properties":{"x":9007199254740993}', '"properties":{"x":1e400}', '"scores":{"x":-9007199254740992}',
    '"feedback":[{"key":"k","score":1e300}]' } do
    local line = ('{"request_id":"r","created_at":1,%s}'):format(map)
    local given
    local sum = assert(db:import(function()
      if given then return nil end
      given = true
      return line
    end))
    assert.equal(1, sum.failed, map)
    assert(sum.errors[1].message:find "beyond 2^53 %- 1: give it as text", sum.errors[1].message)
    assert(sum.errors[1].pointer:find "^/[%l]+/", sum.errors[1].pointer)
  end
  assert(db:add { request_id = "r", session_id = "s", created_at = 1, properties = { x = 2 ^ 53 - 1 } })
  assert.equal(2 ^ 53 - 1, assert(db:requests():first()).properties.x)
  assert.is_nil((assert(db:session "s"):set { x = 2 ^ 53 }))
  -- what is kept as it came, and not compared, keeps its digits
  local line, given = '{"request_id":"q","created_at":2,"big":12345678901234567890,"huge":1e400}', nil
  assert(db:import(function()
    if given then return nil end
    given = true
    return line
  end))
  local extra = assert(db:requests():first()).extra
  assert.same({ big = "12345678901234567890", huge = "1e400" }, extra)
  db:close()
end)
