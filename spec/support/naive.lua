--- A small evaluator of queries, written from the meaning of queries alone and sharing no code with the
--- library (but for the ids of projects, which are hashes): what the engines are held against. It works on records as
--- they were added. Its parts are in naive/.
---
--- A filter is a tree of tables: {"and", …}, {"or", …}, {"not", x}, {"some", x}, {"every", x}, {"root", x},
--- {"in_trace", x}, {"enclosing", x}, {"enclosed", x}, {"entry", map, x}, {"true"}, {"false"}, and {"is", field, key, op, {literals}}, where a
--- literal is { kind = "text"|"number"|"boolean", value =, … } with `value` on the field's own scale
--- (microseconds, nano-dollars; a half below the scale is allowed).
local aggregate = require "spec.support.naive.aggregate"
local fields = require "spec.support.naive.fields"
local filter = require "spec.support.naive.filter"
local levels = require "spec.support.naive.levels"

local naive = {}

-- ------------------------------------------------------------------------------------------------- ordering

local ranks = { number = 1, string = 2, boolean = 3 }

--- -1, 0, 1; absent is last, numbers before text before booleans.
local function order(a, b, descending)
  if a == nil or b == nil then return a == b and 0 or (a == nil and 1 or -1) end
  local result
  if type(a) ~= type(b) then
    result = ranks[type(a)] < ranks[type(b)] and -1 or 1
  elseif type(a) == "boolean" then
    result = a == b and 0 or (b and -1 or 1)
  else
    result = a == b and 0 or (a < b and -1 or 1)
  end
  return descending and -result or result
end

local function sort(list, terms)
  table.sort(list, function(x, y)
    for _, term in ipairs(terms) do
      local result = order(term.get(x), term.get(y), term.descending)
      if result ~= 0 then return result < 0 end
    end
    return false
  end)
end

-- ------------------------------------------------------------------------------------------------- queries

local function in_scope(row, scope)
  return (not scope.organization or row.organization_id == scope.organization)
    and (not scope.project or row.project == scope.project)
end

--- requests(): the rows that pass, in order. `order` is { field, descending } or nil.
function naive.requests(world, scope, tree, by)
  local rows = {}
  local split_rows = levels.split(tree)
  for _, row in ipairs(world.rows) do
    if in_scope(row, scope) and filter.passes(row, split_rows, world) then rows[#rows + 1] = row end
  end
  by = by or { "created_at", true }
  sort(rows, {
    { get = function(row) return fields.value(row, by[1], world) end, descending = by[2] },
    { get = function(row) return row.request_id end },
    { get = function(row) return row.project end },
    { get = function(row) return row.organization_id end },
  })
  return rows
end

local day = 86400 * 1000000

--- The start of the hour, day or week of a time; months by the calendar of os.date.
function naive.bucket(micros, unit, offset_minutes)
  local ahead = (offset_minutes or 0) * 60 * 1000000
  local here = micros + ahead
  if unit == "month" then
    local date = os.date("!*t", math.floor(here / 1000000))
    return here - (date.day - 1) * day - here % day - ahead
  end
  local size, shift = unit == "hour" and day / 24 or unit == "day" and day or 7 * day, unit == "week" and 4 * day or 0
  return math.floor((here - shift) / size) * size + shift - ahead
end

--- sessions() and group_by(): rows of all fields, in order. `keys` are { name =, get = } or nil for sessions.
--- `brief`: rows of total_requests alone, in no order.
function naive.groups(world, scope, tree, keys, by, brief)
  local by_session = keys == nil
  keys = keys or { { name = "id", get = function(row) return row.session_id end } }
  local trim, keep = levels.split(tree)
  local groups, list = {}, {}
  for _, row in ipairs(world.rows) do
    local counts = in_scope(row, scope) and not (by_session and row.session_id == nil)
    if counts and filter.passes(row, trim, world) then
      local id, key = { row.organization_id, by_session and row.project or "" }, {}
      for i, k in ipairs(keys) do
        key[i] = k.get(row)
        id[#id + 1] = type(key[i]) .. ":" .. tostring(key[i])
      end
      id = table.concat(id, "\0")
      if not groups[id] then
        groups[id] = { rows = {}, key = key, organization_id = row.organization_id, project = row.project }
        list[#list + 1] = groups[id]
      end
      table.insert(groups[id].rows, row)
    end
  end
  local kept = {}
  for _, group in ipairs(list) do
    group.fields = brief and #keep == 1 and { total_requests = #group.rows } or aggregate.fields(group.rows, world)
    if #keys == 1 then group.fields.id = group.key[1] end
    if by_session then
      local own = world.sessions[group.organization_id .. "\0" .. group.project .. "\0" .. group.key[1]] or {}
      group.fields.tags = own.tags or {}
      group.fields.metadata = own.metadata or {}
      group.fields.own_feedback_stats = aggregate.statistics(own.feedback or {})
    end
    if filter.keeps(group, keep, world) then kept[#kept + 1] = group end
  end
  if brief then
    for i, group in ipairs(kept) do kept[i] = { total_requests = group.fields.total_requests } end
    return kept
  end
  by = by or { "latest_request_created_at", true }
  local terms = { { descending = by[2], get = function(group)
    for i, k in ipairs(keys) do
      if k.name == by[1] then return group.key[i] end
    end
    return group.fields[by[1]]
  end } }
  for i in ipairs(keys) do terms[#terms + 1] = { get = function(group) return group.key[i] end } end
  terms[#terms + 1] = { get = function(group) return by_session and group.project or "" end }
  terms[#terms + 1] = { get = function(group) return group.organization_id end }
  sort(kept, terms)
  local rows = {}
  for i, group in ipairs(kept) do
    local row = {}
    for name, value in pairs(group.fields) do row[name] = value end
    for k, key in ipairs(keys) do row[key.name] = group.key[k] end
    if not scope.organization then row.organization_id = group.organization_id end
    if by_session and not scope.project then row.project = group.project end
    rows[i] = row
  end
  return rows
end

return naive
