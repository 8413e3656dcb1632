--- A query was a pointer to the collector and 16 KB to the system: beside a large heap, tens of thousands of queries that
--- nobody had any more waited for a collection.
local sq = require "sessionquery"

local function resident_mb()
  local file = assert(io.open "/proc/self/status")
  local text = file:read "*a"
  file:close()
  return text:match "VmRSS:%s*(%d+)" / 1024
end

describe("queries that nobody has any more", function()
  it("go, however large the heap is", function()
    if (os.getenv "LD_PRELOAD" or ""):find "asan" then return end -- it keeps what is freed, to find who uses it
    local heap = {}
    for i = 1, 1000000 do heap[i] = { i } end
    collectgarbage()
    local db = assert(sq.open ":memory:")
    local before = resident_mb()
    for i = 1, 20000 do assert(db:requests():where(sq.field.model:eq("m" .. i))) end
    local grown = resident_mb() - before
    assert(grown < 150, ("20,000 queries took %.0f MB"):format(grown))
    db:close()
    assert.equal(1000000, #heap)
  end)
end)
