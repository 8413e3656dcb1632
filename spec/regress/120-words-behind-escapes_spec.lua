--- A body is kept as JSON text, in which a line's end is \n: the word behind it was "nbeta" to a search, and words with
--- \u escapes were none. Text that is no JSON keeps its backslashes.
local sq = require "sessionquery"

local function cases(indexed)
  local db = assert(sq.open ":memory:")
  assert(db:add {
    { request_id = "table", created_at = 1, request_body = { text = "alpha\nbeta\tgamma" } },
    { request_id = "text", created_at = 1, request_body = [[{"text":"alpha\nbeta\tcaf\u00e9 \"quoted\""}]] },
    { request_id = "plain", created_at = 1, request_body = [[C:\beta\new]] },
    { request_id = "answer", created_at = 1, response_body = { "x\r\nbeta gamma" } },
  })
  if indexed then assert(db:index_words()) end

  local function found(filter)
    local ids = {}
    for row in db:requests():where(filter):order_by("request_id"):each() do ids[#ids + 1] = row.request_id end
    return table.concat(ids, " ")
  end

  for _, case in ipairs {
    { "request_body phrase 'beta'", "plain table text" }, { "request_body phrase 'alpha beta'", "table text" }, { "request_body phrase 'beta gamma'", "table" },
    { "request_body phrase 'CAFÉ quoted'", "text" }, { "request_body phrase 'nbeta'", "" }, { "request_body phrase 'new'", "plain" },
    { "request_body phrase 'ew'", "" }, { "response_body phrase 'beta gamma'", "answer" }, { "not request_body phrase 'beta'", "answer" },
  } do
    it("is found: " .. case[1], function() assert.equal(case[2], found(case[1])) end)
  end

  it("is found by LangSmith's search", function()
    assert.equal("answer plain table text", found(assert(sq.filter("langsmith", [[search("beta")]]))))
    assert.equal("answer table", found(assert(sq.filter("langsmith", [[search("gamma beta")]]))))
  end)
end

describe("a word behind an escape", function() cases(false) end)
describe("a word behind an escape, in the words index,", function() cases(true) end)
