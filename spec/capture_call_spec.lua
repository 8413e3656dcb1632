--- A call that passes: its headers, its status, its times, its bodies, and what is never stored.
local capture = require "sessionquery.capture"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local function stream(name) return vm.read("spec/support/streams/" .. name) end

local function request(more)
  local given = { path = "/v1/chat/completions", headers = {}, body = '{"model":"m","stream":true}' }
  for name, value in pairs(more or {}) do given[name] = value end
  return capture.request(given)
end

--- A call whose answer has passed.
local function answered(answer, more, status, headers)
  local call = request(more)
  call:headers(status or 200, headers or { ["content-type"] = answer:find "^%s*[%[{]" and "application/json" or "text/event-stream" })
  call:feed(answer, true)
  return call
end

describe("capture.request", function()
  it("takes the session, the user and properties from Helicone's headers, and clears them all", function()
    local call = request { headers = {
      ["helicone-session-id"] = "s1", ["helicone-session-name"] = "Größe", ["helicone-session-path"] = "/a/b", ["helicone-user-id"] = "u1",
      ["helicone-request-id"] = "r1", ["helicone-prompt-id"] = "p1", ["helicone-cache-enabled"] = "true", ["helicone-auth"] = "Bearer id.secret",
      ["helicone-property-environment"] = "prod", ["helicone-property-app-version"] = "1.2", ["helicone-property-empty"] = "",
      ["helicone-unknown"] = "x", ["authorization"] = "Bearer sk-1", ["content-type"] = "application/json",
    } }
    local record = call:record { now = 10 }
    for name, value in pairs { session_id = "s1", session_name = "Größe", session_path = "/a/b", user_id = "u1", request_id = "r1", prompt_id = "p1",
      cache_enabled = true } do assert.equal(value, record[name], name) end
    assert.same({ environment = "prod", ["app-version"] = "1.2" }, record.properties)
    assert.same({ "helicone-auth", "helicone-cache-enabled", "helicone-prompt-id", "helicone-property-app-version", "helicone-property-empty",
      "helicone-property-environment", "helicone-request-id", "helicone-session-id", "helicone-session-name", "helicone-session-path", "helicone-unknown",
      "helicone-user-id" }, call.clear)
  end)

  it("takes an empty header as absent, and of several the first that says something", function()
    local record = request({ headers = { ["helicone-session-id"] = "", ["helicone-user-id"] = { "", "u1", "u2" }, ["helicone-property-x"] = { "1", "2" },
      ["helicone-session-name"] = true, ["helicone-prompt-id"] = {}, ["helicone-property-"] = "x" } }):record {}
    assert.is_nil(record.session_id)
    assert.is_nil(record.session_name)
    assert.is_nil(record.prompt_id)
    assert.equal("u1", record.user_id)
    assert.same({ x = "1" }, record.properties)
    for value, wanted in pairs { ["true"] = true, ["TRUE"] = true, ["false"] = false, ["0"] = false } do
      assert.equal(wanted, request({ headers = { ["helicone-cache-enabled"] = value } }):record({}).cache_enabled)
    end
    assert.is_nil(request({ headers = { ["helicone-cache-enabled"] = "" } }):record({}).cache_enabled)
    assert.is_nil(request():record({}).properties)
  end)

  it("knows the API by the path, and who answers by the host", function()
    local calls = {
      { "/v1/chat/completions", "api.openai.com", "openai.chat", "openai" },
      { "/openai/v1/chat/completions/", "api.groq.com:443", "openai.chat", "groq" },
      { "/openai/deployments/our-gpt/chat/completions?api-version=1", "me.openai.azure.com", "openai.chat", "azure" },
      { "/api/v1/chat/completions", "openrouter.ai", "openai.chat", "openrouter" },
      { "/v1/completions", nil, "openai.completions", "openai" },
      { "/v1/responses", nil, "openai.responses", "openai" },
      { "/v1/embeddings", nil, "openai.embeddings", "openai" },
      { "/v1/messages", "api.anthropic.com", "anthropic.messages", "anthropic" },
      { "/v1beta/models/gemini-2.5-pro:generateContent", "generativelanguage.googleapis.com", "gemini.generate", "gemini", "gemini-2.5-pro" },
      { "/v1/projects/p/locations/l/publishers/google/models/g-2:streamGenerateContent", "l-aiplatform.googleapis.com", "gemini.generate", "vertex_ai", "g-2" },
      { "/v1/projects/p/locations/l/publishers/anthropic/models/claude@1:streamRawPredict", "x", "anthropic.messages", "anthropic", "claude@1" },
      { "/v1beta/models/text-embedding-004:embedContent", nil, "gemini.embed", "gemini", "text-embedding-004" },
      { "/v1/models", "api.openai.com", nil, nil },
      { "/v1/messages/count_tokens", "api.anthropic.com", nil, nil },
      { "/v1/models", "notgroq.com", nil, nil },
      { "/", nil, nil, nil },
      { "", nil, nil, nil },
    }
    for _, case in ipairs(calls) do
      local call = capture.request { path = case[1], host = case[2] }
      assert.equal(case[3], call.api, case[1])
      assert.equal(case[4], call.provider, case[1])
      assert.equal(case[5], call.model, case[1])
      assert.equal(case[1]:find "stream" ~= nil, call.streamed)
    end
    assert.is_nil(capture.request({ method = "GET", path = "/v1/responses" }).api)
    assert.equal("ours", capture.request({ path = "/v1/messages", settings = { provider = "ours" } }).provider)
  end)

  it("reads the body, whatever it is", function()
    for body, wanted in pairs {
      ['{"model":"m","stream":true}'] = { "m", true }, ['{"stream":false,"model":"\\u006d"}'] = { "m", false }, ['{"model":7}'] = { nil, false },
      ['{"model":""}'] = { nil, false }, ['{"model":"m"'] = { nil, false }, ["\255\0"] = { nil, false }, ['{"model":"\255"}'] = { "\239\191\189", false },
      ['{"input":{"model":"x"},"model":"m"}'] = { "m", false }, ['{"a":"\\\\","model":"m"}'] = { "m", false }, ["{}"] = { nil, false }, ["{,}"] = { nil, false },
      ['{"model":nonsense}'] = { nil, false }, [("["):rep(5000)] = { nil, false }, ['{"model":"' .. ("m"):rep(70000) .. '"}'] = { nil, false },
    } do
      local call = request { body = body }
      assert.equal(wanted[1], call.model, body:sub(1, 50))
      assert.equal(wanted[2], call.streamed, body:sub(1, 50))
    end
  end)

  it("asks the upstream for plain answers, unless told otherwise", function()
    assert.equal("identity", request().accept_encoding)
    assert.is_nil(request({ settings = { accept_encoding = false } }).accept_encoding)
    assert.equal("gzip", request({ settings = { accept_encoding = "gzip" } }).accept_encoding)
    assert.equal("identity", request({ settings = { accept_encoding = false, force_usage = true } }).accept_encoding)
  end)

  it("raises at what is the caller's mistake, at the caller's line", function()
    for _, wrong in ipairs {
      { function() capture.request() end, "request: expected table, got nil" },
      { function() capture.request {} end, "request: path: expected string, got nil" },
      { function() capture.request { path = "/", header = {} } end, "request: unknown option 'header', did you mean 'headers'?" },
      { function() capture.request { path = "/", settings = { redacted = print } } end, "capture: unknown option 'redacted', did you mean 'redact'?" },
      { function() capture.request { path = "/", settings = { max_event = 1 } } end, "capture: max_event: expected a whole number from 1024 to 1099511627776, got 1" },
      { function() capture.settings { accept_encoding = true } end, "capture: accept_encoding is text, or false" },
      { function() capture.settings { redact = 1 } end, "capture: redact: expected function, got number" },
    } do
      local ran, message = pcall(wrong[1])
      assert.is_false(ran)
      assert.equal(wrong[2], (message:gsub("^[^:]*:%d+: ", "")))
      assert(message:find "capture_call_spec", message)
    end
  end)
end)

