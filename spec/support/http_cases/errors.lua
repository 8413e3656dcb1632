--- Each mistake: its status, and what is said of it.
local assert = require "luassert"
local client = require "spec.support.http_cases.client"

local records, query_body, name_body, request = client.records, client.query_body, client.name_body, client.request
local data_of, error_of, queries = client.data_of, client.error_of, client.queries

return function(start, busted)
  local describe, it, setup, teardown = busted.describe, busted.it, busted.setup, busted.teardown

  describe("errors", function()
    local server
    setup(function()
      server = start { max_body = 4096 }
      assert(server.db:add(records))
    end)
    teardown(function() server.close() end)

    it("400: every wrong body says where", function()
      local wrong = {
        { "/v1/session/query", "", "the text ends" },
        { "/v1/session/query", "{", "ends" },
        { "/v1/session/query", "[]", "the body is an object" },
        { "/v1/session/query", query_body { limit = 0 }, "at /limit" },
        { "/v1/session/query", query_body { limit = 1001 }, "at /limit" },
        { "/v1/session/query", query_body { filter = { request_response_rmt = { latncy = { gt = 1 } } } },
          "unknown column 'latncy', did you mean 'latency'.*%(at /filter/request_response_rmt/latncy" },
        { "/v1/session/query", '{"search":"\255"}', "invalid UTF%-8" },
        { "/v1/session/query", '{"search":"\\u0000"}', "U%+0000" },
        { "/v1/session/count", "{}", "missing 'search'" },
        { "/v1/session/count", query_body { nameContains = "" }, "unknown member 'nameContains'" },
        { "/v1/session/name/query", "{}", "missing 'nameContains'" },
        { "/v1/session/name/query", name_body { search = "" }, "unknown member 'search'" },
        { "/v1/session/name/query", name_body { pSize = "p50" }, "unknown member 'pSize'" },
        { "/v1/session/name/query", '{"nameContains":""}', "missing 'timezoneDifference'" },
        { "/v1/session/metrics/query", name_body { pSize = "p51" }, "at /pSize" },
        { "/v1/session/metrics/query", name_body { pSize = 50 }, "at /pSize" },
        { "/v1/session/metrics/query", name_body { useInterquartile = 1 }, "at /useInterquartile" },
        { "/v1/session/s2/feedback", "{}", "missing 'rating'" },
        { "/v1/session/s2/feedback", '{"rating":1}', "at /rating" },
        { "/v1/session/s2/feedback", '{"rating":true,"more":1}', "at /more" },
        { "/v1/session/s2/feedback", "true", "the body is an object" },
        { "/v1/session/s2/feedback", "", "the text ends" },
        { "/v1/session/s2/tag", '{"tag":null}', "at /tag" },
        { "/v1/session/s2/tag", '{"tag":""}', "not empty" },
        { "/v1/session/s2/tag", '{"tag":"a","tag":"b"}', "stands twice" },
      }
      for _, case in ipairs(wrong) do
        local message = error_of(server.send(request("POST", case[1], case[2])), 400)
        assert(message:find(case[3]), case[1] .. " " .. case[2] .. ": " .. message)
      end
    end)

    it("400: paths that say nothing", function()
      for _, id in ipairs { "%", "%2", "%zz", "a%00b", "%ff", "%c3%28", "..", ".", "%2e%2e", "%ed%a0%80" } do
        local answer = server.send(request("GET", "/v1/session/" .. id .. "/tag"))
        assert(answer.status == 400 or answer.status == 404 and id:find "^[%%.2e]+$", id .. answer.status)
      end
      error_of(server.send(request("GET", "/v1/session/%zz/tag")), 400)
      error_of(server.send(request("GET", "/v1/session/%c3%28/tag")), 400)
    end)

    it("404: nothing there", function()
      for _, path in ipairs { "/v1/session", "/v1/session/", "/v2/session/query", "/v1/session/query/", "/v1/session/a/b/tag", "/v1/session//tag",
        "/v1/sessions/query", "/V1/session/query", "/v1/session/name", "/healthz/x" } do
        error_of(server.send(request("GET", path)), 404)
      end
    end)

    it("405: with the methods that there are", function()
      for _, path in ipairs(queries) do
        local answer = server.send(request("GET", path))
        error_of(answer, 405)
        assert.equal("POST", answer.headers.allow)
      end
      for path, allow in pairs { ["/v1/session/has-session"] = "GET, HEAD", ["/v1/session/x/tag"] = "GET, HEAD, POST", ["/v1/session/x/feedback"] = "POST",
        ["/healthz"] = "GET, HEAD", ["/metrics"] = "GET, HEAD" } do
        for _, method in ipairs { "PUT", "DELETE", "PATCH", "OPTIONS" } do
          local answer = server.send(request(method, path))
          error_of(answer, 405)
          assert.equal(allow, answer.headers.allow)
        end
      end
    end)

    it("413: more than is taken", function()
      error_of(server.send(request("POST", "/v1/session/query", query_body { search = ("x"):rep(5000) })), 413)
    end)

    it("415: no JSON", function()
      for _, kind in ipairs { false, "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "application/jsonp", "multipart/form-data" } do
        error_of(server.send(request("POST", "/v1/session/query", query_body(), { ["content-type"] = kind })), 415)
      end
      error_of(server.send(request("POST", "/v1/session/query", query_body(), { ["content-encoding"] = "gzip" })), 415)
      for _, kind in ipairs { "application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"' } do
        data_of(server.send(request("POST", "/v1/session/query", query_body(), { ["content-type"] = kind })))
      end
    end)

    it("hostile texts are texts", function()
      local hostile = { "'; DROP TABLE request; --", "\" OR 1=1", "%27%3B", "../../../etc/passwd", "{{7*7}}", "${x}", "<script>", "a\nb", "\\", "%", "_" }
      for _, text in ipairs(hostile) do
        for _, body in ipairs { query_body { search = text }, query_body { nameEquals = text },
          query_body { filter = { request_response_rmt = { model = { equals = text, ["not-equals"] = text, ilike = text:find "\\" and "x" or text } } } },
          query_body { filter = { request_response_rmt = { properties = { [text] = { contains = text } } } } } } do
          local answer = server.send(request("POST", "/v1/session/query", body))
          assert(answer.status == 200 or answer.status == 400, body .. answer.body)
          data_of(server.send(request("POST", "/v1/session/count", query_body { search = text })))
        end
        local encoded = text:gsub("[^%w]", function(byte) return ("%%%02X"):format(byte:byte()) end)
        local answer = server.send(request("GET", "/v1/session/" .. encoded .. "/tag"))
        assert(answer.status == 404, text .. answer.status)
      end
      assert.equal(3, #data_of(server.send(request("POST", "/v1/session/query", query_body()))))
    end)

    it("deep JSON ends in an error", function()
      for _, body in ipairs { ("["):rep(3000), ('{"filter":'):rep(300), ("["):rep(1500) .. ("]"):rep(1500),
        '{"search":"","timeFilter":{"startTimeUnixMs":1e999999,"endTimeUnixMs":2},"timezoneDifference":0,"filter":{}}x' } do
        for _, path in ipairs(queries) do error_of(server.send(request("POST", path, body)), 400) end
      end
    end)
  end)
end
