--- A snapshot opened the path again, as it was written: in another folder it was another store.
local vm = require "spec.support.vm"

it("a store's path is kept whole", function()
  local path = vm.path()
  local output, status = vm.run(([[
    local lfs, sq = require "lfs", require "sessionquery"
    local db = assert(sq.open(%q))
    assert(db:add { request_id = "mine", session_id = "s", created_at = 1 })
    assert(lfs.chdir "/")
    assert(db:snapshot(function(tx) return tx:requests():first().request_id end) == "mine")
    for row in db:requests():each { snapshot = true } do assert(row.request_id == "mine") end
    assert(assert(db:stats()).wal_bytes > 0)
  ]]):format(path))
  assert.equal(0, status, output)
end)
