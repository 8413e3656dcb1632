--- A number as text was C's %g, 1e-05; what the vendors' clients send is JavaScript's.
local sq = require "sessionquery"

it("a number as text is its shortest decimal", function()
  local db = assert(sq.open ":memory:")
  for number, text in pairs { [0.00001] = "0.00001", [1e-7] = "1e-7", [0.1] = "0.1", [-2.5e-10] = "-2.5e-10", [1] = "1",
    [123456.789] = "123456.789", [1.5e15] = "1500000000000000" } do
    assert(db:add { request_id = "r", created_at = 1, properties = { x = number } })
    assert.equal(1, assert(db:requests():where(assert(sq.filter("helicone", { properties = { x = { equals = text } } }))):count()), text)
    assert(assert(db:requests():json()):find('"x":' .. text, 1, true))
  end
  db:close()
end)
