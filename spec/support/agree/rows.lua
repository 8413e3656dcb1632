--- Rows of the library beside those of the evaluator.
local rows = {}

local money = {
  total_cost_usd = true, prompt_cost_usd = true, completion_cost_usd = true, cost_usd = true,
}
--- Fields whose values are times: seconds in the library, microseconds in the evaluator.
rows.times = {
  created_at = true, latest_request_created_at = true, responded_at = true, ended_at = true, hour = true, day = true, week = true, month = true,
}

--- The library's value on the evaluator's scale.
function rows.rescale(name, value)
  if type(value) ~= "number" then return value end
  if money[name] then return math.floor(value * 1e9 + 0.5) end
  if rows.times[name] then
    local seconds = math.floor(value)
    return seconds * 1000000 + math.floor((value - seconds) * 1e6 + 0.5)
  end
  return value
end

local function same(a, b)
  if a == b then return true end
  if type(a) ~= "table" or type(b) ~= "table" then return false end
  for key, value in pairs(a) do
    if not same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

--- A value as text, the same for the same value.
function rows.show(value)
  if type(value) == "number" then return ("%.17g"):format(value) end
  if type(value) ~= "table" then return type(value) == "string" and ("%q"):format(value) or tostring(value) end
  local parts = {}
  for key, member in pairs(value) do parts[#parts + 1] = tostring(key) .. "=" .. rows.show(member) end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

local function difference(got, wanted)
  for name, value in pairs(wanted) do
    local found = rows.rescale(name, got[name])
    if not same(found, value) then return ("%s: got %s, wanted %s"):format(name, rows.show(found), rows.show(value)) end
  end
  for name in pairs(got) do
    if wanted[name] == nil then return name .. ": not expected" end
  end
end

local function place_of(row)
  return ("%s/%s/%s"):format(rows.show(row.organization_id), rows.show(row.project), rows.show(row.request_id or row.id))
end

--- Raises what the first difference is.
function rows.compare(got, wanted)
  for i = 1, math.max(#got, #wanted) do
    if not got[i] or not wanted[i] then
      error(("rows: got %d, wanted %d; the first too many or too few: %s"):format(#got, #wanted, place_of(got[i] or wanted[i])), 0)
    end
    local wrong = difference(got[i], wanted[i])
    if wrong then error(("row %d, got %s, wanted %s: %s"):format(i, place_of(got[i]), place_of(wanted[i]), wrong), 0) end
  end
end

return rows
