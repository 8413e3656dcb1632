--- A path that is not well formed was refused in Helicone's envelope, also behind another vendor's first segments.
local core = require "sessionquery.core"
local http = require "sessionquery.http"
local sq = require "sessionquery"
local vendors = require "sessionquery.http.vendors"

local function ask(app, path)
  local status, _, body = app:handle { method = "GET", path = path, headers = { host = "localhost" }, remote = "127.0.0.1" }
  return status, (assert(core.decode(body)))
end

for _, case in ipairs {
  { "/sessions/%ff", "detail" }, { "/api/v1/sessions/a%", "detail" }, { "/runs/%00", "detail" }, { "/api/v2/runs/%zz", "detail" },
  { "/api/v2/projects/%ff/search/sessions", "message" }, { "/v1/session/%ff/tag", "error" }, { "/%ff/sessions", "error" },
} do
  local path, member = case[1], case[2]
  it(("%s is refused with %s"):format(path, member), function()
    local db = assert(sq.open ":memory:")
    local status, answer = ask(http.app { db = db }, path)
    db:close()
    assert.equal(400, status)
    assert.equal("string", type(answer[member]))
    local ahead = assert(core.decode(vendors.refusal(path, "", 400, "malformed")))
    assert.equal("malformed", ahead[member])
  end)
end
