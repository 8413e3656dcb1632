--- SQLite looks at the clock after BEGIN and COMMIT have done their work: what was stored was told to have
--- failed, and a transaction stayed open for good.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("what is told to have failed is not stored, and what follows goes on", function()
  local path = vm.path()
  local db = assert(sq.open(path, { timeout_ms = 1 }))
  local failed = {}
  for i = 1, 2500 do
    local id, _, detail = db:add { request_id = "r" .. i, created_at = i }
    if not id then
      assert(detail.code == "timeout" or detail.code == "busy", detail.code)
      failed[#failed + 1] = "r" .. i
    end
  end
  db:close()
  db = assert(sq.open(path))
  assert.equal(2500 - #failed, assert(db:requests():count()))
  for _, id in ipairs(failed) do assert.is_nil((db:requests():where(sq.field.request_id:eq(id)):first())) end
  db:close()
end)
