--- Each mistake: its status, and what is said of it.
local assert = require "luassert"
local client = require "spec.support.freeplay_http_cases.client"
local core = require "sessionquery.core"
local world = require "spec.support.freeplay_world"

local ask, decode, refused = client.ask, client.decode, client.refused

return function(start, busted)
  local describe, it, setup, teardown = busted.describe, busted.it, busted.setup, busted.teardown

  describe("refusals", function()
    local server
    setup(function()
      server = start {}
      world.fill(server.db)
    end)
    teardown(function() server.close() end)

    it("400: the query string", function()
      for query, message in pairs {
        ["page=0"] = "page is a whole number from 1 on, not '0'", ["page=-1"] = "page is a whole number", ["page=x"] = "page is", ["page="] = "page is",
        ["page=1.5"] = "page is", ["page=99999999999999999999"] = "page is", ["page=1&page=2"] = "page stands twice",
        ["page_size=0"] = "page_size is a whole number from 1 to 100, not '0'", ["page_size=101"] = "not '101'", ["page_size=ten"] = "page_size is",
        ["include_children=maybe"] = "include_children is true or false, not 'maybe'", ["include_children"] = "include_children is",
        ["pagesize=5"] = "unknown parameter 'pagesize', did you mean 'page_size'?", ["q=1"] = "unknown parameter 'q'", ["%"] = "percent sign",
      } do
        for _, what in ipairs { "sessions", "traces", "completions" } do
          local said = refused(server, what, 400, { query = query })
          assert(said:find(message, 1, true), query .. ": " .. said)
        end
      end
    end)

    it("400: the body, with the place in it", function()
      for body, message in pairs {
        [""] = "", ["{}"] = "missing 'filters'", ["[]"] = "missing 'filters'", ["5"] = "missing 'filters'", ["{"] = "", ['{"filters":null}'] = "a filter is an object",
        ['{"filter":{}}'] = "missing 'filters'", ['{"field":"model","op":"eq","value":"x"}'] = "missing 'filters'",
        ['{"filters":{},"page":1}'] = "unknown member 'page' of the body",
        ['{"filters":{"and":[{"field":"modl","op":"eq","value":"x"}]}}'] = "unknown field 'modl', did you mean 'model'? (at /filters/and/0/field)",
        ['{"filters":{"field":"model","op":"ne","value":"x"}}'] = "unknown operator 'ne' (model has eq) (at /filters/op)",
        ['{"filters":{"field":"cost","op":"gt","value":"x"}}'] = "cost wants a number here, not text (at /filters/value)",
      } do
        for _, what in ipairs { "sessions", "traces", "completions" } do
          local said = refused(server, what, 400, { body = body })
          assert(said:find(message, 1, true), body .. ": " .. said)
        end
      end
    end)

    it("404: no such project, no such path; 405: no such method", function()
      assert.equal("there is no project 'nothing'", refused(server, "sessions", 404, { project = "nothing" }))
      refused(server, "sessions", 404, { project = core.project_id("", "nothing") })
      refused(server, "runs", 404)
      for _, method in ipairs { "GET", "PATCH", "DELETE" } do
        local answer = ask(server, "sessions", { method = method })
        assert.equal(405, answer.status)
        assert.equal("POST", answer.headers.allow)
        assert.equal("string", type(decode(answer).message))
      end
    end)

    it("413 and 415: bodies that are too large, or no JSON by their name", function()
      refused(server, "sessions", 413, { body = ('{"filters":{}%s}'):format((" "):rep(2 ^ 20)) })
      refused(server, "sessions", 415, { headers = { ["content-type"] = "text/plain" } })
    end)
  end)
end
