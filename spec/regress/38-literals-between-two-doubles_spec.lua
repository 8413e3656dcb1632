--- A literal against a real number was rounded to the nearest double: x = 0.1000000000000000000001 held for 0.1.
local sq = require "sessionquery"

it("literals are never rounded, against real numbers too", function()
  local db = assert(sq.open ":memory:")
  assert(db:add { request_id = "a", session_id = "s", created_at = 1, responded_at = 1.001, latency_ms = 1,
    properties = { x = 0.1, big = 2 ^ 53 - 1, zero = 0 } })
  for source, wanted in pairs {
    ["properties.x = 0.1"] = true,
    ["properties.x = 1e-1"] = true,
    ["properties.x = 0.10000000000000000000"] = true,
    ["properties.x = 0.1000000000000000000001"] = false,
    ["properties.x != 0.1000000000000000000001"] = true,
    ["properties.x < 0.1000000000000000000001"] = true,
    ["properties.x <= 0.1000000000000000000001"] = true,
    ["properties.x > 0.1000000000000000000001"] = false,
    ["properties.x >= 0.1000000000000000000001"] = false,
    ["properties.x > 0.0999999999999999999999"] = true,
    ["properties.x >= 0.0999999999999999999999"] = true,
    ["properties.x < 0.0999999999999999999999"] = false,
    ["properties.x <= 0.0999999999999999999999"] = false,
    ["properties.x between 0.1000000000000000000001 and 1"] = false,
    ["properties.x between 0 and 0.0999999999999999999999"] = false,
    ["properties.x between 0.0999999999999999999999 and 0.1000000000000000000001"] = true,
    ["properties.x in (0.1000000000000000000001, 0.0999999999999999999999)"] = false,
    ["properties.x in (0.1000000000000000000001, 0.1, 'x')"] = true,
    ["not properties.x in (0.1000000000000000000001, 'x', true)"] = true,
    ["properties.big = 9007199254740991.4"] = false,
    ["properties.big < 9007199254740991.4"] = true,
    ["properties.big < 1e400"] = true,
    ["properties.big > -1e400"] = true,
    ["properties.big between -1e400 and 1e400"] = true,
    ["properties.zero = 1e-400"] = false,
    ["properties.zero < 1e-400"] = true,
    ["properties.zero > -1e-400"] = true,
    ["properties.zero = -0.0"] = true,
    ["session.duration_ms = 1"] = true,
    ["session.duration_ms = 1.00000000000000000001"] = false,
    ["session.duration_ms < 1.00000000000000000001"] = true,
    ["session.avg_latency_ms >= 0.99999999999999999999"] = true,
    ["session.avg_latency_ms <= 0.99999999999999999999"] = false,
  } do
    assert.equal(wanted and 1 or 0, assert(db:sessions():where(source):count()), source)
  end
  db:close()
end)
