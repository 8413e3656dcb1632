--- Token counts, as providers tell them: some tell them once, some again and again as totals so far, some in
--- parts over several events. So what was told is kept by its own name, the last value wins, and the record's
--- fields are made at the end.
local usage = {}

--- A token count that a record may have.
local function count_of(value)
  if type(value) == "number" and value >= 0 and value < 2 ^ 53 and value % 1 == 0 then return value end
end

--- The value at a path of names, or nil.
function usage.at(value, path)
  for i = 1, #path do
    if type(value) ~= "table" then return nil end
    value = value[path[i]]
  end
  return value
end

--- What a provider's tables are made into: the names that count. `fields` has for each field of a record the
--- names whose sum it is ("a.b": b of a).
function usage.names(fields)
  local names = { fields = fields }
  for _, sum in pairs(fields) do
    for _, name in ipairs(sum) do
      local path = {}
      for part in name:gmatch "[^.]+" do path[#path + 1] = part end
      names[name] = path
    end
  end
  return names
end

--- Takes over what a usage object tells. True when it told something.
function usage.merge(told, object, names)
  local any = false
  if type(object) ~= "table" then return false end
  for name, path in pairs(names) do
    local value = name ~= "fields" and count_of(usage.at(object, path))
    if value then told[name], any = value, true end
  end
  return any
end

--- Sets a record's fields; one of which nothing was told stays absent.
function usage.fill(record, told, names)
  for field, sum in pairs(names.fields) do
    local total
    for _, name in ipairs(sum) do
      if told[name] then total = (total or 0) + told[name] end
    end
    record[field] = count_of(total)
  end
end

return usage
