--- The gateway in real nginx, with two workers: what it records, lets in and refuses. nginx runs LuaJIT whatever runs
--- this file, so once, beside luajit, is enough.
local vm = require "spec.support.vm"
if vm.name ~= "luajit" then return end

local core = require "sessionquery.core"
local gateway = require "spec.support.gateway"
local keys = require "sessionquery.keys"
local nginx = require "spec.support.nginx"
local socket = require "socket"
local sq = require "sessionquery"

local CHAT, chat, body_of, fresh, stored, recorded, start, counters, assert_balance, assert_clean, load =
  gateway.CHAT, gateway.chat, gateway.body_of, gateway.fresh, gateway.stored, gateway.recorded, gateway.start, gateway.counters, gateway.assert_balance, gateway.assert_clean, gateway.load
local f = sq.field

describe("the gateway", function()
  local server

  setup(function() server = start() end)
  teardown(function()
    server:stop()
    assert_clean(server)
  end)

  --- A key that may ask for everything. From then on, keys are wanted.
  local made_key
  local function admin_key()
    if not made_key then
      server:ask { path = CHAT, body = chat }
      stored(server, f.model:eq "gpt-4o-mini")
      local db = assert(sq.open(server.db))
      made_key = assert(keys.create(db, { rights = { "query", "admin" } }))
      db:close()
    end
    return made_key
  end

  describe("records", function()
    local prompt = "a prompt that is long enough to come partly from the provider's cache, since it goes on and on: "
    local long = { messages = { { role = "user", content = prompt:rep(4) } } }
    local function with(more)
      for name, value in pairs(long) do more[name] = value end
      return more
    end
    local contents = { contents = { { parts = { { text = prompt:rep(4) } } } } }
    local calls = {
      { "OpenAI's chat", CHAT, body_of("gpt-4o-mini", with {}), "openai", "gpt-4o-mini", 8 },
      { "OpenAI's chat, streamed", CHAT, body_of("gpt-4o-mini", with { stream = true }), "openai", "gpt-4o-mini", 8, streamed = true },
      { "OpenAI's chat, streamed with its usage asked for", CHAT,
        body_of("gpt-4o-mini", with { stream = true, stream_options = { include_usage = true } }), "openai", "gpt-4o-mini", 8, streamed = true },
      { "OpenAI's responses", "/v1/responses", body_of("gpt-4o-mini", with {}), "openai", "gpt-4o-mini", 8 },
      { "OpenAI's responses, streamed", "/v1/responses", body_of("gpt-4o-mini", with { stream = true }), "openai", "gpt-4o-mini", 8, streamed = true },
      { "OpenAI's embeddings", "/v1/embeddings", { model = "text-embedding-3-small", input = prompt:rep(4) }, "openai", "text-embedding-3-small", nil,
        cached = false, run_type = "embedding" },
      { "Anthropic's messages", "/v1/messages", body_of("claude-sonnet-4", with { max_tokens = 99 }), "anthropic", "claude-sonnet-4", 8 },
      { "Anthropic's messages, streamed", "/v1/messages", body_of("claude-sonnet-4", with { max_tokens = 99, stream = true }), "anthropic", "claude-sonnet-4", 8, streamed = true },
      { "Gemini", "/v1beta/models/gemini-2.5-flash:generateContent?key=secret-of-theirs", contents, "gemini", "gemini-2.5-flash", 8 },
      { "Gemini, streamed as events", "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse&key=secret-of-theirs", contents, "gemini", "gemini-2.5-flash", 8, streamed = true },
      { "Gemini, streamed as an array", "/v1beta/models/gemini-2.5-flash:streamGenerateContent?key=secret-of-theirs", contents, "gemini", "gemini-2.5-flash", 8, streamed = true },
    }
    for _, case in ipairs(calls) do
      local name, path, body, provider, model, completion = case[1], case[2], case[3], case[4], case[5], case[6]
      it(name .. ", and passes on what the provider says", function()
        local session = fresh "session"
        local record, status, _, answer, whole = recorded(server, { path = path, body = body, headers = {
          ["Helicone-Session-Id"] = session, ["Helicone-Session-Name"] = "a talk", ["Helicone-Session-Path"] = "/plan/step",
          ["Helicone-User-Id"] = "u1", ["Helicone-Property-Env"] = "prod", Authorization = "Bearer sk-theirs" } })
        local _, _, plain = server:ask({ path = path, body = body }, { upstream = true })
        assert.are.equal(200, status)
        assert.is_true(whole)
        assert.are.equal(plain, answer)
        assert.are.same({ session, "a talk", "/plan/step", "u1", "prod" },
          { record.session_id, record.session_name, record.session_path, record.user_id, record.properties.env })
        assert.are.same({ provider, model, 200, case.run_type or "llm" }, { record.provider, record.model, record.status, record.run_type })
        assert.are.equal(case.streamed or false, record.streamed)
        assert.are.equal(completion, record.completion_tokens)
        assert.is_true(record.prompt_tokens > 64)
        if case.cached ~= false then assert.are.equal(64, record.prompt_cache_read_tokens) end
        assert.is_true(record.cost_usd > 0)
        assert.are.equal("computed", record.cost_source)
        assert.is_true(record.latency_ms >= 0 and record.latency_ms < 5000)
        assert.near(socket.gettime(), record.created_at, 30)
        assert.truthy(record.request_body:find("goes on and on", 1, true))
        assert.truthy(record.response_body)
        for _, value in pairs(record) do
          assert.is_falsy(type(value) == "string" and (value:find("sk-theirs", 1, true) or value:find("secret-of-theirs", 1, true)))
        end
      end)
    end

    it("the time to the first token, and that of the whole", function()
      local record = recorded(server, { path = CHAT .. "?delay_ms=40", body = body_of("gpt-4o-mini", { stream = true }) })
      assert.is_true(record.time_to_first_token_ms >= 70 and record.time_to_first_token_ms < 300, record.time_to_first_token_ms)
      assert.is_true(record.latency_ms >= 400, record.latency_ms)
    end)

    it("a client that leaves, with what was seen", function()
      local record, status = recorded(server, { path = CHAT .. "?delay_ms=40", body = body_of("gpt-4o-mini", { stream = true }) }, { leave_at = "session" })
      assert.are.equal(200, status)
      assert.are.equal(-3, record.status)
      assert.truthy(record.response_body:find("session", 1, true))
      assert.is_nil(record.completion_tokens)
    end)

    it("a client that leaves before the answer begins", function()
      local record, status = recorded(server, { path = CHAT .. "?delay_ms=600", body = chat }, { give_up = 0.1 })
      assert.is_nil(status)
      assert.are.equal(-3, record.status)
    end)

    for _, path in ipairs { CHAT, "/v1/messages" } do
      for _, stream in ipairs { true, false } do
        it(("an upstream that breaks off: %s%s"):format(path, stream and ", streamed" or ""), function()
          local record, status, _, _, whole = recorded(server, { path = path .. (stream and "?cut=4" or "?cut=1"), body = body_of("gpt-4o-mini", { stream = stream }) })
          assert.are.equal(200, status)
          assert.is_false(whole)
          assert.are.equal(-1, record.status)
        end)
      end
    end

    it("an upstream that is not there", function()
      local record, status = recorded(server, { path = "/dead" .. CHAT, body = chat })
      assert.are.equal(502, status)
      assert.are.equal(-1, record.status)
    end)

    it("a call that nginx tries again elsewhere, once", function()
      for _ = 1, 4 do
        local record, status = recorded(server, { path = "/retry" .. CHAT, body = chat })
        assert.are.same({ 200, 200, 8 }, { status, record.status, record.completion_tokens })
      end
      assert.truthy(server:log():find "connect%(%) failed")
    end)

    it("no request that is no call", function()
      local before = counters(server).recorded
      assert.are.equal(400, (server:ask { path = "/v1/models", headers = { ["Helicone-Session-Id"] = "none" } }))
      assert.are.equal(before, counters(server).recorded)
    end)

    it("an upstream's error", function()
      local record, status = recorded(server, { path = CHAT .. "?status=429", body = chat })
      assert.are.equal(429, status)
      assert.are.equal(429, record.status)
      assert.truthy(record.error:find("asked to fail", 1, true))
      assert.is_nil(record.cost_usd)
    end)

    it("a body that nginx keeps in a file", function()
      local record, status = recorded(server, { path = "/file" .. CHAT, body = body_of("gpt-4o-mini", { user = ("x"):rep(200000) }) })
      assert.are.equal(200, status)
      assert.are.equal("gpt-4o-mini", record.model)
      assert.truthy(record.request_body:find("cut at", 1, true))
    end)

    it("a call that names no session, and makes it an id", function()
      local user = fresh "user"
      server:ask { path = CHAT, body = chat, headers = { ["Helicone-User-Id"] = user } }
      local rows = stored(server, f.user_id:eq(user))
      assert.truthy(rows[1].request_id:match "^%x+%-%x+%-%x+%-%x+%-%x+$")
      assert.is_nil(rows[1].session_id)
    end)

    it("no cost where no price is known, and counts that", function()
      local before = counters(server).unknown_model
      assert.is_nil(recorded(server, { path = CHAT, body = body_of "a-model-of-nobody" }).cost_usd)
      assert.are.equal(before + 1, counters(server).unknown_model)
    end)

    it("and takes its own headers out, not the provider's", function()
      local record, _, _, body = recorded(server, { path = "/echo" .. CHAT .. "?api-key=hidden", body = chat, headers = {
        ["Helicone-Auth"] = "Bearer nothing", ["Helicone-Session-Id"] = "s", ["Helicone-Property-A"] = "b", Authorization = "Bearer sk-theirs",
        ["Accept-Encoding"] = "gzip" } })
      local seen = core.decode(body)
      assert.are.equal("Bearer sk-theirs", seen.authorization)
      assert.are.equal("identity", seen["accept-encoding"])
      for name in pairs(seen) do assert.is_nil(name:match "^helicone") end
      assert.are.equal("groq", record.provider)
      assert.are.equal("https://api.groq.com/echo/v1/chat/completions?api-key=[redacted]", record.target_url)
    end)
  end)

  describe("knows keys:", function()
    local db, tenant, query_only
    local function call(path, key)
      return { path = "/keyed" .. CHAT .. (path or ""), body = chat, headers = { ["Helicone-Auth"] = key and "Bearer " .. key } }
    end

    setup(function()
      server:ask { path = CHAT, body = chat }
      stored(server, f.model:eq "gpt-4o-mini")
      db = assert(sq.open(server.db))
      tenant = assert(keys.create(db, { organization = "acme", project = "web", rights = { "record" } }))
      query_only = assert(keys.create(db, { organization = "acme", rights = { "query" } }))
    end)
    teardown(function() db:close() end)

    it("a call with one is its organization's", function()
      local record, status = recorded(server, call("", tenant))
      assert.are.equal(200, status)
      assert.are.same({ "acme", "web", tenant:match "^[^.]+" }, { record.organization_id, record.project, record.api_key_name })
    end)

    local function refused(request, status, kind)
      local before = counters(server).refused_key
      local got, headers, body = server:ask(request)
      assert.are.equal(status, got)
      assert.are.equal("application/json", headers["content-type"])
      assert.are.equal(kind, core.decode(body).error.type)
      assert.are.equal(before + 1, counters(server).refused_key)
    end

    it("none is refused where one is required", function() refused(call(), 401, "invalid_api_key") end)
    it("a wrong one is refused", function() refused(call("", tenant .. "x"), 401, "invalid_api_key") end)
    it("a malformed one is refused", function() refused(call("", "%%%"), 401, "invalid_api_key") end)
    it("one without the right to record is refused", function() refused(call("", query_only), 403, "forbidden") end)
    it("one of another organization than the location's is refused", function() refused(call("?org=other", tenant), 403, "forbidden") end)
    it("a wrong one is refused where none is required", function()
      refused({ path = CHAT, body = chat, headers = { ["Helicone-Auth"] = "Bearer a.b" } }, 401, "invalid_api_key")
    end)
  end)

  describe("holds to a budget", function()
    local function ask(path, user, more)
      local request = { path = path .. CHAT, body = chat, headers = { ["Helicone-User-Id"] = user } }
      for name, value in pairs(more or {}) do request.headers[name] = value end
      return server:ask(request)
    end

    it("of dollars: 429 with the totals, and when it ends", function()
      local user, passed = fresh "user", 0
      local status, headers, body
      for _ = 1, 200 do
        status, headers, body = ask("/budgets/cost", user)
        if status ~= 200 then break end
        passed = passed + 1
      end
      assert.are.equal(429, status)
      local told = core.decode(body).error
      assert.are.equal("budget_exceeded", told.type)
      assert.truthy(told.message:find("the budget of this user is used up", 1, true))
      assert.is_true(told.budget.cost_usd >= 0.001 and told.budget.cost_usd < 0.00102)
      assert.are.equal(passed, told.budget.requests)
      assert.are.equal(tostring(told.budget.retry_after), headers["retry-after"])
      assert.is_true(told.budget.retry_after <= 604800)
      assert.are.equal(passed, #stored(server, f.user_id:eq(user), passed)) -- refused calls are no calls
      assert.are.equal(200, (ask("/budgets/cost", fresh "user")))
    end)

    it("or refuses a call that names nobody, where it is told to", function()
      assert.are.equal(400, (ask("/budgets/cost")))
      assert.are.equal(200, (ask("/budgets/requests")))
    end)

    --- Fifty clients for a second, of one user.
    local function storm(path, user)
      return load(server, { path = path .. CHAT, connections = 50, time = "1s", script = ([[
        wrk.method = "POST"
        wrk.headers["Content-Type"], wrk.headers["Helicone-User-Id"], wrk.headers["Helicone-Session-Id"] = "application/json", %q, "storm"
        wrk.body = %q]]):format(user, core.encode(chat)) })
    end

    --- What one of these calls costs. That of a call which wrk left at its end is not known.
    local function cost_of(rows)
      for _, row in ipairs(rows) do
        if row.cost_usd then return row.cost_usd end
      end
    end

    it("of requests exactly, with fifty clients at once", function()
      local user = fresh "user"
      local said = storm("/budgets/requests", user)
      assert.are.equal(20, said.requests - said.failed, said.output)
      assert.are.equal(0, said.broken, said.output)
      assert.are.equal(20, #stored(server, f.user_id:eq(user), 20))
    end)

    it("of dollars up to the calls in flight, with fifty clients at once", function()
      local user = fresh "user"
      local said = storm("/budgets/cost", user)
      assert.is_true(said.requests > 100, said.output)
      local rows = stored(server, f.user_id:eq(user), said.requests - said.failed)
      local each = cost_of(rows)
      local most = math.ceil(0.001 / each) + 50
      assert.is_true(#rows * each >= 0.001)
      assert.is_true(#rows <= most, ("%d calls, at most %d"):format(#rows, most))
    end)

    it("of dollars not at all, where enough is reserved for each call", function()
      local user = fresh "user"
      local said = storm("/budgets/reserved", user)
      local rows = stored(server, f.user_id:eq(user), said.requests - said.failed)
      assert.is_true(#rows > 10)
      assert.is_true(#rows * cost_of(rows) <= 0.001)
    end)

    it("and keeps what was reserved for a call that its client left", function()
      local user = fresh "user"
      for _ = 1, 10 do
        server:ask({ path = "/budgets/reserved" .. CHAT .. "?delay_ms=1000", body = chat, headers = { ["Helicone-User-Id"] = user } }, { give_up = 0.05 })
      end
      stored(server, f.user_id:eq(user), 10)
      assert.are.equal(429, (ask("/budgets/reserved", user)))
    end)

    it("and for one whose model has no price, but not for an error", function()
      local unpriced, failing = fresh "user", fresh "user"
      for _ = 1, 10 do
        server:ask { path = "/budgets/reserved" .. CHAT, body = body_of "a-model-without-a-price", headers = { ["Helicone-User-Id"] = unpriced } }
        server:ask { path = "/budgets/reserved" .. CHAT .. "?status=500", body = chat, headers = { ["Helicone-User-Id"] = failing } }
      end
      assert.are.equal(429, (ask("/budgets/reserved", unpriced)))
      assert.are.equal(200, (ask("/budgets/reserved", failing)))
    end)

    it("and not by what is no call", function()
      local user = fresh "user"
      for _, method in ipairs { "GET", "OPTIONS", "HEAD" } do
        for _ = 1, 8 do server:ask { method = method, path = "/budgets/requests/v1/models", headers = { ["Helicone-User-Id"] = user } } end
      end
      assert.are.equal(200, (ask("/budgets/requests", user)))
    end)

    it("and counts what a dictionary that is too small lost", function()
      for _ = 1, 150 do assert.are.equal(200, (ask("/budgets/tiny", fresh "user"))) end
      assert.is_true(counters(server).budget_evictions > 0)
    end)

    it("and reads what was spent before it was started", function()
      local user = fresh "user"
      for _ = 1, 15 do ask("", user) end
      stored(server, f.user_id:eq(user), 15)
      local passed = 0
      for _ = 1, 10 do
        if ask("/budgets/requests", user) == 200 then passed = passed + 1 end
      end
      assert.are.equal(5, passed)
    end)
  end)

  it("answers what was recorded: call, record, query", function()
    local session = fresh "whole way"
    for _, model in ipairs { "gpt-4o-mini", "claude-sonnet-4" } do
      server:ask { path = model == "gpt-4o-mini" and CHAT or "/v1/messages", body = body_of(model, { stream = true }), headers = {
        ["Helicone-Session-Id"] = session, ["Helicone-Session-Name"] = "the whole way", ["Helicone-User-Id"] = "u7" } }
    end
    local rows = stored(server, f.session_id:eq(session), 2)
    local key = admin_key()
    local status, _, body = server:ask { path = "/v1/session/query", headers = { authorization = "Bearer " .. key }, body = {
      search = session, timeFilter = { startTimeUnixMs = 0, endTimeUnixMs = 4e12 }, timezoneDifference = 0, filter = "all" } }
    assert.are.equal(200, status, body)
    local found = core.decode(body).data
    assert.are.equal(1, #found)
    assert.are.same({ session, "the whole way", 2, 16, { "u7" } },
      { found[1].session_id, found[1].session_name, found[1].total_requests, found[1].completion_tokens, found[1].user_ids })
    assert.near(rows[1].cost_usd + rows[2].cost_usd, found[1].total_cost, 1e-12)
  end)

  it("tells how it is", function()
    local status, _, body = server:ask { path = "/healthz" }
    assert.are.same({ 200, '{"status":"ok"}' }, { status, body })
    assert.are.equal(401, (server:ask { path = "/metrics" }))
    status, _, body = server:ask { path = "/metrics", headers = { authorization = "Bearer " .. admin_key() } }
    assert.are.equal(200, status)
    assert.truthy(body:find "\n# TYPE sessionquery_flushed_total counter\nsessionquery_flushed_total %d+\n")
    assert.truthy(body:find "\n?sessionquery_queue %d+\n")
  end)

  describe("refuses", function()
    local head = "POST " .. CHAT .. " HTTP/1.1\r\nHost: a\r\n"
    local bad = {
      { "a request line that is none", "GARBAGE\r\n\r\n", 400 },
      { "a header without a colon", head .. "nothing\r\n\r\n", { 200, 400 } }, -- nginx passes over it
      { "two lengths", head .. "Content-Length: 2\r\nContent-Length: 3\r\nConnection: close\r\n\r\n{}", 400 },
      { "a length and chunks", head .. "Content-Length: 2\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n", 400 },
      { "a length below 0", head .. "Content-Length: -1\r\n\r\n", 400 },
      { "chunks that are none", head .. "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n\r\n", 400 },
      { "a header that is too large", head .. "X: " .. ("x"):rep(40000) .. "\r\n\r\n", 400 },
      { "a request line that is too long", "GET /" .. ("x"):rep(40000) .. " HTTP/1.1\r\nHost: a\r\n\r\n", 414 },
      { "a method that nginx itself refuses", "TRACE /v1/session/has-session HTTP/1.1\r\nHost: a\r\n\r\n", 405 },
      { "an unknown transfer encoding", head .. "Transfer-Encoding: gzip\r\n\r\n", 501 },
      { "a version of HTTP that is none yet", "GET / HTTP/9.9\r\nHost: a\r\n\r\n", 505 },
      { "NUL in the path", "GET /v1/session/%00/tag HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
      { "NUL in a path of LangSmith's", "GET /runs/%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "detail" },
      { "NUL in a path of Freeplay's", "POST /api/v2/projects/%00/search/sessions HTTP/1.1\r\nHost: a\r\n\r\n", 400, "message" },
      { "a method that nginx itself refuses, on a path of LangSmith's", "TRACE /runs HTTP/1.1\r\nHost: a\r\n\r\n", 405, "detail" },
      { "a path that climbs out", "GET /v1/session/%2e%2e/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 400 },
      { "a path to a file", "GET /etc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404 },
      { "too many headers", "GET /v1/session/has-session HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer a.b\r\n" .. ("A: b\r\n"):rep(300) .. "\r\n", 431 },
    }
    for _, case in ipairs(bad) do
      it(case[1], function()
        local status, headers, body = nginx.parse(server:say(case[2], { give_up = 3 }))
        if type(case[3]) == "table" then
          assert.truthy(status == case[3][1] or status == case[3][2], tostring(status))
        else
          assert.are.equal(case[3], status)
          assert.are.equal("application/json", headers["content-type"])
          assert.truthy(core.decode(body)[case[4] or "error"])
        end
      end)
    end

    it("a request that comes too slowly", function()
      local began = socket.gettime()
      local slow = { "POST /slow" .. CHAT .. " HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n", "{", "}" }
      local said = server:say(slow, { pause = 0.7 })
      assert.truthy(said == "" or nginx.parse(said) == 408, said)
      assert.is_true(socket.gettime() - began < 5)
    end)
  end)

  it("refuses a body that is too large, in JSON", function()
    local status, headers, body = server:ask { path = CHAT, body = ("x"):rep(9 * 1024 * 1024) }
    assert.are.equal(413, status)
    assert.are.equal("application/json", headers["content-type"])
    assert.truthy(core.decode(body).error)
  end)

  it("counts every call", function()
    for _ = 1, 20 do server:ask { path = CHAT, body = chat } end
    server:wait(function() return counters(server).queue == 0 end)
    local counts = counters(server)
    assert_balance(counts)
    assert.is_true(counts.flushed > 15)
    assert.are.equal(0, counts.dropped + counts.failed + counts.lost)
  end)
end)
