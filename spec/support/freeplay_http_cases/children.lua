--- How items stand below each other.
local assert = require "luassert"
local client = require "spec.support.freeplay_http_cases.client"

local ask, found, shape = client.ask, client.found, client.shape

return function(start, busted)
  local describe, it = busted.describe, busted.it

  describe("children", function()
    it("of circles and of rows that are not there are all there, once", function()
      local server = start {}
      assert(server.db:add {
        { request_id = "a", session_id = "s", created_at = 1, run_type = "chain", parent_id = "c" }, -- a circle of three
        { request_id = "b", session_id = "s", created_at = 2, parent_id = "a" },
        { request_id = "c", session_id = "s", created_at = 3, parent_id = "b" },
        { request_id = "d", session_id = "s", created_at = 4, parent_id = "d" }, -- of one
        { request_id = "e", session_id = "s", created_at = 5, parent_id = "gone", trace_id = "gone" },
        { request_id = "f", session_id = "s", created_at = 6, parent_id = "gone", trace_id = "a" },
        { request_id = "g", session_id = "s", created_at = 7, run_type = "tool", parent_id = "c" }, -- below a circle
        { request_id = "h", session_id = "s", created_at = 8, trace_id = "h" },
      })
      local query = "include_children=true"
      assert.equal("a(b(c(g)) f) d e h", shape(found(server, "sessions", { query = query }).data[1].children))
      assert.equal("h f e d c(g) b(c(g))", shape(found(server, "completions", { query = query }).data))
      assert.equal("g a(b(c(g)) f)", shape(found(server, "traces", { query = query }).data))
      server.close()
    end)

    it("stand as deep as they were recorded", function()
      local server, records = start {}, {}
      for i = 1, 1000 do records[i] = { request_id = "r" .. i, session_id = "s", created_at = i, run_type = "chain", parent_id = i > 1 and "r" .. i - 1 or nil } end
      assert(server.db:add(records))
      local answer = ask(server, "sessions", { query = "include_children=true" })
      assert.equal(200, answer.status)
      local count = select(2, answer.body:gsub('"trace_id"', ""))
      assert.equal(1000, count)
      assert.equal(1001, select(2, answer.body:gsub('"children":%[', "")))
      assert(answer.body:find("]}" .. ("]}"):rep(1000) .. '],"pagination"', 1, true))
      server.close()
    end)

    it("of requests without a session stand with those of their trace", function()
      local server = start {}
      assert(server.db:add {
        { request_id = "t", created_at = 1, run_type = "chain", trace_id = "t" },
        { request_id = "c", created_at = 2, parent_id = "t", trace_id = "t" },
        { request_id = "x", created_at = 3 },
      })
      assert.equal("t(c)", shape(found(server, "traces", { query = "include_children=true" }).data))
      assert.equal("x c", shape(found(server, "completions", { query = "include_children=true" }).data))
      server.close()
    end)
  end)
end
