--- Carets were counted in characters: behind wide ones they stood too far left.
local sq = require "sessionquery"

it("carets stand under what they mean in a terminal", function()
  local _, message = sq.filter("where", "model = '日本語' and modle = 1")
  assert.equal("  model = '日本語' and modle = 1\n" .. (" "):rep(23) .. "^^^^^", message:match "\n(.*)$")
end)

it("a pointer is whole, or not there", function()
  local key = ("k"):rep(2000)
  local _, message, detail = sq.filter("helicone", { properties = { [key] = { eq = "x" } } })
  assert.is_nil(detail.pointer)
  assert(message)
  local deep = { request_response_rmt = { latncy = { gt = 1 } } }
  for _ = 1, 40 do deep = { left = deep, operator = "and", right = "all" } end
  _, _, detail = sq.filter("helicone", deep)
  assert.equal(("/left"):rep(40) .. "/request_response_rmt/latncy", detail.pointer)
end)

it("a time may have a space between date and clock", function()
  assert.equal("rows (gte created_at 2026-11-20T10:00:00Z)", assert(sq.filter("where", "created_at >= 2026-11-20 10:00:00")):dump())
end)
