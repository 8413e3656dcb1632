--- Of several --where options the last one was taken, and the others passed over without a word.
local vm = require "spec.support.vm"

it("each --where holds", function()
  local path = vm.path "wheres.db"
  local lines = vm.write(vm.path "wheres.jsonl", '{"session_id":"a","created_at":1,"model":"x"}\n{"session_id":"b","created_at":1,"model":"x"}\n'
    .. '{"session_id":"b","created_at":2,"model":"y"}\n')
  local function run(arguments) return vm.shell(vm.prefix .. ("build/bin/sessionquery %s --db %s %s"):format(arguments:match "^%a+", path, arguments:match "^%a+(.*)")) end
  assert.equal(0, (select(2, run("import -q " .. lines))))
  local wheres = [[ --where "model = 'x'" --where "session.id != 'a'"]]
  assert.matches("\r\nb,,1,[^\n]*\r\n$", (run("sessions --format csv" .. wheres)))
  assert.matches("\r\na,[^\n]*\r\nb,,2,", (run "sessions --format csv --order id"))
  assert.matches('rows %(eq model "x"%) keep %(not %(eq session.id "a"%)%)', (run("explain" .. wheres)))
  local output, status = run [[sessions --where "modl = 'x'" --where "model = 'x'"]]
  assert.equal(1, status)
  assert.matches("unknown field 'modl'", output)
  vm.remove(path)
end)
