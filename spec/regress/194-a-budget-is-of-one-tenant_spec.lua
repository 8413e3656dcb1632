--- A call without a key is of the organization "" and the project "default". Its budget began with what everybody's session,
--- or user, of that name had spent, of whatever organization; and one of a key without a project with that of all projects.
local vm = require "spec.support.vm"
if vm.name ~= "luajit" then return end

local gateway = require "spec.support.gateway"
local keys = require "sessionquery.keys"
local sq = require "sessionquery"

describe("a budget", function()
  local server

  setup(function() server = gateway.start() end)
  teardown(function()
    server:stop()
    gateway.assert_clean(server)
  end)

  local function ask(path, user, key)
    local headers = { ["Helicone-User-Id"] = user, ["Helicone-Auth"] = key and "Bearer " .. key or nil }
    return (server:ask { path = path .. gateway.CHAT, body = gateway.chat, headers = headers })
  end

  local function passed(user, key)
    local count = 0
    for _ = 1, 25 do
      if ask("/budgets/requests", user, key) == 200 then count = count + 1 end
    end
    return count
  end

  it("begins with what its own tenant has spent", function()
    ask("", "somebody")
    gateway.stored(server, sq.field.user_id:eq "somebody")
    local db = assert(sq.open(server.db))
    local whole = assert(keys.create(db, { organization = "acme", rights = { "record" } }))
    local part = assert(keys.create(db, { organization = "acme", project = "p1", rights = { "record" } }))
    db:close()
    for _ = 1, 3 do ask("", "u", whole) end
    for _ = 1, 5 do ask("", "u", part) end
    for _ = 1, 7 do ask("", "u") end
    gateway.stored(server, sq.field.user_id:eq "u", 15)
    assert.are.same({ 17, 15, 13 }, { passed("u", whole), passed("u", part), passed "u" })
  end)
end)
