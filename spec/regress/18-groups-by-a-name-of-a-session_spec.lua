--- Grouped by a field whose name a session's field has too, the key was lost, and JSON had the member twice.
local sq = require "sessionquery"

local function occurrences(text, pattern) return select(2, text:gsub(pattern, "")) end

it("a key takes the place of what else would have its name", function()
  local db = assert(sq.open ":memory:")
  assert(db:add { { request_id = "a", session_name = "SN", name = "N1", created_at = 1, model = "x" },
    { request_id = "b", session_name = "SN", name = "N2", created_at = 2, model = "x" } })
  local groups = assert(db:group_by("name", "model"):order_by("name"):all())
  assert.same({ "N1", "x", "N2", "x" }, { groups[1].name, groups[1].model, groups[2].name, groups[2].model })
  assert.equal(2, occurrences(assert(db:group_by("name"):json()), '"name":'))
  assert.equal(1, occurrences(assert(db:group_by("organization_id"):json()), '"organization_id":'))
  local page = assert(db:group_by("name"):order_by("name"):limit(1):page())
  assert.equal("N2", assert(db:group_by("name"):order_by("name"):limit(1):after(page.next):all())[1].name)
  db:close()
end)
