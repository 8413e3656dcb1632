--- A call that one budget let in, and the next one refused since it named no user, stayed in the first one's counts.
local vm = require "spec.support.vm"
if vm.name ~= "luajit" then return end

local gateway = require "spec.support.gateway"

local locations = [[
    location /subject/ {
      access_by_lua_block {
        gateway.capture.request()
        gateway.budget { by = "session", max_requests = 2, max_cost_usd = 1, reserve_usd = 0.4 }
        gateway.budget { by = "user", max_requests = 100, without = "refuse" }
      }
      body_filter_by_lua_block { gateway.capture.response() }
      log_by_lua_block { gateway.record() }
      proxy_pass http://provider/;
    }
]]

describe("a call that is refused since it names nobody", function()
  local server

  setup(function() server = gateway.start { locations = locations } end)
  teardown(function()
    server:stop()
    gateway.assert_clean(server)
  end)

  it("is in no other budget's counts", function()
    local function ask(user)
      return (server:ask { path = "/subject" .. gateway.CHAT, body = gateway.chat, headers = { ["Helicone-Session-Id"] = "s", ["Helicone-User-Id"] = user } })
    end
    for _ = 1, 5 do assert.are.equal(400, ask(nil)) end
    assert.are.equal(200, ask "u")
    assert.are.equal(200, ask "u")
    assert.are.equal(429, ask "u")
  end)
end)
