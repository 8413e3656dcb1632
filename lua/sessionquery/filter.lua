--- Filters: compiled from a dialect, or combined from others.
local core = require "sessionquery.core"

---@class sessionquery.Filter
---@field dump fun(self: sessionquery.Filter, stage?: "tree"): string the IR, split into rows and keep; "tree": before that
---@field sql fun(self: sessionquery.Filter, target?: "sqlite"): string conditions with their bound values

local filter = {}

--- Source text of a dialect, or for a JSON dialect a Lua table, as JSON text; nil and a message otherwise.
function filter.source(source)
  if type(source) == "string" then return source end
  if type(source) ~= "table" then error("source: expected text or a table, got " .. type(source), 3) end
  return core.encode(source)
end

--- Compiles a filter.
---@param dialect "helicone"|"where"
---@param source string|table text; for helicone a table too
---@return sessionquery.Filter? filter nil when the source is wrong
---@return string? message
---@return table? detail code, offset and length (bytes, from 0), pointer (JSON)
function filter.compile(dialect, source)
  if type(dialect) ~= "string" then error("dialect: expected text, got " .. type(dialect), 2) end
  local text, message = filter.source(source)
  if not text then return nil, message, { code = "type" } end
  local compiled, why, detail = core.filter(dialect, text)
  if compiled then return compiled end
  if type(source) == "table" then detail.offset, detail.length = nil, nil end -- no text of the caller's
  return nil, why, detail
end

local function combine(how, parts, map)
  for i = 1, #parts do
    if core.type(parts[i]) ~= "filter" then
      error(("%s: part %d is a %s, not a filter"):format(how, i, type(parts[i])), 3)
    end
  end
  local combined, message = core.combine(how, parts, map)
  if not combined then error(message, 3) end
  return combined
end

local function many(how)
  return function(parts)
    if type(parts) ~= "table" then error(("%s: expected a list of filters, got %s"):format(how, type(parts)), 2) end
    return (combine(how, parts))
  end
end

local function one(how)
  return function(part) return (combine(how, { part })) end
end

--- All must hold; of none, true.
---@type fun(parts: sessionquery.Filter[]): sessionquery.Filter
filter.all = many "all"
--- One must hold; of none, false.
---@type fun(parts: sessionquery.Filter[]): sessionquery.Filter
filter.any = many "any"
--- Must not hold.
---@type fun(part: sessionquery.Filter): sessionquery.Filter
filter.negate = one "not"
--- Some request of the group satisfies it.
---@type fun(part: sessionquery.Filter): sessionquery.Filter
filter.some_request = one "some"
--- Every request of the group satisfies it.
---@type fun(part: sessionquery.Filter): sessionquery.Filter
filter.every_request = one "every"
--- The root of the request's trace satisfies it.
---@type fun(part: sessionquery.Filter): sessionquery.Filter
filter.root = one "root"
--- Some request of the request's trace satisfies it.
---@type fun(part: sessionquery.Filter): sessionquery.Filter
filter.in_trace = one "in_trace"

--- One entry of the map satisfies all parts, which are of `f.entry.key`, `f.entry.value` and, for feedback,
--- `f.entry.score` and so on.
---@param map "properties"|"scores"|"extra"|"feedback"|"session.metadata"
---@param ... sessionquery.Filter
---@return sessionquery.Filter
function filter.entry(map, ...)
  local name = type(map) == "table" and rawget(map, "_name") or map
  if type(name) ~= "string" then error("entry: expected a map or its name, got " .. type(map), 2) end
  local parts = { ... }
  if #parts == 0 then error("entry: expected at least one filter", 2) end
  return (combine("entry", { #parts == 1 and parts[1] or combine("all", parts) }, name))
end

return filter
