--- SQLite looks at the clock after BEGIN and COMMIT have done their work: what was stored was told to have
--- failed, and a transaction stayed open for good.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("what is told to have failed is not stored, and what follows goes on", function()
  local path = vm.path()
  local db = assert(sq.open(path, { timeout_ms = 1 }))
  local told = {}
  for round = 1, 1500 do -- sizes of about the deadline, so that it passes now here, now there
    local batch = {}
    for i = 1, 20 + round % 180 do batch[i] = { request_id = round .. "-" .. i, created_at = i } end
    local ids, _, detail = db:add(batch)
    if not ids then assert(detail.code == "timeout" or detail.code == "busy", detail.code) end
    told[tostring(round)] = ids ~= nil
  end
  db:close()
  db = assert(sq.open(path))
  local stored = {}
  for row in db:requests():each() do stored[row.request_id:match "^%d+"] = true end
  for round, good in pairs(told) do assert.equal(good, stored[round] == true, round) end
  db:close()
end)
