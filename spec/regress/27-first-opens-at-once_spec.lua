--- Several processes that opened a new store at once met "locked" and "not a sessionquery store".
local vm = require "spec.support.vm"

it("several processes may make the store at once", function()
  local script = vm.write(vm.path "open.lua", [[
    local db = assert(require("sessionquery").open(arg[1]))
    assert(db:add { created_at = 1 })
    db:close()
  ]])
  for _ = 1, 6 do
    local path = vm.path "new.db"
    local command = {}
    for i = 1, 6 do command[i] = ("%s %s %s & p%d=$!"):format(vm.command, script, path, i) end
    command[7] = "for p in $p1 $p2 $p3 $p4 $p5 $p6; do wait $p || exit 1; done"
    local output, status = vm.shell(table.concat(command, "\n"))
    assert.equal(0, status, output)
  end
  os.remove(script)
end)
