--- A small language model's API, for trying the gateway out: it answers as OpenAI, Anthropic and Google do, streamed
--- and not, with made-up text and usage that follows from the request. Run by nginx (content_by_lua), see
--- examples/nginx.conf. Query parameters make it slow or break it: delay_ms (before each part of an answer),
--- words (how many it says), cut (it breaks off after that many parts), status (it fails with it).
local core = require "sessionquery.core"

local upstream = {}

local WORDS = { "A", "session", "is", "many", "calls", "that", "belong", "together." }
local CREATED = 1763683200 -- the same in each answer, so that answers can be compared
local CACHED = 64 -- prompt tokens that come from the provider's cache, where there are more than that

local EMPTY = {} -- a list without members

--- A value as JSON, members sorted: the same text for the same answer, from whichever worker.
local function json(value)
  if value == EMPTY then return "[]" end
  if type(value) ~= "table" then return core.encode({ value }):sub(2, -2) end
  local parts = {}
  if value[1] then
    for i, member in ipairs(value) do parts[i] = json(member) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  local names = {}
  for name in pairs(value) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do parts[i] = json(name) .. ":" .. json(value[name]) end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function number(name, default) return tonumber(ngx.var["arg_" .. name]) or default end

local function words()
  local list = {}
  for i = 1, number("words", #WORDS) do list[i] = (i > 1 and " " or "") .. WORDS[(i - 1) % #WORDS + 1] end
  return list
end

--- What a call uses: a token is four bytes of the request, and a word of the answer.
local function usage_of(text, said)
  local prompt = math.ceil(#text / 4)
  return { prompt = prompt, cached = prompt > CACHED and CACHED or 0, completion = #said }
end

local function pause()
  local delay = number("delay_ms", 0)
  if delay > 0 then ngx.sleep(delay / 1000) end
end

--- Sends the parts of an answer, each at once, and breaks off where it is told to.
local function send(parts)
  local cut = number("cut", nil)
  for i, part in ipairs(parts) do
    if cut == i - 1 then return ngx.exit(444) end
    pause()
    ngx.print(part)
    ngx.flush(true)
  end
end

local function send_events(events)
  ngx.header["Content-Type"] = "text/event-stream"
  local parts = {}
  for i, event in ipairs(events) do
    local name = event.name and "event: " .. event.name .. "\n" or ""
    parts[i] = name .. "data: " .. (type(event.data) == "string" and event.data or json(event.data)) .. "\n\n"
  end
  send(parts)
end

local function send_json(document)
  ngx.header["Content-Type"] = "application/json"
  local text = json(document)
  if number("cut", nil) then
    ngx.header["Content-Length"] = #text
    return send { text:sub(1, math.floor(#text / 2)), text:sub(math.floor(#text / 2) + 1) }
  end
  pause()
  ngx.print(text)
end

-- ------------------------------------------------------------------------------------------------------ OpenAI

local function openai_usage(usage)
  return {
    prompt_tokens = usage.prompt, completion_tokens = usage.completion, total_tokens = usage.prompt + usage.completion,
    prompt_tokens_details = { cached_tokens = usage.cached },
  }
end

local function openai_chunk(request, delta, reason)
  return { data = { id = "chatcmpl-1", object = "chat.completion.chunk", created = CREATED, model = request.model,
    choices = { { index = 0, delta = delta, finish_reason = reason } } } }
end

local function openai_stream(request, usage, said)
  local events = { openai_chunk(request, { role = "assistant", content = "" }) }
  for _, word in ipairs(said) do events[#events + 1] = openai_chunk(request, { content = word }) end
  events[#events + 1] = openai_chunk(request, { content = "" }, "stop")
  if type(request.stream_options) == "table" and request.stream_options.include_usage then
    events[#events + 1] = { data = { id = "chatcmpl-1", object = "chat.completion.chunk", model = request.model,
      choices = EMPTY, usage = openai_usage(usage) } }
  end
  events[#events + 1] = { data = "[DONE]" }
  send_events(events)
end

local function openai_chat(request, text)
  local said = words()
  local usage = usage_of(text, said)
  if request.stream == true then return openai_stream(request, usage, said) end
  send_json { id = "chatcmpl-1", object = "chat.completion", created = CREATED, model = request.model, usage = openai_usage(usage),
    choices = { { index = 0, finish_reason = "stop", message = { role = "assistant", content = table.concat(said) } } } }
end

local function openai_responses(request, text)
  local said = words()
  local usage = usage_of(text, said)
  local answer = { id = "resp_1", object = "response", status = "completed", model = request.model,
    usage = { input_tokens = usage.prompt, output_tokens = usage.completion, total_tokens = usage.prompt + usage.completion,
      input_tokens_details = { cached_tokens = usage.cached } },
    output = { { type = "message", role = "assistant", content = { { type = "output_text", text = table.concat(said) } } } } }
  if request.stream ~= true then return send_json(answer) end
  local created = { type = "response.created", response = { id = "resp_1", model = request.model } }
  local events = { { name = created.type, data = created } }
  for _, word in ipairs(said) do
    events[#events + 1] = { name = "response.output_text.delta", data = { type = "response.output_text.delta", delta = word } }
  end
  events[#events + 1] = { name = "response.completed", data = { type = "response.completed", response = answer } }
  send_events(events)
end

local function openai_embeddings(request, text)
  local tokens = math.ceil(#text / 4)
  send_json { object = "list", model = request.model, usage = { prompt_tokens = tokens, total_tokens = tokens },
    data = { { object = "embedding", index = 0, embedding = { 0.25, -0.5, 0.125 } } } }
end

-- --------------------------------------------------------------------------------------------------- Anthropic

local function anthropic_usage(usage, output)
  return { input_tokens = usage.prompt - usage.cached, cache_read_input_tokens = usage.cached, cache_creation_input_tokens = 0,
    output_tokens = output }
end

local function anthropic_event(kind, more)
  more.type = kind
  return { name = kind, data = more }
end

local function anthropic_stream(request, usage, said)
  local events = { anthropic_event("message_start", { message = { id = "msg_1", type = "message", role = "assistant",
    model = request.model, content = EMPTY, usage = anthropic_usage(usage, 1) } }),
    anthropic_event("content_block_start", { index = 0, content_block = { type = "text", text = "" } }) }
  for _, word in ipairs(said) do
    events[#events + 1] = anthropic_event("content_block_delta", { index = 0, delta = { type = "text_delta", text = word } })
  end
  events[#events + 1] = anthropic_event("content_block_stop", { index = 0 })
  events[#events + 1] = anthropic_event("message_delta",
    { delta = { stop_reason = "end_turn" }, usage = { output_tokens = usage.completion } })
  events[#events + 1] = anthropic_event("message_stop", {})
  send_events(events)
end

local function anthropic_messages(request, text)
  local said = words()
  local usage = usage_of(text, said)
  if request.stream == true then return anthropic_stream(request, usage, said) end
  send_json { id = "msg_1", type = "message", role = "assistant", model = request.model, stop_reason = "end_turn",
    content = { { type = "text", text = table.concat(said) } }, usage = anthropic_usage(usage, usage.completion) }
end

-- ------------------------------------------------------------------------------------------------------ Google

local function gemini_part(model, usage, said, from, last)
  return { modelVersion = model, candidates = { { index = 0, finishReason = last and "STOP" or nil,
    content = { role = "model", parts = { { text = table.concat(said, "", from, last and #said or from) } } } } },
    usageMetadata = { promptTokenCount = usage.prompt, cachedContentTokenCount = usage.cached > 0 and usage.cached or nil,
      candidatesTokenCount = last and usage.completion or from, totalTokenCount = usage.prompt + (last and usage.completion or from) } }
end

local function gemini(_, text)
  local model, method = ngx.var.uri:match "/models/([^/:]+):(%a+)$"
  local said = words()
  local usage = usage_of(text, said)
  if method == "generateContent" then return send_json(gemini_part(model, usage, said, 1, true)) end
  local parts = {}
  for i = 1, #said do parts[i] = gemini_part(model, usage, said, i, i == #said) end
  if ngx.var.arg_alt == "sse" then
    for i, part in ipairs(parts) do parts[i] = { data = part } end
    return send_events(parts)
  end
  ngx.header["Content-Type"] = "application/json"
  for i, part in ipairs(parts) do parts[i] = (i == 1 and "[" or ",\r\n") .. json(part) .. (i == #parts and "]" or "") end
  send(parts)
end

-- ------------------------------------------------------------------------------------------------------ routes

local routes = {
  { "/v1/chat/completions$", openai_chat }, { "/v1/responses$", openai_responses }, { "/v1/embeddings$", openai_embeddings },
  { "/v1/messages$", anthropic_messages }, { "/v1beta/models/[^/]+:%a+$", gemini },
}

--- Answers a request.
function upstream.answer()
  ngx.req.read_body()
  local text = ngx.req.get_body_data() or ""
  local request = core.decode(text)
  local status = number("status", 200)
  if status ~= 200 or type(request) ~= "table" then
    ngx.status = status ~= 200 and status or 400
    return send_json { error = { type = "invalid_request_error", message = "the upstream was asked to fail" } }
  end
  for _, route in ipairs(routes) do
    if ngx.var.uri:find(route[1]) then return route[2](request, text) end
  end
  ngx.status = 404
  send_json { error = { type = "not_found_error", message = "no such path" } }
end

return upstream
