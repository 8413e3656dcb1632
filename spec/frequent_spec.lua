--- core.frequent: how often which tags and members of maps occur, by project.
local core = require "sessionquery.core"
local sq = require "sessionquery"

describe("frequent", function()
  local db = assert(sq.open ":memory:")
  setup(function()
    assert(db:add {
      { created_at = 1, organization_id = "o", project = "a", tags = { "x", "y" }, properties = { env = "prod", n = 1, ok = true, nested = { 1 } } },
      { created_at = 2, organization_id = "o", project = "a", tags = { "y", "y'z" }, properties = { env = "prod", n = 1, ok = "true" } },
      { created_at = 3, organization_id = "o", project = "b", tags = { "x" }, properties = { env = 'q"', n = 1.5, ok = false }, model = "m" },
      { created_at = 4, organization_id = "p", project = "a", tags = { "x", "y" } },
      { created_at = 5, organization_id = "p", project = "a" },
    })
  end)
  teardown(function() db:close() end)

  local function ask(filter, field, most)
    local query = db:requests()
    if filter then query = query:where(filter) end
    return assert(core.frequent(db._core, query._core, field, most or 10))
  end

  for _, case in ipairs {
    { "of each project, the most frequent first, then by bytes", nil, "tags",
      '[["o","a","y",2],["o","a","x",1],["o","a","y\'z",1],["o","b","x",1],["p","a","x",1],["p","a","y",1]]' },
    { "no more than are asked for", nil, "tags", '[["o","a","y",2],["o","b","x",1],["p","a","x",1]]', 1 },
    { "of what passes", "organization_id = 'o' and created_at < 1970-01-01T00:00:02Z", "tags", '[["o","a","x",1],["o","a","y",1]]' },
    { "nothing of nothing", "project = 'c'", "tags", "[]" },
    { "members of maps by key and value with its type; nested ones are none", nil, "properties",
      '[["o","a","env","prod",2],["o","a","n",1,2],["o","a","ok","true",1],["o","a","ok",true,1],'
      .. '["o","b","env","q\\"",1],["o","b","n",1.5,1],["o","b","ok",false,1]]' },
    { "with a filter that is written before", "request_id in (" .. ("'x', "):rep(600) .. "'y') or tags has 'y''z'", "tags",
      '[["o","a","y",1],["o","a","y\'z",1]]' },
  } do
    it(case[1], function() assert.equal(case[4], ask(case[2], case[3], case[5])) end)
  end

  it("says which fields it does not take", function()
    for _, name in ipairs { "model", "feedback", "session.tags", "nope" } do
      local text, message = core.frequent(db._core, db:requests()._core, name, 1)
      assert.is_nil(text)
      assert.equal(("frequent: '%s' is no list or map of a request"):format(name), message)
    end
    assert.is_nil(core.frequent(db._core, db:sessions()._core, "tags", 1))
  end)
end)
