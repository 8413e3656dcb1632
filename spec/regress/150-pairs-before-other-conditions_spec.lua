-- The conditions of an and() on key and value are read behind its others: an entry that stands before one was written
-- among them, and came back behind it.
local sq = require "sessionquery"

it("keeps the order of an entry and what stands behind it", function()
  for _, source in ipairs {
    [[and(and(eq(metadata_key, "a")), eq(name, "x"))]],
    [[and(and(eq(feedback_key, "a")), eq(metadata_key, "b"))]],
    [[and(and(eq(metadata_key, "a")), or(eq(input_key, "b"), eq(input_value, 1)))]],
    [[and(eq(name, "x"), eq(metadata_key, "a"), eq(feedback_key, "b"))]],
  } do
    local filter = assert(sq.filter("langsmith", source))
    local text = assert(filter:to "langsmith")
    assert.equal(filter:dump "tree", assert(sq.filter("langsmith", text)):dump "tree")
    assert.equal(source, text)
  end
end)
