--- Whether an entry, a request or a group satisfies a tree.
local compare = require "spec.support.naive.compare"
local fields = require "spec.support.naive.fields"

local filter = {}

local function both(tree, test)
  for i = 2, #tree do
    if not test(tree[i]) then return false end
  end
  return true
end

local function either(tree, test)
  for i = 2, #tree do
    if test(tree[i]) then return true end
  end
  return false
end

--- Whether an entry satisfies a tree of entry comparisons.
local function entry_passes(entry, tree)
  local kind = tree[1]
  if kind == "and" then return both(tree, function(t) return entry_passes(entry, t) end) end
  if kind == "or" then return either(tree, function(t) return entry_passes(entry, t) end) end
  if kind == "not" then return not entry_passes(entry, tree[2]) end
  return compare.member(tree[4], entry[tree[2]:gsub("^entry%.", "")], tree[5])
end

local maps = { properties = true, scores = true, extra = true, session_metadata = true }

--- Whether a request satisfies a tree of request fields.
function filter.passes(row, tree, world)
  local kind = tree[1]
  local function test(t) return filter.passes(row, t, world) end
  if kind == "true" then return true end
  if kind == "false" then return false end
  if kind == "and" then return both(tree, test) end
  if kind == "or" then return either(tree, test) end
  if kind == "not" then return not test(tree[2]) end
  if kind == "entry" then
    for _, entry in ipairs(fields.entries(row, tree[2], world)) do
      if entry_passes(entry, tree[3]) then return true end
    end
    return false
  end
  if kind == "root" or kind == "in_trace" then
    for _, other in ipairs(fields.trace(row, world)) do
      local counts = kind == "in_trace" or other.parent_id == nil
      if counts and filter.passes(other, tree[2], world) then return true end
    end
    return false
  end
  if kind == "enclosing" then
    local around = fields.enclosing(row, world)
    return around ~= nil and filter.passes(around, tree[2], world)
  end
  if kind == "enclosed" then
    for _, other in ipairs(fields.enclosed(row, world)) do
      if filter.passes(other, tree[2], world) then return true end
    end
    return false
  end
  local field, key, op = tree[2], tree[3], tree[4]
  if op == "has" and maps[field] then
    return fields.member(row, field, tree[5][1].value, world) ~= nil
  end
  local value = fields.member(row, field, key, world)
  if key ~= nil then return compare.member(op, value, tree[5]) end
  return compare.value(op, value, tree[5])
end

--- Whether a group satisfies a tree about groups.
function filter.keeps(group, tree, world)
  local kind = tree[1]
  local function test(t) return filter.keeps(group, t, world) end
  if kind == "true" then return true end
  if kind == "false" then return false end
  if kind == "and" then return both(tree, test) end
  if kind == "or" then return either(tree, test) end
  if kind == "not" then return not test(tree[2]) end
  if kind == "some" or kind == "every" then
    local some = kind == "some"
    for _, row in ipairs(group.rows) do
      if filter.passes(row, tree[2], world) == some then return some end
    end
    return not some
  end
  if kind == "entry" then
    for _, entry in ipairs(fields.members_of(group.fields.metadata)) do
      if entry_passes(entry, tree[3]) then return true end
    end
    return false
  end
  local value = group.fields[tree[2]:gsub("^session%.", "")]
  if tree[3] ~= nil then return compare.member(tree[4], value and value[tree[3]], tree[5]) end
  if tree[4] == "has" and tree[2] == "session.metadata" then return value ~= nil and value[tree[5][1].value] ~= nil end
  return compare.value(tree[4], value, tree[5])
end

return filter
