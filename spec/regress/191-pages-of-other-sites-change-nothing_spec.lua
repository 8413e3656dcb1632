--- Without keys this machine alone is let in; but a browser on it sends the form of any page there, without asking first:
--- LangSmith's multipart is such a form, and wrote runs.
local core = require "sessionquery.core"
local http = require "sessionquery.http"
local keys = require "sessionquery.keys"
local sq = require "sessionquery"

local ID = "3f0d7a6e-0000-4000-8000-000000000001"

local function form()
  local run = core.encode { id = ID, trace_id = ID, dotted_order = "20261121T220000000000Z" .. ID, name = "n", run_type = "llm",
    start_time = "2026-11-21T22:00:00Z" }
  return ('--B\r\nContent-Disposition: form-data; name="post.%s"\r\nContent-Type: application/json\r\n\r\n%s\r\n--B--\r\n'):format(ID, run)
end

local function send(app, origin, more)
  local headers = { host = "localhost:8585", origin = origin, ["content-type"] = "multipart/form-data; boundary=B" }
  for name, value in pairs(more or {}) do headers[name] = value end
  return (app:handle { method = "POST", path = "/runs/multipart", headers = headers, body = form(), remote = "127.0.0.1" })
end

describe("a form from a page", function()
  local db
  before_each(function() db = assert(sq.open ":memory:") end)
  after_each(function() db:close() end)

  it("of another site writes nothing while there are no keys", function()
    local app = http.app { db = db }
    for _, origin in ipairs { "https://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1.evil.example:80", "evil" } do
      assert.are.equal(403, send(app, origin), origin)
    end
    assert.are.equal(0, db:requests():count())
  end)

  it("of this machine, of an origin that is named, or of no page at all does", function()
    local app = http.app { db = db, cors = "https://app.example" }
    for _, origin in ipairs { "http://localhost:3000", "http://127.0.0.1:8585", "http://[::1]:8585", "https://app.example" } do
      assert.are.equal(202, send(app, origin), origin)
    end
    assert.are.equal(202, send(app, nil))
    assert.are.equal(202, send(http.app { db = db, insecure = true }, "https://page.example"))
  end)

  it("may be of any site where it brings a key", function()
    local key = assert(keys.create(db, { rights = { "record" } }))
    assert.are.equal(202, send(http.app { db = db }, "https://page.example", { authorization = "Bearer " .. key }))
  end)

  it("may only be sent: questions of other sites' pages are answered, and not read", function()
    local status, headers = http.app({ db = db }):handle { method = "GET", path = "/v1/session/has-session", remote = "127.0.0.1",
      headers = { host = "localhost", origin = "https://evil.example" } }
    assert.are.equal(200, status)
    assert.is_nil(headers["Access-Control-Allow-Origin"])
  end)
end)
