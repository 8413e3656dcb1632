--- A column whose checksum was wrong made each query that came to it fail, until the next reindex.
local core = require "sessionquery.core"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("SQL answers instead", function()
  local path = vm.path()
  local store = assert(core.open(path, { manual_seal = true }))
  local lines = {}
  for i = 1, 50 do lines[i] = ('{"request_id":"r%d","session_id":"s%d","session_name":"chat","created_at":%d}'):format(i, i % 7, i) end
  assert(store:ingest(table.concat(lines, "\n"), {}))
  assert(store:seal())
  store:close()
  local sql = assert(sq.open(path, { engine = "sql" }))
  local wanted, count = assert(sql:sessions():json()), assert(sql:sessions():count())
  sql:close()
  local file = vm.read(path .. "-columns")
  local at = assert(file:find("chat", 1, true)) -- in the dictionary of session names, which is read last
  vm.write(path .. "-columns", file:sub(1, at - 1) .. "b" .. file:sub(at + 1))
  local columns = assert(sq.open(path, { engine = "columns" }))
  assert.is_nil((columns:sessions():json()))
  assert.equal(count, assert(columns:sessions():count())) -- which needs no names
  columns:close()
  local db = assert(sq.open(path))
  assert.equal(wanted, assert(db:sessions():json()))
  assert.matches("^engine: sql, by SQLite %(the column index is damaged: reindex%)", assert(db:sessions():explain()))
  assert(db:reindex())
  assert.matches("^engine: columns", assert(db:sessions():explain()))
  db:close()
  vm.remove(path)
end)
