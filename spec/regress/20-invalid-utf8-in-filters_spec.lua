--- A filter of calls or of a table took bytes that are no text: like("\255") matched every row.
local sq = require "sessionquery"
local f = sq.field

it("text of a filter is UTF-8 without NUL, however it is given", function()
  for _, text in ipairs { "\255", "m\255", "\195", "x\0y", "\237\160\128" } do
    for _, operator in ipairs { "eq", "ne", "like", "ilike", "contains", "gt" } do
      local good, message = pcall(function() return (f.model[operator](f.model, text)) end)
      assert(not good and message:find "invalid UTF%-8 in the text" or message:find "U%+0000 in the text", message)
    end
    assert(not pcall(function() return f.model:among { "a", text } end))
    assert(not pcall(function() return f.properties[text]:eq "a" end))
    assert(not pcall(function() return f.properties:has(text) end))
    local filter, message, detail = sq.filter("helicone", { request_response_rmt = { model = { equals = text } } })
    assert.is_nil(filter)
    assert(message:find "invalid UTF%-8" or message:find "U%+0000", message)
    assert.same({ code = "value", pointer = "/request_response_rmt/model/equals" }, detail)
  end
end)
