--- What reading costs a proxy: microseconds of CPU for each MiB of stream that passes, by provider and size of
--- chunks. `lua5.4 spec/bench/capture.lua` or luajit, with the paths of the specs.
local capture = require "sessionquery.capture"

local MIB = 1024 * 1024

local function event(json, name) return (name and "event: " .. name .. "\n" or "") .. "data: " .. json .. "\n\n" end

local chunk = '{"id":"chatcmpl-BkK1","object":"chat.completion.chunk","created":1750000000,"model":"gpt-4o-mini","service_tier":"default",'
  .. '"system_fingerprint":"fp_44709d6fcb","choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"usage":null}'
local usage = '{"choices":[],"model":"gpt-4o-mini","usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29}}'
local delta = '{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":" some words of an answer"}}'
local part = '{"candidates":[{"content":{"parts":[{"text":"' .. ("some words "):rep(20) .. '"}],"role":"model"},"index":0}],'
  .. '"usageMetadata":{"promptTokenCount":11,"candidatesTokenCount":12,"totalTokenCount":23},"modelVersion":"gemini-2.5-flash"}'
local numbers = ("-0.009327292,"):rep(1535) .. "0"

--- As many of `one` as make a MiB, then the last words.
local function fill(one, last) return one:rep(math.ceil(MIB / #one)) .. last end

local streams = {
  { "openai chat", "/v1/chat/completions", fill(event(chunk), event(usage) .. event "[DONE]") },
  { "openai chat, force_usage", "/v1/chat/completions", fill(event(chunk), event(usage) .. event "[DONE]"), { force_usage = true } },
  { "anthropic messages", "/v1/messages", fill(event(delta, "content_block_delta"), event('{"type":"message_stop"}', "message_stop")) },
  { "gemini, events", "/v1/models/g:streamGenerateContent", fill(event(part), "") },
  { "gemini, one array", "/v1/models/g:streamGenerateContent", "[" .. fill(part .. ",\n", part .. "]"), nil, "application/json" },
  { "openai embeddings", "/v1/embeddings", '{"data":[' .. fill('{"embedding":[' .. numbers .. "]},", "{}]") .. ',"usage":{"prompt_tokens":8}}', nil, "application/json" },
  { "openai chat, one JSON", "/v1/chat/completions", '{"choices":[{"message":{"content":"' .. fill('Some \\"words\\" of an answer,\\n', "") .. '"}}],"usage":{"prompt_tokens":8}}',
    nil, "application/json" },
}

local function measure(case, size)
  local text, pieces = case[3], {}
  for at = 1, #text, size do pieces[#pieces + 1] = text:sub(at, at + size - 1) end
  local rounds, started = 0, nil
  repeat
    if rounds == 3 then started = os.clock() end -- warm
    local call = capture.request { path = case[2], headers = {}, body = '{"model":"m","stream":true}', settings = case[4] }
    call:headers(200, { ["content-type"] = case[5] or "text/event-stream" })
    for i = 1, #pieces do call:feed(pieces[i]) end
    call:feed("", true)
    call:record { now = 1 }
    rounds = rounds + 1
  until started and os.clock() - started > 0.7
  return (os.clock() - started) / (rounds - 3) / (#text / MIB) * 1e6
end

print(("%s, microseconds for each MiB"):format(jit and "LuaJIT" or _VERSION))
print(("%-28s %10s %10s %10s"):format("", "200 B", "4 KiB", "64 KiB"))
for _, case in ipairs(streams) do
  print(("%-28s %10.0f %10.0f %10.0f"):format(case[1], measure(case, 200), measure(case, 4096), measure(case, 65536)))
end

--- A small call, from its request to its record: what every call costs besides its bytes.
local function measure_calls(settings)
  local headers = { ["content-type"] = "application/json", authorization = "Bearer x", ["helicone-session-id"] = "s1", ["helicone-user-id"] = "u1",
    ["helicone-property-env"] = "prod", ["user-agent"] = "OpenAI/Python 1.99", accept = "application/json" }
  local body = '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"' .. ("Some words of a question. "):rep(80) .. '"}],"stream":true}'
  local answer = event(chunk):rep(8) .. event(usage) .. event "[DONE]"
  local count, started = 20000, os.clock()
  for i = 1, count do
    local call = capture.request { method = "POST", path = "/v1/chat/completions", host = "api.openai.com", headers = headers, body = body, now = i, settings = settings }
    call:headers(200, { ["content-type"] = "text/event-stream" })
    call:feed(answer, false)
    call:feed("", true)
    call:record { now = i + 1 }
  end
  return (os.clock() - started) / count * 1e6
end

print(("one small call: %.1f microseconds; with force_usage %.1f"):format(measure_calls {}, measure_calls { force_usage = true }))
