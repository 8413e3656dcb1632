--- One store behind handles of all engines and scopes, opened in ways that are no business of users.
local core = require "sessionquery.core"
local sq = require "sessionquery"

local engines = {}

--- A store with options of the core besides: segment_rows, plain_columns, plain_kernels.
function engines.open(path, options, more)
  local db = assert(sq.open(path, options))
  local whole = { manual_seal = options.seal == "manual", readonly = options.readonly, organization = options.organization,
    project = options.project, engine = options.engine }
  for name, value in pairs(more) do whole[name] = value end
  db._core:close()
  db._core = assert(core.open(path, whole))
  return db
end

local Set = {}
Set.__index = Set

--- Handles on a store, opened when they are first asked for.
function engines.set(path) return setmetatable({ path = path, handles = {} }, Set) end

--- `plain`: how the core works besides, "" or names of its options with a space between.
function Set:handle(engine, scope, plain)
  local name = table.concat({ engine, scope.organization or "\1", scope.project or "\1", plain }, "\0")
  if not self.handles[name] then
    local more = {}
    for option in plain:gmatch "%S+" do more[option] = true end
    self.handles[name] = engines.open(self.path, { engine = engine, organization = scope.organization, project = scope.project, readonly = true }, more)
  end
  return self.handles[name]
end

function Set:close()
  for _, db in pairs(self.handles) do db:close() end
  self.handles = {}
end

--- Why the column engine may refuse what it was asked, and what of the question it must have been.
local asks_source = function(pattern)
  return function(case) return case.source:find(pattern) ~= nil end
end
local function names_computed(text)
  for _, name in ipairs { "project_id", "session_metadata" } do
    if text:find(name, 1, true) then return true end
  end
  return false
end
local refusals = {
  ["root(…) asks about other requests"] = asks_source "root%(",
  ["in_trace(…) asks about other requests"] = asks_source "in_trace%(",
  ["enclosing(…) asks about other requests"] = asks_source "enclosing%(",
  ["enclosed(…) asks about other requests"] = asks_source "enclosed%(",
  ["entry(…) asks about whole maps"] = asks_source "entry%(",
  ["it asks about the entries of a session's map"] = asks_source "entry%(session%.metadata",
  ["it chooses by feedback, or by what was set on sessions"] = function(case)
    for _, name in ipairs { "tags", "metadata", "feedback_stats", "own_feedback_stats", "rating" } do
      if case.source:find("session." .. name, 1, true) then return true end
    end
    return false
  end,
  ["bodies have no columns"] = asks_source "_body",
  ["it asks about a field that has no column"] = function(case)
    return case.source:find "extra" ~= nil or (case.order or ""):find "_body" ~= nil or names_computed(case.order or "") or names_computed(case.keys)
  end,
  ["it asks about a field that is looked up elsewhere"] = function(case) return names_computed(case.source) end,
  ["all requests are wanted, and they lie in SQLite"] = function(case) return case.kind == "requests" and not case.limited end,
  ["its file is an older or newer one"] = function(case) return case.reindexed end, -- since its snapshot was taken
  ["the members of a map have no columns, or too many"] = function(case) return case.crowded or case.source:find "extra" ~= nil end,
}

--- The reason of a refusal; nil of any other error.
function engines.refusal(message)
  return message:match "the store was opened for the column engine, which cannot answer: (.*)$"
end

--- Whether the column engine may refuse the case for that reason.
function engines.may_refuse(case, reason) return refusals[reason] ~= nil and refusals[reason](case) end

return engines
