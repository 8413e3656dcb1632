--- Helicone's session API as a function: what every client sees (support/http_cases.lua), under each engine, and what
--- only this side can provoke: addresses, locks, stores that fail.
local application = require "spec.support.application"
local cases = require "spec.support.http_cases"
local http = require "sessionquery.http"
local keys = require "sessionquery.keys"
local metrics = require "sessionquery.http.metrics"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local T = 1700000000

local sender = application.sender

for _, engine in ipairs { "auto", "sql" } do
  describe("app:handle, engine " .. engine .. ":", function()
    cases.describe(application.starter(engine, cases.prefix), { describe = describe, it = it, setup = setup, teardown = teardown })
  end)
end

local start = application.starter("auto", cases.prefix)
local BODY = '{"search":"","timeFilter":{"startTimeUnixMs":0,"endTimeUnixMs":4e12},"timezoneDifference":0,"filter":{}}'

local function ask(send, more)
  local request = { method = "POST", path = "/llm/v1/session/query", body = BODY, headers = { ["content-type"] = "application/json" } }
  for name, value in pairs(more or {}) do
    if name == "headers" then
      for header, text in pairs(value) do request.headers[header] = text end
    else
      request[name] = value
    end
  end
  return send(request)
end

describe("without keys", function()
  it("this machine is answered, and nobody else", function()
    local server = start {}
    for remote, status in pairs { ["127.0.0.1"] = 200, ["127.255.0.9"] = 200, ["::1"] = 200, ["10.0.0.1"] = 403, ["128.0.0.1"] = 403, ["::2"] = 403,
      ["127.0.0.1.evil"] = 403, ["unix:"] = 403, [""] = 403, ["1127.0.0.1"] = 403 } do
      assert.equal(status, ask(server.send, { remote = remote }).status, remote)
    end
    assert.equal(403, ask(server.send, { remote = "10.0.0.1", path = "/llm/healthz", method = "GET" }).status)
    local status = server.app:handle { method = "GET", path = "/llm/healthz" } -- an address that is not known
    assert.equal(403, status)
    server.close()
  end)

  it("nobody that a proxy speaks for", function()
    local server = start {}
    for _, name in ipairs { "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-x", "x-real-ip", "via" } do
      assert.equal(403, ask(server.send, { headers = { [name] = "127.0.0.1" } }).status, name)
      assert.equal(403, ask(server.send, { headers = { [name] = { "a", "b" } } }).status, name)
    end
    server.close()
  end)

  it("no page that was led here by a foreign name", function()
    local server = start {}
    for host, status in pairs { ["localhost"] = 200, ["localhost:8585"] = 200, ["127.0.0.1:80"] = 200, ["[::1]:80"] = 200, ["app.localhost"] = 200,
      ["evil.example"] = 403, ["127.0.0.1.evil.example"] = 403, ["localhost.evil:80"] = 403 } do
      assert.equal(status, ask(server.send, { headers = { host = host } }).status, host)
    end
    server.close()
  end)

  it("insecure = true answers all, until there is a key", function()
    local server = start { insecure = true }
    assert.equal(200, ask(server.send, { remote = "10.0.0.1", headers = { ["x-forwarded-for"] = "1.2.3.4" } }).status)
    local text = assert(keys.create(server.db, { organization = "acme" }))
    assert.equal(401, ask(server.send, { remote = "10.0.0.1" }).status)
    assert.equal(401, ask(server.send).status)
    assert.equal(200, ask(server.send, { remote = "10.0.0.1", headers = { authorization = "Bearer " .. text, forwarded = "x" } }).status)
    server.close()
  end)
end)

describe("a store that cannot be opened", function()
  local app = http.app { path = "/nowhere/llm.db" }
  local function get(path, remote) return app:handle { method = "GET", path = path, headers = { host = "localhost" }, remote = remote or "127.0.0.1" } end

  it("fails, and the operator alone is told why", function()
    local status, _, body, problem = get "/v1/session/has-session"
    assert.equal(500, status)
    assert.equal('{"data":null,"error":"the store failed"}', body)
    assert.matches("/nowhere/llm.db", problem, 1, true)
    assert.equal(503, (get "/healthz"))
  end)

  it("leaves the numbers to this machine", function()
    assert.equal(200, (get "/metrics"))
    assert.equal(500, (get("/metrics", "10.0.0.1")))
  end)
end)

