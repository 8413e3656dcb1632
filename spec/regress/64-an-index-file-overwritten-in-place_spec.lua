--- The file of the column index, overwritten in place while a handle had it mapped (`cp other-columns db-columns`),
--- ended the process at the next query.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local function make(rows)
  local path = vm.path()
  local db = assert(sq.open(path))
  for i = 1, rows do assert(db:add { request_id = "r" .. i, session_id = "s" .. i % 7, created_at = i, cost_usd = 1 }) end
  assert(db:seal())
  return db, path
end

local function overwrite(path, bytes)
  local file = assert(io.open(path, "r+b"))
  file:write(bytes)
  file:close()
end

it("is found out, whatever took its place", function()
  local other, other_path = make(90)
  other:close()
  local fillings = { ["its file is another store's"] = vm.read(other_path .. "-columns"), ["its file is none of ours"] = ("\0"):rep(30000) }
  for why, bytes in pairs(fillings) do
    local db, path = make(60)
    local answer = assert(db:sessions():json())
    overwrite(path .. "-columns", bytes)
    assert.equal(answer, assert(db:sessions():json()))
    assert.equal(60, assert(db:group_by("project"):first()).total_requests)
    assert.matches("^engine: sql, by SQLite %(the column index is damaged", assert(db:sessions():explain()))
    local checked, message = db:check()
    assert.is_nil(checked)
    assert.equal("the column index is damaged: " .. why, message)
    assert(db:reindex())
    assert.equal(60, assert(db:check()))
    db:close()
    vm.remove(path)
  end
  vm.remove(other_path)
end)
