--- What the runs of a project have most often: the ten most frequent values of each of these, with the filter that finds
--- the runs that have them.
local core = require "sessionquery.core"
local sq = require "sessionquery"

local f = sq.field

local MOST = 10 -- of a kind

local facets = {}

local function quoted(value) return (assert(core.encode(value))) end

local function equals(name)
  return function(value) return ("eq(%s, %s)"):format(name, quoted(value)) end
end

--- In the order in which they are told. A field groups runs; a list or map is looked into.
local kinds = {
  { key = "name", group = "name", query = equals "name" },
  { key = "run_type", group = "run_type", query = equals "run_type" },
  { key = "status", group = "outcome", query = equals "status" },
  { key = "model", group = "model", query = equals "model" },
  { key = "tag", list = "tags", query = function(tag) return ("has(tags, %s)"):format(quoted(tag)) end },
  { key = "metadata", map = "properties", query = function(pair)
    local key, value = next(pair)
    return ("and(eq(metadata_key, %s), eq(metadata_value, %s))"):format(quoted(key), quoted(value))
  end },
}

local function more_frequent(a, b)
  if a.n ~= b.n then return a.n > b.n end
  return a.value < b.value
end

--- The groups of a field: by project a list of { value, n }.
local function of_field(call, name, where, find)
  local query = call.db:group_by("project", name):select { "total_requests" }
  local rows, message, detail = core.rows(call.core, query:where(where)._core)
  if not rows then return nil, message, detail end
  local found = {}
  for i = 1, rows:length() do
    local row = rows:read(i)
    local project = row[name] ~= nil and find(row.organization_id, row.project)
    if project then
      found[project] = found[project] or {}
      table.insert(found[project], { value = row[name], n = row.total_requests })
    end
  end
  for _, list in pairs(found) do
    table.sort(list, more_frequent)
    for i = #list, MOST + 1, -1 do list[i] = nil end
  end
  return found
end

--- The same of what stands in a list or map; these come sorted.
local function of_elements(call, name, is_map, where, find)
  local text, message, detail = core.frequent(call.core, call.db:requests():where(where)._core, name, MOST)
  if not text then return nil, message, detail end
  local found = {}
  for _, row in ipairs((assert(core.decode(text)))) do
    local project = find(row[1], row[2])
    if project then
      found[project] = found[project] or {}
      table.insert(found[project], is_map and { value = { [row[3]] = row[4] }, n = row[5] } or { value = row[3], n = row[4] })
    end
  end
  return found
end

--- Facets by project, as rows of statistics.
---@param call table whose store is asked
---@param projects table[]
---@param where sessionquery.Filter which runs
---@param find fun(organization: string?, project: string): table? the project
---@return table<table, { run_facets: table[] }>?
---@return string? message
---@return table? detail
function facets.of(call, projects, where, find)
  local all = {}
  for _, project in ipairs(projects) do all[project] = { run_facets = core.decode "[]" } end
  for _, kind in ipairs(kinds) do
    local found, message, detail
    if kind.group then
      found, message, detail = of_field(call, kind.group, where, find)
    else
      local name = kind.list or kind.map
      found, message, detail = of_elements(call, name, kind.map ~= nil, sq.all { where, f[name]:present() }, find)
    end
    if not found then return nil, message, detail end
    for project, list in pairs(found) do
      for _, facet in ipairs(list) do
        table.insert(all[project].run_facets, { key = kind.key, value = facet.value, n = facet.n, query = kind.query(facet.value) })
      end
    end
  end
  return all
end

return facets
