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
  local folder = vm.path "folder"
  os.execute("rm -rf " .. folder .. "; mkdir -p " .. folder)
  local output, status = vm.run(([[
    local sq, lfs = require "sessionquery", require "lfs"
    lfs.chdir(%q)
    local name = "file:x.db?mode=memory"
    local db = assert(sq.open(name))
    assert(db:add { request_id = "r", created_at = 1 })
    db:close()
    db = assert(sq.open(name))
    assert(db:requests():count() == 1)
    db:close()
    assert(os.remove(name))
  ]]):format(folder))
  assert.equal(0, status, output)
  os.execute("rm -rf " .. folder)
  assert.has_error(function() sq.open "" end)
end)

it("a foreign file is not called a newer store, nor a folder a broken one", function()
  local path = vm.path "foreign.db"
  vm.shell(("sqlite3 %s 'CREATE TABLE t(x); PRAGMA user_version = 12'"):format(path))
  local db, message = sq.open(path)
  assert.is_nil(db)
  assert(message:find "not a sessionquery store", message)
  db, message = sq.open "build/spec"
  assert.is_nil(db)
  assert(message:find "build/spec is a folder", message)
end)
