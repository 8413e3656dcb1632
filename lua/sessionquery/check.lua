--- Checks of arguments: a caller's mistake raises at the caller's line.
local check = {}

--- How far a public function is above the check: its own caller is where the mistake is.
local CALLER = 3

--- Raises `message` at the caller of the function that calls this one.
---@param message string
---@param more? integer further levels between
function check.fail(message, more)
  error(message, CALLER + (more or 0))
end

--- An argument of one of these types ("string", "number|nil").
---@param value any
---@param wanted string type names, divided by "|"
---@param what string the argument, as the message names it
---@param more? integer
function check.type(value, wanted, what, more)
  local found = type(value)
  for name in wanted:gmatch "[^|]+" do
    if name == found then return value end
  end
  error(("%s: expected %s, got %s"):format(what, wanted:gsub("|", " or "), found), CALLER + (more or 0))
end

--- A whole number, not below `least`.
---@param value any
---@param least integer
---@param what string
---@param more? integer
function check.whole(value, least, what, more)
  local whole = type(value) == "number" and value == math.floor(value) and value >= least and value <= 2 ^ 53
  if not whole then
    error(("%s: expected a whole number from %d, got %s"):format(what, least, tostring(value)), CALLER + (more or 0))
  end
  return value
end

--- The known name nearest to a wrong one, or nil.
---@param name string
---@param known table<string, any>
local function nearest(name, known)
  local best, least = nil, 3
  for candidate in pairs(known) do
    local a, b = name:lower(), tostring(candidate):lower()
    local row = {}
    for j = 0, #b do row[j] = j end
    for i = 1, #a do
      local diagonal = row[0]
      row[0] = i
      for j = 1, #b do
        local change = diagonal + (a:byte(i) == b:byte(j) and 0 or 1)
        diagonal = row[j]
        row[j] = math.min(change, row[j] + 1, row[j - 1] + 1)
      end
    end
    if row[#b] < least then best, least = candidate, row[#b] end
  end
  return best
end

--- A table whose keys are all known; each known name has its type names.
---@param options table?
---@param known table<string, string>
---@param what string
---@param more? integer
function check.options(options, known, what, more)
  if options == nil then return {} end
  more = more or 0
  if type(options) ~= "table" then
    error(("%s: expected a table, got %s"):format(what, type(options)), CALLER + more)
  end
  for name, value in pairs(options) do
    local wanted = known[name]
    if not wanted then
      local near = nearest(tostring(name), known)
      local hint = near and (", did you mean '%s'?"):format(near) or ""
      error(("%s: unknown option '%s'%s"):format(what, tostring(name), hint), CALLER + more)
    end
    check.type(value, wanted, ("%s: %s"):format(what, name), more + 1)
  end
  return options
end

check.nearest = nearest

return check
