--- Requests and options as one string, for another Lua VM: booleans, numbers, text of any bytes, and tables of
--- them. JSON would not do: it holds no broken UTF-8, and a request may bring that. Keys are written sorted, so
--- that equal tables are equal texts.
local pack = {}

local write

local function write_table(value, out)
  local names = {}
  for key in pairs(value) do names[#names + 1] = key end
  table.sort(names, function(a, b)
    if type(a) ~= type(b) then return type(a) == "number" end
    return a < b
  end)
  out[#out + 1] = "{"
  for _, key in ipairs(names) do
    write(key, out)
    write(value[key], out)
  end
  out[#out + 1] = "}"
end

local writers = {
  string = function(value, out) out[#out + 1] = #value .. ":" .. value end,
  number = function(value, out) out[#out + 1] = ("#%.17g;"):format(value) end,
  boolean = function(value, out) out[#out + 1] = value and "t" or "f" end,
  table = write_table,
}

function write(value, out)
  local writer = writers[type(value)]
  if not writer then error("a " .. type(value) .. " cannot be given to another Lua VM", 0) end
  writer(value, out)
end

--- A table as text. Raises where it holds a function, a userdata or a thread.
---@param value table
---@return string
function pack.write(value)
  local out = {}
  write(value, out)
  return table.concat(out)
end

local read

--- What a mark stands for: a function of the text and the place behind the mark, to the value and the next place.
local readers = {
  t = function(_, at) return true, at end,
  f = function(_, at) return false, at end,
  ["#"] = function(text, at)
    local stop = text:find(";", at, true)
    return tonumber(text:sub(at, stop - 1)), stop + 1
  end,
  ["{"] = function(text, at)
    local result = {}
    while text:byte(at) ~= 125 do -- "}"
      local key, behind = read(text, at)
      result[key], at = read(text, behind)
    end
    return result, at + 1
  end,
}

function read(text, at)
  local reader = readers[text:sub(at, at)]
  if reader then return reader(text, at + 1) end
  local colon = text:find(":", at, true)
  local last = colon + tonumber(text:sub(at, colon - 1))
  return text:sub(colon + 1, last), last + 1
end

--- The table that `pack.write` wrote.
---@param text string
---@return table
function pack.read(text) return (read(text, 1)) end

return pack
