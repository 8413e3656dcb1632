--- JSON lets an exponent begin with zeros; in timeFilter such a one was read as 0.
local sq = require "sessionquery"

it("3e012 is 3e12", function()
  local db = assert(sq.open ":memory:")
  assert(db:add { request_id = "a", session_id = "s", created_at = "2025-11-20" })
  local function answer(from, to)
    return select(2, sq.answer("helicone", db, ([[{"search":"","timeFilter":{"startTimeUnixMs":%s,"endTimeUnixMs":%s},
      "timezoneDifference":0,"filter":"all"}]]):format(from, to)))
  end
  for _, bounds in ipairs { { "3e012", "4e12" }, { "0", "1E-00012" }, { "17636328000000e-01", "4e+0012" }, { "0", "4e012" },
    { "1e-99999999999999999999", "4e0000000000000000000000000000000012" } } do
    local plain = { (bounds[1]:gsub("([eE][+-]?)0+(%d)", "%1%2")), (bounds[2]:gsub("([eE][+-]?)0+(%d)", "%1%2")) }
    assert.equal(answer(plain[1], plain[2]), answer(bounds[1], bounds[2]))
  end
  assert.equal('{"data":[],"error":null}', answer("3e012", "4e12"))
  assert(answer("0", "4e012"):find '"session_id":"s"')
end)
