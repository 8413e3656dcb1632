--- The tests' own validator: each keyword refuses something.
local core = require "sessionquery.core"
local schema = require "spec.support.schema"

local object = { type = "object", properties = { a = { type = "integer" } }, required = { "a" }, additionalProperties = false }

describe("the validator", function()
  for _, case in ipairs {
    { { type = "string" }, '"x"', "1" },
    { { type = { "string", "null" } }, "null", "[]" },
    { { type = "integer" }, "3", "3.5" },
    { { type = "number" }, "3.5", '"3"' },
    { { type = "boolean" }, "false", "0" },
    { { type = "array" }, "[]", "{}" },
    { { type = "object" }, "{}", "[]" },
    { { enum = { "a", "b" } }, '"b"', '"c"' },
    { { const = "a" }, '"a"', '"b"' },
    { object, '{"a":1}', '{"a":"1"}' },
    { object, '{"a":1}', "{}" },
    { object, '{"a":1}', '{"a":1,"b":1}' },
    { { additionalProperties = { type = "integer" } }, '{"x":1}', '{"x":"1"}' },
    { { type = "array", items = { type = "integer" }, minItems = 1, maxItems = 2 }, "[1,2]", '[1,"2"]' },
    { { minItems = 1 }, "[1]", "[]" },
    { { maxItems = 1 }, "[1]", "[1,2]" },
    { { minimum = 0 }, "0", "-1" },
    { { maximum = 0 }, "0", "1" },
    { { minLength = 1 }, '"é"', '""' },
    { { maxLength = 1 }, '"é"', '"éé"' },
    { { pattern = "^%d+$" }, '"12"', '"1e5"' },
    { { format = "uuid" }, '"3c90c3cc-0d44-4b50-8888-8dd25736052a"', '"3c90c3cc0d444b5088888dd25736052a"' },
    { { format = "date-time" }, '"2023-11-07T05:31:56.5Z"', '"2023-11-07 05:31:56"' },
    { { format = "date-time" }, '"2023-11-07T05:31:56+01:00"', '"2023-11-07T05:31:56"' },
    { { anyOf = { { type = "string" }, { type = "null" } } }, "null", "1" },
    { { oneOf = { { minimum = 1 }, { maximum = 5 } } }, "7", "3" },
    { { allOf = { { minimum = 1 }, { maximum = 5 } } }, "3", "7" },
    { { ["$ref"] = "#/$defs/word", ["$defs"] = { word = { type = "string" } } }, '"x"', "1" },
  } do
    it(core.encode(case[1]), function()
      assert.is_nil(schema.check(case[1], core.decode(case[2])))
      assert.is_string(schema.check(case[1], core.decode(case[3])))
    end)
  end

  it("knows no keyword that it does not check", function()
    assert.has_error(function() schema.check({ uniqueItems = true }, {}) end, "unknown keyword uniqueItems")
  end)
end)
