--- JSON taken apart into texts, and pages of rows as JSON.
local core = require "sessionquery.core"
local sq = require "sessionquery"

describe("core.split", function()
  local good = {
    { '{"a":1,"b":{"x":[1,{"y":2}]},"c":"q\\"}"}', "object", { a = "1", b = '{"x":[1,{"y":2}]}', c = '"q\\"}"' } },
    { ' { "d" : true , "e":false,"f" :null } ', "object", { d = "true", e = "false", f = "null" } },
    { '{"g":-1.50e3,"\\u0041":9007199254740993}', "object", { g = "-1.50e3", A = "9007199254740993" } },
    { '{"a":1,"a":[2]}', "object", { a = "[2]" } },
    { '[1, [2,[3]],{"a":{}} ,"x",true,null]', "array", { "1", "[2,[3]]", '{"a":{}}', '"x"', "true", "null" } },
    { "[]", "array", {} }, { "{}", "object", {} },
  }
  for _, case in ipairs(good) do
    it("takes apart " .. case[1], function()
      local parts, kind, repaired = core.split(case[1])
      assert.same(case[3], parts)
      assert.same({ case[2], false }, { kind, repaired })
    end)
  end

  local bad = {
    { "1", "an object or a list is wanted", "type", 0 }, { '"x"', "an object or a list is wanted", "type", 0 },
    { '{"a":', "the text ends too early", "syntax", 5 }, { "", "the text ends too early", "syntax", 0 }, { "[1]2", nil, "syntax", 3 },
  }
  for _, case in ipairs(bad) do
    it("refuses '" .. case[1] .. "'", function()
      local parts, message, detail = core.split(case[1])
      assert.is_nil(parts)
      if case[2] then assert.equal(case[2], message) end
      assert.same({ case[3], case[4] }, { detail.code, detail.offset })
    end)
  end

  it("repairs what no text may hold, and says so", function()
    local parts, _, repaired = core.split '{"a":"\\ud800"}'
    assert.same({ { a = '"\\ufffd"' }, true }, { parts, repaired })
  end)
end)

describe("page_json", function()
  it("gives a page's rows as they are stored, and where the next one begins", function()
    local db = assert(sq.open ":memory:")
    local bodies = {}
    for i = 1, 3 do
      bodies[i] = ('{"n":%d,"big":9007199254740993}'):format(i)
      assert(db:add { request_id = "r" .. i, created_at = i, request_body = bodies[i], extra = { list = core.decode "[]" } })
    end
    local query = db:requests({ bodies = true }):order_by("created_at"):limit(2)
    local seen = {}
    repeat
      local text, cursor = assert(query:page_json())
      for _, row in ipairs(assert(core.split(text))) do
        local members = assert(core.split(row))
        assert.equal('{"list":[]}', members.extra)
        seen[#seen + 1] = core.decode(members.request_body)
      end
      query = cursor and query:after(cursor)
    until not query
    assert.same(bodies, seen)
    db:close()
    assert.has_error(function() db:requests():page_json() end)
  end)

  it("says what is wrong with a cursor", function()
    local db = assert(sq.open ":memory:")
    local text, message, detail = db:requests():after("nonsense"):page_json()
    assert.is_nil(text)
    assert.is_string(message)
    assert.is_string(detail.code)
    db:close()
  end)
end)