describe("the record", function()
  it("has what db:add takes, for every recorded answer", function()
    local db = assert(sq.open ":memory:")
    local files = io.popen "ls spec/support/streams"
    for name in files:lines() do
      local path = name:find "^gemini" and "/v1/models/g:streamGenerateContent" or name:find "^anthropic" and "/v1/messages"
        or name:find "responses" and "/v1/responses" or "/v1/chat/completions"
      local call = answered(stream(name), { path = path, now = 1750000000.25, host = "h", headers = { ["helicone-session-id"] = "s" } })
      local id = assert(db:add(call:record { latency_ms = 1234.4 }))
      local row = assert(db:requests { bodies = true }:where(sq.field.request_id:eq(id)):first())
      assert.equal(1234, row.latency_ms)
      assert.equal(1750000000.25, row.created_at)
      assert.equal(stream(name), row.response_body)
      assert.equal('{"model":"m","stream":true}', row.request_body)
    end
    files:close()
    assert.equal(1, assert(db:sessions():count()))
    db:close()
  end)

  it("has a status: the client's leaving, the upstream's breaking off, or HTTP's", function()
    local whole, half = stream "openai-chat.txt", 'data: {"choices":[{"delta":{"content":"x"},"finish_reason":null}]}\n\n'
    local finish = 'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
    local json = stream "openai-chat.json"
    local message_stop = 'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}\n\n'
    for index, case in ipairs {
      { whole, {}, 200 }, { whole, { aborted = true }, -3 }, { whole, { upstream_failed = true }, -1 }, { whole, { aborted = true, upstream_failed = true }, -3 },
      { half, {}, -1 }, { half .. finish, {}, 200 }, { half .. "data: [DONE]\n\n", {}, 200 }, { half, { aborted = true }, -3 },
      { half, { status = 502 }, 502 }, { json, {}, 200 }, { json:sub(1, -3), {}, -1 }, { json, { status = 201 }, 201 }, { "", {}, -1 },
      { half .. 'data: {"error":{"message":"no"}}\n\n', {}, 200 }, { json:sub(1, -3), { upstream_failed = true }, -1 },
      { message_stop, {}, 200, "/v1/messages" }, { message_stop:gsub('"end_turn"', "null"), {}, -1, "/v1/messages" },
      { "[" .. stream "gemini-generate.json", {}, -1, "/v1/models/g:streamGenerateContent" },
      { "[" .. stream "gemini-generate.json" .. "]", {}, 200, "/v1/models/g:streamGenerateContent" },
    } do
      local call = answered(case[1], { path = case[4] })
      assert.equal(case[3], call:record(case[2]).status, "case " .. index)
    end
    -- the upstream never answered
    assert.equal(504, request():record({ status = 504 }).status)
    assert.equal(-3, request():record({ aborted = true }).status)
    assert.is_nil(request():record({}).status)
    -- reading ended without an end
    local call = request()
    call:headers(200, { ["content-type"] = "text/event-stream" })
    call:feed(half)
    assert.equal(-1, call:record({}).status)
    call = request()
    call:headers(204, {})
    call:feed("", true)
    assert.equal(204, call:record({}).status)
  end)

  it("reads what is not declared as what it is", function()
    for _, force in ipairs { false, true } do
      for _, kind in ipairs { "text/plain", "application/octet-stream", "" } do
        for _, case in ipairs { { "openai-chat.json", false }, { "openai-chat-usage.txt", true } } do
          local text = " \n" .. stream(case[1])
          local call = request { settings = { force_usage = force } }
          call:headers(200, { ["content-type"] = kind })
          local out = {}
          for i = 1, #text do out[i] = call:feed(text:sub(i, i), i == #text) end
          local record = call:record {}
          assert.equal(19, record.prompt_tokens)
          assert.equal(200, record.status)
          if not (force and case[2]) then assert.equal(text, table.concat(out)) end
        end
      end
    end
    for _, force in ipairs { false, true } do
      local call = request { settings = { force_usage = force } }
      call:headers(200, {})
      assert.equal(" \n", call:feed " " .. call:feed("\n", true))
      assert.equal(-1, call:record({}).status)
      local blank = request { settings = { force_usage = force } }
      blank:headers(200, {})
      local given = (" "):rep(1000)
      assert.equal(given .. "{}", blank:feed(given) .. blank:feed("{}", true))
    end
  end)

  it("has the error's text, of all kinds of errors", function()
    for _, case in ipairs {
      { '{"error":{"message":"a","code":"b"}}', "a" }, { '{"error":"a"}', "a" }, { '{"object":"error","message":"a"}', "a" }, { '{"detail":"a"}', "a" },
      { '{"error":{"type":"overloaded_error"}}', "overloaded_error" }, { '{"error":null,"message":"a"}', "a" }, { '[{"error":{"message":"a"}}]', "a" },
      { '{"error":{"message":""}}', nil }, { "{}", nil }, { '{"error":{"message":"a"', nil }, { "upstream connect error", "upstream connect error", "text/plain" },
      { "<html>", nil, "text/html" }, { ('"ä"'):rep(10), nil }, { '{"error":"' .. ("ä"):rep(3000) .. '"}', ("ä"):rep(1000) },
    } do
      local call = answered(case[1], nil, 500, { ["content-type"] = case[3] or "application/json" })
      local record = call:record {}
      assert.equal(case[2], record.error)
      assert.equal(500, record.status)
      assert.equal("m", record.model)
    end
    assert.is_nil(answered('{"error":null,"message":"fine","model":"x"}'):record({}).error)
    local event = 'event: error\ndata: {"type":"error","code":"server_error","message":"a","param":null}\n\n'
    local record = answered(event, { path = "/v1/responses" }):record {}
    assert.equal("a", record.error)
    assert.equal(200, record.status)
  end)

  it("has no tokens where none were told, and none that cannot be", function()
    for _, usage in ipairs { "null", "{}", '{"prompt_tokens":null}', '{"prompt_tokens":"7"}', '{"prompt_tokens":-1}', '{"prompt_tokens":1.5}', '{"prompt_tokens":1e300}',
      '{"prompt_tokens":9007199254740993}', "[1]", '"x"', "7", "true", '{"prompt_tokens":{}}' } do
      local record = answered('{"model":"x","usage":' .. usage .. "}"):record {}
      assert.is_nil(record.prompt_tokens, usage)
      assert.equal("x", record.model)
    end
    assert.equal(0, answered('{"usage":{"prompt_tokens":0}}'):record({}).prompt_tokens)
    assert.equal(9, answered('{"usage":{"prompt_tokens_details":7,"prompt_tokens":9}}'):record({}).prompt_tokens)
    local groq = 'data: {"choices":[],"x_groq":{"usage":{"prompt_tokens":3}}}\n\n'
    assert.equal(3, answered(stream "openai-chat.txt" .. groq):record({}).prompt_tokens)
    local escaped = 'data: {"choices":[],"us\\u0061ge":{"prompt_tokens":3}}\n\n'
    assert.equal(3, answered(stream "openai-chat.txt" .. escaped):record({}).prompt_tokens)
  end)

  it("has the times: the first token is the first event with content", function()
    local now = 100
    local settings = { clock = function() return now end }
    for _, case in ipairs {
      { "openai-chat.txt", 2, "/v1/chat/completions" }, { "openai-chat-tools.txt", 1, "/v1/chat/completions" }, { "azure-chat-usage.txt", 3, "/v1/chat/completions" },
      { "openai-completions.txt", 1, "/v1/completions" }, { "openai-responses.txt", 5, "/v1/responses" }, { "anthropic-messages.txt", 4, "/v1/messages" },
      { "anthropic-tools.txt", 2, "/v1/messages" }, { "gemini-stream-sse.txt", 1, "/v1/models/g:streamGenerateContent" }, { "gemini-blocked.txt", nil, "/v1/models/g:streamGenerateContent" },
    } do
      now = 100
      local call = request { path = case[3], settings = settings }
      call:headers(200, { ["content-type"] = "text/event-stream" })
      for block in (stream(case[1]):gsub("\r", "")):gmatch ".-\n\n" do
        now = now + 0.25
        call:feed(block)
      end
      local record = call:record { now = now }
      assert.equal(case[2] and case[2] * 250, record.time_to_first_token_ms, case[1])
      assert.equal(100, record.created_at)
      assert.equal(math.floor((now - 100) * 1000), record.latency_ms)
      assert.equal(now, record.responded_at)
    end
    local record = request({ now = 50 }):record { latency_ms = 99.5 }
    assert.equal(50, record.created_at)
    assert.equal(100, record.latency_ms)
    assert.is_nil(record.time_to_first_token_ms)
    assert.equal(49, request():record({ now = 50, latency_ms = 1000 }).created_at)
    assert.is_nil(request():record({ now = 50 }).latency_ms)
    assert(math.abs(request():record({}).created_at - os.time()) < 60)
    assert.is_nil(request():record({ latency_ms = 0 / 0 }).latency_ms)
    assert.is_nil(request():record({ latency_ms = -5 }).latency_ms)
  end)

  it("sums up nginx's list of times", function()
    for text, wanted in pairs { ["0.120"] = 120, ["0.120, 1.004"] = 1124, ["0.1 : 0.25, -"] = 350, ["0.000"] = 0 } do
      assert.equal(wanted, capture.milliseconds(text))
    end
    assert.is_nil(capture.milliseconds "-")
    assert.is_nil(capture.milliseconds "")
    assert.is_nil(capture.milliseconds(nil))
  end)
end)

