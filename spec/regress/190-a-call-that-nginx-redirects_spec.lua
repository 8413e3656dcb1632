--- nginx empties ngx.ctx where it redirects a request by itself, to an error_page or by X-Accel-Redirect. A call whose
--- upstream failed left no record then, and what its budget held back for it stayed so until the window's end.
local vm = require "spec.support.vm"
if vm.name ~= "luajit" then return end

local gateway = require "spec.support.gateway"
local sq = require "sessionquery"

--- `page` and `looked`: an error_page, in a location that looks at what it sends or not; `again`: another provider, asked
--- in a location that says all that the first one said; `aside`: a subrequest is made first.
local locations = [[
    location /page/ {
      access_by_lua_block { gateway.capture.request() gateway.budget { by = "user", max_requests = 50, max_cost_usd = 0.001, reserve_usd = 0.0001 } }
      body_filter_by_lua_block { gateway.capture.response() }
      log_by_lua_block { gateway.record() }
      proxy_pass http://127.0.0.1:1/;
      error_page 502 /sorry;
    }
    location = /sorry { internal; log_by_lua_block { gateway.record() } return 200 '{"error":{"message":"sorry"}}'; }
    location /looked/ {
      access_by_lua_block { gateway.capture.request() }
      proxy_pass http://provider/;
      proxy_intercept_errors on;
      error_page 500 @looked;
    }
    location @looked {
      access_by_lua_block { collectgarbage() collectgarbage() }
      body_filter_by_lua_block { gateway.capture.response() }
      log_by_lua_block { gateway.record() }
      default_type application/json;
      content_by_lua_block { ngx.print '{"error":{"message":"sorry"}}' }
    }
    location /again/ {
      access_by_lua_block { gateway.capture.request { keys = "optional" } gateway.budget { by = "user", max_requests = 1 } }
      proxy_pass http://127.0.0.1:1/;
      error_page 502 = @again;
    }
    location @again {
      access_by_lua_block { gateway.capture.request { keys = "optional" } gateway.budget { by = "user", max_requests = 1 } }
      body_filter_by_lua_block { gateway.capture.response() }
      log_by_lua_block { gateway.record() }
      rewrite ^/again/(.*)$ /$1 break;
      proxy_pass http://provider;
    }
    location = /aside { body_filter_by_lua_block { gateway.capture.response() } return 200 "no answer of a provider"; }
    location /aside/ {
      access_by_lua_block { gateway.capture.request() ngx.location.capture "/aside" }
      body_filter_by_lua_block { gateway.capture.response() }
      log_by_lua_block { gateway.record() }
      proxy_pass http://provider/;
    }
]]

describe("a call that nginx redirects", function()
  local server

  setup(function() server = gateway.start { locations = locations } end)
  teardown(function()
    server:stop()
    gateway.assert_clean(server)
  end)

  local function record_of(path, user)
    return gateway.recorded(server, { path = path, body = gateway.chat,
      headers = { ["Helicone-Session-Id"] = "redirected", ["Helicone-User-Id"] = user } })
  end

  it("is recorded, as one without an answer where its upstream gave none", function()
    local row, status = record_of "/page/v1/chat/completions"
    assert.are.equal(502, status)
    assert.are.equal(-1, row.status)
    assert.are.equal("redirected", row.session_id)
    assert.truthy(row.request_body)
  end)

  it("gives back what was held back for it", function()
    local user = gateway.fresh "user"
    for _ = 1, 20 do
      assert.are.equal(502, (server:ask { path = "/page/v1/chat/completions", body = gateway.chat, headers = { ["Helicone-User-Id"] = user } }))
    end
    assert.are.equal(20, #gateway.stored(server, sq.field.user_id:eq(user), 20))
  end)

  it("is recorded with the status of the answer that was intercepted", function()
    local row, status = record_of "/looked/v1/chat/completions?status=500"
    assert.are.equal(500, status)
    assert.are.equal(500, row.status)
    assert.are.equal("sorry", row.error)
  end)

  it("is one call, and one request of its budget, where another provider answers", function()
    local user = gateway.fresh "user"
    local row, status = record_of("/again/v1/chat/completions", user)
    assert.are.equal(200, status)
    assert.are.equal(200, row.status)
    assert.are.equal("gpt-4o-mini", row.model)
    assert.truthy(row.cost_usd)
    assert.are.equal("redirected", row.session_id)
    assert.are.equal(429, (server:ask { path = "/again/v1/chat/completions", body = gateway.chat, headers = { ["Helicone-User-Id"] = user } }))
  end)

  it("is not mistaken for a subrequest of it", function()
    local row = record_of "/aside/v1/chat/completions"
    assert.are.equal(200, row.status)
    assert.truthy(row.cost_usd)
    assert.is_nil(row.response_body:find("no answer of a provider", 1, true))
  end)
end)
