--- force_usage: OpenAI's streams are asked for their usage, and the client sees the stream of a call that did not
--- ask, but for the "usage":null that the provider then puts into each chunk.
local capture = require "sessionquery.capture"
local vm = require "spec.support.vm"

local function stream(name) return vm.read("spec/support/streams/" .. name) end

local forced = { force_usage = true }

local function request(body, path, headers)
  return capture.request { path = path or "/v1/chat/completions", headers = headers or {}, body = body, settings = forced }
end

describe("force_usage asks", function()
  local ASK = '"include_usage":true'
  --- Each: the client's body, the upstream's (nil: the same).
  local BODIES = {
    { '{"stream":true}', '{"stream_options":{' .. ASK .. '},"stream":true}' },
    { ' \n{ "model" : "gpt-4o", "stream" : true }\n', ' \n{"stream_options":{' .. ASK .. '}, "model" : "gpt-4o", "stream" : true }\n' },
    { '{"stream":true,"stream_options":null}', '{"stream":true,"stream_options":{' .. ASK .. "}}" },
    { '{"stream":true,"stream_options":{}}', '{"stream":true,"stream_options":{' .. ASK .. "}}" },
    { '{"stream":true,"stream_options": { } }', '{"stream":true,"stream_options": {' .. ASK .. " } }" },
    { '{"stream":true,"stream_options":{"include_obfuscation":false} ,"n":1}',
      '{"stream":true,"stream_options":{' .. ASK .. ',"include_obfuscation":false} ,"n":1}' },
    { '{"stream_options":{"include_usage" : false, "x":[{"include_usage":true}]},"stream":true}',
      '{"stream_options":{"include_usage" : true, "x":[{"include_usage":true}]},"stream":true}' },
    { '{"stream":true,"stream_options":{"include_usage":null}}', '{"stream":true,"stream_options":{"include_usage":true}}' },
    { '{"stream":true,"stream_options":{"include_usage": true}}', nil },
    { '{"stream":true,"stream_options":{"include_us\\u0061ge":true}}', nil },
    { '{"stream":true,"stream\\u005foptions":{"include_usage":false}}', '{"stream":true,"stream\\u005foptions":{"include_usage":true}}' },
    -- the words in strings and deeper down
    { '{"messages":[{"content":"\\"stream_options\\":{\\"include_usage\\":true}","stream_options":{"include_usage":true}}],"stream":true}',
      '{"stream_options":{' .. ASK .. '},"messages":[{"content":"\\"stream_options\\":{\\"include_usage\\":true}","stream_options":{"include_usage":true}}],"stream":true}' },
    { '{"metadata":{"stream":true},"stream":false}', nil },
    { '{"prompt":"stream\\":true","n":1}', nil },
    { '{"stream":false}', nil },
    { '{"stream":"true"}', nil },
    { '{"stream":true,"stream":false}', nil }, -- the last one counts
    { '{"stream":true,"x":"\255\254 no UTF-8 \\\\"}', '{"stream_options":{' .. ASK .. '},"stream":true,"x":"\255\254 no UTF-8 \\\\"}' },
    { '\239\187\191{"stream":true}', '\239\187\191{"stream_options":{' .. ASK .. '},"stream":true}' },
    -- what one had better leave alone
    { '{"stream":true,"stream_options":{},"stream_options":{}}', nil },
    { '{"stream":true,"stream_options":{"include_usage":false,"include_usage":false}}', nil },
    { '{"stream":true,"stream_options":[]}', nil },
    { '{"stream":true,"stream_options":"x"}', nil },
    { '{"stream":true', nil },
    { '{"stream":true}}', nil },
    { '{"stream":true} x', nil },
    { '[{"stream":true}]', nil },
    { "", nil },
    { "stream", nil },
    { '"stream":true', nil },
  }
  for _, case in ipairs(BODIES) do
    it("in " .. case[1]:gsub("%s+", " "), function()
      local call = request(case[1])
      assert.equal(case[2], call.body)
      assert.equal("identity", call.accept_encoding)
    end)
  end

  it("and leaves a large body as it is, but for that", function()
    local image = ("iVBORw0KGgo"):rep(100000)
    local body = '{"messages":[{"content":[{"image_url":"data:' .. image .. '"}]}],"stream":true,"model":"gpt-4o"}'
    local call = request(body)
    assert.equal('{"stream_options":{"include_usage":true},' .. body:sub(2), call.body)
    assert.equal("gpt-4o", call.model)
  end)

  it("only the streams that can be asked, and only when set", function()
    local body = '{"model":"m","stream":true}'
    for path, asked in pairs { ["/v1/completions"] = true, ["/openai/deployments/x/chat/completions"] = true, ["/api/v1/chat/completions"] = true,
      ["/v1/responses"] = false, ["/v1/embeddings"] = false, ["/v1/messages"] = false, ["/v1beta/models/g:generateContent"] = false, ["/x"] = false } do
      assert.equal(asked, request(body, path).body ~= nil, path)
    end
    assert.is_nil(capture.request({ path = "/v1/chat/completions", headers = {}, body = body }).body)
    assert.is_nil(request(body, nil, { ["content-encoding"] = "gzip" }).body)
    assert.is_nil(request(body, nil, { ["content-type"] = "multipart/form-data; boundary=x" }).body)
  end)
end)

