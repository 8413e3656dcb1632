--- README's own example, select { "id", … }, was refused: rows have their keys without being asked, and naming one was an
--- unknown field.
local sq = require "sessionquery"

local db

before_each(function()
  db = assert(sq.open ":memory:")
  assert(db:add { request_id = "r", session_id = "s", created_at = 90000, model = "m", properties = { env = "e" } })
end)

after_each(function() db:close() end)

local function columns_of(query)
  local names = {}
  for i, column in ipairs((assert(query:columns()))) do names[i] = column.name end
  return table.concat(names, " ")
end

it("the keys of rows may be named among what is selected", function()
  assert.equal("organization_id project id total_cost_usd", columns_of(db:sessions():select { "id", "total_cost_usd" }))
  assert.equal("organization_id project id name", columns_of(db:sessions():select { "project", "name", "session.id", "organization_id" }))
  assert.equal("organization_id project request_id", columns_of(db:requests():select { "organization_id", "project", "request_id" }))
  assert.equal("organization_id model id errors", columns_of(db:group_by("model"):select { "id", "model", "errors" }))
  assert.equal("organization_id day properties.env", columns_of(db:group_by(sq.day, sq.field.properties.env):select { "properties.env", "day" }))
  assert.equal("organization_id project id", columns_of(db:projects():select { "project" }))
end)

it("what is neither a key nor a field is refused", function()
  local function refusal(query, name) return (select(2, pcall(query.select, query, { name }))) end
  assert.matches("no field 'modle', did you mean 'model'", refusal(db:group_by("model"), "modle"), 1, true)
  assert.matches("no field 'id'", refusal(db:group_by("model", sq.day), "id"), 1, true)
  assert.matches("no field 'project'", refusal(db:group_by "model", "project"), 1, true)
  assert.matches("no field 'id'", refusal(db:requests(), "id"), 1, true)
end)
