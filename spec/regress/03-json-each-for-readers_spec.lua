--- The authorizer of a read-only handle refused what SQLite asks for when it first meets json_each.
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("a read-only handle can ask about lists and entries", function()
  local path = vm.path()
  local db = assert(sq.open(path))
  assert(db:add { request_id = "r", created_at = 1, tags = { "x" }, properties = { a = 1 } })
  local reader = assert(sq.open(path, { readonly = true }))
  assert.equal(1, assert(reader:requests():where "tags has 'x' and entry(properties, key = 'a', value = 1)":count()))
  reader:close()
  db:close()
  vm.remove(path)
end)
