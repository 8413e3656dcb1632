--- OpenAI's answers, and those of the many servers that speak like it: chat completions, text completions,
--- responses, embeddings. prompt_tokens holds the cached ones, completion_tokens the reasoning.
local usage = require "sessionquery.capture.usage"

local find, match, byte = string.find, string.match, string.byte

local chat_names = usage.names {
  prompt_tokens = { "prompt_tokens" },
  completion_tokens = { "completion_tokens" },
  total_tokens = { "total_tokens" },
  prompt_cache_read_tokens = { "prompt_tokens_details.cached_tokens" },
  prompt_cache_write_tokens = { "prompt_tokens_details.cache_write_tokens" }, -- OpenRouter
}

local response_names = usage.names {
  prompt_tokens = { "input_tokens" },
  completion_tokens = { "output_tokens" },
  total_tokens = { "total_tokens" },
  prompt_cache_read_tokens = { "input_tokens_details.cached_tokens" },
}

--- Whether `"name":` is followed by something else than null somewhere in the JSON text.
local function has_value(data, name)
  local _, last = find(data, name, 1, true)
  while last do
    local is_null = byte(data, last + 1) == 58 and byte(data, last + 2) == 110 -- :n, as it nearly always comes
    if not is_null and match(data, "^%s*:%s*[^n%s]", last + 1) then return true end
    _, last = find(data, name, last + 1, true)
  end
  return false
end

--- A letter written as \u0041 to \u007a: nobody does, but it is JSON.
local function has_escaped_letters(data) return find(data, "\\u00", 1, true) and find(data, "\\u00[4-7]") ~= nil end

local function is_text(value) return type(value) == "string" and value ~= "" end

--- What a choice's delta (or a text completion's choice) may bring that a reader would see.
local visible = { "content", "text", "refusal", "reasoning_content", "reasoning" }

local function brings_content(choice)
  local delta = choice.delta
  local part = type(delta) == "table" and delta or choice
  for i = 1, #visible do
    if is_text(part[visible[i]]) then return true end
  end
  return type(part.tool_calls) == "table" and part.tool_calls[1] ~= nil
    or type(part.function_call) == "table" or type(part.audio) == "table"
end

local function read_choices(seen, choices)
  for i = 1, #choices do
    local choice = choices[i]
    if type(choice) == "table" then
      if not seen.content and brings_content(choice) then seen.content = true end
      if is_text(choice.finish_reason) then seen.finished = true end
    end
  end
end

local chat = {
  name = "openai.chat",
  provider = "openai",
  names = chat_names,
  members = { model = true, usage = true, x_groq = true, error = true, message = true, detail = true },
  can_force_usage = true,
}

function chat.wants(seen, _, data)
  if data == "[DONE]" then
    seen.finished = true
    return false
  end
  return not seen.content or not seen.model or has_value(data, '"usage"') or has_value(data, '"finish_reason"')
    or has_value(data, '"error"') or find(data, '"x_groq"', 1, true) ~= nil or has_escaped_letters(data)
end

--- Takes over what an event or a whole answer tells. True for the extra event that only brings the usage.
function chat.read(seen, event)
  if is_text(event.model) then seen.model = event.model end
  if type(event.choices) == "table" then read_choices(seen, event.choices) end
  if type(event.x_groq) == "table" then usage.merge(seen.told, event.x_groq.usage, chat_names) end
  local told = usage.merge(seen.told, event.usage, chat_names)
  return told and type(event.choices) == "table" and next(event.choices) == nil
end

local text = setmetatable({ name = "openai.completions" }, { __index = chat })

local embeddings = setmetatable({ name = "openai.embeddings", run_type = "embedding", can_force_usage = false }, { __index = chat })

local responses = {
  name = "openai.responses",
  provider = "openai",
  names = response_names,
  members = { model = true, usage = true, error = true, message = true, detail = true },
}

local last_events = { ["response.completed"] = true, ["response.incomplete"] = true, ["response.failed"] = true }

--- Those that say nothing new once content was seen; any other event is read.
local deltas = {
  ["response.output_text.delta"] = true,
  ["response.reasoning_text.delta"] = true,
  ["response.reasoning_summary_text.delta"] = true,
  ["response.refusal.delta"] = true,
  ["response.function_call_arguments.delta"] = true,
  ["response.custom_tool_call_input.delta"] = true,
  ["response.audio.delta"] = true,
  ["response.audio.transcript.delta"] = true,
}

function responses.wants(seen, name, data)
  if data == "[DONE]" then return false end
  name = name or match(data, '^{%s*"type"%s*:%s*"([^"\\]*)"')
  return not (seen.content and deltas[name])
end

function responses.read(seen, event)
  local kind = event.type
  if deltas[kind] and is_text(event.delta) then seen.content = true end
  if last_events[kind] then seen.finished = true end
  local response = type(event.response) == "table" and event.response or event
  if is_text(response.model) then seen.model = response.model end
  usage.merge(seen.told, response.usage, response_names)
  if kind == "error" and event.error == nil then event.error = { message = event.message } end
  if event.error == nil and response ~= event then event.error = response.error end
  return false
end

return { chat = chat, completions = text, embeddings = embeddings, responses = responses }
