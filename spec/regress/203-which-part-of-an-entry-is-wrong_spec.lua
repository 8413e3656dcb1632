--- A part of sq.entry that is no filter was told as one of sq.all's, and a nil as a hole in a list.
local sq = require "sessionquery"

it("sq.entry tells which of its parts is no filter", function()
  local key = sq.field.entry.key:eq "quality"
  local function refusal(...)
    local parts, count = { ... }, select("#", ...)
    local good, message = pcall(function() return (sq.entry("scores", (unpack or table.unpack)(parts, 1, count))) end)
    assert.is_false(good)
    return message
  end
  assert.matches("203[^\n]*:8: entry: part 2 is a number, not a filter", refusal(key, 3))
  assert.matches("entry: part 1 is a nil, not a filter", refusal(nil, key))
  assert.matches("entry: part 2 is a nil, not a filter", refusal(key, nil))
  assert.matches("entry: part 1 is a string, not a filter", refusal "key = 'quality'")
  assert.matches("entry: expected at least one filter", refusal())
end)
