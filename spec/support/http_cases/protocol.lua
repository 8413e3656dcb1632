--- ETags, HEAD and CORS.
local assert = require "luassert"
local client = require "spec.support.http_cases.client"

local T, records, query_body, request = client.T, client.records, client.query_body, client.request

return function(start, busted)
  local describe, it, setup, teardown = busted.describe, busted.it, busted.setup, busted.teardown

  describe("the protocol", function()
    local server
    setup(function()
      server = start { cors = { "https://app.example", "http://localhost:3000" } }
      assert(server.db:add(records))
    end)
    teardown(function() server.close() end)
    local function get(path, headers, query)
      local asked = request("GET", path, nil, headers)
      asked.query = query
      return server.send(asked)
    end

    it("ETags are weak, and 304 answers who has it", function()
      for _, path in ipairs { "/v1/session/has-session", "/v1/session/s2/tag" } do
        local first = get(path)
        local tag = first.headers.etag
        assert(tag:find '^W/"%x+"$', tag)
        assert.equal("private, no-cache", first.headers["cache-control"])
        for _, known in ipairs { tag, tag:sub(3), '"x", ' .. tag .. ' , W/"y"', "*" } do
          local again = get(path, { ["if-none-match"] = known })
          assert.equal(304, again.status, known)
          assert.equal("", again.body)
          assert.equal(tag, again.headers.etag)
        end
        for _, other in ipairs { '"x"', 'W/"y"', "x", tag:upper():gsub("%x", "0") } do
          assert.equal(200, get(path, { ["if-none-match"] = other }).status, other)
        end
        assert.are_not.equal(tag, get(path, nil, "x=1").headers.etag)
        assert.equal(200, get(path, { ["if-none-match"] = tag }, "x=1").status)
      end
    end)

    it("an ETag changes with every commit that could change the answer", function()
      local db = server.db
      local seen = {}
      local function is_new(path, what)
        local tag = get(path).headers.etag
        assert.is_nil(seen[path .. tag], what)
        assert.equal(200, get(path, { ["if-none-match"] = 'W/"0"' }).status)
        seen[path .. tag] = true
      end
      local tag_path, any_path = "/v1/session/s2/tag", "/v1/session/has-session"
      is_new(tag_path, "at first")
      is_new(any_path, "at first")
      assert(db:add { request_id = "new", session_id = "n", created_at = T })
      is_new(any_path, "add")
      is_new(tag_path, "add")
      assert(db:add { request_id = "new", session_id = "other", created_at = T })
      is_new(any_path, "replace")
      assert(db:update { request_id = "new", model = "m" })
      is_new(any_path, "update")
      assert(db:delete { request = "new" })
      is_new(any_path, "delete")
      assert(db:feedback { request_id = "1", key = "k", score = 1 })
      is_new(any_path, "feedback")
      assert(db:tag("s2", "one"))
      is_new(tag_path, "tag")
      assert(db:tag("s2", "two"))
      is_new(tag_path, "tag again")
    end)

    it("POST answers have no ETag and are never kept", function()
      local answer = server.send(request("POST", "/v1/session/count", query_body(), { ["if-none-match"] = "*" }))
      assert.equal(200, answer.status)
      assert.is_nil(answer.headers.etag)
      assert.equal("private, no-store", answer.headers["cache-control"])
    end)

    it("HEAD is GET without the body", function()
      for _, path in ipairs { "/v1/session/has-session", "/v1/session/s2/tag", "/healthz" } do
        local head, whole = server.send(request("HEAD", path)), get(path)
        assert.equal(200, head.status)
        assert.equal("", head.body)
        assert.equal(whole.headers.etag, head.headers.etag)
        assert.equal(whole.headers["content-type"], head.headers["content-type"])
        assert.equal(("%d"):format(#whole.body), head.headers["content-length"])
      end
      assert.equal(405, server.send(request("HEAD", "/v1/session/query")).status)
      assert.equal(404, server.send(request("HEAD", "/v1/session/nobody/tag")).status)
    end)

    it("CORS: an origin that is named may ask, with every method of the path", function()
      local ask = { origin = "https://app.example", ["access-control-request-method"] = "POST",
        ["access-control-request-headers"] = "authorization,content-type" }
      local answer = server.send(request("OPTIONS", "/v1/session/query", nil, ask))
      assert.equal(204, answer.status)
      assert.equal("", answer.body)
      assert.equal("https://app.example", answer.headers["access-control-allow-origin"])
      assert.equal("POST", answer.headers["access-control-allow-methods"])
      assert(answer.headers["access-control-allow-headers"]:find "Authorization")
      assert(answer.headers["access-control-allow-headers"]:find "Content%-Type")
      assert(answer.headers.vary:find "Origin")
      answer = get("/v1/session/has-session", { origin = "http://localhost:3000" })
      assert.equal(200, answer.status)
      assert.equal("http://localhost:3000", answer.headers["access-control-allow-origin"])
      assert(answer.headers.vary:find "Origin" and answer.headers.vary:find "Authorization")
      assert.equal("https://app.example", get("/nothing", { origin = "https://app.example" }).headers["access-control-allow-origin"])
    end)

    it("CORS: others may not", function()
      for _, origin in ipairs { "https://evil.example", "null", "https://app.example.evil", "http://app.example" } do
        local answer = server.send(request("OPTIONS", "/v1/session/query", nil, { origin = origin, ["access-control-request-method"] = "POST" }))
        assert.equal(403, answer.status, origin)
        assert.is_nil(answer.headers["access-control-allow-origin"])
        answer = get("/v1/session/has-session", { origin = origin })
        assert.is_nil(answer.headers["access-control-allow-origin"])
      end
      local silent = start {}
      local answer = silent.send(request("GET", "/v1/session/has-session", nil, { origin = "https://app.example" }))
      assert.equal(200, answer.status)
      for name in pairs(answer.headers) do assert(not name:find "^access%-control", name) end
      assert.equal(405, silent.send(request("OPTIONS", "/v1/session/query", nil,
        { origin = "https://app.example", ["access-control-request-method"] = "POST" })).status)
      silent.close()
    end)
  end)
end
