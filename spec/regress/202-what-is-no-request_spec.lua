--- A server's mistake, as headers that are text, was raised within the library, or answered with 500 to the client.
local http = require "sessionquery.http"
local sq = require "sessionquery"

it("app:handle tells a server's mistake at the server's line", function()
  local db = assert(sq.open ":memory:")
  local app = http.app { db = db }
  local function refusal(request)
    local good, message = pcall(function() return (app:handle(request)) end)
    assert.is_false(good)
    assert.matches("202%-what%-is%-no%-request_spec%.lua:9: ", message)
    return message
  end
  assert.matches("handle: expected table, got nil", refusal(nil))
  for name, value in pairs { method = 1, path = true, query = 5, headers = "host", body = {}, remote = 1, samples = "" } do
    assert.matches("handle: " .. name .. ": expected ", refusal { method = "GET", path = "/healthz", [name] = value })
  end
  assert.matches("call it as app:handle", (select(2, pcall(function() return (app.handle { method = "GET", path = "/" }) end))))
  assert.equal(200, (app:handle { method = "GET", path = "/healthz", headers = { host = "localhost" }, remote = "127.0.0.1" }))
  db:close()
end)
