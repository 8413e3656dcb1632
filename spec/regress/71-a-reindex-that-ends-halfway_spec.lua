--- A reindex that ended halfway (a full disk, a kill) had put its hashes of request ids in the place of others: after
--- the next seal some requests were not found by their ids any more, and adding them again doubled them.
local core = require "sessionquery.core"
local vm = require "spec.support.vm"

local function lines(first, last)
  local list = {}
  for i = first, last do
    list[#list + 1] = ('{"request_id":"r%d","session_id":"s","created_at":%d,"model":"%d%s"}'):format(i, i, i, ("x"):rep(2000))
  end
  return table.concat(list, "\n")
end

it("leaves every request to be found", function()
  local path = vm.path()
  local store = assert(core.open(path, { segment_rows = 50 }))
  assert(store:ingest(lines(1, 150), {}))
  for i = 1, 8 do assert(store:delete { request = "r" .. i }) end -- a reindex will cut the segments elsewhere
  store = nil -- luacheck: ignore
  collectgarbage()
  local child = vm.write(vm.path "child.lua", [[
    local store = assert(require("sessionquery.core").open(arg[1], { segment_rows = 50 }))
    print(select(2, store:reindex()))
    io.stdout:flush()
    os.execute("kill -9 $PPID") -- closing would write more]])
  local output = vm.shell(("sh -c \"trap '' XFSZ; ulimit -f 480; exec %s %s %s\""):format(vm.command, child, path))
  assert(output:find "column index: allocate", output)
  store = assert(core.open(path, { segment_rows = 50 }))
  for i = 101, 120 do assert(store:delete { request = "r" .. i }) end
  assert(store:seal()) -- the last segment again
  local counts = assert(store:ingest(lines(9, 100) .. "\n" .. lines(121, 150), {}))
  assert.equal(122, counts.replaced)
  assert.equal(0, counts.added)
  store = nil -- luacheck: ignore
  collectgarbage()
  vm.remove(path)
  os.remove(child)
end)
