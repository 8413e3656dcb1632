--- export to the store's own path replaced the store, and said that all was well.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("export does not write over the store", function()
  local path = vm.path()
  local db = assert(sq.open(path))
  assert(db:add { request_id = "r", created_at = 1 })
  os.execute(("ln -s %s %s.link"):format(path:match "[^/]*$", path))
  for _, target in ipairs { path, "./" .. path, path .. "-wal", path .. ".link" } do
    local count, message, detail = db:export(target)
    assert.is_nil(count)
    assert(message:find "is the store itself", message)
    assert.equal("store", detail.code)
  end
  os.remove(path .. ".link")
  db:close()
  db = assert(sq.open(path))
  assert.equal(1, assert(db:requests():count()))
  db:close()
end)
