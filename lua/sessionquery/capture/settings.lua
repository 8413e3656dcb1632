--- What an operator says about recording, checked once.
local check = require "sessionquery.check"

local known = {
  provider = "string", -- who answers, where neither host nor path tell
  force_usage = "boolean",
  accept_encoding = "string|boolean", -- asked of the upstream; false leaves the client's
  request_bytes = "number", -- of the body are kept; 0: it is not kept
  response_bytes = "number",
  redact = "function",
  clock = "function",
  max_event = "number",
  max_inflated = "number",
  max_ratio = "number",
  counts = "table",
}

local defaults = {
  force_usage = false,
  accept_encoding = "identity",
  request_bytes = 65536,
  response_bytes = 65536,
  max_event = 1048576, -- bytes of one event, or of one member or element of a JSON answer, that are read
  max_inflated = 268435456, -- bytes of an answer that came compressed
  max_ratio = 200, -- of these to those that came, beyond the first MiB
}

local least = { request_bytes = 0, response_bytes = 0, max_event = 1024, max_inflated = 1, max_ratio = 1 }

local made = setmetatable({}, { __mode = "k" }) -- options → settings
local Settings = {}

--- Settings with their defaults; those of one table are made once. `counts` counts what was not read and why.
return function(options)
  if options and getmetatable(options) == Settings then return options end
  local settings = options and made[options]
  if settings then return settings end
  options = check.options(options, known, "capture", 1)
  settings = setmetatable({ counts = {} }, Settings)
  for name, value in pairs(defaults) do settings[name] = value end
  for name, value in pairs(options) do settings[name] = value end
  for name, from in pairs(least) do check.whole(settings[name], from, 2 ^ 40, "capture: " .. name, 1) end
  if settings.accept_encoding == true then error("capture: accept_encoding is text, or false", 3) end
  made[options] = settings
  return settings
end
