--- Anthropic's messages. message_start tells the input and cache tokens, message_delta the output tokens so far
--- (and by now all the others again). input_tokens are those outside the cache: a record's prompt_tokens are all
--- that were sent.
local usage = require "sessionquery.capture.usage"

local match = string.match

local names = usage.names {
  prompt_tokens = { "input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens" },
  completion_tokens = { "output_tokens" },
  prompt_cache_read_tokens = { "cache_read_input_tokens" },
  prompt_cache_write_tokens = { "cache_creation_input_tokens" },
}

local messages = {
  name = "anthropic.messages",
  provider = "anthropic",
  names = names,
  members = { model = true, usage = true, error = true, message = true },
}

--- Events that tell nothing once content was seen.
local dull = { content_block_start = true, content_block_delta = true, content_block_stop = true, ping = true }

function messages.wants(seen, name, data)
  name = name or match(data, '^{%s*"type"%s*:%s*"([^"\\]*)"')
  return not (dull[name] and (seen.content or name == "ping" or name == "content_block_stop"))
end

local function is_text(value) return type(value) == "string" and value ~= "" end

--- Text, thinking, or the input of a tool: the beginning of a block alone only says which of them will come.
local function brings_content(delta)
  return type(delta) == "table" and (is_text(delta.text) or is_text(delta.thinking) or is_text(delta.partial_json))
end

--- A tool's name stands in the beginning of its block.
local function is_tool(block) return type(block) == "table" and is_text(block.type) and block.type:find("tool_use", 1, true) end

function messages.read(seen, event)
  local kind = event.type
  local message = kind == "message_start" and event.message
  if type(message) ~= "table" then message = event end
  if is_text(message.model) then seen.model = message.model end
  usage.merge(seen.told, message.usage, names)
  if kind == "content_block_delta" and brings_content(event.delta) then seen.content = true end
  if kind == "content_block_start" and is_tool(event.content_block) then seen.content = true end
  if kind == "message_stop" then seen.finished = true end
  if kind == "message_delta" and type(event.delta) == "table" and is_text(event.delta.stop_reason) then seen.finished = true end
  return false
end

return { messages = messages }
