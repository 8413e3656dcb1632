--- Paths as they come, still percent-encoded: split first, then each segment decoded once, so that a slash in an
--- id stays in it.
local core = require "sessionquery.core"

local path = {}

local LONGEST = 8192

--- What a segment says; nil and why when it says nothing.
local function decode(segment)
  if segment:gsub("%%%x%x", ""):find("%", 1, true) then return nil, "a percent sign without two hexadecimal digits" end
  if segment:find "%c" then return nil, "a control character" end
  local text = segment:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end)
  if text:find("\0", 1, true) then return nil, "U+0000" end
  if not core.encode(text, true) then return nil, "invalid UTF-8" end
  if text == "." or text == ".." then return nil, "a segment '.' or '..'" end
  return text
end

--- The segments of a path behind the prefix.
---@param raw string begins with a slash
---@param prefix string "" or "/…" without a slash at its end
---@return string[]? segments nil when it is not behind the prefix
---@return string? message what is wrong with it, where something is
---@return integer? status
---@return string[]? before the segments before the one that is wrong
function path.split(raw, prefix)
  if type(raw) ~= "string" or raw:sub(1, 1) ~= "/" then return nil, "the path: it does not begin with a slash", 400 end
  if #raw > LONGEST then return nil, ("the path: more than %d bytes"):format(LONGEST), 414 end
  if raw:sub(1, #prefix) ~= prefix or raw:sub(#prefix + 1, #prefix + 1) ~= "/" then return nil end
  local segments, at = {}, #prefix + 1
  for segment in (raw:sub(#prefix + 2) .. "/"):gmatch "([^/]*)/" do
    local text, why = decode(segment)
    if not text then return nil, ("the path: %s at byte %d"):format(why, at), 400, segments end
    segments[#segments + 1] = text
    at = at + #segment + 1
  end
  return segments
end

return path
