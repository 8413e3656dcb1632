--- Keys: what each may, and whose data it sees.
local assert = require "luassert"
local client = require "spec.support.http_cases.client"
local keys = require "sessionquery.keys"
local sq = require "sessionquery"

local T, query_body, name_body, request = client.T, client.query_body, client.name_body, client.request
local data_of, error_of, queries, body_for = client.data_of, client.error_of, client.queries, client.body_for

return function(start, busted)
  local describe, it, setup, teardown = busted.describe, busted.it, busted.setup, busted.teardown

  describe("keys", function()
    local server, text = nil, {}
    setup(function()
      server = start { cors = "https://app.example" }
      for _, organization in ipairs { "acme", "globex" } do
        for i, project in ipairs { "default", "web" } do
          assert(server.db:add { request_id = organization .. i, organization_id = organization, project = project, session_id = "shared",
            session_name = organization .. " " .. project, created_at = T + i, cost_usd = i })
          assert(server.db:add { request_id = organization .. i .. "own", organization_id = organization, project = project,
            session_id = organization .. "-" .. project, created_at = T + 10 + i, cost_usd = i })
        end
      end
      local function make(name, options) text[name] = assert(keys.create(server.db, options)) end
      make("acme", { organization = "acme", rights = { "query" } })
      make("acme web", { organization = "acme", project = "web", rights = { "query", "record" } })
      make("globex", { organization = "globex", rights = { "query", "record" } })
      make("globex web", { organization = "globex", project = "web", rights = { "query", "record" } })
      make("recorder", { organization = "acme", rights = { "record" } })
      make("admin", { organization = "acme", rights = { "admin" } })
    end)
    teardown(function() server.close() end)
    local function bearer(name) return { authorization = "Bearer " .. (text[name] or name) } end
    local function post(name, path, body) return server.send(request("POST", path, body, bearer(name))) end
    local function get(name, path, headers)
      local all = bearer(name)
      for header, value in pairs(headers or {}) do all[header] = value end
      return server.send(request("GET", path, nil, all))
    end

    it("401: none, or none that is known", function()
      local id = text.acme:match "^[^.]+"
      local wrong = { false, "", "Bearer", "Bearer ", "Basic " .. text.acme, text.acme, "Bearer x", "Bearer " .. id, "Bearer " .. id .. "." .. ("0"):rep(64),
        "Bearer " .. text.acme .. "0", "Bearer " .. text.acme .. " " .. text.acme }
      for _, value in ipairs(wrong) do
        local answer = server.send(request("POST", "/v1/session/query", query_body(), { authorization = value }))
        error_of(answer, 401)
        assert(answer.headers["www-authenticate"]:find "^Bearer")
        assert(not answer.body:find(id, 1, true))
      end
      for _, value in ipairs { "", "x", text.acme .. "0", "Bearer " .. text.acme } do
        error_of(server.send(request("POST", "/v1/session/query", query_body(), { ["x-api-key"] = value })), 401)
      end
      assert.equal(200, server.send(request("POST", "/v1/session/query", query_body(), { ["x-api-key"] = text.acme })).status)
      error_of(server.send(request("GET", "/v1/session/shared/tag")), 401)
      error_of(server.send(request("GET", "/no/such/path")), 401)
      assert.equal(200, server.send(request("GET", "/healthz")).status)
      local preflight = server.send(request("OPTIONS", "/v1/session/query", nil, { origin = "https://app.example", ["access-control-request-method"] = "POST" }))
      assert.equal(204, preflight.status)
    end)

    it("403: not the right", function()
      for name, paths in pairs {
        acme = { POST = { "/v1/session/shared/feedback", "/v1/session/shared/tag" }, GET = { "/metrics" } },
        recorder = { POST = queries, GET = { "/v1/session/has-session", "/v1/session/shared/tag", "/metrics" } },
        admin = { POST = queries, GET = { "/v1/session/has-session" } },
      } do
        for method, list in pairs(paths) do
          for _, path in ipairs(list) do
            error_of(server.send(request(method, path, method == "POST" and body_for(path) or nil, bearer(name))), 403)
          end
        end
      end
      assert.equal(200, get("admin", "/metrics").status)
    end)

    it("a key sees its own organization and project alone, whatever is asked", function()
      local function sessions(name, members)
        local list = {}
        for i, row in ipairs(data_of(post(name, "/v1/session/query", query_body(members)))) do list[i] = row.session_id .. row.total_cost end
        table.sort(list)
        return table.concat(list, " ")
      end
      assert.equal("acme-default1 acme-web2 shared1 shared2", sessions "acme")
      assert.equal("acme-web2 shared2", sessions "acme web")
      assert.equal("globex-default1 globex-web2 shared1 shared2", sessions "globex")
      local theirs = { request_response_rmt = { organization_id = { equals = "globex" } } }
      assert.equal("", sessions("acme", { filter = theirs }))
      assert.equal("acme-default1 acme-web2 shared1 shared2", sessions("acme", { filter = { left = theirs, operator = "or", right = "all" } }))
      assert.equal("", sessions("acme", { search = "globex" }))
      assert.equal("", sessions("acme", { filter = { request_response_rmt = { request_id = { equals = "globex1" } } } }))
      assert.equal("", sessions("acme", { filter = { request = { org_id = { equals = "globex" } } } }))
      for name, count in pairs { acme = 4, ["acme web"] = 2, globex = 4 } do
        assert.equal(count, data_of(post(name, "/v1/session/count", query_body())).count)
        local named = 0
        for _, row in ipairs(data_of(post(name, "/v1/session/name/query", name_body()))) do
          assert(row.name == "" or row.name:find(name:match "%S+", 1, true), row.name)
          named = named + row.session_count
        end
        assert.equal(count, named)
        local values = 0
        for _, bucket in ipairs(data_of(post(name, "/v1/session/metrics/query", name_body { pSize = "p99.9" })).session_count) do values = values + bucket.value end
        assert.equal(count, values)
      end
    end)

    it("a key reaches no session of another, by tag or feedback", function()
      error_of(get("acme", "/v1/session/globex-web/tag"), 404)
      error_of(post("globex", "/v1/session/acme-web/feedback", '{"rating":true}'), 404)
      error_of(post("globex", "/v1/session/acme-web/tag", '{"tag":"x"}'), 404)
      assert.equal(get("acme", "/v1/session/globex-web/tag").body:gsub("globex%-web", "ID"), get("acme", "/v1/session/nobody/tag").body:gsub("nobody", "ID"))
      error_of(post("globex", "/v1/session/shared/tag", '{"tag":"secret"}'), 400) -- in two projects: which
      assert.equal("ours", data_of(post("globex web", "/v1/session/shared/tag", '{"tag":"ours"}')))
      assert.equal(sq.null, data_of(post("globex web", "/v1/session/shared/feedback", '{"rating":true}')))
      assert.equal(sq.null, data_of(get("acme web", "/v1/session/shared/tag")))
      assert.equal("ours", data_of(get("globex web", "/v1/session/shared/tag")))
      local rated = query_body { filter = { request_response_rmt = { properties = { ["Helicone-Session-Feedback"] = { equals = "1" } } } } }
      assert.equal(0, #data_of(post("acme", "/v1/session/query", rated)))
      assert.equal(1, #data_of(post("globex", "/v1/session/query", rated)))
      local tagged = query_body { filter = { sessions_request_response_rmt = { session_tag = { contains = "our" } } } }
      assert.equal(0, #data_of(post("acme", "/v1/session/query", tagged)))
      assert.equal(1, #data_of(post("globex", "/v1/session/query", tagged)))
    end)

    it("an ETag is of one caller, and tells nothing of others", function()
      for _, path in ipairs { "/v1/session/has-session", "/v1/session/shared/tag" } do
        local mine, theirs = get("acme web", path).headers.etag, get("globex web", path).headers.etag
        assert.are_not.equal(mine, theirs)
        assert.equal(200, get("acme web", path, { ["if-none-match"] = theirs }).status)
        assert.equal(304, get("acme web", path, { ["if-none-match"] = mine }).status)
        assert(server.db:add { request_id = "later", organization_id = "globex", session_id = "later", created_at = T })
        data_of(post("globex web", "/v1/session/shared/tag", '{"tag":"' .. path .. '"}'))
        assert.equal(mine, get("acme web", path).headers.etag)
      end
      local before = get("acme web", "/v1/session/shared/tag").headers.etag
      data_of(post("acme web", "/v1/session/shared/tag", '{"tag":"mine"}'))
      assert.are_not.equal(before, get("acme web", "/v1/session/shared/tag").headers.etag)
    end)
  end)
end
