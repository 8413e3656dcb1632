--- The command ended with 0 when the disk under its output was full.
local vm = require "spec.support.vm"

it("the command fails when its output is lost", function()
  local db = vm.path()
  local run = vm.prefix .. "build/bin/sessionquery "
  local line = vm.write(vm.path "line.jsonl", '{"request_id":"a","session_id":"s","created_at":1}\n')
  local _, imported = vm.shell(run .. "import -q --db " .. db .. " - <" .. line)
  assert.equal(0, imported)
  for _, command in ipairs { "sessions", "sessions --format csv", "stats", "explain" } do
    local output, status = vm.shell(("%s%s --db %s >/dev/full"):format(run, command, db))
    assert.equal(1, status, command)
    assert(output:find "standard output", output)
  end
  local output, status = vm.shell(("%ssessions --db %s | head -n 1"):format(run, db))
  assert.equal(0, status, output)
end)
