--- A map in import lost nulls, made [] into {}, and broke the digits of large integers.
local core = require "sessionquery.core"
local sq = require "sessionquery"

local function import_one(db, line, map)
  local given
  return assert(db:import(function()
    if given then return nil end
    given = true
    return line
  end, { map = map }))
end

it("what a map leaves alone comes through", function()
  local db = assert(sq.open ":memory:")
  local body = '{"a":null,"b":[],"c":{},"d":[null,[]],"e":12345678901234567890}'
  import_one(db, ('{"request_id":"r","created_at":1,"request_body":%s,"more":%s}'):format(body, body), function(record)
    assert.equal(sq.null, record.request_body.a)
    return record
  end)
  local row = assert(db:requests({ bodies = true }):first())
  assert.same({ a = sq.null, b = {}, c = {}, d = { sq.null, {} }, e = "12345678901234567890" }, (core.decode(row.request_body)))
  assert(row.request_body:find('"b":[]', 1, true) and row.request_body:find('"c":{}', 1, true)
    and row.request_body:find('"d":[null,[]]', 1, true), row.request_body)
  db:close()
end)

it("a null clears in an update, with a map and without", function()
  for _, map in ipairs { false, function(record) return record end } do
    local db = assert(sq.open ":memory:")
    assert(db:add { request_id = "r", created_at = 1, model = "m" })
    local given
    assert(db:import(function()
      if given then return nil end
      given = true
      return '{"request_id":"r","model":null}'
    end, { map = map or nil, on_conflict = "update" }))
    assert.is_nil(assert(db:requests():first()).model)
    db:close()
  end
end)

it("broken characters are repaired and counted, with a map too", function()
  local db = assert(sq.open ":memory:")
  local sum = import_one(db, '{"request_id":"x\255","created_at":1,"model":"a\\u0000\\ud800b"}', function(record) return record end)
  assert.same({ 1, 1, 0 }, { sum.added, sum.repaired, sum.failed })
  local row = assert(db:requests():first())
  assert.same({ "x\239\191\189", "a\239\191\189\239\191\189b" }, { row.request_id, row.model })
  db:close()
end)
