--- sql() of a filter about an entry, outside of entry(…), read a column that there is not.
local sq = require "sessionquery"

it("an entry's fields have SQL inside of entry only", function()
  for _, name in ipairs { "key", "value", "score", "comment", "source", "created_at", "id" } do
    local text, message, detail = sq.field.entry[name]:present():sql()
    assert.is_nil(text)
    assert.equal("level", detail.code, message)
  end
end)
