--- Bodies as documents: their members, their entries, and phrases in them.
local sq = require "sessionquery"
local f = sq.field

local function passes(body, filter)
  local db = assert(sq.open ":memory:")
  assert(db:add { request_id = "r", created_at = 1, request_body = body })
  local count = assert(db:requests():where(filter):count())
  db:close()
  return count == 1
end

local function check(cases)
  for i, case in ipairs(cases) do
    local body = type(case[1]) == "table" and "a table" or tostring(case[1])
    it(("%d: %s of %s"):format(i, type(case[2]) == "string" and case[2] or case[2]:dump(), body), function()
      assert.equal(case[3], passes(case[1], case[2]))
    end)
  end
end

describe("a member of a body", function()
  check {
    { '{"a":"x"}', "request_body.a = 'x'", true },
    { '{"a":"x"}', "request_body.a = 'X'", false },
    { '{"a":"x"}', "request_body.b is present", false },
    { '{"a":"x"}', "request_body.b != 'x'", true },
    { '{"a":1.50}', "request_body.a = 1.5", true },
    { '{"a":1}', "request_body.a = '1'", false },
    { '{"a":1.0}', "text(request_body.a) = '1'", true },
    { '{"a":true}', "request_body.a = true", true },
    { '{"a":null}', "request_body.a is absent", true },
    { '{"a":{"b":1}}', "request_body.a is present", true },
    { '{"a":{"b":1}}', "request_body.a = 1", false },
    { '{"a":{"b": [1]}}', [[text(request_body.a) = '{"b": [1]}']], true },
    { '{"a":{"b":1}}', 'request_body."a.b" = 1', false }, -- of the top level only
    { '{"a.b":1}', "request_body.a.b = 1", true },
    { '{"a b":"\\u00e9\\n"}', sq.filter("where", [[request_body."a b" like 'é_']]), true },
    { '{"a":"x","a":"y"}', "request_body.a = 'y'", true }, -- the last one counts
    { '{"\\u0061":1}', "request_body.a = 1", true },
    { ' {"a" : 1 } ', "request_body.a = 1", true },
    { '{"a":1', "request_body.a is present", false }, -- no JSON
    { '{"a":1}}', "request_body.a is present", false },
    { '{"a":1,}', "request_body.a is present", false },
    { '[{"a":1}]', "request_body.a is present", false },
    { '"a"', "request_body.a is present", false },
    { "a plain text", "request_body.a is present", false },
    { "", "request_body.a is present", false },
    { nil, "request_body.a is present", false },
    { '{"a":"Not, found"}', "request_body.a phrase 'not found'", true },
    { { eq = { 1 }, b = "x" }, f.request_body "eq":present(), true },
    { { b = "x" }, f.request_body.b:eq "x", true },
  }
end)

describe("an entry of a body", function()
  check {
    { '{"a":{"b":"x"}}', "entry(request_body, key = 'a.b' and value = 'x')", true },
    { '{"a":{"b":"x"}}', "entry(request_body, key = 'a')", false }, -- leaves only
    { '{"a":[{"b":"x"},{"b":"y"}]}', "entry(request_body, key = 'a.b' and value = 'y')", true }, -- places do not count
    { '{"a":[[1,[2]]]}', "entry(request_body, key = 'a' and value = 2)", true },
    { '[{"a":1},{"a":2}]', "entry(request_body, key = 'a' and value = 2)", true },
    { '[1,2]', "entry(request_body, value = 1)", false }, -- no name leads to it
    { '5', "entry(request_body, value = 5)", false },
    { '{"a":1,"b":2}', "entry(request_body, key = 'a' and value = 2)", false }, -- of one entry both
    { '{"a":null,"b":{},"c":[]}', "entry(request_body, key is present)", false },
    { '{"a":[null,1]}', "entry(request_body, key = 'a' and value = 1)", true },
    { '{"a":true}', "entry(request_body, value = true)", true },
    { '{"a":1.0}', "entry(request_body, text(value) = '1')", true },
    { '{"a.b":{"c d":1}}', "entry(request_body, key = 'a.b.c d')", true },
    { '{"":{"":1}}', "entry(request_body, key = '.')", true },
    { '{"\\u00e9":{"b":"\\"\\\\"}}', sq.filter("where", [[entry(request_body, key = 'é.b' and value = '"\')]]), true },
    { '{"a":"x","a":"y"}', "entry(request_body, key = 'a' and value = 'x')", true },
    { '{"a":[{"b":1},2],"c":3}', "entry(request_body, key = 'a' and value = 2) and entry(request_body, key = 'c' and value = 3)", true },
    { '{"a":[{"b":1},2],"c":3}', "entry(request_body, key = 'a.c' or key = 'a.b.c')", false },
    { '{"a":1', "entry(request_body, key = 'a')", false },
    { "a plain text", "entry(request_body, key is present)", false },
    { nil, "entry(request_body, key is present)", false },
    { '{"a":1}', "not entry(request_body, key = 'a' and value > 1)", true },
    { ("[1,"):rep(127) .. '{"a":1}' .. ("]"):rep(127), "entry(request_body, key = 'a')", true },
    { ("[1,"):rep(128) .. '{"a":1}' .. ("]"):rep(128), "entry(request_body, key = 'a')", false }, -- deeper than JSON is read
  }
end)

describe("a phrase", function()
  check {
    { "Error: not found.", f.request_body:phrase "NOT found", true },
    { { message = "not found" }, f.request_body:phrase "message not", true },
    { "notfound", f.request_body:phrase "not found", false },
    { "", f.request_body:phrase "...", true },
    { nil, f.request_body:phrase "", false },
  }

  for _, engine in ipairs { "sql", "auto" } do it("is asked of texts, scalars and lists, engine " .. engine, function()
    local db = assert(sq.open(":memory:", { engine = engine }))
    assert(db:add { request_id = "r", created_at = 1, name = "Tool-Call 7", tags = { "very slow", "EU west" }, properties = { where = "US East", n = 15 } })
    for where, count in pairs {
      ["name phrase 'tool call'"] = 1, ["name phrase 'call tool'"] = 0, ["model phrase ''"] = 0, ["name phrase ''"] = 1,
      ["tags phrase 'eu'"] = 1, ["tags phrase 'slow eu'"] = 0, ["tags not phrase 'slow'"] = 0,
      ["properties.where phrase 'east'"] = 1, ["properties.n phrase '15'"] = 0, ["text(properties.n) phrase '15'"] = 1,
      ["entry(properties, value phrase 'us')"] = 1,
    } do
      assert.equal(count, assert(db:requests():where(where):count()), where)
    end
    db:close()
  end) end
end)
