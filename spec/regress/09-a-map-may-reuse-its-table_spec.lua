--- import wrote the id it made into the table that the map gave: a map that uses one table for all lines lost
--- all records but one; and an id of null was made anew at each import.
local sq = require "sessionquery"

local function lines()
  local at = 0
  return function()
    at = at + 1
    if at <= 3 then return ('{"t":%d}'):format(at) end
  end
end

it("a map may reuse its table", function()
  local db, out = assert(sq.open ":memory:"), {}
  local function map(record)
    out.created_at = record.t
    return out
  end
  assert.equal(3, assert(db:import(lines(), { map = map })).added)
  assert.equal(3, assert(db:import(lines(), { map = map })).replaced)
  assert.is_nil(out.request_id)
  db:close()
end)

it("an id of null is none", function()
  local db = assert(sq.open ":memory:")
  local function map(record) return { request_id = sq.null, created_at = record.t } end
  assert.equal(3, assert(db:import(lines(), { map = map })).added)
  assert.equal(3, assert(db:import(lines(), { map = map })).replaced)
  db:close()
end)
