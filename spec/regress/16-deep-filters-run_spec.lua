--- Filters of alternating and/or compiled to depth 64 and then overflowed SQLite's parser.
local sq = require "sessionquery"

local db = assert(sq.open ":memory:")
assert(db:add { { request_id = "1", session_id = "a", created_at = 1, model = "m", scores = { q = 1 } },
  { request_id = "2", session_id = "b", created_at = 2, model = "n" } })

local leaves = {
  '{"request_response_rmt":{"model":{"equals":"m"}}}', '{"request_response_rmt":{"model":{"not-equals":"n"}}}',
  '{"properties":{"env":{"not-equals":"x"}}}', '{"request_response_rmt":{"scores":{"q":{"equals":"1"}}}}',
  '{"request_response_rmt":{"scores_column":{"equals":"q"}}}', '{"feedback":{"rating":{"equals":false}}}',
  '{"request_response_rmt":{"helicone-score-feedback":{"equals":true}}}',
  '{"sessions_request_response_rmt":{"session_total_requests":{"gt":0}}}',
  '{"sessions_request_response_rmt":{"session_tag":{"not-contains":"x"}}}',
}

it("branches to depth 64, on either side, of every kind of leaf", function()
  for _, leaf in ipairs(leaves) do
    for side = 1, 2 do
      local filter = leaf
      for depth = 1, 64 do
        local pair = side == 1 and { filter, leaves[1] } or { leaves[1], filter }
        filter = ('{"left":%s,"operator":"%s","right":%s}'):format(pair[1], depth % 2 == 0 and "and" or "or", pair[2])
      end
      local status, text = sq.answer("helicone", db, ([[{"search":"","timeFilter":{"startTimeUnixMs":0,
        "endTimeUnixMs":4e12},"timezoneDifference":0,"filter":%s}]]):format(filter))
      assert.equal(200, status, leaf .. text)
    end
  end
end)

local function alternate(depth, leaf, other)
  local tree = leaf
  for i = 1, depth do tree = ("(%s %s %s)"):format(other or leaf, i % 2 == 0 and "and" or "or", tree) end
  return tree
end

it("brackets to depth 255, in every place, with the truth that they have", function()
  for _, case in ipairs { { alternate(255, "model = 'm'"), 1 }, { alternate(120, "scores.q = 1", "model = 'n'"), 1 },
    { "some" .. alternate(240, "scores.q = 1"), 1 }, { alternate(240, "session.errors > 1"), 0 },
    { alternate(120, "(session.errors > 1 or some(model = 'm'))", "session.id = 'b'"), 1 },
    { "in_trace" .. alternate(200, "model = 'm'"), 0 } } do
    assert.equal(case[2], assert(db:sessions():where(case[1]):count()), case[1]:sub(1, 60))
  end
  local opened, closed = ("("):rep(255), (")"):rep(255)
  assert(sq.filter("where", opened .. "status = 1" .. closed))
  assert.is_nil((sq.filter("where", "(" .. opened .. "status = 1" .. closed .. ")")))
  local not_not = "model = 'm'"
  for i = 1, 120 do not_not = ("not (model = 'x' %s %s)"):format(i % 2 == 0 and "and" or "or", not_not) end
  assert(db:sessions():where(not_not):count())
end)

it("bushy trees too", function()
  local function full(depth, index)
    if depth == 0 then return "scores.q = " .. index end
    return ("(%s %s %s)"):format(full(depth - 1, 2 * index), depth % 2 == 0 and "and" or "or", full(depth - 1, 2 * index + 1))
  end
  assert.equal(0, assert(db:sessions():where(full(11, 1)):count()))
end)

it("queries in queries end at three", function()
  local nested = "model = 'm'"
  for _ = 1, 3 do nested = "in_trace(" .. nested .. ")" end
  assert(db:requests():where(nested):count())
  local filter, message, detail = sq.filter("where", "root(" .. nested .. ")")
  assert.is_nil(filter)
  assert(message:find "nested deeper than 3", message)
  assert.equal("limit", detail.code)
end)
