--- Filters: compiled from a dialect, or combined from others.
local check = require "sessionquery.check"
local core = require "sessionquery.core"
local fields = require "sessionquery.field"

--- `to`: the filter as source text of a dialect; nil and the parts that it cannot say.
---@class sessionquery.Filter
---@field dump fun(self: sessionquery.Filter, stage?: "tree"): string the IR, split into rows and keep; "tree": before that
---@field sql fun(self: sessionquery.Filter, target?: "sqlite"): string?, string?, table? conditions with bound values
---@field to fun(self: sessionquery.Filter, to: "where"|"freeplay"|"helicone"|"langsmith"): string?, { part: string, reason: string }[]?

local filter = {}

--- Source text of a dialect, or for a JSON dialect a Lua table, as JSON text; nil, a message and its detail
--- otherwise. `more`: levels between this and the caller's function.
function filter.source(source, what, more)
  check.type(source, "string|table", what, (more or 0) + 1)
  if type(source) == "string" then return source end
  local text, message, detail = check.json(source, what, (more or 0) + 1, true)
  return text, message, detail
end

--- An error in JSON that was made of a table has no place in any text of the caller's.
function filter.placeless(detail, source)
  if type(source) == "table" then detail.offset, detail.length = nil, nil end
  return detail
end

--- Compiles a filter: `sq.filter("where", "latency_ms > 2000 and properties.env = 'prod'")`.
---@param dialect "freeplay"|"helicone"|"langsmith"|"langsmith-projects"|"where"
---@param source string|table text; of JSON dialects (freeplay, helicone) a table too
---@param options? { strict?: boolean } strict: refuse what we added to the vendor's language
---@return sessionquery.Filter? filter nil when the source is wrong
---@return string? message
---@return table? detail code, offset and length (bytes, from 0), pointer (JSON)
function filter.compile(dialect, source, options)
  check.type(dialect, "string", "filter: dialect")
  options = check.options(options, { strict = "boolean" }, "filter")
  local text, message, detail = filter.source(source, "filter: source")
  if not text then return nil, message, detail end
  local compiled, why, place = core.filter(dialect, text, options.strict)
  if compiled then return compiled end
  return nil, why, filter.placeless(place, source)
end

--- A filter as methods take it: one that is there, or `where` text. nil, message and detail when the text is
--- wrong; anything else raises, `more` levels above the method.
function filter.of(value, what, more)
  if type(value) == "string" then return core.filter("where", value) end
  if core.type(value) == "filter" then return value end
  error(("%s: expected a filter, got %s"):format(what, type(value)), 3 + (more or 0))
end

-- Which word the core has for what, where it differs.
local words = { negate = "not", some_request = "some", every_request = "every" }

local function combine(name, parts, map, level)
  for i = 1, check.list(parts, name, level - 1) do
    if core.type(parts[i]) ~= "filter" then
      error(("%s: part %d is a %s, not a filter"):format(name, i, type(parts[i])), level + 1)
    end
  end
  local combined, message = core.combine(words[name] or name, parts, map)
  if not combined then error(message, level + 1) end
  return combined
end

local function many(how)
  return function(parts) return (combine(how, parts, nil, 2)) end
end

local function one(how)
  return function(part)
    if core.type(part) ~= "filter" then error(("%s: expected a filter, got %s"):format(how, type(part)), 2) end
    return (combine(how, { part }, nil, 2))
  end
end

--- All must hold; of none, true.
---@type fun(parts: sessionquery.Filter[]): sessionquery.Filter
filter.all = many "all"
--- One must hold; of none, false.
---@type fun(parts: sessionquery.Filter[]): sessionquery.Filter
filter.any = many "any"
--- Must not hold.
---@type fun(part: sessionquery.Filter): sessionquery.Filter
filter.negate = one "negate"
--- Some request of the group satisfies it.
---@type fun(part: sessionquery.Filter): sessionquery.Filter
filter.some_request = one "some_request"
--- Every request of the group satisfies it.
---@type fun(part: sessionquery.Filter): sessionquery.Filter
filter.every_request = one "every_request"
--- The root of the request's trace satisfies it.
---@type fun(part: sessionquery.Filter): sessionquery.Filter
filter.root = one "root"
--- Some request of the request's trace satisfies it.
---@type fun(part: sessionquery.Filter): sessionquery.Filter
filter.in_trace = one "in_trace"
--- The nearest trace row around the request satisfies it: a completion (run_type llm or embedding) lies in the trace
--- row that its parent_id leads to, else in the one that its trace_id names. Of a trace row it is itself.
---@type fun(part: sessionquery.Filter): sessionquery.Filter
filter.enclosing = one "enclosing"
--- Some completion that lies in this trace row satisfies it.
---@type fun(part: sessionquery.Filter): sessionquery.Filter
filter.enclosed = one "enclosed"

--- One entry of the map satisfies all parts, which are of `f.entry.key`, `f.entry.value` and, for feedback,
--- `f.entry.score` and so on.
---@param map "properties"|"scores"|"extra"|"feedback"|"session.metadata"
---@param ... sessionquery.Filter
---@return sessionquery.Filter
function filter.entry(map, ...)
  local name = fields.path(map) or map
  if type(name) ~= "string" then error("entry: expected a map or its name, got " .. type(map), 2) end
  local parts, count = { ... }, select("#", ...)
  if count == 0 then error("entry: expected at least one filter", 2) end
  for i = 1, count do
    if core.type(parts[i]) ~= "filter" then error(("entry: part %d is a %s, not a filter"):format(i, type(parts[i])), 2) end
  end
  return (combine("entry", { (combine("all", parts, nil, 2)) }, name, 2))
end

return filter
