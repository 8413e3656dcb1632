--- The gateway in real nginx, with two workers: examples/nginx.conf, on ports and in a folder of its own. nginx runs
--- LuaJIT whatever runs this file, so once, beside luajit, is enough.
local vm = require "spec.support.vm"
if vm.name ~= "luajit" then return end

local cases = require "spec.support.http_cases"
local core = require "sessionquery.core"
local keys = require "sessionquery.keys"
local nginx = require "spec.support.nginx"
local socket = require "socket"
local sq = require "sessionquery"

local CHAT = "/v1/chat/completions"
local f = sq.field

local function body_of(model, more)
  local body = { model = model, messages = { { role = "user", content = "What is a session?" } } }
  for name, value in pairs(more or {}) do body[name] = value end
  return body
end

local chat = body_of "gpt-4o-mini"

local counter = 0

--- A fresh id: of a call, a session, a user.
local function fresh(what)
  counter = counter + 1
  return ("%s-%d"):format(what, counter)
end

--- What the store holds of a query, once it holds `count` rows.
local function stored(server, filter, count)
  local rows
  server:wait(function()
    local db = sq.open(server.db, { readonly = true })
    if not db then return false end
    rows = assert(db:requests { bodies = true }:where(filter):limit(2000):all())
    db:close()
    return #rows >= (count or 1)
  end, 5)
  return rows
end

