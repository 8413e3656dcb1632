--- Reports, their parameters, and rows as text.
local format = require "sessionquery.format"
local report = require "sessionquery.report"
local sq = require "sessionquery"
local vm = require "spec.support.vm"

local function store()
  local db = assert(sq.open ":memory:")
  assert(db:add {
    { request_id = "1", session_id = "a", session_name = "plan", created_at = "2026-11-18T10:00:00Z",
      model = "gpt-4o", cost_usd = 0.25, prompt_tokens = 10, latency_ms = 100, status = 200, properties = { region = "eu" } },
    { request_id = "2", session_id = "a", created_at = "2026-11-18T11:00:00Z", model = "gpt-4o", cost_usd = 0.5,
      latency_ms = 3000, status = 500, properties = { region = "eu" } },
    { request_id = "3", session_id = "b", created_at = "2026-11-19T10:00:00Z", model = "o3", cost_usd = 1,
      latency_ms = 200, status = 200, properties = { region = "us" } },
    { request_id = "4", session_id = "b", created_at = "2026-11-19T11:00:00Z", model = "o3", latency_ms = 50,
      status = -1, properties = { region = "us" } },
  })
  return db
end

describe("the reports of examples", function()
  it("cost by model and day", function()
    local db = store()
    local result = assert(report.run(db, "examples/reports/cost_by_model_and_day.lua"))
    assert.equal("Cost by model and day", result.title)
    assert.equal([[
day                   model   requests  sessions  tokens  cost_usd
--------------------  ------  --------  --------  ------  --------
2026-11-19T00:00:00Z  o3             2         1          1.000000
2026-11-18T00:00:00Z  gpt-4o         2         1      10  0.750000
]], result:format())
    assert.equal(1, #assert(report.run(db, "examples/reports/cost_by_model_and_day.lua", { since = "2026-11-19" })).rows)
    assert.equal(1, #assert(report.run(db, "examples/reports/cost_by_model_and_day.lua", { limit = "1" })).rows)
    db:close()
  end)

  it("slowest sessions", function()
    local db = store()
    local result = assert(report.run(db, "examples/reports/slowest_sessions.lua", { limit = 1 }))
    assert.equal("id,name,requests,p50_ms,p99_ms,duration_ms\r\na,plan,2,100,3000,3603000\r\n", result:format "csv")
    assert.equal(0, #assert(report.run(db, "examples/reports/slowest_sessions.lua", { requests = 3 })).rows)
    db:close()
  end)

  it("error hot spots", function()
    local db = store()
    local result = assert(report.run(db, "examples/reports/error_hot_spots.lua"))
    assert.equal('{"key":"gpt-4o","errors":1,"total_requests":2,"error_rate":0.5,"total_sessions":1,"latest_request_created_at":"2026-11-18T11:00:00Z"}\n' ..
      '{"key":"o3","errors":1,"total_requests":2,"error_rate":0.5,"total_sessions":1,"latest_request_created_at":"2026-11-19T11:00:00Z"}\n', result:format "jsonl")
    assert.equal("eu", assert(report.run(db, "examples/reports/error_hot_spots.lua", { property = "region" })).rows[1].key)
    db:close()
  end)

  it("totals", function()
    local db = store()
    assert.equal([[
| requests | sessions | cost_usd | prompt_tokens | completion_tokens | cached_tokens | p50_ms | p99_ms | errors |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| 4 | 2 | 1.750000 | 10 |  |  | 100 | 3000 | 2 |
]], assert(report.run(db, "examples/reports/totals.lua")):format "markdown")
    db:close()
  end)
end)

describe("a report", function()
  local function written(source) return vm.write(vm.path "report.lua", source) end

  local function refused(source, pattern, params)
    local db = store()
    local result, message, detail = report.run(db, written(source), params)
    assert.is_nil(result)
    assert(message:find(pattern), message)
    assert(type(detail.code) == "string")
    db:close()
  end

  it("has its parameters checked against its defaults", function()
    local source = [[return { title = "t", params = { days = 7, name = "x", all = false }, columns = { "v" },
      rows = function(_, p) return { { v = type(p.days) .. type(p.name) .. type(p.all) .. tostring(p.days) .. p.name
        .. tostring(p.all) } } end }]]
    local db = store()
    local function ran(params) return assert(report.run(db, written(source), params)).rows[1].v end
    assert.equal("numberstringboolean7xfalse", ran())
    assert.equal("numberstringboolean3ytrue", ran { days = 3, name = "y", all = true })
    assert.equal("numberstringboolean3ytrue", ran { days = "3", name = "y", all = "true" })
    db:close()
    refused(source, "no parameter 'day', did you mean 'days'?", { day = 3 })
    refused(source, "parameter days is a number, not 'many'", { days = "many" })
    refused(source, "parameter all is a boolean, not 'yes'", { all = "yes" })
    refused(source, "parameter name is a string, not '5'", { name = 5 })
    assert.has_error(function() report.run(db, 5) end)
    assert.has_error(function() report.run(db, "x", 5) end)
  end)

  it("that is none says so", function()
    refused("return 5", "it returns a number, not a table")
    refused("return {", "report")
    refused("error 'broken'", "broken")
    refused("return { title = 5, columns = {}, rows = print }", "title is a number, not a string")
    refused("return { title = 't', rows = print }", "columns is a nil, not a table")
    refused("return { title = 't', columns = {}, rows = function() error 'no' end }", "no")
    refused("return { title = 't', columns = {}, rows = function() return nil, 'why not' end }", "why not")
    refused("return { title = 't', columns = {}, rows = function() return 5 end }", "rows gave a number, not a list")
    local result, message, detail = report.run(store(), "build/spec/none.lua")
    assert.is_nil(result)
    assert(message:find "none.lua", detail.code)
  end)
end)

describe("rows as text", function()
  local columns = { "name", { name = "cost", title = "US$", type = "money" }, { name = "at", type = "time" }, "list", "flag" }
  local rows = {
    { name = "é|\n\27[31m", cost = 0.5, at = 1.5, list = { "a", "b" }, flag = true },
    { name = '=1+1,"x"', cost = 12, list = {}, flag = false },
    { cost = 0.000000001, at = 0, list = { k = 1 } },
  }

  it("table", function()
    assert.equal([[
name        US$  at                        list     flag
--------  ---------  ------------------------  -------  -----
é|  [31m   0.500000  1970-01-01T00:00:01.500Z  a, b     true
=1+1,"x"  12.000000                                     false
           0.000000  1970-01-01T00:00:00Z      {"k":1}
]], (assert(format.write("table", columns, rows)):gsub("^name            US%$", "name        US$")))
  end)

  it("CSV: exact, quoted, and no formula for a spreadsheet", function()
    assert.equal("name,US$,at,list,flag\r\n\"é|\n\27[31m\",0.5,1970-01-01T00:00:01.500Z,\"a, b\",true\r\n\"'=1+1,\"\"x\"\"\",12,,,false\r\n,1e-9,1970-01-01T00:00:00Z,\"{\"\"k\"\":1}\",\r\n",
      assert(format.write("csv", columns, rows)))
  end)

  it("JSON lines", function()
    local core = require "sessionquery.core"
    local lines = {}
    for line in assert(format.write("jsonl", columns, rows)):gmatch "[^\n]+" do lines[#lines + 1] = assert(core.decode(line)) end
    assert.equal(3, #lines)
    assert.same({ name = rows[1].name, cost = 0.5, at = "1970-01-01T00:00:01.500Z", list = { "a", "b" }, flag = true }, lines[1])
    assert.equal('{"l":[],"m":{},"n":null}\n', assert(format.write("jsonl",
      { { name = "l", type = "list" }, { name = "m", type = "map" }, "n" }, { { l = {}, m = {} } })))
  end)

  it("Markdown", function()
    assert.equal([[
| name | US$ | at | list | flag |
| --- | ---: | --- | --- | --- |
| é\|  [31m | 0.500000 | 1970-01-01T00:00:01.500Z | a, b | true |
| =1+1,"x" | 12.000000 |  |  | false |
|  | 0.000000 | 1970-01-01T00:00:00Z | {"k":1} |  |
]], assert(format.write("markdown", columns, rows)))
  end)

  it("of no rows, and of an unknown kind", function()
    assert.equal("a\n-\n", assert(format.write("table", { "a" }, {})))
    local text, message = format.write("xml", { "a" }, {})
    assert.is_nil(text)
    assert(message:find "unknown output 'xml': there are csv, jsonl, markdown, table")
  end)
end)
