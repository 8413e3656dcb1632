--- A segment of which no row was left was sealed again in a list of segments that held the others twice: it wrote
--- behind the list's end.
local engines = require "spec.support.engines"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("it is replaced where it stood", function()
  local path = vm.path()
  local db = engines.open(path, { seal = "manual" }, { segment_rows = 2 })
  for i = 1, 100 do assert(db:add { request_id = "r" .. i, session_id = "s" .. i % 7, created_at = i }) end
  assert(db:seal())
  for _, i in ipairs { 99, 100, 51, 52 } do assert(db:delete { request = "r" .. i }) end
  assert(db:seal())
  assert.equal(96, assert(db:check()))
  for i = 101, 110 do assert(db:add { request_id = "r" .. i, session_id = "s" .. i % 7, created_at = i }) end
  assert(db:seal())
  assert.equal(106, assert(db:check()))
  local reader = assert(sq.open(path, { engine = "columns", readonly = true }))
  assert.equal(7, assert(reader:sessions():count()))
  assert.equal(106, assert(reader:requests():count()))
  reader:close()
  db:close()
  vm.remove(path)
  os.remove(path .. "-columns")
end)
