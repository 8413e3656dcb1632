--- detail.sum told of lines of a block that was undone, and a locked store was the fault of record 0.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("the sum is what stays", function()
  local db = assert(sq.open ":memory:")
  local lines, at = { '{"skip":1}', '{"id":"a\255"}', '{"bad":1}' }, 0
  local sum, _, detail = db:import(function()
    at = at + 1
    return lines[at]
  end, { on_error = "stop", map = function(record)
    if record.skip then return nil end
    if record.bad then error "bad" end
    return { request_id = record.id, created_at = 1 }
  end })
  assert.is_nil(sum)
  assert.equal(3, detail.line)
  for name, count in pairs(detail.sum) do
    if name ~= "errors" then assert.equal(0, count, name) end
  end
  assert.same({}, detail.sum.errors)
  assert.equal(0, assert(db:requests():count()))
  db:close()
end)

it("a fault of the store is no record's", function()
  local path = vm.path()
  assert(sq.open(path)):close()
  local db = assert(sq.open(path, { readonly = true }))
  local ids, message, detail = db:add { { created_at = 1 } }
  assert.is_nil(ids)
  assert.equal("the store was opened read-only", message)
  assert.is_nil(detail.record)
  db:close()
end)
