--- What part of a tree is about requests, and what about groups.
local levels = {}

local around_other_rows = { root = true, in_trace = true, enclosing = true, enclosed = true }

local function level_of(tree)
  local kind = tree[1]
  if kind == "true" or kind == "false" then return {} end
  if kind == "some" or kind == "every" then return { session = true } end
  if kind == "entry" and tree[2] == "session.metadata" then return { session = true } end
  if around_other_rows[kind] or kind == "entry" then return { request = true } end
  if kind == "is" then return { [tree[2]:find "^session%." and "session" or "request"] = true } end
  local level = {}
  for i = 2, #tree do
    for name in pairs(level_of(tree[i])) do level[name] = true end
  end
  return level
end

--- Brackets of one kind, double NOTs and constants gone.
function levels.normal(tree)
  local kind = tree[1]
  if kind == "not" then
    local inner = levels.normal(tree[2])
    if inner[1] == "not" then return inner[2] end
    if inner[1] == "true" then return { "false" } end
    if inner[1] == "false" then return { "true" } end
    return { "not", inner }
  end
  if kind ~= "and" and kind ~= "or" then
    if kind == "some" or kind == "every" or around_other_rows[kind] then return { kind, levels.normal(tree[2]) } end
    return tree
  end
  local flat, neutral = { kind }, kind == "and" and "true" or "false"
  for i = 2, #tree do
    local member = levels.normal(tree[i])
    if member[1] == kind then
      for j = 2, #member do flat[#flat + 1] = member[j] end
    elseif member[1] == "true" or member[1] == "false" then
      if member[1] ~= neutral then return member end
    else
      flat[#flat + 1] = member
    end
  end
  if #flat == 1 then return { neutral } end
  if #flat == 2 then return flat[2] end
  return flat
end

local function only_requests(tree)
  local level = level_of(tree)
  return level.request and not level.session
end

--- A mixed tree as one about groups: a request-only part stands as some(part).
local function lift(tree)
  if only_requests(tree) then return { "some", tree } end
  local level = level_of(tree)
  if not (level.request and level.session) then return tree end
  if tree[1] == "not" then return { "not", lift(tree[2]) } end
  local lifted, together = { tree[1] }, { "and" }
  for i = 2, #tree do
    if tree[1] == "and" and only_requests(tree[i]) then together[#together + 1] = tree[i]
    else lifted[#lifted + 1] = lift(tree[i]) end
  end
  if #together > 1 then lifted[#lifted + 1] = { "some", together } end
  return lifted
end

--- The part about rows and the part about groups.
function levels.split(tree)
  tree = levels.normal(tree)
  local rows, keep = { "and" }, { "and" }
  local members = tree[1] == "and" and tree or { "and", tree }
  for i = 2, #members do
    if level_of(members[i]).session then keep[#keep + 1] = lift(members[i]) else rows[#rows + 1] = members[i] end
  end
  return rows, keep
end

return levels
