--- f.properties:has("env") looked its own name up as a key of the map.
local f = require "sessionquery".field

it("a map's methods are about the map", function()
  assert.equal("rows (present properties.env)", f.properties:has "env":dump())
  assert.equal("rows (present properties)", f.properties:present():dump())
end)
