--- A field is shared by all of a process: it could be renamed, and a map given another member.
local sq = require "sessionquery"
local f = sq.field

it("fields and maps cannot be changed", function()
  for _, call in ipairs { function() f.properties.env = "prod" end, function() f.model._name = "user_id" end,
    function() f.session.errors.x = 1 end, function() f.x = 1 end, function() f.session.x = 1 end } do
    local good, message = pcall(call)
    assert(not good and message:find "14%-fields%-cannot%-be%-changed_spec%.lua:%d+:.*cannot be", message)
  end
  assert.equal('rows (eq properties._name "x")', f.properties._name:eq("x"):dump())
  assert.equal('rows (eq properties._key "x")', f.properties._key:eq("x"):dump())
end)

it("a map is told to be one", function()
  local good, message = pcall(function() return (f.properties:eq "x") end)
  assert(not good and message:find "properties is a map: name one of its keys", message)
end)
