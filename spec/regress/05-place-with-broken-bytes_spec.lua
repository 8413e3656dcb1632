--- The place of a Lua value that JSON cannot hold was written with the key's own bytes, UTF-8 or not.
local sq = require "sessionquery"

it("a message is valid UTF-8 whatever the keys are", function()
  local db = assert(sq.open ":memory:")
  local _, message = db:add { created_at = 1, ["\255\0key"] = { print } }
  assert.equal("a function, userdata or thread is no value (at /\239\191\189\\u0000key/0)", message)
  db:close()
end)
