--- What the body of a call says: the model, whether the answer is to be streamed; and how it is changed so that a
--- stream tells its usage. Only the members that matter are looked at, however large the others are, and of a
--- changed body all other bytes stay.
local core = require "sessionquery.core"
local json_split = require "sessionquery.capture.json_split"

local LONGEST = 65536 -- bytes of a member that matters
local ASK = '"include_usage":true'

local request = {}

--- The wanted members of an object: key → { text =, from =, last = } of its value, twice = true when it stands
--- there twice. nil when the text is not one object, as far as that shows.
local function members(text, wanted)
  local found = {}
  local items = json_split.new {
    wanted = wanted,
    most = LONGEST,
    on_item = function(item, from, key, key_bytes)
      local at = key_bytes and item:match("^%s*:%s*()", key_bytes + 1)
      if not at then return end
      local value = item:sub(at):gsub("%s+$", "")
      found[key] = { text = value, from = from + at - 1, last = from + at + #value - 2, twice = found[key] ~= nil }
    end,
  }
  items:feed(text)
  if items.kind ~= "object" or not items.over or text:find("%S", items.closes + 1) then return nil end
  return found, items.opens
end

local wanted = { model = true, stream = true, stream_options = true }

--- model and stream; and what force_usage needs.
---@param body string
---@return table? said nil when the body is not a JSON object
function request.read(body)
  local found, opens = members(body, wanted)
  if not found then return nil end
  local model = found.model and core.decode("[" .. found.model.text .. "]")
  model = model and model[1]
  return {
    model = type(model) == "string" and model ~= "" and model or nil,
    stream = found.stream ~= nil and found.stream.text == "true",
    options = found.stream_options,
    opens = opens,
  }
end

local function replace(text, from, last, by) return text:sub(1, from - 1) .. by .. text:sub(last + 1) end

--- stream_options is there, as an object.
local function ask_in(body, options)
  local inner, opens = members(options.text, { include_usage = true })
  if not inner then return nil end
  local said = inner.include_usage
  if said then
    if said.twice or said.text == "true" then return nil end
    return replace(body, options.from + said.from - 1, options.from + said.last - 1, "true")
  end
  local empty = options.text:find("^{%s*}$")
  local behind = options.from + opens
  return replace(body, behind, behind - 1, empty and ASK or ASK .. ",")
end

--- The body that asks for the usage of a stream, or nil when it asks already or is left as it is.
---@param body string
---@param said table what request.read gave
function request.ask_usage(body, said)
  local options = said.options
  if not said.stream then return nil end
  if not options then return replace(body, said.opens + 1, said.opens, '"stream_options":{' .. ASK .. "},") end
  if options.twice then return nil end
  if options.text == "null" then return replace(body, options.from, options.last, "{" .. ASK .. "}") end
  return ask_in(body, options)
end

return request
