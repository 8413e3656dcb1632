--- The compiler, case by case: spec/golden/*.txt.
local contract = require "spec.support.helicone_contract"
local golden = require "spec.support.golden"

for _, path in ipairs(golden.files) do
  describe(path, function()
    for _, case in ipairs(golden.read(path)) do
      if not case.comment then
        it(("line %d"):format(case.line), function()
          assert(case.expected, "no expectation: run make golden, and read the diff")
          local line = golden.write(case)
          local wanted = ("%s | %s | %s"):format(case.dialect, (case.source:gsub("\n", "⏎")), case.expected)
          assert.equal(wanted, line)
        end)
      end
    end
  end)
end

describe("spec/golden/helicone.txt", function()
  it("has every column of both contracts with every operator, none of them an error", function()
    local expected = {}
    for _, case in ipairs(golden.read "spec/golden/helicone.txt") do expected[case.source or ""] = case.expected end
    local count = 0
    for what, source in contract.cases() do
      count = count + 1
      assert(expected[source], "no case for " .. what)
      assert(not expected[source]:find "^error", what .. ": " .. expected[source])
    end
    assert(count > 300, count)
  end)

  it("provokes every kind of error that a compiler gives", function()
    local seen = {}
    for _, path in ipairs(golden.files) do
      for _, case in ipairs(golden.read(path)) do
        local code = case.expected and case.expected:match "^error (%l+)"
        if code then seen[code] = true end
      end
    end
    for _, code in ipairs { "syntax", "unknown", "type", "value", "missing", "limit", "level" } do
      assert(seen[code], "no golden case for an error of code " .. code)
    end
  end)
end)
