--- Some keys that stood twice were taken in silence.
local sq = require "sessionquery"

it("a key stands once", function()
  local db = assert(sq.open ":memory:")
  for line, options in pairs {
    ['{"created_at":1,"feedback":[],"feedback":[]}'] = {},
    ['{"created_at":1,"feedback":[{"key":"a","key":"b"}]}'] = {},
    ['{"request_created_at":"2026-01-01","request_properties":{"Helicone-Session-Id":"a","Helicone-Session-Id":"b"}}'] =
      { format = "helicone" },
    ['{"request_created_at":"2026-01-01","request_properties":{"k":"a","\\u006b":"b"}}'] = { format = "helicone" },
    ['{"created_at":1,"created_at":2}'] = { map = function(record) return record end },
    ['{"created_at":1,"x":{"a":null,"a":1}}'] = { map = function(record) return record end },
  } do
    local given
    local sum = assert(db:import(function()
      if given then return nil end
      given = true
      return line
    end, options))
    assert.equal(1, sum.failed, line)
    assert(sum.errors[1].message:find "twice", sum.errors[1].message)
  end
  -- in two objects, the first counts
  local given
  assert(db:import(function()
    if given then return nil end
    given = true
    return '{"request_created_at":"2026-01-01","request_properties":{"k":"a"},"properties":{"k":"b","l":"c"}}'
  end, { format = "helicone" }))
  assert.same({ k = "a", l = "c" }, assert(db:requests():first()).properties)
  db:close()
end)
