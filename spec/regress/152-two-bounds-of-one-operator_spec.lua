-- One leaf holds all that Helicone asks of one feedback, each operator of a column once; two bounds that compile to the same
-- operator could not be written back.
local sq = require "sessionquery"

it("spells bounds of one operator apart", function()
  for _, source in ipairs {
    [[{"feedback":{"id":{"gt":-1,"gte":2.5}}}]], [[{"feedback":{"id":{"gte":2.5,"gt":-1}}}]], [[{"feedback":{"id":{"gte":-2.5,"gt":0}}}]],
    [[{"feedback":{"id":{"lt":2.5,"lte":-3}}}]], [[{"feedback":{"id":{"lte":-1,"lt":-0.5}}}]],
    [[{"feedback":{"id":{"lt":1e30,"lte":1e30,"gt":-1e30,"gte":-1e30}}}]], [[{"feedback":{"id":{"lt":1e30,"gte":5,"lte":1e31}}}]],
    [[{"feedback":{"id":{"gt":1e30,"gte":1e30,"lt":-1e30,"equals":0.5,"not-equals":2.5}}}]],
    [[{"feedback":{"id":{"gt":1,"gte":2,"lt":3,"lte":4,"equals":5,"not-equals":6},"rating":{"equals":true}}}]],
    [[{"feedback":{"created_at":{"gte":"2026-11-20T00:00:00.0000005Z","gt":"2026-11-21"},"id":{"gt":7}}}]],
    [[{"feedback":{"created_at":{"lt":"1969-12-31T23:59:59.9999995Z","lte":"1969-12-31T00:00:00.123456Z"}}}]],
    [[{"feedback":{"created_at":{"equals":"2026-11-20T00:00:00.0000005Z"},"id":{"gt":7}}}]],
  } do
    local filter = assert(sq.filter("helicone", source))
    local text, parts = filter:to "helicone"
    assert(text, parts and source .. " " .. parts[1].part)
    assert.equal(filter:dump "tree", assert(sq.filter("helicone", text)):dump "tree", source)
  end
end)