describe("bodies", function()
  it("are cut at the bound, between characters, with a mark", function()
    local body = '{"a":"' .. ("ä€🌍"):rep(100) .. '"}'
    for bound = 1, 60 do
      local record = answered(body, { body = body, settings = { request_bytes = bound, response_bytes = bound } }):record {}
      for _, name in ipairs { "request_body", "response_body" } do
        local kept, bytes, total = record[name]:match "^(.*)…%[cut at (%d+) bytes of (%d+)%]$"
        assert.equal(#kept, tonumber(bytes))
        assert.equal(#body, tonumber(total))
        assert.equal(kept, body:sub(1, #kept))
        assert(#kept <= bound and #kept > bound - 4)
        assert(not kept:find "[\192-\255][\128-\191]*$" or body:sub(#kept + 1, #kept + 1):find "[^\128-\191]")
      end
    end
    local whole = answered(body, { body = body, settings = { request_bytes = #body, response_bytes = #body } }):record {}
    assert.equal(body, whole.request_body)
    assert.equal(body, whole.response_body)
    local broken = ("\191"):rep(50)
    assert.equal(broken:sub(1, 20) .. "…[cut at 20 bytes of 50]", request({ body = broken, settings = { request_bytes = 20 } }):record({}).request_body)
  end)

  it("are the same however they come", function()
    local body = '{"a":"' .. ("ä€🌍"):rep(20) .. '"}'
    for bound = 1, 12 do
      local expected = answered(body, { settings = { response_bytes = bound } }):record({}).response_body
      for size = 1, 9 do
        local call = request { settings = { response_bytes = bound } }
        call:headers(200, { ["content-type"] = "application/json" })
        for at = 1, #body, size do call:feed(body:sub(at, at + size - 1)) end
        assert.equal(expected, call:record({}).response_body)
      end
    end
  end)

  it("are not kept when the operator or the caller says so, nor what is no text", function()
    local json = '{"model":"x"}'
    local function kept(headers, settings, answer_headers)
      local record = answered(json, { headers = headers, settings = settings }, 200, answer_headers):record {}
      return (record.request_body and "request" or "") .. (record.response_body and "response" or "")
    end
    assert.equal("requestresponse", kept({}))
    assert.equal("response", kept({}, { request_bytes = 0 }))
    assert.equal("request", kept({}, { response_bytes = 0 }))
    assert.equal("response", kept { ["helicone-omit-request"] = "true" })
    assert.equal("request", kept { ["helicone-omit-response"] = "true" })
    assert.equal("requestresponse", kept { ["helicone-omit-response"] = "false", ["helicone-omit-request"] = "" })
    assert.equal("response", kept { ["content-type"] = "multipart/form-data" })
    assert.equal("response", kept { ["content-encoding"] = "gzip" })
    assert.equal("request", kept({}, nil, { ["content-type"] = "audio/mpeg" }))
    assert.equal("request", kept({}, nil, { ["content-encoding"] = "br" }))
    assert.is_nil(request({ body = "" }):record({}).request_body)
  end)

  it("pass through the redaction hook, which may change all or take the record away", function()
    local seen
    local function with(redact)
      local settings = { redact = redact }
      local record = answered('{"model":"x"}', { settings = settings, headers = { ["helicone-property-a"] = "b" } }):record {}
      return record, capture.settings(settings).counts
    end
    local record = with(function(r)
      seen = r
      r.request_body, r.properties.a = "changed", nil
      return r
    end)
    assert.equal("changed", record.request_body)
    assert.equal('{"model":"x"}', seen.response_body)
    local none, counts = with(function() end)
    assert.is_nil(none)
    assert.equal(1, counts.redacted)
    for _, failing in ipairs { function(r) r.properties.a = 1; error "no" end, function() return true end, function() error() end } do
      record, counts = with(failing)
      assert.equal(1, counts.redact_failed)
      assert.is_nil(record.request_body)
      assert.is_nil(record.response_body)
      assert.equal("x", record.model)
      assert.same({ a = "b" }, record.properties)
    end
  end)
end)

describe("secrets", function()
  it("are in no URL that is stored", function()
    for given, wanted in pairs {
      ["/v1/models/g:generateContent?key=AIzaSecret"] = "https://h/v1/models/g:generateContent?key=[redacted]",
      ["/x?alt=sse&key=Secret&b=1"] = "https://h/x?alt=sse&key=[redacted]&b=1",
      ["/x?%6Bey=Secret&KEY=Secret;api-key=Secret"] = "https://h/x?%6Bey=[redacted]&KEY=[redacted];api-key=[redacted]",
      ["/x?access_token=Secret&X-Amz-Signature=Secret&x_api_key=Secret"] = "https://h/x?access_token=[redacted]&X-Amz-Signature=[redacted]&x_api_key=[redacted]",
      ["/x?key"] = "https://h/x?key", ["/x?"] = "https://h/x", ["/x"] = "https://h/x", ["/x?a=key=b"] = "https://h/x?a=key=b", ["/x?%=%zz&&"] = "https://h/x?%=%zz&&",
      ["/x?key=a?key=Secret"] = "https://h/x?key=[redacted]",
    } do
      assert.equal(wanted, capture.request({ path = given, host = "h" }):record({}).target_url)
    end
    assert.equal("http://h:8/x?key=[redacted]", capture.request({ path = "/x", query = "key=Secret", host = "user:pass@h:8", scheme = "http" }):record({}).target_url)
    assert.equal("/x", capture.request({ path = "/x" }):record({}).target_url)
  end)

  it("are in no record, however they are sent", function()
    local headers = { ["content-type"] = "application/json" }
    for _, name in ipairs { "authorization", "x-api-key", "api-key", "x-goog-api-key", "helicone-auth", "proxy-authorization", "cookie" } do headers[name] = "Bearer Secret" end
    local record = answered('{"model":"x"}', { path = "/v1/chat/completions?key=Secret", host = "Secret@h", headers = headers }):record { now = 1 }
    for name, value in pairs(record) do assert(not tostring(value):find "Secret", name) end
    assert.is_nil(record.properties)
  end)
end)
