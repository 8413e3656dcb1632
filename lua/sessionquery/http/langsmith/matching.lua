--- Which projects the parameters of GET /sessions let through. What compares text by Unicode or is a whole filter is asked
--- of a store in memory that holds the projects as records.
local core = require "sessionquery.core"
local sq = require "sessionquery"

local f = sq.field

local matching = {}

-- ------------------------------------------------------------------------------------------ plain comparisons

local function set_of(list)
  local set = {}
  for _, value in ipairs(list) do set[value] = true end
  return set
end

--- JSON values are the same, types included; 1 and 1.0 are.
local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if not same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return next(a) ~= nil or core.encode(a) == core.encode(b) -- [] is not {}
end

local function metadata_of(project)
  local metadata = project.extra and project.extra.metadata
  return type(metadata) == "table" and metadata or {}
end

--- By parameter: a test of a project.
local tests = {}

function tests.id(list)
  local wanted = set_of(list)
  return function(project) return wanted[project.id] end
end

function tests.reference_dataset(list)
  local wanted = set_of(list)
  return function(project) return project.reference_dataset_id and wanted[project.reference_dataset_id] end
end

function tests.tag_value_id(list)
  local wanted = set_of(list)
  return function(project)
    for _, id in ipairs(project.tag_value_ids or {}) do
      if wanted[id] then return true end
    end
  end
end

function tests.name(name)
  return function(project) return project.name == name end
end

function tests.reference_free(free)
  return function(project) return (project.reference_dataset_id == nil) == free end
end

function tests.dataset_version(text)
  return function(project)
    local version = metadata_of(project).dataset_version
    if version == nil or version == core.null or type(version) == "table" then return false end
    return (type(version) == "string" and version or core.encode(version)) == text
  end
end

function tests.metadata(pairs_wanted)
  return function(project)
    local metadata = metadata_of(project)
    for key, value in pairs(pairs_wanted) do
      if metadata[key] == nil or not same(value, metadata[key]) then return false end
    end
    return true
  end
end

-- ------------------------------------------------------------------------------------------ the store in memory

--- Statistics that a filter may ask about: numbers, times in seconds.
local asked_about = {
  "run_count", "latency_p50", "latency_p99", "first_token_p50", "first_token_p99", "total_tokens", "prompt_tokens",
  "completion_tokens", "total_cost", "prompt_cost", "completion_cost", "error_rate", "streaming_rate", "last_run_start_time",
}

--- Those whose names stand in the text.
local function mentioned(source)
  local names = {}
  for _, name in ipairs(asked_about) do
    if source:find(name, 1, true) then names[#names + 1] = name end
  end
  return names
end

local function is_number(value) return type(value) == "number" and math.abs(value) <= 2 ^ 53 - 1 end

--- Members that a record's map takes: text, booleans, and numbers that are exact.
local function members(map)
  local taken = {}
  for key, value in pairs(map) do
    if type(key) == "string" and (type(value) == "string" or type(value) == "boolean" or is_number(value)) then taken[key] = value end
  end
  return taken
end

local function tags_of(project)
  local tags = {}
  local own = project.extra and project.extra.tags
  for _, list in ipairs { project.tag_value_ids or {}, type(own) == "table" and own or {} } do
    for _, tag in ipairs(list) do
      if type(tag) == "string" then tags[#tags + 1] = tag end
    end
  end
  return tags
end

local function record_of(project, computed, names)
  local scores = {}
  for _, name in ipairs(names) do scores[name] = computed:value(name, project) end
  return {
    request_id = project.id, organization_id = project.organization_id, project = project.name, name = project.name,
    created_at = project.started_at, responded_at = project.end_time,
    tags = tags_of(project), properties = members(metadata_of(project)), scores = scores,
    extra = { description = project.description, reference_dataset_id = project.reference_dataset_id },
  }
end

--- Those of the projects that pass all filters.
local function ask(projects, filters, computed, names)
  local records = {}
  for i, project in ipairs(projects) do records[i] = record_of(project, computed, names) end
  local db, message, detail = sq.open ":memory:"
  if not db then return nil, message, detail end
  local added, why, place = db:add(records)
  local rows
  if added then rows, why, place = db:requests():where(sq.all(filters)):select({}):limit(#projects):all() end
  db:close()
  if not rows then return nil, why, place end
  local found, passed = {}, {}
  for _, row in ipairs(rows) do found[row.organization_id .. "\0" .. row.project] = true end
  for _, project in ipairs(projects) do
    if found[project.organization_id .. "\0" .. project.name] then passed[#passed + 1] = project end
  end
  return passed
end

--- The projects that pass.
---@param projects table[]
---@param wanted table values of the parameters
---@param filter sessionquery.Filter? of the parameter `filter`, compiled
---@param computed sessionquery.http.langsmith.Statistics
---@return table[]? projects
---@return string? message
---@return table? detail
function matching.of(projects, wanted, filter, computed)
  local passed = projects
  for name, make in pairs(tests) do
    if wanted[name] ~= nil then
      local test, kept = make(wanted[name]), {}
      for _, project in ipairs(passed) do
        if test(project) then kept[#kept + 1] = project end
      end
      passed = kept
    end
  end
  local filters = { filter }
  if wanted.name_contains then filters[#filters + 1] = f.name:contains(wanted.name_contains) end
  if #filters == 0 or #passed == 0 then return passed end
  local names = mentioned(filter and wanted.filter or "")
  local done, message, detail = computed:compute(names, passed)
  if not done then return nil, message, detail end
  local found, why, place = ask(passed, filters, computed, names)
  return found, why, place
end

--- The parameter `filter`, compiled.
---@param source string?
---@return sessionquery.Filter?
---@return string? message
---@return table? detail
function matching.filter(source)
  if not source then return nil end
  return sq.filter("langsmith-projects", source)
end

return matching
