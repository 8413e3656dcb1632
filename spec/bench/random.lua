--- Numbers and ids of the benches that write calls: the same ones every time, in every Lua.
local random = {}

local state = 12345

--- The next whole number from `low` to `high`: the minimal standard generator.
function random.number(low, high)
  state = state * 16807 % 2147483647
  return low + state % (high - low + 1)
end

function random.uuid()
  local number = random.number
  return ("%08x-%04x-4%03x-8%03x-%06x%06x"):format(number(0, 2147483645), number(0, 65535), number(0, 4095),
    number(0, 4095), number(0, 16777215), number(0, 16777215))
end

return random
