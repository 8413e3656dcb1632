--- The recorder's core: recorded streams of each provider, cut at every byte, give the same record each time, and
--- the client gets the provider's bytes. The streams are in spec/support/streams.
local capture = require "sessionquery.capture"
local compress = require "spec.support.compress"
local vm = require "spec.support.vm"

local function stream(name) return vm.read("spec/support/streams/" .. name) end

local PATHS = {
  chat = "/v1/chat/completions",
  completions = "/v1/completions",
  responses = "/v1/responses",
  embeddings = "/v1/embeddings",
  messages = "/v1/messages",
  generate = "/v1beta/models/gemini-flash-latest:generateContent",
  stream = "/v1beta/models/gemini-flash-latest:streamGenerateContent",
  azure = "/openai/deployments/our-gpt/chat/completions?api-version=2024-10-21",
}

--- Each: the file, the path, the record that it makes (without times and bodies).
local RECORDED = {
  { "openai-chat.txt", "chat", { provider = "openai", model = "gpt-4o-mini-2024-07-18", streamed = true, status = 200 } },
  { "openai-chat-usage.txt", "chat", { provider = "openai", model = "gpt-4o-mini-2024-07-18", streamed = true, status = 200,
    prompt_tokens = 19, completion_tokens = 10, total_tokens = 29, prompt_cache_read_tokens = 4 } },
  { "openai-chat-tools.txt", "chat", { provider = "openai", model = "gpt-4o-mini-2024-07-18", streamed = true, status = 200,
    prompt_tokens = 19, completion_tokens = 10, total_tokens = 29, prompt_cache_read_tokens = 4 } },
  { "azure-chat-usage.txt", "azure", { provider = "openai", model = "gpt-4o-2024-08-06", streamed = true, status = 200,
    prompt_tokens = 9, completion_tokens = 1, total_tokens = 10 } },
  { "openrouter-chat.txt", "chat", { provider = "openai", model = "deepseek/deepseek-r1", streamed = true, status = 200,
    prompt_tokens = 12, completion_tokens = 33, total_tokens = 45, prompt_cache_read_tokens = 0, prompt_cache_write_tokens = 8 } },
  { "openai-chat-error.txt", "chat", { provider = "openai", model = "gpt-4o-mini-2024-07-18", streamed = true, status = 200,
    error = "The server had an error while processing your request. Sorry about that!" } },
  { "odd-lines.txt", "chat", { provider = "openai", model = "gpt-4o-mini-2024-07-18", streamed = true, status = 200,
    prompt_tokens = 19, completion_tokens = 10, total_tokens = 29, prompt_cache_read_tokens = 4 } },
  { "openai-completions.txt", "completions", { provider = "openai", model = "gpt-3.5-turbo-instruct", streamed = true, status = 200 } },
  { "openai-chat.json", "chat", { provider = "openai", model = "gpt-4.1-2025-04-14", streamed = false, status = 200,
    prompt_tokens = 19, completion_tokens = 10, total_tokens = 29, prompt_cache_read_tokens = 4 } },
  { "openai-error.json", "chat", { provider = "openai", model = "asked", streamed = false, status = 429,
    error = "Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM)." }, 429 },
  { "openai-responses.txt", "responses", { provider = "openai", model = "gpt-4.1-2025-04-14", streamed = true, status = 200,
    prompt_tokens = 37, completion_tokens = 11, total_tokens = 48, prompt_cache_read_tokens = 32 } },
  { "openai-responses-failed.txt", "responses", { provider = "openai", model = "gpt-4.1-2025-04-14", streamed = true, status = 200,
    error = "The model failed to generate a response." } },
  { "openai-responses.json", "responses", { provider = "openai", model = "gpt-4.1-2025-04-14", streamed = false, status = 200,
    prompt_tokens = 37, completion_tokens = 11, total_tokens = 48, prompt_cache_read_tokens = 32 } },
  { "openai-embeddings.json", "embeddings", { provider = "openai", model = "text-embedding-ada-002", streamed = false, status = 200,
    run_type = "embedding", prompt_tokens = 8, total_tokens = 8 } },
  { "anthropic-messages.txt", "messages", { provider = "anthropic", model = "claude-sonnet-4-5-20250929", streamed = true, status = 200,
    prompt_tokens = 2125, completion_tokens = 15, prompt_cache_read_tokens = 2000, prompt_cache_write_tokens = 100 } },
  { "anthropic-tools.txt", "messages", { provider = "anthropic", model = "claude-sonnet-4-5-20250929", streamed = true, status = 200,
    prompt_tokens = 472, completion_tokens = 89, prompt_cache_read_tokens = 0, prompt_cache_write_tokens = 0 } },
  { "anthropic-overloaded.txt", "messages", { provider = "anthropic", model = "claude-sonnet-4-5-20250929", streamed = true, status = 200,
    error = "Overloaded", prompt_tokens = 2125, completion_tokens = 1, prompt_cache_read_tokens = 2000, prompt_cache_write_tokens = 100 } },
  { "anthropic-messages.json", "messages", { provider = "anthropic", model = "claude-sonnet-4-5-20250929", streamed = false, status = 200,
    prompt_tokens = 2106, completion_tokens = 503, prompt_cache_read_tokens = 11, prompt_cache_write_tokens = 0 } },
  { "anthropic-error.json", "messages", { provider = "anthropic", model = "asked", streamed = false, status = 400,
    error = "max_tokens: Field required" }, 400 },
  { "gemini-stream-sse.txt", "stream", { provider = "gemini", model = "gemini-2.5-flash", streamed = true, status = 200,
    prompt_tokens = 11, completion_tokens = 41, total_tokens = 52, prompt_cache_read_tokens = 3 } },
  { "gemini-stream.json", "stream", { provider = "gemini", model = "gemini-2.5-flash", streamed = true, status = 200,
    prompt_tokens = 11, completion_tokens = 41, total_tokens = 52, prompt_cache_read_tokens = 3 } },
  { "gemini-generate.json", "generate", { provider = "gemini", model = "gemini-2.5-flash", streamed = false, status = 200,
    prompt_tokens = 11, completion_tokens = 41, total_tokens = 52, prompt_cache_read_tokens = 3 } },
  { "gemini-blocked.txt", "stream", { provider = "gemini", model = "gemini-2.5-flash", streamed = true, status = 200,
    prompt_tokens = 8, total_tokens = 8 } },
  { "gemini-error.json", "stream", { provider = "gemini", model = "gemini-flash-latest", streamed = true, status = 429,
    error = "Resource has been exhausted (e.g. check quota)." }, 429 },
}

