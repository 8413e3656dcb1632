--- export to the store's own path replaced the store, and said that all was well.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("export does not write over the store", function()
  local path = vm.path()
  local db = assert(sq.open(path))
  assert(db:add { request_id = "r", created_at = 1 })
  os.execute(("ln -s %s %s.link"):format(path:match "[^/]*$", path))
  for _, target in ipairs { path, "./" .. path, path .. "-wal", path .. ".link", path .. "-journal", path .. "-shm" } do
    local count, message, detail = db:export(target)
    assert.is_nil(count)
    assert(message:find "is a file of the store itself", message)
    assert.equal("store", detail.code)
  end
  os.remove(path .. ".link")
  db:close()
  db = assert(sq.open(path))
  assert.equal(1, assert(db:requests():count()))
  db:close()
end)

it("export writes to devices and pipes, and behind links", function()
  local db = assert(sq.open ":memory:")
  assert(db:add { request_id = "r", created_at = 1 })
  local pipe, copy = vm.path "pipe", vm.path "copy"
  vm.shell(("mkfifo %s && (cat %s >%s 2>/dev/null &)"):format(pipe, pipe, copy))
  assert.equal(1, assert(db:export(pipe)))
  vm.shell("sleep 0.2")
  assert(vm.read(copy):find '"request_id":"r"')
  assert.equal(0, select(2, vm.shell("test -p " .. pipe)))
  os.remove(pipe)
  local target, link = vm.write(vm.path "target.jsonl", "old"), vm.path "link.jsonl"
  vm.shell(("ln -sf %s %s"):format(target:match "[^/]*$", link))
  assert.equal(1, assert(db:export(link)))
  assert.equal(0, select(2, vm.shell("test -L " .. link)))
  assert(vm.read(target):find '"request_id":"r"')
  os.remove(link)
  db:close()
end)

it("import does not open the files of an open store: closing them would take SQLite's locks away", function()
  local path = vm.path()
  local db = assert(sq.open(path))
  assert(db:add { request_id = "r", created_at = 1 })
  for _, source in ipairs { path, "./" .. path, path .. "-shm" } do
    local sum, message, detail = db:import(source)
    assert.is_nil(sum)
    assert(message:find "a file of a store that is open", message)
    assert.equal("store", detail.code)
  end
  db:close()
end)
