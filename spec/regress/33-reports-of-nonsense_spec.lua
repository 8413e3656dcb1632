--- A report that gave something else than rows ended in a stack trace.
local report = require "sessionquery.report"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

it("a report's columns and rows are checked", function()
  local db = assert(sq.open ":memory:")
  for source, message in pairs {
    ["return {title='T',columns={5},rows=function() return {} end}"] = "column 1 is no name",
    ["return {title='T',columns={{}},rows=function() return {} end}"] = "column 1 is no name",
    ["return {title='T',columns={'a'},rows=function() return {{},5} end}"] = "row 2 is a number, not a table",
    ["return {title='T',columns={'a'},rows=function(db) return db:sessions():each() end}"] = "not a list of rows",
    ["return {title='T',columns={'a'},rows=function(db) return nil, 'why', {code='busy'} end}"] = "why",
  } do
    local result, why, detail = report.run(db, vm.write(vm.path "bad.lua", source))
    assert.is_nil(result)
    assert(why:find(message, 1, true), why)
    assert.equal(message == "why" and "busy" or "value", detail.code)
  end
  local result, why, detail = report.run(db, "build/spec/none.lua")
  assert.is_nil(result)
  assert.equal("not_found", detail.code, why)
  assert.has_error(function() report.run(nil, "examples/reports/totals.lua") end)
  db:close()
  assert.has_error(function() report.run(db, "examples/reports/totals.lua") end)
end)

it("what JSON and CSV cannot hold is nothing, and what breaks lines is a space", function()
  local db = assert(sq.open ":memory:")
  local run = assert(report.run(db, vm.write(vm.path "nan.lua", [[
    return { title = "T", columns = { "a", "b" }, rows = function()
      return { { a = 0/0, b = 1/0 }, { a = "x\226\128\174y\194\155z", b = { "=1+1" } } }
    end }]])))
  assert.equal('{"a":null,"b":null}\n', (run:format "jsonl"):match "^[^\n]*\n")
  assert.equal("a,b\r\n,\r\n", (run:format "csv"):match "^[^\n]*\n[^\n]*\n")
  assert((run:format "csv"):find("'=1+1", 1, true))
  assert((run:format "table"):find("x y z", 1, true))
  db:close()
end)
