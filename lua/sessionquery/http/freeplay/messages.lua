--- What a completion said and was told: the messages and input variables in its documents.
---
--- The request's document holds messages as OpenAI and Anthropic write them (`messages`, and `system` or
--- `instructions` before them), as Gemini does (`contents`, and `systemInstruction` before them), or one `prompt` or
--- `input`; a document that is text is one message of the user. The answer's message is that of the first choice or
--- candidate, or the document itself; an answer of another shape is one message with the document's text. Input
--- variables are `inputs` of the request's document or, without it, all of its members that are not the messages; what
--- is null is left out of them.
---
--- The schema has three roles, and content that is text: a tool's message is the user's, blocks of text stand in lines,
--- and any other block is its JSON. Tool calls stay beside the content.
local core = require "sessionquery.core"
local json = require "sessionquery.http.json"

local is_list, is_object = json.is_list, json.is_object

local messages = {}

local EMPTY = core.decode "[]"

local roles = {
  system = "system", developer = "system",
  assistant = "assistant", ai = "assistant", model = "assistant",
}

--- The value of JSON text; nil when it is none.
---@param text string?
---@return any
function messages.document(text)
  if text == nil then return nil end
  return (core.decode(text, true))
end

--- A member of an object, without null.
local function member(object, name)
  local value = object[name]
  if value ~= core.null then return value end
end

local function text_of_block(block)
  if type(block) == "string" then return block end
  if is_object(block) and type(block.text) == "string" then return block.text end
  return (assert(core.encode(block)))
end

local function text_of(content)
  if content == nil or content == core.null then return "" end
  if not is_list(content) then return text_of_block(content) end
  local lines = {}
  for i, block in ipairs(content) do lines[i] = text_of_block(block) end
  return table.concat(lines, "\n")
end

--- What a message keeps beside its role and content.
local kept = { "name", "tool_calls", "tool_call_id" }

--- A message of the schema, of whatever stands in a list of messages.
local function message_of(value, role)
  if not is_object(value) then return { role = role or "user", content = text_of(value) } end
  local made = { role = role or roles[value.role] or "user", content = text_of(member(value, "content") or member(value, "parts")) }
  for _, name in ipairs(kept) do made[name] = member(value, name) end
  return made
end

local function add_list(out, list)
  for _, value in ipairs(list) do
    if is_list(value) then add_list(out, value) else out[#out + 1] = message_of(value) end
  end
end

local function holds_messages(value)
  return is_list(value) and is_object(value[1]) and (value[1].role ~= nil or value[1].content ~= nil)
end

--- The members that stand before the messages: Anthropic's, that of OpenAI's responses, and Gemini's, written in either way.
local systems = { "system", "instructions", "systemInstruction", "system_instruction" }

--- Adds the request's messages; returns which members of the document they were.
local function add_request(out, document, text)
  if document == nil or type(document) ~= "table" then
    if text ~= nil then out[#out + 1] = message_of(document == nil and text or document) end
    return {}
  end
  if is_list(document) then
    if holds_messages(document) then add_list(out, document) end
    return {}
  end
  local used = {}
  for _, name in ipairs(systems) do
    local told = member(document, name)
    if told and next(used) == nil then
      out[#out + 1] = { role = "system", content = text_of(is_object(told) and member(told, "parts") or told) }
      used[name] = true
    end
  end
  for _, name in ipairs { "messages", "contents" } do
    if is_list(document[name]) then
      add_list(out, document[name])
      used[name] = true
    end
  end
  local prompt = member(document, "prompt")
  if not (used.messages or used.contents) and (type(prompt) == "string" or is_list(prompt)) then
    add_list(out, is_list(prompt) and prompt or { prompt })
    used.prompt = true
  end
  local input, called = member(document, "input"), type(document.model) == "string"
  if holds_messages(input) or (type(input) == "string" and called) then
    add_list(out, is_list(input) and input or { input })
    used.input = true
  end
  return used
end

--- The part of an answer that is its message: a value for message_of, or nil.
local function answer_of(document)
  local choice = is_list(document.choices) and document.choices[1]
  if is_object(choice) then return member(choice, "message") or member(choice, "text") end
  local candidate = is_list(document.candidates) and document.candidates[1]
  if is_object(candidate) then return member(candidate, "content") end
  if is_list(document.messages) then return document.messages[#document.messages] end
  if member(document, "content") ~= nil then return document end
  local message, output = member(document, "message"), member(document, "output")
  if message ~= nil then return message end
  if not is_list(output) then return output or member(document, "completion") end
  local content = {}
  for _, item in ipairs(output) do -- OpenAI's responses
    local blocks = is_object(item) and member(item, "content")
    if is_list(blocks) then
      for _, block in ipairs(blocks) do content[#content + 1] = block end
    else
      content[#content + 1] = item
    end
  end
  return { content = content }
end

local function add_answer(out, document, text)
  if text == nil then return end
  local answer
  if is_object(document) then answer = answer_of(document) end
  if type(document) == "string" then answer = document end
  out[#out + 1] = message_of(answer == nil and text or answer, "assistant")
end

--- A value of the schema's InputVariable: without null.
local function variable(value)
  if type(value) ~= "table" then return value end
  local list, made = is_list(value), {}
  for key, item in pairs(value) do
    if item ~= core.null and not list then made[key] = variable(item) end
  end
  if not list then return made end
  for _, item in ipairs(value) do
    if item ~= core.null then made[#made + 1] = variable(item) end
  end
  return #made > 0 and made or EMPTY
end

--- The messages and input variables of a completion.
---@param request string? its request's body
---@param response string? its answer's
---@return table[] messages
---@return table<string, any> inputs
function messages.of(request, response)
  local asked = messages.document(request)
  local out = {}
  local used = add_request(out, asked, request)
  add_answer(out, messages.document(response), response)
  local inputs = {}
  if is_object(asked) then
    if is_object(asked.inputs) then
      inputs = variable(asked.inputs)
    else
      for name, value in pairs(asked) do
        if not used[name] and value ~= core.null then inputs[name] = variable(value) end
      end
    end
  end
  return #out > 0 and out or EMPTY, inputs
end

return messages
