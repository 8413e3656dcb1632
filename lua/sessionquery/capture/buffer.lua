--- Text that comes in pieces of any size. Pieces are joined as the bits of a counter are, so that a megabyte
--- that comes byte by byte is neither copied a million times nor kept as a million strings.
local concat = table.concat

---@class sessionquery.capture.Buffer
---@field bytes integer
local Buffer = {}
Buffer.__index = Buffer

local function new() return setmetatable({ bytes = 0 }, Buffer) end

function Buffer:add(piece)
  local count = #self + 1
  self[count] = piece
  self.bytes = self.bytes + #piece
  while count > 1 and #self[count - 1] <= #self[count] do
    self[count - 1] = self[count - 1] .. self[count]
    self[count] = nil
    count = count - 1
  end
end

--- All of it.
function Buffer:peek() return self[2] and concat(self) or self[1] or "" end

--- All of it, and the buffer is empty again.
function Buffer:take()
  local text = self:peek()
  for at = #self, 1, -1 do self[at] = nil end
  self.bytes = 0
  return text
end

return { new = new }