describe("keys", function()
  it("are kept for key_cache_s, and asked for again after it", function()
    for keep, status in pairs { [0] = 401, [60] = 200 } do
      local server = start { key_cache_s = keep }
      local text = assert(keys.create(server.db, { organization = "acme" }))
      local bearer = { authorization = "bearer " .. text }
      assert.equal(200, ask(server.send, { headers = bearer }).status)
      assert(keys.revoke(server.db, text:match "^[^.]+"))
      assert.equal(status, ask(server.send, { headers = bearer }).status)
      server.close()
    end
  end)

  it("429: twenty wrong ones of one address, not those of another, nor a right one that is known", function()
    local server = start {}
    local right = { authorization = "Bearer " .. assert(keys.create(server.db, {})) }
    assert.equal(200, ask(server.send, { headers = right }).status)
    for _ = 1, 20 do assert.equal(401, ask(server.send, { headers = { authorization = "Bearer wrong" } }).status) end
    local answer = ask(server.send, { headers = { authorization = "Bearer wrong" } })
    assert.equal(429, answer.status)
    assert(tonumber(answer.headers["retry-after"]) >= 1)
    assert(answer.body:find '"error":"too many wrong keys"')
    assert.equal(200, ask(server.send, { headers = right }).status)
    assert.equal(401, ask(server.send, { remote = "10.0.0.9", headers = { authorization = "Bearer wrong" } }).status)
    server.close()
  end)

  it("of a foreign organization are none where the application is for one", function()
    local server = start { organization = "acme" }
    local mine, theirs = assert(keys.create(server.db, { organization = "acme" })), assert(keys.create(server.db, { organization = "globex" }))
    assert.equal(200, ask(server.send, { headers = { authorization = "Bearer " .. mine } }).status)
    assert.equal(401, ask(server.send, { headers = { authorization = "Bearer " .. theirs } }).status)
    server.close()
  end)
end)

