--- A user's name that is no UTF-8 is stored repaired. Its budget asked the store for the name as it came, which is no text:
--- what was spent could not be read, so every call was let in, or none.
local vm = require "spec.support.vm"
if vm.name ~= "luajit" then return end

local gateway = require "spec.support.gateway"
local sq = require "sessionquery"

describe("a budget of a name that is no UTF-8", function()
  local server

  setup(function() server = gateway.start() end)
  teardown(function()
    server:stop()
    gateway.assert_clean(server)
  end)

  local function ask(path)
    return (server:ask { path = path .. gateway.CHAT, body = gateway.chat, headers = { ["Helicone-User-Id"] = "J\252rgen" } })
  end

  it("has what was spent before", function()
    for _ = 1, 15 do ask "" end
    assert.are.equal(15, #gateway.stored(server, sq.field.user_id:eq "J\239\191\189rgen", 15))
    local passed = 0
    for _ = 1, 10 do
      if ask "/budgets/requests" == 200 then passed = passed + 1 end
    end
    assert.are.equal(5, passed)
    assert.are.equal(0, gateway.counters(server).budget_unknown)
  end)
end)