--- Sends a call and gives its record.
local function recorded(server, request, options)
  local id = fresh "call"
  request.headers = request.headers or {}
  request.headers["Helicone-Request-Id"] = id
  local status, headers, body, whole = server:ask(request, options)
  local rows = stored(server, f.request_id:eq(id))
  assert.are.equal(1, #rows, server:log())
  return rows[1], status, headers, body, whole
end

--- Locations that the example lacks.
local more_locations = [[
    location = /counters { content_by_lua_block { ngx.print(require("sessionquery.core").encode(gateway.counters())) } }
    location = /hello { return 200 "hello"; }
    location /file/ {
      client_body_in_file_only clean;
      access_by_lua_block { gateway.capture.request() }
      body_filter_by_lua_block { gateway.capture.response() }
      log_by_lua_block { gateway.record() }
      proxy_pass http://provider/;
      proxy_http_version 1.1;
    }
    location /slow/ {
      client_body_timeout 500ms;
      access_by_lua_block { gateway.capture.request() }
      log_by_lua_block { gateway.record() }
      proxy_pass http://provider/;
    }
    location /echo/ {
      access_by_lua_block { gateway.capture.request { upstream = "https://api.groq.com" } }
      content_by_lua_block { ngx.print(require("sessionquery.core").encode(ngx.req.get_headers())) }
      body_filter_by_lua_block { gateway.capture.response() }
      log_by_lua_block { gateway.record() }
    }
    location /dead/ {
      access_by_lua_block { gateway.capture.request() }
      body_filter_by_lua_block { gateway.capture.response() }
      log_by_lua_block { gateway.record() }
      proxy_pass http://127.0.0.1:1/;
    }
    location /retry/ {
      access_by_lua_block { gateway.capture.request() }
      body_filter_by_lua_block { gateway.capture.response() }
      log_by_lua_block { gateway.record() }
      proxy_pass http://flaky/;
      proxy_next_upstream error non_idempotent;
    }
    location /budgets/tiny/ {
      access_by_lua_block { gateway.capture.request() gateway.budget { by = "user", max_requests = 5, dict = "tiny" } }
      log_by_lua_block { gateway.record() }
      proxy_pass http://provider/;
    }
    location /budgets/closed/ {
      access_by_lua_block { gateway.capture.request() gateway.budget { by = "user", max_requests = 5, fail = "closed" } }
      proxy_pass http://provider/;
    }
    location /keyed/ {
      access_by_lua_block { gateway.capture.request { keys = "required", organization = ngx.var.arg_org } }
      body_filter_by_lua_block { gateway.capture.response() }
      log_by_lua_block { gateway.record() }
      proxy_pass http://provider/;
      proxy_http_version 1.1;
    }
    location /budgets/requests/ {
      access_by_lua_block { gateway.capture.request() gateway.budget { by = "user", max_requests = 20, window = "week" } }
      body_filter_by_lua_block { gateway.capture.response() }
      log_by_lua_block { gateway.record() }
      proxy_pass http://provider/;
      proxy_http_version 1.1;
    }
    location /budgets/cost/ {
      access_by_lua_block { gateway.capture.request() gateway.budget { by = "user", max_cost_usd = 0.001, window = "week", without = "refuse" } }
      body_filter_by_lua_block { gateway.capture.response() }
      log_by_lua_block { gateway.record() }
      proxy_pass http://provider/;
      proxy_http_version 1.1;
    }
    location /budgets/reserved/ {
      access_by_lua_block {
        gateway.capture.request()
        gateway.budget { by = "session", max_requests = 1000, window = "week" }
        gateway.budget { by = "user", max_cost_usd = 0.001, window = "week", reserve_usd = 0.0001 }
      }
      body_filter_by_lua_block { gateway.capture.response() }
      log_by_lua_block { gateway.record() }
      proxy_pass http://provider/;
      proxy_http_version 1.1;
    }
]]

--- Of two servers, one is not there: nginx asks both, now and then.
local more_http = [[
  lua_shared_dict tiny 12k;
  upstream flaky { server 127.0.0.1:1 max_fails=0; server 127.0.0.1:UPSTREAM max_fails=0; }
]]

local function start(options)
  options = options or {}
  options.http = more_http
  options.locations = more_locations .. (options.locations or "")
  return nginx.start(options)
end

--- The counters by name, without prefix and suffix.
local function counters(server)
  local _, _, body = server:ask { path = "/counters" }
  local counts = {}
  for _, sample in ipairs(core.decode(body)) do
    counts[sample.name:gsub("^sessionquery_", ""):gsub("_total$", "")] = sample.value
  end
  return counts
end

--- Every call is somewhere: stored, given up, lost, or waiting.
local function assert_balance(counts)
  assert.are.equal(counts.recorded, counts.flushed + counts.dropped + counts.failed + counts.lost + counts.queue)
end

--- No error of ours, and no crash, stands in the log.
local function assert_clean(server)
  for line in server:log():gmatch "[^\n]+" do
    assert.is_nil(line:match "lua entry thread aborted" or line:match "exited on signal" or line:match "%[alert%]", line)
  end
end

--- What wrk says of a load: requests, and how many failed.
local function load(server, options)
  local script = vm.write(server.folder .. "/" .. fresh "load" .. ".lua", options.script or "")
  local output = vm.shell(("wrk -t2 -c%d -d%s -s %s %s http://127.0.0.1:%d%s"):format(options.connections or 8,
    options.time or "1s", script, options.flags or "", server.port, options.path))
  local failed = tonumber(output:match "Non%-2xx or 3xx responses: (%d+)" or 0)
  local connect, read, write, timeout = output:match "Socket errors: connect (%d+), read (%d+), write (%d+), timeout (%d+)"
  local broken = connect and connect + read + write + timeout or 0
  return { requests = tonumber(output:match "(%d+) requests in") or 0, failed = failed, broken = broken, output = output }
end

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
      { "NUL in the path", "GET /v1/session/%00/tag HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
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
          assert.truthy(core.decode(body).error)
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

-- ------------------------------------------------------------------------------------------------- the session API

--- A table of text, numbers and booleans as Lua.
local function literal(value)
  if type(value) == "string" then return ("%q"):format(value) end
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for name, member in pairs(value) do parts[#parts + 1] = ("[%s] = %s"):format(literal(name), literal(member)) end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

for _, mode in ipairs { "thread", "loop" } do
  local function starter(options)
    local whole = { prefix = cases.prefix, mode = mode }
    for name, value in pairs(options) do whole[name] = value end
    local server = start { locations = ("    location %s { content_by_lua_block { gateway.serve %s } }"):format(cases.prefix, literal(whole)) }
    local db = assert(sq.open(server.db))
    return {
      db = db,
      send = function(request)
        local status, headers, body = nginx.parse(server:say(nginx.raw(request)), request.method == "HEAD")
        return { status = status, headers = headers, body = body }
      end,
      close = function()
        db:close()
        server:stop()
        assert_clean(server)
      end,
    }
  end

  describe("over HTTP, mode " .. mode .. ":", function()
    cases.describe(starter, { describe = describe, it = it, setup = setup, teardown = teardown })
  end)
end

describe("a gateway with slow questions", function()
  local server
  local ROWS, BLOCK = 80000, 10000
  local question = core.encode { search = "", timeFilter = { startTimeUnixMs = 0, endTimeUnixMs = 4e12 }, timezoneDifference = 0, filter = "all" }

  setup(function()
    -- one worker with two VMs; SQL, which takes its time for this
    server = start {
      replace = { ["worker_processes 2"] = "worker_processes 1", ["vm_pool_size 8"] = "vm_pool_size 2",
        ["location ^~ /v1/session { content_by_lua_block { gateway.serve() } }"] =
          "location ^~ /v1/session { content_by_lua_block { gateway.serve { engine = 'sql' } } }" },
    }
    local db = assert(sq.open(server.db, { durable = false }))
    for block = 0, ROWS / BLOCK - 1 do
      local records = {}
      for i = 1, BLOCK do
        records[i] = { session_id = "s" .. i * 31 % 9973 .. "-" .. block, created_at = 1700000000 + i, model = "m", cost_usd = 0.001, latency_ms = i % 999 }
      end
      assert(db:add(records))
    end
    db:close()
  end)
  teardown(function()
    server:stop()
    assert_clean(server)
  end)

  --- Asks at once, several times; what came, when all is there.
  local function ask_at_once(count)
    local pipes = {}
    for i = 1, count do
      pipes[i] = io.popen(("curl -s -o /dev/null -w '%%{http_code} %%{size_download} %%header{retry-after}' -H 'Content-Type: application/json' -d '%s' http://127.0.0.1:%d/v1/session/query")
        :format(question, server.port))
    end
    return function()
      local answers = {}
      for i, pipe in ipairs(pipes) do
        local status, bytes = pipe:read "*a":match "^(%d+) (%d+)"
        answers[i] = { status = tonumber(status), bytes = tonumber(bytes) }
        pipe:close()
      end
      return answers
    end
  end

  it("answers others meanwhile, and refuses one question more than it has VMs for", function()
    local finish = ask_at_once(6)
    socket.sleep(0.1)
    local began = socket.gettime()
    for _ = 1, 20 do assert.are.equal(200, (server:ask { path = "/hello" })) end
    assert.is_true(socket.gettime() - began < 0.3)
    local counts = {}
    for _, answer in ipairs(finish()) do counts[answer.status] = (counts[answer.status] or 0) + 1 end
    assert.is_true(counts[200] >= 2, server:log())
    assert.are.equal(6, counts[200] + (counts[503] or 0))
    assert.is_true((counts[503] or 0) >= 1)
    assert.are.equal(counts[503], counters(server).refused_busy)
  end)

  it("ends no question by a reload", function()
    local finish = ask_at_once(1)
    socket.sleep(0.15)
    server:signal "HUP"
    local answer = finish()[1]
    assert.are.equal(200, answer.status)
    assert.is_true(answer.bytes > 10000)
  end)

  it("records calls although no VM is free for long: questions wait for that", function()
    local finish = ask_at_once(2)
    socket.sleep(0.1)
    server:ask { path = CHAT, body = chat, headers = { ["Helicone-Session-Id"] = "in between" } }
    for _ = 1, 3 do
      finish()
      finish = ask_at_once(4)
    end
    finish()
    assert.are.equal(1, #stored(server, f.session_id:eq "in between"))
  end)
end)

describe("a gateway in trouble", function()
  local server, sent
  before_each(function() sent = 0 end)
  after_each(function()
    if server then server:stop() end
    server = nil
  end)

  local function send(count, prefix)
    for i = 1, count do
      server:ask { path = CHAT, body = chat, headers = { ["Helicone-Request-Id"] = prefix .. i, ["Helicone-Session-Id"] = prefix } }
    end
    sent = sent + count
    -- an answer has arrived before it is recorded
    assert.truthy(server:wait(function() return counters(server).recorded == sent end))
  end

  it("drops what its queue cannot hold, and counts that", function()
    server = start { setup = "queue = 5, flush_s = 1, ", replace = { ["worker_processes 2"] = "worker_processes 1" } }
    send(12, "full")
    local counts = counters(server)
    assert.are.same({ 12, 5, 7 }, { counts.recorded, counts.queue, counts.dropped })
    assert_balance(counts)
    assert.are.equal(5, #stored(server, f.session_id:eq "full", 5))
  end)

  it("tries again what the store cannot take now, and stores it once", function()
    server = start { setup = "timeout_ms = 100, " }
    send(1, "first")
    stored(server, f.session_id:eq "first")
    local writer = assert(io.popen("sqlite3 " .. server.db .. " >/dev/null", "w"))
    writer:write "BEGIN IMMEDIATE;\n"
    writer:flush()
    socket.sleep(0.1)
    send(20, "locked")
    assert.truthy(server:wait(function() return counters(server).retries > 0 end))
    assert.are.equal(20, counters(server).queue)
    writer:write "COMMIT;\n.quit\n"
    writer:close()
    assert.are.equal(20, #stored(server, f.session_id:eq "locked", 20))
    assert.truthy(server:wait(function() return counters(server).flushed == 21 end))
    assert_balance(counters(server))
    assert.truthy(server:log():find "records wait: ")
  end)

  it("passes calls on while it cannot read its store; but not those of a budget that fails closed", function()
    local db = vm.write(vm.path "garbage.db", ("this is no database. "):rep(1000))
    server = start { db = vm.shell("realpath " .. db):match "[^\n]+" }
    local user = { ["Helicone-User-Id"] = "u", ["Helicone-Session-Id"] = "s" }
    local began = socket.gettime()
    assert.are.equal(200, (server:ask { path = CHAT, body = chat, headers = user }))
    assert.are.equal(200, (server:ask { path = "/budgets/requests" .. CHAT, body = chat, headers = user }))
    local status, headers, body = server:ask { path = "/budgets/closed" .. CHAT, body = chat, headers = user }
    assert.is_true(socket.gettime() - began < 1)
    assert.are.equal(503, status)
    assert.truthy(headers["retry-after"])
    assert.are.equal("budget_unknown", core.decode(body).error.type)
    assert.are.equal(503, (server:ask { path = "/healthz" }))
    assert.truthy(server:wait(function() return counters(server).retries > 1 end))
    assert.are.equal(2, counters(server).queue)
    local _, told = server:log():gsub("records wait", "")
    assert.is_true(told <= 2, server:log()) -- the same message is told once by each worker
  end)

  it("stores what waits before it ends", function()
    server = start { setup = "flush_s = 60, " }
    send(100, "end")
    assert.are.equal(100, counters(server).queue)
    server:stop()
    assert.are.equal(100, #stored(server, f.session_id:eq "end", 100))
    assert_clean(server)
    server = nil
  end)

  it("and no longer than it is given for that", function()
    server = start { setup = "flush_s = 60, exit_s = 0.3, " }
    send(1, "first")
    local writer = assert(io.popen("sqlite3 " .. server.db .. " >/dev/null", "w"))
    server:signal "HUP" -- the first ones make the store
    stored(server, f.session_id:eq "first")
    writer:write "BEGIN IMMEDIATE;\n"
    writer:flush()
    socket.sleep(0.1)
    send(10, "end")
    local began = socket.gettime()
    server:stop()
    assert.is_true(socket.gettime() - began < 3)
    assert.truthy(server:log():find "records are lost")
    writer:close()
    server = nil
  end)

  it("leaves out a record that the store refuses, and stores those beside it", function()
    server = start { setup = "capture = { redact = function(record) if record.session_name == 'bad' then record.created_at = 'never' end return record end }, " }
    for i = 1, 10 do
      server:ask { path = CHAT, body = chat, headers = { ["Helicone-Session-Id"] = "mixed", ["Helicone-Session-Name"] = i == 4 and "bad" or "good" } }
    end
    assert.are.equal(9, #stored(server, f.session_id:eq "mixed", 9))
    server:wait(function() return counters(server).queue == 0 end)
    assert.are.equal(1, counters(server).failed)
    assert_balance(counters(server))
    assert.truthy(server:log():find "1 records were refused by the store")
  end)

  it("runs its jobs in the event loop where the thread pool is missing, and warns once in each worker", function()
    server = start { replace = { ["thread_pool sessionquery threads=4;"] = "" } }
    send(10, "loop")
    assert.are.equal(10, #stored(server, f.session_id:eq "loop", 10))
    local _, warnings = server:log():gsub("jobs run in the event loop", "")
    assert.is_true(warnings >= 1 and warnings <= 2, warnings)
    assert_clean(server)
  end)

  --- Calls for some seconds, each on a connection of its own: nginx may close one that waits at any time.
  local function calls_for(seconds, meanwhile)
    local script = vm.write(server.folder .. "/calls.lua", ([[
      wrk.method = "POST"
      wrk.headers["Content-Type"], wrk.headers["Connection"] = "application/json", "close"
      wrk.body = %q]]):format(core.encode(chat)))
    local pipe = io.popen(("wrk -t2 -c8 -d%d -s %s http://127.0.0.1:%d%s"):format(seconds, script, server.port, CHAT))
    meanwhile(socket.gettime() + seconds)
    local output = pipe:read "*a"
    pipe:close()
    return { output = output, requests = tonumber(output:match "(%d+) requests in"), errors = output:match "Socket errors[^\n]+",
      refused = output:match "Non%-2xx[^\n]+" }
  end

  it("reloads under load without a failed call, and without a lost one", function()
    -- the provider here is the same nginx: it closes connections that wait while it is reloaded
    server = start { replace = { ["keepalive 16;"] = "" } }
    local said = calls_for(4, function(deadline)
      for _ = 1, 10 do
        socket.sleep(0.3)
        server:signal "HUP"
      end
      assert.is_true(socket.gettime() < deadline)
    end)
    assert.is_nil(said.errors, said.output)
    assert.is_nil(said.refused, said.output)
    assert.truthy(server:wait(function() return counters(server).queue == 0 end))
    local counts = counters(server)
    assert_balance(counts)
    assert.are.equal(0, counts.lost + counts.dropped + counts.failed)
    assert.is_true(counts.flushed >= said.requests)
    local db = assert(sq.open(server.db, { readonly = true }))
    assert.are.equal(counts.flushed, db:stats().requests)
    db:close()
    assert_clean(server)
  end)

  it("keeps all that it flushed, once, when workers are killed; and says how many it lost", function()
    server = start()
    calls_for(4, function(deadline)
      while socket.gettime() < deadline - 0.5 do
        socket.sleep(0.3)
        local workers = server:workers()
        if #workers > 0 then server:signal("KILL", workers[math.random(#workers)]) end
      end
    end)
    assert.truthy(server:wait(function() return counters(server).queue == 0 end))
    local counts = counters(server)
    assert_balance(counts)
    local db = assert(sq.open(server.db, { readonly = true }))
    local requests = db:stats().requests
    local ids = db:group_by("request_id"):count()
    db:close()
    assert.are.equal(requests, ids)
    assert.is_true(counts.lost > 0)
    -- a batch that was stored, but not yet counted, when its worker was killed
    assert.is_true(requests >= counts.flushed and requests <= counts.flushed + counts.lost,
      ("%d flushed, %d lost, %d stored"):format(counts.flushed, counts.lost, requests))
  end)
end)
