--- One large cost among many sealed rows took the columns away from all sums: the bound was the greatest value times
--- the rows. And `check` called an index damaged where a session's sum leaves 64 bits.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("is summed by the columns", function()
  local path = vm.path()
  local db = assert(sq.open(path))
  local list = {}
  for i = 1, 30000 do list[i] = { request_id = "r" .. i, session_id = "s" .. i % 500, created_at = i, cost_usd = i == 7 and 999999 or 0.5, latency_ms = i == 8 and 2 ^ 48 or 1 } end
  assert(db:add(list))
  assert(db:seal())
  assert.matches("^engine: columns", assert(db:sessions():explain()))
  assert.equal(999999 + 0.5 * 29999, assert(db:group_by("project"):first()).total_cost_usd)
  db:close()
  vm.remove(path)
end)

it("and sums beyond 64 bits are SQL's, and no damage", function()
  local path = vm.path()
  local db = assert(sq.open(path))
  local list = {}
  for i = 1, 1100 do list[i] = { request_id = "r" .. i, session_id = "s", created_at = i, prompt_tokens = 2 ^ 53 - 1 } end
  assert(db:add(list))
  assert(db:seal())
  assert.matches("^engine: sql, by SQLite %(a sum might need more than 64 bits%)", assert(db:sessions():explain()))
  assert.equal(1100, assert(db:check()))
  db:close()
  vm.remove(path)
end)
