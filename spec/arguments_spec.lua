--- Query strings: split, decoded once, refused where they say nothing.
local arguments = require "sessionquery.http.arguments"

local good = {
  { nil, {} },
  { "", {} },
  { "&&", {} },
  { "a=1", { a = { "1" } } },
  { "a=1&b=2&a=3", { a = { "1", "3" }, b = { "2" } } },
  { "a", { a = { "" } } },
  { "a=", { a = { "" } } },
  { "=x", { [""] = { "x" } } },
  { "a=b=c", { a = { "b=c" } } },
  { "q=a+b%20c%2Bd", { q = { "a b c+d" } } },
  { "%61=%C3%BC", { a = { "ü" } } },
  { "a=%2525", { a = { "%25" } } }, -- once
  { "filter=eq(name%2C%22x%26y%22)", { filter = { 'eq(name,"x&y")' } } },
}

local bad = {
  { "a=%", "a percent sign without two hexadecimal digits in 'a=%'" },
  { "a=%zz", "percent sign" },
  { "%4=1", "percent sign" },
  { "a=%00", "U+0000" },
  { "a=%ff", "invalid UTF-8" },
  { "a=" .. ("%e2%82"):rep(30), "invalid UTF-8 in 'a=%e2%82" },
  { ("a&"):rep(1001), "more than 1000 values" },
}

describe("the query string", function()
  for _, case in ipairs(good) do
    it(("'%s'"):format(tostring(case[1])), function() assert.same(case[2], arguments.read(case[1])) end)
  end
  for _, case in ipairs(bad) do
    it(("'%s' is refused"):format(case[1]:sub(1, 20)), function()
      local found, message = arguments.read(case[1])
      assert.is_nil(found)
      assert(message:find(case[2], 1, true), message)
    end)
  end
end)