local function type_of(name) return name:find "txt$" and "text/event-stream; charset=utf-8" or "application/json" end

--- A call whose request asks for a stream where the answer is one.
local function request(case, settings)
  local path = PATHS[case[2]]
  local body = '{"model":"asked","messages":[{"role":"user","content":"Hi"}]' .. (case[1]:find "txt$" and ',"stream":true}' or "}")
  if path:find "gemini" then body = '{"contents":[]}' end
  return capture.request { path = path, headers = { ["content-type"] = "application/json" }, body = body, settings = settings }
end

--- Feeds the pieces; the record without what every record has, and the client's bytes.
local function run(case, pieces, settings, headers)
  local call = request(case, settings)
  call:headers(case[4] or 200, headers or { ["content-type"] = type_of(case[1]) })
  local out = {}
  for i = 1, #pieces do out[i] = call:feed(pieces[i], i == #pieces) end
  local record = call:record { now = 100 }
  record.created_at, record.target_url, record.request_body = nil, nil, nil
  return record, table.concat(out), call
end

local without_bodies = { request_bytes = 0, response_bytes = 0 }

local function bytes_of(text)
  local pieces = {}
  for i = 1, #text do pieces[i] = text:sub(i, i) end
  return pieces
end

local function random_pieces(text, random)
  local pieces, at = {}, 1
  while at <= #text do
    local size = random(random(4) == 1 and 200 or 12)
    pieces[#pieces + 1] = text:sub(at, at + size - 1)
    at = at + size
  end
  return pieces
end

--- A generator of our own: the same cuts in every VM.
local function generator(seed)
  return function(most)
    seed = (seed * 16807) % 2147483647
    return seed % most + 1
  end
end

describe("capture reads", function()
  for _, case in ipairs(RECORDED) do
    local text = stream(case[1])

    it(case[1] .. " whole, cut at every byte, and byte by byte", function()
      local record, out = run(case, { text }, without_bodies)
      assert.same(case[3], record)
      assert.equal(text, out)
      for cut = 1, #text - 1 do
        record, out = run(case, { text:sub(1, cut), text:sub(cut + 1) }, without_bodies)
        if out ~= text then error("other bytes when cut at " .. cut) end
        if not pcall(assert.same, case[3], record) then
          assert.same(case[3], record, "cut at " .. cut)
        end
      end
      record, out = run(case, bytes_of(text), without_bodies)
      assert.same(case[3], record)
      assert.equal(text, out)
    end)

    it(case[1] .. " cut at random, with CR, CRLF or LF, and as gzip and deflate", function()
      local random = generator(#text)
      for _ = 1, 60 do
        local record, out = run(case, random_pieces(text, random), without_bodies)
        assert.same(case[3], record)
        assert.equal(text, out)
      end
      if case[1]:find "txt$" then
        for _, ending in ipairs { "\r", "\r\n" } do
          local other = text:gsub("\r\n?", "\n"):gsub("\n", ending)
          local record = run(case, random_pieces(other, random), without_bodies)
          assert.same(case[3], record)
        end
      end
      for _, form in ipairs(compress(text)) do
        local encoding, packed = form[1], form[2]
        for round = 1, 4 do
          local pieces = round == 1 and { packed } or round == 2 and bytes_of(packed) or random_pieces(packed, random)
          local record, out = run(case, pieces, without_bodies, { ["content-type"] = type_of(case[1]), ["content-encoding"] = encoding })
          assert.same(case[3], record)
          assert.equal(packed, out)
        end
      end
    end)
  end
end)
