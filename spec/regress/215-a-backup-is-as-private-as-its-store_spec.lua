--- A backup was everybody's to read while it was written, and for good where that was cut short.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("from its first byte on", function()
  local path, target = vm.path(), vm.path "copy.db"
  local db = assert(sq.open(path))
  local list = {}
  for i = 1, 200 do list[i] = { created_at = i, request_body = ("x"):rep(20000) } end
  assert(db:add(list))
  db:close()
  vm.shell("chmod 600 " .. path)
  local child = vm.write(vm.path "child.lua", [[assert(assert(require("sessionquery").open(arg[1])):backup(arg[2]))]])
  vm.shell(("umask 022; ulimit -f 1000; exec 2>/dev/null; %s %s %s %s"):format(vm.command, child, path, target)) -- killed when it has written so much
  assert.equal("600\n", (vm.shell(("stat -c %%a %s.partial"):format(target))))
  vm.shell(("umask 022; %s %s %s %s"):format(vm.command, child, path, target))
  assert.equal("600\n", (vm.shell("stat -c %a " .. target)))
  vm.remove(target)
  vm.remove(path)
  os.remove(child)
end)
