--- session.id of a group is its key, but only groups by one text field knew it.
local sq = require "sessionquery"

it("groups by a property have it", function()
  local db = assert(sq.open ":memory:")
  assert(db:add { { created_at = 1, properties = { env = "prod" } }, { created_at = 2, properties = { env = 5 } },
    { created_at = 3, properties = { env = true } }, { created_at = 4 } })
  local groups = db:group_by(sq.field.properties.env)
  assert.equal("prod", assert(groups:where("session.id = 'prod'"):all())[1].id)
  assert.equal(0, assert(groups:where("session.id = '5'"):count())) -- values of different types are never equal
  assert.equal(3, assert(groups:where("not session.id like 'p%'"):count()))
  assert.equal(1, assert(groups:where("session.id is present"):count()))
  local good, message = pcall(function() return (db:group_by("model", "cached"):where "session.id = 'x'") end)
  assert(not good and message:find "no one key of text", message)
  db:close()
end)