describe("force_usage takes the extra event out", function()
  local function blocks(text)
    local _, count = text:gsub("[^\r\n].-[\r\n][\r\n]+", "")
    return count
  end

  local function run(pieces, settings, body)
    local call = capture.request { path = "/v1/chat/completions", headers = {}, body = body or '{"stream":true}', settings = settings or forced }
    local may_change = call:headers(200, { ["content-type"] = "text/event-stream" })
    local out = {}
    for i = 1, #pieces do out[i] = call:feed(pieces[i], i == #pieces) end
    return table.concat(out), call:record { now = 100 }, may_change
  end

  local function bytes_of(text)
    local pieces = {}
    for i = 1, #text do pieces[i] = text:sub(i, i) end
    return pieces
  end

  for _, name in ipairs { "openai-chat-usage.txt", "openai-chat-tools.txt", "azure-chat-usage.txt", "openai-chat.txt", "openrouter-chat.txt" } do
    for ending, characters in pairs { LF = "\n", CRLF = "\r\n", CR = "\r" } do
      it(("of %s with %s, wherever it is cut"):format(name, ending), function()
        local text = stream(name):gsub("\r\n?", "\n"):gsub("\n", characters)
        local expected = text
        if not name:find "openrouter" and name ~= "openai-chat.txt" then
          local first, last = text:find('data: {[^\r\n]*"choices":%[%],[^\r\n]*"usage":{[^\r\n]*' .. (characters):rep(2))
          expected = text:sub(1, first - 1) .. text:sub(last + 1)
          assert.equal(blocks(text) - 1, blocks(expected))
        end
        local out, whole, may_change = run { text }
        assert.equal(expected, out)
        assert.is_true(may_change)
        for cut = 1, #text - 1 do
          out = run { text:sub(1, cut), text:sub(cut + 1) }
          if out ~= expected then assert.equal(expected, out, "cut at " .. cut) end
        end
        local record
        out, record = run(bytes_of(text))
        assert.equal(expected, out)
        assert.same(whole, record)
        -- broken off anywhere: nothing is lost
        for cut = 1, #text - 1, 7 do
          out = run { text:sub(1, cut) }
          if out ~= text:sub(1, cut) then assert.equal(expected:sub(1, #out), out) end
        end
      end)
    end
  end

  it("at the stream's end, without a blank line", function()
    local event = 'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}'
    for _, ending in ipairs { "", "\n", "\r", "\r\n", "\n\n" } do
      local out, record = run(bytes_of('data: {"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}\n\n' .. event .. ending))
      assert.equal('data: {"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}\n\n', out)
      assert.equal(2, record.completion_tokens)
    end
  end)

  it("and no other: not one with choices, without usage, or from a call that asked for it", function()
    local events = {
      'data: {"choices":[],"usage":null}\n\n', 'data: {"choices":[]}\n\n', 'data: {"usage":{"prompt_tokens":1}}\n\n', 'data: {"choices":[],"usage":{}}\n\n',
      'data: {"choices":[{"delta":{"content":"\\"choices\\":[],\\"usage\\":{"}}],"usage":{"prompt_tokens":1}}\n\n', 'data: {"choices":[],"usage":{"prompt_tokens":1}\n\n',
      ": comment\n\n", "\n\n\n", "data\n\n", "event: x\n\n", "data: [DONE]\n\n",
    }
    local text = table.concat(events)
    assert.equal(text, (run { text }))
    assert.equal(text, (run(bytes_of(text))))
    local usage = stream "openai-chat-usage.txt"
    assert.equal(usage, (run({ usage }, nil, '{"stream":true,"stream_options":{"include_usage":true}}')))
    local out, _, may_change = run({ usage }, {})
    assert.equal(usage, out)
    assert.is_false(may_change)
  end)

  it("with its comments and ids, and leaves its neighbours", function()
    local text = ': a\n\nid: 1\n: b\ndata: {"choices":[],\ndata: "usage":{"prompt_tokens":1}}\n\n: c\n\ndata: [DONE]\n\n'
    for cut = 1, #text - 1 do
      assert.equal(": a\n\n: c\n\ndata: [DONE]\n\n", (run { text:sub(1, cut), text:sub(cut + 1) }))
    end
  end)

  it("not from an error, another type, or what is compressed", function()
    local event = 'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\n'
    for _, case in ipairs { { 500, "text/event-stream" }, { 200, "application/json" }, { 200, "text/event-stream", "br" }, { 200, "text/event-stream", "gzip" } } do
      local call = request '{"stream":true}'
      assert.is_false(call:headers(case[1], { ["content-type"] = case[2], ["content-encoding"] = case[3] }))
      assert.equal(event, call:feed(event, true))
    end
    local call = request '{"stream":true}'
    assert.is_true(call:headers(200, { ["content-type"] = "text/event-stream", ["content-encoding"] = "identity" }))
    assert.equal("", call:feed(event, true))
  end)

  it("never holds more than one event of the allowed size", function()
    local settings = { force_usage = true, max_event = 1024 }
    local call = capture.request { path = "/v1/chat/completions", headers = {}, body = '{"stream":true}', settings = settings }
    call:headers(200, { ["content-type"] = "text/event-stream" })
    local given, got = 0, 0
    local start = 'data: {"choices":[],"usage":{"prompt_tokens":1},"x":"'
    got = got + #call:feed(start)
    given = given + #start
    for _ = 1, 500 do
      got = got + #call:feed(("y"):rep(10))
      given = given + 10
      assert(given - got <= 1024 + 10, given - got)
    end
    got = got + #call:feed '"}\n\n' + #call:feed('data: {"choices":[],"usage":{"prompt_tokens":2}}\n\n', true)
    assert.equal(given + 4, got)
    assert.equal(2, call:record({}).prompt_tokens)
    assert.equal(1, capture.settings(settings).counts.unread_long)
  end)
end)
