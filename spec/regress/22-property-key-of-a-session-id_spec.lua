--- Helicone's session properties are fields here: property_key did not find them.
local sq = require "sessionquery"

it("property_key knows the properties that are fields", function()
  local db = assert(sq.open ":memory:")
  assert(db:add { { created_at = 1, session_id = "s", properties = { k = "v" } }, { created_at = 2, session_name = "n" },
    { created_at = 3, session_path = "/p" } })
  for key, count in pairs { k = 1, ["Helicone-Session-Id"] = 1, ["Helicone-Session-Name"] = 1, ["Helicone-Session-Path"] = 1, x = 0 } do
    local filter = assert(sq.filter("helicone", { request_response_rmt = { property_key = { equals = key } } }))
    assert.equal(count, assert(db:requests():where(filter):count()), key)
  end
  db:close()
end)