describe("an application", function()
  it("of one organization or project sees that alone, on a handle that sees more", function()
    local db = assert(sq.open ":memory:")
    for _, organization in ipairs { "a", "b" } do
      assert(db:add { request_id = organization, organization_id = organization, session_id = organization, created_at = T })
    end
    local app = http.app { db = db, organization = "a" }
    local answer = ask(sender(app), { path = "/v1/session/query" })
    assert(answer.body:find '"session_id":"a"' and not answer.body:find '"session_id":"b"', answer.body)
    assert.equal(2, db:sessions():count()) -- the handle is as it was
    app:close() -- not its handle
    assert.equal(2, db:sessions():count())
    db:close()
    assert.equal(500, ask(sender(app), { path = "/v1/session/query" }).status)
  end)

  it("tells the operator, not the client, what broke", function()
    local app = http.app { path = "/nonexistent/folder/llm.db" }
    local answer = ask(sender(app), { path = "/v1/session/query" })
    assert.equal(500, answer.status)
    assert(answer.problem and #answer.problem > 0)
    assert.equal('{"data":null,"error":"the store failed"}', answer.body)
    assert.equal(503, sender(app) { method = "GET", path = "/healthz" }.status)
    local broken = http.app { db = assert(sq.open ":memory:"), keys = { any = function() error "boom" end } }
    answer = ask(sender(broken), { path = "/v1/session/query" })
    assert.equal(500, answer.status)
    assert(answer.problem:find "boom")
    assert(not answer.body:find "boom")
  end)

  it("503 with Retry-After when time is over", function()
    local server = start { timeout_ms = 50 }
    assert(server.db:add { request_id = "1", session_id = "s", created_at = T })
    local many = {}
    for i = 1, 3000 do many[i] = { request_id = "m" .. i, session_id = "s" .. i, created_at = T + i, request_body = ("lorem ipsum "):rep(200) } end
    assert(server.db:add(many))
    local slow = {}
    for i = 1, 60 do slow[i] = ('{"request_response_rmt":{"request_body":{"contains":"nowhere %d"}}}'):format(i) end
    local filter = slow[1]
    for i = 2, #slow do filter = ('{"left":%s,"operator":"or","right":%s}'):format(filter, slow[i]) end
    local answer = ask(server.send, { body = (BODY:gsub('"filter":{}', function() return '"filter":' .. filter end)) })
    assert.equal(503, answer.status, answer.body)
    assert.equal("1", answer.headers["retry-after"])
    server.close()
  end)

  it("503 with Retry-After while another process writes", function()
    local server = start { timeout_ms = 50 }
    assert(server.db:add { request_id = "1", session_id = "s", created_at = T })
    local ready = server.path .. ".ready"
    os.execute(("sqlite3 %s 'BEGIN IMMEDIATE' '.shell touch %s' '.shell sleep 1' 'COMMIT' >/dev/null 2>&1 &"):format(server.path, ready))
    repeat until io.open(ready)
    local answer = ask(server.send, { path = "/llm/v1/session/s/tag", body = '{"tag":"x"}' })
    assert.equal(503, answer.status, answer.body)
    assert.equal("1", answer.headers["retry-after"])
    assert.equal(200, ask(server.send).status) -- who reads waits for nobody
    os.remove(ready)
    server.close()
  end)

  it("403 where the store is read-only", function()
    local path = vm.path "readonly.db"
    local db = assert(sq.open(path))
    assert(db:add { request_id = "1", session_id = "s", created_at = T })
    local readonly = assert(sq.open(path, { readonly = true }))
    local send = sender(http.app { db = readonly })
    assert.equal(403, ask(send, { path = "/v1/session/s/tag", body = '{"tag":"x"}' }).status)
    assert.equal(403, ask(send, { path = "/v1/session/s/feedback", body = '{"rating":true}' }).status)
    assert.equal(200, ask(send, { path = "/v1/session/query" }).status)
    readonly:close()
    db:close()
    vm.remove(path)
  end)

  it("takes requests as they come: nothing in them raises", function()
    local server = start {}
    for _, request in ipairs { {}, { method = "GET" }, { path = "" }, { path = "x", method = "GET" }, { path = "/", method = "GET" },
      { method = "methods", path = "/llm/v1/session/query" }, { method = "", path = "/llm/v1/session/query" },
      { method = "POST", path = "/llm/v1/session/query", headers = { ["content-type"] = { "application/json", "text/plain" } } },
      { method = "POST", path = "/llm/v1/session/query", headers = { authorization = { "a", "b" } } },
      { method = "GET", path = "/llm/v1/session/" .. ("x"):rep(9000) .. "/tag" }, { method = "GET", path = "/llm/v1/session/a\1/tag" },
      { method = "GET", path = "http://localhost/llm/healthz" } } do
      local answer = server.send(request)
      assert(answer.status >= 400 and answer.status < 500, answer.status)
      assert.is_nil(answer.problem)
    end
    assert.equal(414, server.send({ method = "GET", path = "/llm/v1/session/" .. ("x"):rep(9000) .. "/tag" }).status)
    assert.equal(413, ask(server.send, { headers = { ["content-length"] = "99999999999" } }).status)
    server.close()
  end)

  it("raises a mistake of who makes it", function()
    local db = assert(sq.open ":memory:")
    for _, options in ipairs { {}, { path = "x", db = db }, { path = 5 }, { db = {} }, { db = db, prefix = "llm" }, { db = db, prefix = "/llm/" },
      { db = db, cors = "example.org" }, { db = db, cors = { 5 } }, { db = db, max_body = 2 ^ 26 + 1 }, { db = db, key_cache_s = -1 }, { db = db, prefx = "/x" },
      { db = db, timeout_ms = 0.5 } } do
      assert.has_error(function() http.app(options) end)
    end
    assert.has_error(function() http.app() end)
    db:close()
  end)
end)

describe("metrics.text", function()
  it("writes what Prometheus reads", function()
    assert.equal(table.concat({ '# HELP a_total A thing \\\\ of\\ntwo lines.', "# TYPE a_total counter", 'a_total{k="q\\"\\\\\\n",z="1"} 3', "a_total 1.5",
      "# TYPE h histogram", 'h_bucket{le="+Inf"} 2', "h_sum 0.25", "h_count 2", "b +Inf", "c NaN", "" }, "\n"), metrics.text {
      { name = "a_total", help = "A thing \\ of\ntwo lines.", type = "counter", value = 3, labels = { z = 1, k = 'q"\\\n' } },
      { name = "h_bucket", type = "histogram", value = 2, labels = { le = "+Inf" } },
      { name = "a_total", value = 1.5 },
      { name = "h_sum", type = "histogram", value = 0.25 }, { name = "h_count", type = "histogram", value = 2 },
      { name = "b", value = math.huge }, { name = "c", value = 0 / 0 },
    })
    assert.equal("", metrics.text {})
    assert.has_error(function() metrics.text { { name = "a b", value = 1 } } end)
    assert.has_error(function() metrics.text { { name = "a" } } end)
    assert.has_error(function() metrics.text { { name = "a", value = 1, labels = { ["a-b"] = 1 } } } end)
  end)

  it("is what /metrics tells: what is given, else what the application did", function()
    local server = start {}
    ask(server.send)
    ask(server.send, { path = "/llm/nothing" })
    local own = server.send({ method = "GET", path = "/llm/metrics" }).body
    assert(own:find 'sessionquery_http_answers_total{status="200"} 1\n', own)
    assert(own:find 'sessionquery_http_answers_total{status="404"} 1\n', own)
    assert(own:find 'sessionquery_http_seconds_count{route="v1/session/query"} 1\n', own)
    local given = server.send { method = "GET", path = "/llm/metrics", samples = { { name = "x", value = 1 } } }
    assert.equal("x 1\n", given.body)
    server.close()
  end)
end)
