--- While another made the index anew, with segments that ended elsewhere, a handle that knew the old ones did not find
--- sealed requests by their ids, and added them again.
local core = require "sessionquery.core"
local vm = require "spec.support.vm"

local function lines(from, to)
  local list = {}
  for i = from, to do list[#list + 1] = ('{"request_id":"r%d","session_id":"s","created_at":%d}'):format(i, i) end
  return table.concat(list, "\n")
end

it("they are found", function()
  for _, sizes in ipairs { { 10, 15 }, { 40, 15 }, { 100, 35 }, { 30, 31 } } do
    local path = vm.path()
    local knows = assert(core.open(path, { manual_seal = true, segment_rows = sizes[1] }))
    local anew = assert(core.open(path, { manual_seal = true, segment_rows = sizes[2] }))
    assert(knows:ingest(lines(1, 100), {}))
    assert(knows:seal())
    assert.equal(100, assert(knows:ingest(lines(1, 100), { on_conflict = "skip" })).skipped)
    os.remove(path .. "-columns")
    assert(os.execute("mkdir " .. path .. "-columns")) -- the new file cannot take its place, at the very end
    assert.is_nil((anew:reindex()))
    assert.equal(100, assert(knows:ingest(lines(1, 100), { on_conflict = "skip" })).skipped)
    assert(os.execute("rmdir " .. path .. "-columns"))
    assert(anew:reindex())
    assert.equal(100, assert(knows:ingest(lines(1, 100), { on_conflict = "skip" })).skipped)
    assert.equal(100, assert(knows:check()))
    knows:close()
    anew:close()
    vm.remove(path)
  end
end)
