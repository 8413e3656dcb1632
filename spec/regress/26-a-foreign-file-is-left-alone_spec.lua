--- A SQLite file of somebody else's was turned to WAL before it was refused.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("a file that is refused is not changed", function()
  local path = vm.path "foreign.db"
  vm.shell(("sqlite3 %s 'CREATE TABLE t(x); INSERT INTO t VALUES (1)'"):format(path))
  local before = vm.read(path)
  local db, message, detail = sq.open(path)
  assert.is_nil(db)
  assert(message:find "not a sessionquery store", message)
  assert.equal("version", detail.code)
  assert.equal(before, vm.read(path))
end)

it("an error of opening names the file", function()
  local db, message = sq.open "build/spec/no/such/folder/x.db"
  assert.is_nil(db)
  assert(message:find("build/spec/no/such/folder/x.db", 1, true), message)
end)

it("a path is a path", function()
  local name = vm.path("x.db"):match "[^/]*$"
  os.execute "mkdir -p build/spec"
  local output, status = vm.run(([[
    local sq = require "sessionquery"
    local db = assert(sq.open("file:%s?mode=memory"))
    assert(db:add { request_id = "r", created_at = 1 })
    db:close()
    assert(assert(sq.open("file:%s?mode=memory")):requests():count() == 1)
    os.remove "file:%s?mode=memory"
  ]]):format(name, name, name))
  assert.equal(0, status, output)
  assert.has_error(function() sq.open "" end)
end)
